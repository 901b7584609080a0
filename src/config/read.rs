//! Reading the config, wherever the user keeps it.

use std::sync::Arc;

use toml_edit::{Document, Item};

use super::keys::{KEYS, Wrong, span_of};
use super::{Config, FILE};
use crate::edit::Span;
use crate::finding::{Finding, nearest};
use crate::lock::conflict_marker;
use crate::path::RelPath;
use crate::tree::{Entry, Tree};

/// The config of one service, and the file it stands in, if there is one.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Loaded {
    /// What the file says; nothing without a file.
    pub config: Config,
    /// The file and its text.
    pub(super) source: Option<Source>,
}

/// A file that holds a config.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Source {
    pub(super) path: RelPath,
    pub(super) text: Arc<[u8]>,
}

impl Loaded {
    /// The file that holds the config.
    pub fn path(&self) -> Option<&RelPath> {
        self.source.as_ref().map(|source| &source.path)
    }
}

/// Reads the service's config; no file is an empty config.
///
/// Everything else that is not a valid config is a refusal, with the place and the nearest valid key.
pub fn load(tree: &Tree) -> Result<Loaded, Finding> {
    let own = own_file(tree)?;
    let shared = pyproject(tree)?;
    if let (Some(own), Some(shared)) = (&own, &shared) {
        return Err(two_configs(own, shared));
    }
    let Some(source) = own.or(shared) else {
        return Ok(Loaded::default());
    };
    let config = parse(&source)?;
    Ok(Loaded {
        config,
        source: Some(source),
    })
}

/// Our table in a parsed file: the whole of our own file, one table of `pyproject.toml`.
pub(super) fn table<'a>(document: &'a Document<&str>, path: &RelPath) -> Option<&'a Item> {
    if path.as_str() == FILE {
        return Some(document.as_item());
    }
    document.get("tool")?.as_table_like()?.get(TABLE)
}

const PYPROJECT: &str = "pyproject.toml";
const TABLE: &str = "scaffold-events";

fn own_file(tree: &Tree) -> Result<Option<Source>, Finding> {
    let path = RelPath::root().join(FILE);
    match tree.entry(&path) {
        Entry::Missing => Ok(None),
        Entry::File(text) => Ok(Some(Source { path, text })),
        Entry::Directory => Err(unreadable(&path, "this is a directory")),
        Entry::TooLarge(size) => Err(unreadable(&path, &format!("it is {size} bytes large"))),
        Entry::Special(what) => Err(unreadable(&path, &format!("this is {what}"))),
        Entry::Outside => Err(unreadable(&path, "this link leads out of the service")),
        Entry::Unreadable(why) => Err(unreadable(&path, &why)),
    }
}

/// `pyproject.toml`, if it holds our table. A file that never names us is nobody's business of ours,
/// broken or not.
fn pyproject(tree: &Tree) -> Result<Option<Source>, Finding> {
    let path = RelPath::root().join(PYPROJECT);
    let Some(text) = tree.bytes(&path) else {
        return Ok(None);
    };
    let named = text
        .windows(TABLE.len())
        .any(|bytes| bytes == TABLE.as_bytes());
    if !named {
        return Ok(None);
    }
    let source = Source { path, text };
    match table(&document(&source)?, &source.path) {
        None => Ok(None),
        Some(item) if item.is_table_like() => Ok(Some(source)),
        Some(item) => {
            let message = format!("`tool.{TABLE}` must be a table, found {}", item.type_name());
            let finding = Finding::refusal("config-value", message)
                .help(format!("write a table `[tool.{TABLE}]`"));
            Err(place(finding, &source.path, span_of(item)))
        }
    }
}

fn parse(source: &Source) -> Result<Config, Finding> {
    let document = document(source)?;
    let mut config = Config::default();
    let Some(table) = table(&document, &source.path).and_then(Item::as_table_like) else {
        return Ok(config);
    };
    for (name, item) in table.iter() {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            let span = table.key(name).and_then(toml_edit::Key::span);
            return Err(unknown_key(name, &source.path, span.map(to_span)));
        };
        (key.read)(&mut config, item).map_err(|Wrong { why, span }| {
            let finding = Finding::refusal("config-value", format!("{name}: {why}"));
            place(finding, &source.path, span)
        })?;
    }
    Ok(config)
}

fn document(source: &Source) -> Result<Document<&str>, Finding> {
    let text = std::str::from_utf8(&source.text).map_err(|error| {
        let at = error.valid_up_to();
        Finding::refusal("config-not-utf8", "this file is not UTF-8, as TOML must be")
            .at(&source.path, Span::new(at, at + 1))
            .label("not UTF-8 from here")
            .help(format!("save {} as UTF-8", source.path))
    })?;
    Document::parse(text).map_err(|error| {
        if let Some(marker) = conflict_marker(&source.text) {
            return Finding::refusal(
                "config-conflict",
                "this file has conflict markers of a merge",
            )
            .at(&source.path, marker)
            .help("decide between the sides, delete the markers, then run again");
        }
        let message = error.message();
        let why = message.split('\n').next().unwrap_or(message);
        let finding = Finding::refusal("config-syntax", format!("this is not TOML: {why}"));
        place(finding, &source.path, error.span().map(to_span))
    })
}

fn unknown_key(name: &str, path: &RelPath, span: Option<Span>) -> Finding {
    let names = KEYS.map(|key| key.name);
    let help = match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the keys are {}", names.join(", ")),
    };
    let finding = Finding::refusal("config-unknown-key", format!("there is no key `{name}`"));
    place(finding, path, span).help(help)
}

fn two_configs(own: &Source, shared: &Source) -> Finding {
    Finding::refusal(
        "config-twice",
        format!(
            "both {} and [tool.{TABLE}] in {} configure this service",
            own.path, shared.path
        ),
    )
    .in_file(&own.path)
    .in_file(&shared.path)
    .help(format!(
        "move what you need into one of them and delete the other, as in `rm {FILE}`"
    ))
}

fn unreadable(path: &RelPath, why: &str) -> Finding {
    Finding::refusal("config-unreadable", format!("{path} cannot be read: {why}"))
        .in_file(path)
        .help("make it a file that this user can read, or remove it")
}

fn place(finding: Finding, path: &RelPath, span: Option<Span>) -> Finding {
    match span {
        Some(span) => finding.at(path, span),
        None => finding.in_file(path),
    }
}

fn to_span(range: std::ops::Range<usize>) -> Span {
    Span::new(range.start, range.end)
}
