//! Whether what is sent arrives: ordinary tasks and events, by the queues and routes that are really there.

use serde_json::Value;

use crate::celery::Setting;
use crate::contract::Contract;
use crate::doctor::answer::{Queue, Sent};
use crate::doctor::judge::Case;
use crate::finding::Finding;

/// Every ordinary task must reach a queue that some worker of the service consumes.
pub(super) fn ordinary_tasks(case: &Case<'_>, found: &mut Vec<Finding>) {
    let routes = || case.app.routes.iter();
    let raising = routes().find_map(|(task, sent)| Some((task, sent.error()?)));
    if let Some((task, why)) = raising {
        found.push(
            Finding::error(
                "task-not-sendable",
                format!("`{task}` cannot be sent: {why}"),
            )
            .help("without it no `.delay()` works: mend the routes, or what they need"),
        );
    }
    let unreached = routes().filter(|(_, sent)| sent.error().is_none() && !reaches(case, sent));
    let (parked, lost): (Vec<_>, Vec<_>) = unreached.partition(|(_, sent)| is_parked(case, sent));
    if let Some((_, sent)) = lost.first() {
        let tasks = listed(lost.iter().map(|(task, _)| task.as_str()));
        let message = format!("no queue of this service takes what {tasks} sends: it is lost");
        let finding = Finding::error("ordinary-task-lost", message).help(format!(
            "it goes to exchange `{}` with routing key `{}`: bind a queue to them",
            sent.0, sent.1
        ));
        found.push(case.at_binding(Setting::TaskQueues, finding));
    }
    if let Some((_, sent)) = parked.first() {
        let tasks = listed(parked.iter().map(|(task, _)| task.as_str()));
        let message = format!(
            "{tasks} waits in the queue `{}`, which no worker that we see consumes",
            sent.1
        );
        found.push(
            Finding::warning("ordinary-task-waits", message)
                .help(format!("start a worker for it: `-Q {}`", sent.1)),
        );
    }
}

/// Whether this waits in a queue that was made for it, and is not the one that all tasks share.
fn is_parked(case: &Case<'_>, sent: &Sent) -> bool {
    let Sent(exchange, key) = sent;
    (exchange.is_empty() || exchange == key) && case.app.default_queue.as_ref() != Some(key)
}

/// Settings under names that this app does not read.
pub(super) fn unread_names(case: &Case<'_>, found: &mut Vec<Finding>) {
    let emitters = |name: &str| name == "BROKER_URL" && case.app.django.is_some();
    for (name, setting) in case.app.unread.iter().filter(|(name, _)| !emitters(name)) {
        let known = Setting::ALL
            .into_iter()
            .find(|known| known.lower() == setting);
        let mut finding = Finding::error(
            "names-not-read",
            format!("Celery does not read `{name}` in this service"),
        );
        if let Some(place) = case.patient.binding(name) {
            finding = finding.place(&place);
        }
        if let Some(spelled) = known.and_then(|known| case.patient.spelled(known)) {
            let help = if spelled == *name {
                "another file, or the environment, sets it after this".to_owned()
            } else {
                format!("write `{spelled}`")
            };
            finding = finding.help(help);
        }
        found.push(finding);
    }
}

/// A router in front must not take a task off the queue that the service gave it.
pub(super) fn overridden_routes(case: &Case<'_>, found: &mut Vec<Finding>) {
    let of_tasks = case.app.asked.iter().filter(|(task, queue)| {
        let sent = case.app.routes.get(*task);
        sent.is_some_and(|sent| sent.error().is_none() && !goes_to(case, sent, queue))
    });
    let of_tasks: Vec<&str> = of_tasks.map(|(task, _)| task.as_str()).collect();
    if !of_tasks.is_empty() {
        found.push(
            Finding::error(
                "queue-overridden",
                format!("{} names its own queue, and is sent elsewhere", listed(of_tasks.into_iter())),
            )
            .help("a router that answers for every task beats `queue=`: route the event alone, `scaffold-events init --route event-only`"),
        );
    }
    let behind = case.app.answers.iter().filter(|(_, answers)| {
        let first = answers.first();
        first.is_some_and(|first| answers.iter().any(|other| other.says != first.says))
            && first.is_some_and(|first| first.router != "dict")
    });
    let behind: Vec<(&String, &str)> = behind
        .filter_map(|(task, answers)| Some((task, answers.first()?.router.as_str())))
        .collect();
    let Some((_, router)) = behind.first() else {
        return;
    };
    let finding = Finding::error(
        "route-overridden",
        format!(
            "`{router}` answers before the route of {}",
            listed(behind.iter().map(|(task, _)| task.as_str()))
        ),
    )
    .help("put it last in the routes: the first answer counts");
    found.push(case.at_binding(Setting::TaskRoutes, finding));
}

/// The events queue is consumed, bound to the events exchange, and declared as the emitter declares it.
pub(super) fn events_queue(case: &Case<'_>, found: &mut Vec<Finding>) {
    let contract = &case.patient.contract;
    let place = case.patient.setting(Setting::TaskQueues);
    let placed = |finding: Finding| match &place {
        Some(place) => finding.place(place),
        None => finding,
    };
    let Some(name) = &case.queue else {
        found.push(
            Finding::error(
                "service-name-unknown",
                "nothing tells the service's name on the bus",
            )
            .help("set `SERVICE_NAME`, or say it: `scaffold-events init --name NAME`"),
        );
        return;
    };
    let Some(queue) = case.app.consumed.get(name) else {
        let consumed = listed(case.app.consumed.keys().map(String::as_str));
        let message = format!("no event arrives: a worker consumes {consumed}, not `{name}`");
        found.push(placed(
            Finding::error("events-queue-missing", message)
                .help("wire the service: `scaffold-events init`, or name the settings it runs with: `--env-file`"),
        ));
        return;
    };
    if !is_events_exchange(contract, &queue.exchange) || queue.kind != contract.exchange_type {
        let message = format!(
            "`{name}` is bound to the {} exchange `{}`, not to the {} exchange `{}`",
            queue.kind, queue.exchange, contract.exchange_type, contract.exchange
        );
        found.push(placed(
            Finding::error("events-queue-misbound", message).help(format!(
                "bind it to `Exchange('{}', type='{}')`",
                contract.exchange, contract.exchange_type
            )),
        ));
    }
    let wanted = &contract.queue_arguments;
    let is_wanted = |(name, value): (&String, &Value)| {
        let literal = wanted.iter().find(|(known, _)| known.0 == *name);
        literal.is_some_and(|(_, literal)| literal.is(value))
    };
    if queue.arguments.len() != wanted.len() || !queue.arguments.iter().all(is_wanted) {
        let given = serde_json::to_string(&queue.arguments).unwrap_or_default();
        let message = format!(
            "`{name}` is declared with the arguments {given}, not as the emitter declares it"
        );
        found.push(placed(
            Finding::error("events-queue-arguments", message)
                .help("RabbitMQ answers 406 PRECONDITION_FAILED to whoever comes second: give it the contract's arguments, `scaffold-events init`"),
        ));
    }
}

/// Whether this is the contract's exchange; where a setting holds its name, with what a stage adds to it.
fn is_events_exchange(contract: &Contract, name: &str) -> bool {
    match &contract.exchange_setting {
        Some(_) => name.starts_with(&contract.exchange),
        None => name == contract.exchange,
    }
}

/// An event that Celery itself publishes must be broadcast.
pub(super) fn event_route(case: &Case<'_>, found: &mut Vec<Finding>) {
    let contract = &case.patient.contract;
    let Some(sent) = &case.app.event.route else {
        return;
    };
    let message = match sent.error() {
        Some(why) => format!("`{}` cannot be sent: {why}", contract.event_task),
        None if is_events_exchange(contract, &sent.0) => return,
        None => format!(
            "`{}` sent by Celery goes to exchange `{}`, key `{}`: no other service gets it",
            contract.event_task, sent.0, sent.1
        ),
    };
    found.push(
        Finding::error("event-not-broadcast", message)
            .help("route it to the events exchange: `scaffold-events init`"),
    );
}

/// Whether a queue that is consumed, by the settings or a worker's `-Q`, takes this.
fn reaches(case: &Case<'_>, sent: &Sent) -> bool {
    let Sent(exchange, key) = sent;
    let by_settings = case.app.consumed.iter().any(|(name, queue)| {
        exchange.is_empty() && name == key || queue.exchange == *exchange && takes(queue, key)
    });
    // A queue that only `-Q` names is made with an exchange of its name (3.1), or none.
    let workers = case.patient.facts.deployment.workers.iter();
    let mut named = workers
        .filter_map(|(_, worker)| worker.queues.as_ref())
        .flatten();
    by_settings || named.any(|name| name == key && (exchange.is_empty() || exchange == name))
}

fn takes(queue: &Queue, key: &str) -> bool {
    match queue.kind.as_str() {
        "fanout" | "headers" => true,
        "topic" => {
            let (pattern, key): (Vec<&str>, Vec<&str>) =
                (queue.key.split('.').collect(), key.split('.').collect());
            matches_topic(&pattern, &key)
        }
        _ => queue.key == key,
    }
}

/// AMQP's topic patterns: `*` is one word, `#` any number of them.
fn matches_topic(pattern: &[&str], key: &[&str]) -> bool {
    match (pattern.split_first(), key.split_first()) {
        (None, None) => true,
        (Some((&"#", rest)), _) => {
            matches_topic(rest, key) || !key.is_empty() && matches_topic(pattern, &key[1..])
        }
        (Some((word, rest)), Some((first, others))) => {
            (*word == "*" || word == first) && matches_topic(rest, others)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Whether this is sent to the queue of this name.
fn goes_to(case: &Case<'_>, sent: &Sent, name: &str) -> bool {
    let Sent(exchange, key) = sent;
    match case.app.consumed.get(name) {
        Some(queue) => {
            exchange.is_empty() && key == name || queue.exchange == *exchange && takes(queue, key)
        }
        None => key == name,
    }
}

/// Names in code, the first few of many: "`a`, `b` and 7 more".
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.get(MOST..).map_or(0, <[String]>::len) {
        0 if names.is_empty() => "nothing".to_owned(),
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..MOST].join(", ")),
    }
}

const MOST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_match_by_word() {
        let matches = |pattern: &str, key: &str| {
            let (pattern, key): (Vec<&str>, Vec<&str>) =
                (pattern.split('.').collect(), key.split('.').collect());
            matches_topic(&pattern, &key)
        };
        assert!(matches("a.#", "a") && matches("a.#", "a.b.c") && matches("#", "x.y"));
        assert!(matches("a.*", "a.b") && !matches("a.*", "a") && !matches("a.*", "a.b.c"));
        assert!(matches("a.b", "a.b") && !matches("a.b", "a.c"));
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listed(["a", "b"].into_iter()), "`a`, `b`");
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(
            listed(many.into_iter()),
            "`a`, `b`, `c`, `d`, `e` and 2 more"
        );
    }
}
