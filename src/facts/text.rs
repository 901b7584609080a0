//! Plain text as byte spans, for files that are not Python. Pure; never splits a character, never panics.

use memchr::memmem;

use crate::edit::Span;

/// The lines of `text` without what ends them (`\n`, `\r\n` or a lone `\r`).
///
/// ```
/// # use scaffold_events::facts::text::lines;
/// let spans: Vec<_> = lines(b"a\r\nbc\n").map(|span| (span.start, span.end)).collect();
/// assert_eq!(spans, [(0, 1), (3, 5)]);
/// ```
pub fn lines(text: &[u8]) -> impl Iterator<Item = Span> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = Span::new(at, at + length);
        let ending = match rest.get(length..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([_, ..]) => 1,
            _ => 0,
        };
        at = line.end + ending;
        Some(line)
    })
}

/// Whether `needle` occurs in `text`.
pub fn contains(text: &[u8], needle: &str) -> bool {
    memmem::find(text, needle.as_bytes()).is_some()
}

/// Every offset at which `needle` occurs in `text`.
pub fn occurrences<'a>(text: &'a [u8], needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    memmem::find_iter(text, needle.as_bytes())
}

/// The line around the byte at `at`.
pub fn line_at(text: &[u8], at: usize) -> Span {
    let at = at.min(text.len());
    let start = memchr::memrchr2(b'\n', b'\r', &text[..at]).map_or(0, |end| end + 1);
    let end = memchr::memchr2(b'\n', b'\r', &text[at..]).map_or(text.len(), |length| at + length);
    Span::new(start, end)
}

/// The text with every byte ≥ 0x80 masked by `?`: one byte each, so offsets stay true.
pub fn masked(text: &[u8]) -> String {
    let mask = |&byte: &u8| {
        if byte.is_ascii() {
            char::from(byte)
        } else {
            '?'
        }
    };
    text.iter().map(mask).collect()
}

/// The span without white space at both ends.
pub fn trimmed(text: &[u8], span: Span) -> Span {
    let bytes = span.of(text);
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let length = bytes.trim_ascii().len();
    Span::new(span.start + start, span.start + start + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_lone_carriage_return_ends_a_line() {
        assert_eq!(lines(b"a\rb").count(), 2);
        assert_eq!(line_at(b"a\rbc", 2), Span::new(2, 4));
    }

    #[test]
    fn trimming_keeps_offsets() {
        assert_eq!(trimmed(b"x  ab \n", Span::new(1, 6)), Span::new(3, 5));
        assert_eq!(trimmed(b"   ", Span::new(0, 3)).start, 3);
    }

    proptest! {
        #[test]
        fn lines_are_inside_the_text(text: Vec<u8>, at: usize) {
            prop_assert!(lines(&text).all(|line| line.end <= text.len()));
            prop_assert!(line_at(&text, at).end <= text.len());
            prop_assert_eq!(masked(&text).len(), text.len());
        }
    }
}
