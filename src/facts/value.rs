//! What a small expression evaluates to, as far as its text says. Pure: runs nothing, guesses nothing.

use crate::facts::scope::{Binding, bindings};
use crate::facts::service::{Meaning, Service};
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, FStringPart, Keyword, Operator, StmtKind};

/// A value that the code spells out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// A module, a class, or something of a library.
    Named(Meaning),
}

/// The value of an expression in a file, or `None` where only running it would tell.
///
/// A read of the environment has its default's value: `os.environ.get('X', 'a.b')` is `a.b`.
pub fn evaluate(service: &Service<'_>, file: &RelPath, expr: &Expr) -> Option<Value> {
    evaluate_within(service, file, expr, DEPTH)
}

/// The string that an expression in a file spells out.
pub fn string(service: &Service<'_>, file: &RelPath, expr: &Expr) -> Option<String> {
    match evaluate(service, file, expr)? {
        Value::Text(text) => Some(text),
        Value::Named(_) => None,
    }
}

/// The name of the environment variable that an expression reads.
pub fn environment_variable(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Subscript { value, index } if ends_with(value, &["environ"]) => index.string(),
        ExprKind::Call { function, args, .. } if reads_environment(function) => {
            args.first()?.string()
        }
        _ => None,
    }
}

/// What an expression gives where the environment variable that it reads is not set.
pub fn environment_default(expr: &Expr) -> Option<&Expr> {
    environment_variable(expr)?;
    let ExprKind::Call { args, keywords, .. } = &expr.kind else {
        return None;
    };
    argument(args, keywords, 1, "default")
}

/// The keyword argument of this name.
pub fn keyword<'a>(keywords: &'a [Keyword], name: &str) -> Option<&'a Expr> {
    keywords
        .iter()
        .find(|keyword| keyword.name.as_deref() == Some(name))
        .map(|keyword| &keyword.value)
}

/// The argument at this position, else the keyword of this name.
pub fn argument<'a>(
    args: &'a [Expr],
    keywords: &'a [Keyword],
    at: usize,
    name: &str,
) -> Option<&'a Expr> {
    args.get(at).or_else(|| keyword(keywords, name))
}

const DEPTH: usize = 8;

fn evaluate_within(
    service: &Service<'_>,
    file: &RelPath,
    expr: &Expr,
    depth: usize,
) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let text = |expr: &Expr| match evaluate_within(service, file, expr, depth)? {
        Value::Text(text) => Some(text),
        Value::Named(_) => None,
    };
    match &expr.kind {
        ExprKind::String(_) => expr.string().map(Value::Text),
        ExprKind::FString(parts) => {
            let parts: Option<Vec<String>> = parts
                .iter()
                .map(|part| match part {
                    FStringPart::Literal { value, .. } => Some(value.clone()),
                    FStringPart::Value(value) => text(value),
                })
                .collect();
            Some(Value::Text(parts?.concat()))
        }
        ExprKind::Binary {
            left,
            operator: Operator::Add,
            right,
        } => Some(Value::Text(text(left)? + &text(right)?)),
        ExprKind::Binary {
            left,
            operator: Operator::Modulo,
            right,
        } => {
            let (format, value) = (text(left)?, text(right)?);
            (format.matches('%').count() == 1 && format.contains("%s"))
                .then(|| Value::Text(format.replace("%s", &value)))
        }
        ExprKind::Name(name) if name == "__name__" => service.roots.dotted(file).map(Value::Text),
        ExprKind::Name(_) | ExprKind::Attribute { .. } => named(service, file, expr, depth),
        ExprKind::Subscript { value, index } if ends_with(value, &["modules"]) => {
            // sys.modules[__name__]
            service.absolute(file, &text(index)?).map(Value::Named)
        }
        ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } if reads_environment(function) => {
            let default = args.get(1).or_else(|| keyword(keywords, "default"))?;
            evaluate_within(service, file, default, depth)
        }
        ExprKind::Call { function, .. } => {
            // An instance stands for its class: config_from_object(CeleryConfig())
            let meaning = service.meaning_of(file, function)?;
            is_class(service, &meaning).then_some(Value::Named(meaning))
        }
        ExprKind::Or(values) => evaluate_within(service, file, values.last()?, depth),
        ExprKind::If { body, orelse, .. } => {
            let value = evaluate_within(service, file, body, depth)?;
            let other = evaluate_within(service, file, orelse, depth)?;
            (value == other).then_some(value)
        }
        _ => None,
    }
}

/// A name's value: what it is bound to, if that is one thing that can be followed.
fn named(service: &Service<'_>, file: &RelPath, expr: &Expr, depth: usize) -> Option<Value> {
    let meaning = service.meaning_of(file, expr)?;
    let Meaning::Bound { file: home, name } = &meaning else {
        return Some(Value::Named(meaning));
    };
    let module = service.module(home)?;
    let found = bindings(&module, name);
    match found.as_slice() {
        [Binding::Value(value)] => match &value.kind {
            ExprKind::Dict(_) => Some(Value::Named(meaning.clone())),
            ExprKind::Call { function, .. } if function.name() == Some("dict") => {
                Some(Value::Named(meaning.clone()))
            }
            _ => evaluate_within(service, home, value, depth),
        },
        [Binding::Definition(stmt), ..] if matches!(stmt.kind, StmtKind::Class { .. }) => {
            Some(Value::Named(meaning.clone()))
        }
        _ => None,
    }
}

fn is_class(service: &Service<'_>, meaning: &Meaning) -> bool {
    let Meaning::Bound { file, name } = meaning else {
        return false;
    };
    service.module(file).is_some_and(|module| {
        bindings(&module, name).iter().any(|binding| {
            matches!(binding, Binding::Definition(stmt) if matches!(stmt.kind, StmtKind::Class { .. }))
        })
    })
}

/// `os.environ.get`, `os.getenv`, and what django-environ, decouple and friends call themselves.
fn reads_environment(function: &Expr) -> bool {
    let Some(dotted) = function.dotted() else {
        return false;
    };
    let own = [
        "os.getenv",
        "getenv",
        "env",
        "env.str",
        "environ",
        "config",
        "decouple.config",
    ];
    own.contains(&dotted.as_str())
        || dotted.ends_with("environ.get")
        || dotted.ends_with("environ.setdefault")
}

fn ends_with(expr: &Expr, names: &[&str]) -> bool {
    expr.dotted().is_some_and(|dotted| {
        let last = dotted.rsplit('.').next().unwrap_or_default();
        names.contains(&last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn value(source: &str) -> String {
        let file = RelPath::parse("a.py").unwrap();
        let tree = Tree::memory([(file.clone(), source.as_bytes().to_vec())]);
        let service = Service::read(&tree);
        let module = service.module(&file).unwrap();
        let expr = bindings(&module, "X").first().map(|binding| match binding {
            Binding::Value(value) => (*value).clone(),
            other => panic!("{other:?}"),
        });
        match evaluate(&service, &file, &expr.unwrap()) {
            Some(Value::Text(text)) => text,
            Some(Value::Named(meaning)) => format!("{meaning:?}"),
            None => "unknown".to_owned(),
        }
    }

    #[test]
    fn strings_are_put_together() {
        assert_eq!(value("P = 'a'\nX = f'{P}.b'\n"), "a.b");
        assert_eq!(value("P = 'a'\nX = '%s.b' % P\n"), "a.b");
        assert_eq!(value("X = 'a' + '.b'\n"), "a.b");
    }

    #[test]
    fn the_environment_gives_its_default() {
        assert_eq!(value("X = os.environ.get('S', 'a.b')\n"), "a.b");
        assert_eq!(value("X = os.environ.get('S') or 'a.b'\n"), "a.b");
        assert_eq!(value("X = os.environ['S']\n"), "unknown");
    }

    #[test]
    fn a_name_bound_twice_is_unknown() {
        assert_eq!(value("A = 'x'\nif y:\n    A = 'z'\nX = A\n"), "unknown");
        assert_eq!(value("A = 'x'\nA = A\nX = A\n"), "unknown");
    }

    #[test]
    fn an_instance_stands_for_its_class() {
        assert!(value("class C: pass\nX = C()\n").contains("\"C\""));
        assert_eq!(value("X = make()\n"), "unknown");
    }

    #[test]
    fn a_name_that_names_itself_ends() {
        assert_eq!(value("X = X\n"), "unknown");
    }
}
