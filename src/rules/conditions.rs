//! What holds only on some ways through the settings: bindings inside a branch, statements that do not
//! parse, queues bound by a default. Findings only.

use super::element::{held, outside_errors};
use super::{Context, default_queue};
use crate::celery::{Dialect, Setting};
use crate::draft::Draft;
use crate::facts::python_version::Python;
use crate::facts::settings::Site;
use crate::facts::value::argument;
use crate::finding::{Finding, Level};
use crate::python::bindings::keyword_or_key;
use crate::python::constant::text;
use crate::python::syntax::{Expr, ExprKind, Stmt, StmtKind, scopes_around};

/// Looks for each.
pub fn report(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    bound_on_one_way(context, draft)?;
    unparsed(context, draft);
    inherited_binding(context, draft)
}

/// `if X: CELERY_QUEUES = …` and nothing else: on the other way no events queue is consumed.
fn bound_on_one_way(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    for (setting, missed) in [
        (Setting::TaskQueues, "no worker consumes the events queue"),
        (Setting::TaskRoutes, "events are sent to the default queue"),
    ] {
        let sites = context.settings.find(setting)?;
        draft.findings.extend(
            conditional(context, setting, &sites, Level::Note)
                .map(|it| it.label(format!("on every other way, {missed}"))),
        );
    }
    let imports = context.settings.find(Setting::Imports)?;
    match conditional(context, Setting::Imports, &imports, Level::Refusal) {
        Some(finding) => {
            Err(finding.label("on every other way, workers take events and know no task for them"))
        }
        None => Ok(()),
    }
}

fn conditional(
    context: &Context<'_>,
    setting: Setting,
    sites: &[Site],
    level: Level,
) -> Option<Finding> {
    let unread = |site: &Site| outside_errors(site, site.top).is_err();
    if sites.iter().any(unread) || is_always_bound(context, setting, sites) {
        return None;
    }
    let name = context.settings.spellings(setting).remove(0);
    let message = format!("`{name}` is bound on some ways through this file only");
    let help = match level {
        Level::Refusal => {
            format!("bind `{name}` above it, to `()` where it has none, then run again")
        }
        _ => format!("bind `{name}` on every way, or see that workers take this one"),
    };
    let finding = Finding::new("setting-conditional", level, message).help(help);
    let at = |finding: Finding, site: &Site| finding.at(&site.file, site.stmt);
    Some(sites.iter().fold(finding, at))
}

/// Whether a setting is bound on every way through the code, or on none.
pub fn is_always_bound(context: &Context<'_>, setting: Setting, sites: &[Site]) -> bool {
    let mut names = context.settings.spellings(setting);
    names.extend([setting.lower().to_owned(), setting.old().to_owned()]);
    let always = |site: &Site| {
        let module = &site.module.body;
        let around = scopes_around(module, site.stmt.start).pop();
        let block = around.map_or(module.as_slice(), |scope| scope.blocks()[0]);
        site.stmt == site.top || always_binds(block, &names)
    };
    sites.is_empty() || sites.iter().any(always)
}

/// Whether control cannot come to the block's end without a binding, be it of a name or of a member.
fn always_binds(block: &[Stmt], names: &[String]) -> bool {
    let is_name = |text: &str| names.iter().any(|name| name == text);
    let is_one = |target: &Expr| match &target.kind {
        ExprKind::Name(name) => is_name(name),
        ExprKind::Attribute { name, .. } => is_name(&name.text),
        ExprKind::Subscript { index, .. } => index.string().is_some_and(|key| is_name(&key)),
        _ => false,
    };
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Assign { targets, .. } => targets.iter().any(is_one),
        StmtKind::Expr { value } => match &value.kind {
            ExprKind::Call { args, keywords, .. } => {
                keyword_or_key(args, keywords, names).is_some()
            }
            _ => false,
        },
        StmtKind::ImportFrom { names: found, .. } => {
            found.iter().any(|alias| is_name(alias.bound()))
        }
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
