//! The queue of ordinary tasks: as soon as any queue is named, a worker consumes it only if it is named too.

use super::conditions::is_always_bound;
use super::element::{Element, add, held, outside_errors};
use super::names::{self, Scope};
use super::recognise::value_of;
use super::{Context, quoted};
use crate::celery::{Dialect, Setting};
use crate::draft::{Draft, Rank};
use crate::facts::settings::{Home, Site};
use crate::facts::value::argument;
use crate::finding::Finding;
use crate::python::constant::text;
use crate::python::insert::Item;
use crate::python::style::indent_unit;
use crate::python::syntax::{Expr, ExprKind};

/// Django's name for the queue that the contract's router sends ordinary tasks to.
pub const DEFAULT_QUEUE_NAME: &str = "DEFAULT_QUEUE_NAME";

/// The element that declares the default queue: for the contract's router, or just as Celery does today.
pub fn element(context: &Context<'_>, draft: &mut Draft, scope: &Scope) -> Result<Item, Finding> {
    let (exchange_class, queue_class) = names::kombu(draft, scope);
    let parts = if context.routed_by_router() {
        for_router(context, draft, scope)?
    } else {
        as_today(context, scope)?
    };
    let Parts {
        name,
        exchange,
        kind,
        routing_key,
    } = parts;
    let mut arguments = vec![
        name,
        format!("{exchange_class}({exchange}, type={kind})"),
        format!("routing_key={routing_key}"),
    ];
    if context.quorum {
        let quote = |text: &str| quoted(&scope.module, scope.before, text);
        arguments.push(format!(
            "queue_arguments={{{}: {}}}",
            quote("x-queue-type"),
            quote("quorum")
        ));
    }
    Ok(call(&queue_class, &arguments, &indent_unit(&scope.module)))
}

/// Adds the default queue to queues that are there and lack what ordinary tasks need.
pub fn ensure_beside(
    context: &Context<'_>,
    draft: &mut Draft,
    site: &Site,
    setting: &str,
    mapping: bool,
) -> Result<(), Finding> {
    if context.routed_by_router()
        && held(site)
            .iter()
            .any(|element| bound_for_router(context, site, element))
    {
        return Ok(());
    }
    let scope = Scope::above(context, site);
    let (item, entry) = if mapping {
        (Item::flat(""), Some(entry(context, draft, &scope)?))
    } else {
        (element(context, draft, &scope)?, None)
    };
    let element = Element {
        name: setting,
        item,
        entry,
        is_single: |_| false,
        what: "default queue",
        rank: Rank::Queues,
    };
    add(&context.settings, draft, site, &element)
}

/// Whether an element is the queue that the router's ordinary tasks reach.
pub fn bound_for_router(context: &Context<'_>, site: &Site, element: &Expr) -> bool {
    let ExprKind::Call {
        function,
        args,
        keywords,
        ..
    } = &element.kind
    else {
        return false;
    };
    let argument = |at, name| argument(args, keywords, at, name);
    let settings = &context.settings;
    let constant = |name: &str| settings.constant(name);
    let wanted = settings.constant(DEFAULT_QUEUE_NAME);
    let is_name = |expr: Option<&Expr>| {
        let text = || expr.and_then(|expr| text(expr, &constant));
        expr.and_then(Expr::name) == Some(DEFAULT_QUEUE_NAME)
            || wanted.is_some() && text() == wanted
    };
    let to_default = argument(1, "exchange").is_some_and(|exchange| {
        let named = exchange
            .name()
            .and_then(|name| value_of(&site.module, name));
        match &named.unwrap_or(exchange).kind {
            ExprKind::Call { args, .. } => {
                args.first().and_then(Expr::string).as_deref() == Some("default")
            }
            _ => false,
        }
    });
    function
        .dotted()
        .is_some_and(|name| name.ends_with("Queue"))
        && is_name(argument(0, "name"))
        && to_default
        && is_name(argument(2, "routing_key"))
}

/// The name of the queue that a task without a route goes to today, if it is a constant.
pub fn name_today(context: &Context<'_>) -> Result<Option<String>, Finding> {
    let constant = |name: &str| context.settings.constant(name);
    let sites = context.settings.find(Setting::TaskDefaultQueue)?;
    let always = is_always_bound(context, Setting::TaskDefaultQueue, &sites);
    Ok(match sites.as_slice() {
        [] => Some("celery".to_owned()),
        [site] if always => site.value.as_ref().and_then(|value| text(value, &constant)),
        _ => None,
    })
}

/// `Queue(a, b)`, or with each argument on a line of its own.
pub fn call(function: &str, arguments: &[String], unit: &str) -> Item {
    let lines: Vec<String> = arguments
        .iter()
        .map(|argument| format!("\n{unit}{argument},"))
        .collect();
    Item {
        flat: format!("{function}({})", arguments.join(", ")),
        block: Some(format!("{function}({}\n)", lines.concat())),
    }
}

struct Parts {
    name: String,
    exchange: String,
    kind: String,
    routing_key: String,
}

/// Bound to the exchange that `TaskRouter` names, by the setting that it reads.
fn for_router(context: &Context<'_>, draft: &mut Draft, scope: &Scope) -> Result<Parts, Finding> {
    if context
        .settings
        .named(&[DEFAULT_QUEUE_NAME.to_owned()])?
        .is_empty()
    {
        let name = free_name(context, scope)?;
        let text = format!("{DEFAULT_QUEUE_NAME} = {name}");
        draft.define(
            &scope.file,
            &scope.module,
            scope.anchor,
            Rank::DefaultQueueName,
            text,
            DEFAULT_QUEUE_NAME,
        );
    } else if !scope.sees(context, DEFAULT_QUEUE_NAME) {
        let sites = context.settings.named(&[DEFAULT_QUEUE_NAME.to_owned()])?;
        return Err(not_visible(context, &sites[0], DEFAULT_QUEUE_NAME));
    }
    Ok(Parts {
        name: DEFAULT_QUEUE_NAME.to_owned(),
        exchange: quoted(&scope.module, scope.before, "default"),
        kind: quoted(&scope.module, scope.before, "direct"),
        routing_key: DEFAULT_QUEUE_NAME.to_owned(),
    })
}

/// The service's own default queue, unless its queues bind it otherwise: of two queues of one name Celery
/// keeps the last.
fn free_name(context: &Context<'_>, scope: &Scope) -> Result<String, Finding> {
    let today = name_today(context)?.unwrap_or_default();
    let sites = context.settings.find(Setting::TaskQueues)?;
    let constant = |name: &str| context.settings.constant(name);
    let is_today = |name: &Expr| text(name, &constant).as_deref() == Some(&today);
    let names_today = |element: &Expr| match &element.kind {
        ExprKind::Call { args, .. } => args.first().is_some_and(is_today),
        ExprKind::Dict(items) => items
            .iter()
            .any(|(key, _)| key.as_ref().is_some_and(is_today)),
        _ => false,
    };
    if sites
        .iter()
        .any(|site| held(site).into_iter().any(names_today))
    {
        return Ok(quoted(
            &scope.module,
            scope.before,
            &format!("{}-default", context.name),
        ));
    }
    let own = value(context, scope, Setting::TaskDefaultQueue)?;
    Ok(own.unwrap_or_else(|| quoted(&scope.module, scope.before, "celery")))
}

/// The same name, exchange, type and key that Celery gives it while no queue is named.
fn as_today(context: &Context<'_>, scope: &Scope) -> Result<Parts, Finding> {
    let quote = |text: &str| quoted(&scope.module, scope.before, text);
    let set_name = value(context, scope, Setting::TaskDefaultQueue)?;
    let exchange = value(context, scope, Setting::TaskDefaultExchange)?;
    let kind = value(context, scope, Setting::TaskDefaultExchangeType)?;
    let routing_key = value(context, scope, Setting::TaskDefaultRoutingKey)?;
    let name = set_name.clone().unwrap_or_else(|| quote("celery"));
    // Celery 3 keeps `celery` for both, whatever the queue is called; Celery 4 follows the queue's name.
    let follows = match context.facts.celery_major() {
        Some(major) => major >= 4,
        None => context.settings.dialect != Dialect::Old,
    };
    let guessed = set_name.is_some() && (exchange.is_none() || routing_key.is_none());
    if guessed && context.facts.celery_major().is_none() && context.settings.dialect == Dialect::Old
    {
        let sites = context.settings.find(Setting::TaskDefaultQueue)?;
        return Err(version_decides(&sites[0]));
    }
    let fallback = if follows {
        name.clone()
    } else {
        quote("celery")
    };
    Ok(Parts {
        exchange: exchange.unwrap_or_else(|| fallback.clone()),
        kind: kind.unwrap_or_else(|| quote("direct")),
        routing_key: routing_key.unwrap_or(fallback),
        name,
    })
}

/// The text that stands for a setting's value at a place: its name where that is seen, else its constant.
fn value(
    context: &Context<'_>,
    scope: &Scope,
    setting: Setting,
) -> Result<Option<String>, Finding> {
    let sites = context.settings.find(setting)?;
    let Some(first) = sites.first() else {
        return Ok(None);
    };
    for site in &sites {
        outside_errors(site, site.stmt)?;
    }
    let named = matches!(context.settings.home, Home::Names(_) | Home::Class(..));
    let spelled = context
        .settings
        .spellings(setting)
        .into_iter()
        .find(|name| scope.sees(context, name));
    if let Some(name) = spelled.filter(|_| named) {
        return Ok(Some(name));
    }
    let name = context.settings.dialect.spell(setting);
    match (
        sites.as_slice(),
        first.value.as_ref().and_then(Expr::string),
    ) {
        ([_], Some(_)) if !is_always_bound(context, setting, &sites) => {
            Err(on_some_ways(context, first, &name))
        }
        ([_], Some(text)) => Ok(Some(quoted(&scope.module, scope.before, &text))),
        _ => Err(not_visible(context, first, &name)),
    }
}

fn entry(context: &Context<'_>, draft: &mut Draft, scope: &Scope) -> Result<Item, Finding> {
    let quote = |text: &str| quoted(&scope.module, scope.before, text);
    let Parts {
        name,
        exchange,
        kind,
        routing_key,
    } = if context.routed_by_router() {
        for_router(context, draft, scope)?
    } else {
        as_today(context, scope)?
    };
    Ok(Item::flat(format!(
        "{name}: {{{}: {exchange}, {}: {kind}, {}: {routing_key}}}",
        quote("exchange"),
        quote("exchange_type"),
        quote("routing_key")
    )))
}

fn not_visible(context: &Context<'_>, site: &Site, name: &str) -> Finding {
    Finding::refusal(
        "name-bound-too-late",
        format!("`{name}` is not bound where the queues need it"),
    )
    .at(&site.file, site.stmt)
    .label("bound here")
    .help(bind_it(context, site, name))
}

fn on_some_ways(context: &Context<'_>, site: &Site, name: &str) -> Finding {
    Finding::refusal(
        "default-queue-conditional",
        format!("`{name}` is bound on some ways through this file only"),
    )
    .at(&site.file, site.stmt)
    .label("which queue ordinary tasks take depends on it, and only one of them can be named")
    .help(bind_it(context, site, name))
}

fn bind_it(context: &Context<'_>, site: &Site, name: &str) -> String {
    let home = context.settings.home.file();
    let place = if site.file == *home {
        "above the queues".to_owned()
    } else {
        format!("in {home} instead of here")
    };
    format!("bind `{name}` {place}, unconditionally, then run again")
}

fn version_decides(site: &Site) -> Finding {
    let message =
        "which exchange the default queue has depends on Celery's version, and none is pinned";
    Finding::refusal("celery-version-unknown", message)
        .at(&site.file, site.stmt)
        .label("Celery 3 binds it to exchange `celery`, Celery 4 to one of its own name")
        .help("pin celery in requirements.txt, or set CELERY_DEFAULT_EXCHANGE and CELERY_DEFAULT_ROUTING_KEY")
}
