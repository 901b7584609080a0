//! The names that the events queue reads, bound in front of it: without one of them the settings do not
//! load, and no worker starts.

use super::element::held;
use super::names::{self, SERVICE_NAME, Scope};
use super::recognise::Match;
use super::{Context, library, quoted};
use crate::celery::Setting;
use crate::draft::{Draft, Rank};
use crate::edit::Span;
use crate::facts::settings::Site;
use crate::facts::text::contains;
use crate::finding::{Finding, Level};
use crate::python::bindings::{binds, included};
use crate::python::syntax::{Expr, ExprKind, Module, Stmt, StmtKind, scopes_around, walk};

/// Ensures that what the events queue reads is bound above it; what is bound only below is a refusal.
pub fn ensure(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    for site in context.settings.find(Setting::TaskQueues)? {
        let reader = context.reader();
        let is_ours = |element: &&Expr| match &element.kind {
            ExprKind::Dict(items) => items.iter().any(|(key, value)| {
                let key = key.as_ref();
                key.is_some_and(|key| reader.queue_entry(key, value) == Match::Right)
            }),
            _ => reader.queue(&site, element) == Match::Right,
        };
        if !held(&site).iter().any(is_ours) || is_unknowable(context, &site) {
            continue;
        }
        for (name, read) in unbound(context, &site) {
            if let Some(late) = bound_later(&site.module, &name, read) {
                return Err(too_late(&site, &name, read, late));
            }
            // What is written above it is worth knowing; the rest only a person can bind.
            let level = if provide(context, draft, &site, &name) {
                Level::Warning
            } else {
                Level::Error
            };
            draft.findings.push(missing(&site, &name, read, level));
        }
    }
    Ok(())
}

/// Writes what we know how to write; false where we do not.
fn provide(context: &Context<'_>, draft: &mut Draft, site: &Site, name: &str) -> bool {
    let scope = Scope::above(context, site);
    let quote = |text: &str| quoted(&scope.module, scope.before, text);
    let contract = context.contract;
    let (rank, text, what) = match name {
        SERVICE_NAME => {
            let text = format!("{SERVICE_NAME} = {}", quote(&context.name));
            (Rank::ServiceName, text, SERVICE_NAME)
        }
        "Exchange" | "Queue" => {
            names::kombu(draft, &scope);
            return true;
        }
        name if name == contract.exchange_variable => {
            let (class, _) = names::kombu(draft, &scope);
            let exchange = library::exchange_name(context, &scope, scope.before);
            let kind = quote(&contract.exchange_type);
            let text = format!("{name} = {class}({exchange}, type={kind})");
            (Rank::Exchange, text, "events exchange")
        }
        _ => return false,
    };
    draft.define(&scope.file, &scope.module, scope.anchor, rank, text, what);
    true
}

fn missing(site: &Site, name: &str, read: Span, level: Level) -> Finding {
    let message =
        format!("`{name}` is read here and bound nowhere above: the settings do not load");
    Finding::new("name-unbound", level, message)
        .at(&site.file, read)
        .label("Python raises NameError")
        .help(format!("bind `{name}` above this"))
}

fn too_late(site: &Site, name: &str, read: Span, late: Span) -> Finding {
    let message =
        format!("`{name}` is bound below the place that reads it: the settings do not load");
    Finding::refusal("name-bound-too-late", message)
        .at(&site.file, read)
        .at(&site.file, late)
        .label("Python raises NameError")
        .help(format!(
            "bind `{name}` above the queues, unconditionally, then run again"
        ))
}

/// Names may come from where we do not look: another file's scope, or statements that do not parse.
fn is_unknowable(context: &Context<'_>, site: &Site) -> bool {
    let chain = context.settings.chain();
    let loaded = chain
        .iter()
        .filter_map(|file| context.tree.python(file).ok());
    let mut modules = loaded.chain([std::sync::Arc::clone(&site.module)]);
    let doors = [":=", "exec", "globals(", "locals(", "vars("];
    let open = |module: &Module| doors.iter().any(|door| contains(&module.text, door));
    let includes = |module: &Module| module.body.iter().any(|stmt| !included(stmt).is_empty());
    modules.any(|module| open(&module) || includes(&module)) || !site.module.errors.is_empty()
}

/// The names that our queue reads, itself or through another name, and that nothing in front of it binds;
/// each where it is read first.
fn unbound(context: &Context<'_>, site: &Site) -> Vec<(String, Span)> {
    let mut found: Vec<(String, Span)> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let held = held(site).into_iter();
    let calls =
        held.filter(|element| matches!(element.kind, ExprKind::Call { .. } | ExprKind::Dict(_)));
    let mut open: Vec<(&Expr, usize)> = calls.map(|call| (call, call.span.start)).collect();
    open.reverse();
    while let Some((expr, at)) = open.pop() {
        for (name, span) in read_by(&site.module, expr) {
            if seen.contains(&name) {
                continue;
            }
            if !is_bound(context, site, &name, at) {
                found.push((name.clone(), span));
            }
            open.extend(value_above(&site.module, &name, at));
            seen.push(name);
        }
    }
    found
}

/// The bare names that an expression reads; none where it binds names of its own.
fn read_by(module: &Module, expr: &Expr) -> Vec<(String, Span)> {
    let mut names = Vec::new();
    let mut binds = contains(expr.span.of(&*module.text), "lambda");
    expr.walk(&mut |part| match &part.kind {
        ExprKind::Name(name) => names.push((name.clone(), part.span)),
        ExprKind::Comprehension { .. } => binds = true,
        _ => {}
    });
    if binds { Vec::new() } else { names }
}

/// What the last plain assignment above gives a name, and where that stands.
fn value_above<'m>(module: &'m Module, name: &str, at: usize) -> Option<(&'m Expr, usize)> {
    let above = module.body.iter().take_while(|stmt| stmt.span.end <= at);
    above
        .filter_map(|stmt| match &stmt.kind {
            StmtKind::Assign { targets, value, .. }
                if targets.iter().any(|target| target.name() == Some(name)) =>
            {
                Some((value, stmt.span.start))
            }
            _ => None,
        })
        .last()
}

fn is_bound(context: &Context<'_>, site: &Site, name: &str, at: usize) -> bool {
    let module = &site.module;
    let scopes = scopes_around(&module.body, at);
    let in_function = |scope: &&Stmt| matches!(scope.kind, StmtKind::Function { .. });
    let runs_later = scopes.iter().any(in_function);
    let above = |spans: Vec<Span>| spans.iter().any(|span| runs_later || span.start < at);
    BUILTINS.contains(&name)
        || above(binds(&module.body, name))
        || above(stars(context, site, name))
        || scopes.iter().any(|scope| {
            let body = scope.blocks().concat();
            let head = Span::new(
                scope.span.start,
                body.first().map_or(at, |stmt| stmt.span.start),
            );
            let parameter = runs_later && contains(head.of(&*module.text), name);
            parameter || above(binds(&body, name))
        })
}

/// The star imports that bind a name, or may: those that come from outside.
fn stars(context: &Context<'_>, site: &Site, name: &str) -> Vec<Span> {
    let mut found = Vec::new();
    walk(&site.module.body, &mut |stmt| {
        if let StmtKind::ImportFrom {
            module,
            level,
            names,
        } = &stmt.kind
            && names.iter().any(|alias| alias.name == "*")
        {
            let module = module.as_deref();
            let outside = context
                .settings
                .whole(&site.file, module, *level)
                .is_empty();
            if outside || context.star_binds(&site.file, module, *level, name) {
                found.push(stmt.span);
            }
        }
    });
    found
}

/// Where a name is bound for the first time, if that is below.
fn bound_later(module: &Module, name: &str, read: Span) -> Option<Span> {
    let spans = binds(&module.body, name);
    spans.into_iter().find(|span| span.start > read.end)
}

/// The names of Python's own that stand in settings.
const BUILTINS: [&str; 39] = [
    "Exception",
    "__file__",
    "__import__",
    "__name__",
    "__package__",
    "abs",
    "all",
    "any",
    "basestring",
    "bool",
    "bytes",
    "callable",
    "dict",
    "enumerate",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "hasattr",
    "int",
    "isinstance",
    "iter",
    "len",
    "list",
    "long",
    "map",
    "max",
    "min",
    "next",
    "object",
    "open",
    "range",
    "repr",
    "set",
    "sorted",
    "str",
    "tuple",
    "unicode",
];
