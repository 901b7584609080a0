//! *Where* text may go inside an expression: at the end of a tuple, a dict, a call. Gives edits.
//!
//! Pure. Never decides what to write; copies the neighbours' layout.

mod around;
mod breaks;

use around::{Tail, behind_comment, blank_to, is_call, leads_with_comma, unpack_stars};
use breaks::wrap_in_lines;

use super::style::{
    indentation, is_black, line_end, line_indentation, line_start, newline, starts_line,
};
use super::syntax::{Expr, ExprKind, Keyword, Module, Sequence};
use crate::edit::{Edit, Span};

/// Source text for one new item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// On one line.
    pub flat: String,
    /// Broken over lines (LF; the first line unindented, later ones relative to it), if it can be.
    pub block: Option<String>,
}

impl Item {
    /// An item that stays on one line.
    pub fn flat(text: impl Into<String>) -> Self {
        Self {
            flat: text.into(),
            block: None,
        }
    }
}

/// Items between brackets: of a tuple, list, set, dict, or the arguments of a call.
pub struct Container {
    /// Behind the opening bracket; the first item where there is none.
    open: usize,
    /// In front of the closing bracket; behind the last item where there is none.
    close: usize,
    items: Vec<Span>,
    /// One item alone needs a comma behind it to be a tuple.
    tuple: bool,
}

impl Container {
    /// The items of a sequence or dict literal.
    pub fn of(expr: &Expr) -> Option<Self> {
        let inner = Span::new(
            expr.span.start + 1,
            (expr.span.end - 1).max(expr.span.start + 1),
        );
        match &expr.kind {
            ExprKind::Sequence(sequence, items) => {
                let bare = *sequence == Sequence::BareTuple;
                let inner = if bare { expr.span } else { inner };
                Some(Self {
                    open: inner.start,
                    close: inner.end,
                    items: items.iter().map(|item| item.span).collect(),
                    tuple: bare || *sequence == Sequence::Tuple,
                })
            }
            ExprKind::Dict(items) => Some(Self {
                open: inner.start,
                close: inner.end,
                items: items
                    .iter()
                    .map(|(key, value)| {
                        let start = key.as_ref().unwrap_or(value).span.start;
                        Span::new(start, value.span.end)
                    })
                    .collect(),
                tuple: false,
            }),
            _ => None,
        }
    }

    /// The arguments of a call.
    pub fn of_call(args: &[Expr], keywords: &[Keyword], arguments: Span) -> Self {
        let mut items: Vec<Span> = args.iter().map(|arg| arg.span).collect();
        items.extend(keywords.iter().map(|keyword| keyword.span));
        items.sort_unstable();
        Self {
            open: arguments.start + 1,
            close: (arguments.end - 1).max(arguments.start + 1),
            items,
            tuple: false,
        }
    }

    /// Whether there is no item yet.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The edits that add items behind the last one, laid out as it is.
    ///
    /// ```text
    /// X = (          X = (
    ///     a,    ->       a,
    /// )                  item,
    ///                )
    /// X = [a, b] ->  X = [a, b, item]
    /// ```
    pub fn append(&self, module: &Module, items: &[Item]) -> Vec<Edit> {
        match self.items.last() {
            None => self.fill(module, items),
            Some(last) => self.append_after(module, *last, items),
        }
    }

    fn append_after(&self, module: &Module, last: Span, items: &[Item]) -> Vec<Edit> {
        let text = &*module.text;
        let tail = Tail::scan(text, last.end, self.close);
        if leads_with_comma(text, last.start) {
            let lead = format!(
                "{}{}, ",
                newline(text, last.start),
                indentation(text, last.start)
            );
            return vec![Edit::insert(
                tail.behind_item,
                each(items, |item| format!("{lead}{}", item.flat)),
            )];
        }
        let indent = match self.first_on_line(text, last) {
            Some(first) => indentation(text, first).to_owned(),
            None if self.hangs(text, last) => blank_to(text, self.items[0].start),
            None => return self.append_on_line(module, &tail, items),
        };
        let newline = newline(text, last.start);
        let line = |item: &Item| format!("{newline}{indent}{}", laid_out(item, &indent, newline));
        if let Some(comma) = tail.comma {
            let at = behind_comment(text, comma, self.close);
            vec![Edit::insert(
                at,
                each(items, |item| format!("{},", line(item))),
            )]
        } else {
            let at = behind_comment(text, tail.behind_item, self.close);
            let lines: Vec<String> = items.iter().map(line).collect();
            let hugged = self.unhug(text).filter(|_| is_black(module));
            let comma = if hugged.is_some() { "," } else { "" };
            let mut edits = hugged.unwrap_or_default();
            edits.push(Edit::insert(tail.behind_item, ","));
            edits.push(Edit::insert(at, lines.join(",") + comma));
            edits
        }
    }

    /// Whether a bracket closes it: a tuple may have none.
    fn is_bracketed(&self, text: &[u8]) -> bool {
        matches!(text.get(self.close), Some(b')' | b']' | b'}'))
    }

    /// Where the line of the last item begins with an item: that item's begin.
    fn first_on_line(&self, text: &[u8], last: Span) -> Option<usize> {
        let line = line_start(text, last.start);
        let first = self.items.iter().find(|item| item.start >= line)?;
        let start = unpack_stars(text, first.start);
        (self.is_bracketed(text) && line > self.open && starts_line(text, start)).then_some(start)
    }

    /// Whether all items stand behind the opening bracket, and the closing one on a line of its own.
    ///
    /// ```text
    /// X = {'a': 1,   ->  X = {'a': 1,
    ///      }                  'b': 2,
    ///                         }
    /// ```
    fn hangs(&self, text: &[u8], last: Span) -> bool {
        self.is_bracketed(text)
            && line_end(text, self.open) == line_end(text, last.end)
            && starts_line(text, self.close)
    }

    fn append_on_line(&self, module: &Module, tail: &Tail, items: &[Item]) -> Vec<Edit> {
        let text = &*module.text;
        let line = line_start(text, tail.behind_item);
        let added: usize = items.iter().map(|item| item.flat.len() + 2).sum();
        let width = line_end(text, tail.behind_item) - line + added;
        let breaks = width > LINE_WIDTH && items.iter().any(|item| item.block.is_some());
        let black = is_black(module) && (tail.comma.is_some() || width > LINE_WIDTH);
        if (breaks || black)
            && let Some(edits) = self.explode(module, tail, items)
        {
            return edits;
        }
        let indent = line_indentation(text, self.open);
        let newline = newline(text, self.open);
        let fit = |item: &Item| match &item.block {
            Some(lines) if width > LINE_WIDTH => lines.replace('\n', &format!("{newline}{indent}")),
            _ => item.flat.clone(),
        };
        vec![match tail.comma {
            Some(comma) => Edit::insert(comma, each(items, |item| format!(" {},", fit(item)))),
            None => Edit::insert(
                tail.behind_item,
                each(items, |item| format!(", {}", fit(item))),
            ),
        }]
    }

    /// Items for a container that has none: in front of the closing bracket, behind comments.
    fn fill(&self, module: &Module, items: &[Item]) -> Vec<Edit> {
        let text = &*module.text;
        let inside = Span::new(self.open, self.close).of(text);
        if !inside.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            let comma = if self.tuple && items.len() == 1 {
                ","
            } else {
                ""
            };
            let flat: Vec<&str> = items.iter().map(|item| item.flat.as_str()).collect();
            let flat = format!("{}{comma}", flat.join(", "));
            let width = line_end(text, self.open) - line_start(text, self.open) + flat.len();
            let whole = inside.is_empty() && self.is_alone(text);
            let text = if width > LINE_WIDTH && whole {
                self.filled_lines(module, items)
            } else {
                flat
            };
            return vec![Edit::insert(self.open, text)];
        }
        let newline = newline(text, self.close);
        let close = line_start(text, self.close);
        let indent = match text[self.open..close].iter().position(|&byte| byte == b'#') {
            Some(comment) if starts_line(text, self.open + comment) => {
                indentation(text, self.open + comment).to_owned()
            }
            _ => format!(
                "{}{}",
                indentation(text, self.close),
                super::style::indent_unit(module)
            ),
        };
        let line = |item: &Item| format!("{indent}{},{newline}", laid_out(item, &indent, newline));
        vec![Edit::insert(close, each(items, line))]
    }
}

/// The edits that make a tuple of a single value and new items: `'a'` to `('a', item)`.
///
/// A value in parentheses keeps them: `('a')` to `('a', item)`; without items, to `('a',)`. Items that can
/// be broken are, where all would be too long for one line.
pub fn wrap_in_tuple(module: &Module, value: Span, items: &[Item]) -> Vec<Edit> {
    if let Some(edits) = wrap_in_lines(module, value, items) {
        return edits;
    }
    let mut added = each(items, |item| format!(", {}", item.flat));
    if items.is_empty() {
        added.push(',');
    }
    match parenthesized(&module.text, value) {
        Some(inside) => vec![Edit::insert(inside.end, added)],
        None => vec![
            Edit::insert(value.start, "("),
            Edit::insert(value.end, format!("{added})")),
        ],
    }
}

/// What is between the innermost parentheses around an expression's own span.
pub fn parenthesized(text: &[u8], value: Span) -> Option<Span> {
    let end = skip_trivia(text, value.end);
    let before = text[..value.start].trim_ascii_end();
    (text.get(end) == Some(&b')') && before.last() == Some(&b'(') && !is_call(before))
        .then(|| Span::new(before.len(), value.end))
}

/// The offset behind blanks, comments and line ends.
pub fn skip_trivia(text: &[u8], mut at: usize) -> usize {
    loop {
        match text.get(at) {
            Some(b' ' | b'\t' | b'\x0c' | b'\n' | b'\r') => at += 1,
            Some(b'\\') if matches!(text.get(at + 1), Some(b'\n' | b'\r')) => at += 2,
            Some(b'#') => at = line_end(text, at),
            _ => return at,
        }
    }
}

/// flake8's limit: longer lines are broken where the text to insert allows it.
pub const LINE_WIDTH: usize = 79;

fn each(items: &[Item], text: impl FnMut(&Item) -> String) -> String {
    items.iter().map(text).collect()
}

/// An item's text with its own lines indented like its first.
///
/// It is broken where its line would be too long for flake8, a comma behind it counted.
pub fn laid_out(item: &Item, indent: &str, newline: &str) -> String {
    let fits = indent.len() + item.flat.len() < LINE_WIDTH;
    let text = item.block.as_ref().filter(|_| !fits).unwrap_or(&item.flat);
    text.replace('\n', &format!("{newline}{indent}"))
}
