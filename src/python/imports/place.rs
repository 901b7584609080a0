//! Where an import line goes, so that isort and the reader agree. Pure.

use super::Grouping;
use super::section::{Section, groups, section};
use crate::edit::Edit;
use crate::python::style::{line_end, line_start, newline, next_line, starts_line};
use crate::python::syntax::{Module, Stmt, StmtKind};

/// The edit that adds an import statement on a line of its own.
pub(super) fn import_line(
    module: &Module,
    package: &str,
    statement: &str,
    before: usize,
    grouping: Grouping,
) -> Edit {
    match first_import_block(module, before) {
        Some(block) => in_block(module, block, package, statement, grouping),
        None => at_top(module, statement, grouping),
    }
}

/// The edit that adds `import name` on a line of its own.
pub(super) fn plain_line(module: &Module, name: &str, before: usize, grouping: Grouping) -> Edit {
    let statement = format!("import {name}");
    match first_import_block(module, before) {
        Some(block) => above_other_kinds(module, block, name, &statement, grouping),
        None => at_top(module, &statement, grouping),
    }
}

/// The first run of import statements at module level, if all of it stands above `before`.
fn first_import_block(module: &Module, before: usize) -> Option<&[Stmt]> {
    let start = module.body.iter().position(is_import)?;
    let length = module.body[start..]
        .iter()
        .take_while(|stmt| is_import(stmt))
        .count();
    let block = &module.body[start..start + length];
    (block.last()?.span.end <= before).then_some(block)
}

fn is_import(stmt: &Stmt) -> bool {
    matches!(
        stmt.kind,
        StmtKind::Import { .. } | StmtKind::ImportFrom { .. }
    )
}

fn in_block(
    module: &Module,
    block: &[Stmt],
    package: &str,
    statement: &str,
    grouping: Grouping,
) -> Edit {
    let text = &*module.text;
    let groups = groups(text, block);
    let kinds: Vec<Section> = groups.iter().map(|group| section(group)).collect();
    let last = |group: &'_ [Stmt]| group.last().expect("a group is never empty").span.end;
    if let Some(at) = kinds.iter().position(|&kind| kind == Section::ThirdParty) {
        return match next_in_order(groups[at], package, first_name(statement)) {
            Some(next) if starts_line(text, next.span.start) => {
                let newline = newline(text, next.span.end);
                Edit::insert(next.span.start, format!("{statement}{newline}"))
            }
            _ => below(text, last(groups[at]), statement, ""),
        };
    }
    let standard = kinds.iter().rposition(|&kind| kind < Section::ThirdParty);
    let grouped = grouping == Grouping::Sectioned || groups.len() > 1;
    match standard {
        Some(at) if grouped && !kinds.contains(&Section::Mixed) => {
            let end = last(groups[at]);
            below(text, end, statement, newline(text, end))
        }
        _ => below(text, last(block), statement, ""),
    }
}

/// Among the plain imports of the standard library, in order; without any, in front of all but `__future__`.
fn above_other_kinds(
    module: &Module,
    block: &[Stmt],
    name: &str,
    statement: &str,
    grouping: Grouping,
) -> Edit {
    let text = &*module.text;
    let groups = groups(text, block);
    let kinds: Vec<Section> = groups.iter().map(|group| section(group)).collect();
    if let Some(at) = kinds.iter().position(|&kind| kind == Section::Standard) {
        let group = groups[at];
        let plain = |stmt: &&Stmt| matches!(stmt.kind, StmtKind::Import { .. });
        let first_name = |stmt: &Stmt| match &stmt.kind {
            StmtKind::Import { names } => names.first().map(|alias| alias.name.clone()),
            _ => None,
        };
        let later = |stmt: &&Stmt| first_name(stmt).is_none_or(|other| other.as_str() > name);
        return match (group.iter().find(later), group.iter().rfind(plain)) {
            (Some(next), _) if starts_line(text, next.span.start) => {
                in_front(text, next.span.start, statement, "")
            }
            (_, Some(last)) => below(text, last.span.end, statement, ""),
            (_, None) => below(text, group[group.len() - 1].span.end, statement, ""),
        };
    }
    let first = kinds.iter().position(|&kind| kind != Section::Future);
    let last_future = |end: usize| below(text, end, statement, newline(text, end));
    match first {
        Some(at) if starts_line(text, groups[at][0].span.start) => {
            let start = groups[at][0].span.start;
            let gap = match (kinds[at], grouping) {
                (Section::Mixed, _) | (_, Grouping::Adjacent) => "",
                _ => newline(text, start),
            };
            in_front(text, start, statement, gap)
        }
        _ => last_future(block[block.len() - 1].span.end),
    }
}

/// On a line of its own in front of the statement that begins a line at `start`, `gap` behind it.
fn in_front(text: &[u8], start: usize, statement: &str, gap: &str) -> Edit {
    Edit::insert(start, format!("{statement}{}{gap}", newline(text, start)))
}

/// On a line of its own below the physical line of `end`, `gap` above it.
fn below(text: &[u8], end: usize, statement: &str, gap: &str) -> Edit {
    let newline = newline(text, end);
    let at = line_end(text, end);
    let end = if at == text.len() { newline } else { "" };
    Edit::insert(at, format!("{newline}{gap}{statement}{end}"))
}

/// No import to go by: below docstring and leading comments, above everything else.
fn at_top(module: &Module, statement: &str, grouping: Grouping) -> Edit {
    let text = &*module.text;
    let docstring = module.body.first().filter(|stmt| is_docstring(stmt));
    let next = module.body.get(usize::from(docstring.is_some()));
    let gap = match (grouping, next.map(|next| &next.kind)) {
        (Grouping::Adjacent, _) | (_, None) => 0,
        (_, Some(StmtKind::Class { .. } | StmtKind::Function { .. })) => 2,
        _ => 1,
    };
    match (docstring, next) {
        (Some(doc), Some(next)) if line_end(text, doc.span.end) >= next.span.start => {
            Edit::insert(next.span.start, format!("{statement}; "))
        }
        (Some(doc), _) => below_docstring(text, doc, statement, gap),
        (None, Some(next)) => {
            let at = above_comments(text, next.span.start);
            let newline = newline(text, at);
            Edit::insert(at, format!("{statement}{newline}{}", newline.repeat(gap)))
        }
        (None, None) => {
            let end = newline(text, text.len());
            let open = !text.is_empty() && !matches!(text.last(), Some(b'\n' | b'\r'));
            let start = if open { end } else { "" };
            Edit::insert(text.len(), format!("{start}{statement}{end}"))
        }
    }
}

/// Below a docstring and the blank lines behind it, with as many blank lines behind the import, or `gap`.
fn below_docstring(text: &[u8], doc: &Stmt, statement: &str, gap: usize) -> Edit {
    let newline = newline(text, doc.span.end);
    let mut at = next_line(text, doc.span.end);
    if at == line_end(text, doc.span.end) {
        return Edit::insert(at, format!("{newline}{statement}{newline}"));
    }
    let mut blank = false;
    while at < text.len() && line_end(text, at) == at {
        at = next_line(text, at);
        blank = true;
    }
    let behind = gap.max(usize::from(blank));
    Edit::insert(
        at,
        format!("{statement}{newline}{}", newline.repeat(behind)),
    )
}

/// The begin of the comment lines directly above a statement, where a blank line parts them from others.
fn above_comments(text: &[u8], stmt: usize) -> usize {
    let own = line_start(text, stmt);
    let mut at = own;
    while at > 0 {
        let above = line_start(text, at - 1 - usize::from(text[..at].ends_with(b"\r\n")));
        let line = text[above..line_end(text, above)].trim_ascii();
        if line.is_empty() {
            return at;
        }
        if !line.starts_with(b"#") || above == 0 {
            break;
        }
        at = above;
    }
    own
}

fn is_docstring(stmt: &Stmt) -> bool {
    matches!(&stmt.kind, StmtKind::Expr { value } if value.string().is_some())
}

/// The first name that `from package import …` imports.
fn first_name(statement: &str) -> &str {
    let names = statement
        .split_once(" import ")
        .map_or("", |(_, names)| names);
    names.split([',', ' ']).next().unwrap_or_default()
}

/// The import in a sorted group that `from package import …` goes in front of.
fn next_in_order<'a>(group: &'a [Stmt], package: &str, name: &str) -> Option<&'a Stmt> {
    let from = |stmt: &Stmt| match &stmt.kind {
        StmtKind::ImportFrom { module, names, .. } => {
            let first = names.first().map(|alias| alias.name.clone());
            Some((module.as_deref()?.to_ascii_lowercase(), first))
        }
        _ => None,
    };
    let ours = Some((package.to_owned(), Some(name.to_owned())));
    let keys: Vec<_> = group.iter().map(from).collect();
    let at = keys.iter().position(|key| *key > ours)?;
    keys.is_sorted().then(|| &group[at])
}
