//! The stages of one run. Each can be repeated, so that a run that died in it can be taken up.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Untidy;
use super::check::{self, Step};
use super::disk::Disk;
use super::journal::{self, Held, Journal, Move};
use crate::lock::sha256;
use crate::path::RelPath;
use crate::tree::{Entry, Tree};

/// Where a run that was committed ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    /// All as planned.
    Forward,
    /// All as it was.
    Back,
}

/// A run with its journal.
pub(super) struct Transaction<'a> {
    disk: &'a Disk<'a>,
    held: Held,
    journal: Journal,
}

impl<'a> Transaction<'a> {
    /// A run that has done nothing yet.
    pub(super) fn new(disk: &'a Disk, held: Held, steps: &[Step]) -> Self {
        let moves = steps.iter().map(|step| Move {
            target: step.target.clone(),
            before: step.before.as_deref().map(sha256),
            after: step.after.map(sha256),
        });
        let made: BTreeSet<RelPath> = steps
            .iter()
            .flat_map(|step| step.missing.iter().cloned())
            .collect();
        let journal = Journal {
            moves: moves.collect(),
            made: made.into_iter().collect(),
        };
        Self::resume(disk, held, journal)
    }

    /// A run that another process began.
    pub(super) fn resume(disk: &'a Disk, held: Held, journal: Journal) -> Self {
        Self {
            disk,
            held,
            journal,
        }
    }

    /// All stages, or none.
    pub(super) fn run(self, steps: &[Step]) -> Result<()> {
        if let Err(error) = self.stage(steps) {
            // No target was touched. What cannot be tidied now, the journal lets the next run tidy.
            let _ = self.tidy(Direction::Back);
            return Err(error.context("nothing was written"));
        }
        if let Err(error) = self.put_in_place() {
            let undone = self.back().and_then(|()| self.tidy(Direction::Back));
            return Err(match undone {
                Ok(()) => error.context("nothing was written"),
                Err(worse) => error.context(format!(
                    "not finished, and not undone either ({worse:#}); run again to do that"
                )),
            });
        }
        // The changes are made. A second try may do where the first did not.
        let root = self.disk.root();
        let _ = self.sweep(Direction::Forward);
        match self.tidy(Direction::Forward) {
            Err(error) if journal::is_abandoned(root) => Err(error.context(Untidy)),
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// Moves every staged file in place that is not there yet.
    pub(super) fn forward(&self) -> Result<()> {
        let tree = Tree::disk(self.disk.root());
        for (index, Move { target, after, .. }) in self.journal.moves.iter().enumerate() {
            let new = self.journal.new_at(index);
            match after {
                Some(_) if tree.entry(&new) != Entry::Missing => self.disk.rename(&new, target)?,
                Some(_) => {}
                None => self.disk.remove(target)?,
            }
        }
        self.sync()
    }

    /// Moves every original back that is not there any more.
    pub(super) fn back(&self) -> Result<()> {
        let tree = Tree::disk(self.disk.root());
        let moves = self.journal.moves.iter().enumerate();
        for (
            index,
            Move {
                target,
                before,
                after,
            },
        ) in moves
        {
            let now = tree.bytes(target).map(|bytes| sha256(&bytes));
            if now == *before || now != *after {
                continue;
            }
            match before {
                Some(_) => self.disk.rename(&self.journal.old_at(index), target)?,
                None => self.disk.remove(target)?,
            }
        }
        self.sync()
    }

    /// Removes what was staged, directories that are not needed, and at last the journal.
    pub(super) fn tidy(self, direction: Direction) -> Result<()> {
        self.sweep(direction)?;
        self.held.end(self.disk)
    }

    /// All of that but the journal.
    fn sweep(&self, direction: Direction) -> Result<()> {
        for index in 0..self.journal.moves.len() {
            self.disk.remove(&self.journal.new_at(index))?;
            self.disk.remove(&self.journal.old_at(index))?;
        }
        self.sync()?;
        for directory in self.needless(direction).iter().rev() {
            self.disk.remove_empty(directory)?;
        }
        Ok(())
    }

    fn stage(&self, steps: &[Step]) -> Result<()> {
        self.held.write(self.disk, &self.journal)?;
        for directory in &self.journal.made {
            self.disk.make_directory(directory)?;
        }
        for (index, step) in steps.iter().enumerate() {
            let like = step.before.is_some().then_some(&step.target);
            if let Some(before) = &step.before {
                self.disk
                    .keep(&step.target, &self.journal.old_at(index), before)?;
            }
            if let Some(after) = step.after {
                self.disk.create(&self.journal.new_at(index), after, like)?;
            }
        }
        self.sync()?;
        check::unchanged(self.disk.root(), steps)
    }

    fn put_in_place(&self) -> Result<()> {
        self.held.commit(self.disk)?;
        self.forward()
    }

    /// The directories that lose their reason: made for nothing, or emptied by a deletion.
    fn needless(&self, direction: Direction) -> BTreeSet<RelPath> {
        match direction {
            Direction::Back => self.journal.made.iter().cloned().collect(),
            Direction::Forward => self
                .journal
                .moves
                .iter()
                .filter(|it| it.after.is_none())
                .flat_map(|it| std::iter::successors(it.target.parent(), RelPath::parent))
                .filter(|directory| *directory != RelPath::root())
                .collect(),
        }
    }

    fn sync(&self) -> Result<()> {
        let tree = Tree::disk(self.disk.root());
        let directories: BTreeSet<RelPath> = self
            .journal
            .moves
            .iter()
            .filter_map(|it| it.target.parent())
            .chain(self.journal.made.iter().filter_map(RelPath::parent))
            .filter(|directory| tree.entry(directory) == Entry::Directory)
            .collect();
        for directory in &directories {
            self.disk.sync(directory)?;
        }
        Ok(())
    }
}
