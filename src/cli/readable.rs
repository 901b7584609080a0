//! Whether the files that a service's record names can be read: else it would look as if they were gone.

use anyhow::{Result, bail};

use crate::config::{self, Config};
use crate::lock::{LOCK, Lock};
use crate::path::RelPath;
use crate::tree::{Entry, Tree};

/// An error that names the first file which the system keeps from us.
pub(super) fn readable(tree: &Tree, flags: &Config) -> Result<()> {
    let lock = RelPath::root().join(LOCK);
    let mut files = vec![lock.clone(), RelPath::root().join(config::FILE)];
    look(tree, &files)?;
    let config = config::load(tree)
        .map(|loaded| loaded.config)
        .unwrap_or_default();
    files = [&config.settings, &flags.settings]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let bytes = tree.bytes(&lock).unwrap_or_default();
    if let Ok(lock) = Lock::parse(&bytes) {
        files.extend(lock.owned.into_keys());
        files.extend(lock.seeded.into_keys());
        files.extend(lock.shared.into_keys());
    }
    look(tree, &files)
}

fn look(tree: &Tree, files: &[RelPath]) -> Result<()> {
    for path in files {
        if let Entry::Unreadable(why) = tree.entry(path) {
            bail!("{path} cannot be read: {why}; make it readable, then run again");
        }
    }
    Ok(())
}
