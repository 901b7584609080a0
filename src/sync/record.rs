//! The lock file behind a `sync`.

use super::finish::End;
use super::scene::{Scene, Way};
use crate::edit::EditSet;
use crate::lock::{self, LOCK, Lock};
use crate::path::RelPath;
use crate::plan::record_contract;
use crate::unwire::whereabouts;

impl End<'_> {
    /// The record of how it all stands afterwards.
    pub(super) fn lock(&mut self, way: &Way) {
        let path = RelPath::root().join(LOCK);
        let old = &self.scene.lock;
        let planned = self.planned(&path).cloned().flatten();
        let mut lock = planned
            .and_then(|text| Lock::parse(&text).ok())
            .unwrap_or_else(|| old.clone());
        record_contract(&mut lock, &self.scene.target);
        let kept_owned = old.owned.iter().filter(|_| self.scene.fate.is_missing());
        lock.owned = kept_owned
            .map(|(path, owned)| (path.clone(), owned.clone()))
            .chain(self.owned.clone())
            .collect();
        if !way.moves {
            let shared = old.shared.iter();
            let found = shared.map(|(path, shared)| {
                let now = whereabouts(self.scene.tree, path, shared);
                (now, shared.clone())
            });
            lock.shared = found.collect();
        }
        if let Some(path) = self.scene.loaded.path() {
            let text = self.planned(path).cloned().flatten();
            let text = text.or_else(|| Some(self.scene.tree.bytes(path)?.to_vec()));
            lock.shared
                .extend(config_record(self.scene, &text.unwrap_or_default()));
        }
        for (path, seeded) in &old.seeded {
            let goes = matches!(self.planned(path), Some(None));
            if !goes {
                lock.seeded
                    .entry(self.now(path, &seeded.written))
                    .or_insert_with(|| seeded.clone());
            }
        }
        self.created(&mut lock);
        self.put(&path, Some(lock.render()));
    }

    /// Where a file of ours is now, if it is as we left it.
    fn now(&self, path: &RelPath, written: &str) -> RelPath {
        let tree = self.scene.tree;
        let moved = tree.whereabouts(path);
        let is_it = |moved: &RelPath| {
            tree.bytes(moved)
                .is_some_and(|text| lock::hash(&text) == written)
        };
        moved.filter(is_it).unwrap_or_else(|| path.clone())
    }

    /// A skeleton file that nobody touched is still untouched with our new text in it.
    fn created(&self, lock: &mut Lock) {
        lock.created = self.scene.lock.created.clone();
        for (path, created) in &mut lock.created {
            let now = self.scene.tree.bytes(path).unwrap_or_default();
            if let Some(Some(after)) = self.planned(path)
                && lock::hash(&now) == created.written
            {
                created.written = lock::hash(after);
            }
        }
    }
}

/// The config's own record: what we added to a file of the user's.
fn config_record(scene: &Scene<'_>, final_text: &[u8]) -> Option<(RelPath, lock::Shared)> {
    let path = scene.loaded.path()?;
    let old = scene.lock.shared.get(path)?;
    let record = scene
        .tree
        .bytes(path)
        .and_then(|now| old.undo(&now))
        .map(|before| {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let edits = EditSet::between(&text(&before), &text(final_text));
            lock::Shared::record(&before, &edits, old.establishes.clone())
        });
    Some((path.clone(), record.unwrap_or_else(|| old.clone())))
}
