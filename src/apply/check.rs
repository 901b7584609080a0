//! What must hold before anything is written. Reads and judges; writes nothing.
#![expect(
    clippy::disallowed_methods,
    reason = "whether a file may be replaced, and what it is now, no snapshot says"
)]

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::Access;

use super::journal::{Journal, Move};
use super::transaction::Direction;
use crate::lock::{LOCK, sha256};
use crate::path::RelPath;
use crate::plan::FileChange;
use crate::tree::{Entry, Tree};

/// One file to write, all questions answered.
pub(super) struct Step<'a> {
    /// The file itself, behind symbolic links.
    pub(super) target: RelPath,
    pub(super) before: Option<Arc<[u8]>>,
    pub(super) after: Option<&'a [u8]>,
    /// The directories it still needs, innermost first.
    pub(super) missing: Vec<RelPath>,
}

/// The steps that make these changes, the lock file last; an error if any of them could not be
/// made, or what they were planned on is no more.
pub(super) fn steps<'a>(
    tree: &Tree,
    root: &Path,
    changes: &'a [FileChange],
) -> Result<Vec<Step<'a>>> {
    if let Some(path) = tree.changed().first() {
        return Err(changed(path));
    }
    let now = Tree::disk(root);
    let mut steps = changes
        .iter()
        .map(|change| step(&now, root, change))
        .collect::<Result<Vec<_>>>()?;
    unchanged(root, &steps)?;
    let targets: BTreeSet<&RelPath> = steps.iter().map(|step| &step.target).collect();
    ensure!(
        targets.len() == steps.len(),
        "the plan writes one file twice; this is a bug of scaffold-events, nothing was written"
    );
    if root.exists() {
        directory_is_writable(root, &RelPath::root())?;
    }
    steps.sort_by_key(|step| step.target.as_str() == LOCK);
    Ok(steps)
}

/// Whether every target still is as it was when the plan was made.
pub(super) fn unchanged(root: &Path, steps: &[Step]) -> Result<()> {
    let now = Tree::disk(root);
    for step in steps {
        let expected = match &step.before {
            Some(bytes) => Entry::File(bytes.clone()),
            None => Entry::Missing,
        };
        if now.entry(&step.target) != expected {
            return Err(changed(&step.target));
        }
    }
    Ok(())
}

/// Where an interrupted run that was committed can end: forward if it can.
pub(super) fn direction(root: &Path, journal: &Journal) -> Result<Direction> {
    let tree = Tree::disk(root);
    let found = |path: &RelPath| tree.bytes(path).map(|bytes| sha256(&bytes));
    let (mut forward, mut back) = (true, true);
    for (
        index,
        Move {
            target,
            before,
            after,
        },
    ) in journal.moves.iter().enumerate()
    {
        let now = found(target);
        let is_plain = tree.real(target).as_ref() == Some(target)
            && matches!(tree.entry(target), Entry::Missing | Entry::File(_));
        if !is_plain || (now != *before && now != *after) {
            bail!(
                "a run was interrupted, and {target} was changed since; nothing was touched. \
                 Put it right (what it was is in {}, what it was to be in {}), delete the files \
                 named .scaffold-events.*, then run again",
                journal.old_at(index),
                journal.new_at(index),
            );
        }
        forward &= now == *after || after.is_none() || found(&journal.new_at(index)) == *after;
        back &= now == *before || before.is_none() || found(&journal.old_at(index)) == *before;
    }
    match (forward, back) {
        (true, _) => Ok(Direction::Forward),
        (false, true) => Ok(Direction::Back),
        (false, false) => bail!(
            "a run was interrupted, and files it left were removed since; nothing was touched. \
             See `git status`, put the files right, delete those named .scaffold-events.*, \
             then run again"
        ),
    }
}

fn changed(path: &RelPath) -> anyhow::Error {
    anyhow::anyhow!("{path} changed while we were planning; run again")
}

fn step<'a>(now: &Tree, root: &Path, change: &'a FileChange) -> Result<Step<'a>> {
    let path = &change.path;
    let target = now
        .real(path)
        .with_context(|| format!("{path} leads out of the service; nothing was written"))?;
    if change.before.is_some() {
        file_is_ours_to_replace(root, &target)?;
    }
    let (missing, present): (Vec<_>, Vec<_>) =
        std::iter::successors(target.parent(), RelPath::parent)
            .partition(|directory| now.entry(directory) == Entry::Missing);
    if let Some(nearest) = present.first() {
        directory_is_writable(root, nearest)?;
    }
    Ok(Step {
        target,
        before: change.before.clone(),
        after: change.after.as_deref(),
        missing: missing
            .into_iter()
            .filter(|directory| *directory != RelPath::root())
            .collect(),
    })
}

/// A rename would replace what a write would not be allowed to change, so we ask first. The bits
/// are asked for themselves because root is allowed everything.
fn file_is_ours_to_replace(root: &Path, target: &RelPath) -> Result<()> {
    let full = root.join(target.as_str());
    // A file that has gone is for `unchanged` to tell.
    let Ok(kind) = std::fs::symlink_metadata(&full) else {
        return Ok(());
    };
    ensure!(
        has_write_bit(&kind),
        "{target} is read-only; make it writable (`chmod u+w {target}`), then run again"
    );
    rustix::fs::access(&full, Access::WRITE_OK).with_context(|| {
        format!("we may not write {target}; run as the user who may, or make it writable")
    })?;
    ensure!(
        !kind.is_file() || kind.nlink() == 1,
        "{target} is one file with {} names (hard links), and a write would part them; make it \
         one of its own (`cp -p {target} copy && mv copy {target}`), then run again",
        kind.nlink()
    );
    Ok(())
}

fn directory_is_writable(root: &Path, directory: &RelPath) -> Result<()> {
    let full = root.join(directory.as_str());
    let kind = std::fs::metadata(&full)
        .with_context(|| format!("cannot look at the directory {directory}; run again"))?;
    ensure!(
        has_write_bit(&kind),
        "the directory {directory} is read-only; make it writable (`chmod u+w {directory}`), \
         then run again"
    );
    // To make new names safe on disk, it is opened for reading too.
    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(&full, wanted).with_context(|| {
        format!("we may not read and write in the directory {directory}; run as the user who may")
    })
}

fn has_write_bit(kind: &Metadata) -> bool {
    kind.mode() & 0o222 != 0
}
