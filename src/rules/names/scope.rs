//! A place at which text is inserted, and what it can see there.

use std::sync::Arc;

use super::update_call;
use crate::draft::Anchor;
use crate::edit::Span;
use crate::facts::settings::{Home, Site, find_class};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::bindings::binds;
use crate::python::style::{indentation, line_indentation};
use crate::python::syntax::{Expr, ExprKind, Module, Stmt, StmtKind, walk};
use crate::rules::Context;

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
        Self::in_front(context, &site.file, &site.module, site.top)
    }

    /// In front of a statement.
    pub fn in_front(
        context: &Context<'_>,
        file: &RelPath,
        module: &Arc<Module>,
        top: Span,
    ) -> Self {
        Self {
            file: file.clone(),
            module: Arc::clone(module),
            anchor: Anchor::Before(top.start),
            before: top.start,
            indent: indentation(&module.text, top.start).to_owned(),
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
                // Settings stand above methods.
                let settings = body.and_then(|body| {
                    body.iter().rfind(|stmt| {
                        !matches!(
                            stmt.kind,
                            StmtKind::Function { .. } | StmtKind::Class { .. }
                        )
                    })
                });
                let ends = body.and_then(|body| {
                    let last = settings.or(body.last())?;
                    Some((last.span.end, body.first()?.span.start))
                });
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

fn no_body(file: &RelPath, name: &str) -> Finding {
    Finding::refusal(
        "settings-not-found",
        format!("`{name}` is not defined in this file"),
    )
    .in_file(file)
    .help("name the settings file with `--settings FILE`")
}
