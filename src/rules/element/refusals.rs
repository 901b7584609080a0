//! Why nothing can be added to a value as it is written.

use super::kind::bound_name;
use super::{Element, adds_list_to_tuple, is_none};
use crate::draft::Rank;
use crate::edit::Span;
use crate::facts::settings::Site;
use crate::finding::Finding;
use crate::python::syntax::{Expr, ExprKind};

pub(super) fn used(site: &Site, value: &Expr, element: &Element<'_>) -> Finding {
    let name = element.name;
    let message = format!("`{name}` is no tuple, and lines below need it as it is");
    Finding::refusal("setting-used", message)
        .at(&site.file, value.span)
        .label("to hold a second one, it would become a tuple")
        .help(format!(
            "write `{name}` as a tuple, and what uses it to match, then run again"
        ))
}

pub(super) fn computed(site: &Site, value: &Expr, element: &Element<'_>) -> Finding {
    if let ExprKind::Binary { left, right, .. } = &value.kind
        && adds_list_to_tuple(left, right)
    {
        return Finding::refusal(
            "list-plus-tuple",
            format!(
                "`{}` is a list plus a tuple: Python raises TypeError when it loads this",
                element.name
            ),
        )
        .at(&site.file, value.span)
        .help("write both as tuples, or both as lists, then run again");
    }
    refused(site, value.span, element)
}

pub(super) fn refused(site: &Site, span: Span, element: &Element<'_>) -> Finding {
    let name = element.name;
    if is_none(site) {
        return Finding::refusal(
            "setting-none",
            format!("`{name}` is None: there is nothing to add to"),
        )
        .at(&site.file, span)
        .help("remove it here, or write `()`, then run again");
    }
    // The empty tuple is a literal to add to. Routes may be a mapping, imports a string.
    let help = if element.rank == Rank::Queues && bound_name(site).is_some() {
        format!(
            "write `{name}` as a tuple, or append `{name} = tuple({name}) + ()` below it if it gives `Queue`s; then run again"
        )
    } else {
        format!("write `{name}` as a tuple, then run again")
    };
    Finding::refusal(
        "setting-computed",
        format!("`{name}` is computed: there is no literal to add to"),
    )
    .at(&site.file, span)
    .label("what this gives is known only when it runs")
    .help(help)
}
