//! What `remove` comes to: every part of ours out again, nothing else touched. Pure.
//!
//! A shared file that is as we left it goes back byte for byte; in any other our parts are found by
//! their meaning. Whatever is the user's by now stays, and is named.

mod cut;
pub mod piece;
mod readers;
mod removal;
mod shared;
pub mod take_out;

use std::collections::BTreeSet;

use anyhow::Result;

use crate::config;
use crate::contract::{Contract, Contracts};
use crate::finding::{Finding, Level};
use crate::lock::{LOCK, Lock};
use crate::path::RelPath;
use crate::plan::{FileChange, Goal, Kind, Plan};
use crate::python::comments::lost;
use crate::python::parse::parse;
use crate::tree::{Entry, Tree};
use removal::{Removal, deleted};
pub(crate) use shared::whereabouts;
use take_out::Changed;

/// What to do with a file of ours that the user changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edited {
    /// Refuse: nothing is written.
    Keep,
    /// It goes like the others.
    Discard,
}

/// The plan that leads back to the service before it was wired.
pub fn unwire(tree: &Tree, contracts: &Contracts, edited: Edited) -> Result<Plan> {
    let path = RelPath::root().join(LOCK);
    let Some(bytes) = tree.bytes(&path) else {
        return Ok(without_lock(tree));
    };
    let lock = match Lock::parse(&bytes) {
        Ok(lock) => lock,
        Err(finding) => return Ok(unwired(Vec::new(), vec![finding])),
    };
    let recorded = contracts.recorded(&lock).ok();
    let whole = removed(tree, &lock, recorded.as_ref(), edited, BTreeSet::new());
    let (read, still_read) = whole.names_still_read();
    let mut removal = if read.is_empty() {
        whole
    } else {
        removed(tree, &lock, recorded.as_ref(), edited, read)
    };
    removal.findings.extend(still_read);
    let Removal {
        changes,
        mut findings,
        restored,
        ..
    } = removal;
    let edited = (changes.values()).filter(|change| !restored.contains(&change.path));
    findings.extend(edited.filter_map(|change| comments_lost(tree, change)));
    findings.sort_by_key(|finding| finding.level);
    if findings
        .iter()
        .any(|finding| finding.level == Level::Refusal)
    {
        return Ok(unwired(Vec::new(), findings));
    }
    let mut changes: Vec<FileChange> = changes.into_values().collect();
    changes.push(deleted(tree, &path, Kind::Record));
    Ok(unwired(changes, findings))
}

/// All that goes; statements that bind a spared name stay.
fn removed<'a>(
    tree: &'a Tree,
    lock: &'a Lock,
    recorded: Option<&Contract>,
    edited: Edited,
    spared: BTreeSet<String>,
) -> Removal<'a> {
    let mut removal = Removal::new(tree, lock, recorded);
    removal.spared = spared;
    removal.owned(edited);
    removal.shared();
    removal.seeded();
    removal.created();
    removal.config();
    removal.is_named_nowhere(edited);
    removal
}

/// What a service is without our settings and untouched handlers; our own file is another matter.
pub(crate) struct Undone {
    /// Every file that would differ.
    pub(crate) changes: Vec<(RelPath, Option<Vec<u8>>)>,
    /// Why some part cannot go.
    pub(crate) refusals: Vec<Finding>,
    /// Parts of ours that stand nowhere any more: the file they were in, and what they were.
    pub(crate) missing: Vec<(RelPath, String)>,
    /// Names of ours that are bound to something else about events now.
    pub(crate) changed: Vec<String>,
    /// Every Python file of theirs is as it was before us, to the byte.
    pub(crate) is_exact: bool,
}

/// Takes out our settings, by undoing or by meaning; a statement that binds `spared` stays.
pub(crate) fn undone(
    tree: &Tree,
    lock: &Lock,
    recorded: &Contract,
    spared: Option<&str>,
    goes: Changed,
) -> Undone {
    let mut removal = Removal::new(tree, lock, Some(recorded));
    removal.spared = spared.into_iter().map(str::to_owned).collect();
    removal.goes = goes;
    removal.shared();
    removal.seeded();
    let Removal {
        changes,
        mut findings,
        missing,
        changed,
        restored,
        ..
    } = removal;
    let places = lock.shared.iter();
    let places = places.map(|(path, shared)| whereabouts(tree, path, shared));
    let mut python = places.filter(|path| path.has_extension("py"));
    findings.retain(|finding| finding.level == Level::Refusal);
    let changes = changes.into_values();
    Undone {
        changes: changes.map(|change| (change.path, change.after)).collect(),
        refusals: findings,
        missing,
        changed,
        is_exact: python.all(|path| restored.contains(&path)),
    }
}

/// Your comments in what goes from this file: they stood between our lines, and go with them.
pub(crate) fn comments_lost(tree: &Tree, change: &FileChange) -> Option<Finding> {
    let after = change.after.as_deref()?;
    if change.kind != Kind::Shared || !change.path.has_extension("py") {
        return None;
    }
    let (before, after) = (tree.python(&change.path).ok()?, parse(after.into()).ok()?);
    let gone = lost(&before, &after);
    let finding = Finding::warning(
        "comment-lost",
        "comments of yours go with the lines around them",
    )
    .help("write them again where they belong, if you still need them");
    let finding = gone
        .iter()
        .fold(finding, |finding, span| finding.at(&change.path, *span));
    (!gone.is_empty()).then_some(finding)
}

fn unwired(changes: Vec<FileChange>, findings: Vec<Finding>) -> Plan {
    Plan {
        goal: Goal::Unwired,
        changes,
        findings,
        ..Plan::default()
    }
}

/// Nothing is recorded: what is ours cannot be told from what is theirs.
fn without_lock(tree: &Tree) -> Plan {
    let config = RelPath::root().join(config::FILE);
    if tree.entry(&config) == Entry::Missing {
        return unwired(Vec::new(), Vec::new());
    }
    let finding = Finding::refusal(
        "lock-missing",
        format!("there is no {LOCK}: what is ours cannot be told from what is yours"),
    )
    .in_file(&config)
    .help(format!("bring it back: `git checkout {LOCK}`"))
    .help(format!(
        "without it, take the wiring out by hand, then `rm {}`",
        config::FILE
    ));
    unwired(Vec::new(), vec![finding])
}
