//! What became of each service, as text: for a person, a script, a pull request. Pure: prints nothing.
//!
//! Passwords in URLs are masked in everything but the patch, which must apply.

mod commands;
mod contracts;
mod findings;
mod github;
mod human;
mod json;
mod patch;
mod sarif;
mod source;

use crate::finding::Level;
use crate::path::RelPath;
use crate::plan::{FileChange, Plan};
use crate::tree::Tree;

pub use contracts::{contracts, contracts_json};
pub use findings::findings;
pub use github::github;
pub use human::{Detail, diagnosis, headline, human, next, summary};
pub use json::json;
pub use patch::{edits, painted, patch};
pub use sarif::sarif;

use source::masked;

/// One service, what was planned for it, and how it ended.
pub struct Outcome {
    /// The service as the user typed it; `.` where they are in it.
    pub service: String,
    /// Where its files are from here, so that paths can be clicked and patches applied.
    pub prefix: RelPath,
    /// The files that the findings point into.
    pub tree: Tree,
    /// What was found and planned.
    pub plan: Plan,
    /// How it ended.
    pub status: Status,
}

/// How a command ended for one service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Status {
    /// The plan is on disk, or there was nothing to do.
    Done,
    /// The plan is on disk, and leaves something for a person to finish.
    Open,
    /// Something is to be done: files would change, or a finding is an error.
    Pending,
    /// A person must decide; nothing was written.
    Refused,
    /// We could not do our work; the error and its causes, outermost first.
    Failed(Vec<String>),
}

impl Status {
    /// We could not do our work.
    pub fn failed(error: &anyhow::Error) -> Self {
        Self::Failed(
            error
                .chain()
                .map(|cause| masked(&cause.to_string()))
                .collect(),
        )
    }

    /// Where a plan stands before it is applied.
    pub fn of(plan: &Plan) -> Self {
        let worst = plan.findings.iter().map(|finding| finding.level).min();
        let clean = plan.changes.is_empty();
        match worst {
            Some(Level::Refusal) => Self::Refused,
            Some(Level::Warning | Level::Note) | None if clean => Self::Done,
            Some(Level::Error | Level::Warning | Level::Note) | None => Self::Pending,
        }
    }

    /// The exit code it asks for; see [`exit_code`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Pending | Self::Open => 1,
            Self::Failed(_) => 2,
            Self::Refused => 3,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Open => "open",
            Self::Pending => "pending",
            Self::Refused => "refused",
            Self::Failed(_) => "failed",
        }
    }
}

impl Outcome {
    /// A service we could not work on.
    pub fn failed(service: &str, error: &anyhow::Error) -> Self {
        Self {
            service: service.to_owned(),
            prefix: RelPath::root(),
            tree: Tree::memory([]),
            plan: Plan::default(),
            status: Status::failed(error),
        }
    }

    /// What a person calls it: as typed, or else its directory's name.
    fn name(&self) -> String {
        let typed = Some(self.service.clone()).filter(|_| !self.is_here());
        let name = typed.or_else(|| self.tree.root_name());
        masked(&name.unwrap_or_else(|| self.service.clone()))
    }

    /// Whether the user is in the service's directory.
    fn is_here(&self) -> bool {
        self.service == "."
    }

    /// A path of the service as seen from here.
    fn shown(&self, path: &RelPath) -> String {
        self.prefix.join(path.as_str()).to_string()
    }
}

/// The exit code of a whole run: the worst of its services, 2 before 3 before 1 before 0.
pub fn exit_code(outcomes: &[Outcome]) -> u8 {
    worst(outcomes.iter().map(|outcome| outcome.status.exit_code()))
}

/// The worst of some exit codes.
pub fn worst(codes: impl Iterator<Item = u8>) -> u8 {
    let rank = |code: &u8| [0, 1, 3, 2].iter().position(|known| known == code);
    codes.max_by_key(rank).unwrap_or(0)
}

/// What happens to a file: `create`, `edit` or `remove`.
fn action(change: &FileChange) -> &'static str {
    match (&change.before, &change.after) {
        (None, _) => "create",
        (Some(_), Some(_)) => "edit",
        (Some(_), None) => "remove",
    }
}

/// The level's name in every format.
fn level_name(level: Level) -> &'static str {
    match level {
        Level::Refusal => "refused",
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

#[cfg(test)]
mod tests;
