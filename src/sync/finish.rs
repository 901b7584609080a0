//! The whole plan of a `sync`: what a plan on the tree in memory made anew, seen from the tree as it is. Pure.

use std::collections::BTreeMap;

use super::fate::Owned;
use super::findings::{deafened, marked, newer, overlapping, taken_out, unresolved};
use super::handlers::called_otherwise;
use super::places::on_disk;
use super::scene::{Scene, Way};
use crate::config;
use crate::finding::{Finding, Level};
use crate::lock::{self, LOCK};
use crate::merge::{Conflict, Merged, has_markers, merge};
use crate::newline::Newline;
use crate::path::RelPath;
use crate::plan::{FileChange, Kind, Plan};
use crate::rules::{modules, service_name};
use crate::standing::State;
use crate::unwire;

/// The whole plan, seen from the tree as it is.
pub(super) fn finish(scene: &Scene<'_>, way: &Way) -> Plan {
    let mut end = End {
        scene,
        plan: Plan {
            findings: on_disk(&way.plan.findings, &way.tree, scene.tree),
            settled: way.plan.settled.clone(),
            queue: way.plan.queue.clone(),
            next: steps(scene, way),
            ..Plan::default()
        },
        after: BTreeMap::new(),
        what: BTreeMap::new(),
        owned: BTreeMap::new(),
    };
    if let Some(path) = scene.fate.unresolved() {
        end.conflict(unresolved(path));
        return end.plan;
    }
    end.take(way);
    end.lock(way);
    end.stand(way);
    end.changes();
    let changes = end.plan.changes.iter();
    let lost = changes.filter_map(|change| unwire::comments_lost(scene.tree, change));
    end.plan.findings.extend(lost.collect::<Vec<_>>());
    end.plan.findings.sort_by_key(|finding| finding.level);
    end.plan
}

/// What a person does afterwards: what the move to another contract asks first.
fn steps(scene: &Scene<'_>, way: &Way) -> Vec<String> {
    let mut steps = vec!["look at `git diff`, and commit it".to_owned()];
    if scene.is_left() {
        let settled = way.plan.settled.iter();
        let name = settled.clone().find(|(key, _)| *key == "name");
        let name = name.map_or("SERVICE", |(_, name)| name);
        steps.extend(scene.target.steps_from(&scene.recorded, name));
    }
    steps.push("scaffold-events check".to_owned());
    steps
}

/// A plan in the making.
pub(super) struct End<'a> {
    pub(super) scene: &'a Scene<'a>,
    plan: Plan,
    /// Every file that may differ, as it is to be; behind links.
    after: BTreeMap<RelPath, Option<Vec<u8>>>,
    what: BTreeMap<RelPath, (Kind, Vec<String>)>,
    pub(super) owned: BTreeMap<RelPath, lock::Owned>,
}

impl End<'_> {
    fn take(&mut self, way: &Way) {
        for (path, text) in way.tree.overlaid() {
            self.after.insert(path, text.map(|text| text.to_vec()));
        }
        for change in &way.plan.changes {
            if self.stays_away(way, change) {
                continue;
            }
            let text = match change.kind {
                Kind::Owned => self.merged(change),
                Kind::Shared | Kind::Seeded | Kind::Record => change.after.clone(),
            };
            let what = (change.kind, change.what.clone());
            self.what.insert(self.real(&change.path), what);
            self.put(&change.path, text);
        }
        self.config();
    }

    /// The file itself, where a link leads to it: what is written is written there.
    fn real(&self, path: &RelPath) -> RelPath {
        self.scene.tree.real(path).unwrap_or_else(|| path.clone())
    }

    pub(super) fn put(&mut self, path: &RelPath, text: Option<Vec<u8>>) {
        self.after.insert(self.real(path), text);
    }

    /// What a file is to be; nothing where it stays as it is.
    pub(super) fn planned(&self, path: &RelPath) -> Option<&Option<Vec<u8>>> {
        self.after.get(&self.real(path))
    }

    /// What the user took out stays out.
    fn stays_away(&mut self, way: &Way, change: &FileChange) -> bool {
        if way.moves || self.scene.wishes.restore {
            return false;
        }
        let scene = self.scene;
        let is_gone = match change.kind {
            Kind::Shared => true,
            Kind::Owned => scene.fate.is_missing(),
            Kind::Seeded => {
                scene.lock.seeded.contains_key(&change.path)
                    && scene.tree.bytes(&change.path).is_none()
            }
            Kind::Record => false,
        };
        if is_gone {
            self.plan.findings.push(taken_out(change, &way.missing));
            self.plan.standing.note(State::Drifted, true);
            self.plan.open = true;
        }
        is_gone
    }

    /// The new text of our file, with the user's edits in it.
    fn merged(&mut self, change: &FileChange) -> Option<Vec<u8>> {
        let ours = change.after.clone().unwrap_or_default();
        let written = lock::hash(&ours);
        let mut accepted = written.clone();
        let mut text = ours.clone();
        if let Some(owned) = self.scene.fate.before(&change.path)
            && let Some((_, theirs)) = &owned.now
        {
            text = self.with_edits(&change.path, owned, theirs, &ours)?;
            let marked = has_markers(&text);
            let deaf = modules::deaf(&text, &self.scene.target.event_task);
            match deaf.filter(|_| !marked) {
                Some(_) if self.scene.wishes.takes_ours() => {
                    text = Newline::of(theirs).convert(&ours);
                }
                Some(why) => {
                    self.plan.findings.push(deafened(&change.path, &why));
                    self.plan.open = true;
                    accepted.clone_from(&owned.record.accepted);
                }
                None if marked => {}
                None => accepted = lock::hash(&text),
            }
        }
        self.owned
            .insert(change.path.clone(), lock::Owned { written, accepted });
        Some(text)
    }

    fn with_edits(
        &mut self,
        path: &RelPath,
        owned: &Owned,
        theirs: &[u8],
        ours: &[u8],
    ) -> Option<Vec<u8>> {
        if lock::hash(theirs) == owned.record.written {
            return Some(Newline::of(theirs).convert(ours));
        }
        let conflict = self.scene.wishes.conflict;
        let label = &self.scene.target.id;
        let merged = match &owned.base {
            Some(base) => merge(base, theirs, ours, label, conflict),
            None if lock::hash(theirs) == lock::hash(ours) => Merged::Whole(theirs.to_vec()),
            None => match conflict {
                Conflict::Ours => Merged::Whole(Newline::of(theirs).convert(ours)),
                Conflict::Theirs => Merged::Whole(theirs.to_vec()),
                Conflict::Refuse | Conflict::Markers => Merged::Overlapping(0),
            },
        };
        match merged {
            Merged::Whole(text) => Some(text),
            Merged::Marked(text, sides) => {
                self.plan.conflicts.push((path.clone(), sides));
                self.plan.open = true;
                self.plan.standing.note(State::Conflicting, true);
                self.plan.findings.push(marked(path));
                Some(text)
            }
            Merged::Overlapping(places) => {
                let now = owned.now.as_ref().map_or(path, |(now, _)| now);
                self.conflict(overlapping(now, places));
                None
            }
        }
    }

    fn conflict(&mut self, finding: Finding) {
        self.plan.standing.note(State::Conflicting, true);
        self.plan.findings.push(finding);
    }

    /// The user's own config, with the values that moved.
    fn config(&mut self) {
        let Some((_, planned)) = &self.scene.config else {
            return;
        };
        let scene = self.scene;
        let settled = self.plan.settled.clone();
        let moved = super::moved::pins(scene.tree, &scene.loaded.config, &scene.fate);
        let mut values: Vec<(&str, Option<String>)> = moved
            .iter()
            .map(|(key, _)| {
                let found = settled.iter().find(|(name, _)| name == key);
                (*key, found.map(|(_, value)| value.clone()))
            })
            .collect();
        if values.is_empty() || planned.is_empty() {
            return;
        }
        values.push(("contract", Some(scene.target.named())));
        if let Some((path, text)) = config::revised(&scene.loaded, &values) {
            self.put(&path, Some(text));
        }
    }

    fn stand(&mut self, way: &Way) {
        let scene = self.scene;
        let renewed = |(path, owned): (&RelPath, &lock::Owned)| {
            let old = scene.fate.before(path);
            old.is_none_or(|old| old.record.written != owned.written)
        };
        let outdated = scene.is_left()
            || scene.is_elsewhere()
            || (way.moves && !way.by_hand)
            || self.owned.iter().any(renewed);
        let standing = &mut self.plan.standing;
        standing.note(State::Outdated, outdated);
        let renamed = |finding: &Finding| finding.code == service_name::CODE;
        let renamed = self.plan.findings.iter().any(renamed);
        self.plan.open |= renamed;
        standing.note(
            State::Drifted,
            renamed || way.by_hand || scene.fate.is_edited(),
        );
        let conflicting = standing.has(State::Conflicting);
        let drifted = standing.has(State::Drifted);
        let errors = (self.plan.findings.iter()).any(|finding| {
            finding.level == Level::Error || (finding.level == Level::Refusal && !conflicting)
        });
        standing.note(State::Broken, errors && !drifted && !conflicting);
        self.plan.findings.extend(called_otherwise(scene));
        self.plan
            .findings
            .extend(newer(&scene.target.id, scene.contracts));
        self.plan.findings.sort_by_key(|finding| finding.level);
    }

    /// The difference to the tree as it is; the lock last.
    fn changes(&mut self) {
        if self.plan.is_refused() {
            return;
        }
        let tree = self.scene.tree;
        let mut changes = Vec::new();
        for (path, after) in std::mem::take(&mut self.after) {
            let before = tree.bytes(&path);
            let same = match (&before, &after) {
                (Some(before), Some(after)) => lock::hash(before) == lock::hash(after),
                (before, after) => before.is_none() == after.is_none(),
            };
            if same {
                continue;
            }
            let (kind, what) = self
                .what
                .get(&path)
                .cloned()
                .unwrap_or_else(|| (self.kind(&path), Vec::new()));
            let after = match (&before, after, kind) {
                (Some(before), Some(text), Kind::Seeded | Kind::Record) => {
                    Some(Newline::of(before).convert(&text))
                }
                (_, after, _) => after,
            };
            changes.push(FileChange {
                path,
                kind,
                before,
                after,
                what,
            });
        }
        changes.sort_by_key(|change| (change.path.as_str() == LOCK, change.path.clone()));
        self.plan.changes = changes;
    }

    fn kind(&self, path: &RelPath) -> Kind {
        let lock = &self.scene.lock;
        let is_it = |other: &RelPath| self.real(other) == *path;
        let is_config = self.scene.loaded.path().is_some_and(is_it);
        if lock.owned.keys().any(is_it) || self.scene.fate.paths().any(is_it) {
            Kind::Owned
        } else if lock.seeded.keys().any(is_it) {
            Kind::Seeded
        } else if is_config || is_it(&RelPath::root().join(LOCK)) {
            Kind::Record
        } else {
            Kind::Shared
        }
    }
}
