//! One file before and after, and whose it is. Pure.

use std::sync::Arc;

use crate::path::RelPath;

/// Whose file it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Theirs: only byte edits.
    Shared,
    /// Ours once, theirs ever after.
    Seeded,
    /// Ours: regenerated.
    Owned,
    /// Our record: config and lock.
    Record,
}

/// One file before and after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileChange {
    /// Which file.
    pub path: RelPath,
    /// Whose it is.
    pub kind: Kind,
    /// Its bytes now; `None` where there is no such file.
    pub before: Option<Arc<[u8]>>,
    /// Its bytes as planned; `None` where it goes.
    pub after: Option<Vec<u8>>,
    /// What is done to it, a few words each ("events queue", "kombu import").
    pub what: Vec<String>,
}
