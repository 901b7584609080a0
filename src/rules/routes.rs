//! Where the event is sent when Celery publishes it: the contract's router, or a route for it alone.

use super::element::{Element, add, held, is_unset, outside_errors};
use super::names::Scope;
use super::{Context, define, library, quoted};
use crate::celery::Setting;
use crate::draft::{Draft, Rank};
use crate::edit::Span;
use crate::facts::settings::Site;
use crate::finding::Finding;
use crate::python::insert::{Item, parenthesized, wrap_in_tuple};
use crate::python::style::indent_unit;
use crate::python::syntax::{Expr, ExprKind};

/// Ensures that every live binding of the routes has the event's; existing routes stay, and stay in front.
pub fn ensure(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let sites = context.settings.find(Setting::TaskRoutes)?;
    if is_unset(context, &sites) {
        let scope = Scope::end(context)?;
        let value = if context.routed_by_router() {
            Item::flat(format!(
                "({},)",
                quoted(&scope.module, scope.before, &context.contract.router)
            ))
        } else {
            narrow(context, &scope, scope.before)
        };
        return define(
            context,
            draft,
            &scope,
            Setting::TaskRoutes,
            Rank::Routes,
            &value,
            what(context),
        );
    }
    for site in &sites {
        router_left(context, site)?;
        draft.findings.extend(router_in_front(context, site));
        match found(context, site) {
            Some(Routed::Router) => complete_tuple(draft, site, what(context)),
            Some(Routed::EventOnly) if !context.routed_by_router() => {
                draft.findings.extend(routed_elsewhere(context, site));
            }
            _ => extend(context, draft, site)?,
        }
    }
    Ok(())
}

/// What routes the event in a live binding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Routed {
    /// The contract's router.
    Router,
    /// A route for the event's task.
    EventOnly,
}

/// Which of the two a live binding has already.
pub fn found(context: &Context<'_>, site: &Site) -> Option<Routed> {
    if router_in(site, &context.contract.router).is_some() {
        return Some(Routed::Router);
    }
    let routes = of_event(site, &context.contract.event_task);
    (!routes.is_empty()).then_some(Routed::EventOnly)
}

/// Where a live binding names a router.
pub fn router_in(site: &Site, router: &str) -> Option<Span> {
    let mut elements = held(site).into_iter();
    let element = elements.find(|element| element.string().as_deref() == Some(router));
    element.map(|element| element.span)
}

/// The routes of the event alone, in order.
fn of_event<'s>(site: &'s Site, event: &str) -> Vec<&'s Expr> {
    let is_event = |key: &Expr| key.string().as_deref() == Some(event);
    let mut routes: Vec<&Expr> = Vec::new();
    for element in held(site) {
        if let ExprKind::Dict(items) = &element.kind {
            let keyed = items.iter();
            let keyed = keyed.filter(|(key, _)| key.as_ref().is_some_and(is_event));
            routes.extend(keyed.map(|(_, route)| route));
        }
    }
    let added = site.additions.iter();
    let added = added.filter(|added| added.key.as_ref().is_some_and(is_event));
    routes.extend(added.map(|added| &added.value));
    routes
}

fn extend(context: &Context<'_>, draft: &mut Draft, site: &Site) -> Result<(), Finding> {
    let name = context.settings.spellings(Setting::TaskRoutes).remove(0);
    let element = if context.routed_by_router() {
        Element {
            name: &name,
            item: Item::flat(quoted(
                &site.module,
                site.stmt.end,
                &context.contract.router,
            )),
            entry: None,
            is_single: is_router_or_routes,
            what: what(context),
            rank: Rank::Routes,
        }
    } else {
        let scope = Scope::above(context, site);
        let dict = narrow(context, &scope, site.stmt.end);
        Element {
            name: &name,
            entry: Some(entry(context, &scope, site.stmt.end)),
            item: dict,
            is_single: is_router,
            what: what(context),
            rank: Rank::Routes,
        }
    };
    add(&context.settings, draft, site, &element)
}

/// The router of the contract that the service leaves, written by hand: its library goes, and with both
/// routers there the first still answers for every task.
fn router_left(context: &Context<'_>, site: &Site) -> Result<(), Finding> {
    let Some(old) = context
        .from
        .filter(|old| old.router != context.contract.router)
    else {
        return Ok(());
    };
    let Some(router) = router_in(site, &old.router) else {
        return Ok(());
    };
    let new = &context.contract.router;
    Err(Finding::refusal(
        "router-of-other-contract",
        format!(
            "this router is {}'s, and you wrote it: it is yours to move",
            old.id
        ),
    )
    .at(&site.file, router)
    .label(format!(
        "without {}, every task raises ImportError when it is sent",
        old.library
    ))
    .help(format!("write `'{new}'` in its place, then run again")))
}

/// A route of the event to an exchange where no other service listens.
fn routed_elsewhere(context: &Context<'_>, site: &Site) -> Option<Finding> {
    let contract = context.contract;
    let at = |route: &'static str| {
        move |(key, _): &&(Option<Expr>, Expr)| {
            key.as_ref().and_then(Expr::string).as_deref() == Some(route)
        }
    };
    let route = of_event(site, &contract.event_task).pop()?;
    let ExprKind::Dict(fields) = &route.kind else {
        return None;
    };
    let wrong = |field: &'static str, wanted: &str| {
        let (_, value) = fields.iter().find(at(field))?;
        value.string().filter(|given| given != wanted)?;
        Some(value.span)
    };
    let other = match &contract.exchange_setting {
        None => wrong("exchange", &contract.exchange),
        Some(_) => None,
    };
    // Without an exchange and without a queue it goes where every task goes.
    let nowhere = ["exchange", "queue"]
        .into_iter()
        .all(|field| !fields.iter().any(|one| at(field)(&one)));
    let nowhere = nowhere.then_some(route.span);
    let other = other.or(nowhere);
    let span = other.or_else(|| wrong("exchange_type", &contract.exchange_type))?;
    let message = format!(
        "`{}` published through Celery does not go to the events exchange",
        contract.event_task
    );
    Some(
        Finding::error("event-not-broadcast", message)
            .at(&site.file, span)
            .label("no other service gets it")
            .help(format!(
                "route it to `{}`, of type {}",
                contract
                    .exchange_setting
                    .as_ref()
                    .unwrap_or(&contract.exchange),
                contract.exchange_type
            )),
    )
}

/// A router of the service's own in front of the event's route: the first answer counts.
fn router_in_front(context: &Context<'_>, site: &Site) -> Option<Finding> {
    let event = &context.contract.event_task;
    let elements = held(site);
    let front = elements.iter().take_while(|element| {
        element.string().as_deref() != Some(&context.contract.router)
            && !matches!(&element.kind, ExprKind::Dict(items) if items.iter().any(|(key, _)| {
                key.as_ref().and_then(Expr::string).as_deref() == Some(event)
            }))
    });
    let router = front.into_iter().find(|element| {
        !matches!(
            element.kind,
            ExprKind::Dict(_) | ExprKind::Sequence(..) | ExprKind::None
        )
    })?;
    Some(
        Finding::note(
            "router-in-front",
            format!("this router is asked before the route of `{event}`"),
        )
        .at(&site.file, router.span)
        .label("if it answers for every task, it answers for the event too")
        .help(format!("see that it gives None for `{event}`")),
    )
}

/// `('router')` is a string to Python, and Celery takes it: only the comma is missing.
pub fn complete_tuple(draft: &mut Draft, site: &Site, what: &str) {
    let Some(value) = site.value.as_ref().filter(|value| value.string().is_some()) else {
        return;
    };
    let bare = parenthesized(&site.module.text, value.span).is_some();
    if bare && site.additions.is_empty() && outside_errors(site, site.top).is_ok() {
        let edits = wrap_in_tuple(&site.module, value.span, &[]);
        draft.edit(&site.file, &site.module, edits, what);
    }
}

fn what(context: &Context<'_>) -> &'static str {
    if context.routed_by_router() {
        "router"
    } else {
        "event route"
    }
}

/// `{'microservice.event': {…}}`.
fn narrow(context: &Context<'_>, scope: &Scope, at: usize) -> Item {
    let unit = indent_unit(&scope.module);
    let Item { flat, block } = entry(context, scope, at);
    let inner = block
        .unwrap_or_else(|| flat.clone())
        .replace('\n', &format!("\n{unit}"));
    Item {
        flat: format!("{{{flat}}}"),
        block: Some(format!("{{\n{unit}{inner},\n}}")),
    }
}

/// `'microservice.event': {'exchange': …, 'exchange_type': …, 'routing_key': ''}`.
fn entry(context: &Context<'_>, scope: &Scope, at: usize) -> Item {
    let module = &scope.module;
    let quote = |text: &str| quoted(module, at, text);
    let contract = context.contract;
    let fields = [
        ("exchange", library::exchange_name(context, scope, at)),
        ("exchange_type", quote(&contract.exchange_type)),
        ("routing_key", quote("")),
    ]
    .map(|(key, value)| format!("{}: {value}", quote(key)));
    let flat = fields.join(", ");
    let unit = indent_unit(module);
    let lines = fields.map(|field| format!("\n{unit}{field},")).concat();
    let key = quote(&contract.event_task);
    Item {
        flat: format!("{key}: {{{flat}}}"),
        block: Some(format!("{key}: {{{lines}\n}}")),
    }
}

/// One router by itself: a dotted path, a function, an instance.
fn is_router(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::String(_) | ExprKind::Call { .. })
}

/// One router, or one dict of routes.
pub fn is_router_or_routes(value: &Expr) -> bool {
    is_router(value) || matches!(value.kind, ExprKind::Dict(_))
}
