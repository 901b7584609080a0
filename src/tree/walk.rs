//! Which files may matter: everything but what tools put there.

use std::collections::{BTreeSet, VecDeque};

use super::Entry;
use super::disk::Found;
use super::snapshot::Snapshot;
use crate::path::RelPath;

const DEPTH_LIMIT: usize = 32;
const COUNT_LIMIT: usize = 50_000;

/// Directories that hold no source of the service, whatever is in them.
const SKIPPED: &[&str] = &[
    ".bzr",
    ".cache",
    ".direnv",
    ".eggs",
    ".git",
    ".hg",
    ".idea",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".serverless",
    ".svn",
    ".terraform",
    ".tox",
    ".vscode",
    "__pycache__",
    "__pypackages__",
    "bower_components",
    "htmlcov",
    "node_modules",
    "site-packages",
];

/// Build outputs, unless they are Python packages of that name.
const OUTPUTS: &[&str] = &["build", "dist", "target"];

/// What a walk found.
pub(super) struct Walk {
    /// The files, sorted.
    pub(super) files: Vec<RelPath>,
    /// Whether every directory could be read and no limit was met.
    pub(super) whole: bool,
}

impl Walk {
    /// The files that only one of the two walks found.
    pub(super) fn difference(&self, other: &Self) -> Vec<RelPath> {
        let ours: BTreeSet<_> = self.files.iter().collect();
        let theirs: BTreeSet<_> = other.files.iter().collect();
        ours.symmetric_difference(&theirs)
            .map(|path| (*path).clone())
            .collect()
    }
}

/// Walks breadth first, so that a limit cuts off what lies deepest.
pub(super) fn walk(snapshot: &Snapshot) -> Walk {
    let mut walk = Walk {
        files: Vec::new(),
        whole: true,
    };
    let mut waiting = VecDeque::from([RelPath::root()]);
    while let Some(directory) = waiting.pop_front() {
        let names = match snapshot.found(&directory) {
            Ok(names) => names,
            Err(stands) => {
                walk.whole &= directory == RelPath::root() && stands == Entry::Missing;
                continue;
            }
        };
        if is_foreign(snapshot, &directory, &names) {
            continue;
        }
        for (name, found) in names {
            let path = directory.join(&name);
            match found {
                Found::Directory if is_skipped(&name) => {}
                Found::Directory if path.parts().count() > DEPTH_LIMIT => walk.whole = false,
                Found::Directory => waiting.push_back(path),
                Found::Link if snapshot.is_directory(&path) => {}
                Found::File | Found::Link => walk.files.push(path),
            }
        }
        if walk.files.len() > COUNT_LIMIT {
            walk.whole = false;
            break;
        }
    }
    walk.files.sort();
    walk
}

fn is_skipped(name: &str) -> bool {
    SKIPPED.contains(&name) || name.ends_with(".egg-info")
}

/// A virtualenv, by whatever name, or a build output: told by what is in it.
fn is_foreign(snapshot: &Snapshot, directory: &RelPath, names: &[(String, Found)]) -> bool {
    let has = |name: &str| names.iter().any(|(it, _)| it == name);
    if *directory == RelPath::root() {
        return false;
    }
    let has_activate = || {
        let scripts = snapshot.found(&directory.join("bin")).unwrap_or_default();
        scripts.iter().any(|(name, _)| name == "activate")
    };
    has("pyvenv.cfg")
        || (has("bin") && has("lib") && has_activate())
        || (OUTPUTS.contains(&directory.file_name()) && !has("__init__.py"))
}
