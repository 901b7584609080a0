//! Settings of the service's own in another spelling than Celery reads here. Findings only.

use super::Context;
use crate::celery::{self, Dialect, Setting};
use crate::draft::Draft;
use crate::facts::settings::Site;
use crate::facts::text::contains;
use crate::finding::Finding;

/// A setting in the old spelling, and its new name.
struct Stale {
    old: &'static str,
    new: String,
    site: Site,
}

/// Refuses a mixture, and names what a service that was moved to a namespace has left behind.
pub fn report(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    match &context.settings.dialect {
        Dialect::Lower => refuse_mixed(context),
        Dialect::Namespaced(prefix) => {
            draft.findings.extend(left_behind(context, prefix)?);
            Ok(())
        }
        Dialect::Old => Ok(()),
    }
}

/// Without a namespace, Celery 4 and newer reads either spelling, and starts with none where it finds both.
fn refuse_mixed(context: &Context<'_>) -> Result<(), Finding> {
    let (mut stale, mut is_mixed) = (Vec::new(), false);
    for (old, new) in celery::names() {
        let is_new = !sites(context, new)?.is_empty();
        is_mixed |= is_new;
        if !is_new {
            let new = new.to_owned();
            let found = sites(context, old)?.into_iter();
            stale.extend(found.map(|site| Stale {
                old,
                new: new.clone(),
                site,
            }));
        }
    }
    if stale.is_empty() || !is_mixed {
        return Ok(());
    }
    let message =
        "old and new names of settings in one place: Celery 4 and newer does not start with both";
    Err(renamed(Finding::refusal("settings-mixed", message), &stale))
}

/// Old names under a namespace that are no business of ours.
fn left_behind(context: &Context<'_>, prefix: &str) -> Result<Option<Finding>, Finding> {
    let queues = Setting::TaskQueues;
    if context
        .settings
        .spellings(queues)
        .contains(&queues.old().to_owned())
    {
        return Ok(None); // Celery 5.7 reads both
    }
    let ours = [
        queues,
        Setting::TaskRoutes,
        Setting::TaskDefaultQueue,
        Setting::BrokerUrl,
    ];
    let mut stale = Vec::new();
    for (old, new) in celery::names() {
        let new = format!("{prefix}{}", new.to_ascii_uppercase());
        let is_celerys = old.starts_with("CELERY") || old.starts_with("BROKER_");
        if is_celerys && new != old && ours.iter().all(|setting| setting.old() != old) {
            let found = sites(context, old)?.into_iter();
            stale.extend(found.map(|site| Stale {
                old,
                new: new.clone(),
                site,
            }));
        }
    }
    let message =
        "under a namespace, Celery before 5.7 does not read these names; they are yours, and stay";
    let finding = Finding::note("other-settings-not-read", message);
    Ok((!stale.is_empty()).then(|| renamed(finding, &stale)))
}

/// Where a name is bound; the files' bytes are asked first, since most names are in none.
fn sites(context: &Context<'_>, name: &str) -> Result<Vec<Site>, Finding> {
    let files = context.settings.chain();
    let mut texts = files.iter().filter_map(|file| context.tree.bytes(file));
    if texts.any(|text| contains(&text, name)) {
        context.settings.named(&[name.to_owned()])
    } else {
        Ok(Vec::new())
    }
}

fn renamed(finding: Finding, stale: &[Stale]) -> Finding {
    let mut names: Vec<String> = stale
        .iter()
        .map(|Stale { old, new, .. }| format!("`{old}` to `{new}`"))
        .collect();
    names.dedup();
    let mut places: Vec<&Site> = stale.iter().map(|stale| &stale.site).collect();
    places.sort_by_key(|site| (&site.file, site.stmt.start));
    places
        .into_iter()
        .fold(finding, |finding, site| finding.at(&site.file, site.stmt))
        .help(format!("rename {}", names.join(", ")))
}
