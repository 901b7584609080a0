//! Takes what is ours out of a Python file that is no longer as we left it, by its meaning. Pure.
//!
//! ```python
//! CELERY_IMPORTS = ["a", "orders.tasks.listener", "theirs"]  # was ("a",) before us
//! ```
//! Only what says the same as what we wrote is taken; what the rest of the file still reads stays.

mod same;

use std::collections::BTreeSet;

use super::cut;
use super::piece::{Piece, PieceKind, parts};
use crate::edit::{Edit, EditSet, Span};
use crate::python::meaning::{expression, statement};
use crate::python::syntax::{Expr, ExprKind, Module, Sequence, Stmt, StmtKind, walk};
use same::{bound_value, each_expression, is_one_name, is_same, item_spans, keyed_items, url};

/// What is to go from one file, and what stays.
#[derive(Default)]
pub struct Taken {
    /// The edits.
    pub edits: EditSet,
    /// Pieces that stand here no more: deleted, or in another file.
    pub missing: Vec<Piece>,
    /// What is ours and stays, with the reason.
    pub left: Vec<(Span, &'static str)>,
    /// Pieces that do not go, or not whole.
    pub stays: Vec<Piece>,
    /// Names of ours that are bound to something else about events now.
    pub changed: Vec<String>,
}

/// What to do with a value of ours that somebody changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Changed {
    /// It is theirs now.
    Stays,
    /// What is about events goes all the same: ours is to come back.
    Goes,
    /// Every statement goes that binds a name of ours.
    Whole,
}

/// Takes the pieces out of a module. `words` tell what belongs to events from what ordinary tasks need.
pub fn take_out(module: &Module, pieces: &[Piece], words: &[String], changed: Changed) -> Taken {
    let mut search = Search {
        module,
        words,
        statements: Vec::new(),
        items: BTreeSet::new(),
        aliases: BTreeSet::new(),
        unwrap: pieces.iter().any(|piece| piece.kind == PieceKind::Bracket),
        left: Vec::new(),
        kept: BTreeSet::new(),
        goes: changed,
        changed: Vec::new(),
        lost: Vec::new(),
    };
    let mut missing = Vec::new();
    for piece in pieces {
        if !search.find(piece) {
            missing.push(piece.clone());
        }
        let lost = std::mem::take(&mut search.lost).into_iter();
        missing.extend(lost.map(|part| Piece {
            at: piece.at,
            kind: PieceKind::Element(part),
        }));
    }
    search.keep_what_is_read();
    search.left.sort_unstable();
    search.left.dedup();
    let stays = pieces.iter().filter(|piece| search.keeps(piece)).cloned();
    Taken {
        edits: search.edits().unwrap_or_default(),
        stays: missing.iter().cloned().chain(stays).collect(),
        missing,
        left: search.left,
        changed: search.changed,
    }
}

struct Search<'m> {
    module: &'m Module,
    words: &'m [String],
    /// Statements that go, each with the name it binds.
    statements: Vec<(&'m Stmt, Option<String>)>,
    /// Items of literals and calls that go.
    items: BTreeSet<Span>,
    /// Imported names that go.
    aliases: BTreeSet<Span>,
    /// A bracket around a value was ours.
    unwrap: bool,
    left: Vec<(Span, &'static str)>,
    /// The names of statements that are still read, or of which nothing goes.
    kept: BTreeSet<String>,
    goes: Changed,
    changed: Vec<String>,
    /// Parts of the value at hand that stand nowhere any more.
    lost: Vec<String>,
}

impl<'m> Search<'m> {
    fn find(&mut self, piece: &Piece) -> bool {
        let words = self.words;
        match &piece.kind {
            PieceKind::Statement {
                meaning,
                binds,
                parts,
            } => self.statement(meaning, binds.as_deref(), parts),
            PieceKind::Names(_, names) => {
                let mut found = false;
                for alias in self.imported() {
                    let ours = names
                        .iter()
                        .any(|name| name.name == alias.name && name.bound() == alias.bound());
                    if ours {
                        self.aliases.insert(alias.span);
                        found = true;
                    }
                }
                found
            }
            PieceKind::Element(meaning) => self.item(|module, (key, value)| {
                key.is_none() && is_same(words, &expression(module, value), meaning)
            }),
            PieceKind::Entry(key, meaning) => self.item(|module, (found, value)| {
                found.is_some_and(|found| is_one_name(&found, key))
                    && expression(module, value) == *meaning
            }),
            PieceKind::Bracket => true,
            PieceKind::Slash => {
                if let Some(span) = url(self.module) {
                    self.left
                        .push((span, "`%2F` and `/` name one vhost: left as it is"));
                }
                true
            }
        }
    }

    fn statement(&mut self, meaning: &str, binds: Option<&str>, parts: &[String]) -> bool {
        let mut same = Vec::new();
        let mut bound = Vec::new();
        walk(&self.module.body, &mut |stmt| {
            let claimed = self
                .statements
                .iter()
                .any(|(other, _)| other.span == stmt.span);
            if !claimed && statement(self.module, stmt).as_deref() == Some(meaning) {
                same.push(stmt);
            }
            if let StmtKind::Assign { targets, value, .. } = &stmt.kind
                && let [target] = targets.as_slice()
                && binds.is_some_and(|name| expression(self.module, target) == name)
            {
                bound.push((stmt, value));
            }
        });
        if let Some(stmt) = same.pop() {
            self.statements.push((stmt, binds.map(str::to_owned)));
            return true;
        }
        let name = binds.unwrap_or_default();
        if let Some((stmt, value)) = bound.pop() {
            let about_events = parts.is_empty() && self.is_about_events(meaning);
            let whole = self.goes == Changed::Whole;
            if binds.is_some() && (about_events || whole) {
                self.changed.push(name.to_owned());
                if self.goes != Changed::Stays {
                    self.statements.push((stmt, binds.map(str::to_owned)));
                    return true;
                }
            }
            self.parts_of(stmt, value, parts, name);
            return true;
        }
        self.keyword(meaning, name) || self.renamed(meaning, name, parts)
    }

    /// The same setting under another name of Celery's: `CELERY_QUEUES` is `CELERY_TASK_QUEUES` now.
    fn renamed(&mut self, meaning: &str, name: &str, ours: &[String]) -> bool {
        let module = self.module;
        let wanted = bound_value(meaning, name);
        let mut found = None;
        walk(&module.body, &mut |stmt| {
            if let StmtKind::Assign { targets, value, .. } = &stmt.kind
                && let [target] = targets.as_slice()
                && is_one_name(&expression(module, target), name)
                && parts(module, value)
                    .iter()
                    .any(|part| ours.contains(part) && self.is_about_events(part))
            {
                found = Some((stmt, value, expression(module, target)));
            }
        });
        let Some((stmt, value, now)) = found else {
            return false;
        };
        if Some(expression(module, value).as_str()) == wanted {
            self.statements.push((stmt, Some(now)));
        } else {
            self.parts_of(stmt, value, ours, &now);
        }
        true
    }

    fn is_about_events(&self, meaning: &str) -> bool {
        let mut words = self.words.iter();
        words.any(|word| meaning.contains(word.as_str()))
    }

    /// Whether a piece does not go, or not whole.
    fn keeps(&self, piece: &Piece) -> bool {
        match &piece.kind {
            PieceKind::Statement { binds, .. } => {
                binds.as_ref().is_some_and(|name| self.kept.contains(name))
            }
            PieceKind::Slash => true,
            PieceKind::Names(..) => self.aliases.is_empty(),
            PieceKind::Element(_) | PieceKind::Entry(..) | PieceKind::Bracket => false,
        }
    }

    /// A last keyword without a comma, `queues=(…)`, reads like a statement by itself.
    fn keyword(&mut self, meaning: &str, name: &str) -> bool {
        let value = bound_value(meaning, name);
        self.item(|module, (key, found)| {
            key.is_some_and(|key| is_one_name(&key, name))
                && Some(expression(module, found).as_str()) == value
        })
    }

    /// The user added to a value of ours: the parts that are about events go, the rest is theirs now.
    fn parts_of(&mut self, stmt: &'m Stmt, value: &'m Expr, ours: &[String], name: &str) {
        let before = self.items.len();
        let spans = item_spans(value);
        let meanings = parts(self.module, value);
        for (span, meaning) in spans.iter().zip(&meanings) {
            let is_ours = ours.iter().any(|part| is_same(self.words, meaning, part));
            if is_ours && self.is_about_events(meaning) {
                self.items.insert(*span);
            }
        }
        self.lost = self.lost_of(ours);
        if !spans.is_empty() && spans.iter().all(|span| self.items.contains(span)) {
            self.statements.push((stmt, Some(name.to_owned())));
            return;
        }
        let reason = "changed since it was written: what is not about events stays";
        self.left.push((stmt.span, reason));
        if self.items.len() == before {
            self.kept.insert(name.to_owned());
        }
    }

    /// Those of these parts that no literal of the module holds.
    fn lost_of(&self, ours: &[String]) -> Vec<String> {
        let mut lost = ours.to_vec();
        each_expression(&self.module.body, &mut |expr| {
            let held = parts(self.module, expr);
            lost.retain(|part| !held.iter().any(|held| is_same(self.words, held, part)));
        });
        lost
    }

    /// An item by its meaning; of several the last.
    fn item(&mut self, is_ours: impl Fn(&Module, (Option<String>, &Expr)) -> bool) -> bool {
        let module = self.module;
        let mut found = None;
        each_expression(&module.body, &mut |expr| {
            for (key, value, span) in keyed_items(module, expr) {
                if !self.items.contains(&span) && is_ours(module, (key, value)) {
                    found = Some(span);
                }
            }
        });
        match found {
            Some(span) => {
                self.items.insert(span);
                true
            }
            None => false,
        }
    }

    fn imported(&self) -> Vec<&'m crate::python::syntax::Alias> {
        let mut found = Vec::new();
        for stmt in &self.module.body {
            if let StmtKind::ImportFrom { names, .. } = &stmt.kind {
                found.extend(names);
            }
        }
        found
    }

    /// A name that what stays still reads is not taken away from it.
    fn keep_what_is_read(&mut self) {
        loop {
            let read = self.read();
            let statements = self.statements.len();
            let aliases = self.aliases.len();
            let mut left = Vec::new();
            let kept_names = &mut self.kept;
            self.statements.retain(|(stmt, binds)| {
                let kept = binds.as_ref().filter(|name| read.contains(*name));
                if let Some(name) = kept {
                    left.push((stmt.span, "still read in this file: left as it is"));
                    kept_names.insert(name.clone());
                }
                kept.is_none()
            });
            self.left.extend(left);
            for alias in self.imported() {
                if read.contains(alias.bound()) {
                    self.aliases.remove(&alias.span);
                }
            }
            if (statements, aliases) == (self.statements.len(), self.aliases.len()) {
                return;
            }
        }
    }

    /// The names that are read outside of what goes.
    fn read(&self) -> BTreeSet<String> {
        let goes = |span: Span| {
            self.statements
                .iter()
                .any(|(stmt, _)| stmt.span.contains(span))
                || self.items.iter().any(|item| item.contains(span))
        };
        let mut targets = BTreeSet::new();
        walk(&self.module.body, &mut |stmt| {
            if let StmtKind::Assign { targets: these, .. } = &stmt.kind {
                targets.extend(these.iter().map(|target| target.span));
            }
        });
        let mut read = BTreeSet::new();
        each_expression(&self.module.body, &mut |expr| {
            if let Some(name) = expr.name()
                && !goes(expr.span)
                && !targets.contains(&expr.span)
            {
                read.insert(name.to_owned());
            }
        });
        read
    }

    fn edits(&self) -> Option<EditSet> {
        let text = &*self.module.text;
        let mut cuts = Vec::new();
        let gone = |span: Span| {
            self.statements
                .iter()
                .any(|(stmt, _)| stmt.span.contains(span))
        };
        for (stmt, _) in &self.statements {
            cuts.push(cut::statement(text, stmt.span));
        }
        each_expression(&self.module.body, &mut |expr| {
            if !gone(expr.span) {
                cuts.extend(self.cut_from(expr));
            }
        });
        for stmt in &self.module.body {
            if let StmtKind::ImportFrom { names, .. } = &stmt.kind {
                let spans: Vec<Span> = names.iter().map(|alias| alias.span).collect();
                let goes: Vec<bool> = spans
                    .iter()
                    .map(|span| self.aliases.contains(span))
                    .collect();
                if goes.iter().all(|goes| *goes) {
                    cuts.push(cut::statement(text, stmt.span));
                } else if goes.contains(&true) {
                    cuts.extend(cut::items(text, &spans, &goes, stmt.span.end, false));
                }
            }
        }
        cut::joined(text, cuts)
    }

    fn cut_from(&self, expr: &Expr) -> Vec<Edit> {
        let text = &*self.module.text;
        let spans = item_spans(expr);
        let goes: Vec<bool> = spans.iter().map(|span| self.items.contains(span)).collect();
        if !goes.contains(&true) {
            return Vec::new();
        }
        let is_tuple = matches!(
            expr.kind,
            ExprKind::Sequence(Sequence::Tuple | Sequence::BareTuple, _)
        );
        let rest: Vec<Span> = (spans.iter().zip(&goes))
            .filter_map(|(span, goes)| (!goes).then_some(*span))
            .collect();
        if let ([only], true, true) = (rest.as_slice(), is_tuple, self.unwrap) {
            return vec![
                Edit::replace(Span::new(expr.span.start, only.start), ""),
                Edit::replace(Span::new(only.end, expr.span.end), ""),
            ];
        }
        cut::items(text, &spans, &goes, expr.span.end, is_tuple)
    }
}
