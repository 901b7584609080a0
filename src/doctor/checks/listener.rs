//! The task that gets every event: there, once, whole, and not at the sender's mercy.

use std::collections::BTreeSet;

use crate::doctor::judge::Case;
use crate::finding::{Finding, Place};

/// The event's task is registered, by one module.
pub(super) fn registered_once(case: &Case<'_>, found: &mut Vec<Finding>) {
    let task = &case.patient.contract.event_task;
    let event = &case.app.event;
    let modules: BTreeSet<&String> = event.defined.iter().collect();
    if event.registered.is_none() {
        found.push(
            Finding::error(
                "listener-missing",
                format!("a worker knows no task `{task}`: it discards every event"),
            )
            .help("add the listener to the imports: `scaffold-events init`"),
        );
    }
    if modules.len() > 1 {
        let names: Vec<String> = modules.iter().map(|name| format!("`{name}`")).collect();
        found.push(
            Finding::error(
                "listener-twice",
                format!("`{task}` is defined by {}", names.join(" and ")),
            )
            .help("keep one: which of them counts depends on Celery's version"),
        );
    }
}

/// A name that is read and not there: `logger` of the seed's listener.
pub(super) fn undefined_names(case: &Case<'_>, found: &mut Vec<Finding>) {
    let Some(listener) = &case.app.event.listener else {
        return;
    };
    let Some(name) = listener.undefined.first() else {
        return;
    };
    let finding = Finding::error(
        "listener-undefined-name",
        format!(
            "the listener reads `{name}`, which its module does not define: every event is lost"
        ),
    )
    .help(match name.as_str() {
        "logger" => "add `logger = logging.getLogger(__name__)` to its module".to_owned(),
        name => format!("define or import `{name}` in its module"),
    });
    found.push(placed(case, finding));
}

/// Whatever the sender names is looked up and called.
pub(super) fn unsafe_dispatch(case: &Case<'_>, found: &mut Vec<Finding>) {
    let Some(listener) = &case.app.event.listener else {
        return;
    };
    let Some(look_up) = listener.dispatch.first() else {
        return;
    };
    let finding = Finding::error(
        "dispatch-unsafe",
        format!("`{look_up}` lets whoever can send an event call all that the module sees"),
    )
    .help("`from os import system` there is a remote shell: take the generated listener, `scaffold-events init --adopt-listener`");
    found.push(placed(case, finding));
}

fn placed(case: &Case<'_>, finding: Finding) -> Finding {
    let place: Option<Place> = (case.app.event.listener.as_ref())
        .and_then(|listener| case.patient.line(&listener.file, listener.line));
    match place {
        Some(place) => finding.place(&place),
        None => finding,
    }
}
