//! What `init` may do: create a service where there is none, wire one that is not; never merge. Pure.

use anyhow::Result;

use crate::config::Config;
use crate::contract::Contracts;
use crate::finding::Finding;
use crate::lock::LOCK;
use crate::path::RelPath;
use crate::plan::{Kind, Plan, adopted};
use crate::scaffold;
use crate::standing::State;
use crate::sync;
use crate::tree::{Entry, Tree};

/// What to do with a listener that was copied by hand and is not safe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listener {
    /// Refuse, and name the way to have it replaced.
    Keep,
    /// Put ours in its place.
    Replace,
}

/// The plan of `init`: for a vacant directory the whole new service.
///
/// One that is wired by hand is recorded as it is. One that was wired before and changed since is refused:
/// that is for `sync`.
pub fn init(
    tree: &Tree,
    flags: &Config,
    contracts: &Contracts,
    listener: Listener,
) -> Result<Plan> {
    if scaffold::is_vacant(tree) {
        return scaffold::create(tree, flags, contracts);
    }
    let lock = RelPath::root().join(LOCK);
    if tree.entry(&lock) == Entry::Missing {
        return by_hand(tree, flags, contracts, listener);
    }
    let mut plan = sync::standing(tree, flags, contracts)?;
    // What only a person can mend is no reason to send him to `sync`, and a flag may be recorded.
    let records = plan.changes.iter().all(|it| it.kind == Kind::Record);
    let settled = matches!(plan.standing.worst(), State::Clean | State::Broken);
    if settled && records && !plan.is_refused() {
        return Ok(plan);
    }
    let message = format!(
        "this service was wired before, and is {} now",
        plan.standing.worst().name()
    );
    let mut finding = Finding::refusal("wired-before", message);
    let changes = plan.changes.iter();
    for change in changes.filter(|change| change.kind != Kind::Record) {
        finding = finding.in_file(&change.path);
    }
    plan.changes.clear();
    let finding = finding
        .help("see what would be done: `scaffold-events diff`; do it: `scaffold-events sync`");
    plan.findings.insert(0, finding);
    Ok(plan)
}

/// A service without a lock: what is right by hand is recorded as it is.
fn by_hand(tree: &Tree, flags: &Config, contracts: &Contracts, listener: Listener) -> Result<Plan> {
    let plan = adopted(tree, flags, contracts)?;
    let unsafe_one = |finding: &Finding| {
        let is_listener = matches!(finding.code, "listener-unsafe" | "listener-differs");
        let place = finding.places.first()?;
        is_listener.then(|| place.path.clone())
    };
    let found = plan.findings.iter().find_map(unsafe_one);
    let (Some(path), Listener::Replace) = (found, listener) else {
        return Ok(plan);
    };
    let mut replaced = adopted(&tree.overlay([(path.clone(), None)]), flags, contracts)?;
    for change in &mut replaced.changes {
        if change.path == path {
            change.before = tree.bytes(&path);
            change.what = vec!["takes the place of the one copied by hand".to_owned()];
        }
    }
    Ok(replaced)
}
