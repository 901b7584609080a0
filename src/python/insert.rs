//! *Where* text may go inside an expression: at the end of a tuple, a dict, a call. Gives edits.
//!
//! Pure. Never decides what to write; copies the neighbours' layout.

use super::style::{indentation, is_black, line_end, line_start, newline, next_line, starts_line};
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
        let Some(first) = self.first_on_line(text, last) else {
            return self.append_on_line(module, &tail, items);
        };
        let indent = indentation(text, first);
        let newline = newline(text, last.start);
        let line = |item: &Item| format!("{newline}{indent}{}", laid_out(item, indent, newline));
        if let Some(comma) = tail.comma {
            let at = behind_comment(text, comma, self.close);
            vec![Edit::insert(
                at,
                each(items, |item| format!("{},", line(item))),
            )]
        } else {
            let at = behind_comment(text, tail.behind_item, self.close);
            let lines: Vec<String> = items.iter().map(line).collect();
            vec![
                Edit::insert(tail.behind_item, ","),
                Edit::insert(at, lines.join(",")),
            ]
        }
    }

    /// Where the line of the last item begins with an item: that item's begin.
    fn first_on_line(&self, text: &[u8], last: Span) -> Option<usize> {
        let line = line_start(text, last.start);
        let first = self.items.iter().find(|item| item.start >= line)?;
        let start = unpack_stars(text, first.start);
        let bracketed = text
            .get(self.close)
            .is_some_and(|byte| b")]}".contains(byte));
        (bracketed && line > self.open && starts_line(text, start)).then_some(start)
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
        let indent = indentation(text, line_start_blank(text, self.open));
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

    /// Every item on a line of its own, as black would have it, by insertions alone: the space behind a
    /// comma becomes the last of the next line's indentation.
    ///
    /// Only for a literal on one line that is all of a statement's value, or of a key's or keyword's that
    /// has the line for itself.
    fn explode(&self, module: &Module, tail: &Tail, items: &[Item]) -> Option<Vec<Edit>> {
        let text = &*module.text;
        let line = line_start(text, self.open);
        let alone = !text[line..self.open - 1]
            .iter()
            .any(|byte| b"([{,".contains(byte))
            && text
                .get(self.close)
                .is_some_and(|byte| b")]}".contains(byte))
            && matches!(
                &text[self.close + 1..line_end(text, self.close)],
                b"" | b","
            );
        let closes = tail.comma.unwrap_or(tail.behind_item) == self.close;
        let opens = self
            .items
            .first()
            .is_some_and(|first| first.start == self.open);
        if !(alone && closes && opens) {
            return None;
        }
        let newline = newline(text, self.open);
        let outer = indentation(text, line_start_blank(text, self.open));
        let inner = format!("{outer}{}", super::style::indent_unit(module));
        let hanging = inner.strip_suffix(' ')?;
        let mut edits = vec![Edit::insert(self.open, format!("{newline}{inner}"))];
        for pair in self.items.windows(2) {
            if Span::new(pair[0].end, pair[1].start).of(text) != b", " {
                return None;
            }
            edits.push(Edit::insert(pair[0].end + 1, format!("{newline}{hanging}")));
        }
        let comma = if tail.comma.is_some() { "" } else { "," };
        let lines = each(items, |item| {
            format!("{newline}{inner}{},", laid_out(item, &inner, newline))
        });
        edits.push(Edit::insert(
            self.close,
            format!("{comma}{lines}{newline}{outer}"),
        ));
        Some(edits)
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
            return vec![Edit::insert(
                self.open,
                format!("{}{comma}", flat.join(", ")),
            )];
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
/// A value in parentheses keeps them: `('a')` to `('a', item)`; without items, to `('a',)`.
pub fn wrap_in_tuple(module: &Module, value: Span, items: &[Item]) -> Vec<Edit> {
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

/// What follows the last item: parentheses around it, then perhaps a comma.
struct Tail {
    behind_item: usize,
    /// Behind the comma.
    comma: Option<usize>,
}

impl Tail {
    fn scan(text: &[u8], item_end: usize, close: usize) -> Self {
        let mut behind_item = item_end;
        loop {
            let at = skip_trivia(text, behind_item);
            match text.get(at) {
                Some(b')') if at < close => behind_item = at + 1,
                Some(b',') if at < close => {
                    return Self {
                        behind_item,
                        comma: Some(at + 1),
                    };
                }
                _ => {
                    return Self {
                        behind_item,
                        comma: None,
                    };
                }
            }
        }
    }
}

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

/// The end of the line, if only a comment stands between `at` and it; else `at`.
fn behind_comment(text: &[u8], at: usize, close: usize) -> usize {
    let end = line_end(text, at);
    let rest = text[at..end].trim_ascii_start();
    if end <= close && (rest.is_empty() || rest.starts_with(b"#")) && next_line(text, at) > end {
        at + text[at..end].trim_ascii_end().len()
    } else {
        at
    }
}

fn leads_with_comma(text: &[u8], item: usize) -> bool {
    let before = &text[line_start(text, item)..item];
    before.trim_ascii() == b","
}

/// `**mapping` in a dict: its begin, in front of the stars.
fn unpack_stars(text: &[u8], at: usize) -> usize {
    let stars = text[..at]
        .iter()
        .rev()
        .take_while(|&&byte| byte == b'*')
        .count();
    at - stars.min(2)
}

/// A place on the line of `at` behind its indentation, to read that from.
fn line_start_blank(text: &[u8], at: usize) -> usize {
    let start = line_start(text, at);
    start
        + text[start..at]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count()
}

/// Whether an opening parenthesis at the end of `before` calls something.
fn is_call(before: &[u8]) -> bool {
    let callee = before[..before.len() - 1].trim_ascii_end();
    let word = callee
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    let keyword: &[u8] = &callee[callee.len() - word..];
    match callee.last() {
        Some(b')' | b']') => true,
        _ => {
            word > 0
                && !matches!(
                    keyword,
                    b"return" | b"or" | b"and" | b"not" | b"in" | b"if" | b"else"
                )
        }
    }
}
