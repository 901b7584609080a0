//! Flask's `app.config` as the source of Celery's settings. Pure.

use super::{Way, by_meaning};
use crate::facts::Source;
use crate::facts::scope::expressions;
use crate::facts::service::{Meaning, Service};
use crate::facts::text::masked;
use crate::facts::value::{Value, evaluate};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Module, StmtKind, walk};

/// The source behind `app.config`, `app.config['CELERY']` and `app.config.get('CELERY')`.
pub(super) fn way(
    service: &Service<'_>,
    file: &RelPath,
    argument: &Expr,
) -> Result<Option<Source>, Finding> {
    let Some((mapping, key)) = mapping(argument) else {
        return Ok(None);
    };
    merged_in_place(service)?;
    let apps = flask_apps(service);
    let here = apps.iter().find(|(home, _)| home == file);
    let (home, mapping) = match (here, apps.as_slice()) {
        (Some((home, variable)), _) | (None, [(home, variable)]) => {
            (home.clone(), format!("{variable}.config"))
        }
        (None, []) => (file.clone(), mapping),
        (None, several) => {
            let message = format!(
                "{} Flask apps: which one's config does Celery load",
                several.len()
            );
            let finding = Finding::refusal("several-flask-apps", message).at(file, argument.span);
            let finding = several
                .iter()
                .fold(finding, |finding, (home, _)| finding.in_file(home));
            return Err(
                finding.help("name the file that defines the Celery settings: --settings FILE")
            );
        }
    };
    let copied = copied(service, &home, &mapping).map(Box::new);
    Ok(Some(Source::Flask {
        file: home,
        mapping: key.map_or(mapping.clone(), |key| format!("{mapping}[{key:?}]")),
        copied,
    }))
}

/// The mapping's own name, and the key asked of it.
fn mapping(argument: &Expr) -> Option<(String, Option<String>)> {
    let is_config = |expr: &Expr| expr.dotted().filter(|dotted| dotted.ends_with(".config"));
    match &argument.kind {
        ExprKind::Attribute { .. } => Some((is_config(argument)?, None)),
        ExprKind::Subscript { value, index } => Some((is_config(value)?, Some(index.string()?))),
        ExprKind::Call { function, args, .. } => {
            let ExprKind::Attribute { value, name } = &function.kind else {
                return None;
            };
            let key = args.first()?.string()?;
            (name.text == "get").then_some((is_config(value)?, Some(key)))
        }
        _ => None,
    }
}

/// `app.config.update(app.config.get('CELERY'))`: keys of two spellings end up in one mapping, and Celery
/// starts with neither.
fn merged_in_place(service: &Service<'_>) -> Result<(), Finding> {
    let mut found = None;
    for (file, module) in service.mentioning("config.update") {
        expressions(&module.body, &mut |expr| {
            let ExprKind::Call { function, args, .. } = &expr.kind else {
                return;
            };
            let config = function.dotted();
            let config = config.as_deref().and_then(|it| it.strip_suffix(".update"));
            let own = args.first().and_then(mapping);
            if let (Some(config), Some((mapping, Some(key)))) = (config, own)
                && config == mapping
            {
                found.get_or_insert((file.clone(), expr.span, mapping, key));
            }
        });
    }
    let Some((file, span, mapping, key)) = found else {
        return Ok(());
    };
    let message = format!("`{mapping}` takes over the settings in its own `{key}`");
    Err(Finding::refusal("flask-config-merged", message)
        .at(&file, span)
        .label("we cannot tell which spelling Celery reads from the whole")
        .help(format!(
            "load the one alone, `celery.config_from_object({mapping}['{key}'])`, then run again"
        )))
}

/// Every variable that holds a Flask app, one per file.
fn flask_apps(service: &Service<'_>) -> Vec<(RelPath, String)> {
    let mut found: Vec<(RelPath, String)> = Vec::new();
    for (file, module) in service.mentioning("Flask(") {
        walk(&module.body, &mut |stmt| {
            let StmtKind::Assign { targets, value, .. } = &stmt.kind else {
                return;
            };
            let ExprKind::Call { function, .. } = &value.kind else {
                return;
            };
            let is_flask = service.meaning_of(file, function)
                == Some(Meaning::Library("flask.Flask".to_owned()));
            let variable = targets.iter().find_map(Expr::name).filter(|_| is_flask);
            if let Some(variable) = variable
                && found.last().is_none_or(|(last, _)| last != file)
            {
                found.push((file.clone(), variable.to_owned()));
            }
        });
    }
    found
}

/// What `app.config.from_object(…)` copies, if it is one thing of the service.
fn copied(service: &Service<'_>, file: &RelPath, mapping: &str) -> Option<Source> {
    let module = service.module(file)?;
    let mut found = Vec::new();
    expressions(&module.body, &mut |expr| {
        let ExprKind::Call { function, args, .. } = &expr.kind else {
            return;
        };
        if function.dotted().as_deref() != Some(&format!("{mapping}.from_object")) {
            return;
        }
        let argument = args.first();
        let value = argument.and_then(|argument| evaluate(service, file, argument));
        let meaning = match value {
            Some(Value::Named(meaning)) => Some(meaning),
            Some(Value::Text(text)) => service.absolute(file, &text),
            None => argument
                .and_then(|argument| parameter_default(&module, argument))
                .and_then(|default| match literal(&default) {
                    Some(path) => service.absolute(file, path),
                    None => service.meaning(file, &default),
                }),
        };
        found.push(meaning.map(by_meaning));
    });
    match found.as_slice() {
        [Some(Way::Known(source))] => Some(source.clone()),
        _ => None,
    }
}

/// The text of a plain string literal.
fn literal(source: &str) -> Option<&str> {
    let quote = source
        .chars()
        .next()
        .filter(|first| "'\"".contains(*first))?;
    source.strip_prefix(quote)?.strip_suffix(quote)
}

/// The default of a parameter as written: `Config` for `config` in `def create_app(config=Config)`.
fn parameter_default(module: &Module, argument: &Expr) -> Option<String> {
    let parameter = argument.name()?;
    let mut found = None;
    walk(&module.body, &mut |stmt| {
        let StmtKind::Function { name, body, .. } = &stmt.kind else {
            return;
        };
        let Some(first) = body.first().filter(|_| stmt.span.contains(argument.span)) else {
            return;
        };
        let head = module.text.get(name.span.end..first.span.start);
        found = masked(head.unwrap_or_default())
            .split(['(', ',', ')'])
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| {
                name.split(':')
                    .next()
                    .is_some_and(|name| name.trim() == parameter)
            })
            .map(|(_, default)| default.trim().to_owned());
    });
    found
}
