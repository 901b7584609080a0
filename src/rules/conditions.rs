//! What holds only on some ways through the settings: bindings inside a branch, statements that do not
//! parse, queues bound by a default. Findings only.

use super::element::{held, outside_errors};
use super::{Context, default_queue};
use crate::celery::{Dialect, Setting};
use crate::draft::Draft;
use crate::facts::python_version::Python;
use crate::facts::settings::{Home, Site, find_class};
use crate::facts::value::argument;
use crate::finding::Finding;
use crate::python::constant::text;
use crate::python::syntax::{Expr, ExprKind, Stmt, StmtKind};

/// Looks for each.
pub fn report(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    bound_on_one_way(context, draft)?;
    unparsed(context, draft);
    inherited_binding(context, draft)
}

/// `if X: CELERY_QUEUES = …` and nothing else: on the other way no events queue is consumed.
fn bound_on_one_way(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let names = context.settings.spellings(Setting::TaskQueues);
    let sites = context.settings.find(Setting::TaskQueues)?;
    let Some(first) = sites.first() else {
        return Ok(());
    };
    if sites.iter().any(|site| {
        site.stmt == site.top || site.file != first.file || outside_errors(site, site.top).is_err()
    }) {
        return Ok(());
    }
    let body = match &context.settings.home {
        Home::Names(_) => Some(first.module.body.as_slice()),
        Home::Class(_, class) => find_class(&first.module.body, class).map(|(body, _)| body),
        Home::Keys(..) | Home::Members { .. } => None,
    };
    if body.is_some_and(|body| !always_binds(body, &names)) {
        let mut finding = Finding::note(
            "setting-conditional",
            format!(
                "`{}` is bound on some ways through this file only",
                names[0]
            ),
        )
        .label("on every other way, no worker consumes the events queue")
        .help(format!(
            "bind `{}` on every way, or see that workers take this one",
            names[0]
        ));
        for site in &sites {
            finding = finding.at(&site.file, site.stmt);
        }
        draft.findings.push(finding);
    }
    Ok(())
}

/// Whether control cannot come to the block's end without a binding.
fn always_binds(block: &[Stmt], names: &[String]) -> bool {
    let is_one = |target: &Expr| {
        target
            .name()
            .is_some_and(|name| names.iter().any(|n| n == name))
    };
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Assign { targets, .. } => targets.iter().any(is_one),
        StmtKind::ImportFrom { names: found, .. } => found
            .iter()
            .any(|alias| names.iter().any(|name| name == alias.bound())),
        StmtKind::If { arms } => {
            arms.iter().any(|arm| arm.test.is_none())
                && arms
                    .iter()
                    .all(|arm| raises(&arm.body) || always_binds(&arm.body, names))
        }
        StmtKind::Try {
            body,
            handlers,
            orelse,
            finally,
        } => {
            always_binds(finally, names)
                || (always_binds(body, names) || always_binds(orelse, names))
                    && handlers
                        .iter()
                        .all(|handler| raises(&handler.body) || always_binds(&handler.body, names))
        }
        StmtKind::With { body, .. } => always_binds(body, names),
        _ => false,
    })
}

fn raises(block: &[Stmt]) -> bool {
    matches!(
        block.last().map(|stmt| &stmt.kind),
        Some(StmtKind::Raise { .. })
    )
}

/// A statement of the settings that does not parse, and that we need not touch.
fn unparsed(context: &Context<'_>, draft: &mut Draft) {
    if context.facts.python.0 == Python::Two {
        return;
    }
    let needed = [Setting::TaskQueues, Setting::TaskRoutes, Setting::Imports];
    let blocked = needed.into_iter().any(|setting| {
        let sites = context.settings.find(setting);
        !sites.is_ok_and(|sites| {
            sites
                .iter()
                .all(|site| outside_errors(site, site.top).is_ok())
        })
    });
    if blocked {
        return;
    }
    for file in context.settings.chain() {
        let Ok(module) = context.settings.module(&file) else {
            continue;
        };
        if let Some(error) = module.errors.first() {
            draft.findings.push(
                Finding::warning(
                    "syntax-elsewhere",
                    "this file does not parse whole: Python does not load it as it stands",
                )
                .at(&file, error.span)
                .label(error.message.clone())
                .help("mend the syntax error before you start a worker"),
            );
        }
    }
}

/// `Queue('mail')` gets the default queue's exchange and key from Celery 4 on: a task for one reaches both.
fn inherited_binding(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let settings = &context.settings;
    let since_4 = match context.facts.celery_major() {
        Some(major) => major >= 4,
        None => settings.dialect != Dialect::Old,
    };
    let exchange = settings.find(Setting::TaskDefaultExchange)?;
    let key = settings.find(Setting::TaskDefaultRoutingKey)?;
    let default = default_queue::name_today(context)?;
    if !since_4 || exchange.is_empty() || key.is_empty() {
        return Ok(());
    }
    for site in settings.find(Setting::TaskQueues)? {
        for (element, name) in bare_queues(context, &site) {
            if Some(&name) == default.as_ref() {
                continue;
            }
            let mut finding = Finding::warning(
                "queue-inherits-binding",
                format!("the queue `{name}` gets every ordinary task too: each one runs twice"),
            )
            .at(&site.file, element.span)
            .label("without an exchange of its own, it is bound like the default queue")
            .help(format!(
                "give it a binding: `Queue('{name}', Exchange('{name}'), routing_key='{name}')`, and \
                 remove its binding to the old exchange in RabbitMQ"
            ));
            for default in exchange.iter().chain(&key) {
                finding = finding.at(&default.file, default.stmt);
            }
            draft.findings.push(finding);
        }
    }
    Ok(())
}

/// The queues of one argument, with their names.
fn bare_queues<'s>(context: &Context<'_>, site: &'s Site) -> Vec<(&'s Expr, String)> {
    let constant = |name: &str| context.settings.constant(name);
    let mut found = Vec::new();
    for element in held(site) {
        let ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } = &element.kind
        else {
            continue;
        };
        let is_queue = function
            .dotted()
            .is_some_and(|name| name.ends_with("Queue"));
        let named = argument(args, keywords, 0, "name");
        let bound = args.len() > 1
            || keywords.iter().any(|keyword| {
                matches!(
                    keyword.name.as_deref(),
                    Some("exchange" | "routing_key" | "bindings") | None
                )
            });
        if let Some(name) = named
            .and_then(|name| text(name, &constant))
            .filter(|_| is_queue && !bound)
        {
            found.push((element, name));
        }
    }
    found
}
