//! A setting that code puts on the app where we do not look for settings: which value wins is a matter of
//! what runs last.

use super::Context;
use crate::celery::Setting;
use crate::draft::Draft;
use crate::facts::conf::Write;
use crate::facts::settings::Home;
use crate::finding::Finding;

/// Refuses where a setting that the wiring needs is set on `app.conf` in such a place.
pub fn refuse(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    for setting in NEEDED {
        let mut writes = context.facts.conf_writes.iter();
        let unseen = |write: &&Write| write.setting == setting && !is_looked_at(context, write);
        if let Some(write) = writes.find(unseen) {
            draft.findings.push(refusal(context, write));
        }
    }
    Ok(())
}

/// What we write, and what the default queue is made from.
const NEEDED: [Setting; 6] = [
    Setting::TaskQueues,
    Setting::TaskRoutes,
    Setting::Imports,
    Setting::TaskDefaultQueue,
    Setting::TaskDefaultExchange,
    Setting::TaskDefaultRoutingKey,
];

/// Whether settings are read from this object in this file: then what is set there is known, dead or live.
fn is_looked_at(context: &Context<'_>, write: &Write) -> bool {
    let home = match &context.settings.home {
        Home::Members { file, object, .. } => Some((file, object)),
        Home::Names(_) | Home::Class(..) | Home::Keys(..) => None,
    };
    let conf = context.settings.conf.iter();
    let mut objects = conf.map(|(file, object)| (file, object)).chain(home);
    objects.any(|(file, object)| *file == write.place.path && *object == write.object)
}

fn refusal(context: &Context<'_>, write: &Write) -> Finding {
    let name = write.setting.lower();
    let home = context.settings.home.file();
    let finding = Finding::refusal(
        "setting-set-elsewhere",
        format!("`{name}` is set on the app apart from the other settings"),
    );
    let finding = match write.place.span {
        Some(span) => finding.at(&write.place.path, span),
        None => finding.in_file(&write.place.path),
    };
    finding
        .label("we cannot tell whether this or what we would write runs last")
        .help(format!("set `{name}` in {home}, then run again"))
}
