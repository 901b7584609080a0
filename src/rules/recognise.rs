//! What is there already, by meaning: the events queue, its exchange, in any spelling. Pure.

use super::element::held;
use super::names::SERVICE_NAME;
use crate::contract::{Contract, Literal};
use crate::edit::Span;
use crate::facts::settings::{Settings, Site};
use crate::facts::value::argument;
use crate::python::bindings::{self, Origin, Target};
use crate::python::constant::{Part, fold, joined};
use crate::python::syntax::{Expr, ExprKind, Module};

/// What an element of the queues is to the contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Match {
    /// The events queue, bound as the contract wants.
    Right,
    /// A queue of that name, bound otherwise.
    Wrong,
    /// Something else.
    Other,
}

/// Reads elements of settings in one file.
pub struct Reader<'a, 't> {
    /// The settings that names are looked up in.
    pub settings: &'a Settings<'t>,
    /// The contract.
    pub contract: &'a Contract,
    /// The service's name on the bus.
    pub service: &'a str,
    /// Queues are quorum queues by default: the events queue needs a routing key of its own.
    pub quorum: bool,
}

impl Reader<'_, '_> {
    /// What an element is: `Queue(SERVICE_NAME + '-events', events_exchange)` in any spelling.
    pub fn queue(&self, site: &Site, element: &Expr) -> Match {
        let ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } = &element.kind
        else {
            return Match::Other;
        };
        if !function
            .dotted()
            .is_some_and(|name| name.ends_with("Queue"))
        {
            return Match::Other;
        }
        let argument = |at, name| argument(args, keywords, at, name);
        if !argument(0, "name").is_some_and(|name| self.is_queue_name(name)) {
            return Match::Other;
        }
        let bound = argument(1, "exchange")
            .is_some_and(|exchange| self.is_exchange(&site.module, exchange));
        let named = |name: &str| {
            let mut named = keywords.iter();
            named.find(|keyword| keyword.name.as_deref() == Some(name))
        };
        let other_arguments = keywords.iter().any(|keyword| {
            matches!(
                keyword.name.as_deref(),
                Some("max_priority" | "message_ttl" | "expires" | "max_length") | None
            )
        });
        let arguments = named("queue_arguments").map(|keyword| &keyword.value);
        let keyed = !self.quorum || argument(2, "routing_key").is_some();
        let lasts = short_lived(element).is_none();
        if bound && keyed && lasts && !other_arguments && self.are_arguments(arguments) {
            Match::Right
        } else {
            Match::Wrong
        }
    }

    /// Whether an element is a queue on the events exchange, whatever its name.
    pub fn is_on_events(&self, site: &Site, element: &Expr) -> bool {
        let ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } = &element.kind
        else {
            return false;
        };
        let is_queue = (function.dotted()).is_some_and(|name| name.ends_with("Queue"));
        let exchange = argument(args, keywords, 1, "exchange");
        is_queue && exchange.is_some_and(|exchange| self.is_exchange(&site.module, exchange))
    }

    /// The element that is the events queue bound otherwise, and what is wrong with it.
    pub fn difference(&self, site: &Site) -> Option<(Span, String)> {
        let element = held(site)
            .into_iter()
            .find(|element| self.queue(site, element) == Match::Wrong)?;
        let exchange = self.exchange();
        let exchange_type = &self.contract.exchange_type;
        let mut kind = None;
        element.walk(&mut |part| {
            if let Some((name, given)) = exchange_call(part)
                && self.names_exchange(name)
            {
                kind = Some(given);
            }
        });
        if let Some(span) = short_lived(element) {
            let message = "the emitter declares it to last: against another one the broker answers \
                           406 PRECONDITION_FAILED";
            return Some((span, message.to_owned()));
        }
        let label = match kind {
            Some(kind) if kind != *exchange_type => {
                format!("`{exchange}` is of type {kind} here and must be {exchange_type}")
            }
            _ => self.wanted(),
        };
        Some((element.span, label))
    }

    /// How the events queue must be, in words.
    pub fn wanted(&self) -> String {
        let arguments = match self.arguments(&|text| format!("'{text}'")) {
            None => "without arguments".to_owned(),
            Some(arguments) => format!("with queue_arguments={arguments}"),
        };
        let key = if self.quorum {
            format!(", with routing_key='{}'", self.contract.event_task)
        } else {
            String::new()
        };
        format!(
            "must be bound to the {} exchange `{}`, {arguments}{key}",
            self.contract.exchange_type,
            self.exchange()
        )
    }

    /// The events queue as Python, for a person to write.
    pub fn written(&self) -> String {
        let quoted = |text: &str| format!("'{text}'");
        let Contract {
            exchange,
            exchange_setting,
            exchange_type,
            queue_suffix,
            ..
        } = self.contract;
        let exchange = exchange_setting.clone().unwrap_or_else(|| quoted(exchange));
        let arguments = self.arguments(&quoted);
        let arguments = arguments.map(|own| format!(", queue_arguments={own}"));
        let key = format!(", routing_key='{}'", self.contract.event_task);
        let key = if self.quorum { key.as_str() } else { "" };
        format!(
            "Queue({SERVICE_NAME} + '{queue_suffix}', Exchange({exchange}, type='{exchange_type}'){key}{})",
            arguments.unwrap_or_default()
        )
    }

    /// The queue's arguments as a Python dict; none where it has none.
    pub fn arguments(&self, quoted: &dyn Fn(&str) -> String) -> Option<String> {
        let items: Vec<String> = self
            .contract
            .queue_arguments
            .iter()
            .map(|(name, value)| format!("{}: {}", quoted(&name.0), value.python(quoted)))
            .collect();
        (!items.is_empty()).then(|| format!("{{{}}}", items.join(", ")))
    }

    /// Whether these are the queue's arguments, all of them and no other.
    fn are_arguments(&self, given: Option<&Expr>) -> bool {
        let wanted = &self.contract.queue_arguments;
        let Some(given) = given else {
            return wanted.is_empty();
        };
        let ExprKind::Dict(items) = &given.kind else {
            return wanted.is_empty() && matches!(given.kind, ExprKind::None);
        };
        items.len() == wanted.len()
            && wanted.iter().all(|(name, value)| {
                items.iter().any(|(key, given)| {
                    key.as_ref().and_then(Expr::string).as_deref() == Some(&name.0)
                        && is_literal(given, value)
                })
            })
    }

    fn exchange(&self) -> &str {
        let contract = self.contract;
        contract
            .exchange_setting
            .as_ref()
            .unwrap_or(&contract.exchange)
    }

    /// `'microservice-events'`, or `EVENTS_EXCHANGE` where the contract has it named by a setting.
    fn names_exchange(&self, expr: &Expr) -> bool {
        match &self.contract.exchange_setting {
            Some(setting) => expr
                .dotted()
                .is_some_and(|name| name.rsplit('.').next() == Some(setting)),
            None => expr.string().as_deref() == Some(&self.contract.exchange),
        }
    }

    /// What an entry of a mapping of queues is: `'orders-events': {'exchange': …}`.
    pub fn queue_entry(&self, key: &Expr, value: &Expr) -> Match {
        if !self.is_queue_name(key) {
            return Match::Other;
        }
        let ExprKind::Dict(items) = &value.kind else {
            return Match::Wrong;
        };
        let at = |name: &str| {
            let mut items = items.iter();
            let found =
                items.find(|(key, _)| key.as_ref().and_then(Expr::string).as_deref() == Some(name));
            found.map(|(_, value)| value)
        };
        let kind = at("exchange_type").and_then(Expr::string);
        let right = at("exchange").is_some_and(|name| self.names_exchange(name))
            && kind.as_deref() == Some(&self.contract.exchange_type)
            && self.are_arguments(at("queue_arguments"))
            && (!self.quorum || at("routing_key").is_some());
        if right { Match::Right } else { Match::Wrong }
    }

    /// Whether this makes, or names, the events exchange.
    pub fn is_exchange(&self, module: &Module, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Call { .. } => self.makes_exchange(expr),
            ExprKind::Name(name) => match value_of(module, name) {
                Some(value) => self.makes_exchange(value),
                None => *name == self.contract.exchange_variable,
            },
            _ => false,
        }
    }

    /// `Exchange('microservice-events', type='fanout')`.
    pub fn makes_exchange(&self, expr: &Expr) -> bool {
        exchange_call(expr).is_some_and(|(name, kind)| {
            self.names_exchange(name)
                && kind == self.contract.exchange_type
                && short_lived(expr).is_none()
        })
    }

    fn is_queue_name(&self, expr: &Expr) -> bool {
        let resolve = |name: &str| match name {
            "SERVICE_NAME" | "self.SERVICE_NAME" => Some(self.service.to_owned()),
            name => self.settings.constant(name),
        };
        let Some(parts) = fold(expr, &resolve) else {
            return false;
        };
        parts
            == joined(vec![Part::Text(format!(
                "{}{}",
                self.service, self.contract.queue_suffix
            ))])
    }
}

fn is_literal(given: &Expr, wanted: &Literal) -> bool {
    match wanted {
        Literal::Bool(wanted) => given.kind == ExprKind::Bool(*wanted),
        Literal::Number(wanted) => {
            matches!(&given.kind, ExprKind::Number(text) if *text == wanted.to_string())
        }
        Literal::Text(wanted) => given.string().as_deref() == Some(&wanted.0),
    }
}

/// `durable=False` and its like on a queue or its exchange.
fn short_lived(element: &Expr) -> Option<Span> {
    let mut found = None;
    element.walk(&mut |part| {
        if let ExprKind::Call { keywords, .. } = &part.kind {
            let gone = keywords
                .iter()
                .find(|keyword| match keyword.name.as_deref() {
                    Some("durable") => keyword.value.kind == ExprKind::Bool(false),
                    Some("auto_delete" | "exclusive") => keyword.value.kind == ExprKind::Bool(true),
                    _ => false,
                });
            found = found.or(gone.map(|keyword| keyword.span));
        }
    });
    found
}

/// The name and type in `Exchange('orders', type='fanout')`; without a type it is direct.
fn exchange_call(expr: &Expr) -> Option<(&Expr, String)> {
    let ExprKind::Call {
        function,
        args,
        keywords,
        ..
    } = &expr.kind
    else {
        return None;
    };
    let argument = |at, name| argument(args, keywords, at, name);
    if !function.dotted()?.ends_with("Exchange") {
        return None;
    }
    let kind = match argument(1, "type") {
        Some(kind) => kind.string()?,
        None => "direct".to_owned(),
    };
    Some((argument(0, "name")?, kind))
}

/// The value of a name that a module binds just once, at its top.
pub fn value_of<'m>(module: &'m Module, name: &str) -> Option<&'m Expr> {
    let names = [name.to_owned()];
    let lives = bindings::live(&module.body, Target::Name(&names), &|_, _| false).ok()?;
    match lives.as_slice() {
        [live] if live.additions.is_empty() => match &live.origin {
            Origin::Value(value) => Some(value.value),
            _ => None,
        },
        _ => None,
    }
}
