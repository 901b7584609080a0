//! isort's sections: what kind of module a group of imports is of. Pure.

use crate::python::style::{line_end, next_line};
use crate::python::syntax::{Stmt, StmtKind};

/// isort's sections, in its order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Section {
    Future,
    Standard,
    ThirdParty,
    Local,
    /// More than one of them in one group: nobody sorts this file.
    Mixed,
}

/// The statements of a block, split where blank lines part them.
pub(super) fn groups<'a>(text: &[u8], block: &'a [Stmt]) -> Vec<&'a [Stmt]> {
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

/// The section that all of a group are in.
pub(super) fn section(group: &[Stmt]) -> Section {
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
