//! `doctor`: says that it runs the user's code, asks the app, and with `--live` the broker.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, value_parser};

use super::run::{existing, from_here};
use super::show::reports;
use super::{Format, Output, terminal};
use crate::config::{AppName, Config, values};
use crate::contract::Contracts;
use crate::doctor::{Examined, Options, Patient, ProbeEvent};
use crate::path::RelPath;
use crate::plan::Plan;
use crate::report::{self, Detail, Outcome, Status};
use crate::tree::Tree;

#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// The service's directory
    #[arg(value_name = "SERVICE", default_value = ".")]
    service: PathBuf,
    /// Also ask the broker that the service names, and send a probe event through it
    #[arg(long)]
    live: bool,
    /// Do not ask before sending the probe event
    #[arg(short, long)]
    yes: bool,
    /// The Python to load the service with, instead of its virtualenv's
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Load the service with the variables of this file of its directory; repeat for more
    #[arg(long = "env-file", value_name = "FILE", value_parser = values::file)]
    env_files: Vec<RelPath>,
    /// How long the broker may take for one step
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// The Celery app, instead of what is detected or configured
    #[arg(long, value_name = "MODULE:VAR", value_parser = values::celery_app)]
    celery_app: Option<AppName>,
    /// The file with the Celery settings, likewise
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    settings: Option<RelPath>,
    /// The contract to judge by, likewise
    #[arg(long, value_name = "ID|DIR", value_parser = values::contract)]
    contract: Option<String>,
}

pub(super) fn doctor(command: &Doctor, output: &Output) -> Result<u8> {
    if command.live && !command.yes && !terminal::can_ask() {
        bail!("nobody is here to ask whether a probe event may be sent: say so with `-y`");
    }
    let tree = existing(&command.service, &Config::default())?;
    let Examined {
        subject, findings, ..
    } = examined(command, &tree)?;
    let plan = Plan {
        findings,
        ..Plan::default()
    };
    let outcome = Outcome {
        service: command.service.display().to_string(),
        prefix: from_here(&command.service),
        status: Status::of(&plan),
        tree,
        plan,
    };
    match (output.format, subject) {
        (Format::Human, Some(subject)) => told(&outcome, &subject, output.detail()),
        _ => reports(&[outcome], output),
    }
}

fn examined(command: &Doctor, tree: &Tree) -> Result<Examined> {
    let flags = Config {
        celery_app: command.celery_app.clone(),
        settings: command.settings.clone(),
        contract: command.contract.clone(),
        ..Config::default()
    };
    let options = Options {
        python: command.python.clone(),
        env_files: command.env_files.clone(),
        timeout: Duration::from_secs(command.timeout),
    };
    let contracts = Contracts::embedded();
    let patient = match Patient::find(&command.service, tree, &flags, &contracts, &options)? {
        Ok(patient) => patient,
        Err(findings) => return Ok(Examined::unasked(findings)),
    };
    let python = patient.python();
    terminal::err(&format!(
        "running the service's code with {} ({})\n",
        python.path.display(),
        python.why
    ))?;
    let mut examined = patient.examine()?;
    if command.live {
        let live = patient.examine_live(&examined, agreed(command, &examined)?)?;
        examined.findings.extend(live);
        examined.findings.sort_by_key(|finding| finding.level);
    }
    Ok(examined)
}

fn told(outcome: &Outcome, subject: &str, detail: Detail) -> Result<u8> {
    if detail > Detail::Quiet {
        terminal::out(&report::diagnosis(outcome, subject))?;
    }
    let findings = report::findings(outcome, detail);
    if !findings.is_empty() {
        terminal::out(&format!("\n{findings}"))?;
    }
    Ok(outcome.status.exit_code())
}

fn agreed(command: &Doctor, examined: &Examined) -> Result<ProbeEvent> {
    let (Some(broker), Some(queue)) = (&examined.broker, &examined.queue) else {
        return Ok(ProbeEvent::Hold);
    };
    let question = format!(
        "Send a probe event through {broker}? `{}` and every other service's queue get it, and ignore it.",
        queue.name
    );
    let agreed = command.yes || terminal::ask(&question)?;
    Ok(if agreed {
        ProbeEvent::Send
    } else {
        ProbeEvent::Hold
    })
}
