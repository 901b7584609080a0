//! The files of one service as a snapshot: loaded when asked for, remembered, every read on record.
//!
//! The only module that reads the disk. Never writes, never runs git.

mod disk;
mod git;
mod index;
mod snapshot;
mod walk;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

pub use git::GitState;
pub(crate) use snapshot::STAGED;
use snapshot::Snapshot;

use crate::path::RelPath;
use crate::python::parse::{Unparsable, parse};
use crate::python::syntax::Module;

/// What stands at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Nothing.
    Missing,
    /// A directory.
    Directory,
    /// A file, read whole.
    File(Arc<[u8]>),
    /// A file over [`SIZE_LIMIT`], not read.
    TooLarge(u64),
    /// Neither file nor directory: "a FIFO", "a socket", "a device". Never opened.
    Special(&'static str),
    /// A symbolic link that leads out of the service: not followed.
    Outside,
    /// The system would not let us look; its words.
    Unreadable(String),
}

impl Entry {
    /// Why this is no file that can be read.
    fn unreadable(&self) -> Unparsable {
        let (code, message) = match self {
            Self::Missing => ("file-missing", "there is no such file".to_owned()),
            Self::Directory => (
                "file-is-directory",
                "this is a directory, not a file".to_owned(),
            ),
            Self::File(_) => ("file-not-python", "this is no Python file".to_owned()),
            Self::TooLarge(size) => (
                "file-too-large",
                format!("this file has {size} bytes; we read none above {SIZE_LIMIT}"),
            ),
            Self::Special(what) => ("file-special", format!("this is {what}, not a file")),
            Self::Outside => (
                "file-outside",
                "this symbolic link leads out of the service: we do not follow it".to_owned(),
            ),
            Self::Unreadable(why) => (
                "file-unreadable",
                format!("this file cannot be read: {why}"),
            ),
        };
        Unparsable::whole(code, message)
    }
}

/// Files above this many bytes are not read: no settings file a person wrote is near it.
pub const SIZE_LIMIT: u64 = 4 * 1024 * 1024;

/// A lazily loaded snapshot of a service's files, with planned changes laid over it.
///
/// Whatever was read once is never read again, so all that is planned rests on one state of the
/// disk; [`Tree::changed`] says whether that state still holds.
pub struct Tree {
    under: Rc<Snapshot>,
    over: BTreeMap<RelPath, Option<Arc<[u8]>>>,
    parsed: RefCell<BTreeMap<RelPath, Parsed>>,
}

type Parsed = Result<Arc<Module>, Unparsable>;

impl Tree {
    /// The service at `root` on disk, which need not exist yet.
    pub fn disk(root: &Path) -> Self {
        Self::from(Snapshot::disk(root))
    }

    /// A service that exists only in memory, for tests.
    pub fn memory(files: impl IntoIterator<Item = (RelPath, Vec<u8>)>) -> Self {
        Self::from(Snapshot::memory(None, files))
    }

    /// As [`Tree::memory`], in a directory of this name.
    pub fn named(name: &str, files: impl IntoIterator<Item = (RelPath, Vec<u8>)>) -> Self {
        Self::from(Snapshot::memory(Some(name.to_owned()), files))
    }

    /// This tree as it will be after `changes` (`None`: the file goes). Shares what was read.
    #[must_use]
    pub fn overlay(&self, changes: impl IntoIterator<Item = (RelPath, Option<Vec<u8>>)>) -> Self {
        let mut over = self.over.clone();
        let mut parsed = self.parsed.borrow().clone();
        let mut touched = BTreeSet::new();
        for (path, bytes) in changes {
            let real = self.under.real(&path).unwrap_or(path);
            touched.insert(real.clone());
            over.insert(real, bytes.map(Arc::from));
        }
        // What is the same file reads the same.
        parsed.retain(|path, module| {
            module.is_ok() && self.real(path).is_none_or(|real| !touched.contains(&real))
        });
        Self {
            under: Rc::clone(&self.under),
            over,
            parsed: RefCell::new(parsed),
        }
    }

    /// The planned changes that are laid over the snapshot.
    pub fn overlaid(&self) -> Vec<(RelPath, Option<Arc<[u8]>>)> {
        let over = self.over.iter();
        over.map(|(path, text)| (path.clone(), text.clone()))
            .collect()
    }

    /// What stands at `path`, behind symbolic links that stay inside the service.
    pub fn entry(&self, path: &RelPath) -> Entry {
        if let Some(change) = self.real(path).and_then(|real| self.over.get(&real)) {
            return change.clone().map_or(Entry::Missing, Entry::File);
        }
        match self.under.entry(path) {
            Entry::Missing if self.created_below(path).next().is_some() => Entry::Directory,
            entry => entry,
        }
    }

    /// The bytes of the file at `path`, if there is one that can be read.
    pub fn bytes(&self, path: &RelPath) -> Option<Arc<[u8]>> {
        match self.entry(path) {
            Entry::File(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The file at `path` as Python, parsed once.
    pub fn python(&self, path: &RelPath) -> Result<Arc<Module>, Unparsable> {
        if let Some(parsed) = self.parsed.borrow().get(path) {
            return parsed.clone();
        }
        let parsed = match self.entry(path) {
            Entry::File(bytes) => parse(bytes).map(Arc::new),
            other => Err(other.unreadable()),
        };
        self.parsed
            .borrow_mut()
            .insert(path.clone(), parsed.clone());
        parsed
    }

    /// Where a write to `path` must go, so that a symbolic link stays a link: the path without
    /// links, whether or not a file is there yet. `None` where it leads out of the service, to
    /// nothing, or through a file.
    pub fn real(&self, path: &RelPath) -> Option<RelPath> {
        self.under.real(path)
    }

    /// The names in a directory, sorted, each with whether it is a directory. Empty where there is
    /// no directory. Names that are not UTF-8 are left out, and so are our own staged files.
    pub fn list(&self, directory: &RelPath) -> Vec<(String, bool)> {
        let mut names: BTreeMap<String, bool> = self.under.list(directory).into_iter().collect();
        if let Some(real) = self.real(directory) {
            names.retain(|name, _| !matches!(self.over.get(&real.join(name)), Some(None)));
            for path in self.created_below(&real) {
                let rest = path.below(&real).unwrap_or_default();
                match rest.split_once('/') {
                    Some((name, _)) => names.insert(name.to_owned(), true),
                    None => names.insert(rest.to_owned(), false),
                };
            }
        }
        names.into_iter().collect()
    }

    /// A directory of the service's code whose names the system would not give so far, with its words:
    /// what is planned may rest on files that were not seen.
    ///
    /// One from which nothing was read, such as the data of a database, is none of the service's code.
    pub fn closed(&self) -> Option<(RelPath, String)> {
        self.under.closed()
    }

    /// All files that may matter, sorted: without `.git`, virtualenvs, caches, build outputs.
    /// Symbolic links to directories are not followed.
    pub fn walk(&self) -> Vec<RelPath> {
        let mut files: BTreeSet<RelPath> = self.under.walk().files.iter().cloned().collect();
        for (path, change) in &self.over {
            match change {
                Some(_) => files.insert(path.clone()),
                None => files.remove(path),
            };
        }
        files.into_iter().collect()
    }

    /// Where the file at `path` is: there, or, moved, the only other of its name.
    pub fn whereabouts(&self, path: &RelPath) -> Option<RelPath> {
        if self.bytes(path).is_some() {
            return Some(path.clone());
        }
        let files = self.walk().into_iter();
        let mut same = files.filter(|file| file.file_name() == path.file_name());
        let first = same.next()?;
        same.next().is_none().then_some(first)
    }

    /// Whether [`Tree::walk`] saw everything: nothing unreadable, too deep or beyond all number.
    pub fn walk_is_whole(&self) -> bool {
        self.under.walk().whole
    }

    /// The name of the service's directory, links and `..` resolved.
    pub fn root_name(&self) -> Option<String> {
        self.under.name()
    }

    /// Where the service is below the top of its git checkout; `None` where it is in none.
    pub fn below_repository(&self) -> Option<RelPath> {
        git::below_repository(self)
    }

    /// Whether git ignores `path`: a rule matches, and the file is not tracked all the same.
    pub fn is_ignored(&self, path: &RelPath) -> bool {
        git::is_ignored(self, path)
    }

    /// Whether git holds the file at `path` as it stands.
    pub fn git_state(&self, path: &RelPath) -> GitState {
        git::state(self, path)
    }

    /// What no longer is as it was read, "not found" included; empty while the snapshot holds.
    pub fn changed(&self) -> Vec<RelPath> {
        self.under.changed()
    }

    fn created_below<'a>(
        &'a self,
        directory: &'a RelPath,
    ) -> impl Iterator<Item = &'a RelPath> + 'a {
        self.over
            .iter()
            .filter(move |(path, bytes)| {
                bytes.is_some() && *path != directory && path.is_under(directory)
            })
            .map(|(path, _)| path)
    }
}

impl From<Snapshot> for Tree {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            under: Rc::new(snapshot),
            over: BTreeMap::new(),
            parsed: RefCell::default(),
        }
    }
}

#[cfg(test)]
mod tests;
