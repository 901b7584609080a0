//! What a `sync` starts from, and the two ways to bring a service up to date. Pure.

use anyhow::Result;

use super::fate::Fate;
use super::findings::{another_side, deleted, line_kept};
use super::moved::pins;
use super::places::on_disk;
use super::{Wishes, lock_path};
use crate::config::{self, Config, Loaded};
use crate::contract::{Contract, Contracts, Id};
use crate::finding::Finding;
use crate::lock::Lock;
use crate::path::RelPath;
use crate::plan::{FileChange, Kind, Plan, plan_from, unproven};
use crate::rules::broker::{self, BROKER_URL};
use crate::rules::unread::is_of_broker;
use crate::standing::State;
use crate::tree::Tree;
use crate::unwire::piece::{PieceKind, pieces};
use crate::unwire::{self, take_out::Changed};

/// Everything that a sync starts from.
pub(super) struct Scene<'a> {
    pub(super) tree: &'a Tree,
    pub(super) contracts: &'a Contracts,
    pub(super) wishes: &'a Wishes,
    pub(super) lock: Lock,
    pub(super) loaded: Loaded,
    /// The flags, with the contract to reach.
    pub(super) flags: Config,
    pub(super) recorded: Contract,
    pub(super) target: Contract,
    /// The config as it is to be planned with: paths that lead nowhere left out.
    pub(super) config: Option<(RelPath, Vec<u8>)>,
    /// What becomes of our file.
    pub(super) fate: Fate,
}

/// One way to bring the service up to date: the tree without what is planned anew, and the plan on it.
pub(super) struct Way {
    pub(super) tree: Tree,
    pub(super) plan: Plan,
    /// Our parts are out and in again; else the settings stay as they are.
    pub(super) moves: bool,
    /// Pieces of ours that stand nowhere any more.
    pub(super) missing: Vec<(RelPath, String)>,
    /// The settings of the two contracts differ.
    pub(super) contracts_differ: bool,
    /// What is wanted is what we wrote once: somebody took it out, or changed it.
    pub(super) by_hand: bool,
}

impl Way {
    fn settings(&self) -> impl Iterator<Item = &FileChange> {
        let changes = self.plan.changes.iter();
        changes.filter(|change| change.kind == Kind::Shared)
    }

    /// The settings are as the contract to reach wants them already, and not as the lock has them: git has
    /// merged the two from two branches.
    fn is_of_another_side(&self) -> bool {
        self.contracts_differ && !self.plan.is_refused() && self.settings().next().is_none()
    }

    /// All that is wanted is the form of URLs: new ones, or others than there were.
    fn wants_urls_alone(&self) -> bool {
        let mut settings = self.settings().peekable();
        settings.peek().is_some() && settings.all(|change| change.what == [broker::WHAT])
    }

    /// The settings are not as they are to be.
    pub(super) fn needs_move(&self) -> bool {
        // Where it was us who wrote what is not right any more, we can write it again.
        let ours = ["name-unbound", "event-not-broadcast"];
        let unbound = |finding: &Finding| ours.contains(&finding.code);
        self.contracts_differ
            || self.plan.is_refused()
            || self.settings().next().is_some()
            || self.plan.findings.iter().any(unbound)
    }
}

impl<'a> Scene<'a> {
    pub(super) fn read(
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
        let fate = Fate::of(tree, &lock, &recorded)?;
        let flags = Config {
            contract: Some(target.named()),
            ..flags.clone()
        };
        let mut values = pins(tree, &loaded.config, &fate);
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
    pub(super) fn is_left(&self) -> bool {
        !self.recorded.is(&self.target)
    }

    /// Whether a place that the config names leads nowhere any more.
    pub(super) fn is_elsewhere(&self) -> bool {
        !pins(self.tree, &self.loaded.config, &self.fate).is_empty()
    }

    /// The contract that is left.
    fn from(&self) -> Option<&Contract> {
        self.is_left().then_some(&self.recorded)
    }

    /// The settings stay; our file and untouched handlers are made anew.
    pub(super) fn kept(&self) -> Result<Way> {
        let undone = self.undone(None, Changed::Stays);
        let mut changes: Vec<(RelPath, Option<Vec<u8>>)> = Vec::new();
        changes.extend(self.config.clone().map(|(path, text)| (path, Some(text))));
        changes.extend(self.fate.paths().map(|path| (path.clone(), None)));
        let seeded = |path: &RelPath| self.lock.seeded.contains_key(path);
        let anew = undone.changes.iter().filter(|(path, _)| seeded(path));
        changes.extend(anew.cloned());
        let tree = self.tree.overlay(changes);
        // No setting of this plan is written, so that there is nothing to prove.
        let plan = unproven(&tree, &self.flags, self.contracts, self.from())?;
        let mut way = Way {
            contracts_differ: self.contracts_differ(&undone)?,
            missing: undone.missing.clone(),
            by_hand: false,
            moves: false,
            tree,
            plan,
        };
        let wants = way.needs_move() && !way.contracts_differ && !way.wants_urls_alone();
        way.by_hand = wants && self.is_by_hand(&undone)?;
        Ok(way)
    }

    /// Whether the settings would be given just what we once gave them, or lack some of it: then nothing
    /// but somebody's hand came between.
    fn is_by_hand(&self, undone: &unwire::Undone) -> Result<bool> {
        if !undone.missing.is_empty() || !undone.changed.is_empty() {
            return Ok(true);
        }
        let plan = unproven(&self.bare(undone), &self.flags, self.contracts, None)?;
        let mut changes = plan.changes.iter();
        let lock = changes.find(|change| change.path == lock_path());
        let lock = lock.and_then(|change| Lock::parse(change.after.as_deref()?).ok());
        Ok(lock.is_some_and(|lock| self.put_in(&lock) == self.put_in(&self.lock)))
    }

    /// What a record says of ours in the service's files, wherever it stands: the settings. What is around
    /// them depends on what else is there.
    fn put_in(&self, lock: &Lock) -> Vec<String> {
        let config = self.loaded.path();
        let files = lock.shared.iter().filter(|(path, _)| Some(*path) != config);
        let edits = files.flat_map(|(_, shared)| &shared.undo);
        let mut pieces: Vec<String> = edits
            .flat_map(pieces)
            .filter(|piece| match piece.kind {
                PieceKind::Statement { .. } | PieceKind::Element(_) | PieceKind::Entry(..) => true,
                PieceKind::Names(..) | PieceKind::Bracket | PieceKind::Slash => false,
            })
            .map(|piece| piece.meaning())
            .collect();
        pieces.sort_unstable();
        pieces
    }

    /// The service without our settings; a statement of ours that binds `spared` stays.
    fn undone(&self, spared: Option<&'static str>, goes: Changed) -> unwire::Undone {
        unwire::undone(self.tree, &self.lock, &self.recorded, spared, goes)
    }

    /// Whether the two contracts want other settings of this service, had it none of ours.
    fn contracts_differ(&self, undone: &unwire::Undone) -> Result<bool> {
        if !self.is_left() {
            return Ok(false);
        }
        let tree = self.bare(undone);
        let left = &self.recorded;
        let with_left = self.contracts.clone().with(&left.id, left.files.clone());
        let with_left = with_left.expect("a contract was read, so its id is one");
        let settings = |contracts: &Contracts, name: String| -> Result<Vec<_>> {
            let flags = Config {
                contract: Some(name),
                ..self.flags.clone()
            };
            let plan = unproven(&tree, &flags, contracts, self.from())?;
            let wanted = plan.changes.into_iter();
            Ok(wanted
                .filter_map(|change| match change.kind {
                    Kind::Shared => Some((change.path, change.after)),
                    Kind::Owned => Some((change.path, None)),
                    Kind::Seeded | Kind::Record => None,
                })
                .collect())
        };
        let with_left = settings(&with_left, left.id.clone())?;
        Ok(with_left != settings(self.contracts, self.target.named())?)
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
    pub(super) fn moved(&self, kept: &Way, mut goes: Changed) -> Result<Result<Way, Plan>> {
        let mut undone = self.undone(None, goes);
        let lacks = !undone.missing.is_empty() || self.fate.is_missing();
        if lacks && goes == Changed::Stays {
            if !kept.is_of_another_side() {
                let files = self
                    .fate
                    .missing()
                    .map(|path| (path.clone(), path.to_string()));
                let missing: Vec<_> = undone.missing.into_iter().chain(files).collect();
                let findings = deleted(&missing, &self.target);
                return Ok(Err(self.refused(kept, findings)));
            }
            goes = Changed::Goes;
            undone = self.undone(None, goes);
            if !undone.is_exact {
                let finding = another_side(&self.recorded, &self.target);
                let mut plan = self.refused(kept, vec![finding]);
                plan.standing.note(State::Drifted, true);
                return Ok(Err(plan));
            }
        }
        if kept.plan.is_refused() && !undone.refusals.is_empty() {
            return Ok(Err(self.refused(kept, kept.plan.findings.clone())));
        }
        if !undone.refusals.is_empty() {
            return Ok(Err(self.refused(kept, undone.refusals)));
        }
        let mut tree = self.bare(&undone);
        let mut plan = plan_from(&tree, &self.flags, self.contracts, self.from())?;
        if plan.findings.iter().any(is_of_broker) && !kept.plan.findings.iter().any(is_of_broker) {
            tree = self.bare(&self.undone(Some(BROKER_URL), goes));
            plan = plan_from(&tree, &self.flags, self.contracts, self.from())?;
            plan.findings.extend(line_kept(&tree));
        }
        if plan.is_refused() {
            // Of old and new names, ours are no matter: they move.
            let mixed = |finding: &Finding| finding.code == "settings-mixed";
            let is_theirs = plan.findings.iter().any(mixed);
            let findings = if kept.plan.is_refused() && !kept.contracts_differ && !is_theirs {
                kept.plan.findings.clone()
            } else {
                on_disk(&plan.findings, &tree, self.tree)
            };
            return Ok(Err(self.refused(kept, findings)));
        }
        Ok(Ok(Way {
            tree,
            plan,
            moves: true,
            missing: undone.missing,
            contracts_differ: kept.contracts_differ,
            by_hand: kept.by_hand,
        }))
    }

    fn refused(&self, kept: &Way, findings: Vec<Finding>) -> Plan {
        let mut plan = Plan::refused(findings);
        plan.standing.note(State::Broken, !kept.by_hand);
        plan.standing.note(State::Outdated, self.is_left());
        let drifted = kept.by_hand || self.fate.is_edited();
        plan.standing.note(State::Drifted, drifted);
        plan
    }
}

/// `zc-common@1` of `zc-common@1.0`; of a folder, its own name.
fn generation(name: &str) -> String {
    Id::parse(name).map_or_else(|| name.to_owned(), |id| id.newest())
}
