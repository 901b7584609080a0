//! A contract: one version of the wiring, as data. Reads and validates; decides nothing.

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
