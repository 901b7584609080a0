//! What kind of sequence a computed value is, and whether anything below depends on it. Pure.

use super::is_conversion;
use crate::facts::settings::{Settings, Site};
use crate::python::syntax::{Expr, ExprKind, Operator, Sequence, StmtKind, walk};

/// What a computed value is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    List,
    Tuple,
    /// Any other that gives elements, as a set or a generator does.
    Other,
}

/// How far names that stand for names are followed.
pub(super) const MAX_NAMES: usize = 8;

/// The kind of a value, where its expression tells.
pub(super) fn kind(
    settings: &Settings<'_>,
    site: &Site,
    value: &Expr,
    names: usize,
) -> Option<Kind> {
    let kind = |value: &Expr| kind(settings, site, value, names);
    match &value.kind {
        ExprKind::Sequence(Sequence::List, _) => Some(Kind::List),
        ExprKind::Sequence(Sequence::Tuple, _) => Some(Kind::Tuple),
        ExprKind::Call { function, .. } if is_conversion(value) => match function.name() {
            Some("list") => Some(Kind::List),
            Some("tuple") => Some(Kind::Tuple),
            _ => Some(Kind::Other),
        },
        ExprKind::Comprehension { .. } => match site.module.text.get(value.span.start) {
            Some(b'[') => Some(Kind::List),
            _ => Some(Kind::Other),
        },
        ExprKind::Binary {
            left,
            operator: Operator::Add,
            right,
        } => kind(left).or_else(|| kind(right)),
        ExprKind::If { body, orelse, .. } => kind(body).filter(|body| kind(orelse) == Some(*body)),
        ExprKind::Name(name) if names > 0 => kind_of_name(settings, site, name, names - 1),
        _ => None,
    }
}

/// The kind of what a name is bound to, if that is one value.
fn kind_of_name(settings: &Settings<'_>, site: &Site, name: &str, names: usize) -> Option<Kind> {
    let wanted = [name.to_owned()];
    let here = settings.in_file(&site.file, &wanted).ok()?;
    let sites = if here.is_empty() {
        settings.named(&wanted).ok()?
    } else {
        here
    };
    match sites.as_slice() {
        [bound] => kind(settings, bound, bound.value.as_ref()?, names),
        _ => None,
    }
}

/// Whether nobody asks what a name holds: it is read as the value of a keyword alone, as in
/// `update(task_queues=task_queues)`.
pub(super) fn is_only_passed_on(site: &Site) -> bool {
    if !site.additions.is_empty() || site.varies {
        return false;
    }
    let Some(name) = bound_name(site) else {
        return true;
    };
    let (mut reads, mut passed) = (0, 0);
    walk(&site.module.body, &mut |stmt| {
        let read = match &stmt.kind {
            StmtKind::Assign { value, .. } => vec![value],
            _ => stmt.expressions(),
        };
        for expr in read {
            expr.walk(&mut |part| {
                reads += usize::from(part.name() == Some(name));
                if let ExprKind::Call { keywords, .. } = &part.kind {
                    let values = keywords.iter().map(|keyword| keyword.value.name());
                    passed += values.filter(|value| *value == Some(name)).count();
                }
            });
        }
    });
    reads == passed
}

/// The plain name that a statement binds: `task_queues` of `task_queues = …`.
pub(super) fn bound_name(site: &Site) -> Option<&str> {
    let text = std::str::from_utf8(site.stmt.of(&*site.module.text)).ok()?;
    let (name, _) = text.split_once('=')?;
    let name = name.split_once(':').map_or(name, |(name, _)| name).trim();
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(in_word)).then_some(name)
}
