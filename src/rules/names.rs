//! The names that inserted text reads: bound above it, unconditionally, or defined there.

mod scope;

use super::element::outside_errors;
use super::{Context, library, quoted};
use crate::draft::{Draft, Rank};
use crate::edit::Span;
use crate::facts::settings::find_class;
use crate::finding::Finding;
use crate::python::bindings::{self, Origin, Target, binds};
use crate::python::imports::{Grouping, import_names};
use crate::python::insert::Container;
use crate::python::syntax::{Expr, ExprKind, Module, StmtKind, walk};

pub use scope::Scope;

/// The text that stands for the service's name followed by `suffix`: `SERVICE_NAME + '-events'`.
///
/// The name itself is bound where it is read, if the settings that Django loads get it from there; else
/// in their own file, and the text is a literal.
pub fn queue_name(
    context: &Context<'_>,
    draft: &mut Draft,
    scope: &Scope,
) -> Result<String, Finding> {
    let suffix = &context.contract.queue_suffix;
    let literal = || {
        quoted(
            &scope.module,
            scope.before,
            &format!("{}{suffix}", context.name),
        )
    };
    let bound = context.settings.named(&[SERVICE_NAME.to_owned()])?;
    for site in &bound {
        outside_errors(site, site.stmt)?;
    }
    let absent = bound.is_empty();
    let loaded = context.settings.chain().contains(&scope.file);
    if absent && !loaded {
        define_service_name(context, draft, &Scope::end(context)?);
        return Ok(literal());
    }
    if absent {
        define_service_name(context, draft, scope);
    } else if !scope.sees(context, SERVICE_NAME) {
        return Ok(literal());
    }
    Ok(format!(
        "{SERVICE_NAME} + {}",
        quoted(&scope.module, scope.before, suffix)
    ))
}

fn define_service_name(context: &Context<'_>, draft: &mut Draft, scope: &Scope) {
    let text = format!(
        "{SERVICE_NAME} = {}",
        quoted(&scope.module, scope.before, &context.name)
    );
    let Scope {
        file,
        module,
        anchor,
        ..
    } = scope;
    draft.define(file, module, *anchor, Rank::ServiceName, text, SERVICE_NAME);
}

/// The local names of kombu's `Exchange` and `Queue`.
pub fn kombu(draft: &mut Draft, scope: &Scope) -> (String, String) {
    let imported = import_names(
        &scope.module,
        "kombu",
        &["Exchange", "Queue"],
        scope.before,
        Grouping::Sectioned,
    );
    draft.edit(&scope.file, &scope.module, imported.edits, "kombu import");
    let [exchange, queue] = imported
        .names
        .try_into()
        .expect("as many as were asked for");
    (exchange, queue)
}

/// The variable that holds the events exchange.
pub fn exchange(context: &Context<'_>, draft: &mut Draft, scope: &Scope, class: &str) -> String {
    if let Some(name) = bound_exchange(context, scope) {
        return name;
    }
    let contract = &context.contract;
    let mut name = contract.exchange_variable.clone();
    while !binds(&scope.module.body, &name).is_empty() {
        name.insert_str(0, "microservice_");
    }
    let text = format!(
        "{name} = {class}({}, type={})",
        library::exchange_name(context, scope, scope.before),
        quoted(&scope.module, scope.before, &contract.exchange_type)
    );
    draft.define(
        &scope.file,
        &scope.module,
        scope.anchor,
        Rank::Exchange,
        text,
        "events exchange",
    );
    name
}

/// `app.conf.update(…)`: where the service gives its settings at once.
pub struct UpdateCall {
    /// Where the statement begins.
    pub stmt: usize,
    /// The dict literal it is given; without one, the keywords of the call itself.
    pub dict: Option<Expr>,
    /// The call's items, to add to.
    pub container: Container,
    /// What tells the container from others.
    pub span: Span,
}

/// The last call that gives the object settings by name.
pub fn update_call(module: &Module, object: &str) -> Option<UpdateCall> {
    let mut found = None;
    walk(&module.body, &mut |stmt| {
        let StmtKind::Expr { value } = &stmt.kind else {
            return;
        };
        let ExprKind::Call {
            function,
            args,
            keywords,
            arguments,
        } = &value.kind
        else {
            return;
        };
        if function.dotted() != Some(format!("{object}.update")) {
            return;
        }
        let dict = args
            .first()
            .filter(|arg| matches!(arg.kind, ExprKind::Dict(_)));
        let named = args.is_empty() && keywords.iter().all(|keyword| keyword.name.is_some());
        if dict.is_some() || named && !keywords.is_empty() {
            found = Some(UpdateCall {
                stmt: stmt.span.start,
                dict: dict.cloned(),
                container: dict
                    .and_then(Container::of)
                    .unwrap_or_else(|| Container::of_call(args, keywords, *arguments)),
                span: dict.map_or(*arguments, |dict| dict.span),
            });
        }
    });
    found
}

/// The setting that the emitter and we share.
pub const SERVICE_NAME: &str = "SERVICE_NAME";

/// A name bound above to the contract's exchange, whatever it is called.
fn bound_exchange(context: &Context<'_>, scope: &Scope) -> Option<String> {
    let class = scope
        .class
        .as_ref()
        .and_then(|class| find_class(&scope.module.body, class));
    let blocks = [
        Some(scope.module.body.as_slice()),
        class.map(|(body, _)| body),
    ];
    blocks
        .into_iter()
        .flatten()
        .flatten()
        .find_map(|stmt| match &stmt.kind {
            StmtKind::Assign { targets, value, .. } if stmt.span.end <= scope.before => {
                let name = targets.iter().find_map(Expr::name)?;
                (context.reader().makes_exchange(value) && once(&scope.module, name))
                    .then(|| name.to_owned())
            }
            _ => None,
        })
}

fn once(module: &Module, name: &str) -> bool {
    let names = [name.to_owned()];
    bindings::live(&module.body, Target::Name(&names), &|_, _| false).is_ok_and(|lives| {
        lives.len() <= 1
            && lives
                .iter()
                .all(|live| matches!(live.origin, Origin::Value(_)))
    })
}
