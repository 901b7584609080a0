//! What `init` may do: create a service where there is none, wire one that is not; never merge. Pure.

use anyhow::Result;

use crate::config::{Config, FILE};
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
    if let Some(finding) = asked_otherwise(tree, flags, contracts)? {
        plan.changes.clear();
        plan.findings.insert(0, finding);
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

/// Wired and clean, and these flags ask for something else: that is a matter of the config.
fn asked_otherwise(tree: &Tree, flags: &Config, contracts: &Contracts) -> Result<Option<Finding>> {
    let pairs = flags.pairs();
    if pairs.is_empty() {
        return Ok(None);
    }
    let plain = sync::standing(tree, &Config::default(), contracts)?;
    if !plain.changes.is_empty() || plain.standing.worst() != State::Clean {
        return Ok(None);
    }
    let message = "this service was wired before, and these flags ask for something else";
    let mut finding = Finding::refusal("wired-before", message);
    for (key, value) in pairs {
        finding = finding.help(match key {
            "contract" => format!("`scaffold-events sync --to {value}`"),
            "allow-non-amqp" => {
                format!("write `{key} = true` into {FILE}, then `scaffold-events sync`")
            }
            _ => format!("write `{key} = \"{value}\"` into {FILE}, then `scaffold-events sync`"),
        });
    }
    Ok(Some(finding))
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
            let message = "this listener goes for good: `remove` does not bring it back";
            let finding = Finding::note("listener-replaced", message).in_file(&path);
            replaced.findings.push(finding.help(format!(
                "to see it again later: `git log -p -- {path}`; where git does not hold it, keep a copy first"
            )));
        }
    }
    Ok(replaced)
}
