//! What the broker says of a service's wiring, and whether a probe event arrived. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EventsQueue, Patient, ProbeEvent};
use crate::finding::Finding;

/// What to look for, and what to send.
#[derive(Serialize)]
pub(super) struct Question {
    queue: String,
    exchange: String,
    #[serde(rename = "type")]
    kind: String,
    arguments: BTreeMap<String, Value>,
    task: String,
    /// A type that no handler has.
    event: &'static str,
    pub(super) seconds: u64,
    send: bool,
}

/// What the broker and the workers said, as far as they were asked.
#[derive(Deserialize, Default, Debug)]
pub(super) struct Replies {
    /// `right`, `differs`, `missing` or `forbidden`, and the broker's words.
    exchange: Option<(String, String)>,
    queue: Option<(String, String)>,
    messages: Option<u64>,
    consumers: Option<u64>,
    /// The workers that consume the events queue and answer.
    workers: Option<Vec<String>>,
    /// What they told of the probe event.
    events: Option<Vec<String>>,
    /// One word for what went wrong, and the error's own.
    stopped: Option<(String, String)>,
    /// The app could not be loaded again.
    error: Option<super::answer::Failure>,
}

impl Replies {
    /// Those of a broker that kept us waiting.
    pub(super) fn silent() -> Self {
        Self {
            stopped: Some(("timeout".to_owned(), "it never answered".to_owned())),
            ..Self::default()
        }
    }
}

const EVENT: &str = "scaffold_events_doctor";

pub(super) fn question(patient: &Patient<'_>, queue: &EventsQueue, event: ProbeEvent) -> Question {
    let EventsQueue { name, declared } = queue;
    Question {
        queue: name.clone(),
        exchange: declared.exchange.clone(),
        kind: declared.kind.clone(),
        arguments: declared.arguments.clone(),
        task: patient.contract.event_task.clone(),
        event: EVENT,
        seconds: patient.timeout.as_secs(),
        send: event == ProbeEvent::Send,
    }
}

pub(super) fn judge(question: &Question, broker: &str, replies: &Replies) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(unreachable(broker, question, replies));
    found.extend(exchange(question, replies));
    found.extend(queue(question, replies));
    found.extend(received(question, replies));
    found
}

/// Distinct words for each way not to get through.
fn unreachable(broker: &str, question: &Question, replies: &Replies) -> Option<Finding> {
    if let Some(failure) = &replies.error {
        let message = format!("the Celery app cannot be loaded: {}", failure.line);
        return Some(
            Finding::error("app-not-loaded", message)
                .help("run `scaffold-events doctor` without --live first"),
        );
    }
    let (kind, words) = replies.stopped.as_ref()?;
    let seconds = question.seconds;
    let (code, message, help) = match kind.as_str() {
        "refused" => (
            "broker-down",
            format!("nothing listens at {broker}"),
            "start RabbitMQ, or mend host and port of the broker's URL",
        ),
        "name" => (
            "broker-host-unknown",
            format!("no such host: {broker}"),
            "from outside the service's network its broker has another name: give one with `--env-file`",
        ),
        "login" => (
            "broker-login-refused",
            format!("the broker at {broker} refuses the user or the password"),
            "see `rabbitmqctl list_users` and the URL's user",
        ),
        "vhost" => (
            "broker-vhost-refused",
            format!("the broker at {broker} has no such vhost, or the user may not enter it"),
            "see `rabbitmqctl list_vhosts` and `rabbitmqctl list_user_permissions USER`",
        ),
        "tls" => (
            "broker-tls",
            format!("no TLS with the broker at {broker}: {words}"),
            "see `broker_use_ssl`, the certificate's names, and the port: 5671 speaks TLS, 5672 does not",
        ),
        "timeout" => (
            "broker-timeout",
            format!("the broker at {broker} does not answer within {seconds} s"),
            "a firewall, or a slow one: `--timeout SECONDS`",
        ),
        "closed" => (
            "broker-closed",
            format!("the broker at {broker} closed the connection: {words}"),
            "is this its AMQP port? 5671 speaks TLS, 5672 does not, 15672 is the web page",
        ),
        _ => (
            "broker-failed",
            format!("talking to the broker at {broker} failed: {words}"),
            "see the broker's log",
        ),
    };
    Some(Finding::error(code, message).help(help))
}

fn exchange(question: &Question, replies: &Replies) -> Option<Finding> {
    let Question { exchange, kind, .. } = question;
    let (state, words) = replies.exchange.as_ref()?;
    match state.as_str() {
        "differs" => Some(
            Finding::error(
                "live-exchange-differs",
                format!("the exchange `{exchange}` on the broker is no durable {kind} exchange: {words}"),
            )
            .help(format!(
                "find out who made it; to make it anew, stop all workers, then `rabbitmqadmin delete exchange name={exchange}`"
            )),
        ),
        "missing" => Some(
            Finding::error(
                "live-exchange-missing",
                format!("there is no exchange `{exchange}`: an event that is sent now is lost, and no error says so"),
            )
            .help("start a worker of any wired service: workers declare it"),
        ),
        "forbidden" => Some(forbidden(exchange, words)),
        _ => None,
    }
}

fn queue(question: &Question, replies: &Replies) -> Option<Finding> {
    let queue = &question.queue;
    let (state, words) = replies.queue.as_ref()?;
    let (messages, consumers) = (replies.messages.unwrap_or(0), replies.consumers);
    match state.as_str() {
        "differs" => Some(
            Finding::error(
                "live-queue-differs",
                format!("the queue `{queue}` on the broker was made otherwise: {words}"),
            )
            .help(format!(
                "a worker exits with 406 PRECONDITION_FAILED: with all workers stopped, `rabbitmqctl delete_queue {queue}` \
                 ({messages} messages are in it)"
            )),
        ),
        "missing" => Some(
            Finding::error("live-queue-missing", format!("there is no queue `{queue}`: events for this service are lost"))
                .help("start a worker of this service: it declares the queue"),
        ),
        "forbidden" => Some(forbidden(queue, words)),
        _ if consumers == Some(0) => Some(
            Finding::error(
                "live-queue-unconsumed",
                format!("nobody consumes `{queue}`: {messages} messages wait in it"),
            )
            .help(format!("start a worker; one with `-Q` must name it: `-Q …,{queue}`")),
        ),
        _ => None,
    }
}

fn forbidden(what: &str, words: &str) -> Finding {
    Finding::error(
        "live-forbidden",
        format!("the user may not look at `{what}`: {words}"),
    )
    .help("a worker needs to configure, write and read it: `rabbitmqctl set_permissions`")
}

/// The worker's own word that it got the probe event, and was done with it.
fn received(question: &Question, replies: &Replies) -> Option<Finding> {
    let queue = &question.queue;
    let workers = replies.workers.as_ref()?;
    if workers.is_empty() {
        return (replies.consumers.unwrap_or(0) > 0).then(|| {
            Finding::warning(
                "live-worker-silent",
                format!("`{queue}` has a consumer, but no worker answers to remote control: no probe event was sent"),
            )
            .help("its worker is started with `worker_enable_remote_control` off, or is busy with one long task")
        });
    }
    let heard = replies.events.as_ref()?;
    let has = |kind: &str| heard.iter().any(|event| event == kind);
    Some(if has("task-succeeded") {
        Finding::note(
            "live-event-received",
            format!(
                "a probe event went through `{}` to `{queue}` and was done with by {}",
                question.exchange,
                workers.join(", ")
            ),
        )
    } else if has("task-failed") {
        Finding::error(
            "live-event-failed",
            format!("the probe event arrived in `{queue}`, and the listener raised"),
        )
        .help("see the worker's log: an event of a type that no handler has must be ignored")
    } else if has("task-received") {
        Finding::warning(
            "live-event-waiting",
            format!(
                "the probe event arrived, and was not done with in {} s",
                question.seconds
            ),
        )
        .help("the worker is busy: try again, or `--timeout SECONDS`")
    } else {
        Finding::error(
            "live-event-lost",
            format!(
                "the probe event did not reach `{queue}` through `{}`",
                question.exchange
            ),
        )
        .help("the queue is not bound to it: restart the worker, which binds it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Question {
        Question {
            queue: "orders-events".to_owned(),
            exchange: "microservice-events".to_owned(),
            kind: "fanout".to_owned(),
            arguments: BTreeMap::new(),
            task: "microservice.event".to_owned(),
            event: EVENT,
            seconds: 10,
            send: true,
        }
    }

    /// The codes for what the probe wrote.
    fn codes(replies: &str) -> Vec<&'static str> {
        let replies: Replies = serde_json::from_str(replies).unwrap();
        let found = judge(&asked(), "amqp://host", &replies);
        found.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn each_way_not_to_get_through_has_its_words() {
        for (word, code) in [
            ("refused", "broker-down"),
            ("name", "broker-host-unknown"),
            ("login", "broker-login-refused"),
            ("vhost", "broker-vhost-refused"),
            ("tls", "broker-tls"),
            ("timeout", "broker-timeout"),
            ("closed", "broker-closed"),
            ("other", "broker-failed"),
            ("a word of a later probe", "broker-failed"),
        ] {
            let replies = format!(r#"{{"stopped": ["{word}", "why"]}}"#);
            assert_eq!(codes(&replies), [code]);
        }
    }

    #[test]
    fn what_is_not_as_declared_is_told() {
        for (exchange, queue, wanted) in [
            ("right", "right", &[][..]),
            (
                "missing",
                "missing",
                &["live-exchange-missing", "live-queue-missing"],
            ),
            (
                "differs",
                "differs",
                &["live-exchange-differs", "live-queue-differs"],
            ),
            ("forbidden", "right", &["live-forbidden"]),
        ] {
            let replies = format!(
                r#"{{"exchange": ["{exchange}", ""], "queue": ["{queue}", ""], "consumers": 1}}"#
            );
            assert_eq!(codes(&replies), wanted);
        }
        let unconsumed =
            r#"{"queue": ["right", ""], "messages": 3, "consumers": 0, "workers": []}"#;
        assert_eq!(codes(unconsumed), ["live-queue-unconsumed"]);
    }

    #[test]
    fn the_probe_event_is_as_far_as_a_worker_says() {
        for (events, code) in [
            (
                r#"["task-received", "task-started", "task-succeeded"]"#,
                "live-event-received",
            ),
            (r#"["task-failed", "task-received"]"#, "live-event-failed"),
            (r#"["task-received"]"#, "live-event-waiting"),
            ("[]", "live-event-lost"),
        ] {
            let replies = format!(r#"{{"workers": ["a@b"], "events": {events}}}"#);
            assert_eq!(codes(&replies), [code]);
        }
        let silent = r#"{"consumers": 1, "workers": []}"#;
        assert_eq!(codes(silent), ["live-worker-silent"]);
    }
}
