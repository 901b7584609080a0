//! The crate's story comes here.
