//! A setting that code puts on the app where we do not look for settings: which value wins is a matter of
//! what runs last.

use super::Context;
use crate::celery::Setting;
use crate::draft::Draft;
use crate::edit::Span;
use crate::facts::conf::Write;
use crate::facts::settings::Site;
use crate::finding::Finding;

/// Refuses where a setting that the wiring needs is set on `app.conf` in such a place.
pub fn refuse(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    for setting in NEEDED {
        let mut writes = context.facts.conf_writes.iter();
        let sites = context.settings.find(setting)?;
        let unseen = |write: &&Write| {
            write.setting == setting && !sites.iter().any(|site| holds(site, write))
        };
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

fn holds(site: &Site, write: &Write) -> bool {
    let additions = site.additions.iter().map(|added| added.top);
    let mut tops = additions.chain([site.top]);
    let inside = |top: Span, span: Span| top.start <= span.start && span.end <= top.end;
    site.file == write.place.path
        && tops.any(|top| write.place.span.is_none_or(|it| inside(top, it)))
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
