//! What says the same, and the parts of a file that can say it. Pure.

use crate::celery::one_setting;
use crate::edit::Span;
use crate::python::meaning::expression;
use crate::python::syntax::{Expr, ExprKind, Module, Stmt, walk};
use crate::unwire::piece::parted;

/// Whether two targets or keys name one setting: `app.conf.CELERY_QUEUES` and `app.conf.task_queues`.
pub(super) fn is_one_name(one: &str, other: &str) -> bool {
    let ((holder, bare), (other_holder, other_bare)) = (parted(one), parted(other));
    one == other || holder == other_holder && one_setting(bare, other_bare)
}

/// Whether two parts say the same, or name one module that was moved to another package.
pub(super) fn is_same(words: &[String], found: &str, ours: &str) -> bool {
    fn last<'t>(words: &[String], text: &'t str) -> Option<&'t str> {
        let (_, name) = text
            .strip_prefix('"')?
            .strip_suffix('"')?
            .rsplit_once('.')?;
        words.iter().any(|word| word == name).then_some(name)
    }
    found == ours || last(words, found).is_some_and(|name| Some(name) == last(words, ours))
}

/// What a statement of this meaning binds the name to.
pub(super) fn bound_value<'t>(meaning: &'t str, name: &str) -> Option<&'t str> {
    meaning.strip_prefix(name)?.strip_prefix('=')
}

/// The items of a literal or the arguments of a call, each with the key that names it.
pub(super) fn keyed_items<'e>(
    module: &Module,
    expr: &'e Expr,
) -> Vec<(Option<String>, &'e Expr, Span)> {
    match &expr.kind {
        ExprKind::Sequence(_, items) => items.iter().map(|item| (None, item, item.span)).collect(),
        ExprKind::Dict(items) => (items.iter().zip(item_spans(expr)))
            .filter_map(|((key, value), span)| {
                let key = expression(module, key.as_ref()?);
                Some((Some(key), value, span))
            })
            .collect(),
        ExprKind::Call { keywords, .. } => keywords
            .iter()
            .map(|keyword| (keyword.name.clone(), &keyword.value, keyword.span))
            .collect(),
        _ => Vec::new(),
    }
}

pub(super) fn item_spans(expr: &Expr) -> Vec<Span> {
    match &expr.kind {
        ExprKind::Sequence(_, items) => items.iter().map(|item| item.span).collect(),
        ExprKind::Dict(items) => items
            .iter()
            .map(|(key, value)| Span::new(key.as_ref().unwrap_or(value).span.start, value.span.end))
            .collect(),
        ExprKind::Call { args, keywords, .. } => {
            let mut spans: Vec<Span> = args.iter().map(|arg| arg.span).collect();
            spans.extend(keywords.iter().map(|keyword| keyword.span));
            spans.sort_unstable();
            spans
        }
        _ => Vec::new(),
    }
}

pub(super) fn each_expression<'m>(block: &'m [Stmt], visit: &mut dyn FnMut(&'m Expr)) {
    walk(block, &mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(visit);
        }
    });
}

/// The first URL with an escaped slash for its vhost.
pub(super) fn url(module: &Module) -> Option<Span> {
    let mut found = None;
    each_expression(&module.body, &mut |expr| {
        let text = expr.span.of(&*module.text);
        let is_string = matches!(expr.kind, ExprKind::String(_) | ExprKind::FString(_));
        if is_string && text.windows(3).any(|part| part == b"%2F") {
            found.get_or_insert(expr.span);
        }
    });
    found
}
