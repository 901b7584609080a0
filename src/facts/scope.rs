//! The names that one module binds, and the code that runs when it is imported. Pure.

use crate::python::syntax::{Alias, Expr, Module, Stmt, StmtKind, walk};

/// One way in which a module binds a name.
#[derive(Clone, Copy, Debug)]
pub enum Binding<'a> {
    /// `import a.b as name`
    Import(&'a Alias),
    /// `from ..module import x as name`
    From {
        /// The module behind the dots.
        module: Option<&'a str>,
        /// How many dots.
        level: usize,
        /// What is imported.
        alias: &'a Alias,
    },
    /// `class name` and `def name`
    Definition(&'a Stmt),
    /// `name = value`
    Value(&'a Expr),
}

/// How a module binds a name: at its top level, else (an import in a function) anywhere.
pub fn bindings<'a>(module: &'a Module, name: &str) -> Vec<Binding<'a>> {
    let mut found = Vec::new();
    level(&module.body, &mut |stmt| binding(stmt, name, &mut found));
    if found.is_empty() {
        walk(&module.body, &mut |stmt| {
            if matches!(
                stmt.kind,
                StmtKind::Import { .. } | StmtKind::ImportFrom { .. }
            ) {
                binding(stmt, name, &mut found);
            }
        });
    }
    found
}

/// Visits the statements that run when a block runs: into `if`, `try`, loops; not into `def` and `class`.
pub fn level<'a>(block: &'a [Stmt], visit: &mut dyn FnMut(&'a Stmt)) {
    for stmt in block {
        visit(stmt);
        if matches!(
            stmt.kind,
            StmtKind::Function { .. } | StmtKind::Class { .. }
        ) {
            continue;
        }
        for inner in stmt.blocks() {
            level(inner, visit);
        }
    }
}

/// Visits every expression in a block, those in `def` and `class` too.
pub fn expressions<'a>(block: &'a [Stmt], visit: &mut dyn FnMut(&'a Expr)) {
    walk(block, &mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(visit);
        }
    });
}

fn binding<'a>(stmt: &'a Stmt, wanted: &str, found: &mut Vec<Binding<'a>>) {
    match &stmt.kind {
        StmtKind::Import { names } => {
            let bound = names.iter().filter(|alias| alias.bound() == wanted);
            found.extend(bound.map(Binding::Import));
        }
        StmtKind::ImportFrom {
            module,
            level,
            names,
        } => {
            let bound = names
                .iter()
                .filter(|alias| alias.alias.as_ref().unwrap_or(&alias.name) == wanted);
            found.extend(bound.map(|alias| Binding::From {
                module: module.as_deref(),
                level: *level,
                alias,
            }));
        }
        StmtKind::Function { name, .. } | StmtKind::Class { name, .. } if name.text == wanted => {
            found.push(Binding::Definition(stmt));
        }
        StmtKind::Assign { targets, value, .. }
            if targets.iter().any(|target| target.name() == Some(wanted)) =>
        {
            found.push(Binding::Value(value));
        }
        _ => {}
    }
}
