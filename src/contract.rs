//! A contract: one version of the wiring, as data. Reads and validates; decides nothing.

use serde::Deserialize;

use crate::finding::Finding;
use crate::render;

/// One version of the wiring, in Celery's lower-case words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contract {
    /// `line@generation.revision`, as in `zc-common@1.0`.
    pub id: String,
    /// The package that carries emitter and router: `zc_common`.
    pub library: String,
    /// The newest release of it that this contract fits: `0.2.12`.
    pub library_version: String,
    /// The events exchange's name: `microservice-events`.
    pub exchange: String,
    /// Its type: `fanout`.
    pub exchange_type: String,
    /// The variable that holds it in settings: `events_exchange`.
    pub exchange_variable: String,
    /// What follows the service's name in the queue's: `-events`.
    pub queue_suffix: String,
    /// The router's dotted path: `zc_common.events.routers.TaskRouter`.
    pub router: String,
    /// The event's task name: `microservice.event`.
    pub event_task: String,
    /// The handlers module's name: `microservice_events`.
    pub handlers_module: String,
    /// The listener module's name: `microservice_events_listener`.
    pub listener_module: String,
}

/// The contract that a new service gets.
pub const DEFAULT: &str = "zc-common@1";

/// The contract of an id: `zc-common@1.0`, or `zc-common@1` for its newest revision.
pub fn find(id: &str) -> Result<Contract, Finding> {
    let mut matching: Vec<(Vec<u64>, String)> = all()
        .into_iter()
        .filter(|have| {
            have == id
                || have
                    .strip_prefix(id)
                    .is_some_and(|rest| rest.starts_with('.'))
        })
        .map(|have| (numbers(&have), have))
        .collect();
    matching.sort();
    match matching.pop() {
        Some((_, id)) => Ok(load(&id)),
        None => Err(
            Finding::refusal("contract-unknown", format!("there is no contract `{id}`"))
                .help(format!("these are built in: {}", all().join(", "))),
        ),
    }
}

/// The ids of all contracts, sorted.
pub fn all() -> Vec<String> {
    render::contract_folders()
        .into_iter()
        .map(|(line, version)| format!("{line}@{version}"))
        .collect()
}

fn load(id: &str) -> Contract {
    let text =
        render::contract_file(id, "contract.toml").expect("an id of a folder that is embedded");
    let File {
        library,
        exchange,
        queue,
        router,
        event,
        modules,
    } = toml_edit::de::from_str(text).expect("a test reads every embedded contract");
    Contract {
        id: id.to_owned(),
        library: library.name,
        library_version: library.version,
        exchange: exchange.name,
        exchange_type: exchange.r#type,
        exchange_variable: exchange.variable,
        queue_suffix: queue.suffix,
        router: router.path,
        event_task: event.task,
        handlers_module: modules.handlers,
        listener_module: modules.listener,
    }
}

/// `1.10` is newer than `1.9`.
fn numbers(id: &str) -> Vec<u64> {
    let version = id.split_once('@').map_or("", |(_, version)| version);
    version
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    library: Library,
    exchange: Exchange,
    queue: Queue,
    router: Router,
    event: Event,
    modules: Modules,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Library {
    name: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    variable: String,
    name: String,
    r#type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Queue {
    suffix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Router {
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    task: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Modules {
    handlers: String,
    listener: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_contract_loads() {
        for id in all() {
            assert_eq!(find(&id).unwrap().id, id);
        }
    }

    #[test]
    fn a_generation_means_its_newest_revision() {
        assert_eq!(find(DEFAULT).unwrap().id, "zc-common@1.0");
        assert_eq!(find("zc-common@9").unwrap_err().code, "contract-unknown");
    }
}
