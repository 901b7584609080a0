//! What `init` may do: create a service where there is none, wire one that is not; never merge. Pure.

use anyhow::Result;

use crate::config::Config;
use crate::contract::Contracts;
use crate::finding::Finding;
use crate::lock::LOCK;
use crate::path::RelPath;
use crate::plan::{Kind, Plan, plan};
use crate::scaffold;
use crate::tree::{Entry, Tree};

/// The plan of `init`: for a vacant directory the whole new service.
///
/// A service that was wired before and changed since is refused: only a person knows which side is right.
pub fn init(tree: &Tree, flags: &Config, contracts: &Contracts) -> Result<Plan> {
    if scaffold::is_vacant(tree) {
        return scaffold::create(tree, flags, contracts);
    }
    let lock = RelPath::root().join(LOCK);
    let mut plan = plan(tree, flags, contracts)?;
    if tree.entry(&lock) == Entry::Missing || plan.changes.is_empty() {
        return Ok(plan);
    }
    let mut finding = Finding::refusal(
        "wired-before",
        "this service was wired before, and changed since",
    );
    for change in plan
        .changes
        .iter()
        .filter(|change| change.kind != Kind::Record)
    {
        finding = finding.in_file(&change.path);
    }
    plan.changes.clear();
    plan.findings.insert(
        0,
        finding
            .help(
                "see what is missing: `scaffold-events diff`; undo the change, or apply that patch",
            )
            .help(format!(
                "to wire it anew and forget what was written before: delete {LOCK}, then run again"
            )),
    );
    Ok(plan)
}
