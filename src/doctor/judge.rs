//! From what the app said to findings. Pure.

use super::answer::{Answer, Failure, Resolved};
use super::checks::CHECKS;
use super::{EventsQueue, Patient};
use crate::celery::Setting;
use crate::edit::Span;
use crate::facts::settings::Site;
use crate::facts::text::{lines, trimmed};
use crate::finding::{Finding, Place};
use crate::path::RelPath;
use crate::python::style::{line_end, line_start};

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
        match self.patient.setting(setting) {
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

    /// Where the settings bind a name, as Celery or a module of the service reads it: the line with its value.
    pub(super) fn binding(&self, name: &str) -> Option<Place> {
        let settings = self.settings.as_ref()?;
        let names = [name.to_owned()];
        let mut sites = settings.bound(&names).unwrap_or_default();
        sites.extend(settings.named(&names).unwrap_or_default());
        let Site {
            file,
            module,
            stmt,
            value,
            ..
        } = sites.first()?;
        let text = &*module.text;
        let at = value.as_ref().map_or(stmt.start, |value| value.span.start);
        let line = Span::new(line_start(text, at), line_end(text, at));
        Some(Place {
            path: file.clone(),
            span: Some(trimmed(text, line)),
        })
    }

    /// Where the settings bind a setting, under whichever name Celery reads.
    pub(super) fn setting(&self, setting: Setting) -> Option<Place> {
        let names = self.settings.as_ref()?.spellings(setting);
        names.iter().find_map(|name| self.binding(name))
    }

    /// How the service spells a setting, where its files tell.
    pub(super) fn spelled(&self, setting: Setting) -> Option<String> {
        let settings = self.settings.as_ref()?;
        Some(settings.dialect.spell(setting))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::contract::Contracts;
    use crate::doctor::Options;
    use crate::tree::Tree;

    /// Flask's old names in an object that is made in a function.
    #[test]
    fn names_are_those_of_the_settings_and_bindings_no_text_search() {
        let files = [
            ("old.py", "CELERY_QUEUES = ()\n"),
            (
                "app.py",
                "from celery import Celery\n\napp = Celery('app')\napp.conf.update(\n    BROKER_URL='amqp://h/%2F',\n    CELERY_QUEUES=(),\n)\n",
            ),
            ("requirements.txt", "celery==4.4.7\nzc_common==0.2.12\n"),
        ];
        let tree = Tree::named(
            "orders",
            files.map(|(path, text)| (RelPath::root().join(path), text.into())),
        );
        let options = Options {
            python: Some("python3".into()),
            env_files: Vec::new(),
            timeout: Duration::from_secs(1),
        };
        let found = Patient::find(
            Path::new("."),
            &tree,
            &Config::default(),
            &Contracts::embedded(),
            &options,
        );
        let patient = found.unwrap().ok().unwrap();
        let spelled = patient.spelled(Setting::TaskQueues);
        assert_eq!(spelled.as_deref(), Some("CELERY_QUEUES"));
        let place = patient.setting(Setting::TaskQueues).unwrap();
        assert_eq!(place.path.as_str(), "app.py");
        let text = place.span.unwrap().of(files[1].1);
        assert_eq!(text, "CELERY_QUEUES=(),");
    }
}
