//! The events queue among the queues that the worker consumes, and the default queue beside it.

use super::element::{Element, add, held, is_unset, outside_errors};
use super::names::{self, Scope};
use super::recognise::Match;
use super::{Context, default_queue, define, library, quoted};
use crate::celery::Setting;
use crate::draft::{Draft, Rank};
use crate::facts::settings::{Home, Site};
use crate::finding::Finding;
use crate::python::insert::{Item, LINE_WIDTH};
use crate::python::style::{indent_unit, is_black};
use crate::python::syntax::{Expr, ExprKind};

const WHAT: &str = "events queue";

/// Ensures that every live binding of the queues holds the events queue; creates the setting where absent.
pub fn ensure(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let sites = context.settings.find(Setting::TaskQueues)?;
    if is_unset(context, &sites) {
        return create(context, draft);
    }
    for site in &sites {
        match found(context, site)? {
            Match::Right => beside_events_alone(context, draft, site)?,
            Match::Wrong => return Err(bound_otherwise(context, site)),
            Match::Other => {
                bound_by_another_name(context, site)?;
                extend(context, draft, site)?;
            }
        }
    }
    Ok(())
}

/// A queue of another name on the events exchange: with ours beside it, every event would come twice.
fn bound_by_another_name(context: &Context<'_>, site: &Site) -> Result<(), Finding> {
    let reader = context.reader();
    let held = held(site);
    let mut elements = held.iter();
    let Some(other) = elements.find(|element| reader.is_on_events(site, element)) else {
        return Ok(());
    };
    let queue = format!("{}{}", context.name, context.contract.queue_suffix);
    let message = format!("another queue than `{queue}` is bound to the events exchange here");
    Err(Finding::refusal("events-queue-renamed", message)
        .at(&site.file, other.span)
        .label("with both, a worker would get every event twice")
        .help(format!(
            "write it as `{}`, or remove it and run again",
            reader.written()
        ))
        .help(
            "a queue of the old name that is in RabbitMQ already goes on collecting: once it is empty, \
             `rabbitmqctl delete_queue NAME`",
        ))
}

/// The document wired by hand names the events queue alone: ordinary tasks lost theirs.
fn beside_events_alone(
    context: &Context<'_>,
    draft: &mut Draft,
    site: &Site,
) -> Result<(), Finding> {
    let reader = context.reader();
    let is_literal = matches!(
        site.value.as_ref().map(|value| &value.kind),
        Some(ExprKind::Sequence(..))
    );
    let alone = held(site)
        .iter()
        .all(|element| reader.queue(site, element) == Match::Right);
    if !(alone && is_literal && site.additions.is_empty()) || site.varies {
        return Ok(());
    }
    let name = context.settings.spellings(Setting::TaskQueues).remove(0);
    default_queue::ensure_beside(context, draft, site, &name, false)
}

/// Whether a live binding holds the events queue already.
fn found(context: &Context<'_>, site: &Site) -> Result<Match, Finding> {
    let reader = context.reader();
    let mut matches = Vec::new();
    for element in held(site) {
        match &element.kind {
            ExprKind::Dict(items) => {
                let entries = items
                    .iter()
                    .filter_map(|(key, value)| Some((key.as_ref()?, value)));
                matches.extend(entries.map(|(key, value)| reader.queue_entry(key, value)));
            }
            ExprKind::String(_) => return Err(not_queues(context, site, element)),
            _ => matches.push(reader.queue(site, element)),
        }
    }
    for added in &site.additions {
        matches.extend(
            added
                .key
                .iter()
                .map(|key| reader.queue_entry(key, &added.value)),
        );
    }
    for wanted in [Match::Right, Match::Wrong] {
        if matches.contains(&wanted) {
            return Ok(wanted);
        }
    }
    Ok(Match::Other)
}

fn extend(context: &Context<'_>, draft: &mut Draft, site: &Site) -> Result<(), Finding> {
    outside_errors(site, site.top)?;
    let scope = Scope::above(context, site);
    let name = context.settings.spellings(Setting::TaskQueues).remove(0);
    let mapping = matches!(
        site.value.as_ref().map(|value| &value.kind),
        Some(ExprKind::Dict(_))
    );
    if is_empty(site) || context.routed_by_router() {
        default_queue::ensure_beside(context, draft, site, &name, mapping)?;
    }
    let key = names::queue_name(context, draft, &scope)?;
    let (item, entry) = if mapping {
        (Item::flat(""), Some(entry(context, &scope, &key)))
    } else {
        (element(context, draft, &scope, &key), None)
    };
    add(
        &context.settings,
        draft,
        site,
        &Element {
            name: &name,
            item,
            entry,
            is_single: is_queue,
            what: WHAT,
            rank: Rank::Queues,
        },
    )
}

fn create(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let scope = Scope::end(context)?;
    let key = names::queue_name(context, draft, &scope)?;
    let default = default_queue::element(context, draft, &scope)?;
    let events = element(context, draft, &scope, &key);
    let unit = indent_unit(&scope.module);
    // In a dict or a call the value stands one step deeper.
    let nested = match context.settings.home {
        Home::Names(_) | Home::Class(..) => "",
        Home::Keys(..) | Home::Members { .. } => unit.as_str(),
    };
    let depth = format!("{}{nested}{unit}", scope.indent);
    let line = |item: &Item| {
        let text = if depth.len() + item.flat.len() < LINE_WIDTH {
            &item.flat
        } else {
            item.block.as_ref().unwrap_or(&item.flat)
        };
        format!("\n{unit}{},", text.replace('\n', &format!("\n{unit}")))
    };
    let value = Item {
        flat: format!("({}, {})", default.flat, events.flat),
        block: Some(format!("({}{}\n)", line(&default), line(&events))),
    };
    define(
        context,
        draft,
        &scope,
        Setting::TaskQueues,
        Rank::Queues,
        &value,
        WHAT,
    )
}

/// `Queue(SERVICE_NAME + '-events', events_exchange)`.
fn element(context: &Context<'_>, draft: &mut Draft, scope: &Scope, key: &str) -> Item {
    let (exchange_class, queue_class) = names::kombu(draft, scope);
    let exchange = names::exchange(context, draft, scope, &exchange_class);
    // The events binding would inherit the default routing key, and native delayed delivery would
    // carry other services' countdown tasks here.
    let quote = |text: &str| quoted(&scope.module, scope.before, text);
    let mut arguments = vec![key.to_owned(), exchange];
    if context.quorum {
        arguments.push(format!(
            "routing_key={}",
            quote(&context.contract.event_task)
        ));
    }
    if let Some(own) = context.reader().arguments(&quote) {
        arguments.push(format!("queue_arguments={own}"));
    }
    if arguments.len() > 2 {
        return default_queue::call(&queue_class, &arguments, &indent_unit(&scope.module));
    }
    Item::flat(format!("{queue_class}({})", arguments.join(", ")))
}

/// `SERVICE_NAME + '-events': {'exchange': 'microservice-events', 'exchange_type': 'fanout'}`.
fn entry(context: &Context<'_>, scope: &Scope, key: &str) -> Item {
    let quote = |text: &str| quoted(&scope.module, scope.before, text);
    let contract = &context.contract;
    let mut fields = vec![
        format!(
            "{}: {}",
            quote("exchange"),
            library::exchange_name(context, scope, scope.before)
        ),
        format!(
            "{}: {}",
            quote("exchange_type"),
            quote(&contract.exchange_type)
        ),
    ];
    if context.quorum {
        fields.push(format!(
            "{}: {}",
            quote("routing_key"),
            quote(&contract.event_task)
        ));
    }
    if let Some(arguments) = context.reader().arguments(&quote) {
        fields.push(format!("{}: {arguments}", quote("queue_arguments")));
    }
    let unit = indent_unit(&scope.module);
    let lines: Vec<String> = fields
        .iter()
        .map(|field| format!("\n{unit}{field},"))
        .collect();
    // black would break the sum in front of a value of several lines.
    let broken = if is_black(&scope.module) && key.contains(" + ") {
        format!("({key})")
    } else {
        key.to_owned()
    };
    Item {
        flat: format!("{key}: {{{}}}", fields.join(", ")),
        block: Some(format!("{broken}: {{{}\n}}", lines.concat())),
    }
}

/// Celery consumes the default queue as long as no queue is named: an empty literal is that case.
fn is_empty(site: &Site) -> bool {
    site.value.is_some()
        && held(site)
            .iter()
            .all(|element| matches!(&element.kind, ExprKind::Dict(items) if items.is_empty()))
        && site.additions.is_empty()
        && site.value.as_ref().is_some_and(is_empty_literal)
}

fn is_empty_literal(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Sequence(_, items) => items.is_empty(),
        ExprKind::Dict(items) => items.is_empty(),
        ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } => {
            matches!(function.name(), Some("tuple" | "list" | "set" | "dict"))
                && args.is_empty()
                && keywords.is_empty()
        }
        _ => false,
    }
}

/// One queue by itself.
pub fn is_queue(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Call { function, .. } => function
            .dotted()
            .is_some_and(|name| name.ends_with("Queue")),
        _ => false,
    }
}

fn bound_otherwise(context: &Context<'_>, site: &Site) -> Finding {
    let contract = &context.contract;
    let queue = format!("{}{}", context.name, contract.queue_suffix);
    let message = format!("the queue `{queue}` is there, but not as the contract wants it");
    let (span, label) = context
        .reader()
        .difference(site)
        .unwrap_or_else(|| (site.stmt, context.reader().wanted()));
    Finding::refusal("events-queue-differs", message)
        .at(&site.file, span)
        .label(label)
        .help(format!(
            "write it as `{}`, or remove it and run again",
            context.reader().written()
        ))
}

fn not_queues(context: &Context<'_>, site: &Site, element: &Expr) -> Finding {
    let name = context.settings.spellings(Setting::TaskQueues).remove(0);
    Finding::refusal(
        "queues-are-strings",
        format!("`{name}` holds strings, not queues: this is no Celery setting"),
    )
    .at(&site.file, element.span)
    .label("Celery wants kombu `Queue` objects here")
    .help(format!(
        "rename it, or make `{name}` a tuple of `Queue`s, then run again"
    ))
}
