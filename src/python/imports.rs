//! Where an import goes, so that isort and the reader agree. Gives edits. Pure.

use super::bindings::binds;
use super::style::{line_end, line_start, newline, next_line, starts_line};
use super::syntax::{Alias, Module, Stmt, StmtKind};
use crate::edit::{Edit, Span};

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
    let have = plain_imports(module, package, before);
    let mut wanted = Vec::new();
    let mut local = Vec::new();
    for name in names {
        if have.iter().any(|(_, aliases)| has(aliases, name)) {
            local.push((*name).to_owned());
            continue;
        }
        let alias = taken(module, package, name).then(|| alias_for(module, package, name));
        local.push(alias.clone().unwrap_or_else(|| (*name).to_owned()));
        wanted.push(alias.map_or((*name).to_owned(), |alias| format!("{name} as {alias}")));
    }
    let edits = match have
        .iter()
        .find(|(_, aliases)| aliases.iter().all(|a| a.alias.is_none()))
    {
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
    let statement = format!("import {name}");
    let edit = match first_import_block(module, before) {
        Some(block) => above_other_kinds(module, block, name, &statement, grouping),
        None => at_top(module, &statement, grouping),
    };
    Some(vec![edit])
}

/// The imports of `package`'s own names at module level above `before`, unconditional.
fn plain_imports<'a>(
    module: &'a Module,
    package: &str,
    before: usize,
) -> Vec<(&'a Stmt, &'a [Alias])> {
    let found = module.body.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::ImportFrom {
            module: Some(from),
            level: 0,
            names,
        } if from == package && stmt.span.end <= before => Some((stmt, names.as_slice())),
        _ => None,
    });
    found.collect()
}

fn has(aliases: &[Alias], name: &str) -> bool {
    aliases
        .iter()
        .any(|alias| alias.name == "*" || (alias.name == name && alias.bound() == name))
}

/// Whether the file binds `name` to anything but the package's own.
fn taken(module: &Module, package: &str, name: &str) -> bool {
    let ours: Vec<Span> = all_imports(&module.body, package)
        .into_iter()
        .filter(|alias| alias.name == name)
        .map(|alias| alias.span)
        .collect();
    binds(&module.body, name)
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
            && (from == package
                || from
                    .strip_prefix(package)
                    .is_some_and(|rest| rest.starts_with('.')))
        {
            found.extend(names);
        }
    });
    found
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

/// The edit that adds an import statement on a line of its own.
fn import_line(
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
        return match next_in_order(groups[at], package) {
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

/// isort's sections, in its order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Section {
    Future,
    Standard,
    ThirdParty,
    Local,
    /// More than one of them in one group: nobody sorts this file.
    Mixed,
}

/// The statements of a block, split where blank lines part them.
fn groups<'a>(text: &[u8], block: &'a [Stmt]) -> Vec<&'a [Stmt]> {
    block
        .chunk_by(|a, b| {
            let line = next_line(text, a.span.end);
            line > b.span.start || !line_is_blank(text, line)
        })
        .collect()
}

fn line_is_blank(text: &[u8], at: usize) -> bool {
    text[at..line_end(text, at)].trim_ascii().is_empty()
}

/// Whether a top-level module is of the standard library.
pub(super) fn is_standard(module: &str) -> bool {
    STANDARD_LIBRARY.contains(&module)
}

fn section(group: &[Stmt]) -> Section {
    let mut kinds = group.iter().map(section_of);
    let first = kinds.next().unwrap_or(Section::Mixed);
    if kinds.all(|kind| kind == first) {
        first
    } else {
        Section::Mixed
    }
}

fn section_of(stmt: &Stmt) -> Section {
    let name = match &stmt.kind {
        StmtKind::ImportFrom { level: 1.., .. } => return Section::Local,
        StmtKind::ImportFrom { module, .. } => module.as_deref(),
        StmtKind::Import { names } => names.first().map(|alias| alias.name.as_str()),
        _ => None,
    };
    match name.and_then(|name| name.split('.').next()) {
        Some("__future__") => Section::Future,
        Some(name) if is_standard(name) => Section::Standard,
        _ => Section::ThirdParty,
    }
}

/// The import in a sorted group that `from package import …` goes in front of.
fn next_in_order<'a>(group: &'a [Stmt], package: &str) -> Option<&'a Stmt> {
    let from = |stmt: &Stmt| match &stmt.kind {
        StmtKind::ImportFrom { module, .. } => module.as_deref().map(str::to_ascii_lowercase),
        _ => None,
    };
    let keys: Vec<Option<String>> = group.iter().map(from).collect();
    let at = group
        .iter()
        .zip(&keys)
        .position(|(_, key)| key.as_deref().is_some_and(|key| key > package))?;
    keys.is_sorted().then(|| &group[at])
}

/// Top-level modules of the standard libraries of Python 2.7 and 3 that settings import.
const STANDARD_LIBRARY: [&str; 84] = [
    "ConfigParser",
    "Queue",
    "StringIO",
    "abc",
    "argparse",
    "ast",
    "asyncio",
    "atexit",
    "base64",
    "bisect",
    "builtins",
    "cPickle",
    "calendar",
    "codecs",
    "collections",
    "configparser",
    "contextlib",
    "copy",
    "csv",
    "ctypes",
    "dataclasses",
    "datetime",
    "decimal",
    "distutils",
    "email",
    "enum",
    "errno",
    "fnmatch",
    "fractions",
    "functools",
    "gc",
    "getpass",
    "glob",
    "hashlib",
    "hmac",
    "html",
    "http",
    "imp",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "locale",
    "logging",
    "math",
    "mimetypes",
    "multiprocessing",
    "numbers",
    "operator",
    "os",
    "pathlib",
    "pickle",
    "pkgutil",
    "platform",
    "pprint",
    "queue",
    "random",
    "re",
    "secrets",
    "shlex",
    "shutil",
    "signal",
    "site",
    "smtplib",
    "socket",
    "sqlite3",
    "ssl",
    "stat",
    "string",
    "struct",
    "subprocess",
    "sys",
    "sysconfig",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "traceback",
    "types",
    "typing",
    "urllib",
    "uuid",
    "warnings",
];
