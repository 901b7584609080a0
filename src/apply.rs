//! Puts planned changes on disk: all of them or none, also when the process dies half way.
//!
//! The only module that writes. A run leaves a trace at each stage, so that [`recover`] knows what
//! to do wherever the last one stopped:
//!
//! 1. *check*: nothing changed since it was read, everything can be written. No trace.
//! 2. *stage*: the journal says what will be; then new contents and links to the old ones are put
//!    beside their targets. Stopped here: all that is removed, no target was touched.
//! 3. *commit*: one line more in the journal. Stopped behind it: the staged files move in place,
//!    or, where they are gone, the old ones move back.
//! 4. *tidy*: what was staged goes, then the journal.
//!
//! Kept: permissions, owner and group, symbolic links. Not kept: extended attributes and ACLs of a
//! file that is edited.

mod check;
mod disk;
mod journal;
mod stages;
mod transaction;

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::path::RelPath;
use crate::plan::FileChange;
use crate::tree::Tree;
use disk::Disk;
use journal::{Held, Phase};
pub use stages::stage_conflicts;
use transaction::{Direction, Transaction};

/// What became of a run that was interrupted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recovered {
    /// These files are now as it planned them.
    Finished(Vec<RelPath>),
    /// These files are as they were before it.
    Undone(Vec<RelPath>),
}

/// Why an [`apply`] that has made its changes is an error all the same: it left its own files.
#[derive(Debug)]
pub struct Untidy;

impl fmt::Display for Untidy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the changes are written, and files named .scaffold-events.* could not be removed; \
             run again to do that",
        )
    }
}

/// Makes these changes below `root`, which need not exist yet; `tree` is what they were planned on.
///
/// An error means that every file is as it was, unless it says that undoing failed too, or is
/// [`Untidy`]: then [`recover`] ends it. A directory that a deletion leaves empty goes too.
pub fn apply(tree: &Tree, root: &Path, changes: &[FileChange]) -> Result<()> {
    apply_on(&Disk::new(root), tree, changes)
}

/// Finishes or undoes an interrupted run, if there was one. Writing commands begin with this.
///
/// Where a file is neither as before nor as planned, an error says so, and nothing is touched.
pub fn recover(root: &Path) -> Result<Option<Recovered>> {
    recover_on(&Disk::new(root))
}

/// Whether an interrupted run waits for [`recover`]; one that is still at work does not count.
pub fn interrupted(root: &Path) -> bool {
    journal::is_abandoned(root)
}

fn apply_on(disk: &Disk, tree: &Tree, changes: &[FileChange]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let steps = check::steps(tree, disk.root(), changes)?;
    let made = disk.make_root()?;
    let outcome =
        Held::begin(disk).and_then(|held| Transaction::new(disk, held, &steps).run(&steps));
    if outcome.is_err() {
        disk.unmake_root(&made);
    }
    outcome
}

fn recover_on(disk: &Disk) -> Result<Option<Recovered>> {
    let Some(held) = Held::take_over(disk.root())? else {
        return Ok(None);
    };
    let (journal, direction) = match held.phase(disk.root())? {
        Phase::Torn => {
            held.end(disk)?;
            return Ok(Some(Recovered::Undone(Vec::new())));
        }
        Phase::Staging(journal) => (journal, None),
        Phase::Committed(journal) => {
            let direction = check::direction(disk.root(), &journal)?;
            (journal, Some(direction))
        }
    };
    let targets = journal.targets();
    let transaction = Transaction::resume(disk, held, journal);
    match direction {
        Some(Direction::Forward) => transaction.forward()?,
        Some(Direction::Back) => transaction.back()?,
        None => {}
    }
    let direction = direction.unwrap_or(Direction::Back);
    transaction
        .tidy(direction)
        .context("cannot tidy up after an interrupted run; run again")?;
    Ok(Some(match direction {
        Direction::Forward => Recovered::Finished(targets),
        Direction::Back => Recovered::Undone(targets),
    }))
}

#[cfg(test)]
mod tests;
