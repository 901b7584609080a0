//! From what the app said to findings. Pure.

use super::answer::{Answer, Failure, Resolved};
use super::checks::CHECKS;
use super::{EventsQueue, Patient};
use crate::celery::{Dialect, Setting};
use crate::edit::Span;
use crate::facts::text::{lines, trimmed};
use crate::finding::{Finding, Place};
use crate::path::RelPath;

/// What the answer comes to.
pub(super) struct Judged {
    pub(super) subject: String,
    pub(super) findings: Vec<Finding>,
    pub(super) broker: Option<String>,
    pub(super) queue: Option<EventsQueue>,
}

/// A loaded app with everything its checks ask for.
pub(super) struct Case<'p> {
    pub(super) patient: &'p Patient<'p>,
    pub(super) app: &'p Resolved,
    /// The events queue's name; `None` where nothing tells the service's.
    pub(super) queue: Option<String>,
}

pub(super) fn judge(patient: &Patient<'_>, answer: &Answer) -> Judged {
    let app = match answer {
        Answer::Failed { python, error } => {
            return Judged {
                subject: "its Celery app does not load".to_owned(),
                findings: vec![not_loaded(patient, &python.path, error)],
                broker: None,
                queue: None,
            };
        }
        Answer::Resolved(app) => app,
    };
    let case = Case {
        patient,
        app,
        queue: queue(patient, app),
    };
    let mut findings = Vec::new();
    for check in CHECKS {
        check(&case, &mut findings);
    }
    let celery = app.versions.get("celery").map_or("", String::as_str);
    Judged {
        subject: format!("Celery {celery} on Python {}", app.python.version),
        findings,
        broker: app.broker.first().map(|broker| {
            let host = broker.1.as_deref().unwrap_or("localhost");
            let port = broker.2.map_or(String::new(), |port| format!(":{port}"));
            format!("{host}{port}, vhost {}", broker.3)
        }),
        queue: case.events_queue(),
    }
}

/// The events queue's name: by the service's real `SERVICE_NAME`, else by what its files say.
fn queue(patient: &Patient<'_>, app: &Resolved) -> Option<String> {
    let real = app
        .django
        .as_ref()
        .and_then(|django| django.service_name.as_ref());
    let real = real.and_then(|name| name.as_str()).map(str::to_owned);
    let name = real.or_else(|| patient.name.clone())?;
    Some(name + &patient.contract.queue_suffix)
}

fn not_loaded(patient: &Patient<'_>, python: &str, error: &Failure) -> Finding {
    let Failure {
        line,
        place,
        missing,
    } = error;
    let message = format!("the Celery app cannot be loaded: {line}");
    let mut finding = Finding::error("app-not-loaded", message);
    if let Some(place) = place
        .as_ref()
        .and_then(|it| patient.line(&it.file, it.line))
    {
        finding = finding.place(&place);
    }
    if let Some(module) = missing {
        finding = finding.help(format!(
            "if `{module}` is installed for the service: name its Python, `--python PATH` (this was {python})"
        ));
    }
    finding
        .help("variables that the service needs can come from an env file: `--env-file .env`")
        .help("not checked: what it consumes, where tasks and events go, its listener, its broker")
}

impl Case<'_> {
    /// The events queue as the app declares it, if it consumes it.
    fn events_queue(&self) -> Option<EventsQueue> {
        let name = self.queue.clone()?;
        let declared = self.app.consumed.get(&name)?.clone();
        Some(EventsQueue { name, declared })
    }

    /// A finding with the place where the service's files bind a setting, if they do.
    pub(super) fn at_binding(&self, setting: Setting, finding: Finding) -> Finding {
        match self.patient.binding(&self.patient.spelled(setting)) {
            Some(place) => finding.place(&place),
            None => finding,
        }
    }
}

impl Patient<'_> {
    /// A line of one of the service's files, without its indentation.
    pub(super) fn line(&self, file: &str, number: usize) -> Option<Place> {
        let path = RelPath::parse(file)?;
        let bytes = self.tree.bytes(&path)?;
        let line = lines(&bytes).nth(number.checked_sub(1)?)?;
        Some(Place {
            path,
            span: Some(trimmed(&bytes, line)),
        })
    }

    /// Where one of the service's files binds a name at the begin of a line.
    pub(super) fn binding(&self, name: &str) -> Option<Place> {
        let files = self.tree.walk();
        let mut files = files.iter().filter(|path| path.has_extension("py"));
        files.find_map(|path| {
            let bytes = self.tree.bytes(path)?;
            let mut spans = lines(&bytes).map(|line| trimmed(&bytes, line));
            let binds = |span: &Span| {
                let rest = span.of(&*bytes).strip_prefix(name.as_bytes());
                rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"="))
            };
            let span = spans.find(binds)?;
            Some(Place {
                path: path.clone(),
                span: Some(span),
            })
        })
    }

    /// How the service would have to spell a setting.
    pub(super) fn spelled(&self, setting: Setting) -> String {
        let dialect = match &self.facts.app.namespace {
            Some((namespace, ..)) => Dialect::Namespaced(crate::celery::prefix(namespace)),
            None if self.facts.django() => Dialect::Old,
            None => Dialect::Lower,
        };
        dialect.spell(setting)
    }
}
