//! Wires a Python Celery service to a RabbitMQ event bus, and keeps it wired.

pub mod config;
pub mod contract;
pub mod edit;
pub mod facts;
pub mod finding;
pub mod path;
pub mod plan;
pub mod python;
pub mod render;
pub mod report;
pub mod rules;
mod templates;
pub mod tree;
