//! Settings that are written and that Celery does not read: spelled in another dialect, or second to one
//! that wins. Findings only.

use super::{Context, default_queue};
use crate::celery::{Dialect, Setting};
use crate::draft::Draft;
use crate::facts::settings::Site;
use crate::finding::{Finding, Level};
use crate::python::syntax::Expr;

/// Names each such binding, and how what it holds gets to where it is read.
pub fn report(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    for setting in [
        Setting::TaskQueues,
        Setting::TaskRoutes,
        Setting::TaskDefaultQueue,
    ] {
        let Some((name, why)) = dead(context, setting)? else {
            continue;
        };
        let sites = context.settings.named(std::slice::from_ref(&name))?;
        let Some(site) = sites.first() else {
            continue;
        };
        let finding = unread(&name, &why, site);
        let depends = matches!(context.settings.dialect, Dialect::Namespaced(_))
            && context.facts.pins.celery().is_none();
        if depends && context.settings.find(setting)?.is_empty() {
            return Err(Finding {
                level: Level::Refusal,
                label: Some("Celery 5.7 reads it, older ones do not".to_owned()),
                ..finding
            }
            .help("pin celery in requirements.txt, so that we know which names it reads"));
        }
        draft
            .findings
            .push(mended(context, setting, &name, site, finding)?);
    }
    if let Some(site) = broker(context)? {
        draft.findings.push(
            unread(WORKER_URL, PLAIN, &site)
                .label("the worker connects to amqp://localhost, the emitter to nothing")
                .help(format!(
                    "add `BROKER_URL = {WORKER_URL}` below it: the worker and the emitter both read that"
                )),
        );
    }
    Ok(())
}

/// Whether this is the finding that Celery reads no broker, though one is written.
pub fn is_of_broker(finding: &Finding) -> bool {
    finding.code == NOT_READ && finding.message.starts_with(&format!("`{WORKER_URL}`"))
}

/// `CELERY_BROKER_URL` where Celery reads `BROKER_URL`, and nothing binds that.
pub fn broker(context: &Context<'_>) -> Result<Option<Site>, Finding> {
    let settings = &context.settings;
    let plain = settings.dialect == Dialect::Old && context.facts.django();
    if !plain
        || !settings.find(Setting::BrokerUrl)?.is_empty()
        || !settings.named(&["BROKER_URL".to_owned()])?.is_empty()
    {
        return Ok(None);
    }
    let sites = settings.named(&[WORKER_URL.to_owned()])?;
    Ok(sites.into_iter().next())
}

const NOT_READ: &str = "setting-not-read";
const WORKER_URL: &str = "CELERY_BROKER_URL";
const PLAIN: &str = "without a namespace, Celery does not read this name";

/// The name of a setting that has no effect here, if it is bound, and why.
fn dead(context: &Context<'_>, setting: Setting) -> Result<Option<(String, String)>, Finding> {
    let settings = &context.settings;
    let (name, why) = match &settings.dialect {
        Dialect::Namespaced(_) => (
            setting.old().to_owned(),
            "under a namespace, Celery before 5.7 does not read this name".to_owned(),
        ),
        Dialect::Old if context.facts.django() => (
            format!("CELERY_{}", setting.lower().to_ascii_uppercase()),
            PLAIN.to_owned(),
        ),
        Dialect::Old | Dialect::Lower => return Ok(None),
    };
    if !settings.spellings(setting).contains(&name) {
        return Ok(Some((name, why)));
    }
    // Celery 5.7 reads both spellings, and the namespaced one wins.
    let winner = settings.dialect.spell(setting);
    let beaten = winner != name && !settings.named(std::slice::from_ref(&winner))?.is_empty();
    Ok(beaten.then(|| (name, format!("`{winner}` is set too, and wins"))))
}

fn unread(name: &str, why: &str, site: &Site) -> Finding {
    Finding::warning(NOT_READ, format!("`{name}`: {why}"))
        .at(&site.file, site.stmt)
        .label("has no effect today")
}

/// What to do with what it holds; a rename would bind one name twice, or move tasks to a queue that no
/// worker consumes.
fn mended(
    context: &Context<'_>,
    setting: Setting,
    name: &str,
    site: &Site,
    finding: Finding,
) -> Result<Finding, Finding> {
    let live = context.settings.dialect.spell(setting);
    let there = if context.settings.find(setting)?.is_empty() {
        "that `init` writes"
    } else {
        "that is read"
    };
    Ok(match setting {
        Setting::TaskDefaultQueue => {
            let queues = context.settings.dialect.spell(Setting::TaskQueues);
            let today = default_queue::name_today(context)?.unwrap_or_else(|| "celery".to_owned());
            let text = site.value.as_ref().and_then(Expr::string);
            let wanted = text.unwrap_or_else(|| "…".to_owned());
            finding
                .help(format!(
                    "delete it: ordinary tasks go to the queue `{today}` today, and stay there"
                ))
                .help(format!(
                    "or set `{live} = '{wanted}'` in its place and, in the same deploy, add \
                     `Queue('{wanted}', Exchange('{wanted}'), routing_key='{wanted}')` to `{queues}`; \
                     keep `{today}` there until that queue is empty"
                ))
        }
        Setting::TaskRoutes => finding.help(format!(
            "move its entries into the `{live}` {there}, once a worker consumes the queues that they \
             name; then delete `{name}`"
        )),
        _ => finding.help(format!(
            "move the queues that only it has into the `{live}` {there}; then delete `{name}`"
        )),
    })
}
