//! The calls that write: one effect each, and a gate before each, so that tests can fail or die there.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the disk is written"
)]

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::path::RelPath;

/// The files below one root, to write.
pub(super) struct Disk<'a> {
    root: &'a Path,
    gate: &'a dyn Fn() -> io::Result<()>,
}

impl<'a> Disk<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Self::gated(root, &|| Ok(()))
    }

    /// As [`Disk::new`]; `gate` is asked before every effect.
    pub(super) fn gated(root: &'a Path, gate: &'a dyn Fn() -> io::Result<()>) -> Self {
        Self { root, gate }
    }

    pub(super) fn root(&self) -> &'a Path {
        self.root
    }

    /// Makes the root and what is missing above it; gives what it made, innermost first.
    pub(super) fn make_root(&self) -> Result<Vec<PathBuf>> {
        let missing: Vec<PathBuf> = self
            .root
            .ancestors()
            .take_while(|directory| !directory.as_os_str().is_empty() && !directory.exists())
            .map(Path::to_owned)
            .collect();
        for (count, directory) in missing.iter().rev().enumerate() {
            let made = (self.gate)().and_then(|()| fs::create_dir(directory));
            if let Err(error) = made {
                self.unmake_root(&missing[missing.len() - count..]);
                return Err(explained(error, "make the directory", directory));
            }
        }
        Ok(missing)
    }

    /// Takes away what [`Disk::make_root`] made, as far as it is empty.
    pub(super) fn unmake_root(&self, made: &[PathBuf]) {
        for directory in made {
            let _ = (self.gate)().and_then(|()| fs::remove_dir(directory));
        }
    }

    pub(super) fn make_directory(&self, path: &RelPath) -> Result<()> {
        self.effect("make the directory", path, |full| fs::create_dir(full))
    }

    /// Removes a directory if it is there and empty.
    pub(super) fn remove_empty(&self, path: &RelPath) -> Result<()> {
        self.effect("remove the directory", path, |full| {
            unless(
                ErrorKind::DirectoryNotEmpty,
                unless(ErrorKind::NotFound, fs::remove_dir(full)),
            )
        })
    }

    /// Removes a file if it is there.
    pub(super) fn remove(&self, path: &RelPath) -> Result<()> {
        self.effect("remove", path, |full| {
            unless(ErrorKind::NotFound, fs::remove_file(full))
        })
    }

    pub(super) fn rename(&self, from: &RelPath, to: &RelPath) -> Result<()> {
        let from = self.full(from);
        self.effect("put in place", to, |full| fs::rename(from, full))
    }

    /// Gives the file at `from` a second name; a copy where the file system has no such thing.
    pub(super) fn keep(&self, from: &RelPath, to: &RelPath, bytes: &[u8]) -> Result<()> {
        self.remove(to)?;
        let original = self.full(from);
        let linked = self.effect("keep the original as", to, |full| {
            fs::hard_link(&original, full)
        });
        match linked {
            Ok(()) => Ok(()),
            Err(_) => self.create(to, bytes, Some(from)),
        }
    }

    /// Writes a new file, safe on disk when this returns, with the permissions and owner of `like`.
    pub(super) fn create(
        &self,
        path: &RelPath,
        bytes: &[u8],
        like: Option<&RelPath>,
    ) -> Result<()> {
        self.remove(path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // A secret must not be open to others for the moment before its own permissions are set.
        options.mode(if like.is_some() { 0o600 } else { 0o666 });
        let mut file = None;
        self.effect("create", path, |full| {
            file = Some(options.open(full)?);
            Ok(())
        })?;
        let mut file = file.context("a file that was created is open")?;
        self.effect("write", path, |_| file.write_all(bytes))?;
        if let Some(like) = like {
            self.effect("keep owner and permissions of", like, |full| {
                dress(&file, &fs::symlink_metadata(full)?)
            })?;
        }
        self.effect("write", path, |_| file.sync_all())
    }

    /// Writes more into an open file, safe on disk when this returns.
    pub(super) fn append(&self, mut file: &File, path: &RelPath, bytes: &[u8]) -> Result<()> {
        self.effect("write", path, |_| file.write_all(bytes))?;
        self.effect("write", path, |_| file.sync_all())
    }

    /// Makes the names in a directory safe on disk, where the file system can.
    pub(super) fn sync(&self, directory: &RelPath) -> Result<()> {
        self.effect("write the directory", directory, |full| {
            let synced = File::open(full).and_then(|it| it.sync_all());
            unless(
                ErrorKind::InvalidInput,
                unless(ErrorKind::Unsupported, synced),
            )
        })
    }

    /// One gated effect, its error told with what, where and what next.
    pub(super) fn effect(
        &self,
        what: &str,
        path: &RelPath,
        effect: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<()> {
        let full = self.full(path);
        (self.gate)()
            .and_then(|()| effect(&full))
            .map_err(|error| explained(error, what, &full))
    }

    fn full(&self, path: &RelPath) -> PathBuf {
        self.root.join(path.as_str())
    }
}

fn unless(kind: ErrorKind, result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == kind => Ok(()),
        result => result,
    }
}

/// Owner before permissions: changing the owner clears set-id bits.
fn dress(file: &File, like: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    let uid = (own.uid() != like.uid()).then(|| like.uid());
    let gid = (own.gid() != like.gid()).then(|| like.gid());
    if uid.is_some() || gid.is_some() {
        fchown(file, uid, gid)?;
    }
    file.set_permissions(like.permissions())
}

fn explained(error: io::Error, what: &str, full: &Path) -> anyhow::Error {
    let next = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space",
        ErrorKind::PermissionDenied => "run as the user who owns it, or make it writable",
        ErrorKind::ReadOnlyFilesystem => "mount it writable",
        ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => {
            "it is a mount point: run where the file itself lives"
        }
        _ => "mend that",
    };
    let what = format!("cannot {what} {}; {next}, then run again", full.display());
    anyhow::Error::new(error).context(what)
}
