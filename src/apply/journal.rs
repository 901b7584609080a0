//! The journal: what a run is about to do, readable by the next one if this one dies.
//!
//! Three lines: the plan, its hash, and `commit` once everything is staged. The run holds a lock on
//! the open file, which the system drops when the process ends, however it ends.
#![expect(
    clippy::disallowed_methods,
    reason = "the journal and its lock belong to a run, not to the service"
)]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::disk::Disk;
use crate::lock::sha256;
use crate::path::RelPath;
use crate::tree::STAGED;

/// What a run does to which file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    /// The files, in the order they are put in place.
    pub(super) moves: Vec<Move>,
    /// The directories made for them, outermost first.
    pub(super) made: Vec<RelPath>,
}

/// One file's content before and after, by hash; `None` where there is no file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    pub(super) target: RelPath,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// How far a run came.
pub(super) enum Phase {
    /// It had not said what it would do, so it had done nothing.
    Torn,
    /// No target was touched.
    Staging(Journal),
    /// Everything was staged; some targets may be in place.
    Committed(Journal),
}

impl Journal {
    pub(super) fn targets(&self) -> Vec<RelPath> {
        self.moves.iter().map(|it| it.target.clone()).collect()
    }

    /// Where the new content of the move at `index` waits.
    pub(super) fn new_at(&self, index: usize) -> RelPath {
        self.beside(index, "new")
    }

    /// Where its old content is kept.
    pub(super) fn old_at(&self, index: usize) -> RelPath {
        self.beside(index, "old")
    }

    fn beside(&self, index: usize, kind: &str) -> RelPath {
        let directory = self.moves[index].target.parent().unwrap_or_default();
        directory.join(&format!("{STAGED}{index}.{kind}"))
    }

    fn parse(text: &[u8]) -> Result<Phase> {
        let mut lines = text.split(|&byte| byte == b'\n');
        let plan = lines.next().unwrap_or_default();
        let sum = lines.next().unwrap_or_default();
        // The last part is what stands behind the last newline: a line is whole if more follows.
        let rest: Vec<&[u8]> = lines.collect();
        let is_committed = rest.len() > 1 && rest[0] == COMMIT.as_bytes();
        let is_whole = !rest.is_empty() && sha256(plan).as_bytes() == sum;
        if !is_whole {
            if is_committed {
                bail!("it is damaged");
            }
            return Ok(Phase::Torn);
        }
        let journal = serde_json::from_slice(plan).context("it is of another version")?;
        Ok(if is_committed {
            Phase::Committed(journal)
        } else {
            Phase::Staging(journal)
        })
    }
}

const JOURNAL: &str = ".scaffold-events.journal";
const COMMIT: &str = "commit";

/// The journal of a run, open and locked: no other run is at work on this service.
pub(super) struct Held(File);

impl Held {
    /// Starts an empty journal.
    pub(super) fn begin(disk: &Disk) -> Result<Self> {
        let mut made = None;
        disk.effect("create", &path(), |full| {
            made = match options().create_new(true).open(full) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => None,
                file => Some(file?),
            };
            Ok(())
        })?;
        let Some(file) = made else {
            if is_abandoned(disk.root()) {
                bail!("an interrupted run left {}; run again", shown(disk.root()));
            }
            return Err(at_work(disk.root()));
        };
        // The file is new: whoever has it locked only looks at it, and is done in a moment.
        if let Err(error) = file.lock() {
            disk.remove(&path())?;
            return Err(error).with_context(|| format!("cannot lock {}", shown(disk.root())));
        }
        Self::unless_replaced(file, disk.root())
    }

    /// Opens the journal that a dead run left, if there is one.
    pub(super) fn take_over(root: &Path) -> Result<Option<Self>> {
        let file = match options().open(root.join(JOURNAL)) {
            Ok(file) => file,
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => return Ok(None),
                _ => return Err(error).with_context(|| format!("cannot open {}", shown(root))),
            },
        };
        match file.try_lock() {
            Ok(()) => Self::unless_replaced(file, root).map(Some),
            Err(TryLockError::WouldBlock) => Err(at_work(root)),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", shown(root)))
            }
        }
    }

    /// Says what will be done, before anything is.
    pub(super) fn write(&self, disk: &Disk, journal: &Journal) -> Result<()> {
        let plan = serde_json::to_string(journal)?;
        let text = format!("{plan}\n{}\n", sha256(plan.as_bytes()));
        disk.append(&self.0, &path(), text.as_bytes())?;
        disk.sync(&RelPath::root())
    }

    /// Says that everything is staged: from here on the run will be finished, whoever does it.
    pub(super) fn commit(&self, disk: &Disk) -> Result<()> {
        disk.append(&self.0, &path(), format!("{COMMIT}\n").as_bytes())
    }

    /// How far the run came.
    pub(super) fn phase(&self, root: &Path) -> Result<Phase> {
        let mut text = Vec::new();
        let mut file = &self.0;
        file.rewind()
            .and_then(|()| file.read_to_end(&mut text))
            .map_err(anyhow::Error::new)
            .and_then(|_| Journal::parse(&text))
            .with_context(|| {
                format!(
                    "cannot read {}, which an interrupted run left; see `git status`, put the \
                     files right, delete those named {STAGED}*, then run again",
                    shown(root)
                )
            })
    }

    /// Ends the run.
    pub(super) fn end(self, disk: &Disk) -> Result<()> {
        disk.remove(&path())?;
        drop(self);
        disk.sync(&RelPath::root())
    }

    /// A locked journal, unless another run took it away before we had it.
    fn unless_replaced(file: File, root: &Path) -> Result<Self> {
        let held = Self(file);
        let ours = held.0.metadata()?;
        let is_there = std::fs::symlink_metadata(root.join(JOURNAL))
            .is_ok_and(|it| (it.dev(), it.ino()) == (ours.dev(), ours.ino()));
        if is_there {
            Ok(held)
        } else {
            Err(at_work(root))
        }
    }
}

/// Closing is not enough: a process that is just being started may have the file open too.
impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// See [`super::interrupted`].
pub(super) fn is_abandoned(root: &Path) -> bool {
    let Ok(file) = options().open(root.join(JOURNAL)) else {
        return false;
    };
    let is_free = file.try_lock_shared().is_ok();
    let _ = file.unlock();
    is_free
}

fn path() -> RelPath {
    RelPath::root().join(JOURNAL)
}

fn shown(root: &Path) -> String {
    root.join(JOURNAL).display().to_string()
}

/// To read and to append; what is no plain file is neither followed nor waited for.
fn options() -> OpenOptions {
    let guard = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    options.custom_flags(guard.bits().cast_signed());
    options
}

fn at_work(root: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "another scaffold-events is at work in {}; wait for it, then run again",
        root.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_cut_anywhere_is_read_as_far_as_it_came() {
        let journal = Journal {
            moves: Vec::new(),
            made: vec![RelPath::root().join("a")],
        };
        let plan = serde_json::to_string(&journal).unwrap();
        let staged = format!("{plan}\n{}\n", sha256(plan.as_bytes()));
        let text = format!("{staged}commit\n");
        for cut in 0..=text.len() {
            let phase = Journal::parse(&text.as_bytes()[..cut]).unwrap();
            match phase {
                Phase::Torn => assert!(cut < staged.len()),
                Phase::Staging(it) => assert!(cut < text.len() && it == journal),
                Phase::Committed(it) => assert!(cut == text.len() && it == journal),
            }
        }
        assert!(Journal::parse(text.replace("\"a\"", "\"b\"").as_bytes()).is_err());
    }
}
