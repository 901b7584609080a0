//! Wires a Python Celery service to a RabbitMQ event bus, and keeps it wired.

pub mod celery;
pub mod config;
pub mod contract;
pub mod draft;
pub mod edit;
pub mod facts;
pub mod finding;
pub mod path;
pub mod plan;
pub mod python;
pub mod rules;
pub mod tree;
pub mod url;
