//! The values that a service's code gives environment variables: `DJANGO_SETTINGS_MODULE` above all. Pure.

use crate::edit::Span;
use crate::facts::service::Service;
use crate::facts::value::{environment_variable, keyword, string};
use crate::finding::{Finding, Place};
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Stmt, StmtKind};

/// A value that code gives an environment variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Default {
    /// The value; `None` where only running the code would tell.
    pub value: Option<String>,
    /// The expression that says so.
    pub place: Place,
    /// It stands in one arm of an `if`.
    pub conditional: bool,
}

/// What the first file with a say gives a variable, and notes on files that say otherwise.
///
/// The app's file speaks first, then manage.py, wsgi.py and asgi.py, then any other; a refusal where it
/// cannot be told.
pub fn default(
    service: &Service<'_>,
    first: &[&RelPath],
    variable: &str,
) -> Result<Option<(Default, Vec<Finding>)>, Finding> {
    let mut chosen: Option<Default> = None;
    let mut others = Vec::new();
    for file in speakers(service, first, variable) {
        let found = defaults(service, &file, variable);
        if found.is_empty() {
            continue;
        }
        match &chosen {
            None => chosen = Some(one(variable, &found)?),
            Some(_) if is_entry(&file) => others.extend(found),
            Some(_) => {}
        }
    }
    let Some(chosen) = chosen else {
        return Ok(None);
    };
    others.retain(|other| other.value != chosen.value && other.value.is_some());
    let notes = differing(variable, &chosen, &others);
    Ok(Some((chosen, notes)))
}

/// Every value that a file gives a variable, in text order.
pub fn defaults(service: &Service<'_>, file: &RelPath, variable: &str) -> Vec<Default> {
    let mut found = Vec::new();
    if let Some(module) = service.module(file) {
        let mut visit = |value: &Expr, conditional| {
            // setdefault(X, environ.get(X)) says nothing.
            if environment_variable(value).as_deref() == Some(variable)
                && string(service, file, value).is_none()
            {
                return;
            }
            found.push(Default {
                value: string(service, file, value),
                place: Place {
                    path: file.clone(),
                    span: Some(value.span),
                },
                conditional,
            });
        };
        values(&module.body, variable, false, &mut visit);
    }
    found
}

/// The files that may speak of a variable, those with most to say first.
fn speakers(service: &Service<'_>, first: &[&RelPath], variable: &str) -> Vec<RelPath> {
    let mut files: Vec<RelPath> = first.iter().map(|&file| file.clone()).collect();
    let mut rest: Vec<&RelPath> = service.mentioning(variable).map(|(file, _)| file).collect();
    let rank = |file: &&RelPath| {
        let order = ["manage.py", "wsgi.py", "asgi.py"];
        order
            .iter()
            .position(|name| *name == file.file_name())
            .unwrap_or(order.len())
    };
    rest.sort_by_key(rank);
    for file in rest {
        if !files.contains(file) {
            files.push(file.clone());
        }
    }
    files
}

fn is_entry(file: &RelPath) -> bool {
    ["manage.py", "wsgi.py", "asgi.py"].contains(&file.file_name())
}

/// The one value of those in a file: the unconditional one, or the one they agree on.
fn one(variable: &str, found: &[Default]) -> Result<Default, Finding> {
    let certain = found.iter().find(|default| !default.conditional);
    let first = certain.unwrap_or(&found[0]).clone();
    let differ = found.iter().any(|other| other.value != first.value);
    if certain.is_none() && differ {
        let message = format!("{variable} has {} defaults, by condition", found.len());
        return Err(
            places(Finding::refusal("several-settings-modules", message), found)
                .help("name the file that defines the Celery settings: --settings FILE"),
        );
    }
    Ok(first)
}

fn differing(variable: &str, chosen: &Default, others: &[Default]) -> Vec<Finding> {
    if others.is_empty() {
        return Vec::new();
    }
    let value = chosen.value.as_deref().unwrap_or_default();
    let message = format!("{variable} has more than one default: \"{value}\" is taken");
    let all: Vec<Default> = [chosen].into_iter().chain(others).cloned().collect();
    vec![
        places(Finding::note("settings-modules-differ", message), &all)
            .help("name another file with --settings FILE"),
    ]
}

fn places(finding: Finding, found: &[Default]) -> Finding {
    found
        .iter()
        .fold(finding, |finding, default| match default.place.span {
            Some(span) => finding.at(&default.place.path, span),
            None => finding.in_file(&default.place.path),
        })
}

/// Visits what a block assigns to the variable, with whether that depends on a condition.
fn values<'a>(
    block: &'a [Stmt],
    variable: &str,
    conditional: bool,
    visit: &mut dyn FnMut(&'a Expr, bool),
) {
    for stmt in block {
        if let StmtKind::Assign { targets, value, .. } = &stmt.kind
            && targets.iter().any(|target| {
                matches!(target.kind, ExprKind::Subscript { .. })
                    && environment_variable(target).as_deref() == Some(variable)
            })
        {
            visit(value, conditional);
            continue;
        }
        for expr in stmt.expressions() {
            expr.walk(&mut |expr| {
                if let Some(value) = given(expr, variable) {
                    visit(value, conditional);
                }
            });
        }
        let guarded = |inner: &Span| match &stmt.kind {
            StmtKind::If { arms } => {
                let is_main = |arm: &crate::python::syntax::Arm| {
                    arm.test.as_ref().is_some_and(|test| {
                        test.children()
                            .iter()
                            .any(|part| part.name() == Some("__name__"))
                    })
                };
                !arms
                    .iter()
                    .any(|arm| is_main(arm) && starts_at(&arm.body, *inner))
            }
            StmtKind::Try { handlers, .. } => handlers
                .iter()
                .any(|handler| starts_at(&handler.body, *inner)),
            _ => false,
        };
        for inner in stmt.blocks() {
            let Some(first) = inner.first() else { continue };
            values(inner, variable, conditional || guarded(&first.span), visit);
        }
    }
}

fn starts_at(body: &[Stmt], span: Span) -> bool {
    body.first().is_some_and(|first| first.span == span)
}

/// The value in `os.environ.setdefault(variable, value)`, `os.getenv(variable, value)` and the like.
fn given<'a>(expr: &'a Expr, variable: &str) -> Option<&'a Expr> {
    let ExprKind::Call {
        function,
        args,
        keywords,
        ..
    } = &expr.kind
    else {
        return None;
    };
    if function.dotted()?.ends_with("environ.update") {
        return keyword(keywords, variable).or_else(|| match &args.first()?.kind {
            ExprKind::Dict(items) => items.iter().find_map(|(key, value)| {
                (key.as_ref()?.string().as_deref() == Some(variable)).then_some(value)
            }),
            _ => None,
        });
    }
    (environment_variable(expr).as_deref() == Some(variable))
        .then(|| args.get(1).or_else(|| keyword(keywords, "default")))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn settings(files: &[(&str, &str)]) -> String {
        let tree = Tree::memory(
            files
                .iter()
                .map(|(path, text)| (RelPath::parse(path).unwrap(), text.as_bytes().to_vec())),
        );
        let service = Service::read(&tree);
        let first = RelPath::parse("p/celery.py").unwrap();
        match default(&service, &[&first], "DJANGO_SETTINGS_MODULE") {
            Ok(Some((default, notes))) => {
                format!("{} {}", default.value.unwrap_or_default(), notes.len())
            }
            Ok(None) => "none".to_owned(),
            Err(finding) => finding.code.to_owned(),
        }
    }

    fn set(value: &str) -> String {
        format!("import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', {value})\n")
    }

    #[test]
    fn the_app_speaks_before_manage_py() {
        let (app, manage) = (set("'a'"), set("'b'"));
        assert_eq!(
            settings(&[("p/celery.py", &app), ("manage.py", &manage)]),
            "a 1"
        );
        assert_eq!(
            settings(&[("p/celery.py", ""), ("manage.py", &manage)]),
            "b 0"
        );
        assert_eq!(settings(&[("p/celery.py", "")]), "none");
    }

    #[test]
    fn every_spelling_counts() {
        let index = "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'a'\n";
        assert_eq!(settings(&[("p/celery.py", index)]), "a 0");
        let nested = set("os.environ.get('X', 'a')");
        assert_eq!(settings(&[("p/celery.py", &nested)]), "a 0");
        let update = "os.environ.update({'DJANGO_SETTINGS_MODULE': 'a'})\n";
        assert_eq!(settings(&[("p/celery.py", update)]), "a 0");
    }

    #[test]
    fn arms_that_differ_are_refused() {
        let arms = "import os\nif x:\n    os.environ['DJANGO_SETTINGS_MODULE'] = 'a'\nelse:\n    os.environ['DJANGO_SETTINGS_MODULE'] = 'b'\n";
        assert_eq!(
            settings(&[("p/celery.py", arms)]),
            "several-settings-modules"
        );
        let main = "import os\nif __name__ == '__main__':\n    os.environ['DJANGO_SETTINGS_MODULE'] = 'a'\n";
        assert_eq!(settings(&[("manage.py", main)]), "a 0");
    }

    #[test]
    fn a_variable_that_repeats_itself_says_nothing() {
        let own = set("os.environ.get('DJANGO_SETTINGS_MODULE')");
        assert_eq!(
            settings(&[("p/celery.py", &own), ("manage.py", &set("'b'"))]),
            "b 0"
        );
    }
}
