//! A string expression as the runs of characters it is made of. Pure.

use crate::edit::Span;
use crate::python::syntax::{Expr, ExprKind, FStringPart, Operator};

/// A run of a string's characters: literal text, or something put in when it runs.
pub(super) enum Segment {
    Literal {
        content: Span,
        value: String,
        verbatim: bool,
        percent: bool,
    },
    /// The expression, where it is one of its own.
    Hole(Option<Expr>),
}

/// Stands for whatever is put in.
pub(super) const HOLE: char = '\u{1}';

impl Segment {
    /// Its text, or the one character that stands for it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Literal { value, .. } => value.clone(),
            Self::Hole(_) => HOLE.to_string(),
        }
    }
}

/// The pieces of a string expression in order.
pub(super) fn flatten(expr: &Expr, percent: bool, segments: &mut Vec<Segment>) {
    match &expr.kind {
        ExprKind::String(pieces) => segments.extend(pieces.iter().map(|piece| Segment::Literal {
            content: piece.content,
            value: piece.value.clone(),
            verbatim: piece.verbatim,
            percent,
        })),
        ExprKind::FString(parts) => segments.extend(parts.iter().map(|part| match part {
            FStringPart::Literal {
                span,
                value,
                verbatim,
            } => Segment::Literal {
                content: *span,
                value: value.clone(),
                verbatim: *verbatim,
                percent,
            },
            FStringPart::Value(value) => Segment::Hole(Some((**value).clone())),
        })),
        ExprKind::Binary {
            left,
            operator: Operator::Add,
            right,
        } => {
            flatten(left, percent, segments);
            flatten(right, percent, segments);
        }
        ExprKind::Binary {
            left,
            operator: Operator::Modulo,
            ..
        } => flatten(left, true, segments),
        ExprKind::Call { function, .. } if is_format(expr) => {
            if let ExprKind::Attribute { value, .. } = &function.kind {
                flatten(value, percent, segments);
            }
        }
        _ => segments.push(Segment::Hole(Some(expr.clone()))),
    }
}

/// `'…'.format(…)`.
pub(super) fn is_format(expr: &Expr) -> bool {
    let ExprKind::Call { function, .. } = &expr.kind else {
        return false;
    };
    matches!(
        &function.kind,
        ExprKind::Attribute { value, name }
            if name.text == "format" && matches!(value.kind, ExprKind::String(_) | ExprKind::FString(_))
    )
}

/// The byte of the file that is the character at `at` of the joined text; `None` where it is an escape.
pub(super) fn position(segments: &[Segment], at: usize) -> Option<(Span, bool)> {
    let mut start = 0;
    for segment in segments {
        let length = segment.shown().len();
        if at < start + length {
            let Segment::Literal {
                content,
                verbatim: true,
                percent,
                ..
            } = segment
            else {
                return None;
            };
            let byte = content.start + (at - start);
            return Some((Span::new(byte, byte + 1), *percent));
        }
        start += length;
    }
    None
}
