//! Literals and calls broken over lines by insertions alone, as black breaks them. Gives edits.
//!
//! Pure. The space behind a comma becomes the last of the next line's indentation.

use super::{Container, Item, LINE_WIDTH, Tail, each, laid_out};
use crate::edit::{Edit, Span};
use crate::python::style::{
    indent_unit, indentation, is_black, line_end, line_indentation, line_start, newline,
    starts_line,
};
use crate::python::syntax::Module;

impl Container {
    /// The edits that put each item on a line of its own, where a line is too long for black once an item
    /// has grown by this much.
    ///
    /// ```text
    /// app = Celery("a", include=["b", "c"])  ->  app = Celery(
    ///                                                "a",
    ///                                                include=["b", "c"],
    ///                                            )
    /// ```
    pub fn spread(&self, module: &Module, grown: usize) -> Vec<Edit> {
        let text = &*module.text;
        let (Some(first), Some(last)) = (self.items.first(), self.items.last()) else {
            return Vec::new();
        };
        let tail = Tail::scan(text, last.end, self.close);
        let width = line_end(text, first.start) - line_start(text, first.start) + grown;
        // Python 2 takes no comma behind `**options`.
        let unpacks = text[..last.start].ends_with(b"*") || last.of(text).starts_with(b"*");
        if !is_black(module) || tail.comma.is_some() || width <= LINE_WIDTH || unpacks {
            return Vec::new();
        }
        if self.is_alone(text) {
            return self.explode(module, &tail, &[]).unwrap_or_default();
        }
        let mut edits = self.unhug(text).unwrap_or_default();
        if !edits.is_empty() {
            edits.push(Edit::insert(tail.behind_item, ","));
        }
        edits
    }

    /// Breaks between items that share a line between the brackets' own: `f(\n    a, b\n)`.
    pub(super) fn unhug(&self, text: &[u8]) -> Option<Vec<Edit>> {
        let (first, last) = (self.items.first()?, self.items.last()?);
        let hugged = self.is_bracketed(text)
            && starts_line(text, first.start)
            && starts_line(text, self.close)
            && line_end(text, first.start) == line_end(text, last.end);
        let hanging = indentation(text, first.start)
            .strip_suffix(' ')
            .filter(|_| hugged)?;
        let newline = newline(text, first.start);
        let breaks = self.items.windows(2).map(|pair| {
            let between = Span::new(pair[0].end, pair[1].start).of(text);
            let edit = Edit::insert(pair[0].end + 1, format!("{newline}{hanging}"));
            (between == b", ").then_some(edit)
        });
        breaks.collect()
    }

    /// Every item on a line of its own, as black would have it, by insertions alone: the space behind a
    /// comma becomes the last of the next line's indentation.
    ///
    /// Only for a literal that stands alone.
    pub(super) fn explode(
        &self,
        module: &Module,
        tail: &Tail,
        items: &[Item],
    ) -> Option<Vec<Edit>> {
        let text = &*module.text;
        let closes = tail.comma.unwrap_or(tail.behind_item) == self.close;
        let opens = self
            .items
            .first()
            .is_some_and(|first| first.start == self.open);
        if !(self.is_alone(text) && closes && opens) {
            return None;
        }
        let newline = newline(text, self.open);
        let outer = line_indentation(text, self.open);
        let inner = format!("{outer}{}", indent_unit(module));
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

    /// Whether it is on one line, and all of a statement's value, or of a key's or keyword's that has the
    /// line for itself: `X = [a]`, `X: list[Queue] = [a]`, `task_queues=[a],`.
    pub(super) fn is_alone(&self, text: &[u8]) -> bool {
        let Some(bracket) = self.open.checked_sub(1) else {
            return false;
        };
        let line = line_start(text, bracket);
        let head = behind_annotation(&text[line..bracket]);
        !head.iter().any(|byte| b"([{,".contains(byte))
            && self.is_bracketed(text)
            && matches!(
                text.get(self.close + 1..line_end(text, self.open)),
                Some(b"" | b",")
            )
    }

    /// What goes between `()` so that each item has a line of its own.
    pub(super) fn filled_lines(&self, module: &Module, items: &[Item]) -> String {
        let text = &*module.text;
        let newline = newline(text, self.open);
        let outer = line_indentation(text, self.open);
        let inner = format!("{outer}{}", indent_unit(module));
        let lines = each(items, |item| {
            format!("{newline}{inner}{},", laid_out(item, &inner, newline))
        });
        format!("{lines}{newline}{outer}")
    }
}

/// `X = 'a'` to `X = (\n    'a',\n    item,\n)`, where the value is all of its statement and on one line.
pub(super) fn wrap_in_lines(module: &Module, value: Span, items: &[Item]) -> Option<Vec<Edit>> {
    let text = &*module.text;
    let (line, end) = (line_start(text, value.start), line_end(text, value.start));
    let head = behind_annotation(&text[line..value.start]);
    let alone = end == value.end && !head.iter().any(|byte| b"([{,".contains(byte));
    let added: usize = items.iter().map(|item| item.flat.len() + 2).sum();
    let breaks = items.iter().any(|item| item.block.is_some());
    if !alone || !breaks || end - line + added + 2 <= LINE_WIDTH {
        return None;
    }
    let newline = newline(text, value.start);
    let outer = line_indentation(text, value.start);
    let inner = format!("{outer}{}", indent_unit(module));
    let lines = each(items, |item| {
        format!("{newline}{inner}{},", laid_out(item, &inner, newline))
    });
    Some(vec![
        Edit::insert(value.start, format!("({newline}{inner}")),
        Edit::insert(value.end, format!(",{lines}{newline}{outer})")),
    ])
}

/// Of `NAME: list[Queue] = `, what is behind the annotation; anything else as it is.
fn behind_annotation(head: &[u8]) -> &[u8] {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ' | b'\t');
    let name = head.iter().take_while(|byte| is_name(byte)).count();
    let equals = head.windows(3).position(|three| three == b" = ");
    match (head.get(name), equals) {
        (Some(b':'), Some(equals)) if equals > name => &head[equals..],
        _ => head,
    }
}
