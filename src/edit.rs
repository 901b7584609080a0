//! Edits of one file as byte ranges into the text that was read. Pure: knows no Python, no disk.

use std::ops::Range;

/// A half-open byte range of one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// The range from `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "a span never runs backwards");
        Self { start, end }
    }

    /// The bytes of `text` in this range.
    pub fn of<T: ?Sized + std::ops::Index<Range<usize>>>(self, text: &T) -> &T::Output {
        &text[self.start..self.end]
    }

    /// Whether `other` lies inside this range (or equals it).
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the two ranges share a byte.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// One change of one file: the bytes at `span` become `text`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    span: Span,
    text: String,
}

impl Edit {
    /// New text in front of the byte at `at`; nothing is lost.
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self {
            span: Span::new(at, at),
            text: text.into(),
        }
    }

    /// The bytes at `span` become `text`.
    pub fn replace(span: Span, text: impl Into<String>) -> Self {
        Self {
            span,
            text: text.into(),
        }
    }

    /// The range of the old text that goes; empty for an insertion.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The new text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether no byte of the old text goes.
    pub fn is_insertion(&self) -> bool {
        self.span.start == self.span.end
    }
}

/// The edits of one file, in text order. Insertions at one offset keep the order they came in.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct EditSet(Vec<Edit>);

/// Two edits claim the same bytes: a bug of ours, never the user's.
#[derive(Debug, PartialEq, Eq)]
pub struct Overlap(pub Edit, pub Edit);

impl EditSet {
    /// Takes one more edit, unless it touches bytes that another one replaces.
    pub fn add(&mut self, edit: Edit) -> Result<(), Overlap> {
        let at = self
            .0
            .partition_point(|other| other.span.start <= edit.span.start);
        let clash = |other: &Edit| {
            other.span.overlaps(edit.span)
                || (edit.is_insertion() && inside(other.span, edit.span.start))
                || (other.is_insertion() && inside(edit.span, other.span.start))
        };
        if let Some(other) = self.0.iter().find(|other| clash(other)) {
            return Err(Overlap(other.clone(), edit));
        }
        self.0.insert(at, edit);
        Ok(())
    }

    /// The one edit that makes `after` of `before`; none where they are the same.
    pub fn between(before: &str, after: &str) -> Self {
        if before == after {
            return Self::default();
        }
        let same = |(a, b): &(char, char)| a == b;
        let start: usize = (before.chars().zip(after.chars()).take_while(same))
            .map(|(c, _)| c.len_utf8())
            .sum();
        let (old, new) = (&before[start..], &after[start..]);
        let end: usize = (old.chars().rev().zip(new.chars().rev()).take_while(same))
            .map(|(c, _)| c.len_utf8())
            .sum();
        let span = Span::new(start, before.len() - end);
        Self(vec![Edit::replace(span, &new[..new.len() - end])])
    }

    /// The edits in text order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Edit> {
        self.0.iter()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with every edit made; every other byte survives.
    pub fn splice(&self, text: &[u8]) -> Vec<u8> {
        let grown: usize = self.0.iter().map(|edit| edit.text.len()).sum();
        let mut out = Vec::with_capacity(text.len() + grown);
        let mut done = 0;
        for edit in &self.0 {
            out.extend_from_slice(&text[done..edit.span.start]);
            out.extend_from_slice(edit.text.as_bytes());
            done = edit.span.end;
        }
        out.extend_from_slice(&text[done..]);
        out
    }

    /// The edits that turn the spliced text back into `text`.
    #[must_use]
    pub fn reversed(&self, text: &[u8]) -> Self {
        let (mut grown, mut gone) = (0, 0);
        let mut back = Vec::with_capacity(self.0.len());
        for edit in &self.0 {
            let start = edit.span.start + grown - gone;
            back.push(Edit {
                span: Span::new(start, start + edit.text.len()),
                text: String::from_utf8_lossy(edit.span.of(text)).into_owned(),
            });
            grown += edit.text.len();
            gone += edit.span.end - edit.span.start;
        }
        Self(back)
    }
}

fn inside(span: Span, at: usize) -> bool {
    span.start < at && at < span.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_that_shrink_the_text_are_reversed() {
        let mut edits = EditSet::default();
        edits.add(Edit::replace(Span::new(0, 2), "")).unwrap();
        edits.add(Edit::replace(Span::new(3, 5), "x")).unwrap();
        edits.add(Edit::insert(5, "new")).unwrap();
        let after = edits.splice(b"abcdef");
        assert_eq!(after, b"cxnewf");
        assert_eq!(edits.reversed(b"abcdef").splice(&after), b"abcdef");
    }
}
