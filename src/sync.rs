//! What `sync` comes to: a wired service brought up to date, every edit of the user's kept. Pure.
//!
//! Settings that are right by meaning stay as they are. Where they must change (another contract,
//! another spelling for Celery), our parts go out and in again on the tree in memory, so that where
//! they stand depends only on where they lead. Our own file is merged three ways: what we wrote is
//! rendered again from the contract and the inputs that the lock records.

mod fate;
mod findings;
mod finish;
mod handlers;
mod moved;
mod places;
mod record;
mod scene;

use anyhow::{Result, anyhow};

use crate::config::{self, Config, Loaded, for_wired};
use crate::contract::Contracts;
use crate::finding::{Finding, Level};
use crate::lock::LOCK;
use crate::merge::Conflict;
use crate::path::RelPath;
use crate::plan::{Plan, our_bug, plan};
use crate::standing::State;
use crate::tree::Tree;
use crate::unwire::take_out::Changed;
use scene::Scene;

/// What the user asks of a `sync`.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Wishes {
    /// The contract to move to; without it, the one that the config names, in its newest revision.
    pub to: Option<String>,
    /// Put back what was taken out by hand.
    pub restore: bool,
    /// What to do where both sides changed the same lines of our file.
    pub conflict: Conflict,
}

impl Wishes {
    /// A listener that is none goes for ours.
    fn takes_ours(&self) -> bool {
        self.restore || self.conflict == Conflict::Ours
    }
}

/// The plan that brings a wired service up to date; without a lock, a refusal that names `init`, unless all
/// is right by hand.
pub fn sync(tree: &Tree, flags: &Config, contracts: &Contracts, wishes: &Wishes) -> Result<Plan> {
    if tree.bytes(&lock_path()).is_none() {
        let plan = unrecorded(tree, flags, contracts)?;
        let lost = plan.standing.has(State::Drifted);
        let is_wired = lost || (plan.changes.is_empty() && !plan.is_refused());
        return Ok(if is_wired && wishes.to.is_none() {
            plan
        } else {
            not_wired()
        });
    }
    let mut plan = planned(tree, flags, contracts, wishes)?;
    prove(tree, flags, contracts, wishes, &plan)?;
    plan.findings.iter_mut().for_each(for_wired);
    Ok(plan)
}

/// How a service stands: the plan of `sync` for a wired one, of `init` for any other.
pub fn standing(tree: &Tree, flags: &Config, contracts: &Contracts) -> Result<Plan> {
    if tree.bytes(&lock_path()).is_some() {
        return sync(tree, flags, contracts, &Wishes::default());
    }
    unrecorded(tree, flags, contracts)
}

/// A service without a lock: not wired yet, or wired by hand, or with its lock lost.
fn unrecorded(tree: &Tree, flags: &Config, contracts: &Contracts) -> Result<Plan> {
    let mut plan = plan(tree, flags, contracts)?;
    let (unwired, broken) = (!plan.changes.is_empty(), is_broken(&plan));
    plan.standing.note(State::Unwired, unwired);
    plan.standing.note(State::Broken, broken);
    if unwired || plan.is_refused() {
        return Ok(plan);
    }
    match config::load(tree).ok().as_ref().and_then(Loaded::path) {
        Some(config) => {
            plan.findings.insert(0, findings::lock_lost(config));
            plan.standing.note(State::Drifted, true);
        }
        None => plan.findings.push(findings::not_recorded()),
    }
    Ok(plan)
}

fn not_wired() -> Plan {
    let finding = Finding::refusal("not-wired", format!("there is no {LOCK} here")).help(
        "wire the service first: `scaffold-events init`; it recognises what is wired by hand",
    );
    let mut plan = Plan::refused(vec![finding]);
    plan.standing.note(State::Unwired, true);
    plan
}

/// Two services whose workers consume one queue.
pub fn one_queue(queue: &str, other: &str) -> Finding {
    let message =
        format!("`{other}` consumes `{queue}` as well: each service gets a part of the events");
    Finding::error("queue-shared", message).help(
        "name one of them otherwise: `SERVICE_NAME` in its settings, and `name` in its config",
    )
}

fn lock_path() -> RelPath {
    RelPath::root().join(LOCK)
}

fn is_broken(plan: &Plan) -> bool {
    plan.findings
        .iter()
        .any(|finding| finding.level <= Level::Error)
}

fn prove(
    tree: &Tree,
    flags: &Config,
    contracts: &Contracts,
    wishes: &Wishes,
    plan: &Plan,
) -> Result<()> {
    if plan.changes.is_empty() || plan.open {
        return Ok(());
    }
    let after = tree.overlay(
        plan.changes
            .iter()
            .map(|change| (change.path.clone(), change.after.clone())),
    );
    let wishes = Wishes {
        conflict: Conflict::Refuse,
        ..wishes.clone()
    };
    let again = planned(&after, flags, contracts, &wishes)?;
    let why = again
        .findings
        .first()
        .map(|finding| finding.message.clone());
    let bug = match again.changes.first() {
        None if !again.is_refused() => return Ok(()),
        None => format!("the service would be refused: {}", why.unwrap_or_default()),
        Some(change) => format!("{} would change again", change.path),
    };
    Err(our_bug(anyhow!("after this plan, {bug}")))
}

fn planned(tree: &Tree, flags: &Config, contracts: &Contracts, wishes: &Wishes) -> Result<Plan> {
    let scene = match Scene::read(tree, flags, contracts, wishes) {
        Ok(scene) => scene,
        Err(finding) => {
            let mut plan = Plan::refused(vec![finding]);
            plan.standing.note(State::Broken, true);
            return Ok(plan);
        }
    };
    let kept = scene.kept()?;
    if kept.by_hand && !wishes.restore {
        let mut plan = finish::finish(&scene, &kept);
        if let Ok(restored) = scene.moved(&kept, Changed::Goes)? {
            findings::can_be_restored(&mut plan.findings, &restored.plan);
        }
        return Ok(plan);
    }
    if !kept.needs_move() {
        return Ok(finish::finish(&scene, &kept));
    }
    let goes = if wishes.restore {
        Changed::Goes
    } else {
        Changed::Stays
    };
    match scene.moved(&kept, goes)? {
        Ok(moved) => Ok(finish::finish(&scene, &moved)),
        Err(plan) => Ok(plan),
    }
}
