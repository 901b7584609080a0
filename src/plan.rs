//! One value for all commands: every file that would differ, and what is not as the contract wants.
//!
//! Pure: the same tree, flags and contracts give the same plan.

mod attempt;
mod known;
mod proof;
mod record;

use anyhow::Result;

use crate::config::Config;
use crate::contract::{Contract, Contracts};
use crate::finding::{Finding, Level};
use crate::merge::Sides;
use crate::path::RelPath;
use crate::standing::Standing;
use crate::tree::Tree;
use attempt::{Asked, Recording, Stop, attempt};

pub use crate::change::{FileChange, Kind};
pub use known::Known;
pub(crate) use record::record_contract;

/// What a plan leads to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Goal {
    /// A service that receives events as its contract says.
    #[default]
    Wired,
    /// A service as it was before it was wired.
    Unwired,
}

/// Everything a command needs to know.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Plan {
    /// What it leads to.
    pub goal: Goal,
    /// How the service stands, where that was asked.
    pub standing: Standing,
    /// Applied, it leaves something for a person to finish.
    pub open: bool,
    /// The files that would differ, in path order; the lock file last.
    pub changes: Vec<FileChange>,
    /// Of each file that is written with conflict markers, what it was merged from.
    pub conflicts: Vec<(RelPath, Sides)>,
    /// What is not as the contract wants, worst first.
    pub findings: Vec<Finding>,
    /// What `init` settled on, as (key, value) of the config, for the summary.
    pub settled: Vec<(&'static str, String)>,
    /// The queue that this service's workers consume events from, where that is known.
    pub queue: Option<String>,
    /// What a person does next, in order.
    pub next: Vec<String>,
}

impl Plan {
    /// A plan that changes nothing, for these reasons.
    pub fn refused(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.level);
        Self {
            findings,
            ..Self::default()
        }
    }

    /// Whether nothing may be written.
    pub fn is_refused(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.level == Level::Refusal)
    }
}

/// What wiring this service comes to. An error is a bug of ours: the plan failed its own proof.
pub fn plan(tree: &Tree, flags: &Config, contracts: &Contracts) -> Result<Plan> {
    plan_from(tree, flags, contracts, None)
}

/// As [`plan`], for a service that comes from another contract, whose wiring is out of the tree: its pins
/// move too, and what a person does next includes the migration.
pub fn plan_from(
    tree: &Tree,
    flags: &Config,
    contracts: &Contracts,
    from: Option<&Contract>,
) -> Result<Plan> {
    let asked = Asked::new(tree, flags, contracts, from);
    match attempt(asked) {
        Err(stop) => stop.plan(),
        Ok(attempt) => {
            let unread = proof::near_errors(tree, &attempt.shared);
            if !unread.is_empty() {
                return Ok(Plan::refused(unread));
            }
            let guessed = proof::guessed(tree, &attempt.shared);
            let proof = proof::prove(asked, &attempt);
            if proof.is_err() && !guessed.is_empty() {
                return Ok(Plan::refused(guessed));
            }
            proof.map(|()| attempt.plan).map_err(our_bug)
        }
    }
}

/// What is told of an error that is ours alone, whatever the service.
pub(crate) fn our_bug(error: anyhow::Error) -> anyhow::Error {
    error.context(
        "this is a bug in scaffold-events: its plan failed its own proof; nothing was written",
    )
}

/// As [`plan`], without the proof: to compare, not to write.
pub(crate) fn unproven(
    tree: &Tree,
    flags: &Config,
    contracts: &Contracts,
    from: Option<&Contract>,
) -> Result<Plan> {
    let asked = Asked::new(tree, flags, contracts, from);
    attempt(asked).map_or_else(Stop::plan, |attempt| Ok(attempt.plan))
}

/// As [`plan`]; where all is right already, by hand, the plan is to record that.
pub fn adopted(tree: &Tree, flags: &Config, contracts: &Contracts) -> Result<Plan> {
    let plan = plan(tree, flags, contracts)?;
    if !plan.changes.is_empty() || plan.is_refused() {
        return Ok(plan);
    }
    let asked = Asked {
        recording: Recording::Always,
        ..Asked::new(tree, flags, contracts, None)
    };
    attempt(asked).map_or_else(Stop::plan, |attempt| Ok(attempt.plan))
}
