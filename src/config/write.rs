//! Writing what `init` settled on, without touching what the user wrote.

use toml_edit::{Document, Item, Table, TableLike, Value};

use super::keys::{KEYS, span_of};
use super::read::{Loaded, Source, table};
use super::{Config, FILE};
use crate::edit::{Edit, EditSet, Span};
use crate::path::RelPath;
use crate::python::style::{line_start, newline, next_line};

/// The config file with every key of `settled` in it: the user's file with the missing ones added,
/// else a new `scaffold-events.toml`.
///
/// ```toml
/// [tool.scaffold-events]  # ours
/// route = "router"        # stays, whatever was settled
/// name = "orders"         # added
/// ```
pub fn write(loaded: &Loaded, settled: &Config) -> (RelPath, Vec<u8>) {
    match &loaded.source {
        None => (RelPath::root().join(FILE), new_file(settled)),
        Some(source) => (source.path.clone(), extended(source, settled)),
    }
}

/// The user's file with these string values in place of what it says, and without the keys whose value is
/// `None`. Keys that are not there are not added.
pub fn revised(loaded: &Loaded, values: &[(&str, Option<String>)]) -> Option<(RelPath, Vec<u8>)> {
    let source = loaded.source.as_ref()?;
    let mut text = String::from_utf8(source.text.to_vec()).expect("`load` read it as UTF-8");
    for (name, value) in values {
        let document = Document::parse(text.as_str()).expect("`load` parsed it");
        let table = table(&document, &source.path)?;
        let Some(pair) = pairs(table).into_iter().find(|pair| pair.name == *name) else {
            continue;
        };
        let (span, value) = match value {
            Some(value) => (pair.value, Value::from(value.as_str()).to_string()),
            None => (whole_pair(table, &pair, &text), String::new()),
        };
        text.replace_range(span.start..span.end, &value);
    }
    Some((source.path.clone(), text.into_bytes()))
}

/// One key of our table, and where it stands.
struct Pair {
    name: String,
    key: Span,
    value: Span,
}

/// The pairs of a table, in text order.
fn pairs(table: &Item) -> Vec<Pair> {
    let Some(table) = table.as_table_like() else {
        return Vec::new();
    };
    let pair = |(name, item): (&str, &Item)| {
        let key = table.key(name)?.span()?;
        Some(Pair {
            name: name.to_owned(),
            key: Span::new(key.start, key.end),
            value: span_of(item)?,
        })
    };
    let mut pairs: Vec<Pair> = table.iter().filter_map(pair).collect();
    pairs.sort_by_key(|pair| pair.key.start);
    pairs
}

/// What goes with a key: its line, or between braces one comma.
fn whole_pair(table: &Item, pair: &Pair, text: &str) -> Span {
    if !table.is_value() {
        return whole_line(text, pair.key.start, pair.value.end);
    }
    let pairs = pairs(table);
    let before = pairs.iter().rfind(|it| it.key.start < pair.key.start);
    let behind = pairs.iter().find(|it| it.key.start > pair.key.start);
    match (before, behind) {
        (Some(before), _) => Span::new(before.value.end, pair.value.end),
        (None, Some(behind)) => Span::new(pair.key.start, behind.key.start),
        (None, None) => Span::new(pair.key.start, pair.value.end),
    }
}

fn whole_line(text: &str, from: usize, to: usize) -> Span {
    let text = text.as_bytes();
    Span::new(line_start(text, from), next_line(text, to))
}

fn new_file(settled: &Config) -> Vec<u8> {
    let keys = lines(&missing(settled, &Table::new()), "", "\n");
    format!("# What scaffold-events wires. Flags beat this, this beats detection.\n{keys}")
        .into_bytes()
}

fn extended(source: &Source, settled: &Config) -> Vec<u8> {
    let text = std::str::from_utf8(&source.text).expect("`load` read it as UTF-8");
    let document = Document::parse(text).expect("`load` parsed it");
    let table = table(&document, &source.path).expect("`load` found our table");
    let missing = missing(
        settled,
        table.as_table_like().expect("`load` read it as a table"),
    );
    if missing.is_empty() {
        return text.as_bytes().to_vec();
    }
    let mut edits = EditSet::default();
    edits
        .add(Slot::of(table, text).fill(&missing, text))
        .expect("one edit overlaps nothing");
    edits.splice(text.as_bytes())
}

fn missing(settled: &Config, table: &dyn TableLike) -> Vec<(&'static str, Value)> {
    KEYS.iter()
        .filter(|key| !table.contains_key(key.name))
        .filter_map(|key| Some((key.name, (key.value)(settled)?)))
        .collect()
}

/// Where new keys go.
enum Slot<'a> {
    /// On lines of their own behind the line that holds this offset, each starting with this text:
    /// the last key's indentation, and its dotted prefix (`scaffold-events.`) where it has one.
    Lines { behind: usize, start: &'a str },
    /// At this offset between the braces of `scaffold-events = {…}`; `first` if nothing is there yet.
    Braces { at: usize, first: bool },
}

impl<'a> Slot<'a> {
    fn of(table: &Item, text: &'a str) -> Self {
        let last = pairs(table).pop();
        match (table, last) {
            (Item::Value(_), Some(last)) => Self::Braces {
                at: last.value.end,
                first: false,
            },
            (Item::Value(_), None) => Self::Braces {
                at: span_of(table).map_or(text.len(), |braces| braces.start + 1),
                first: true,
            },
            (_, Some(last)) => Self::Lines {
                behind: last.value.end,
                start: &text[line_start(text.as_bytes(), last.key.start)..last.key.start],
            },
            (_, None) => Self::Lines {
                behind: span_of(table).map_or(text.len(), |header| header.end),
                start: "",
            },
        }
    }

    fn fill(&self, missing: &[(&str, Value)], text: &str) -> Edit {
        match *self {
            Self::Lines { behind, start } => {
                let newline = newline(text.as_bytes(), 0);
                let lines = lines(missing, start, newline);
                match text[behind..].find('\n') {
                    Some(rest) => Edit::insert(behind + rest + 1, lines),
                    None if text.is_empty() || text.ends_with('\n') => {
                        Edit::insert(text.len(), lines)
                    }
                    None => Edit::insert(text.len(), format!("{newline}{lines}")),
                }
            }
            Self::Braces { at, first } => {
                let pairs = lines(missing, "", ", ");
                let pairs = pairs.trim_end_matches(", ");
                let pairs = if first {
                    format!(" {pairs} ")
                } else {
                    format!(", {pairs}")
                };
                Edit::insert(at, pairs)
            }
        }
    }
}

fn lines(pairs: &[(&str, Value)], start: &str, end: &str) -> String {
    let line = |(name, value): &(&str, Value)| format!("{start}{name} = {value}{end}");
    pairs.iter().map(line).collect()
}
