//! What git thinks of a file, read from its own files: no subprocess, so no hook or filter runs.

use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use sha1::{Digest, Sha1};

use super::index::{Held, Index};
use super::{Tree, disk};
use crate::path::RelPath;

/// Whether git holds a file as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GitState {
    /// The service is in no git checkout.
    NoRepository,
    /// Git does not know the file.
    Untracked,
    /// The file is what git's index holds, newlines aside.
    Clean,
    /// The file differs from git's index: `git diff` shows it.
    Changed,
    /// Git's index is of a kind we do not read (split, sparse, SHA-256), or damaged.
    Unknown,
}

/// The git checkout around a service.
pub(super) struct Repository {
    top: PathBuf,
    /// The service's place below `top`.
    prefix: RelPath,
    /// Where the rules that hold for the whole checkout are.
    exclude: PathBuf,
    index: Option<Index>,
}

impl Repository {
    /// The nearest checkout that `root` is in.
    pub(super) fn around(root: &Path) -> Option<Self> {
        let top = root
            .ancestors()
            .find(|top| disk::stands(&top.join(".git")))?;
        let private = private_directory(top)?;
        let shared = disk::bytes(&private.join("commondir"))
            .and_then(|text| Some(private.join(one_line(&text)?)))
            .unwrap_or_else(|| private.clone());
        let index = private.join("index");
        Some(Self {
            top: top.to_owned(),
            prefix: RelPath::parse(root.strip_prefix(top).ok()?.to_str()?)?,
            exclude: shared.join("info/exclude"),
            // A checkout without an index has nothing added yet.
            index: match disk::bytes(&index) {
                Some(bytes) => Index::parse(&bytes),
                None => (!disk::stands(&index)).then(Index::default),
            },
        })
    }
}

/// See [`Tree::below_repository`].
pub(super) fn below_repository(tree: &Tree) -> Option<RelPath> {
    Some(tree.under.repository()?.prefix.clone())
}

/// See [`Tree::is_ignored`].
pub(super) fn is_ignored(tree: &Tree, path: &RelPath) -> bool {
    let repository = tree.under.repository();
    if tree.under.root().is_some() && repository.is_none() {
        return false;
    }
    let prefix = repository.map_or_else(RelPath::root, |it| it.prefix.clone());
    let whole = prefix.join(path.as_str());
    let is_tracked = repository
        .and_then(|it| it.index.as_ref())
        .is_some_and(|index| index.held(whole.as_str()).is_some());
    if is_tracked {
        return false;
    }
    let rules = |directory: &RelPath| match (directory.below(&prefix), repository) {
        (Some(below), _) => {
            let path = RelPath::parse(below)?.join(".gitignore");
            tree.bytes(&path).map(|bytes| bytes.to_vec())
        }
        (None, Some(it)) => disk::bytes(&it.top.join(directory.join(".gitignore").as_str())),
        (None, None) => None,
    };
    let exclude = repository.and_then(|it| disk::bytes(&it.exclude));
    // A directory that is ignored hides all that is in it, whatever deeper rules say. The service's own
    // directory does not count: someone works in it all the same.
    above(&whole)
        .iter()
        .chain([&whole])
        .filter(|part| part.is_under(&prefix) && **part != prefix)
        .any(|part| matches_any(part, *part != whole, &rules, exclude.as_deref()))
}

/// See [`Tree::git_state`].
pub(super) fn state(tree: &Tree, path: &RelPath) -> GitState {
    let Some(repository) = tree.under.repository() else {
        return GitState::NoRepository;
    };
    let Some(index) = &repository.index else {
        return GitState::Unknown;
    };
    let real = tree.real(path).unwrap_or_else(|| path.clone());
    match index.held(repository.prefix.join(real.as_str()).as_str()) {
        None => GitState::Untracked,
        Some(Held::Conflict) => GitState::Changed,
        Some(Held::Blob(name)) => match tree.bytes(&real) {
            Some(bytes) if is_blob(&bytes, *name) => GitState::Clean,
            _ => GitState::Changed,
        },
    }
}

/// Where git keeps what belongs to this checkout: `.git`, or what a `.git` file points at
/// (worktrees, submodules).
fn private_directory(top: &Path) -> Option<PathBuf> {
    let git = top.join(".git");
    if disk::is_directory(&git) {
        return Some(git);
    }
    let text = disk::bytes(&git)?;
    Some(top.join(one_line(&text)?.strip_prefix("gitdir:")?.trim_start()))
}

fn one_line(text: &[u8]) -> Option<&str> {
    Some(
        std::str::from_utf8(text)
            .ok()?
            .trim_end_matches(['\r', '\n']),
    )
}

/// The directories that hold a path, outermost first, without the root.
fn above(path: &RelPath) -> Vec<RelPath> {
    let mut above: Vec<RelPath> = std::iter::successors(path.parent(), RelPath::parent)
        .filter(|directory| *directory != RelPath::root())
        .collect();
    above.reverse();
    above
}

/// The nearest rule that says anything about `path` decides.
fn matches_any(
    path: &RelPath,
    is_directory: bool,
    rules: &dyn Fn(&RelPath) -> Option<Vec<u8>>,
    exclude: Option<&[u8]>,
) -> bool {
    let nearest = std::iter::successors(path.parent(), RelPath::parent)
        .filter_map(|directory| Some((rules(&directory)?, directory)))
        .chain(exclude.map(|text| (text.to_vec(), RelPath::root())));
    for (text, directory) in nearest {
        let Some(below) = path.below(&directory) else {
            continue;
        };
        match gitignore(&text).matched(below, is_directory) {
            Match::None => {}
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
        }
    }
    false
}

fn gitignore(text: &[u8]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for line in text.split(|&byte| byte == b'\n') {
        // Lines git itself could not match are passed over, as git does.
        let line = String::from_utf8_lossy(line);
        let _ = builder.add_line(None, line.trim_end_matches('\r'));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

fn is_blob(bytes: &[u8], name: [u8; 20]) -> bool {
    blob_name(bytes) == name || blob_name(&crate::newline::with_lf(bytes)) == name
}

fn blob_name(bytes: &[u8]) -> [u8; 20] {
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", bytes.len()));
    hash.update(bytes);
    hash.finalize().into()
}
