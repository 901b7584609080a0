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

use anyhow::{Context as _, Result, anyhow};

use crate::config::{self, Config, Loaded};
use crate::contract::{Contract, Contracts};
use crate::edit::EditSet;
use crate::finding::{Finding, Level};
use crate::lock::{self, LOCK, Lock};
use crate::merge::Conflict;
use crate::path::RelPath;
use crate::plan::{FileChange, Kind, Plan, plan, plan_from, unproven};
use crate::standing::State;
use crate::tree::Tree;
use crate::unwire;
use fate::Fate;

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

/// The plan that brings a wired service up to date; without a lock, a refusal that names `init`.
pub fn sync(tree: &Tree, flags: &Config, contracts: &Contracts, wishes: &Wishes) -> Result<Plan> {
    if tree.bytes(&lock_path()).is_none() {
        let finding = Finding::refusal("not-wired", format!("there is no {LOCK} here")).help(
            "wire the service first: `scaffold-events init`; it recognises what is wired by hand",
        );
        let mut plan = Plan::refused(vec![finding]);
        plan.standing.note(State::Unwired, true);
        return Ok(plan);
    }
    let plan = planned(tree, flags, contracts, wishes)?;
    prove(tree, flags, contracts, wishes, &plan)?;
    Ok(plan)
}

/// How a service stands: the plan of `sync` for a wired one, of `init` for any other.
pub fn standing(tree: &Tree, flags: &Config, contracts: &Contracts) -> Result<Plan> {
    if tree.bytes(&lock_path()).is_some() {
        return sync(tree, flags, contracts, &Wishes::default());
    }
    let mut plan = plan(tree, flags, contracts)?;
    let (unwired, broken) = (!plan.changes.is_empty(), is_broken(&plan));
    plan.standing.note(State::Unwired, unwired);
    plan.standing.note(State::Broken, broken);
    Ok(plan)
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
    Err(anyhow!("after this plan, {bug}")).context(
        "this is a bug in scaffold-events: its plan failed its own proof; nothing was written",
    )
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
    let kept = scene.kept();
    if !kept.needs_move() {
        return Ok(finish::finish(&scene, &kept));
    }
    match scene.moved(&kept)? {
        Ok(moved) => Ok(finish::finish(&scene, &moved)),
        Err(plan) => Ok(plan),
    }
}

/// Everything that a sync starts from.
struct Scene<'a> {
    tree: &'a Tree,
    contracts: &'a Contracts,
    wishes: &'a Wishes,
    lock: Lock,
    loaded: Loaded,
    /// The flags, with the contract to reach.
    flags: Config,
    recorded: Contract,
    target: Contract,
    /// The config as it is to be planned with: paths that lead nowhere left out.
    config: Option<(RelPath, Vec<u8>)>,
    /// What becomes of our file.
    fate: Fate,
}

/// One way to bring the service up to date: the tree without what is planned anew, and the plan on it.
struct Way {
    tree: Tree,
    plan: Plan,
    /// Our parts are out and in again; else the settings stay as they are.
    moves: bool,
    /// Pieces of ours that stand nowhere any more.
    missing: Vec<(RelPath, String)>,
    /// The settings of the two contracts differ.
    contracts_differ: bool,
    restore: bool,
}

impl Way {
    fn settings(&self) -> impl Iterator<Item = &FileChange> {
        let changes = self.plan.changes.iter();
        changes.filter(|change| change.kind == Kind::Shared)
    }

    /// Something that was deleted by hand is wanted again.
    fn lacks(&self) -> bool {
        self.settings().next().is_some() && !self.missing.is_empty()
    }

    fn needs_move(&self) -> bool {
        let wanted = self.settings().next().is_some();
        self.contracts_differ
            || self.plan.is_refused()
            || (wanted && (self.missing.is_empty() || self.restore))
    }
}

impl<'a> Scene<'a> {
    fn read(
        tree: &'a Tree,
        flags: &Config,
        contracts: &'a Contracts,
        wishes: &'a Wishes,
    ) -> Result<Self, Finding> {
        let bytes = tree.bytes(&lock_path()).unwrap_or_default();
        let lock = Lock::parse(&bytes)?;
        let loaded = config::load(tree)?;
        let recorded = contracts.recorded(&lock)?;
        let wired = generation(&recorded.id);
        let target = match (&wishes.to, &loaded.config.contract) {
            (Some(wanted), _) => contracts.named(tree, wanted)?,
            (None, Some(wanted)) if generation(wanted) != wired => contracts.named(tree, wanted)?,
            (None, _) => contracts.find(&wired)?,
        };
        let fate = Fate::of(tree, &lock, &recorded);
        let flags = Config {
            contract: Some(target.named()),
            ..flags.clone()
        };
        let mut values = moved::pins(tree, &loaded.config, &fate);
        values.push(("contract", Some(target.named())));
        let config = config::revised(&loaded, &values);
        Ok(Self {
            tree,
            contracts,
            wishes,
            lock,
            loaded,
            flags,
            recorded,
            target,
            config,
            fate,
        })
    }

    /// Whether another contract is to be reached.
    fn is_left(&self) -> bool {
        !self.recorded.is(&self.target)
    }

    /// The contract that is left.
    fn from(&self) -> Option<&Contract> {
        self.is_left().then_some(&self.recorded)
    }

    /// The settings stay; our file and untouched handlers are made anew.
    fn kept(&self) -> Way {
        let undone = unwire::undone(self.tree, &self.lock, &self.recorded);
        let mut changes: Vec<(RelPath, Option<Vec<u8>>)> = Vec::new();
        changes.extend(self.config.clone().map(|(path, text)| (path, Some(text))));
        changes.extend(self.fate.paths().map(|path| (path.clone(), None)));
        let seeded = |path: &RelPath| self.lock.seeded.contains_key(path);
        let anew = undone.changes.iter().filter(|(path, _)| seeded(path));
        changes.extend(anew.cloned());
        let tree = self.tree.overlay(changes);
        // No setting of this plan is written, so that there is nothing to prove.
        let plan = unproven(&tree, &self.flags, self.contracts, self.from());
        Way {
            contracts_differ: self.contracts_differ(&undone),
            missing: undone.missing,
            restore: self.wishes.restore,
            moves: false,
            tree,
            plan,
        }
    }

    /// Whether the two contracts want other settings of this service, had it none of ours.
    fn contracts_differ(&self, undone: &unwire::Undone) -> bool {
        if !self.is_left() {
            return false;
        }
        let tree = self.bare(undone);
        let left = &self.recorded;
        let with_left = self.contracts.clone().with(&left.id, left.files.clone());
        let with_left = with_left.expect("a contract was read, so its id is one");
        let settings = |contracts: &Contracts, name: String| -> Vec<(RelPath, Option<Vec<u8>>)> {
            let flags = Config {
                contract: Some(name),
                ..self.flags.clone()
            };
            let plan = unproven(&tree, &flags, contracts, self.from());
            let wanted = plan.changes.into_iter();
            wanted
                .filter_map(|change| match change.kind {
                    Kind::Shared => Some((change.path, change.after)),
                    Kind::Owned => Some((change.path, None)),
                    Kind::Seeded | Kind::Record => None,
                })
                .collect()
        };
        settings(&with_left, left.id.clone()) != settings(self.contracts, self.target.named())
    }

    /// The service without our parts, but with its config.
    fn bare(&self, undone: &unwire::Undone) -> Tree {
        let config = self.loaded.path();
        let mut changes: Vec<_> = (undone.changes.iter())
            .filter(|(path, _)| Some(path) != config)
            .cloned()
            .collect();
        changes.extend(self.config.clone().map(|(path, text)| (path, Some(text))));
        changes.extend(self.fate.paths().map(|path| (path.clone(), None)));
        changes.push((lock_path(), None));
        self.tree.overlay(changes)
    }

    /// Our parts out and in again.
    fn moved(&self, kept: &Way) -> Result<Result<Way, Plan>> {
        let undone = unwire::undone(self.tree, &self.lock, &self.recorded);
        let lacks = kept.lacks() || self.fate.is_missing();
        if lacks && !self.wishes.restore {
            return Ok(Err(self.refused(deleted(&undone.missing, &self.target))));
        }
        if kept.plan.is_refused() && !undone.refusals.is_empty() {
            return Ok(Err(self.refused(kept.plan.findings.clone())));
        }
        if !undone.refusals.is_empty() {
            return Ok(Err(self.refused(undone.refusals)));
        }
        let tree = self.bare(&undone);
        let plan = plan_from(&tree, &self.flags, self.contracts, self.from())?;
        if plan.is_refused() {
            let findings = if kept.plan.is_refused() && !kept.contracts_differ {
                kept.plan.findings.clone()
            } else {
                places::on_disk(&plan.findings, &tree, self.tree)
            };
            return Ok(Err(self.refused(findings)));
        }
        Ok(Ok(Way {
            tree,
            plan,
            moves: true,
            missing: undone.missing,
            contracts_differ: kept.contracts_differ,
            restore: self.wishes.restore,
        }))
    }

    fn refused(&self, findings: Vec<Finding>) -> Plan {
        let mut plan = Plan::refused(findings);
        plan.standing.note(State::Broken, true);
        plan.standing.note(State::Outdated, self.is_left());
        plan.standing.note(State::Drifted, self.fate.is_edited());
        plan
    }
}

/// The config's own record: what we added to a file of the user's.
fn config_record(scene: &Scene<'_>, final_text: &[u8]) -> Option<(RelPath, lock::Shared)> {
    let path = scene.loaded.path()?;
    let old = scene.lock.shared.get(path)?;
    let record = scene
        .tree
        .bytes(path)
        .and_then(|now| old.undo(&now))
        .map(|before| {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let edits = EditSet::between(&text(&before), &text(final_text));
            lock::Shared::record(&before, &edits, old.establishes.clone())
        });
    Some((path.clone(), record.unwrap_or_else(|| old.clone())))
}

/// What the new contract needs was taken out: only a person knows whether it may come back.
fn deleted(missing: &[(RelPath, String)], target: &Contract) -> Vec<Finding> {
    let message = format!(
        "settings were taken out by hand that {} would put in again",
        target.id
    );
    let finding = Finding::refusal("setting-removed", message);
    let mut files: Vec<&RelPath> = missing.iter().map(|(path, _)| path).collect();
    files.dedup();
    let finding = files.into_iter().fold(finding, Finding::in_file);
    let names: Vec<&str> = missing.iter().map(|(_, name)| name.as_str()).collect();
    vec![
        finding
            .help(format!("missing: {}", names.join(", ")))
            .help("put them in again: `scaffold-events sync --restore`")
            .help("or take all of it out: `scaffold-events remove`"),
    ]
}

/// `zc-common@1` of `zc-common@1.0`.
fn generation(id: &str) -> String {
    id.rsplit_once('.')
        .map_or(id, |(generation, _)| generation)
        .to_owned()
}
