//! Bytes of a user's file as text that can be shown: decoded, masked, with spans that still fit.

use std::ops::Range;

use crate::edit::Span;
use crate::url::passwords;

/// Some whole lines of a file, and where a span lies in them.
#[derive(Debug)]
pub(super) struct Lines {
    /// Their text.
    pub(super) text: String,
    /// The number of the first, from 1.
    pub(super) first: usize,
    /// The span, as byte offsets into `text`.
    pub(super) span: Range<usize>,
}

/// The lines that a span touches. Spans that do not fit the file are cut to it.
pub(super) fn lines(file: &[u8], span: Span) -> Lines {
    let span = fitted(file, span);
    let start = line_start(file, span.start);
    let rest = file[span.end..].iter().position(|byte| is_newline(*byte));
    let end = rest.map_or(file.len(), |rest| span.end + rest);
    let Shown { text, offsets } = Shown::of(&file[start..end]);
    Lines {
        text,
        first: line_number(file, start),
        span: offsets[span.start - start]..offsets[span.end - start],
    }
}

/// Line and column of an offset, both from 1; columns count characters, lines end as Python's do.
pub(super) fn position(file: &[u8], at: usize) -> (usize, usize) {
    let at = at.min(file.len());
    let start = line_start(file, at);
    let column = decoded(&file[start..at]).chars().count() + 1;
    (line_number(file, start), column)
}

/// The span, cut to the file.
pub(super) fn fitted(file: &[u8], span: Span) -> Span {
    let end = span.end.min(file.len());
    Span::new(span.start.min(end), end)
}

/// A text of ours with every password in a URL masked: `amqp://guest:***@rabbitmq`.
pub(super) fn masked(text: &str) -> String {
    Shown::of(text.as_bytes()).text
}

struct Shown {
    text: String,
    /// For each byte of the original, and its end, where it went in `text`.
    offsets: Vec<usize>,
}

impl Shown {
    fn of(bytes: &[u8]) -> Self {
        let mut shown = Self {
            text: String::with_capacity(bytes.len()),
            offsets: Vec::with_capacity(bytes.len() + 1),
        };
        let mut done = 0;
        for password in passwords(bytes) {
            shown.decode(&bytes[done..password.start]);
            shown.push(password.len(), "***");
            done = password.end;
        }
        shown.decode(&bytes[done..]);
        shown.offsets.push(shown.text.len());
        shown
    }

    fn decode(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                // Python ends a line at a lone CR, the renderer does not.
                let c = if c == '\r' { '\n' } else { c };
                self.push(c.len_utf8(), c.encode_utf8(&mut [0; 4]));
            }
            for byte in chunk.invalid() {
                self.push(1, latin1(*byte).encode_utf8(&mut [0; 4]));
            }
        }
    }

    fn push(&mut self, width: usize, text: &str) {
        self.offsets
            .extend(std::iter::repeat_n(self.text.len(), width));
        self.text.push_str(text);
    }
}

fn decoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| latin1(*byte)));
    }
    text
}

/// Bytes that are no UTF-8 are most likely latin-1.
fn latin1(byte: u8) -> char {
    match char::from(byte) {
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// The start of the line that holds `at`; a BOM belongs to no line.
fn line_start(file: &[u8], at: usize) -> usize {
    let bom = if file.starts_with(b"\xef\xbb\xbf") {
        3.min(at)
    } else {
        0
    };
    let before = file[..at].iter().enumerate();
    let newline = before.rev().find(|&(index, _)| ends_line(file, index));
    newline.map_or(bom, |(index, _)| index + 1)
}

fn line_number(file: &[u8], start: usize) -> usize {
    1 + (0..start).filter(|&index| ends_line(file, index)).count()
}

/// Whether a line ends with the byte at `index`: LF, or CR without LF.
fn ends_line(file: &[u8], index: usize) -> bool {
    match file[index] {
        b'\n' => true,
        b'\r' => file.get(index + 1) != Some(&b'\n'),
        _ => false,
    }
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_behind_a_password_still_fits() {
        let file = b"x = 1\r\nURL = 'amqp://u:secret@h//'\r\n";
        let at = file.windows(3).position(|it| it == b"//'").unwrap();
        let lines = lines(file, Span::new(at, at + 2));
        assert_eq!(lines.text, "URL = 'amqp://u:***@h//'");
        assert_eq!(&lines.text[lines.span], "//");
        assert_eq!(lines.first, 2);
    }

    #[test]
    fn columns_count_characters_and_no_bom() {
        let file = "\u{feff}ä = 1\rb\r\nc".as_bytes();
        assert_eq!(position(file, 6), (1, 3));
        assert_eq!(position(file, 10), (2, 1));
        assert_eq!(position(file, file.len()), (3, 2));
        assert_eq!(position(b"\xe9 = 1", 1), (1, 2));
    }

    #[test]
    fn latin1_is_readable() {
        let lines = lines(b"a = '\xe9\x80'", Span::new(4, 8));
        assert_eq!(&lines.text[lines.span], "'é\u{fffd}'");
    }
}
