//! What must be so of a loaded app, worst first. Pure: from facts to findings.

mod broker;
mod delivery;
mod listener;

use super::judge::Case;
use crate::finding::Finding;

/// Looks for one kind of trouble.
pub(super) type Check = fn(&Case<'_>, &mut Vec<Finding>);

/// Every check, in the order of the report.
pub(super) const CHECKS: [Check; 12] = [
    delivery::ordinary_tasks,
    delivery::unread_names,
    delivery::overridden_routes,
    delivery::events_queue,
    delivery::event_route,
    listener::registered_once,
    listener::undefined_names,
    listener::unsafe_dispatch,
    broker::accepted_content,
    broker::two_readers,
    broker::emitter_settings,
    broker::pika,
];
