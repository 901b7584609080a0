//! How text goes out of a Python file without leaving a hole: whole lines, commas, one of two blank lines.
//!
//! Pure. Gives edits.

use crate::edit::{Edit, EditSet, Span};
use crate::python::insert::skip_trivia;
use crate::python::style::{line_above, line_end, line_start, next_line, starts_line};

/// A statement, with the lines that are its alone. A comment behind it stays.
pub(super) fn statement(text: &[u8], stmt: Span) -> Edit {
    let end = behind_semicolon(text, stmt.end);
    let rest = text[end..line_end(text, end)].trim_ascii();
    if !starts_line(text, stmt.start) || !rest.is_empty() {
        return Edit::replace(shared_line(text, stmt, end), "");
    }
    let start = line_start(text, stmt.start);
    let next = next_line(text, end);
    Edit::replace(without_gap(text, start, next), "")
}

/// Items that go from between brackets; `keep_comma` where the one that may be left must stay a tuple.
pub(super) fn items(
    text: &[u8],
    items: &[Span],
    goes: &[bool],
    close: usize,
    keep_comma: bool,
) -> Vec<Edit> {
    let stays = goes.iter().filter(|goes| !**goes).count();
    let mut edits = Vec::new();
    let mut at = 0;
    while at < items.len() {
        if !goes[at] {
            at += 1;
            continue;
        }
        let from = at;
        while at < items.len() && goes[at] {
            at += 1;
        }
        let run = Run {
            text,
            items,
            from,
            to: at - 1,
            close,
        };
        edits.extend(run.cut(keep_comma && stays == 1));
    }
    edits
}

/// Items one behind the other that all go.
struct Run<'a> {
    text: &'a [u8],
    items: &'a [Span],
    from: usize,
    to: usize,
    close: usize,
}

impl Run<'_> {
    fn cut(&self, keep_comma: bool) -> Vec<Edit> {
        let first = self.items[self.from];
        let last = self.items[self.to];
        let comma = self.comma(last.end);
        let end = comma.unwrap_or(last.end);
        let alone = self.text[end..line_end(self.text, end)]
            .trim_ascii()
            .is_empty()
            && line_end(self.text, end) <= self.close;
        if starts_line(self.text, first.start) && alone {
            let lines = Span::new(
                line_start(self.text, first.start),
                next_line(self.text, end),
            );
            return vec![Edit::replace(lines, "")];
        }
        if let Some(next) = self.items.get(self.to + 1) {
            return vec![Edit::replace(Span::new(first.start, next.start), "")];
        }
        let start = match self.from.checked_sub(1) {
            Some(previous) => self.items[previous].end,
            None => first.start,
        };
        let needs_comma = keep_comma && self.from > 0 && comma.is_none();
        vec![Edit::replace(
            Span::new(start, last.end),
            if needs_comma { "," } else { "" },
        )]
        .into_iter()
        .chain(self.spare_comma(start, comma))
        .collect()
    }

    /// `(ours,)`: with the only item its comma goes.
    fn spare_comma(&self, start: usize, comma: Option<usize>) -> Option<Edit> {
        let only = self.from == 0 && start == self.items[0].start;
        comma
            .filter(|_| only)
            .map(|comma| Edit::replace(Span::new(comma - 1, comma), ""))
    }

    /// Behind the comma that follows an item.
    fn comma(&self, end: usize) -> Option<usize> {
        let mut at = skip_trivia(self.text, end);
        while self.text.get(at) == Some(&b')') && at < self.close {
            at = skip_trivia(self.text, at + 1);
        }
        (self.text.get(at) == Some(&b',') && at < self.close).then_some(at + 1)
    }
}

/// All cuts as one set; two that share a blank line are one. No blank line is left at the end of the file.
pub(super) fn joined(text: &[u8], mut cuts: Vec<Edit>) -> Option<EditSet> {
    cuts.sort_by_key(Edit::span);
    let mut edits: Vec<Edit> = Vec::new();
    for cut in cuts {
        match edits.last_mut() {
            Some(last) if cut.span().start < last.span().end => {
                let text = format!("{}{}", last.text(), cut.text());
                let end = last.span().end.max(cut.span().end);
                *last = Edit::replace(Span::new(last.span().start, end), text);
            }
            _ => edits.push(cut),
        }
    }
    without_last_gap(text, &mut edits);
    let mut set = EditSet::default();
    for edit in edits {
        set.add(edit).ok()?;
    }
    Some(set)
}

/// Where the cuts reach from a blank line to the end of the file, that line goes too.
fn without_last_gap(text: &[u8], edits: &mut [Edit]) {
    let mut end = text.len();
    let mut first = None;
    for (at, edit) in edits.iter().enumerate().rev() {
        if edit.span().end != end || !edit.text().is_empty() {
            break;
        }
        end = edit.span().start;
        first = Some(at);
    }
    if let Some(first) = first
        && let Some(above) = blank_above(text, end)
        && above > 0
    {
        edits[first] = Edit::replace(Span::new(above, edits[first].span().end), "");
    }
}

fn behind_semicolon(text: &[u8], end: usize) -> usize {
    let blanks = text[end..].iter().take_while(|byte| **byte == b' ').count();
    match text.get(end + blanks) {
        Some(b';') => end + blanks + 1,
        _ => end,
    }
}

/// A statement among others on its line.
fn shared_line(text: &[u8], stmt: Span, end: usize) -> Span {
    let blanks = |at: usize| text[at..].iter().take_while(|byte| **byte == b' ').count();
    if end > stmt.end {
        return Span::new(stmt.start, end + blanks(end));
    }
    let before = text[..stmt.start].trim_ascii_end();
    let start = match before.strip_suffix(b";") {
        Some(other) if !starts_line(text, stmt.start) => other.len(),
        _ => stmt.start,
    };
    Span::new(start, stmt.end)
}

/// Where blank lines stand on both sides, or at an end of the file, one side goes too.
fn without_gap(text: &[u8], start: usize, next: usize) -> Span {
    let above = blank_above(text, start);
    let below = blank_below(text, next);
    match (above, below) {
        (Some(above), _) if next == text.len() => Span::new(above, next),
        (None, Some(below)) if start == line_start(text, 0) => Span::new(start, below),
        (Some(_), Some(below)) => Span::new(start, below),
        _ => Span::new(start, next),
    }
}

fn blank_above(text: &[u8], start: usize) -> Option<usize> {
    line_above(text, start).filter(|above| text[*above..start].trim_ascii().is_empty())
}

fn blank_below(text: &[u8], next: usize) -> Option<usize> {
    let end = next_line(text, next);
    (end > next && text[next..end].trim_ascii().is_empty()).then_some(end)
}
