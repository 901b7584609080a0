//! The listener among the modules that a worker imports.

use super::element::{Element, add, held, is_unset};
use super::names::Scope;
use super::{Context, define, quoted};
use crate::celery::Setting;
use crate::draft::{Draft, Rank};
use crate::facts::settings::{Home, Site};
use crate::finding::{Finding, Level};
use crate::python::constant::text;
use crate::python::insert::{Container, Item, LINE_WIDTH};
use crate::python::syntax::{Expr, ExprKind};

const WHAT: &str = "listener import";

/// Ensures that every live binding of the imports names the listener; creates the setting where absent.
pub fn ensure(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let listener = context
        .facts
        .layout
        .module(&context.contract.listener_module);
    let sites = context.settings.find(Setting::Imports)?;
    if is_unset(context, &sites) {
        return create(context, draft, &listener);
    }
    for site in &sites {
        let constant = |name: &str| context.settings.constant(name);
        let elements = held(site);
        let joined = elements
            .iter()
            .filter_map(|element| joined_by_accident(context, site, element));
        draft.findings.extend(joined);
        let named = |element: &&Expr| text(element, &constant).as_deref() == Some(&listener);
        if elements.iter().any(named) {
            continue;
        }
        let name = context.settings.spellings(Setting::Imports).remove(0);
        let item = Item::flat(like_siblings(site, &listener));
        let element = Element {
            name: &name,
            item,
            entry: None,
            is_single: is_module,
            what: WHAT,
            rank: Rank::Imports,
        };
        add(&context.settings, draft, site, &element)?;
    }
    Ok(())
}

fn create(context: &Context<'_>, draft: &mut Draft, listener: &str) -> Result<(), Finding> {
    if let Home::Members { .. } = context.settings.home
        && let Some(done) = in_constructor(context, draft, listener)
    {
        return done;
    }
    let scope = Scope::end(context)?;
    let unit = crate::python::style::indent_unit(&scope.module);
    let module = quoted(&scope.module, scope.before, listener);
    let flat = format!("({module},)");
    let name = context.settings.dialect.spell(Setting::Imports);
    // black keeps a tuple of one on one line where it fits.
    let fits = scope.indent.len() + name.len() + " = ".len() + flat.len() <= LINE_WIDTH;
    let block = (!fits).then(|| format!("(\n{unit}{module},\n)"));
    let value = Item { flat, block };
    define(
        context,
        draft,
        &scope,
        Setting::Imports,
        Rank::Imports,
        &value,
        WHAT,
    )
}

/// `Celery('orders', include=['orders.tasks'])`: the service names its modules there.
fn in_constructor(
    context: &Context<'_>,
    draft: &mut Draft,
    listener: &str,
) -> Option<Result<(), Finding>> {
    let app = &context.facts.app;
    let site = context.constructor_argument("include")?;
    let value = site.value.as_ref()?;
    let constant = |name: &str| context.settings.constant(name);
    if held(&site)
        .iter()
        .any(|element| text(element, &constant).as_deref() == Some(listener))
    {
        return Some(Ok(()));
    }
    let item = Item::flat(like_siblings(&site, listener));
    let grown = item.flat.len() + ", ".len();
    let literal = matches!(value.kind, ExprKind::Sequence(..));
    if !(literal && draft.append(&app.file, &site.module, value, item, WHAT)) {
        return None;
    }
    if let Some((module, _, call)) = context.constructor()
        && let ExprKind::Call {
            args,
            keywords,
            arguments,
            ..
        } = &call.kind
    {
        let edits = Container::of_call(args, keywords, *arguments).spread(&module, grown);
        draft.edit(&app.file, &module, edits, WHAT);
    }
    Some(Ok(()))
}

/// The module's name in the quotes of the strings beside it.
fn like_siblings(site: &Site, listener: &str) -> String {
    let sibling = held(site)
        .into_iter()
        .rev()
        .find_map(|element| match &element.kind {
            ExprKind::String(pieces) => {
                let piece = pieces.last()?;
                site.module.text.get(piece.span.end - 1).copied()
            }
            _ => None,
        });
    match sibling {
        Some(quote @ (b'\'' | b'"')) => format!("{0}{listener}{0}", char::from(quote)),
        _ => quoted(&site.module, site.stmt.end, listener),
    }
}

/// `'b' 'c'` among imports: more often a missing comma than a long name.
fn joined_by_accident(context: &Context<'_>, site: &Site, element: &Expr) -> Option<Finding> {
    let ExprKind::String(pieces) = &element.kind else {
        return None;
    };
    let joined = element.string()?;
    if pieces.len() < 2 {
        return None;
    }
    let is_own = |module: &str| context.facts.roots.locate(context.tree, module).is_some();
    let two_modules = !is_own(&joined) && pieces.iter().any(|piece| is_own(&piece.value));
    let level = if two_modules {
        Level::Error
    } else {
        Level::Warning
    };
    let message = format!("two strings without a comma: Celery imports `{joined}`");
    Some(
        Finding::new("strings-joined", level, message)
            .at(&site.file, element.span)
            .label("is a comma missing here?")
            .help("if these are two modules, put a comma between them"),
    )
}

/// One module by itself.
pub fn is_module(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::String(_))
}
