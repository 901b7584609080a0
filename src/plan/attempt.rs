//! One planning, from the tree to every file that would differ; proven elsewhere. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::anyhow;

use super::known::{Known, libraries};
use super::record::{LIBRARY_PIN, records, settled};
use super::{FileChange, Kind, Plan};
use crate::celery::Setting;
use crate::config::{self, Config, Loaded, Route};
use crate::contract::{Contract, Contracts};
use crate::draft::{Draft, Folded};
use crate::edit::Overlap;
use crate::facts::settings::Settings;
use crate::facts::{self, Facts, home};
use crate::finding::{Finding, Level};
use crate::path::RelPath;
use crate::python::syntax::Expr;
use crate::rules::requirements::{self, Moved};
use crate::rules::{
    Context, RULES, contract_choice, names::SERVICE_NAME, own_contract, route_choice, service_name,
};
use crate::tree::Tree;

/// What is asked for: a service, and how it is to be wired.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) tree: &'a Tree,
    pub(super) flags: &'a Config,
    pub(super) contracts: &'a Contracts,
    /// The contract that the service leaves.
    pub(super) from: Option<&'a Contract>,
    pub(super) recording: Recording,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        tree: &'a Tree,
        flags: &'a Config,
        contracts: &'a Contracts,
        from: Option<&'a Contract>,
    ) -> Self {
        Self {
            tree,
            flags,
            contracts,
            from,
            recording: Recording::WithChanges,
        }
    }
}

/// When config and lock are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Recording {
    /// With other changes.
    WithChanges,
    /// In any case.
    Always,
}

/// A plan, and what its proof looks at.
pub(super) struct Attempt {
    pub(super) plan: Plan,
    pub(super) shared: BTreeMap<RelPath, Folded>,
    /// The files in which a pin moves.
    pub(super) pins: Vec<RelPath>,
}

/// Why there is no plan.
pub(super) enum Stop {
    /// What is in the way, for a person.
    Refused(Vec<Finding>),
    /// A bug of ours.
    Bug(anyhow::Error),
}

impl Stop {
    /// The plan that changes nothing, or the error.
    pub(super) fn plan(self) -> anyhow::Result<Plan> {
        match self {
            Self::Refused(findings) => Ok(Plan::refused(findings)),
            Self::Bug(error) => Err(error),
        }
    }
}

impl From<Vec<Finding>> for Stop {
    fn from(findings: Vec<Finding>) -> Self {
        Self::Refused(findings)
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Refused(vec![finding])
    }
}

impl From<(RelPath, Overlap)> for Stop {
    fn from((path, Overlap(one, other)): (RelPath, Overlap)) -> Self {
        let [one, other] = [one, other].map(|edit| edit.span());
        let why = anyhow!("two edits of {path} claim the same bytes ({one:?}, {other:?})");
        Self::Bug(super::our_bug(why))
    }
}

/// Plans, without proof.
pub(super) fn attempt(asked: Asked<'_>) -> Result<Attempt, Stop> {
    let tree = asked.tree;
    let loaded = config::load(tree)?;
    let config = asked.flags.clone().over(loaded.config.clone());
    let Known {
        facts,
        contract,
        notes,
    } = Known::read(tree, &config, asked.contracts, asked.from)?;
    let moved = match asked.from {
        Some(old) => requirements::moved(tree, &facts.pins, old, &contract)?,
        None => Moved::default(),
    };
    let chosen = Chosen {
        loaded: &loaded,
        config: &config,
        contract: &contract,
        notes,
    };
    if moved.files.is_empty() {
        return wired(asked, &facts, chosen, moved);
    }
    // The rules see the pins as they will be.
    let tree = tree.overlay(moved.texts());
    let libraries = libraries(Some(&contract), asked.from);
    let facts = facts::gather(&tree, &config, &libraries)?;
    let asked = Asked {
        tree: &tree,
        ..asked
    };
    wired(asked, &facts, chosen, moved)
}

/// What flags and config come to.
struct Chosen<'a> {
    loaded: &'a Loaded,
    config: &'a Config,
    contract: &'a Contract,
    /// Why this contract.
    notes: Vec<Finding>,
}

fn wired(
    asked: Asked<'_>,
    facts: &Facts,
    chosen: Chosen<'_>,
    moved: Moved,
) -> Result<Attempt, Stop> {
    let settings = home::settings(asked.tree, facts, asked.flags)?;
    let (mut context, mut notes) =
        context(asked.tree, facts, settings, chosen.contract, chosen.config)?;
    context.from = asked.from;
    notes.extend(chosen.notes);
    notes.extend(contract_choice::disagreement(&context, asked.contracts));
    notes.extend(facts.notes.iter().cloned());
    notes.extend(moved.findings);
    own_contract::check(&context)?;
    let mut draft = run_rules(&context, notes)?;
    let pins = moved.files.iter().map(|(path, ..)| path.clone()).collect();
    for (path, text, edits) in moved.files {
        draft.edit_text(&path, &text, edits, LIBRARY_PIN);
    }
    let attempt = fold(&context, chosen.loaded, draft, asked.recording)?;
    Ok(Attempt { pins, ..attempt })
}

fn context<'t>(
    tree: &'t Tree,
    facts: &'t Facts,
    settings: Settings<'t>,
    contract: &'t Contract,
    config: &'t Config,
) -> Result<(Context<'t>, Vec<Finding>), Finding> {
    let in_settings = settings.constant_or_default(SERVICE_NAME);
    let name = facts::name::service_name(tree, config, in_settings.as_deref())?;
    let quorum = settings
        .find(Setting::TaskDefaultQueueType)?
        .iter()
        .any(|site| site.value.as_ref().and_then(Expr::string).as_deref() == Some("quorum"));
    let mut context = Context {
        tree,
        facts,
        settings,
        contract,
        from: None,
        config,
        name,
        route: Route::EventOnly,
        quorum,
    };
    let (route, notes) = route_choice::choose(&context)?;
    context.route = route;
    Ok((context, notes))
}

/// Every rule is asked, so that one run shows every refusal.
fn run_rules(context: &Context<'_>, notes: Vec<Finding>) -> Result<Draft, Vec<Finding>> {
    let mut draft = Draft::default();
    draft.findings = notes;
    let refusals: Vec<Finding> = RULES
        .iter()
        .filter_map(|rule| rule(context, &mut draft).err())
        .collect();
    for finding in refusals {
        if !draft.findings.contains(&finding) {
            draft.findings.push(finding);
        }
    }
    if draft
        .findings
        .iter()
        .any(|finding| finding.level == Level::Refusal)
    {
        return Err(draft.findings);
    }
    Ok(draft)
}

fn fold(
    context: &Context<'_>,
    loaded: &Loaded,
    mut draft: Draft,
    recording: Recording,
) -> Result<Attempt, Stop> {
    let created = std::mem::take(&mut draft.created);
    let mut findings = std::mem::take(&mut draft.findings);
    let shared = draft.fold()?;
    let ignored: Vec<Finding> = shared
        .keys()
        .filter(|path| context.tree.is_ignored(path))
        .map(ignored)
        .collect();
    if !ignored.is_empty() {
        findings.extend(ignored);
        return Err(findings.into());
    }
    let mut changes: Vec<FileChange> = shared
        .iter()
        .map(|(path, folded)| edited(path, folded))
        .collect();
    changes.extend(created.into_iter().map(|(path, (kind, text))| FileChange {
        path,
        kind,
        before: None,
        after: Some(text.into_bytes()),
        what: vec![described(kind).to_owned()],
    }));
    let settled = settled(context);
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    if !changes.is_empty() || recording == Recording::Always {
        let records = records(context, loaded, &settled, &changes, &shared)?;
        changes.extend(records);
    }
    findings.sort_by_key(|finding| finding.level);
    let plan = Plan {
        changes,
        findings,
        settled: settled.pairs(),
        queue: Some(service_name::events_queue(context)),
        next: crate::next::steps(context),
        ..Plan::default()
    };
    Ok(Attempt {
        plan,
        shared,
        pins: Vec::new(),
    })
}

fn edited(path: &RelPath, folded: &Folded) -> FileChange {
    FileChange {
        path: path.clone(),
        kind: Kind::Shared,
        before: Some(Arc::clone(&folded.before)),
        after: Some(folded.edits.splice(&folded.before)),
        what: folded.what.clone(),
    }
}

fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Owned => "listener: passes each event to the handler of its name",
        Kind::Seeded => "handlers go here: yours from now on",
        Kind::Shared | Kind::Record => "",
    }
}

fn ignored(path: &RelPath) -> Finding {
    Finding::refusal(
        "file-ignored",
        "git ignores this file: it is not the service's, and we do not edit it",
    )
    .in_file(path)
    .help("name the settings file that is committed: `--settings FILE`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{Edit, EditSet, Span};

    #[test]
    fn edits_that_overlap_are_an_error_and_no_refusal() {
        let mut edits = EditSet::default();
        edits.add(Edit::replace(Span::new(0, 2), "x")).unwrap();
        let overlap = edits.add(Edit::insert(1, "y")).unwrap_err();
        let stop = Stop::from((RelPath::root().join("settings.py"), overlap));
        let said = format!("{:#}", stop.plan().unwrap_err());
        assert!(said.starts_with("this is a bug in scaffold-events"));
        assert!(said.contains("settings.py claim the same bytes"), "{said}");
    }
}
