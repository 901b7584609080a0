//! Wires a Python Celery service to a RabbitMQ event bus, and keeps it wired.

pub mod apply;
pub mod celery;
pub mod cli;
pub mod config;
pub mod contract;
pub mod draft;
pub mod edit;
pub mod facts;
pub mod finding;
pub mod init;
pub mod lock;
pub mod newline;
pub mod next;
pub mod path;
pub mod plan;
pub mod python;
pub mod render;
pub mod report;
pub mod rules;
pub mod scaffold;
mod templates;
pub mod tree;
pub mod unwire;
pub mod url;
pub mod verify;
