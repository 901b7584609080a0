//! One value for all commands: every file that would differ, and what is not as the contract wants.

use std::sync::Arc;

use crate::finding::Finding;
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

/// Everything a command needs to know.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The files that would differ, in path order; the lock file last.
    pub changes: Vec<FileChange>,
    /// What is not as the contract wants, worst first.
    pub findings: Vec<Finding>,
    /// What `init` settled on, as (key, value) of the config, for the summary.
    pub settled: Vec<(&'static str, String)>,
    /// What a person does next, in order.
    pub next: Vec<String>,
}
