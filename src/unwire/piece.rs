//! What an edit of ours says, so that it can be found again wherever it stands now. Pure.

use crate::celery::{Setting, one_setting};
use crate::lock::Undo;
use crate::python::meaning::{entry, expression, statement};
use crate::python::parse::parse;
use crate::python::syntax::{Alias, Expr, ExprKind, Module, Stmt, StmtKind};

/// One thing that we put into a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Where it began in the file that we left, newlines as LF.
    pub at: usize,
    /// What it is.
    pub kind: PieceKind,
}

impl Piece {
    /// What it says, wherever it stands.
    pub(crate) fn meaning(&self) -> String {
        match &self.kind {
            PieceKind::Statement { meaning, .. } | PieceKind::Element(meaning) => meaning.clone(),
            PieceKind::Entry(key, meaning) => format!("{key}: {meaning}"),
            PieceKind::Names(_, names) => {
                let mut names: Vec<&str> = names.iter().map(Alias::bound).collect();
                names.sort_unstable();
                format!("import {}", names.join(", "))
            }
            PieceKind::Bracket => "(".to_owned(),
            PieceKind::Slash => "%2F".to_owned(),
        }
    }

    /// What it is to a person who looks for it; nothing for what only serves others.
    pub(crate) fn named(&self) -> Option<String> {
        match &self.kind {
            PieceKind::Statement { binds, meaning, .. } => {
                Some(binds.clone().unwrap_or_else(|| meaning.clone()))
            }
            PieceKind::Element(meaning) => Some(meaning.clone()),
            PieceKind::Entry(key, _) => Some(key.clone()),
            PieceKind::Names(..) | PieceKind::Bracket | PieceKind::Slash => None,
        }
    }

    /// The plain name that it binds.
    pub(crate) fn name(&self) -> Option<String> {
        match &self.kind {
            PieceKind::Statement { binds, .. } => {
                binds.clone().filter(|name| !name.contains(['.', '[']))
            }
            PieceKind::Names(..)
            | PieceKind::Element(_)
            | PieceKind::Entry(..)
            | PieceKind::Bracket
            | PieceKind::Slash => None,
        }
    }

    /// Whether it is a statement that binds this name.
    pub(crate) fn binds(&self, name: &str) -> bool {
        matches!(&self.kind, PieceKind::Statement { binds, .. } if binds.as_deref() == Some(name))
    }

    /// Whether it is what a summary calls so.
    pub(crate) fn is_called(&self, what: &str) -> bool {
        let is = |setting: Setting| {
            let name = match &self.kind {
                PieceKind::Statement { binds, .. } => binds.as_deref().unwrap_or_default(),
                PieceKind::Entry(key, _) => key,
                PieceKind::Names(..)
                | PieceKind::Element(_)
                | PieceKind::Bracket
                | PieceKind::Slash => return false,
            };
            one_setting(parted(name).1, setting.lower())
        };
        match what {
            "events queue" => is(Setting::TaskQueues),
            "event route" | "router" => is(Setting::TaskRoutes),
            "listener import" => is(Setting::Imports),
            "broker URL for the emitter" => is(Setting::BrokerUrl),
            "broker URL" => self.kind == PieceKind::Slash,
            "kombu import" => matches!(&self.kind, PieceKind::Names(..)),
            "events exchange" => {
                matches!(&self.kind, PieceKind::Statement { meaning, .. } if meaning.contains("Exchange("))
                    && !is(Setting::TaskQueues)
            }
            name => self.named().as_deref() == Some(name),
        }
    }
}

/// What a target or key is a member of, and its bare name: `app.conf.` and `task_queues`.
pub(super) fn parted(name: &str) -> (&str, &str) {
    let at = name.rfind(['.', '[']).map_or(0, |at| at + 1);
    (&name[..at], name[at..].trim_matches(['"', ']']))
}

/// The kinds of things that we put into files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PieceKind {
    /// `NAME = value`, by its meaning.
    Statement {
        /// All of it.
        meaning: String,
        /// The name or member it binds.
        binds: Option<String>,
        /// What its value holds, if that is a literal with parts.
        parts: Vec<String>,
    },
    /// Names of `from package import …`; without the package where they joined an import that was there.
    Names(Option<String>, Vec<Alias>),
    /// An element of a sequence.
    Element(String),
    /// An entry of a dict, or a keyword of a call: its key and its whole meaning.
    Entry(String, String),
    /// A bracket that makes a value the first of a tuple.
    Bracket,
    /// The escaped slash at the end of a URL.
    Slash,
}

/// The things in one edit, in text order. A comma or a newline alone is nothing.
pub fn pieces(undo: &Undo) -> Vec<Piece> {
    let text = undo.ours.as_str();
    let trimmed = text.trim().trim_end_matches(';');
    let kinds = match trimmed {
        "" | "," => Vec::new(),
        "(" => vec![PieceKind::Bracket],
        "%2F" | "%%2F" => vec![PieceKind::Slash],
        _ => statements(text)
            .or_else(|| items(trimmed))
            .or_else(|| names(trimmed))
            .unwrap_or_default(),
    };
    let at = undo.at;
    kinds.into_iter().map(|kind| Piece { at, kind }).collect()
}

/// Whether an edit holds something that none of its pieces stands for.
pub fn is_understood(undo: &Undo) -> bool {
    let bare = undo.ours.trim();
    matches!(bare, "" | "," | ")" | ",)") || !pieces(undo).is_empty()
}

fn clean(text: &str) -> Option<Module> {
    let module = parse(text.as_bytes().into()).ok()?;
    module.errors.is_empty().then_some(module)
}

/// Whole statements, indented or not.
fn statements(text: &str) -> Option<Vec<PieceKind>> {
    let text = text.trim_start_matches(['\n', '\r']);
    let text = text.trim_end().trim_end_matches(';');
    if text.starts_with(',') || text.ends_with(',') {
        return None;
    }
    let indented = text.starts_with([' ', '\t']);
    let module = clean(&if indented {
        format!("if 1:\n{text}\n")
    } else {
        format!("{text}\n")
    })?;
    let block = match &module.body.first()?.kind {
        StmtKind::If { arms } if indented => &arms.first()?.body,
        _ => &module.body,
    };
    block
        .iter()
        .map(|stmt| of_statement(&module, stmt))
        .collect()
}

fn of_statement(module: &Module, stmt: &Stmt) -> Option<PieceKind> {
    let (binds, value) = match &stmt.kind {
        StmtKind::ImportFrom { module, names, .. } => {
            return Some(PieceKind::Names(module.clone(), names.clone()));
        }
        StmtKind::Assign { targets, value, .. } => {
            let target = targets.first()?;
            (Some(expression(module, target)), Some(value))
        }
        StmtKind::Import { names } => {
            let bound = names.first().map(|alias| alias.bound().to_owned());
            (bound, None)
        }
        StmtKind::Augment { value, .. } => (None, Some(value)),
        StmtKind::Expr { value } => match &value.kind {
            ExprKind::Call { function, .. }
                if matches!(function.kind, ExprKind::Attribute { .. }) =>
            {
                (None, None)
            }
            _ => return None,
        },
        _ => return None,
    };
    let parts = value.map_or_else(Vec::new, |value| parts(module, value));
    Some(PieceKind::Statement {
        meaning: statement(module, stmt)?,
        binds,
        parts,
    })
}

/// The meanings of what a literal holds.
pub fn parts(module: &Module, value: &Expr) -> Vec<String> {
    match &value.kind {
        ExprKind::Sequence(_, items) => items.iter().map(|item| expression(module, item)).collect(),
        ExprKind::Dict(items) => items
            .iter()
            .map(|(key, value)| entry(module, key.as_ref(), value))
            .collect(),
        _ => Vec::new(),
    }
}

/// Elements, entries or keywords.
fn items(text: &str) -> Option<Vec<PieceKind>> {
    let text = text.trim_matches([',', ' ', '\n', '\t', '\r']);
    let text = without_open_bracket(text);
    as_arguments(text).or_else(|| as_entries(text))
}

/// `, 'listener')` closes a bracket that another edit opens.
fn without_open_bracket(text: &str) -> &str {
    let count = |bracket: char| text.matches(bracket).count();
    match text.strip_suffix(')') {
        Some(inner) if count(')') > count('(') => inner.trim_end().trim_end_matches(','),
        _ => text,
    }
}

fn as_arguments(text: &str) -> Option<Vec<PieceKind>> {
    let module = clean(&format!("f(\n{text}\n)\n"))?;
    let StmtKind::Expr { value } = &module.body.first()?.kind else {
        return None;
    };
    let ExprKind::Call { args, keywords, .. } = &value.kind else {
        return None;
    };
    let mut kinds = Vec::new();
    for arg in args {
        kinds.push(match arg.name() {
            Some(name) => PieceKind::Names(None, vec![alias(name)]),
            None => PieceKind::Element(expression(&module, arg)),
        });
    }
    for keyword in keywords {
        let name = keyword.name.clone()?;
        let meaning = expression(&module, &keyword.value);
        kinds.push(PieceKind::Entry(name, meaning));
    }
    (!kinds.is_empty()).then_some(kinds)
}

fn as_entries(text: &str) -> Option<Vec<PieceKind>> {
    let module = clean(&format!("f({{\n{text}\n}})\n"))?;
    let StmtKind::Expr { value } = &module.body.first()?.kind else {
        return None;
    };
    let ExprKind::Call { args, .. } = &value.kind else {
        return None;
    };
    let ExprKind::Dict(entries) = &args.first()?.kind else {
        return None;
    };
    let kind = |(key, value): &(Option<Expr>, Expr)| {
        let key = expression(&module, key.as_ref()?);
        Some(PieceKind::Entry(key, expression(&module, value)))
    };
    entries.iter().map(kind).collect()
}

/// `Queue as KombuQueue`, among the names of an import.
fn names(text: &str) -> Option<Vec<PieceKind>> {
    let text = text.trim_matches([',', ' ', '\n', '\t', '\r', '\\']);
    let module = clean(&format!("from x import (\n{text}\n)\n"))?;
    match &module.body.first()?.kind {
        StmtKind::ImportFrom { names, .. } => Some(vec![PieceKind::Names(None, names.clone())]),
        _ => None,
    }
}

fn alias(name: &str) -> Alias {
    Alias {
        span: crate::edit::Span::new(0, 0),
        name: name.to_owned(),
        alias: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(ours: &str) -> Vec<PieceKind> {
        let undo = Undo {
            at: 0,
            ours: ours.into(),
            insert: String::new(),
        };
        assert!(is_understood(&undo), "{ours:?}");
        pieces(&undo).into_iter().map(|piece| piece.kind).collect()
    }

    #[test]
    fn statements_are_known_indented_or_not() {
        for text in [
            "\nA = ('x',)\n",
            "    A = (\n        'x',\n    )\n",
            "A = ('x',); ",
        ] {
            let wanted = PieceKind::Statement {
                meaning: "A=(\"x\")".into(),
                binds: Some("A".into()),
                parts: vec!["\"x\"".into()],
            };
            assert_eq!(kinds(text), [wanted], "{text:?}");
        }
        assert!(matches!(&kinds("from kombu import Queue\n")[..],
            [PieceKind::Names(Some(package), names)] if package == "kombu" && names.len() == 1));
    }

    #[test]
    fn items_are_known_however_they_were_added() {
        let element = [PieceKind::Element("\"x\"".into())];
        for text in [
            ", 'x'",
            "\n    'x',",
            "'x', ",
            ", 'x')",
            ",\n    'x',\n)",
            "\n    , 'x'",
        ] {
            assert_eq!(kinds(text), element, "{text:?}");
        }
        let entry = [PieceKind::Entry("\"a\"".into(), "{\"b\":\"\"}".into())];
        assert_eq!(kinds("\n    'a': {'b': ''},"), entry);
        let keyword = [PieceKind::Entry("queues".into(), "(1)".into())];
        assert_eq!(kinds("\n    queues=(1,),"), keyword);
        assert!(kinds(",").is_empty());
        assert_eq!(kinds("("), [PieceKind::Bracket]);
        assert!(matches!(
            &kinds(", Queue as KombuQueue")[..],
            [PieceKind::Names(None, _)]
        ));
    }
}
