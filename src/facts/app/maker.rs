//! What makes a Celery app: the class, the service's subclasses of it, functions that return one. Pure.

use super::Candidate;
use crate::edit::Span;
use crate::facts::scope::{Binding, bindings, expressions};
use crate::facts::service::{Meaning, Service};
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Module, Stmt, StmtKind, walk};

/// A function or class of the service that makes a Celery app.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Maker {
    /// The file that defines it.
    pub file: RelPath,
    /// Its name.
    pub name: String,
    /// In a function: the variable that holds the app before it is returned.
    pub variable: Option<String>,
}

/// What a call that makes an app goes to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Made {
    /// Celery's own class.
    ByCelery,
    /// A function or class of the service.
    By(Maker),
}

/// Whether an expression is a call that makes an app, and what it goes to.
pub fn makes_app(service: &Service<'_>, file: &RelPath, value: &Expr) -> Option<Made> {
    makes(service, file, value, HOPS)
}

/// Whether the service's code shows how an app is made: then every call that loads its settings is in sight.
pub fn is_made_in_sight(service: &Service<'_>, app: &Candidate) -> bool {
    let Some(module) = service.module(&app.file) else {
        return false;
    };
    let mut made = app.maker.is_some();
    expressions(&module.body, &mut |expr| {
        made |= expr.span == app.call && makes_app(service, &app.file, expr).is_some();
    });
    made
}

/// Every function and class of the service that makes an app.
pub fn makers(service: &Service<'_>) -> Vec<Maker> {
    let mut found = Vec::new();
    for (file, module) in service.mentioning("Celery") {
        for stmt in &module.body {
            if let StmtKind::Function { name, .. } | StmtKind::Class { name, .. } = &stmt.kind {
                found.extend(defined(service, file, stmt, &name.text, HOPS));
            }
        }
    }
    found
}

/// Every call in a module that makes an app, wherever it stands.
pub(super) fn calls(service: &Service<'_>, file: &RelPath, module: &Module) -> Vec<Span> {
    let mut found = Vec::new();
    expressions(&module.body, &mut |expr| {
        if makes_app(service, file, expr).is_some() {
            found.push(expr.span);
        }
    });
    found
}

const HOPS: usize = 6;

fn makes(service: &Service<'_>, file: &RelPath, value: &Expr, hops: usize) -> Option<Made> {
    let ExprKind::Call { function, .. } = &value.kind else {
        return None;
    };
    let meaning = service.meaning_of(file, function)?;
    maker(service, &meaning, hops)
}

fn maker(service: &Service<'_>, meaning: &Meaning, hops: usize) -> Option<Made> {
    let hops = hops.checked_sub(1)?;
    let (file, name) = match meaning {
        Meaning::Library(name) => {
            let known = [
                "celery.Celery",
                "celery.app.Celery",
                "celery.app.base.Celery",
            ];
            return known.contains(&name.as_str()).then_some(Made::ByCelery);
        }
        Meaning::Module(_) => return None,
        Meaning::Bound { file, name } => (file, name),
    };
    let module = service.module(file)?;
    bindings(&module, name)
        .iter()
        .find_map(|binding| match binding {
            Binding::Definition(stmt) => defined(service, file, stmt, name, hops).map(Made::By),
            // C = Celery
            Binding::Value(value) => maker(service, &service.meaning_of(file, value)?, hops),
            Binding::Import(_) | Binding::From { .. } => None,
        })
}

fn defined(
    service: &Service<'_>,
    file: &RelPath,
    stmt: &Stmt,
    name: &str,
    hops: usize,
) -> Option<Maker> {
    let hops = hops.checked_sub(1)?;
    let variable = match &stmt.kind {
        StmtKind::Class { bases, .. } => {
            let is_base = |base: &Expr| {
                let meaning = service.meaning_of(file, base)?;
                maker(service, &meaning, hops)
            };
            bases.iter().find_map(is_base)?;
            None
        }
        StmtKind::Function { body, .. } => match returned(service, file, body, hops)? {
            Returned::Call => None,
            Returned::Variable(name) => Some(name),
        },
        _ => return None,
    };
    Some(Maker {
        file: file.clone(),
        name: name.to_owned(),
        variable,
    })
}

/// How a function hands out the app it makes.
enum Returned {
    Call,
    Variable(String),
}

/// How a function's body returns an app, if it does.
fn returned(service: &Service<'_>, file: &RelPath, body: &[Stmt], hops: usize) -> Option<Returned> {
    let mut made = Vec::new();
    let mut found = None;
    walk(body, &mut |stmt| match &stmt.kind {
        StmtKind::Assign { targets, value, .. } if makes(service, file, value, hops).is_some() => {
            made.extend(targets.iter().filter_map(Expr::name));
        }
        StmtKind::Return { value: Some(value) } => {
            let name = value.name().filter(|name| made.contains(name));
            if let Some(name) = name {
                found = Some(Returned::Variable(name.to_owned()));
            } else if makes(service, file, value, hops).is_some() {
                found = Some(Returned::Call);
            }
        }
        _ => {}
    });
    found
}
