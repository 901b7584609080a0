//! One more element in a setting that holds several, whatever it is written as. Gives edits or refuses.

mod kind;
mod refusals;

use super::Context;
use crate::draft::{Anchor, Draft, Rank};
use crate::edit::Span;
use crate::facts::settings::{Settings, Site};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::insert::{Container, Item, parenthesized, wrap_in_tuple};
use crate::python::style::line_end;
use crate::python::syntax::{Expr, ExprKind, Module, Operator};
use kind::{Kind, MAX_NAMES, is_only_passed_on, kind};
use refusals::{computed, refused, used};

/// What is to be added.
pub struct Element<'a> {
    /// The setting as spelled here, for messages and for an appended statement.
    pub name: &'a str,
    /// The element of a sequence.
    pub item: Item,
    /// The entry of a mapping: `'key': value`.
    pub entry: Option<Item>,
    /// Whether a value that is no sequence stands for one with a single element.
    pub is_single: fn(&Expr) -> bool,
    /// A few words for the report.
    pub what: &'a str,
    /// Where it ranks among statements added at one place.
    pub rank: Rank,
}

/// Adds the element to one live binding: in its last unconditional literal, or by a statement behind it.
pub fn add(
    settings: &Settings<'_>,
    draft: &mut Draft,
    site: &Site,
    element: &Element<'_>,
) -> Result<(), Finding> {
    outside_errors(site, site.top)?;
    if let Some(literal) = last_literal(site) {
        return into(draft, site, literal, element);
    }
    let Some(value) = &site.value else {
        return behind_additions(draft, site, element);
    };
    match spots(value, element.is_single) {
        Ok(spots) if spots.iter().all(|spot| !matches!(spot, Spot::Nowhere)) => {
            for spot in spots {
                match spot {
                    Spot::Literal(literal) => into(draft, site, literal, element)?,
                    Spot::Single(single) if is_only_passed_on(site) => {
                        wrap(draft, site, single, element);
                    }
                    Spot::Single(single) => return Err(used(site, single, element)),
                    Spot::Nowhere => {}
                }
            }
            Ok(())
        }
        Ok(_) if site.only && site.stmt == site.top && starts_with(site, site.stmt, element) => {
            match kind(settings, site, value, MAX_NAMES) {
                Some(_) if is_only_passed_on(site) => {
                    statement(draft, site, element, Kind::Other);
                    Ok(())
                }
                Some(kind @ (Kind::List | Kind::Tuple)) => {
                    statement(draft, site, element, kind);
                    Ok(())
                }
                Some(Kind::Other) | None => Err(computed(site, value, element)),
            }
        }
        Ok(_) => Err(computed(site, value, element)),
        Err(offender) => Err(computed(site, offender, element)),
    }
}

/// The elements that a value is seen to hold, through concatenation and `tuple([…])`; a mapping's values.
pub fn elements(value: &Expr) -> Vec<&Expr> {
    match &value.kind {
        ExprKind::Sequence(_, items) => items.iter().flat_map(unstarred).collect(),
        ExprKind::Binary {
            left,
            operator: Operator::Add | Operator::Or,
            right,
        } => elements(left).into_iter().chain(elements(right)).collect(),
        ExprKind::If { body, orelse, .. } => {
            elements(body).into_iter().chain(elements(orelse)).collect()
        }
        ExprKind::Call { args, .. } if is_conversion(value) => {
            args.iter().flat_map(elements).collect()
        }
        ExprKind::Name(_) | ExprKind::Comprehension { .. } => Vec::new(),
        _ => vec![value],
    }
}

/// The elements that a live binding holds for certain.
pub fn held(site: &Site) -> Vec<&Expr> {
    let mut held: Vec<&Expr> = site.value.iter().flat_map(elements).collect();
    for added in &site.additions {
        if added.element {
            held.push(&added.value);
        } else {
            held.extend(elements(&added.value));
        }
    }
    held
}

/// Whether a setting is absent, or `NAME = None` alone, which says nothing: a binding below it in the same
/// file is all that counts.
pub fn is_unset(context: &Context<'_>, sites: &[Site]) -> bool {
    let home = context.settings.home.file();
    sites.iter().all(|site| {
        // A key or a keyword cannot be given twice.
        let statement = site.value.as_ref().map(|value| value.span.end) == Some(site.stmt.end);
        is_none(site) && statement && site.file == *home
    })
}

fn is_none(site: &Site) -> bool {
    let none = matches!(
        site.value.as_ref().map(|value| &value.kind),
        Some(ExprKind::None)
    );
    none && site.additions.is_empty()
}

/// Refuses where a statement that we would touch is one that the parser could not read.
pub fn outside_errors(site: &Site, stmt: Span) -> Result<(), Finding> {
    is_read(&site.file, &site.module, stmt)
}

/// Whether the parser could read all of a statement, and where it ends.
pub fn is_read(file: &RelPath, module: &Module, stmt: Span) -> Result<(), Finding> {
    let text = &*module.text;
    let error = module.errors.iter().find(|error| {
        let at = error.span.start;
        // Right behind it, `(1, 2) print`: the statement goes on in a way that is not read.
        let behind = at >= stmt.end && text[stmt.end..at].trim_ascii().is_empty();
        let behind = behind && at <= line_end(text, stmt.end);
        error.span.overlaps(stmt) || stmt.contains(error.span) || behind
    });
    match error {
        None => Ok(()),
        Some(error) => {
            let finding =
                Finding::refusal("syntax-in-setting", "a statement to edit does not parse")
                    .at(file, error.span)
                    .label(error.message.clone());
            if error.message.contains("unindent") {
                let help =
                    "indent by tabs or by spaces, not by both: replace this line's tab by spaces";
                return Err(finding.at(file, stmt).help(help));
            }
            Err(finding.help("mend the syntax error, then run again"))
        }
    }
}

enum Spot<'e> {
    Literal(&'e Expr),
    Single(&'e Expr),
    /// No literal here: a name, a comprehension.
    Nowhere,
}

/// The literals to add to so that every way the value can come out has the element once.
fn spots(value: &Expr, is_single: fn(&Expr) -> bool) -> Result<Vec<Spot<'_>>, &Expr> {
    match &value.kind {
        ExprKind::Sequence(..) | ExprKind::Dict(_) if !is_single(value) => {
            Ok(vec![Spot::Literal(value)])
        }
        ExprKind::Call { args, .. } if is_conversion(value) => match args.as_slice() {
            [inner] => spots(inner, |_| false),
            _ => Err(value),
        },
        ExprKind::Binary {
            left,
            operator: Operator::Add,
            right,
        } => {
            if adds_list_to_tuple(left, right) {
                return Err(value);
            }
            let right = spots(right, |_| false)?;
            if right.iter().any(|spot| matches!(spot, Spot::Nowhere)) {
                return spots(left, |_| false);
            }
            Ok(right)
        }
        ExprKind::If { body, orelse, .. } => {
            let mut both = spots(body, is_single)?;
            both.extend(spots(orelse, is_single)?);
            Ok(both)
        }
        _ if is_single(value) => Ok(vec![Spot::Single(value)]),
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Comprehension { .. } => {
            Ok(vec![Spot::Nowhere])
        }
        _ => Err(value),
    }
}

/// `[…] + (…)` is a `TypeError` when the settings load.
fn adds_list_to_tuple(left: &Expr, right: &Expr) -> bool {
    match (&left.kind, &right.kind) {
        (ExprKind::Sequence(left, _), ExprKind::Sequence(right, _)) => left != right,
        _ => false,
    }
}

/// The last unconditional addition that is a literal.
fn last_literal(site: &Site) -> Option<&Expr> {
    let literals = site
        .additions
        .iter()
        .rev()
        .filter(|added| !added.element && added.key.is_none());
    literals
        .map(|added| &added.value)
        .find(|value| Container::of(value).is_some())
}

fn into(
    draft: &mut Draft,
    site: &Site,
    literal: &Expr,
    element: &Element<'_>,
) -> Result<(), Finding> {
    let item = match &literal.kind {
        ExprKind::Dict(_) => element
            .entry
            .as_ref()
            .ok_or_else(|| computed(site, literal, element))?,
        _ => &element.item,
    };
    draft.append(
        &site.file,
        &site.module,
        literal,
        item.clone(),
        element.what,
    );
    Ok(())
}

fn wrap(draft: &mut Draft, site: &Site, single: &Expr, element: &Element<'_>) {
    if parenthesized(&site.module.text, single.span).is_some() {
        let note = format!(
            "`{}` was no tuple: the parentheses held one value and no comma",
            element.name
        );
        draft
            .findings
            .push(Finding::note("not-a-tuple", note).at(&site.file, single.span));
    }
    let edits = wrap_in_tuple(
        &site.module,
        single.span,
        std::slice::from_ref(&element.item),
    );
    draft.edit(&site.file, &site.module, edits, element.what);
}

/// `NAME = tuple(NAME) + (item,)`: the value is made somewhere else, the name is bound once. Where what it is
/// matters to others, `NAME += [item]`, of its own kind.
fn statement(draft: &mut Draft, site: &Site, element: &Element<'_>, kind: Kind) {
    let name = element.name;
    let indent = crate::python::style::indent_unit(&site.module);
    let item = &element.item.flat;
    let text = match kind {
        Kind::List => format!("{name} += [\n{indent}{item},\n]"),
        Kind::Tuple => format!("{name} += (\n{indent}{item},\n)"),
        Kind::Other => format!("{name} = tuple({name}) + (\n{indent}{item},\n)"),
    };
    let above = site.additions.last().map_or(site.stmt, |added| added.top);
    draft.define(
        &site.file,
        &site.module,
        Anchor::Behind(above.end, above.start),
        element.rank,
        text,
        element.what,
    );
}

/// Only additions are visible (the base is imported from outside): one more of them.
fn behind_additions(draft: &mut Draft, site: &Site, element: &Element<'_>) -> Result<(), Finding> {
    let last = site
        .additions
        .last()
        .filter(|added| added.key.is_none() && added.stmt == added.top)
        .filter(|added| starts_with(site, added.stmt, element));
    let Some(last) = last else {
        let span = site.additions.last().map_or(site.stmt, |added| added.stmt);
        return Err(refused(site, span, element));
    };
    let text = format!("{}.append({})", element.name, element.item.flat);
    draft.define(
        &site.file,
        &site.module,
        Anchor::Behind(last.top.end, last.top.start),
        element.rank,
        text,
        element.what,
    );
    Ok(())
}

/// Whether a statement is about the bare name: `task_queues = …`, not `app.conf.task_queues = …`, which
/// to read is to load the settings.
fn starts_with(site: &Site, stmt: Span, element: &Element<'_>) -> bool {
    let rest = stmt
        .of(&*site.module.text)
        .strip_prefix(element.name.as_bytes());
    rest.and_then(<[u8]>::first)
        .is_some_and(|next| !next.is_ascii_alphanumeric() && *next != b'_')
}

fn is_conversion(value: &Expr) -> bool {
    matches!(
        &value.kind,
        ExprKind::Call { function, args, keywords, .. }
            if keywords.is_empty() && args.len() == 1
                && matches!(function.name(), Some("tuple" | "list" | "set" | "frozenset"))
    )
}

fn unstarred(item: &Expr) -> Vec<&Expr> {
    match &item.kind {
        ExprKind::Starred(value) => elements(value),
        _ => vec![item],
    }
}
