//! The files of one service as a snapshot: loaded when asked for, remembered, every read on record.
//!
//! The only module that reads the disk. Never writes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Neither file nor directory: "a FIFO", "a socket", "a device".
    Special(&'static str),
    /// A symbolic link that leads out of the service: not followed.
    Outside,
    /// The system would not let us look; its words.
    Unreadable(String),
}

/// Files above this many bytes are not read: no settings file a person wrote is near it.
pub const SIZE_LIMIT: u64 = 4 * 1024 * 1024;

/// A lazily loaded snapshot of a service's files.
pub struct Tree {
    root: Option<PathBuf>,
    seen: RefCell<BTreeMap<RelPath, Entry>>,
    parsed: RefCell<BTreeMap<RelPath, Parsed>>,
}

type Parsed = Result<Arc<Module>, Unparsable>;

impl Tree {
    /// The service at `root` on disk.
    pub fn disk(root: &Path) -> Self {
        Self {
            root: Some(root.to_owned()),
            seen: RefCell::default(),
            parsed: RefCell::default(),
        }
    }

    /// A service that exists only in memory, for tests and for planning again.
    pub fn memory(files: impl IntoIterator<Item = (RelPath, Vec<u8>)>) -> Self {
        let files = files
            .into_iter()
            .map(|(path, bytes)| (path, Entry::File(bytes.into())));
        Self {
            root: None,
            seen: RefCell::new(files.collect()),
            parsed: RefCell::default(),
        }
    }

    /// What stands at `path`.
    pub fn entry(&self, path: &RelPath) -> Entry {
        let seen = self.seen.borrow();
        match seen.get(path) {
            Some(entry) => entry.clone(),
            None if seen.keys().any(|file| file.is_under(path)) => Entry::Directory,
            None => Entry::Missing,
        }
    }

    /// The names in the directory at `dir`, sorted, each with whether it is a directory.
    pub fn list(&self, dir: &RelPath) -> Vec<(String, bool)> {
        let mut names = BTreeMap::new();
        for file in self.seen.borrow().keys() {
            if let Some((name, inside)) = file.below(dir).map(|rest| match rest.split_once('/') {
                Some((name, _)) => (name.to_owned(), true),
                None => (rest.to_owned(), false),
            }) {
                names.insert(name, inside);
            }
        }
        names.into_iter().collect()
    }

    /// All files below the root that may matter, sorted.
    pub fn walk(&self) -> Vec<RelPath> {
        self.seen.borrow().keys().cloned().collect()
    }

    /// The name of the service's directory, where it has one.
    pub fn root_name(&self) -> Option<String> {
        let name = self.root.as_ref()?.file_name()?;
        Some(name.to_string_lossy().into_owned())
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
            Entry::Missing => Err(Unparsable::whole("file-missing", "there is no such file")),
            Entry::Directory => Err(Unparsable::whole(
                "file-is-directory",
                "this is a directory",
            )),
            Entry::TooLarge(size) => Err(Unparsable::whole(
                "file-too-large",
                format!("{size} bytes: we read no file above {SIZE_LIMIT}"),
            )),
            Entry::Special(what) => Err(Unparsable::whole(
                "file-special",
                format!("this is {what}, not a file"),
            )),
            Entry::Outside => Err(Unparsable::whole(
                "file-outside",
                "this symbolic link leads out of the service: we do not follow it",
            )),
            Entry::Unreadable(why) => Err(Unparsable::whole("file-unreadable", why)),
        };
        self.parsed
            .borrow_mut()
            .insert(path.clone(), parsed.clone());
        parsed
    }
}
