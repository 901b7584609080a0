//! One file per thing to ensure. Pure.

pub mod element;
pub mod url_literal;
