//! The two event modules: the handlers, the user's for ever after, and the listener, ours.

use super::Context;
use crate::change::Kind;
use crate::draft::Draft;
use crate::edit::Span;
use crate::facts::python_version::is_python_2_at;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::bindings::binds;
use crate::python::syntax::{Expr, ExprKind, Module, StmtKind, walk};
use crate::render::{self, Inputs};
use crate::tree::Entry;

/// Creates what is missing; leaves every handler alone, and a listener that is as safe as ours.
pub fn ensure(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let layout = &context.facts.layout;
    for init in &layout.missing_init {
        // Not empty: a patch could not say so.
        let text = "\"\"\"Celery tasks and event handlers.\"\"\"\n".to_owned();
        draft.created.insert(init.clone(), (Kind::Seeded, text));
    }
    let handlers = layout
        .directory
        .join(&format!("{}.py", context.contract.handlers_module));
    let listener = listener(context);
    if is_free(context, &handlers)? && !is_package(context, &context.contract.handlers_module) {
        draft
            .created
            .insert(handlers, (Kind::Seeded, render::handlers(context.contract)));
    }
    if is_free(context, &listener)? {
        let text = render::listener(context.contract, &inputs(context));
        draft.created.insert(listener, (Kind::Owned, text));
        return elsewhere(context);
    }
    adopt(context, &listener)
}

/// Where the listener is, or goes.
pub fn listener(context: &Context<'_>) -> RelPath {
    let file = format!("{}.py", context.contract.listener_module);
    context.facts.layout.directory.join(&file)
}

/// What the listener's text depends on.
pub fn inputs(context: &Context<'_>) -> Inputs {
    Inputs {
        app_module: context.facts.app.module.clone(),
        app_variable: context.facts.app.variable.clone(),
        handlers_module: context
            .facts
            .layout
            .module(&context.contract.handlers_module),
    }
}

/// Whether a new file can stand at a path; anything that is neither file nor nothing refuses.
fn is_free(context: &Context<'_>, path: &RelPath) -> Result<bool, Finding> {
    match context.tree.entry(path) {
        Entry::Missing => Ok(true),
        Entry::File(_) => Ok(false),
        _ => Err(Finding::refusal(
            "module-blocked",
            "something that is no file stands where an event module belongs",
        )
        .in_file(path)
        .help("move it away, or name another directory with `--tasks-dir`")),
    }
}

fn is_package(context: &Context<'_>, name: &str) -> bool {
    let init = context
        .facts
        .layout
        .directory
        .join(name)
        .join("__init__.py");
    matches!(context.tree.entry(&init), Entry::File(_))
}

/// A listener that is there already: ours as it was written, or one by hand that no sender can abuse.
fn adopt(context: &Context<'_>, path: &RelPath) -> Result<(), Finding> {
    let module = context.settings.module(path)?;
    if *module.text == *render::listener(context.contract, &inputs(context)).as_bytes() {
        return Ok(());
    }
    if let Some(unsafe_call) = dispatches_by_getattr(&module, &context.contract.handlers_module) {
        let what = "this listener lets any sender call what its module can see";
        let logger = undefined(&module, "logger");
        let message = match logger {
            Some(_) => {
                format!("{what}; and `logger` is not defined: every event is acknowledged and lost")
            }
            None => what.to_owned(),
        };
        let finding = Finding::refusal("listener-unsafe", message)
            .at(path, unsafe_call.span)
            .label("an event type of `__setattr__`, or of an imported function, is called too")
            .help(
                "see what a safe one differs in: `scaffold-events init --adopt-listener --dry-run`",
            )
            .help("put it in its place: `scaffold-events init --adopt-listener`");
        return Err(logger
            .into_iter()
            .fold(finding, |finding, span| finding.at(path, span)));
    }
    if registers(&module, &context.contract.event_task) {
        return Ok(());
    }
    Err(Finding::refusal(
        "listener-differs",
        format!(
            "this listener does not register the task `{}`",
            context.contract.event_task
        ),
    )
    .in_file(path)
    .help(
        "undo your change to it, or move it away and run again: a new one is written in its place",
    ))
}

/// The event's task registered by another module: two listeners, and which one wins depends on Celery.
fn elsewhere(context: &Context<'_>) -> Result<(), Finding> {
    let event = &context.contract.event_task;
    let mut tasks = context.facts.tasks.declared.iter();
    let Some(listener) = tasks.find(|task| task.name == *event) else {
        return Ok(());
    };
    let finding = Finding::refusal(
        "listener-elsewhere",
        format!("the task `{event}` is registered here already"),
    );
    Err(finding
        .place(&listener.place)
        .label("a second listener would be ignored, or hide this one")
        .help(format!(
            "rename this module to `{}.py` and run again, or take this task out of it",
            context.contract.listener_module
        )))
}

/// Whether a module of this text registers a task.
pub fn registers_in(text: &str, task: &str) -> bool {
    crate::python::parse::parse(text.as_bytes().into()).is_ok_and(|module| registers(&module, task))
}

/// Why a worker that imports a listener does not receive the event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Deaf {
    /// It is no Python.
    Unparsed(Option<Span>, String),
    /// It registers no task of the event's name.
    Unregistered,
}

/// Why a listener of this text is none; nothing where it is one.
pub fn deaf(text: &[u8], task: &str) -> Option<Deaf> {
    let module = match crate::python::parse::parse(text.into()) {
        Ok(module) => module,
        Err(why) => return Some(Deaf::Unparsed(why.span, why.message)),
    };
    let mut errors = module.errors.iter();
    if let Some(error) = errors.find(|error| !is_python_2_at(text, error.span)) {
        return Some(Deaf::Unparsed(Some(error.span), error.message.clone()));
    }
    (!registers(&module, task)).then_some(Deaf::Unregistered)
}

/// The task's name, in a module in which something may be made a task: by a decorator, a base, a call.
fn registers(module: &Module, task: &str) -> bool {
    let (mut named, mut makes) = (false, false);
    let is_maker = |expr: &Expr| {
        let dotted = expr.dotted().unwrap_or_default();
        let last = dotted.rsplit('.').next().unwrap_or_default();
        last.to_ascii_lowercase().contains("task") || last == "register"
    };
    walk(&module.body, &mut |stmt| {
        match &stmt.kind {
            StmtKind::Function { decorators, .. } => makes |= !decorators.is_empty(),
            StmtKind::Class { bases, .. } => makes |= !bases.is_empty(),
            _ => {}
        }
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                named |= part.string().as_deref() == Some(task);
                if let ExprKind::Call { function, .. } = &part.kind {
                    makes |= is_maker(function);
                }
            });
        }
    });
    named && makes
}

/// Where a name is first read, if nothing in the module binds it.
fn undefined(module: &Module, name: &str) -> Option<Span> {
    let stars = module.body.iter().any(|stmt| match &stmt.kind {
        StmtKind::ImportFrom { names, .. } => names.iter().any(|alias| alias.name == "*"),
        _ => false,
    });
    if stars || !binds(&module.body, name).is_empty() {
        return None;
    }
    let mut found = None;
    walk(&module.body, &mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if part.name() == Some(name) {
                    found.get_or_insert(part.span);
                }
            });
        }
    });
    found
}

/// `getattr(microservice_events, event_type)`: dispatch to anything the module can see.
fn dispatches_by_getattr<'m>(module: &'m Module, handlers: &str) -> Option<&'m Expr> {
    let mut found = None;
    walk(&module.body, &mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Call { function, args, .. } = &part.kind
                    && function.name() == Some("getattr")
                    && let [object, name, ..] = args.as_slice()
                    && object
                        .dotted()
                        .is_some_and(|dotted| dotted.ends_with(handlers))
                    && name.string().is_none()
                {
                    found.get_or_insert(part);
                }
            });
        }
    });
    found
}
