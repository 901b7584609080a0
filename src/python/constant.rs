//! What a string expression spells, as far as the file says: `SERVICE_NAME + '-events'` in any of its
//! spellings. Pure.

use super::syntax::{Expr, ExprKind, FStringPart, Operator};

/// A piece of a string value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// These characters.
    Text(String),
    /// The value of a name that is no plain string constant.
    Name(String),
}

/// The parts that a string expression joins, or `None` where it does anything else.
///
/// `'%s-events' % NAME`, `'{}-events'.format(NAME)`, `f'{NAME}-events'` and `NAME + '-events'` all give
/// `[Name("NAME"), Text("-events")]`; a name for which `constant` knows the text gives that text.
pub fn fold(expr: &Expr, constant: &dyn Fn(&str) -> Option<String>) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    fold_into(expr, constant, &mut parts)?;
    Some(joined(parts))
}

/// The text of a string expression that depends on nothing else.
pub fn text(expr: &Expr, constant: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    match fold(expr, constant)?.as_slice() {
        [] => Some(String::new()),
        [Part::Text(text)] => Some(text.clone()),
        _ => None,
    }
}

/// Neighbouring texts as one.
pub fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    for part in parts {
        match (out.last_mut(), part) {
            (_, Part::Text(text)) if text.is_empty() => {}
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, part) => out.push(part),
        }
    }
    out
}

type Constants<'a> = &'a dyn Fn(&str) -> Option<String>;

fn fold_into(expr: &Expr, constant: Constants<'_>, parts: &mut Vec<Part>) -> Option<()> {
    match &expr.kind {
        ExprKind::String(_) => parts.push(Part::Text(expr.string()?)),
        ExprKind::Name(_) | ExprKind::Attribute { .. } => {
            let name = expr.dotted()?;
            parts.push(constant(&name).map_or(Part::Name(name), Part::Text));
        }
        ExprKind::FString(pieces) => {
            for piece in pieces {
                match piece {
                    FStringPart::Literal { value, .. } => parts.push(Part::Text(value.clone())),
                    FStringPart::Value(value) => fold_into(value, constant, parts)?,
                }
            }
        }
        ExprKind::Binary {
            left,
            operator: Operator::Add,
            right,
        } => {
            fold_into(left, constant, parts)?;
            fold_into(right, constant, parts)?;
        }
        ExprKind::Binary {
            left,
            operator: Operator::Modulo,
            right,
        } => {
            let values: Vec<&Expr> = match &right.kind {
                ExprKind::Sequence(_, items) => items.iter().collect(),
                _ => vec![right],
            };
            fill(&left.string()?, "%s", &values, constant, parts)?;
        }
        ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } if keywords.is_empty() => {
            let ExprKind::Attribute { value, name } = &function.kind else {
                return None;
            };
            if name.text != "format" {
                return None;
            }
            let format = value.string()?.replace("{0}", "{}");
            fill(
                &format,
                "{}",
                &args.iter().collect::<Vec<_>>(),
                constant,
                parts,
            )?;
        }
        _ => return None,
    }
    Some(())
}

/// A format string with its holes filled in order; any other directive in it gives up.
fn fill(
    format: &str,
    hole: &str,
    values: &[&Expr],
    constant: Constants<'_>,
    parts: &mut Vec<Part>,
) -> Option<()> {
    let pieces: Vec<&str> = format.split(hole).collect();
    if pieces.len() != values.len() + 1
        || pieces.iter().any(|piece| piece.contains(['%', '{', '}']))
    {
        return None;
    }
    for (at, piece) in pieces.iter().enumerate() {
        parts.push(Part::Text((*piece).to_owned()));
        if let Some(value) = values.get(at) {
            fold_into(value, constant, parts)?;
        }
    }
    Some(())
}
