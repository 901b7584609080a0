//! Whether an expression is what is looked for, or reaches it behind our back. Pure.

use super::flow::Flow;
use super::{Opaque, Target};
use crate::edit::Span;
use crate::python::syntax::{Expr, ExprKind, Stmt, StmtKind, walk};

impl Flow<'_, '_> {
    pub(super) fn is_name(&self, name: &str) -> bool {
        match self.target {
            Target::Name(names) => names.iter().any(|wanted| wanted == name),
            Target::Member(..) => false,
        }
    }

    pub(super) fn is_target(&self, expr: &Expr) -> bool {
        match (self.target, &expr.kind) {
            (Target::Name(names), ExprKind::Name(name)) => names.contains(name),
            (Target::Member(object, names), ExprKind::Attribute { value, name }) => {
                names.contains(&name.text) && self.scope.is(value, object)
            }
            (Target::Member(object, names), ExprKind::Subscript { value, index }) => {
                self.scope.is(value, object)
                    && index.string().is_some_and(|key| names.contains(&key))
            }
            _ => false,
        }
    }

    /// The key, if this is `TARGET['key']`.
    pub(super) fn key_of_target<'a>(&self, expr: &'a Expr) -> Option<&'a Expr> {
        match &expr.kind {
            ExprKind::Subscript { value, index } if self.is_target(value) => Some(index),
            _ => None,
        }
    }

    pub(super) fn binds_one(&self, targets: &[Expr]) -> bool {
        targets.iter().any(|target| self.binds_inside(target))
    }

    pub(super) fn binds_inside(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Sequence(_, items) => items.iter().any(|item| self.binds_inside(item)),
            ExprKind::Starred(value) => self.binds_inside(value),
            _ => self.is_target(expr),
        }
    }

    /// `globals()['NAME']`, `setattr(module, 'NAME', …)`, `exec "NAME = …"` and their like: the names are
    /// strings there.
    pub(super) fn dynamic(&self, expr: &Expr) -> Option<Opaque> {
        self.dynamic_in(std::iter::once(expr), expr.span)
    }

    /// The same of several expressions together: a loop over names and the door in its body.
    pub(super) fn dynamic_in<'e>(
        &self,
        exprs: impl Iterator<Item = &'e Expr>,
        span: Span,
    ) -> Option<Opaque> {
        let Target::Name(names) = self.target else {
            return None;
        };
        let (mut door, mut mentioned) = (None, false);
        let mut look = |part: &Expr| {
            let through = match &part.kind {
                ExprKind::Call { function, .. } => match function.name() {
                    Some("globals" | "locals" | "vars") => Some("set through a mapping of names"),
                    Some("setattr") => Some("set by `setattr`"),
                    Some("exec") => Some("set by `exec`"),
                    _ => None,
                },
                ExprKind::Attribute { name, .. } if name.text == "__dict__" => {
                    Some("set through a mapping of names")
                }
                _ => None,
            };
            door = door.or(through);
            mentioned |= match &part.kind {
                ExprKind::String(_) => part
                    .string()
                    .is_some_and(|text| names.iter().any(|name| mentions(&text, name))),
                ExprKind::Call { keywords, .. } => keywords.iter().any(|keyword| {
                    keyword
                        .name
                        .as_ref()
                        .is_some_and(|name| names.contains(name))
                }),
                _ => false,
            };
        };
        for expr in exprs {
            expr.walk(&mut look);
        }
        let why = door.filter(|_| mentioned)?;
        Some(opaque_at("bound-dynamically", why, span))
    }

    pub(super) fn first_addition(&self, block: &[Stmt]) -> Option<Span> {
        let mut found = None;
        walk(block, &mut |stmt| {
            let adds = match &stmt.kind {
                StmtKind::Augment { target, .. } => self.is_target(target),
                StmtKind::Assign { targets, .. } => targets
                    .iter()
                    .any(|target| self.key_of_target(target).is_some()),
                StmtKind::Expr { value } => match &value.kind {
                    ExprKind::Call { function, .. } => matches!(
                        &function.kind,
                        ExprKind::Attribute { value, .. } if self.is_target(value)
                    ),
                    _ => false,
                },
                _ => false,
            };
            if adds {
                found.get_or_insert(stmt.span);
            }
        });
        found
    }

    pub(super) fn first_mention(&self, stmt: &Stmt) -> Option<Span> {
        let mut found = None;
        walk(std::slice::from_ref(stmt), &mut |stmt| {
            if let StmtKind::Assign { targets, .. } = &stmt.kind {
                for target in targets.iter().filter(|target| self.is_target(target)) {
                    found.get_or_insert(target.span);
                }
            }
        });
        found
    }
}

fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        !text[..at].ends_with(word) && !text[at + name.len()..].starts_with(word)
    })
}

pub(super) fn opaque(code: &'static str, why: &'static str, stmt: &Stmt) -> Opaque {
    opaque_at(code, why, stmt.span)
}

pub(super) fn opaque_at(code: &'static str, why: &'static str, span: Span) -> Opaque {
    Opaque { code, why, span }
}
