//! The calls by which an app loads settings: `config_from_object`, its constructor, `conf.update`. Pure.

use crate::edit::Span;
use crate::facts::app::{Candidate, makes_app};
use crate::facts::modules::is_identifier;
use crate::facts::scope::expressions;
use crate::facts::service::{Meaning, Service};
use crate::facts::value::{keyword, string};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Keyword, Stmt, StmtKind};

/// Which call loads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Call {
    /// `app.config_from_object(…)`, `app.config_from_envvar(…)`
    Object,
    /// `Celery(…, config_source=…)`
    Constructor,
    /// `app.conf.update(…)`
    Update,
}

/// One call that loads settings into the app.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) call: Call,
    pub(super) file: RelPath,
    pub(super) span: Span,
    /// What is loaded; none for a constructor without `config_source`.
    pub(super) argument: Option<Expr>,
    /// The argument names an environment variable.
    pub(super) by_variable: bool,
    pub(super) namespace: Option<Expr>,
}

/// Every loading call on this app, in the app's file first.
pub(super) fn calls(service: &Service<'_>, app: &Candidate) -> Vec<Load> {
    let mut found = Vec::new();
    for file in files(service, app) {
        let Some(module) = service.module(&file) else {
            continue;
        };
        let own = Meaning::Bound {
            file: app.file.clone(),
            name: app.variable.clone(),
        };
        let is_app = |name: &str| match service.meaning(&file, name) {
            Some(meaning) => meaning == own,
            // A parameter: def init(app, celery)
            None => name == app.variable,
        };
        expressions(&module.body, &mut |expr| {
            found.extend(load(&file, expr, &is_app));
            if file == app.file && expr.span == app.call {
                found.extend(constructor(&file, expr));
            }
        });
    }
    found.extend(in_maker(service, app));
    found
}

/// The namespace of the last `config_from_object` that has one, else of the constructor.
pub(super) fn namespace(
    service: &Service<'_>,
    calls: &[Load],
) -> Result<Option<(String, RelPath, Span)>, Finding> {
    let given = |wanted: Call| {
        let of_kind = calls.iter().filter(move |load| load.call == wanted);
        of_kind
            .filter_map(|load| Some((load, load.namespace.as_ref()?)))
            .next_back()
    };
    let Some((load, expr)) = given(Call::Object).or_else(|| given(Call::Constructor)) else {
        return Ok(None);
    };
    match string(service, &load.file, expr) {
        Some(name) if name.is_empty() => Ok(None),
        Some(name) if is_identifier(&name) => Ok(Some((name, load.file.clone(), expr.span))),
        Some(name) => Err(Finding::refusal(
            "namespace-no-name",
            format!("no setting can have a name that begins with {name:?}"),
        )
        .at(&load.file, expr.span)
        .help("write an identifier: namespace='CELERY'")),
        None => Err(Finding::refusal(
            "namespace-unknown",
            "only running the service tells the namespace of the Celery settings",
        )
        .at(&load.file, expr.span)
        .help("write it as a literal: namespace='CELERY'")),
    }
}

/// Where the app's loading calls may stand.
fn files(service: &Service<'_>, app: &Candidate) -> Vec<RelPath> {
    let mut files = vec![app.file.clone()];
    for word in ["config_from_", "conf.update"] {
        for (file, _) in service.mentioning(word) {
            if !files.contains(file) {
                files.push(file.clone());
            }
        }
    }
    files
}

/// The loading calls in the function that makes the app.
fn in_maker(service: &Service<'_>, app: &Candidate) -> Vec<Load> {
    let mut found = Vec::new();
    let Some(maker) = &app.maker else {
        return found;
    };
    let Some(module) = service.module(&maker.file) else {
        return found;
    };
    for stmt in &module.body {
        let body: &[Stmt] = match &stmt.kind {
            StmtKind::Function { name, body, .. } | StmtKind::Class { name, body, .. }
                if name.text == maker.name =>
            {
                body
            }
            _ => continue,
        };
        let variable = maker.variable.as_deref().unwrap_or("self");
        let is_app = |name: &str| name == variable;
        expressions(body, &mut |expr| {
            found.extend(load(&maker.file, expr, &is_app));
            if makes_app(service, &maker.file, expr).is_some() {
                found.extend(constructor(&maker.file, expr));
            }
        });
    }
    found
}

fn load(file: &RelPath, expr: &Expr, is_app: &dyn Fn(&str) -> bool) -> Option<Load> {
    let ExprKind::Call {
        function,
        args,
        keywords,
        ..
    } = &expr.kind
    else {
        return None;
    };
    let ExprKind::Attribute { value, name } = &function.kind else {
        return None;
    };
    let (call, receiver) = match name.text.as_str() {
        "config_from_object" | "config_from_envvar" => (Call::Object, value.dotted()?),
        "update" => (
            Call::Update,
            value.dotted()?.strip_suffix(".conf")?.to_owned(),
        ),
        _ => return None,
    };
    if !is_app(&receiver) {
        return None;
    }
    let by_variable = name.text == "config_from_envvar";
    let argument = args
        .first()
        .or_else(|| keyword(keywords, "obj"))
        .or_else(|| keyword(keywords, "variable_name"))
        .or_else(|| unpacked(keywords, call));
    let is_literal = |expr: &&Expr| {
        matches!(expr.kind, ExprKind::Dict(_))
            || matches!(&expr.kind, ExprKind::Call { function, .. } if function.name() == Some("dict"))
    };
    Some(Load {
        call,
        file: file.clone(),
        span: expr.span,
        argument: argument.filter(|argument| !is_literal(argument)).cloned(),
        by_variable,
        // config_from_object(obj, silent, force, namespace)
        namespace: keyword(keywords, "namespace")
            .or_else(|| args.get(3))
            .filter(|value| call == Call::Object && value.kind != ExprKind::None)
            .cloned(),
    })
}

/// `conf.update(**settings)`
fn unpacked(keywords: &[Keyword], call: Call) -> Option<&Expr> {
    keywords
        .iter()
        .find(|keyword| keyword.name.is_none() && call == Call::Update)
        .map(|keyword| &keyword.value)
}

fn constructor(file: &RelPath, expr: &Expr) -> Option<Load> {
    let ExprKind::Call { keywords, .. } = &expr.kind else {
        return None;
    };
    let is_set = |value: &&Expr| value.kind != ExprKind::None;
    Some(Load {
        call: Call::Constructor,
        file: file.clone(),
        span: expr.span,
        argument: keyword(keywords, "config_source").filter(is_set).cloned(),
        by_variable: false,
        namespace: keyword(keywords, "namespace").filter(is_set).cloned(),
    })
}
