//! What `remove` comes to: every part of ours out again, nothing else touched. Pure.
//!
//! A shared file that is as we left it goes back byte for byte; in any other our parts are found by
//! their meaning. Whatever is the user's by now stays, and is named.

mod cut;
pub mod piece;
pub mod take_out;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::config;
use crate::contract::{Contract, Contracts};
use crate::edit::{EditSet, Span};
use crate::finding::{Finding, Level};
use crate::lock::{self, LOCK, Lock, Seeded, Shared};
use crate::path::RelPath;
use crate::plan::{FileChange, Goal, Kind, Plan};
use crate::tree::{Entry, Tree};
use crate::verify;
use piece::{Piece, pieces};
use take_out::take_out;

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
    let words = words(&lock, recorded.as_ref());
    let mut removal = Removal::new(tree, &lock, words);
    removal.owned(edited);
    removal.shared();
    removal.seeded();
    removal.created();
    removal.config();
    removal.is_named_nowhere(edited);
    let Removal {
        changes,
        mut findings,
        ..
    } = removal;
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

/// What a service is without our settings and untouched handlers; our own file is another matter.
pub(crate) struct Undone {
    /// Every file that would differ.
    pub(crate) changes: Vec<(RelPath, Option<Vec<u8>>)>,
    /// Why some part cannot go.
    pub(crate) refusals: Vec<Finding>,
    /// Parts of ours that stand nowhere any more: the file they were in, and what they were.
    pub(crate) missing: Vec<(RelPath, String)>,
}

/// Takes out our settings, by undoing or by meaning.
pub(crate) fn undone(tree: &Tree, lock: &Lock, recorded: &Contract) -> Undone {
    let mut removal = Removal::new(tree, lock, words(lock, Some(recorded)));
    removal.shared();
    removal.seeded();
    let Removal {
        changes,
        mut findings,
        missing,
        ..
    } = removal;
    findings.retain(|finding| finding.level == Level::Refusal);
    let changes = changes.into_values();
    Undone {
        changes: changes.map(|change| (change.path, change.after)).collect(),
        refusals: findings,
        missing,
    }
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

/// What marks a part of a setting as one for events.
fn words(lock: &Lock, recorded: Option<&Contract>) -> Vec<String> {
    let mut words: Vec<String> = lock.inputs.values().cloned().collect();
    words.retain(|word| word.contains('.'));
    if let Some(contract) = recorded.cloned() {
        words.extend([
            contract.exchange,
            contract.exchange_variable,
            contract.queue_suffix,
            contract.event_task,
            contract.router,
            contract.listener_module,
        ]);
    }
    words
}

struct Removal<'a> {
    tree: &'a Tree,
    lock: &'a Lock,
    words: Vec<String>,
    changes: BTreeMap<RelPath, FileChange>,
    findings: Vec<Finding>,
    /// Files that are as they were before us, to the byte.
    restored: BTreeSet<RelPath>,
    /// Parts that stand nowhere.
    missing: Vec<(RelPath, String)>,
}

impl<'a> Removal<'a> {
    fn new(tree: &'a Tree, lock: &'a Lock, words: Vec<String>) -> Self {
        Self {
            tree,
            lock,
            words,
            changes: BTreeMap::new(),
            findings: Vec::new(),
            restored: BTreeSet::new(),
            missing: Vec::new(),
        }
    }

    fn delete(&mut self, path: &RelPath, kind: Kind) {
        let change = deleted(self.tree, path, kind);
        self.changes.insert(path.clone(), change);
    }

    fn edit(&mut self, path: &RelPath, after: Vec<u8>, establishes: &[String]) {
        let change = FileChange {
            path: path.clone(),
            kind: Kind::Shared,
            before: self.tree.bytes(path),
            after: Some(after),
            what: establishes.to_vec(),
        };
        if change.before.as_deref() != change.after.as_deref() {
            self.changes.insert(path.clone(), change);
        }
    }

    /// The listener goes, unless somebody worked on it.
    fn owned(&mut self, edited: Edited) {
        for (path, owned) in &self.lock.owned {
            let Some(bytes) = self.tree.bytes(path) else {
                continue;
            };
            if lock::hash(&bytes) == owned.written || edited == Edited::Discard {
                self.delete(path, Kind::Owned);
                continue;
            }
            self.findings.push(
                Finding::refusal("listener-edited", "this file of ours was edited by hand")
                    .in_file(path)
                    .help("save what you need of it, then remove all the same: `scaffold-events remove --force`"),
            );
        }
    }

    fn shared(&mut self) {
        for (path, shared) in &self.lock.shared {
            let bytes = self.tree.bytes(path);
            match bytes.as_ref().and_then(|bytes| shared.undo(bytes)) {
                Some(before) => {
                    self.restored.insert(path.clone());
                    self.edit(path, before, &shared.establishes);
                }
                None if bytes.is_some() && !path.has_extension("py") => {
                    self.other_text(path, shared);
                }
                None => self.by_meaning(path, shared),
            }
        }
    }

    /// Our parts of a Python file, in it or, where they were moved, in another.
    fn by_meaning(&mut self, path: &RelPath, shared: &Shared) {
        let mut wanted: Vec<Piece> = shared.undo.iter().flat_map(pieces).collect();
        for file in self.where_they_may_be(path) {
            if wanted.is_empty() {
                return;
            }
            wanted = self.take_from(&file, &wanted, &shared.establishes);
        }
        let named = wanted.iter().filter_map(Piece::named);
        self.missing.extend(named.map(|name| (path.clone(), name)));
    }

    /// Gives what does not stand in this file.
    fn take_from(
        &mut self,
        path: &RelPath,
        wanted: &[Piece],
        establishes: &[String],
    ) -> Vec<Piece> {
        let Ok(module) = self.tree.python(path) else {
            return wanted.to_vec();
        };
        let taken = take_out(&module, wanted, &self.words);
        for (span, reason) in &taken.left {
            self.findings.push(
                Finding::note("part-left", "this was ours, and stays")
                    .at(path, *span)
                    .label(*reason)
                    .help("take it out by hand where you do not need it"),
            );
        }
        if taken.edits.is_empty() {
            return taken.missing;
        }
        let after = taken.edits.splice(&module.text);
        if verify::takes_only(path, &module, &taken.edits, &after).is_err() {
            self.findings.push(inseparable(path, &taken.edits));
            return Vec::new();
        }
        self.edit(path, after, establishes);
        taken.missing
    }

    /// The file itself, then every other that names the event modules or the exchange.
    fn where_they_may_be(&self, path: &RelPath) -> Vec<RelPath> {
        let mut files = vec![path.clone()];
        let known = |file: &RelPath| {
            self.lock.owned.contains_key(file)
                || self.lock.seeded.contains_key(file)
                || self.lock.shared.contains_key(file)
        };
        if self.tree.bytes(path).is_some() && self.standing(path) {
            return files;
        }
        for file in self.tree.walk() {
            if file.has_extension("py") && !known(&file) && self.standing(&file) {
                files.push(file);
            }
        }
        files
    }

    fn standing(&self, path: &RelPath) -> bool {
        let Some(bytes) = self.tree.bytes(path) else {
            return false;
        };
        let has = |word: &String| memchr::memmem::find(&bytes, word.as_bytes()).is_some();
        self.words.iter().any(has)
    }

    /// An env sample that was edited: a URL that ends in `%2F` does no harm.
    fn other_text(&mut self, path: &RelPath, shared: &Shared) {
        let text = self.tree.bytes(path).unwrap_or_default();
        let slash = shared.undo.iter().any(|undo| undo.ours.ends_with("%2F"));
        let still = memchr::memmem::find(&text, b"%2F");
        if let (true, Some(at)) = (slash, still) {
            self.findings.push(
                Finding::note("part-left", "this was ours, and stays")
                    .at(path, Span::new(at, at + 3))
                    .label("`%2F` and `/` name one vhost: left as it is"),
            );
        } else if !slash {
            self.findings.push(
                Finding::note(
                    "part-left",
                    "this file was edited since: what is ours in it stays",
                )
                .in_file(path)
                .help("take it out by hand where you do not need it"),
            );
        }
    }

    /// Handlers that have content are the user's.
    fn seeded(&mut self) {
        let mut kept = BTreeSet::new();
        for (path, seeded) in &self.lock.seeded {
            if self.is_unmodified(path, seeded) {
                continue;
            }
            if self.tree.bytes(path).is_some() {
                kept.insert(path.parent().unwrap_or_default());
                self.findings.push(
                    Finding::note("handlers-kept", "this file has your code in it: it stays")
                        .in_file(path)
                        .help(format!("delete it where you do not need it: `rm {path}`")),
                );
            }
        }
        for (path, seeded) in &self.lock.seeded {
            let holds_kept = || {
                let directory = path.parent().unwrap_or_default();
                path.file_name() == "__init__.py"
                    && kept.iter().any(|kept| kept.is_under(&directory))
            };
            if self.is_unmodified(path, seeded) && !holds_kept() {
                self.delete(path, Kind::Seeded);
            }
        }
    }

    fn is_unmodified(&self, path: &RelPath, seeded: &Seeded) -> bool {
        let bytes = self.tree.bytes(path);
        bytes.is_some_and(|bytes| lock::hash(&bytes) == seeded.written)
    }

    /// A service that we made whole goes whole, if nobody worked on it.
    fn created(&mut self) {
        let created = &self.lock.created;
        if created.is_empty() {
            return;
        }
        let unmodified = |(path, seeded)| self.is_unmodified(path, seeded);
        let records = [LOCK, config::FILE].map(|name| RelPath::root().join(name));
        let ours = |path: &RelPath| {
            created.contains_key(path)
                || records.contains(path)
                || (self.changes.get(path)).is_some_and(|change| change.after.is_none())
        };
        let others = self.tree.walk();
        let other = others.iter().find(|path| {
            !ours(path)
                && !crate::scaffold::comes_with_a_repository(path.parts().next().unwrap_or(""))
        });
        if created.iter().all(unmodified) && other.is_none() {
            for path in created.keys().cloned().collect::<Vec<_>>() {
                self.delete(&path, Kind::Seeded);
            }
            return;
        }
        let changed = created
            .iter()
            .find(|entry| !unmodified(*entry))
            .map(|(path, _)| path);
        let finding = Finding::note(
            "service-kept",
            "this service was worked on since it was created: only its wiring goes",
        );
        self.findings.push(match changed.or(other) {
            Some(path) => finding.in_file(path),
            None => finding,
        });
    }

    /// The config that we made; of one that the user made, the keys that we added (they are a shared file's).
    fn config(&mut self) {
        let path = RelPath::root().join(config::FILE);
        if self.tree.bytes(&path).is_some() && !self.lock.shared.contains_key(&path) {
            self.delete(&path, Kind::Record);
        }
    }

    /// A setting that names a module which goes keeps the worker from starting.
    fn is_named_nowhere(&mut self, edited: Edited) {
        let modules: Vec<String> = (self.changes.values())
            .filter(|change| change.kind == Kind::Owned)
            .map(|change| change.path.stem().to_owned())
            .collect();
        let named_by_us = |shared: &Shared| {
            let mut ours = shared.undo.iter().map(|undo| &undo.ours);
            ours.any(|ours| modules.iter().any(|module| ours.contains(module)))
        };
        let mut open = (self.lock.shared.iter()).filter(|(path, _)| !self.restored.contains(*path));
        if edited == Edited::Discard || !open.any(|(_, shared)| named_by_us(shared)) {
            return;
        }
        let changes = self.changes.values();
        let after = self
            .tree
            .overlay(changes.map(|change| (change.path.clone(), change.after.clone())));
        let others = after.walk().into_iter();
        for path in others.filter(|path| path.has_extension("py") && !self.restored.contains(path))
        {
            let Some(bytes) = after.bytes(&path) else {
                continue;
            };
            let Some(module) = (modules.iter())
                .find(|module| memchr::memmem::find(&bytes, module.as_bytes()).is_some())
            else {
                continue;
            };
            let now = self.tree.bytes(&path).unwrap_or_default();
            let at = memchr::memmem::find(&now, module.as_bytes()).unwrap_or_default();
            self.findings.push(
                Finding::refusal(
                    "listener-still-named",
                    format!("`{module}` would go, and is still named here"),
                )
                .at(&path, Span::new(at, at + module.len()))
                .help("take it out here, then run again; or remove all the same: `scaffold-events remove --force`"),
            );
        }
    }
}

fn deleted(tree: &Tree, path: &RelPath, kind: Kind) -> FileChange {
    FileChange {
        path: path.clone(),
        kind,
        before: tree.bytes(path),
        after: None,
        what: Vec::new(),
    }
}

fn inseparable(path: &RelPath, edits: &EditSet) -> Finding {
    let finding = Finding::refusal(
        "part-inseparable",
        "what is ours here cannot be taken out without touching what is yours",
    );
    let finding = edits
        .iter()
        .fold(finding, |finding, edit| finding.at(path, edit.span()));
    finding.help("take it out by hand, then run again")
}
