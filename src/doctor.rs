//! What a service's real Celery app comes to: asked of the service's own Python, judged here.
//!
//! Runs the user's code, and is alone in that: `probe` is the only module that starts a process.

mod answer;
mod checks;
mod judge;
mod live;
mod probe;
mod python;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::config::{Config, for_wired};
use crate::contract::{Contract, Contracts};
use crate::facts::settings::Settings;
use crate::facts::{Facts, Source, home, name};
use crate::finding::{Finding, Level};
use crate::lock::LOCK;
use crate::path::RelPath;
use crate::plan::{self, Plan};
use crate::tree::Tree;

pub use python::Python;

/// How to ask.
pub struct Options {
    /// The Python to ask, where the user named one.
    pub python: Option<PathBuf>,
    /// Env files of the service whose variables the app is loaded with.
    pub env_files: Vec<RelPath>,
    /// How long the broker may take for one step.
    pub timeout: Duration,
}

/// A service that can be asked.
pub struct Patient<'t> {
    tree: &'t Tree,
    facts: Facts,
    /// `None` where its files do not tell what its settings are.
    settings: Option<Settings<'t>>,
    contract: Contract,
    /// The service's name, where something static tells it.
    name: Option<String>,
    /// What reading its files alone has found.
    known: Vec<Finding>,
    request: probe::Request,
    timeout: Duration,
}

/// The events queue of a loaded app.
pub struct EventsQueue {
    /// Its name.
    pub name: String,
    declared: answer::Queue,
}

/// Whether the user lets a probe event out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeEvent {
    /// Through the exchange, to every service.
    Send,
    /// The broker is only looked at.
    Hold,
}

/// What asking gave.
pub struct Examined {
    /// `Celery 5.7.0 on Python 3.11.7`, where the service could be asked.
    pub subject: Option<String>,
    /// What is wrong or worth knowing, worst first.
    pub findings: Vec<Finding>,
    /// The broker that the app names, without its password: `rabbitmq:5672, vhost /`.
    pub broker: Option<String>,
    /// The events queue, where the app consumes it.
    pub queue: Option<EventsQueue>,
}

impl Examined {
    /// A service that could not even be asked.
    pub fn unasked(findings: Vec<Finding>) -> Self {
        Self {
            subject: None,
            findings,
            broker: None,
            queue: None,
        }
    }
}

impl<'t> Patient<'t> {
    /// Finds what is to be asked, and which Python to ask. Runs nothing of the service but its tools for
    /// finding a Python (`poetry env info`).
    pub fn find(
        root: &Path,
        tree: &'t Tree,
        flags: &Config,
        contracts: &Contracts,
        options: &Options,
    ) -> Result<Result<Self, Vec<Finding>>> {
        let plan = plan::plan(tree, flags, contracts)?;
        let config = match crate::config::load(tree) {
            Ok(loaded) => flags.clone().over(loaded.config),
            Err(finding) => return Ok(Err(vec![finding])),
        };
        let plan::Known {
            facts, contract, ..
        } = match plan::Known::read(tree, &config, contracts, None) {
            Ok(known) => known,
            Err(findings) => return Ok(Err(findings)),
        };
        let mut environment = match environment(tree, &options.env_files) {
            Ok(environment) => environment,
            Err(finding) => return Ok(Err(vec![finding])),
        };
        if let Some(module) = chosen_settings(&facts, flags) {
            environment.push(("DJANGO_SETTINGS_MODULE".to_owned(), module));
        }
        let request = probe::Request {
            python: python::choose(root, options.python.as_deref())?,
            root: std::path::absolute(root)?,
            paths: facts.roots.directories().to_vec(),
            module: facts.app.module.clone(),
            variable: facts.app.variable.clone(),
            task: contract.event_task.clone(),
            environment,
        };
        Ok(Ok(Self {
            tree,
            name: static_name(tree, &config, &plan),
            known: known(plan),
            settings: home::settings(tree, &facts, flags).ok(),
            facts,
            contract,
            request,
            timeout: options.timeout,
        }))
    }

    /// The Python that will be asked.
    pub fn python(&self) -> &Python {
        &self.request.python
    }

    /// Loads the service's app and says what is wrong with it.
    pub fn examine(&self) -> Result<Examined> {
        let answer = probe::ask(&self.request)?;
        let judged = judge::judge(self, &answer);
        let mut findings = self.known.clone();
        for finding in judged.findings {
            if !findings.iter().any(|known| says(known, &finding)) {
                findings.push(finding);
            }
        }
        if self.tree.bytes(&RelPath::root().join(LOCK)).is_some() {
            findings.iter_mut().for_each(for_wired);
        }
        findings.sort_by_key(|finding| finding.level);
        Ok(Examined {
            subject: Some(judged.subject),
            findings,
            broker: judged.broker,
            queue: judged.queue,
        })
    }

    /// Asks the broker that the app names, and sends a probe event through it if it may.
    pub fn examine_live(&self, known: &Examined, event: ProbeEvent) -> Result<Vec<Finding>> {
        let (Some(broker), Some(queue)) = (&known.broker, &known.queue) else {
            return Ok(Vec::new());
        };
        let question = live::question(self, queue, event);
        let replies = probe::ask_live(&self.request, &question)?;
        Ok(live::judge(&question, broker, &replies))
    }
}

/// Whether reading the files alone has told this already, there or without a place.
fn says(known: &Finding, new: &Finding) -> bool {
    let files = |finding: &Finding| -> Vec<RelPath> {
        let places = finding.places.iter();
        places.map(|place| place.path.clone()).collect()
    };
    let (here, there) = (files(known), files(new));
    known.code == new.code && (there.is_empty() || there.iter().any(|file| here.contains(file)))
}

/// What a check would say, but for what only stands in the way of writing, and the broker that only the app
/// can tell.
fn known(plan: Plan) -> Vec<Finding> {
    let findings = plan.findings.into_iter();
    findings
        .filter(|finding| matches!(finding.level, Level::Error | Level::Warning))
        .filter(|finding| finding.code != "broker-unknown")
        .collect()
}

fn static_name(tree: &Tree, config: &Config, plan: &Plan) -> Option<String> {
    let settled = plan.settled.iter().find(|(key, _)| *key == "name");
    settled
        .map(|(_, name)| name.clone())
        .or_else(|| name::service_name(tree, config, None).ok())
}

/// The settings module that a flag names, for an app that reads Django's.
fn chosen_settings(facts: &Facts, flags: &Config) -> Option<String> {
    let django = matches!(
        facts.app.source,
        Source::Module { django: true, .. } | Source::Configuration { .. }
    );
    let file = flags.settings.as_ref().filter(|_| django)?;
    facts.roots.dotted(file)
}

/// The variables that env files set, the last file's word counting.
fn environment(tree: &Tree, files: &[RelPath]) -> Result<Vec<(String, String)>, Finding> {
    let mut variables = Vec::new();
    for file in files {
        let missing = || {
            Finding::refusal("env-file-missing", "there is no such env file")
                .in_file(file)
                .help("name one from the service's directory: `--env-file .env`")
        };
        let bytes = tree.bytes(file).ok_or_else(missing)?;
        for variable in dotenvy::from_read_iter(&*bytes) {
            variables.push(variable.map_err(|error| {
                Finding::refusal(
                    "env-file-unreadable",
                    format!("this env file cannot be read: {error}"),
                )
                .in_file(file)
                .help("write each variable as NAME=value, quoted where it has blanks")
            })?);
        }
    }
    Ok(variables)
}
