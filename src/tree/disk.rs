//! The calls that read: one look at one path, nothing remembered.
#![expect(clippy::disallowed_methods, reason = "this is where the disk is read")]

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{Entry, SIZE_LIMIT};
use crate::path::RelPath;

/// What a directory's listing says of a name, without another look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Directory,
    /// Anything else that has a name.
    File,
    /// A symbolic link, wherever it leads.
    Link,
}

/// The absolute path of `root` without links, as far as it exists.
pub(super) fn settle(root: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(root) {
        return real;
    }
    let whole = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    match (whole.parent(), whole.file_name()) {
        (Some(parent), Some(name)) => settle(parent).join(name),
        _ => whole,
    }
}

/// The full path of `path`; joining an empty path would add a slash, which no file has.
pub(super) fn full(root: &Path, path: &RelPath) -> PathBuf {
    let mut full = root.to_owned();
    full.extend(path.parts());
    full
}

/// The path of `here` below `root` without links, where its parent is known to have none.
pub(super) fn resolve(root: &Path, here: &RelPath) -> Result<RelPath, Entry> {
    let full = full(root, here);
    let kind = fs::symlink_metadata(&full).map_err(|error| entry_of(&error))?;
    if !kind.is_symlink() {
        return Ok(here.clone());
    }
    let target = fs::canonicalize(&full).map_err(|error| match error.kind() {
        // Not `Missing`: a file created here would take the link's place.
        ErrorKind::NotFound => Entry::Unreadable("a symbolic link to nothing".to_owned()),
        _ => entry_of(&error),
    })?;
    let inside = target.strip_prefix(root).map_err(|_| Entry::Outside)?;
    inside
        .to_str()
        .and_then(RelPath::parse)
        .ok_or_else(|| Entry::Unreadable("its name is not UTF-8".to_owned()))
}

/// What stands at a path that is no symbolic link.
pub(super) fn load(full: &Path) -> Entry {
    let look = || {
        let kind = fs::symlink_metadata(full)?;
        if !kind.is_file() {
            return Ok(entry_of_kind(kind.file_type()));
        }
        // What was a file a moment ago may be a FIFO or a link now: neither wait nor follow.
        let guard = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(guard.bits().cast_signed())
            .open(full)?;
        read(file)
    };
    look().unwrap_or_else(|error| entry_of(&error))
}

/// Whether a directory stands there, or a link to one.
pub(super) fn is_directory(full: &Path) -> bool {
    full.is_dir()
}

/// Whether anything stands there, or a link to something.
pub(super) fn stands(full: &Path) -> bool {
    full.exists()
}

/// The bytes of a file outside the service (git's own), if it is a file and not too large.
pub(super) fn bytes(full: &Path) -> Option<Vec<u8>> {
    let kind = fs::metadata(full).ok()?;
    (kind.is_file() && kind.len() <= 64 * SIZE_LIMIT)
        .then(|| fs::read(full).ok())
        .flatten()
}

/// The names in a directory that are UTF-8, in no order, or what stands in the way.
pub(super) fn names(full: &Path) -> Result<Vec<(String, Found)>, Entry> {
    listed(full).map_err(|error| entry_of(&error))
}

fn listed(full: &Path) -> std::io::Result<Vec<(String, Found)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(full)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let found = if kind.is_symlink() {
            Found::Link
        } else if kind.is_dir() {
            Found::Directory
        } else {
            Found::File
        };
        names.extend(entry.file_name().into_string().ok().map(|it| (it, found)));
    }
    Ok(names)
}

fn read(file: File) -> std::io::Result<Entry> {
    let kind = file.metadata()?;
    if !kind.is_file() {
        return Ok(entry_of_kind(kind.file_type()));
    }
    if kind.len() > SIZE_LIMIT {
        return Ok(Entry::TooLarge(kind.len()));
    }
    let mut bytes = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    let length = bytes.len() as u64;
    Ok(if length > SIZE_LIMIT {
        Entry::TooLarge(length)
    } else {
        Entry::File(bytes.into())
    })
}

fn entry_of_kind(kind: FileType) -> Entry {
    if kind.is_dir() {
        Entry::Directory
    } else if kind.is_fifo() {
        Entry::Special("a FIFO")
    } else if kind.is_socket() {
        Entry::Special("a socket")
    } else {
        Entry::Special("a device")
    }
}

fn entry_of(error: &std::io::Error) -> Entry {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Entry::Missing,
        _ => Entry::Unreadable(error.to_string()),
    }
}
