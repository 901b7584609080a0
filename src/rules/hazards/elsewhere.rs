//! Hazards in files that are not ours to edit: worker commands, deployment files, this machine's settings.

use crate::celery::Setting;
use crate::draft::Draft;
use crate::finding::Finding;
use crate::rules::Context;
use crate::rules::names::SERVICE_NAME;

/// Workers that name their queues and leave out the events queue.
pub(super) fn workers(context: &Context<'_>, draft: &mut Draft) {
    let queue = format!("{}{}", context.name, context.contract.queue_suffix);
    let lists = context
        .facts
        .deployment
        .workers
        .iter()
        .filter_map(|(place, worker)| Some((place, worker.queues.as_ref()?)));
    let lists: Vec<_> = lists.collect();
    if lists.iter().any(|(_, queues)| queues.contains(&queue)) {
        return;
    }
    for (place, queues) in lists {
        let filled_in = |queue: &String| queue.contains(['$', '{', '%']);
        let finding = if queues.is_empty() || queues.iter().any(filled_in) {
            Finding::warning(
                "worker-leaves-out-events",
                "which queues this worker consumes is filled in elsewhere",
            )
            .help(format!("see that `{queue}` is among them for one worker"))
        } else {
            let only = format!("this worker consumes {} only", listed(queues));
            Finding::warning("worker-leaves-out-events", only)
                .label("the events queue is never consumed here")
                .help(format!(
                    "add it for one worker: `-Q {},{queue}`",
                    queues.join(",")
                ))
        };
        draft.findings.push(finding.place(place));
    }
}

/// AMQP URLs of the old form in files that are not ours to edit.
pub(super) fn old_urls(context: &Context<'_>, draft: &mut Draft) {
    let deployment = &context.facts.deployment;
    for place in &deployment.old_urls {
        let (message, help) = if deployment.env_local.contains(&place.path) {
            (
                "this machine's own env file still has a broker URL that ends in `//`",
                "end it in `/%2F`: with `//` every emit fails here",
            )
        } else {
            (
                "a broker URL that ends in `//`: the worker connects, the emitter does not",
                "end it in `/%2F`; this file is yours to edit",
            )
        };
        let finding = Finding::warning("url-old-vhost", message).help(help);
        draft.findings.push(finding.place(place));
    }
}

/// A settings file of this machine alone, which the service's settings import last.
pub(super) fn local_settings(context: &Context<'_>, draft: &mut Draft) {
    let mut names: Vec<String> = [Setting::TaskQueues, Setting::TaskRoutes, Setting::Imports]
        .into_iter()
        .flat_map(|setting| context.settings.spellings(setting))
        .collect();
    names.push(SERVICE_NAME.to_owned());
    for file in context.settings.ignored_imports() {
        for name in &names {
            for site in context
                .settings
                .in_file(&file, std::slice::from_ref(name))
                .unwrap_or_default()
            {
                draft.findings.push(
                    Finding::warning(
                        "setting-overridden-here",
                        format!(
                            "on this machine `{name}` is bound again, in a file that git ignores"
                        ),
                    )
                    .at(&file, site.stmt)
                    .help("take it out, or no event arrives on this machine"),
                );
            }
        }
    }
}

fn listed(queues: &[String]) -> String {
    queues
        .iter()
        .map(|queue| format!("`{queue}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Settings taken over from outside the service, which ours may hide.
pub(super) fn outside(context: &Context<'_>, draft: &mut Draft) {
    let settings = &context.settings;
    let written = [Setting::TaskQueues, Setting::TaskRoutes, Setting::Imports];
    let absent = written
        .into_iter()
        .filter(|setting| settings.find(*setting).is_ok_and(|sites| sites.is_empty()))
        .map(|setting| format!("`{}`", settings.dialect.spell(setting)));
    let absent = absent.collect::<Vec<_>>().join(", ");
    if absent.is_empty() {
        return;
    }
    for outside in settings.outside() {
        let message = format!(
            "{} is outside the service: what it binds of {absent} is hidden by what we write",
            outside.name
        );
        draft.findings.push(
            Finding::warning("settings-from-outside", message)
                .at(&outside.file, outside.span)
                .help("where it binds one of them, add what it holds to ours"),
        );
    }
}
