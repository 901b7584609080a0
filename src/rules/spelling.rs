//! Settings of the service's own in another spelling than Celery reads here. Findings only.

use std::collections::BTreeSet;

use super::Context;
use crate::celery::{self, Dialect, Setting};
use crate::draft::Draft;
use crate::facts::settings::Site;
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
    let words = words(context);
    let (mut stale, mut is_mixed) = (Vec::new(), false);
    for (old, new) in celery::names() {
        let is_new = words.contains(new) && !beside(context, new)?.is_empty();
        is_mixed |= is_new;
        if !is_new && words.contains(old) && is_celerys_alone(old) {
            let found = beside(context, old)?.into_iter();
            let new = || new.to_owned();
            stale.extend(found.map(|site| Stale {
                old,
                new: new(),
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
    let spellings = context.settings.spellings(queues);
    if spellings.iter().any(|name| name == queues.old()) {
        return Ok(None); // Celery 5.7 reads both
    }
    let words = words(context);
    let mut stale = Vec::new();
    for (old, new) in celery::names() {
        let new = format!("{prefix}{}", new.to_ascii_uppercase());
        let theirs = is_celerys_alone(old) && !OURS.iter().any(|setting| setting.old() == old);
        if theirs && new != old && words.contains(old) {
            let found = sites(context, old)?.into_iter();
            let new = || new.clone();
            stale.extend(found.map(|site| Stale {
                old,
                new: new(),
                site,
            }));
        }
    }
    let message =
        "under a namespace, Celery before 5.7 does not read these names; they are yours, and stay";
    let finding = Finding::note("other-settings-not-read", message);
    Ok((!stale.is_empty()).then(|| renamed(finding, &stale)))
}

/// What other rules speak of.
const OURS: [Setting; 4] = [
    Setting::TaskQueues,
    Setting::TaskRoutes,
    Setting::TaskDefaultQueue,
    Setting::BrokerUrl,
];

/// `S3_BUCKET` is a setting of some Celery versions, and many another thing.
fn is_celerys_alone(old: &str) -> bool {
    old.starts_with("CELERY") || old.starts_with("BROKER_")
}

/// A variable beside `app.conf.update(…)` is no setting.
fn beside(context: &Context<'_>, name: &str) -> Result<Vec<Site>, Finding> {
    context.settings.bound(&[name.to_owned()])
}

fn sites(context: &Context<'_>, name: &str) -> Result<Vec<Site>, Finding> {
    context.settings.named(&[name.to_owned()])
}

/// Every word of the settings files: most names are in none, and need not be looked for.
fn words(context: &Context<'_>) -> BTreeSet<String> {
    let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let files = context.settings.chain().into_iter();
    let texts = files.filter_map(|file| context.tree.bytes(&file));
    let mut words = BTreeSet::new();
    for text in texts {
        let found = text.split(|byte| !is_in_word(byte));
        words.extend(found.map(|word| String::from_utf8_lossy(word).into_owned()));
    }
    words
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
