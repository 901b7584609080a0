//! `scaffold-events.lock`: what we wrote into a service, so that `sync` can merge and `remove` undo.
//!
//! Pure: bytes in, bytes out.

mod render;
mod undo;

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::edit::Span;
use crate::finding::Finding;
use crate::newline::Newline;
use crate::path::RelPath;

/// The file's name, in the service's root.
pub const LOCK: &str = "scaffold-events.lock";

/// Our record of one service.
#[derive(Clone, Default, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: Version,
    /// The contract that is wired: `zc-common@1.0`.
    pub contract: String,
    /// What the templates were rendered with.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// The files of a contract that is the service's own, as they were: the base of a later merge.
    #[serde(default, rename = "contract-files")]
    pub contract_files: BTreeMap<RelPath, Text>,
    /// Our files.
    #[serde(default)]
    pub owned: BTreeMap<RelPath, Owned>,
    /// The files of a new service that we created whole.
    #[serde(default)]
    pub created: BTreeMap<RelPath, Seeded>,
    /// The files we gave away.
    #[serde(default)]
    pub seeded: BTreeMap<RelPath, Seeded>,
    /// Their files that we edited.
    #[serde(default)]
    pub shared: BTreeMap<RelPath, Shared>,
}

/// A whole text, which the lock holds line by line, so that git can merge it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct Text(pub String);

impl From<Vec<String>> for Text {
    fn from(lines: Vec<String>) -> Self {
        Self(lines.join("\n"))
    }
}

/// A file of ours.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owned {
    /// The [`hash`] of what the templates gave: whether a base rendered again is what we wrote.
    pub written: String,
    /// The [`hash`] of the file as last left: the same, or with the user's edits merged in.
    pub accepted: String,
}

/// A file that was ours once.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seeded {
    /// The [`hash`] of what we wrote: whether it may go again.
    pub written: String,
}

/// A file of theirs that we edited.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// The [`hash`] of the file before our edit: what an undo must give.
    pub before: String,
    /// The [`hash`] of the file after our edit: what an undo applies to.
    pub hash: String,
    /// The newlines of the file after our edit.
    pub newline: Newline,
    /// What is in it by our hand, a few words each.
    pub establishes: Vec<String>,
    /// The edits that take it out again, in text order.
    #[serde(default)]
    pub undo: Vec<Undo>,
}

/// One reverse edit, in the text after ours with every newline as LF.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The offset of the first byte of ours.
    pub at: usize,
    /// Our text, which goes: where the file is not what we left, its meaning is looked for.
    pub ours: String,
    /// What stood there, in its own newlines.
    pub insert: String,
}

/// The name of a text's content, the same whichever newlines git gave it.
pub fn hash(text: &[u8]) -> String {
    sha256(&crate::newline::with_lf(text))
}

/// `sha256:` and the hex digest of these very bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}"); // a String takes everything
    }
    text
}

impl Lock {
    /// An empty record for this contract.
    pub fn new(contract: impl Into<String>) -> Self {
        Self {
            contract: contract.into(),
            ..Self::default()
        }
    }

    /// Reads a lock file. What it does not understand whole it refuses whole.
    pub fn parse(bytes: &[u8]) -> Result<Self, Finding> {
        if let Some(marker) = conflict_marker(bytes) {
            return Err(conflicting(marker));
        }
        match toml_edit::de::from_slice(bytes) {
            Ok(Stated { version: 2.. }) => Err(too_new()),
            _ => toml_edit::de::from_slice(bytes).map_err(|error| damaged(&error)),
        }
    }

    /// The file's bytes: the same for the same record, one fact a line, in path order.
    pub fn render(&self) -> Vec<u8> {
        render::render(self).into_bytes()
    }
}

const CURRENT: i64 = 1;

/// The version of the format, checked by reading it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "i64")]
struct Version;

impl TryFrom<i64> for Version {
    type Error = String;

    fn try_from(version: i64) -> Result<Self, String> {
        match version {
            CURRENT => Ok(Self),
            other => Err(format!("there is no version {other}")),
        }
    }
}

/// What every version says, whatever else it holds.
#[derive(Deserialize)]
struct Stated {
    version: i64,
}

/// The first line that git wrote into a file that it could not merge.
pub(crate) fn conflict_marker(bytes: &[u8]) -> Option<Span> {
    let markers: [&[u8]; 3] = [b"<<<<<<<", b"=======", b">>>>>>>"];
    let mut start = 0;
    for line in bytes.split(|&byte| byte == b'\n') {
        let span = Span::new(start, start + line.len());
        if markers.iter().any(|marker| line.starts_with(marker)) {
            return Some(span);
        }
        start = span.end + 1;
    }
    None
}

fn conflicting(marker: Span) -> Finding {
    Finding::refusal(
        "lock-conflict",
        "the lock file has conflict markers of a merge",
    )
    .at(&RelPath::root().join(LOCK), marker)
    .help(format!(
        "take one side whole, the one that the settings are from (`git checkout --ours {LOCK}`), then run `scaffold-events sync`"
    ))
}

fn too_new() -> Finding {
    Finding::refusal(
        "lock-version",
        "a newer scaffold-events wrote the lock file",
    )
    .in_file(&RelPath::root().join(LOCK))
    .help("update scaffold-events to the version that wrote it; `scaffold-events --version` says which this is")
}

fn damaged(error: &toml_edit::de::Error) -> Finding {
    let what = error.message().trim_end().replace('\n', ", ");
    let finding = Finding::refusal("lock-damaged", format!("the lock file is damaged: {what}"));
    let path = RelPath::root().join(LOCK);
    let finding = match error.span() {
        Some(span) => finding.at(&path, Span::new(span.start, span.end)),
        None => finding.in_file(&path),
    };
    finding.help(format!(
        "bring back the last good one (`git checkout {LOCK}`); or delete it and run \
         `scaffold-events init`, which recognises what is wired"
    ))
}

/// The contract that the lock keeps is none.
pub fn damaged_contract(why: &str) -> Finding {
    Finding::refusal(
        "lock-damaged",
        format!("the lock's copy of the contract cannot be read: {why}"),
    )
    .in_file(&RelPath::root().join(LOCK))
    .help(format!(
        "bring back the last good one: `git checkout {LOCK}`"
    ))
}

#[cfg(test)]
mod tests;
