//! What stands around an item: the comma behind it, comments, blanks, stars. Pure.

use super::skip_trivia;
use crate::python::style::{line_end, line_start, next_line};

/// What follows the last item: parentheses around it, then perhaps a comma.
pub(super) struct Tail {
    pub(super) behind_item: usize,
    /// Behind the comma.
    pub(super) comma: Option<usize>,
}

impl Tail {
    pub(super) fn scan(text: &[u8], item_end: usize, close: usize) -> Self {
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

/// The end of the line, if only a comment stands between `at` and it; else `at`.
pub(super) fn behind_comment(text: &[u8], at: usize, close: usize) -> usize {
    let end = line_end(text, at);
    let rest = text[at..end].trim_ascii_start();
    if end <= close && (rest.is_empty() || rest.starts_with(b"#")) && next_line(text, at) > end {
        at + text[at..end].trim_ascii_end().len()
    } else {
        at
    }
}

/// Whether a comma stands in front of an item on its line.
pub(super) fn leads_with_comma(text: &[u8], item: usize) -> bool {
    let before = &text[line_start(text, item)..item];
    before.trim_ascii() == b","
}

/// `**mapping` in a dict: its begin, in front of the stars.
pub(super) fn unpack_stars(text: &[u8], at: usize) -> usize {
    let stars = text[..at]
        .iter()
        .rev()
        .take_while(|&&byte| byte == b'*')
        .count();
    at - stars.min(2)
}

/// Blanks as wide as what stands in front of `at` on its line; tabs stay.
pub(super) fn blank_to(text: &[u8], at: usize) -> String {
    let before = String::from_utf8_lossy(&text[line_start(text, at)..at]);
    let blank = |c| if c == '\t' { '\t' } else { ' ' };
    before.chars().map(blank).collect()
}

/// Whether an opening parenthesis at the end of `before` calls something.
pub(super) fn is_call(before: &[u8]) -> bool {
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
