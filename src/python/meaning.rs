//! What a piece of Python says, without how it is written: two texts of one meaning give one string.
//!
//! Pure. Layout, quotes, joined strings, parentheses and trailing commas do not count.

use super::syntax::{Alias, Expr, ExprKind, FStringPart, Module, Sequence, Stmt, StmtKind};

/// The meaning of an expression.
pub fn expression(module: &Module, expr: &Expr) -> String {
    let of = |expr: &Expr| expression(module, expr);
    let all = |exprs: &[Expr]| exprs.iter().map(of).collect::<Vec<_>>().join(",");
    match &expr.kind {
        ExprKind::Name(name) => name.clone(),
        ExprKind::String(_) => format!("{:?}", expr.string().unwrap_or_default()),
        ExprKind::FString(parts) => {
            let part = |part: &FStringPart| match part {
                FStringPart::Literal { value, .. } => format!("{value:?}"),
                FStringPart::Value(value) => of(value),
            };
            format!("f[{}]", parts.iter().map(part).collect::<String>())
        }
        ExprKind::Number(text) => text.clone(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::None => "None".to_owned(),
        ExprKind::Sequence(kind, items) => {
            let (open, close) = match kind {
                Sequence::Tuple | Sequence::BareTuple => ('(', ')'),
                Sequence::List => ('[', ']'),
                Sequence::Set => ('{', '}'),
            };
            format!("{open}{}{close}", all(items))
        }
        ExprKind::Dict(items) => {
            let entry = |(key, value): &(Option<Expr>, Expr)| entry(module, key.as_ref(), value);
            format!(
                "{{{}}}",
                items.iter().map(entry).collect::<Vec<_>>().join(",")
            )
        }
        ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } => {
            let mut parts: Vec<String> = args.iter().map(of).collect();
            parts.extend(keywords.iter().map(|keyword| {
                let name = keyword.name.as_deref().unwrap_or("**");
                format!("{name}={}", of(&keyword.value))
            }));
            format!("{}({})", of(function), parts.join(","))
        }
        ExprKind::Attribute { value, name } => format!("{}.{}", of(value), name.text),
        ExprKind::Subscript { value, index } => format!("{}[{}]", of(value), of(index)),
        ExprKind::Starred(value) => format!("*{}", of(value)),
        ExprKind::Bytes
        | ExprKind::Binary { .. }
        | ExprKind::Or(_)
        | ExprKind::If { .. }
        | ExprKind::Comprehension { .. }
        | ExprKind::Other { .. } => spelled(module, expr),
    }
}

/// The meaning of an entry of a dict.
pub fn entry(module: &Module, key: Option<&Expr>, value: &Expr) -> String {
    let key = key.map_or_else(|| "**".to_owned(), |key| expression(module, key));
    format!("{key}:{}", expression(module, value))
}

/// The meaning of a simple statement; `None` for one that holds others.
pub fn statement(module: &Module, stmt: &Stmt) -> Option<String> {
    let of = |expr: &Expr| expression(module, expr);
    Some(match &stmt.kind {
        StmtKind::Assign { targets, value, .. } => {
            let targets: Vec<String> = targets.iter().map(of).collect();
            format!("{}={}", targets.join("="), of(value))
        }
        StmtKind::Augment { target, add, value } => {
            format!(
                "{}{}={}",
                of(target),
                if *add { '+' } else { '?' },
                of(value)
            )
        }
        StmtKind::Import { names } => {
            let one = |alias: &Alias| format!("{} as {}", alias.name, alias.bound());
            let names: Vec<String> = names.iter().map(one).collect();
            format!("import {}", names.join(","))
        }
        StmtKind::Expr { value } => of(value),
        _ => return None,
    })
}

/// Its text without blanks between its parts, for what has no form of its own: `A+'b'` for `A + "b"`.
fn spelled(module: &Module, expr: &Expr) -> String {
    let mut children = expr.children();
    children.sort_by_key(|child| child.span.start);
    let mut out = String::new();
    let mut at = expr.span.start;
    let between = |from: usize, to: usize, out: &mut String| {
        let text = String::from_utf8_lossy(&module.text[from..to.max(from)]);
        let kept = text
            .chars()
            .filter(|c| !c.is_whitespace() && !"()".contains(*c));
        out.extend(kept);
    };
    for child in children {
        if child.span.start < at {
            continue;
        }
        between(at, child.span.start, &mut out);
        out.push_str(&expression(module, child));
        at = child.span.end;
    }
    between(at, expr.span.end, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::parse::parse;

    fn meaning(text: &str) -> String {
        let module = parse(text.as_bytes().into()).unwrap();
        statement(&module, &module.body[0]).unwrap()
    }

    #[test]
    fn layout_and_quotes_do_not_count() {
        let one = "Q = (\n    Queue(NAME + '-events', x),  # mine\n    {'a': 'b' 'c'},\n)";
        let other = "Q = (Queue((NAME+\"-events\"), x), {\"a\": \"bc\"})";
        assert_eq!(meaning(one), meaning(other));
        assert_ne!(meaning(one), meaning(&one.replace('x', "y")));
        assert_ne!(meaning("a = b - c"), meaning("a = b + c"));
        assert_ne!(meaning("a += b"), meaning("a = b"));
    }
}
