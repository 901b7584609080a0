//! One name of a service everywhere: what the settings bind, the queue is called by, and the config has.

use super::Context;
use super::names::SERVICE_NAME;
use crate::draft::Draft;
use crate::finding::Finding;

/// The finding's code, by which a changed name is told from other errors.
pub const CODE: &str = "service-name-differs";

/// Reports a name in the settings that is another than the config's.
pub fn report(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let bound = context.settings.constant_or_default(SERVICE_NAME);
    let (Some(settled), Some(bound)) = (&context.config.name, bound) else {
        return Ok(());
    };
    if *settled == bound {
        return Ok(());
    }
    let suffix = &context.contract.queue_suffix;
    let message = format!(
        "this service is called `{bound}` in its settings and `{settled}` in its config: its queue is \
         `{bound}{suffix}`"
    );
    let mut finding = Finding::error(CODE, message);
    for site in context.settings.named(&[SERVICE_NAME.to_owned()])? {
        finding = finding.at(&site.file, site.stmt);
    }
    draft.findings.push(
        finding
            .help(format!(
                "if it is `{settled}`, write `{SERVICE_NAME} = '{settled}'`"
            ))
            .help(format!(
                "if it is `{bound}`, write `name = \"{bound}\"` in the config"
            ))
            .help(format!(
                "the queue of the old name goes on collecting events: once it is empty, \
                 `rabbitmqctl delete_queue NAME{suffix}`"
            )),
    );
    Ok(())
}

/// The queue that the service's workers consume events from.
pub fn events_queue(context: &Context<'_>) -> String {
    let bound = context.settings.constant_or_default(SERVICE_NAME);
    let name = bound.unwrap_or_else(|| context.name.clone());
    format!("{name}{}", context.contract.queue_suffix)
}
