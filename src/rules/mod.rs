//! One file per thing to ensure. Pure.
