//! What the probe says, as data. The probe is `templates/doctor/probe.py`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What asking the app gave.
#[derive(Deserialize, Debug)]
#[serde(untagged)]
pub(super) enum Answer {
    /// It could not be loaded.
    Failed { python: Interpreter, error: Failure },
    /// What it comes to.
    Resolved(Box<Resolved>),
}

#[derive(Deserialize, Debug)]
pub(super) struct Interpreter {
    pub(super) version: String,
    pub(super) path: String,
}

/// An exception, as the last line of its traceback.
#[derive(Deserialize, Debug)]
pub(super) struct Failure {
    pub(super) line: String,
    /// The service's own line nearest to it.
    pub(super) place: Option<Line>,
    /// The module that could not be imported.
    pub(super) missing: Option<String>,
}

#[derive(Deserialize, Debug)]
pub(super) struct Line {
    pub(super) file: String,
    pub(super) line: usize,
}

#[derive(Deserialize, Debug)]
pub(super) struct Resolved {
    pub(super) python: Interpreter,
    /// Of the packages that are installed.
    pub(super) versions: BTreeMap<String, String>,
    /// The queues that a worker without `-Q` consumes.
    pub(super) consumed: BTreeMap<String, Queue>,
    /// The queue of tasks without a route.
    pub(super) default_queue: Option<String>,
    /// Where a call of each ordinary task is published.
    pub(super) routes: BTreeMap<String, Sent>,
    /// The queue that a task names for itself.
    pub(super) asked: BTreeMap<String, String>,
    /// The tasks for which more than one router answers: what each says, the first counting.
    pub(super) answers: BTreeMap<String, Vec<RouterAnswer>>,
    pub(super) event: Event,
    /// Content types or their short names.
    pub(super) accepted: Vec<String>,
    /// Names in the settings that Celery does not read, each with the setting it would be.
    pub(super) unread: Vec<(String, String)>,
    /// As kombu reads the URLs.
    pub(super) broker: Vec<Broker>,
    pub(super) django: Option<Django>,
}

#[derive(Clone, Deserialize, Debug)]
pub(super) struct Queue {
    pub(super) exchange: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) arguments: BTreeMap<String, serde_json::Value>,
}

/// An exchange and a routing key; or `error` and why nothing could be sent.
#[derive(Deserialize, PartialEq, Debug)]
pub(super) struct Sent(pub(super) String, pub(super) String);

impl Sent {
    /// Why nothing could be sent.
    pub(super) fn error(&self) -> Option<&str> {
        (self.0 == "error").then_some(self.1.as_str())
    }
}

#[derive(Deserialize, Debug)]
pub(super) struct RouterAnswer {
    /// The router's dotted path, or `dict`.
    pub(super) router: String,
    /// What it says, as Python shows it.
    pub(super) says: String,
}

#[derive(Deserialize, Debug)]
pub(super) struct Event {
    /// The modules that define its task, each time they do.
    pub(super) defined: Vec<String>,
    /// The module whose definition counts.
    pub(super) registered: Option<String>,
    pub(super) route: Option<Sent>,
    pub(super) listener: Option<Listener>,
}

/// The function behind the event's task.
#[derive(Deserialize, Debug)]
pub(super) struct Listener {
    pub(super) file: String,
    pub(super) line: usize,
    /// Names that it reads and its module lacks.
    pub(super) undefined: Vec<String>,
    /// Look-ups by a name that the sender chose: `getattr(microservice_events, event_type)`.
    pub(super) dispatch: Vec<String>,
}

/// Transport, host, port, vhost.
#[derive(Deserialize, Debug)]
pub(super) struct Broker(
    pub(super) String,
    pub(super) Option<String>,
    pub(super) Option<u16>,
    pub(super) String,
);

/// What the emitter and the router read.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) struct Django {
    pub(super) broker_url: Option<serde_json::Value>,
    pub(super) service_name: Option<serde_json::Value>,
}
