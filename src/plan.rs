//! One value for all commands: every file that would differ, and what is not as the contract wants.
//!
//! Pure: the same tree, flags and contracts give the same plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::celery::Setting;
use crate::config::{self, AppName, Config, Loaded, Route};
use crate::contract::{Contract, Contracts};
use crate::draft::{Draft, Folded};
use crate::edit::EditSet;
use crate::facts::settings::Settings;
use crate::facts::{self, Facts, home};
use crate::finding::{Finding, Level};
use crate::lock::{self, Lock};
use crate::merge::Sides;
use crate::path::RelPath;
use crate::python::syntax::SyntaxError;
use crate::rules::requirements::{self, Moved};
use crate::rules::{
    self, Context, RULES, contract_choice, names::SERVICE_NAME, own_contract, route_choice,
};
use crate::standing::Standing;
use crate::tree::Tree;
use crate::verify;

pub use crate::change::{FileChange, Kind};

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
    match attempt(tree, flags, contracts, from, Recording::WithChanges) {
        Err(findings) => Ok(Plan::refused(findings)),
        Ok(attempt) => {
            let unread = near_errors(tree, &attempt.shared);
            if !unread.is_empty() {
                return Ok(Plan::refused(unread));
            }
            let guessed = guessed(tree, &attempt.shared);
            let proof = prove(tree, flags, contracts, from, &attempt);
            if proof.is_err() && !guessed.is_empty() {
                return Ok(Plan::refused(guessed));
            }
            proof.map(|()| attempt.plan).context(
                "this is a bug in scaffold-events: its plan failed its own proof; nothing was written",
            )
        }
    }
}

/// As [`plan`], without the proof: to compare, not to write.
pub(crate) fn unproven(
    tree: &Tree,
    flags: &Config,
    contracts: &Contracts,
    from: Option<&Contract>,
) -> Plan {
    attempt(tree, flags, contracts, from, Recording::WithChanges)
        .map_or_else(Plan::refused, |attempt| attempt.plan)
}

/// As [`plan`]; where all is right already, by hand, the plan is to record that.
pub fn adopted(tree: &Tree, flags: &Config, contracts: &Contracts) -> Result<Plan> {
    let plan = plan(tree, flags, contracts)?;
    if !plan.changes.is_empty() || plan.is_refused() {
        return Ok(plan);
    }
    Ok(attempt(tree, flags, contracts, None, Recording::Always)
        .map_or_else(Plan::refused, |attempt| attempt.plan))
}

/// What moves with the contract in a requirements file.
const LIBRARY_PIN: &str = "library pin";

/// When config and lock are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recording {
    /// With other changes.
    WithChanges,
    /// In any case.
    Always,
}

/// Files that have syntax errors and would read differently with our text in them: where the parser
/// takes up again behind an error is its guess (an open bracket, an open string), so this is no bug.
fn near_errors(tree: &Tree, shared: &BTreeMap<RelPath, Folded>) -> Vec<Finding> {
    shared
        .iter()
        .filter(|(path, _)| path.has_extension("py"))
        .filter_map(|(path, folded)| {
            let module = tree.python(path).ok()?;
            let error = module.errors.first()?;
            let after = folded.edits.splice(&folded.before);
            verify::reads_as_before(path, &module, &folded.edits, &after).err()?;
            Some(too_near(path, error))
        })
        .collect()
}

/// The files to change that have syntax errors: what is added to them may be read as part of something
/// that is still open there, without one more error.
fn guessed(tree: &Tree, shared: &BTreeMap<RelPath, Folded>) -> Vec<Finding> {
    let modules = shared.keys().filter(|path| path.has_extension("py"));
    modules
        .filter_map(|path| Some(too_near(path, tree.python(path).ok()?.errors.first()?)))
        .collect()
}

fn too_near(path: &RelPath, error: &SyntaxError) -> Finding {
    let message = "a syntax error is too near to what would be added here";
    Finding::refusal("syntax-error-near", message)
        .at(path, error.span)
        .label(error.message.clone())
        .help("mend the syntax error, then run again")
}

fn prove(
    tree: &Tree,
    flags: &Config,
    contracts: &Contracts,
    from: Option<&Contract>,
    attempt: &Attempt,
) -> Result<()> {
    for (path, folded) in &attempt.shared {
        if attempt.pins.contains(path) {
            verify::only_within_lines(path, &folded.before, &folded.edits)?;
        } else {
            verify::only_adds(path, &folded.before, &folded.edits)?;
        }
        if path.has_extension("py")
            && let Ok(module) = tree.python(path)
        {
            let after = folded.edits.splice(&folded.before);
            verify::reads_as_before(path, &module, &folded.edits, &after)?;
        }
    }
    if attempt.plan.changes.is_empty() {
        return Ok(());
    }
    planning_again_gives_nothing(tree, flags, contracts, from, &attempt.plan)
}

fn planning_again_gives_nothing(
    tree: &Tree,
    flags: &Config,
    contracts: &Contracts,
    from: Option<&Contract>,
    plan: &Plan,
) -> Result<()> {
    let changes = plan
        .changes
        .iter()
        .map(|change| (change.path.clone(), change.after.clone()));
    match attempt(
        &tree.overlay(changes),
        flags,
        contracts,
        from,
        Recording::WithChanges,
    ) {
        Ok(again) => match again.plan.changes.first() {
            None => Ok(()),
            Some(change) => bail!(
                "after this plan, {} would change again ({})",
                change.path,
                change.what.join(", ")
            ),
        },
        Err(findings) => {
            let why = findings
                .iter()
                .min_by_key(|finding| finding.level)
                .map_or("", |finding| finding.message.as_str());
            Err(anyhow!(
                "after this plan, the service could not be planned again: {why}"
            ))
        }
    }
}

struct Attempt {
    plan: Plan,
    shared: BTreeMap<RelPath, Folded>,
    /// The files in which a pin moves.
    pins: Vec<RelPath>,
}

fn attempt(
    tree: &Tree,
    flags: &Config,
    contracts: &Contracts,
    from: Option<&Contract>,
    recording: Recording,
) -> Result<Attempt, Vec<Finding>> {
    let loaded = config::load(tree).map_err(|finding| vec![finding])?;
    let config = flags.clone().over(loaded.config.clone());
    let chosen = config
        .contract
        .as_deref()
        .map(|text| contracts.named(tree, text));
    let chosen = chosen.transpose().map_err(|finding| vec![finding])?;
    let own: Vec<&str> = chosen
        .iter()
        .chain(from)
        .map(|contract| contract.library.as_str())
        .collect();
    let facts = facts::gather_with(tree, &config, &own)?;
    let (contract, choice) = match chosen.clone() {
        Some(contract) => (contract, Vec::new()),
        None => contract_choice::choose(&facts.pins, contracts).map_err(|finding| vec![finding])?,
    };
    let moved = match from {
        Some(old) => requirements::moved(tree, &facts.pins, old, &contract)?,
        None => Moved::default(),
    };
    if moved.files.is_empty() {
        let parts = (&loaded, &config, &contract, from, recording);
        return wired(tree, &facts, flags, contracts, parts, moved, choice);
    }
    // The rules see the pins as they will be.
    let tree = tree.overlay(moved.texts());
    let facts = facts::gather_with(&tree, &config, &own)?;
    let parts = (&loaded, &config, &contract, from, recording);
    wired(&tree, &facts, flags, contracts, parts, moved, choice)
}

/// The config file, what is decided, the contract, the one before, and when to record.
type Parts<'a> = (
    &'a Loaded,
    &'a Config,
    &'a Contract,
    Option<&'a Contract>,
    Recording,
);

fn wired(
    tree: &Tree,
    facts: &Facts,
    flags: &Config,
    contracts: &Contracts,
    (loaded, config, contract, from, recording): Parts<'_>,
    moved: Moved,
    choice: Vec<Finding>,
) -> Result<Attempt, Vec<Finding>> {
    let settings = home::settings(tree, facts, flags).map_err(|finding| vec![finding])?;
    let (mut context, mut notes) =
        context(tree, facts, settings, contract, config).map_err(|finding| vec![finding])?;
    context.from = from;
    notes.extend(choice);
    notes.extend(contract_choice::disagreement(&context, contracts));
    notes.extend(facts.notes.iter().cloned());
    notes.extend(moved.findings);
    own_contract::check(&context).map_err(|finding| vec![finding])?;
    let mut draft = run_rules(&context, notes)?;
    let pins = moved.files.iter().map(|(path, ..)| path.clone()).collect();
    for (path, text, edits) in moved.files {
        draft.edit_text(&path, &text, edits, LIBRARY_PIN);
    }
    let attempt = fold(&context, loaded, draft, recording)?;
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
        .any(|site| {
            site.value
                .as_ref()
                .and_then(crate::python::syntax::Expr::string)
                .as_deref()
                == Some("quorum")
        });
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
) -> Result<Attempt, Vec<Finding>> {
    let created = std::mem::take(&mut draft.created);
    let mut findings = std::mem::take(&mut draft.findings);
    let shared = draft.fold().map_err(|(path, _)| {
        vec![
            Finding::refusal(
                "edits-overlap",
                "two of our edits claim the same bytes: this is a bug of ours",
            )
            .in_file(&path),
        ]
    })?;
    let ignored: Vec<Finding> = shared
        .keys()
        .filter(|path| context.tree.is_ignored(path))
        .map(ignored)
        .collect();
    if !ignored.is_empty() {
        findings.extend(ignored);
        return Err(findings);
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

/// What detection and the user settled on, to be written down so that later runs need not guess.
fn settled(context: &Context<'_>) -> Config {
    let app = &context.facts.app;
    Config {
        name: Some(context.name.clone()),
        package: None,
        settings: Some(context.settings.entry.clone()),
        celery_app: Some(AppName {
            module: app.module.clone(),
            variable: app.variable.clone(),
        }),
        tasks_dir: Some(context.facts.layout.directory.clone()),
        env_files: None,
        contract: Some(context.contract.named()),
        route: Some(context.route),
        allow_non_amqp: context.config.allow_non_amqp,
    }
}

/// The config and the lock file, as they stand beside these changes.
fn records(
    context: &Context<'_>,
    loaded: &Loaded,
    settled: &Config,
    changes: &[FileChange],
    shared: &BTreeMap<RelPath, Folded>,
) -> Result<Vec<FileChange>, Vec<Finding>> {
    let (path, text) = config::write(loaded, settled);
    let mut records = Vec::new();
    let before = context.tree.bytes(&path);
    let mut added = None;
    if before.as_deref() != Some(&*text) {
        added = before
            .as_ref()
            .map(|before| (path.clone(), added_keys(before, &text)));
        records.push(record(
            path,
            before,
            text,
            "what is settled, for later runs",
        ));
    }
    let path = RelPath::root().join(lock::LOCK);
    let before = context.tree.bytes(&path);
    let mut lock = match &before {
        Some(bytes) => Lock::parse(bytes).map_err(|finding| vec![finding])?,
        None => Lock::new(context.contract.id.clone()),
    };
    fill(&mut lock, context, changes, shared);
    lock.shared.extend(added);
    records.push(record(
        path,
        before,
        lock.render(),
        "what was written, for undoing and merging",
    ));
    Ok(records)
}

/// What was added to a config of the user's own, so that it can go again.
fn added_keys(before: &[u8], after: &[u8]) -> lock::Shared {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let edits = EditSet::between(&text(before), &text(after));
    lock::Shared::record(before, &edits, vec!["what is settled".to_owned()])
}

fn record(path: RelPath, before: Option<Arc<[u8]>>, after: Vec<u8>, what: &str) -> FileChange {
    FileChange {
        path,
        kind: Kind::Record,
        before,
        after: Some(after),
        what: vec![what.to_owned()],
    }
}

fn fill(
    lock: &mut Lock,
    context: &Context<'_>,
    changes: &[FileChange],
    shared: &BTreeMap<RelPath, Folded>,
) {
    record_contract(lock, context.contract);
    let inputs = rules::modules::inputs(context);
    lock.inputs
        .insert("app_module".to_owned(), inputs.app_module);
    lock.inputs
        .insert("app_variable".to_owned(), inputs.app_variable);
    lock.inputs
        .insert("handlers_module".to_owned(), inputs.handlers_module);
    let listener = rules::modules::listener(context);
    let text = crate::render::listener(context.contract, &rules::modules::inputs(context));
    if context
        .tree
        .bytes(&listener)
        .is_some_and(|now| lock::hash(&now) == lock::hash(text.as_bytes()))
    {
        let hash = lock::hash(text.as_bytes());
        let (written, accepted) = (hash.clone(), hash);
        lock.owned
            .insert(listener, lock::Owned { written, accepted });
    }
    for change in changes {
        let hash = || lock::hash(change.after.as_deref().unwrap_or_default());
        match change.kind {
            Kind::Owned => {
                lock.owned.insert(
                    change.path.clone(),
                    lock::Owned {
                        written: hash(),
                        accepted: hash(),
                    },
                );
            }
            Kind::Seeded => {
                lock.seeded
                    .insert(change.path.clone(), lock::Seeded { written: hash() });
            }
            // The user's own dependency, which only follows the contract.
            Kind::Shared if change.what == [LIBRARY_PIN] => {}
            Kind::Shared => {
                let folded = &shared[&change.path];
                let entry =
                    lock::Shared::record(&folded.before, &folded.edits, folded.what.clone());
                lock.shared.insert(change.path.clone(), entry);
            }
            Kind::Record => {}
        }
    }
}

/// Names the contract in the lock, with its texts where it is the service's own.
pub(crate) fn record_contract(lock: &mut Lock, contract: &Contract) {
    lock.contract.clone_from(&contract.id);
    let texts = contract.texts().into_iter();
    lock.contract_files = texts
        .filter(|_| contract.folder.is_some())
        .map(|(name, text)| (RelPath::root().join(name), lock::Text(text.to_owned())))
        .collect();
}

fn ignored(path: &RelPath) -> Finding {
    Finding::refusal(
        "file-ignored",
        "git ignores this file: it is not the service's, and we do not edit it",
    )
    .in_file(path)
    .help("name the settings file that is committed: `--settings FILE`")
}
