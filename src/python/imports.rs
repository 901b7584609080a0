//! How names of other modules come to be known in a file. Gives edits. Pure.

mod place;
mod section;
mod together;

use super::bindings::binds;
use super::style::{newline, starts_line};
use super::syntax::{Alias, Module, Stmt, StmtKind};
use crate::edit::{Edit, Span};
use place::{import_line, plain_line};

pub use together::together;

/// How names of one module come to be known in a file: the edits, and what each is called there.
#[derive(Debug, Default)]
pub struct Imported {
    /// What to change; empty where all is there.
    pub edits: Vec<Edit>,
    /// The local name of each wanted one, in order.
    pub names: Vec<String>,
}

/// How a new import line stands to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grouping {
    /// Straight below the last import.
    Adjacent,
    /// A group of its own, a blank line away from those of other kinds, as PEP 8 and isort have it;
    /// adjacent in a file that mixes kinds.
    Sectioned,
}

/// Makes `names` (sorted) of `package` known above the offset `before`.
///
/// ```text
/// import os                 import os
///                    ->     from kombu import Exchange, Queue
/// X = 1
///                           X = 1
/// ```
/// A name bound to something else is imported under another: `Queue as KombuQueue`.
pub fn import_names(
    module: &Module,
    package: &str,
    names: &[&str],
    before: usize,
    grouping: Grouping,
) -> Imported {
    let have = imports_above(module, before, |from| from == package);
    let mut wanted = Vec::new();
    let mut local = Vec::new();
    for name in names {
        let known = imports_above(module, before, |from| is_of(from, package))
            .iter()
            .find_map(|(_, aliases)| known_as(aliases, name))
            .filter(|known| !taken(module, package, name, known));
        if let Some(known) = known {
            local.push(known);
            continue;
        }
        let alias = taken(module, package, name, name).then(|| alias_for(module, package, name));
        local.push(alias.clone().unwrap_or_else(|| (*name).to_owned()));
        wanted.push(alias.map_or((*name).to_owned(), |alias| format!("{name} as {alias}")));
    }
    let edits = match have.iter().find(|(_, aliases)| {
        aliases
            .iter()
            .all(|alias| alias.alias.is_none() && alias.name != "*")
    }) {
        _ if wanted.is_empty() => Vec::new(),
        Some((stmt, aliases)) => extend(module, stmt, aliases, &wanted),
        None => vec![import_line(
            module,
            package,
            &format!("from {package} import {}", wanted.join(", ")),
            before,
            grouping,
        )],
    };
    Imported {
        edits,
        names: local,
    }
}

/// Makes a module of the standard library known above the offset `before`: `import os`, the edit if one is
/// needed. `None` where the file binds the name to something else.
pub fn import_module(
    module: &Module,
    name: &str,
    before: usize,
    grouping: Grouping,
) -> Option<Vec<Edit>> {
    let is_plain = |alias: &Alias| alias.bound() == name && alias.alias.is_none();
    let mut plain = Vec::new();
    super::syntax::walk(&module.body, &mut |stmt| {
        if let StmtKind::Import { names } = &stmt.kind {
            plain.extend(
                names
                    .iter()
                    .filter(|alias| is_plain(alias))
                    .map(|alias| alias.span),
            );
        }
    });
    if !binds(&module.body, name)
        .iter()
        .all(|span| plain.contains(span))
    {
        return None;
    }
    let known = module.body.iter().any(|stmt| match &stmt.kind {
        StmtKind::Import { names } => stmt.span.end <= before && names.iter().any(is_plain),
        _ => false,
    });
    if known {
        return Some(Vec::new());
    }
    Some(vec![plain_line(module, name, before, grouping)])
}

/// The `from … import` statements at module level above `before`, unconditional.
fn imports_above(
    module: &Module,
    before: usize,
    wanted: impl Fn(&str) -> bool,
) -> Vec<(&Stmt, &[Alias])> {
    let found = module.body.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::ImportFrom {
            module: Some(from),
            level: 0,
            names,
        } if wanted(from) && stmt.span.end <= before => Some((stmt, names.as_slice())),
        _ => None,
    });
    found.collect()
}

/// What an import calls a name of its module, where that still tells what it is: `Queue as KombuQueue`.
fn known_as(aliases: &[Alias], name: &str) -> Option<String> {
    aliases.iter().find_map(|alias| match alias.name.as_str() {
        "*" => Some(name.to_owned()),
        imported if imported == name && alias.bound().ends_with(name) => {
            Some(alias.bound().to_owned())
        }
        _ => None,
    })
}

/// Whether the file binds `local` to anything but the package's own `name`.
fn taken(module: &Module, package: &str, name: &str, local: &str) -> bool {
    let ours: Vec<Span> = all_imports(&module.body, package)
        .into_iter()
        .filter(|alias| alias.name == name)
        .map(|alias| alias.span)
        .collect();
    binds(&module.body, local)
        .iter()
        .any(|span| !ours.contains(span))
}

fn all_imports<'a>(block: &'a [Stmt], package: &str) -> Vec<&'a Alias> {
    let mut found = Vec::new();
    super::syntax::walk(block, &mut |stmt| {
        if let StmtKind::ImportFrom {
            module: Some(from),
            level: 0,
            names,
        } = &stmt.kind
            && is_of(from, package)
        {
            found.extend(names);
        }
    });
    found
}

/// Whether a module is the package or below it: `kombu.common` gives kombu's own `Queue`.
fn is_of(module: &str, package: &str) -> bool {
    module
        .strip_prefix(package)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// `KombuQueue`, with underscores where even that is bound.
fn alias_for(module: &Module, package: &str, name: &str) -> String {
    let mut letters = package.chars();
    let capital: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect();
    let mut alias = format!("{capital}{name}");
    while !binds(&module.body, &alias).is_empty() {
        alias.push('_');
    }
    alias
}

/// Names added to an import that is there: in order where its names are in order, else at the end.
fn extend(module: &Module, stmt: &Stmt, aliases: &[Alias], wanted: &[String]) -> Vec<Edit> {
    let text = &*module.text;
    let sorted = aliases.is_sorted_by(|a, b| a.name <= b.name);
    let own_lines = aliases
        .last()
        .is_some_and(|last| starts_line(text, last.span.start));
    let separator = |at: usize| {
        if own_lines {
            format!(
                ",{}{}",
                newline(text, at),
                super::style::indentation(text, at)
            )
        } else {
            ", ".to_owned()
        }
    };
    let mut edits = Vec::new();
    for name in wanted {
        if let Some(next) = aliases.iter().find(|alias| sorted && alias.name > *name) {
            let at = next.span.start;
            edits.push(Edit::insert(at, format!("{name}{}", separator(at))));
        } else {
            let last = aliases.last().map_or(stmt.span, |alias| alias.span);
            edits.push(Edit::insert(
                last.end,
                format!("{}{name}", separator(last.start)),
            ));
        }
    }
    edits
}
