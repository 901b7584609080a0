//! What stood there when it was first looked at. Reads through `disk` alone.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Entry;
use super::disk::{self, Found};
use super::git::Repository;
use super::walk::{self, Walk};
use crate::path::RelPath;

/// Names that begin so are our journal and staged files: not part of the service.
pub(crate) const STAGED: &str = ".scaffold-events.";

/// Everything read so far, by the path it was asked for.
pub(super) struct Snapshot {
    ground: Ground,
    resolved: RefCell<BTreeMap<RelPath, Result<RelPath, Entry>>>,
    seen: RefCell<BTreeMap<RelPath, Entry>>,
    lists: RefCell<BTreeMap<RelPath, Vec<(String, bool)>>>,
    /// The directories that would not be listed, with the system's words.
    closed: RefCell<BTreeMap<RelPath, String>>,
    walked: OnceCell<Walk>,
    repository: OnceCell<Option<Repository>>,
}

enum Ground {
    Disk(PathBuf),
    Memory {
        name: Option<String>,
        files: BTreeMap<RelPath, Arc<[u8]>>,
    },
}

impl Snapshot {
    pub(super) fn disk(root: &Path) -> Self {
        Self::new(Ground::Disk(disk::settle(root)))
    }

    pub(super) fn memory(
        name: Option<String>,
        files: impl IntoIterator<Item = (RelPath, Vec<u8>)>,
    ) -> Self {
        let files = files.into_iter();
        Self::new(Ground::Memory {
            name,
            files: files.map(|(path, bytes)| (path, bytes.into())).collect(),
        })
    }

    fn new(ground: Ground) -> Self {
        Self {
            ground,
            resolved: RefCell::default(),
            seen: RefCell::default(),
            lists: RefCell::default(),
            closed: RefCell::default(),
            walked: OnceCell::new(),
            repository: OnceCell::new(),
        }
    }

    /// The root on disk; `None` in memory.
    pub(super) fn root(&self) -> Option<&Path> {
        match &self.ground {
            Ground::Disk(root) => Some(root),
            Ground::Memory { .. } => None,
        }
    }

    pub(super) fn name(&self) -> Option<String> {
        match &self.ground {
            Ground::Disk(root) => Some(root.file_name()?.to_str()?.to_owned()),
            Ground::Memory { name, .. } => name.clone(),
        }
    }

    pub(super) fn repository(&self) -> Option<&Repository> {
        self.repository
            .get_or_init(|| Repository::around(self.root()?))
            .as_ref()
    }

    pub(super) fn entry(&self, path: &RelPath) -> Entry {
        if let Some(entry) = self.seen.borrow().get(path) {
            return entry.clone();
        }
        let entry = match self.resolve(path) {
            Ok(real) if real == *path => self.load(path),
            Ok(real) => self.entry(&real),
            Err(entry) => entry,
        };
        self.seen.borrow_mut().insert(path.clone(), entry.clone());
        entry
    }

    /// See [`super::Tree::real`].
    pub(super) fn real(&self, path: &RelPath) -> Option<RelPath> {
        match self.resolve(path) {
            Ok(real) => Some(real),
            Err(Entry::Missing) => {
                let Some(parent) = path.parent() else {
                    return Some(RelPath::root());
                };
                match self.entry(&parent) {
                    Entry::Missing | Entry::Directory => {
                        Some(self.real(&parent)?.join(path.file_name()))
                    }
                    _ => None,
                }
            }
            Err(_) => None,
        }
    }

    pub(super) fn list(&self, directory: &RelPath) -> Vec<(String, bool)> {
        if let Some(names) = self.lists.borrow().get(directory) {
            return names.clone();
        }
        let names = self.read_list(directory);
        let mut lists = self.lists.borrow_mut();
        lists.entry(directory.clone()).or_insert(names).clone()
    }

    pub(super) fn walk(&self) -> &Walk {
        self.walked.get_or_init(|| walk::walk(self))
    }

    /// See [`super::Tree::closed`].
    pub(super) fn closed(&self) -> Option<(RelPath, String)> {
        let seen = self.seen.borrow();
        let holds_ours = |directory: &RelPath| {
            let mut files = seen.iter().filter(|(_, it)| matches!(it, Entry::File(_)));
            files.any(|(path, _)| path.parent().as_ref() == Some(directory))
        };
        let closed = self.closed.borrow();
        let mut ours = (closed.iter()).filter(|(it, _)| **it == RelPath::root() || holds_ours(it));
        ours.next().map(|(path, why)| (path.clone(), why.clone()))
    }

    /// What a directory holds, unrecorded, in no order, or what stands in the way.
    pub(super) fn found(&self, directory: &RelPath) -> Result<Vec<(String, Found)>, Entry> {
        match &self.ground {
            Ground::Disk(root) => {
                let real = self.resolve(directory)?;
                let mut names = disk::names(&disk::full(root, &real)).inspect_err(|stands| {
                    if let Entry::Unreadable(why) = stands {
                        self.closed.borrow_mut().insert(real, why.clone());
                    }
                })?;
                names.retain(|(name, _)| !name.starts_with(STAGED));
                Ok(names)
            }
            Ground::Memory { files, .. } => {
                let mut names = BTreeMap::new();
                for path in files.keys().filter(|path| *path != directory) {
                    let Some(rest) = path.below(directory) else {
                        continue;
                    };
                    match rest.split_once('/') {
                        Some((name, _)) => names.insert(name.to_owned(), Found::Directory),
                        None => names.insert(path.file_name().to_owned(), Found::File),
                    };
                }
                Ok(names.into_iter().collect())
            }
        }
    }

    /// See [`super::Tree::changed`].
    pub(super) fn changed(&self) -> Vec<RelPath> {
        let Some(root) = self.root() else {
            return Vec::new();
        };
        let now = Self::disk(root);
        let mut changed = Vec::new();
        for (path, entry) in &*self.seen.borrow() {
            if now.entry(path) != *entry || now.real(path) != self.real(path) {
                changed.push(path.clone());
            }
        }
        for (path, names) in &*self.lists.borrow() {
            if now.list(path) != *names {
                changed.push(path.clone());
            }
        }
        if let Some(walk) = self.walked.get() {
            changed.extend(walk.difference(now.walk()));
        }
        changed.sort();
        changed.dedup();
        changed
    }

    fn read_list(&self, directory: &RelPath) -> Vec<(String, bool)> {
        let mut names: Vec<(String, bool)> = self
            .found(directory)
            .unwrap_or_default()
            .into_iter()
            .map(|(name, found)| {
                let is_directory = match found {
                    Found::Directory => true,
                    Found::File => false,
                    Found::Link => self.is_directory(&directory.join(&name)),
                };
                (name, is_directory)
            })
            .collect();
        names.sort();
        names
    }

    /// Whether a directory stands at `path`, without reading the file that may be there instead.
    pub(super) fn is_directory(&self, path: &RelPath) -> bool {
        match (&self.ground, self.resolve(path)) {
            (Ground::Disk(root), Ok(real)) => disk::is_directory(&disk::full(root, &real)),
            _ => false,
        }
    }

    fn load(&self, real: &RelPath) -> Entry {
        match &self.ground {
            Ground::Disk(root) => disk::load(&disk::full(root, real)),
            Ground::Memory { files, .. } => match files.get(real) {
                Some(bytes) => Entry::File(bytes.clone()),
                None if *real == RelPath::root() || holds(files, real) => Entry::Directory,
                None => Entry::Missing,
            },
        }
    }

    /// The path without symbolic links, or what stands in the way.
    fn resolve(&self, path: &RelPath) -> Result<RelPath, Entry> {
        let Ground::Disk(root) = &self.ground else {
            return match self.load(path) {
                Entry::Missing => Err(Entry::Missing),
                _ => Ok(path.clone()),
            };
        };
        if let Some(known) = self.resolved.borrow().get(path) {
            return known.clone();
        }
        let resolved = match path.parent() {
            None => Ok(RelPath::root()),
            Some(parent) => self
                .resolve(&parent)
                .and_then(|parent| disk::resolve(root, &parent.join(path.file_name()))),
        };
        let mut memory = self.resolved.borrow_mut();
        memory.entry(path.clone()).or_insert(resolved).clone()
    }
}

fn holds(files: &BTreeMap<RelPath, Arc<[u8]>>, directory: &RelPath) -> bool {
    files.keys().any(|path| path.is_under(directory))
}
