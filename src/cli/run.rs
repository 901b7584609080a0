//! Each command, a few lines on the one pipeline.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::doctor::doctor;
use super::readable::readable;
use super::show::{contracts, patches, people, reports};
use super::{Check, Cli, Command, Format, How, Output, Several, terminal};
use crate::apply::{self, Recovered, Untidy};
use crate::config::Config;
use crate::contract::Contracts;
use crate::finding::Finding;
use crate::init::{self, Listener};
use crate::path::RelPath;
use crate::plan::Plan;
use crate::report::{self, Detail, Outcome, Status};
use crate::standing::State;
use crate::sync::{self, Wishes};
use crate::tree::{Entry, Tree};
use crate::unwire::{self, Edited};

/// Runs what was typed and reports it. The exit code, as the help lists them.
pub fn run(cli: &Cli) -> u8 {
    terminal::set_colours(cli.output.color);
    let code = match &cli.command {
        Command::Init(command) => {
            let flags = command.choices.config();
            let listener = if command.adopt_listener {
                Listener::Replace
            } else {
                Listener::Keep
            };
            let services = std::slice::from_ref(&command.service);
            written(services, &command.how, &cli.output, &|root| {
                to_init(root, &flags, listener)
            })
        }
        Command::Remove(command) => {
            let edited = if command.force {
                Edited::Discard
            } else {
                Edited::Keep
            };
            let services = std::slice::from_ref(&command.service);
            written(services, &command.how, &cli.output, &|root| {
                to_remove(root, edited)
            })
        }
        Command::Sync(command) => {
            let wishes = Wishes {
                to: command.to.clone(),
                restore: command.restore,
                conflict: command.conflict,
            };
            written(&command.services, &command.how, &cli.output, &|root| {
                to_sync(root, &wishes)
            })
        }
        Command::Check(command) => checked(command, &cli.output),
        Command::Doctor(command) => doctor(command, &cli.output),
        Command::Contracts => contracts(&cli.output),
        Command::Diff(command) => patches(&all_planned(command), &cli.output),
    };
    code.unwrap_or_else(|error| {
        // Where even this cannot be written, the exit code must do.
        let _ = terminal::error(error.chain());
        2
    })
}

/// How each service stands; of the exit code only what was asked for counts.
fn checked(command: &Check, output: &Output) -> Result<u8> {
    let mut outcomes = all_planned(&command.several);
    one_queue_each(&mut outcomes);
    let code = reports(&outcomes, output)?;
    let wanted = match (command.drift_only, command.outdated_only) {
        (false, false) => return Ok(code),
        (true, _) => [State::Drifted, State::Conflicting],
        (false, true) => [State::Outdated, State::Conflicting],
    };
    let counts = |outcome: &&Outcome| {
        let standing = &outcome.plan.standing;
        let failed = matches!(outcome.status, Status::Failed(_));
        failed || wanted.iter().any(|state| standing.has(*state))
    };
    let codes = outcomes
        .iter()
        .filter(counts)
        .map(|outcome| outcome.status.exit_code());
    Ok(report::worst(codes))
}

/// Plans each service, and writes unless it is a dry run.
fn written(services: &[PathBuf], how: &How, output: &Output, plan_for: &PlanFor) -> Result<u8> {
    if how.dry_run {
        let outcomes: Vec<_> = (services.iter())
            .map(|service| planned(service, plan_for))
            .collect();
        return patches(&outcomes, output);
    }
    let mut outcomes = Vec::new();
    for service in services {
        let asks = output.format == Format::Human && !how.yes && terminal::can_ask();
        let (outcome, told) = write(service, asks, output, plan_for)?;
        if !told && output.format == Format::Human {
            people(
                std::slice::from_ref(&outcome),
                outcomes.is_empty(),
                output.detail(),
            )?;
        }
        outcomes.push(outcome);
    }
    if output.format == Format::Human {
        return Ok(report::exit_code(&outcomes));
    }
    reports(&outcomes, output)
}

/// Writes one service; gives also whether its outcome was told already.
fn write(root: &Path, asks: bool, output: &Output, plan_for: &PlanFor) -> Result<(Outcome, bool)> {
    if let Some(recovered) = apply::recover(root).with_context(|| unwritable(root))? {
        terminal::err(&told(&recovered))?;
    }
    let mut outcome = planned(root, plan_for);
    let writes = outcome.status == Status::Pending && !outcome.plan.changes.is_empty();
    if !writes {
        if outcome.status == Status::Pending && !outcome.plan.open {
            outcome.status = Status::Done; // errors fail a check, not a command that has nothing to do
        }
        return Ok((outcome, false));
    }
    if asks && !agreed(&outcome, output)? {
        terminal::out("nothing written\n")?;
        return Ok((outcome, true));
    }
    outcome.status = match apply::apply(&outcome.tree, root, &outcome.plan.changes) {
        Ok(()) if outcome.plan.open => {
            staged(root, &outcome)?;
            Status::Open
        }
        Ok(()) => Status::Done,
        Err(error) if error.is::<Untidy>() => Status::failed(&error),
        Err(error) => Status::failed(&error.context(unwritable(root))),
    };
    let asked = asks && outcome.status == Status::Done;
    if asked {
        let next = report::next(&outcome, output.detail());
        terminal::out(&(report::headline(&outcome) + "\n" + &next))?;
    }
    Ok((outcome, asked))
}

/// Makes files with conflict markers what `git mergetool` works on. Without, they can be edited.
fn staged(root: &Path, outcome: &Outcome) -> Result<()> {
    let done = apply::stage_conflicts(root, &outcome.tree, &outcome.plan.conflicts);
    match done {
        Ok(()) => Ok(()),
        Err(error) => terminal::err(&format!(
            "note: `git mergetool` will not know of the conflict: {error:#}\n"
        )),
    }
}

/// Shows what is about to be done, and asks. New files are only named: `--dry-run` prints them.
fn agreed(outcome: &Outcome, output: &Output) -> Result<bool> {
    let edits = report::edits(outcome);
    if !edits.is_empty() {
        terminal::patch(&edits)?;
        terminal::out("\n")?;
    }
    let summary = report::summary(outcome, Detail::Verbose);
    terminal::out(&(summary + "\n"))?;
    let findings = report::findings(outcome, output.detail());
    if !findings.is_empty() {
        terminal::out(&(findings + "\n"))?;
    }
    terminal::ask("Apply these changes?")
}

fn all_planned(command: &Several) -> Vec<Outcome> {
    let flags = command.choices.config();
    let services = command.services.iter();
    services
        .map(|service| planned(service, &|root| to_wire(root, &flags)))
        .collect()
}

/// Services that consume one queue get a part of the events each.
fn one_queue_each(outcomes: &mut [Outcome]) {
    let known: Vec<(String, Option<String>)> = outcomes
        .iter()
        .map(|outcome| (outcome.service.clone(), outcome.plan.queue.clone()))
        .collect();
    for outcome in outcomes {
        let mut others = known.iter().filter(|(service, queue)| {
            *service != outcome.service && queue.is_some() && *queue == outcome.plan.queue
        });
        if let Some((other, Some(queue))) = others.next() {
            outcome.plan.findings.push(sync::one_queue(queue, other));
            outcome.plan.findings.sort_by_key(|finding| finding.level);
            outcome.plan.standing.note(State::Broken, true);
            outcome.status = Status::of(&outcome.plan);
        }
    }
}

fn planned(service: &Path, plan_for: &PlanFor) -> Outcome {
    let name = service.display().to_string();
    let planned = if apply::interrupted(service) {
        Ok((Tree::disk(service), interrupted()))
    } else {
        plan_for(service).and_then(|(tree, plan)| {
            all_seen(service, &tree)?;
            Ok((tree, plan))
        })
    };
    match planned {
        Ok((tree, plan)) => Outcome {
            service: name,
            prefix: from_here(service),
            status: Status::of(&plan),
            tree,
            plan,
        },
        Err(error) => Outcome::failed(&name, &error),
    }
}

/// How a command comes from a service to its plan.
type PlanFor<'a> = dyn Fn(&Path) -> Result<(Tree, Plan)> + 'a;

/// `init` alone creates what is not there.
fn to_init(root: &Path, flags: &Config, listener: Listener) -> Result<(Tree, Plan)> {
    let tree = service_at(root)?;
    readable(&tree, flags)?;
    let plan = init::init(&tree, flags, &Contracts::embedded(), listener)?;
    Ok((tree, plan))
}

fn to_sync(root: &Path, wishes: &Wishes) -> Result<(Tree, Plan)> {
    let tree = existing(root, &Config::default())?;
    let plan = sync::sync(&tree, &Config::default(), &Contracts::embedded(), wishes)?;
    Ok((tree, plan))
}

fn to_remove(root: &Path, edited: Edited) -> Result<(Tree, Plan)> {
    let tree = existing(root, &Config::default())?;
    let plan = unwire::unwire(&tree, &Contracts::embedded(), edited)?;
    Ok((tree, plan))
}

fn to_wire(root: &Path, flags: &Config) -> Result<(Tree, Plan)> {
    let tree = existing(root, flags)?;
    let plan = sync::standing(&tree, flags, &Contracts::embedded())?;
    Ok((tree, plan))
}

fn service_at(root: &Path) -> Result<Tree> {
    let name = root.display();
    let tree = Tree::disk(root);
    match tree.entry(&RelPath::root()) {
        Entry::Missing => Ok(tree),
        Entry::Directory => {
            tree.list(&RelPath::root());
            all_seen(root, &tree)?;
            Ok(tree)
        }
        Entry::Unreadable(why) => bail!("`{name}` cannot be read: {why}"),
        Entry::File(_) | Entry::TooLarge(_) | Entry::Special(_) | Entry::Outside => {
            bail!("`{name}` is not a directory: name the one that holds the service")
        }
    }
}

/// Nothing is planned on a directory that looks empty because it may not be listed.
fn all_seen(root: &Path, tree: &Tree) -> Result<()> {
    let Some((path, why)) = tree.closed() else {
        return Ok(());
    };
    let directory = path.parts().fold(root.to_owned(), |at, part| at.join(part));
    let name = directory.display();
    bail!(
        "the directory `{name}` cannot be listed: {why}; run as the user who may, or make it readable (`chmod u+rx {name}`)"
    )
}

/// A service that must be there, and whose files can be read.
pub(super) fn existing(root: &Path, flags: &Config) -> Result<Tree> {
    let tree = service_at(root)?;
    if tree.entry(&RelPath::root()) == Entry::Missing {
        bail!("there is no directory `{}`", root.display());
    }
    readable(&tree, flags)?;
    Ok(tree)
}

fn interrupted() -> Plan {
    let finding = Finding::refusal(
        "interrupted",
        "an earlier run was interrupted while it wrote: files may be old or new",
    )
    .help("type again what was interrupted: every `init`, `sync` and `remove` first finishes or undoes it");
    Plan {
        findings: vec![finding],
        ..Plan::default()
    }
}

fn told(recovered: &Recovered) -> String {
    let (files, what) = match recovered {
        Recovered::Finished(files) => (files, "finished"),
        Recovered::Undone(files) => (files, "undone"),
    };
    let files: Vec<&str> = files.iter().map(RelPath::as_str).collect();
    format!(
        "note: an interrupted run was {what}: {}\n",
        files.join(", ")
    )
}

/// Where the service is below the current directory; elsewhere its own root is where paths begin.
pub(super) fn from_here(service: &Path) -> RelPath {
    let here = std::env::current_dir().unwrap_or_default();
    let below = service.strip_prefix(here).unwrap_or(service);
    let below = below.to_str().and_then(RelPath::parse);
    below.unwrap_or_default()
}

fn unwritable(service: &Path) -> String {
    format!("`{}` cannot be written", service.display())
}
