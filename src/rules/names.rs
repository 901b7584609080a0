//! The names that inserted text reads: bound above it, unconditionally, or defined there.

use std::sync::Arc;

use super::{Context, library, quoted};
use crate::draft::{Anchor, Draft, Rank};
use crate::edit::Span;
use crate::facts::settings::{Home, Site, find_class};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::bindings::{self, Origin, Target, binds};
use crate::python::imports::{Grouping, import_names};
use crate::python::insert::Container;
use crate::python::style::{indentation, line_start};
use crate::python::syntax::{Expr, ExprKind, Module, Stmt, StmtKind, walk};

/// A place in a file at which text is inserted, and what it can see.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The file.
    pub file: RelPath,
    /// Its syntax.
    pub module: Arc<Module>,
    /// Where definitions go.
    pub anchor: Anchor,
    /// Only what is bound in front of this offset is seen.
    pub before: usize,
    /// The indentation of what is defined here.
    pub indent: String,
    /// The class whose body it is.
    pub class: Option<String>,
}

impl Scope {
    /// In front of the statement that binds a setting.
    pub fn above(context: &Context<'_>, site: &Site) -> Self {
        Self {
            file: site.file.clone(),
            module: Arc::clone(&site.module),
            anchor: Anchor::Before(site.top.start),
            before: site.top.start,
            indent: indentation(&site.module.text, site.top.start).to_owned(),
            class: match &context.settings.home {
                Home::Class(_, class) => Some(class.clone()),
                Home::Names(_) | Home::Keys(..) | Home::Members { .. } => None,
            },
        }
    }

    /// Where a setting that is absent is written.
    pub fn end(context: &Context<'_>) -> Result<Self, Finding> {
        let home = &context.settings.home;
        let module = context.settings.module(home.file())?;
        let (anchor, before, class) = match home {
            Home::Names(_) => match context.settings.local_override(&module) {
                Some(start) => (Anchor::Before(start), start, None),
                None => (Anchor::End, module.text.len(), None),
            },
            Home::Class(file, class) => {
                let body = find_class(&module.body, class).map(|(body, _)| body);
                let ends =
                    body.and_then(|body| Some((body.last()?.span.end, body.first()?.span.start)));
                let (end, first) = ends.ok_or_else(|| no_body(file, class))?;
                (Anchor::ClassEnd(end, first), end, Some(class.clone()))
            }
            Home::Keys(file, name) => {
                let sites = context.settings.named(std::slice::from_ref(name))?;
                let top = sites.first().map(|site| site.top.start);
                let top = top.ok_or_else(|| no_body(file, name))?;
                (Anchor::Before(top), top, None)
            }
            Home::Members { object, .. } => match (
                update_call(&module, object),
                last_use(context, &module.body, object),
            ) {
                (Some(update), _) => (Anchor::Before(update.stmt), update.stmt, None),
                (None, Some(last)) => (Anchor::Behind(last.end, last.start), last.end, None),
                (None, None) => (Anchor::End, module.text.len(), None),
            },
        };
        let indent = match anchor {
            Anchor::Before(at) | Anchor::ClassEnd(_, at) => indentation(&module.text, at),
            Anchor::Behind(_, at) => line_indentation(&module.text, at),
            Anchor::End => "",
        };
        Ok(Self {
            file: home.file().clone(),
            anchor,
            before,
            indent: indent.to_owned(),
            class,
            module,
        })
    }

    /// Whether a name is bound for certain when control comes here.
    pub fn sees(&self, context: &Context<'_>, name: &str) -> bool {
        let class = self
            .class
            .as_ref()
            .and_then(|class| find_class(&self.module.body, class));
        class.is_some_and(|(body, _)| self.binds_above(context, body, name))
            || self.binds_above(context, &self.module.body, name)
    }

    fn binds_above(&self, context: &Context<'_>, block: &[Stmt], name: &str) -> bool {
        block
            .iter()
            .filter(|stmt| stmt.span.end <= self.before)
            .any(|stmt| match &stmt.kind {
                StmtKind::Assign { targets, .. } => {
                    targets.iter().any(|target| target.name() == Some(name))
                }
                StmtKind::Import { names } => names.iter().any(|alias| alias.bound() == name),
                StmtKind::ImportFrom {
                    module,
                    level,
                    names,
                } => names.iter().any(|alias| {
                    alias.bound() == name
                        || (alias.name == "*"
                            && context.star_binds(&self.file, module.as_deref(), *level, name))
                }),
                StmtKind::If { arms } => {
                    arms.last().is_some_and(|arm| arm.test.is_none())
                        && arms.iter().all(|arm| !binds(&arm.body, name).is_empty())
                }
                _ => false,
            })
    }
}

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
    let absent = context
        .settings
        .named(&[SERVICE_NAME.to_owned()])?
        .is_empty();
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

/// The last statement that sets up the app: makes it, loads its settings, sets a member.
fn last_use(context: &Context<'_>, block: &[Stmt], object: &str) -> Option<Span> {
    let holder = object.split('.').next().unwrap_or(object).to_owned();
    let app = &context.facts.app;
    let mut blocks: Vec<&[Stmt]> = vec![block];
    walk(block, &mut |stmt| {
        if let StmtKind::Function { body, .. } = &stmt.kind {
            blocks.push(body);
        }
    });
    let inner = blocks.into_iter().rev().find(|block| {
        block.iter().any(|stmt| {
            !matches!(
                stmt.kind,
                StmtKind::Function { .. } | StmtKind::Class { .. }
            ) && (touches(stmt, &holder)
                || stmt.span.contains(app.call)
                    && context.facts.app.file == *context.settings.home.file())
        })
    })?;
    let last = inner.iter().rfind(|stmt| touches(stmt, &holder))?;
    Some(last.span)
}

/// Whether a statement binds the object, or sets or calls something on it.
fn touches(stmt: &Stmt, holder: &str) -> bool {
    let starts = |expr: &Expr| {
        expr.dotted()
            .is_some_and(|name| name == holder || name.starts_with(&format!("{holder}.")))
    };
    match &stmt.kind {
        StmtKind::Assign { targets, .. } => targets.iter().any(|target| match &target.kind {
            ExprKind::Subscript { value, .. } => starts(value),
            _ => starts(target),
        }),
        StmtKind::Expr { value } => match &value.kind {
            ExprKind::Call { function, .. } => starts(function),
            _ => false,
        },
        _ => false,
    }
}

/// The blanks that begin the line of `at`.
fn line_indentation(text: &[u8], at: usize) -> &str {
    let line = line_start(text, at);
    let blanks = text[line..at]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    indentation(text, line + blanks)
}

fn no_body(file: &RelPath, name: &str) -> Finding {
    Finding::refusal(
        "settings-not-found",
        format!("`{name}` is not defined in this file"),
    )
    .in_file(file)
    .help("name the settings file with `--settings FILE`")
}
