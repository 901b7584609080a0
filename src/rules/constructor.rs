//! The call that makes the app, and what it is given.

use std::sync::Arc;

use crate::edit::Span;
use crate::facts::settings::Site;
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Module, walk};
use crate::rules::Context;

impl Context<'_> {
    /// An argument of the call that makes the app, as a binding.
    pub fn constructor_argument(&self, name: &str) -> Option<Site> {
        let (module, stmt, call) = self.constructor()?;
        let value = keyword(&call, name)?.clone();
        Some(argument(&self.facts.app.file, &module, stmt, value))
    }

    /// The call that makes the app, and its statement.
    pub fn constructor(&self) -> Option<(Arc<Module>, Span, Expr)> {
        let app = &self.facts.app;
        let module = self.tree.python(&app.file).ok()?;
        let mut found = None;
        walk(&module.body, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if part.span == app.call {
                        found = Some((stmt.span, part.clone()));
                    }
                });
            }
        });
        let (stmt, call) = found?;
        Some((module, stmt, call))
    }
}

/// An argument, as a binding.
pub(super) fn argument(file: &RelPath, module: &Arc<Module>, stmt: Span, value: Expr) -> Site {
    Site {
        file: file.clone(),
        module: Arc::clone(module),
        stmt,
        top: stmt,
        value: Some(value),
        additions: Vec::new(),
        only: true,
        varies: false,
    }
}

/// The value of a keyword argument.
pub(super) fn keyword<'e>(call: &'e Expr, name: &str) -> Option<&'e Expr> {
    match &call.kind {
        ExprKind::Call { keywords, .. } => keywords
            .iter()
            .find(|keyword| keyword.name.as_deref() == Some(name))
            .map(|keyword| &keyword.value),
        _ => None,
    }
}
