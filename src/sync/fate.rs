//! Our own files as they stand, wherever they were moved to, and what they were. Pure.

use std::sync::Arc;

use crate::contract::Contract;
use crate::finding::Finding;
use crate::lock::{self, Lock};
use crate::merge::has_markers;
use crate::path::RelPath;
use crate::render::{self, Inputs};
use crate::tree::Tree;

/// Our files as they stand.
pub(super) struct Fate(Vec<Owned>);

/// One file of ours.
pub(super) struct Owned {
    /// Where the lock has it.
    pub(super) path: RelPath,
    /// Where it is: there, or where it was moved to; nowhere if it was deleted.
    pub(super) now: Option<(RelPath, Arc<[u8]>)>,
    /// What we wrote, rendered again; nothing where that is not what the lock says.
    pub(super) base: Option<Vec<u8>>,
    pub(super) record: lock::Owned,
}

impl Fate {
    pub(super) fn of(tree: &Tree, lock: &Lock, recorded: &Contract) -> Result<Self, Finding> {
        let base = base(lock, recorded)?;
        let files = lock.owned.iter().map(|(path, record)| Owned {
            path: path.clone(),
            now: tree
                .whereabouts(path)
                .and_then(|at| Some((at.clone(), tree.bytes(&at)?))),
            base: base
                .clone()
                .filter(|text| lock::hash(text) == record.written),
            record: record.clone(),
        });
        Ok(Self(files.collect()))
    }

    /// Where our files are now.
    pub(super) fn paths(&self) -> impl Iterator<Item = &RelPath> {
        self.0
            .iter()
            .filter_map(|owned| Some(&owned.now.as_ref()?.0))
    }

    /// The directory that the user moved our file to.
    pub(super) fn moved_to(&self) -> Option<RelPath> {
        let moved = |owned: &Owned| {
            let (now, _) = owned.now.as_ref()?;
            (*now != owned.path).then(|| now.parent().unwrap_or_default())
        };
        self.0.iter().find_map(moved)
    }

    /// One was deleted.
    pub(super) fn is_missing(&self) -> bool {
        self.missing().next().is_some()
    }

    /// Those that were deleted.
    pub(super) fn missing(&self) -> impl Iterator<Item = &RelPath> {
        let gone = self.0.iter().filter(|owned| owned.now.is_none());
        gone.map(|owned| &owned.path)
    }

    /// Whether one is not as it was last left.
    pub(super) fn is_edited(&self) -> bool {
        self.0.iter().any(|owned| match &owned.now {
            Some((_, text)) => lock::hash(text) != owned.record.accepted,
            None => true,
        })
    }

    /// The file with conflict markers in it, from an earlier merge.
    pub(super) fn unresolved(&self) -> Option<&RelPath> {
        let marked = |owned: &&Owned| {
            owned
                .now
                .as_ref()
                .is_some_and(|(_, text)| has_markers(text))
        };
        let found = self.0.iter().find(marked)?;
        found.now.as_ref().map(|(now, _)| now)
    }

    /// The file that a new one takes the place of: of the same path, or the only one.
    pub(super) fn before(&self, path: &RelPath) -> Option<&Owned> {
        let is_here = |owned: &&Owned| {
            owned.path == *path || owned.now.as_ref().is_some_and(|(now, _)| now == path)
        };
        match self.0.as_slice() {
            [only] => Some(only),
            all => all.iter().find(is_here),
        }
    }
}

/// The listener as the lock's contract and inputs give it.
fn base(lock: &Lock, recorded: &Contract) -> Result<Option<Vec<u8>>, Finding> {
    let input = |name: &str| lock.inputs.get(name).cloned();
    let (Some(app_module), Some(app_variable), Some(handlers_module)) = (
        input("app_module"),
        input("app_variable"),
        input("handlers_module"),
    ) else {
        return Ok(None);
    };
    let inputs = Inputs {
        app_module,
        app_variable,
        handlers_module,
    };
    render::try_listener(recorded, &inputs)
        .map(|text| Some(text.into_bytes()))
        .map_err(|fault| lock::damaged_contract(&fault.why))
}
