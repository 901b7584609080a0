//! The broker as the worker and the emitter read it, and what they take.

use crate::doctor::answer::{Broker, Django};
use crate::doctor::judge::Case;
use crate::facts::pins::Version;
use crate::finding::Finding;
use crate::rules::hazards::{PIKA_TOO_NEW, PIN_PIKA};
use crate::url::{Vhost, is_amqp, is_kombus_amqp, masked, scheme, vhost};

/// Events are JSON; a pickle runs code as it is read.
pub(super) fn accepted_content(case: &Case<'_>, found: &mut Vec<Finding>) {
    let accepts = |names: [&str; 2]| {
        let mut accepted = case.app.accepted.iter();
        accepted.any(|kind| names.contains(&kind.as_str()))
    };
    if !case.app.accepted.is_empty() && !accepts(["json", "application/json"]) {
        found.push(
            Finding::error(
                "accept-content-without-json",
                "this worker refuses JSON, and every event is JSON",
            )
            .help("add 'json' to what it accepts"),
        );
    }
    if accepts(["pickle", "application/x-python-serialize"]) {
        found.push(
            Finding::warning(
                "pickle-accepted",
                "this worker unpickles what it receives: whoever can send an event can run code here",
            )
            .help("take pickle out of what it accepts, once no task is sent pickled"),
        );
    }
}

/// kombu reads the worker's URL, pika the emitter's: they must mean one vhost of one broker.
pub(super) fn two_readers(case: &Case<'_>, found: &mut Vec<Finding>) {
    let Some(worker) = case.app.broker.first() else {
        return;
    };
    if !is_kombus_amqp(&worker.0) {
        found.push(
            Finding::error(
                "broker-not-amqp",
                format!("a `{}` broker cannot carry this bus", worker.0),
            )
            .help("point the broker at RabbitMQ"),
        );
        return;
    }
    let url = case
        .app
        .django
        .as_ref()
        .and_then(|django| django.broker_url.as_ref());
    let Some(url) = url.and_then(serde_json::Value::as_str) else {
        return;
    };
    let place = case
        .patient
        .binding("BROKER_URL")
        .or_else(|| case.patient.binding("CELERY_BROKER_URL"));
    let placed = |finding: Finding| match &place {
        Some(place) => finding.place(place),
        None => finding,
    };
    if let Vhost::Slash(_) = vhost(url) {
        let message = format!(
            "the emitter reads another vhost than the worker in `{}`",
            masked(url)
        );
        found.push(placed(
            Finding::error("broker-vhost-differs", message)
                .help("every emit fails: end the URL in `/%2F` (`/%2Fname` for `//name`)"),
        ));
    } else if scheme(url).is_some_and(|scheme| !is_amqp(scheme)) {
        let message = format!(
            "pika refuses `{}`: the worker connects, the emitter does not",
            masked(url)
        );
        found.push(placed(
            Finding::error("broker-scheme", message).help("write `amqp://`, which both read"),
        ));
    } else if !same_broker(url, worker) {
        let message = format!(
            "the emitter connects to `{}`, the worker elsewhere",
            masked(url)
        );
        found.push(placed(
            Finding::error("broker-urls-differ", message)
                .help("events and workers need one broker: `BROKER_URL = CELERY_BROKER_URL`, and no variable that sets one of them alone"),
        ));
    }
}

/// What the emitter reads of Django's settings.
pub(super) fn emitter_settings(case: &Case<'_>, found: &mut Vec<Finding>) {
    let library = &case.patient.contract.library;
    let installed = case.app.versions.contains_key(library);
    let Some(Django {
        broker_url,
        service_name,
    }) = &case.app.django
    else {
        return;
    };
    let text = |value: &Option<serde_json::Value>| {
        value.as_ref().is_some_and(serde_json::Value::is_string)
    };
    for (name, there) in [
        ("BROKER_URL", text(broker_url)),
        ("SERVICE_NAME", text(service_name)),
    ] {
        if installed && !there {
            found.push(
                Finding::error(
                    "emitter-setting-missing",
                    format!("every emit fails: the settings have no `{name}`"),
                )
                .help(format!("{library} reads it: `scaffold-events init`")),
            );
        }
    }
}

/// The emitter of 2016 and the client it runs on.
pub(super) fn pika(case: &Case<'_>, found: &mut Vec<Finding>) {
    let versions = &case.app.versions;
    let (Some(pika), true) = (versions.get("pika"), versions.contains_key("zc_common")) else {
        return;
    };
    let first = Version::release(PIKA_TOO_NEW);
    if Version::parse(pika).is_some_and(|version| version >= first) {
        found.push(
            Finding::warning(
                "pika-too-new",
                format!(
                    "with pika {pika} the emitter sends an event, then raises `EmitEventException`"
                ),
            )
            .help(PIN_PIKA),
        );
    }
}

/// Whether a URL's host, port and vhost are those that kombu reads.
fn same_broker(url: &str, worker: &Broker) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    let or = |text: &str, default: &str| {
        if text.is_empty() {
            default.to_owned()
        } else {
            text.to_owned()
        }
    };
    let vhost = or(&path.replace("%2F", "/").replace("%2f", "/"), "/");
    or(host, "localhost") == *worker.1.as_deref().unwrap_or("localhost")
        && port.parse().unwrap_or(5672) == worker.2.unwrap_or(5672)
        && vhost == worker.3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broker_has_many_spellings() {
        let worker = |host: Option<&str>, port, vhost: &str| {
            Broker("amqp".into(), host.map(str::to_owned), port, vhost.into())
        };
        let local = worker(Some("localhost"), Some(5672), "/");
        for url in [
            "amqp://",
            "amqp://localhost/%2F",
            "amqp://u:p@localhost:5672",
            "amqp://localhost/?heartbeat=3",
        ] {
            assert!(same_broker(url, &local), "{url}");
        }
        for url in ["amqp://h/", "amqp://localhost:1/", "amqp://localhost/other"] {
            assert!(!same_broker(url, &local), "{url}");
        }
        assert!(same_broker(
            "amqp://h/%2Fname",
            &worker(Some("h"), None, "/name")
        ));
    }
}
