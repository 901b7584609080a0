//! What is taken out of a service: our own files, the handlers nobody filled, config and lock.

use std::collections::{BTreeMap, BTreeSet};

use super::Edited;
use super::take_out::Changed;
use crate::config;
use crate::contract::Contract;
use crate::edit::Span;
use crate::finding::{Finding, Place};
use crate::lock::{self, LOCK, Lock, Seeded, Shared};
use crate::path::RelPath;
use crate::plan::{FileChange, Kind};
use crate::python::syntax::walk;
use crate::tree::Tree;

/// What is taken out so far, and why something is not.
pub(super) struct Removal<'a> {
    pub(super) tree: &'a Tree,
    pub(super) lock: &'a Lock,
    pub(super) words: Vec<String>,
    /// Those of them that nothing but events is called by.
    pub(super) events: Vec<String>,
    /// The names whose statements stay.
    pub(super) spared: BTreeSet<String>,
    pub(super) changes: BTreeMap<RelPath, FileChange>,
    pub(super) findings: Vec<Finding>,
    /// Files that are as they were before us, to the byte.
    pub(super) restored: BTreeSet<RelPath>,
    /// Parts that stand nowhere.
    pub(super) missing: Vec<(RelPath, String)>,
    /// What becomes of values that somebody changed.
    pub(super) goes: Changed,
    /// Names of ours that are bound to something else about events now.
    pub(super) changed: Vec<String>,
}

impl<'a> Removal<'a> {
    pub(super) fn new(tree: &'a Tree, lock: &'a Lock, recorded: Option<&Contract>) -> Self {
        Self {
            tree,
            lock,
            words: words(lock, recorded),
            events: recorded.map_or_else(Vec::new, of_events_alone),
            spared: BTreeSet::new(),
            changes: BTreeMap::new(),
            findings: Vec::new(),
            restored: BTreeSet::new(),
            missing: Vec::new(),
            goes: Changed::Stays,
            changed: Vec::new(),
        }
    }

    /// The file itself goes, where a link leads to it; a link is no file of ours.
    fn delete(&mut self, path: &RelPath, kind: Kind) {
        let real = self.tree.real(path).unwrap_or_else(|| path.clone());
        let directory = self.tree.real(&path.parent().unwrap_or_default());
        if directory.is_some_and(|directory| directory.join(path.file_name()) != real) {
            let message = format!("this file goes, and the link `{path}` to it stays");
            self.findings.push(
                Finding::note("link-left", message)
                    .in_file(&real)
                    .help(format!("take the link away: `rm {path}`")),
            );
        }
        let change = deleted(self.tree, &real, kind);
        self.changes.insert(real, change);
    }

    pub(super) fn edit(&mut self, path: &RelPath, after: Vec<u8>, establishes: &[String]) {
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
    pub(super) fn owned(&mut self, edited: Edited) {
        for (path, owned) in &self.lock.owned {
            let Some(bytes) = self.tree.bytes(path) else {
                let moved = self.tree.whereabouts(path);
                let moved = moved.filter(|_| edited == Edited::Keep);
                self.findings.extend(moved.map(|path| elsewhere(&path)));
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

    /// Handlers that have content are the user's, also where they were moved to.
    pub(super) fn seeded(&mut self) {
        let mut kept = BTreeSet::new();
        let mut ours = Vec::new();
        for (path, seeded) in &self.lock.seeded {
            let is_init = path.file_name() == "__init__.py";
            let now = self.tree.whereabouts(path);
            let Some(now) = now.filter(|now| !is_init || now == path) else {
                continue;
            };
            if self.is_unmodified(&now, seeded) {
                ours.push(now);
                continue;
            }
            kept.insert(now.parent().unwrap_or_default());
            self.findings.push(
                Finding::note("handlers-kept", "this file has your code in it: it stays")
                    .in_file(&now)
                    .help(format!("delete it where you do not need it: `rm {now}`")),
            );
        }
        for path in ours {
            let directory = path.parent().unwrap_or_default();
            let holds_kept = path.file_name() == "__init__.py"
                && kept.iter().any(|kept| kept.is_under(&directory));
            if !holds_kept {
                self.delete(&path, Kind::Seeded);
            }
        }
    }

    fn is_unmodified(&self, path: &RelPath, seeded: &Seeded) -> bool {
        let bytes = self.tree.bytes(path);
        bytes.is_some_and(|bytes| lock::hash(&bytes) == seeded.written)
    }

    /// A service that we made whole goes whole, if nobody worked on it.
    pub(super) fn created(&mut self) {
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
    pub(super) fn config(&mut self) {
        let path = RelPath::root().join(config::FILE);
        if self.tree.bytes(&path).is_some() && !self.lock.shared.contains_key(&path) {
            self.delete(&path, Kind::Record);
        }
    }

    /// A setting that names a module which goes keeps the worker from starting.
    pub(super) fn is_named_nowhere(&mut self, edited: Edited) {
        let goes = |path: &&RelPath| {
            let real = self.tree.real(path);
            let change = self.changes.get(&real.unwrap_or_else(|| (*path).clone()));
            change.is_some_and(|change| change.kind == Kind::Owned)
        };
        let modules: Vec<String> = (self.lock.owned.keys().filter(goes))
            .map(|path| path.stem().to_owned())
            .collect();
        let named_by_us = |shared: &Shared| {
            let mut ours = shared.undo.iter().map(|undo| &undo.ours);
            ours.any(|ours| modules.iter().any(|module| ours.contains(module)))
        };
        let mut open = (self.lock.shared.iter()).filter(|(path, _)| !self.restored.contains(*path));
        if !self.lock.shared.values().any(named_by_us) {
            return self.adopted_stays();
        }
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

    /// A listener whose import is not of our making stays with it, unless we made it, and the handlers beside
    /// it, for an import that waited for them.
    fn adopted_stays(&mut self) {
        let goes = self.changes.values();
        let goes = goes.filter(|change| change.kind == Kind::Owned);
        let listeners: Vec<RelPath> = goes.map(|change| change.path.clone()).collect();
        for listener in listeners {
            let directory = listener.parent();
            let mut seeded = self.lock.seeded.keys();
            if seeded.any(|path| path.parent() == directory && path.file_name() != "__init__.py") {
                continue;
            }
            let Some(place) = self.named_at(listener.stem()) else {
                continue;
            };
            self.changes.remove(&listener);
            self.findings.push(
                Finding::note("listener-kept", "this listener stays, as does the setting that names it")
                    .in_file(&listener)
                    .place(&place)
                    .help("that entry was there when the wiring was recorded: take both out by hand where you do not need them"),
            );
        }
    }

    /// Where a string of the service names a module, as settings name what a worker imports.
    fn named_at(&self, module: &str) -> Option<Place> {
        let mut files = self.tree.walk().into_iter();
        files.find_map(|path| {
            let bytes = self.tree.bytes(&path)?;
            memchr::memmem::find(&bytes, module.as_bytes())?;
            let python = self.tree.python(&path).ok()?;
            let mut found = None;
            walk(&python.body, &mut |stmt| {
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| {
                        let text = part.string().unwrap_or_default();
                        if text.rsplit('.').next() == Some(module) {
                            found = found.or(Some(part.span));
                        }
                    });
                }
            });
            let span = Some(found?);
            Some(Place { path, span })
        })
    }
}

fn elsewhere(path: &RelPath) -> Finding {
    Finding::refusal("listener-moved", "this file of ours was moved here since")
        .in_file(path)
        .help("have it recorded where it is, then remove: `scaffold-events sync`")
        .help("or leave it to you, and take out the rest: `scaffold-events remove --force`")
}

/// What marks a part of a setting as one for events.
fn words(lock: &Lock, recorded: Option<&Contract>) -> Vec<String> {
    let mut words: Vec<String> = lock.inputs.values().cloned().collect();
    words.retain(|word| word.contains('.'));
    if let Some(contract) = recorded {
        words.extend(of_events_alone(contract));
        words.extend([
            contract.exchange_variable.clone(),
            contract.queue_suffix.clone(),
        ]);
    }
    words
}

fn of_events_alone(contract: &Contract) -> Vec<String> {
    vec![
        contract.exchange.clone(),
        contract.event_task.clone(),
        contract.router.clone(),
        contract.listener_module.clone(),
    ]
}

/// A file that goes.
pub(super) fn deleted(tree: &Tree, path: &RelPath, kind: Kind) -> FileChange {
    FileChange {
        path: path.clone(),
        kind,
        before: tree.bytes(path),
        after: None,
        what: Vec::new(),
    }
}
