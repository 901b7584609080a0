//! What would make a wired service fail all the same, and no edit of ours can mend. Findings only.

mod elsewhere;
mod router;

use super::element::{held, outside_errors};
use super::{Context, Rule, conditions, default_queue, unread};
use crate::celery::Setting;
use crate::draft::Draft;
use crate::facts::pins::Version;
use crate::facts::service::is_own;
use crate::facts::settings::Site;
use crate::finding::Finding;
use crate::python::syntax::{Expr, ExprKind};
use elsewhere::{local_settings, old_urls, outside, workers};
use router::router_without_library;

/// The first release of pika with which the emitter of 2016 raises.
pub const PIKA_TOO_NEW: &str = "1.0.0b2";

/// What to do about it.
pub const PIN_PIKA: &str =
    "pin pika below 1: `pika==0.10.0` up to Python 3.6, `pika==0.13.1` up to 3.9";

/// Looks for each hazard; a refusal where wiring would break what runs today.
pub fn report(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    for check in CHECKS {
        if let Err(refusal) = check(context, draft)
            && !draft.findings.contains(&refusal)
        {
            draft.findings.push(refusal);
        }
    }
    shadowed_tasks(context, draft);
    workers(context, draft);
    old_urls(context, draft);
    local_settings(context, draft);
    router_without_library(context, draft);
    outside(context, draft);
    pins(context, draft);
    Ok(())
}

/// What may refuse, each asked whatever the others say.
const CHECKS: [Rule; 6] = [
    queue_arguments,
    unread::report,
    conditions::report,
    accepted_content,
    default_queue_unconsumed,
    broker_in_parts,
];

/// Settings that put arguments on every queue: the emitter declares the events queue with its own alone.
///
/// An argument that the events queue names itself is not touched by them.
fn queue_arguments(context: &Context<'_>, _: &mut Draft) -> Result<(), Finding> {
    for (setting, argument) in [
        (Setting::TaskQueueMaxPriority, "x-max-priority"),
        (Setting::TaskQueueHaPolicy, "x-ha-policy"),
    ] {
        let mut own = context.contract.queue_arguments.keys();
        if own.any(|name| name.0 == argument) {
            continue;
        }
        let mut sites = context.settings.find(setting)?;
        sites.extend(
            context
                .settings
                .named(&[setting.old().to_owned()])
                .unwrap_or_default(),
        );
        let set = sites.iter().find(|site| {
            !matches!(
                site.value.as_ref().map(|value| &value.kind),
                Some(ExprKind::None)
            )
        });
        if let Some(site) = set {
            return Err(Finding::refusal("queue-arguments", "this setting puts an argument on every queue, the events queue too")
                .at(&site.file, site.stmt)
                .label(format!("the emitter declares the events queue without `{argument}`: 406 PRECONDITION_FAILED"))
                .help("give the argument to the queues that need it: `Queue(…, queue_arguments={…})`, then run again"));
        }
    }
    Ok(())
}

/// Events are JSON.
fn accepted_content(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let sites = context.settings.find(Setting::AcceptContent)?;
    for site in &sites {
        let elements = held(site);
        let known: Option<Vec<String>> = elements.iter().map(|element| element.string()).collect();
        let takes_json = |known: &Vec<String>| {
            known
                .iter()
                .any(|kind| kind == "json" || kind == "application/json")
        };
        if known.is_some_and(|known| !known.is_empty() && !takes_json(&known)) {
            draft.findings.push(
                Finding::error(
                    "accept-content-without-json",
                    "this worker refuses JSON, and every event is JSON",
                )
                .at(&site.file, site.stmt)
                .help("add 'json' to it"),
            );
        }
    }
    unpickled(context, draft, &sites);
    Ok(())
}

/// A pickle runs code as it is read.
fn unpickled(context: &Context<'_>, draft: &mut Draft, accepted: &[Site]) {
    let code = "pickle-accepted";
    if accepted.is_empty() && context.facts.celery_major() == Some(3) {
        let message =
            "Celery 3 unpickles what it receives: whoever can send an event can run code here";
        draft.findings.push(
            Finding::warning(code, message)
                .in_file(context.settings.home.file())
                .help(format!(
                    "add `{}` once no task is sent pickled",
                    context.line(Setting::AcceptContent, "['json']")
                )),
        );
    }
    for site in accepted {
        let is_pickle = |kind: String| kind == "pickle" || kind == "application/x-python-serialize";
        let elements = held(site);
        let Some(pickle) = elements
            .iter()
            .find(|it| it.string().is_some_and(is_pickle))
        else {
            continue;
        };
        let message =
            "this worker unpickles what it receives: whoever can send an event can run code here";
        draft.findings.push(
            Finding::warning(code, message)
                .at(&site.file, pickle.span)
                .help("take it out once no task is sent pickled"),
        );
    }
}

/// Queues are named, and the one that ordinary tasks go to is not among them.
fn default_queue_unconsumed(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let default = default_queue::name_today(context)?;
    let sites = context.settings.find(Setting::TaskQueues)?;
    if sites
        .iter()
        .any(|site| outside_errors(site, site.top).is_err())
    {
        return Ok(());
    }
    let names: Option<Vec<String>> = sites
        .iter()
        .map(|site| queue_names(context, site))
        .collect::<Option<Vec<_>>>()
        .map(|all| all.concat());
    let ours = format!("{}{}", context.name, context.contract.queue_suffix);
    let (Some(site), Some(names), Some(default)) = (sites.first(), names, default) else {
        return Ok(());
    };
    let others = names.iter().any(|name| *name != ours);
    if others && !names.contains(&default) && !context.routed_by_router() {
        let mapping = site
            .value
            .as_ref()
            .filter(|value| matches!(value.kind, ExprKind::Dict(_)));
        let entry = match mapping {
            Some(_) => format!("'{default}': {{…}}"),
            None => format!("Queue('{default}', …)"),
        };
        draft.findings.push(
            Finding::error(
                "default-queue-unconsumed",
                format!("ordinary tasks go to the queue `{default}`, which is not among these"),
            )
            .at(&site.file, site.stmt)
            .label("a worker consumes the queues named here, and no other")
            .help(format!(
                "add `{entry}` here, or set the default queue to one of these"
            )),
        );
    }
    Ok(())
}

/// The names of all queues, if every one is a constant.
fn queue_names(context: &Context<'_>, site: &Site) -> Option<Vec<String>> {
    let complete = site
        .value
        .as_ref()
        .is_some_and(|value| matches!(value.kind, ExprKind::Sequence(..) | ExprKind::Dict(_)));
    if !complete || site.varies || site.additions.iter().any(|added| !added.element) {
        return None;
    }
    let constant = |name: &str| match name {
        super::names::SERVICE_NAME => Some(context.name.clone()),
        name => context.settings.constant(name),
    };
    let text = |expr: &Expr| crate::python::constant::text(expr, &constant);
    let mut names = Vec::new();
    for element in held(site) {
        match &element.kind {
            ExprKind::Dict(items) => {
                for (key, _) in items {
                    names.push(text(key.as_ref()?)?);
                }
            }
            ExprKind::Call { args, keywords, .. } => {
                let keyword = keywords
                    .iter()
                    .find(|keyword| keyword.name.as_deref() == Some("name"));
                names.push(text(
                    args.first().or(keyword.map(|keyword| &keyword.value))?,
                )?);
            }
            _ => return None,
        }
    }
    Some(names)
}

/// `BROKER_HOST` and its like: the worker connects, the emitter has no URL to read.
fn broker_in_parts(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    if !context.facts.django()
        || !context
            .settings
            .named(&["BROKER_URL".to_owned()])?
            .is_empty()
    {
        return Ok(());
    }
    if let Some(site) = context.settings.named(&["BROKER_HOST".to_owned()])?.first() {
        draft.findings.push(
            Finding::error(
                "broker-in-parts",
                "the broker is given in parts: the emitter reads `BROKER_URL` only",
            )
            .at(&site.file, site.stmt)
            .help(
                "replace the parts by one line: BROKER_URL = 'amqp://USER:PASSWORD@HOST:5672/%2F'",
            ),
        );
    }
    Ok(())
}

/// Python imports the package `tasks/`, and never the module `tasks.py` beside it.
fn shadowed_tasks(context: &Context<'_>, draft: &mut Draft) {
    let files = context.tree.walk();
    for module in files.iter().filter(|path| path.file_name() == "tasks.py") {
        let package = module
            .parent()
            .unwrap_or_default()
            .join("tasks/__init__.py");
        if !files.contains(&package) || !is_own(context.tree, module) {
            continue;
        }
        let message =
            format!("the package beside it hides {module}: none of its tasks is known to a worker");
        draft.findings.push(
            Finding::error("tasks-shadowed", message)
                .in_file(module)
                .in_file(&package)
                .help("move its tasks into the package, or rename one of the two"),
        );
    }
}

/// Requirements that do not go with the contract's emitter.
fn pins(context: &Context<'_>, draft: &mut Draft) {
    let contract = context.contract;
    let pins = &context.facts.pins;
    if let Some(pin) = pins
        .may_reach("pika", &Version::release(PIKA_TOO_NEW))
        .filter(|_| pins.requires(&contract.library))
    {
        draft.findings.push(
            Finding::warning(
                "pika-too-new",
                format!(
                    "with pika 1 or newer the emitter of {} sends an event, then raises",
                    contract.library
                ),
            )
            .label("EmitEventException after every event")
            .help(PIN_PIKA)
            .place(&pin.place),
        );
    }
    if !pins.requires(&contract.library) && contract.listener_needs_library {
        draft.findings.push(
            Finding::refusal(
                "library-required",
                format!(
                    "by this contract the listener imports {}, and nothing asks for it here",
                    contract.library
                ),
            )
            .help(super::route_choice::library_line(context)),
        );
    } else if !pins.requires(&contract.library) && !is_told(draft, "router-without-library") {
        draft.findings.push(
            Finding::note(
                "library-not-required",
                format!(
                    "receiving needs no library; to emit events this service needs {}",
                    contract.library
                ),
            )
            .help(super::route_choice::library_line(context)),
        );
    }
}

fn is_told(draft: &Draft, code: &str) -> bool {
    draft.findings.iter().any(|finding| finding.code == code)
}
