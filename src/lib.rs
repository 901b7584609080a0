//! Wires a Python Celery service to a RabbitMQ event bus, and keeps it wired.
//!
//! A command builds one value, a [`plan::Plan`]: every file that would differ, with its bytes before and
//! after, and the [`finding::Finding`]s. Building it is a pure function of a [`tree::Tree`], the
//! snapshot of a service's files; commands differ only in what they do with the plan.
//!
//! ```text
//! disk --tree--> Tree --facts--> Facts --rules--> Findings + Draft --plan--> Plan --+--apply--> disk
//!                                           ^                                       +--report-> terminal, JSON, SARIF
//!                     contract, celery, render (embedded templates)
//! ```
//!
//! Only `tree` reads a service's files, only `apply` writes them, only `cli` and `report` print; where
//! another module must look at the disk (`apply` at what it is about to replace, `doctor` for a Python),
//! it says why. Imports go one way, from the right of this picture to its left; a test holds them to it.

pub mod apply;
pub mod celery;
pub mod change;
pub mod cli;
pub mod config;
pub mod contract;
pub mod doctor;
pub mod draft;
pub mod edit;
pub mod facts;
pub mod finding;
pub mod init;
pub mod lock;
pub mod merge;
pub mod newline;
pub mod next;
pub mod path;
pub mod plan;
pub mod python;
pub mod render;
pub mod report;
pub mod rules;
pub mod scaffold;
pub mod standing;
pub mod sync;
mod templates;
pub mod tree;
pub mod unwire;
pub mod url;
pub mod verify;
