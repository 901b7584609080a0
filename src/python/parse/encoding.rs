//! Bytes to text of the same length, as Python would decode them (PEP 263), or not at all. Pure.

use super::Unparsable;
use crate::edit::Span;

/// A file's text, as long as its bytes.
pub(super) struct Source {
    pub(super) text: String,
    /// Bytes ≥ 0x80 stand as `?`: the text is in another ASCII-compatible encoding.
    pub(super) masked: bool,
}

/// The text for the parser, with every offset kept.
pub(super) fn decode(bytes: &[u8]) -> Result<Source, Unparsable> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Unparsable::whole(
            "file-not-utf8",
            "this file is UTF-16, which Python does not read",
        ));
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(at_byte(
            at,
            "file-has-nul",
            "a NUL byte: Python does not read past it",
        ));
    }
    let cookie = cookie(bytes);
    if let Some((name, span)) = &cookie
        && !is_ascii_compatible(name)
    {
        return Err(Unparsable {
            code: "file-encoding-unknown",
            message: format!("we cannot edit text in the encoding `{name}`"),
            span: Some(*span),
        });
    }
    match (std::str::from_utf8(bytes), cookie) {
        (Ok(text), None) => Ok(plain(text)),
        (Ok(text), Some((name, _))) if is_utf8(&name) => Ok(plain(text)),
        (Err(error), Some((name, _))) if is_utf8(&name) => Err(not_utf8(error.valid_up_to())),
        (Err(error), None) => Err(not_utf8(error.valid_up_to())),
        (_, Some(_)) => Ok(masked(bytes)),
    }
}

fn plain(text: &str) -> Source {
    Source {
        text: text.to_owned(),
        masked: false,
    }
}

fn masked(bytes: &[u8]) -> Source {
    let ascii = bytes.iter().map(|&byte| {
        if byte.is_ascii() {
            char::from(byte)
        } else {
            '?'
        }
    });
    Source {
        text: ascii.collect(),
        masked: !bytes.is_ascii(),
    }
}

fn not_utf8(at: usize) -> Unparsable {
    at_byte(
        at,
        "file-not-utf8",
        "this byte is not UTF-8, and no coding line says what it is: Python does not read this file",
    )
}

fn at_byte(at: usize, code: &'static str, message: &str) -> Unparsable {
    Unparsable {
        code,
        message: message.to_owned(),
        span: Some(Span::new(at, at + 1)),
    }
}

/// The encoding that a coding line names (PEP 263: a comment, first or second line).
fn cookie(bytes: &[u8]) -> Option<(String, Span)> {
    let mut start = 0;
    for _ in 0..2 {
        let rest = bytes.get(start..)?;
        let length = rest
            .iter()
            .position(|&byte| matches!(byte, b'\n' | b'\r'))
            .unwrap_or(rest.len());
        if let Some(found) = cookie_in(&rest[..length], start) {
            return Some(found);
        }
        let crlf = usize::from(rest[length..].starts_with(b"\r\n"));
        start += length + 1 + crlf;
    }
    None
}

fn cookie_in(line: &[u8], offset: usize) -> Option<(String, Span)> {
    let line = line
        .strip_prefix(b"\xef\xbb\xbf")
        .map_or((line, offset), |line| (line, offset + 3));
    let (line, offset) = line;
    let blank = line
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\x0c'))
        .count();
    if line.get(blank) != Some(&b'#') {
        return None;
    }
    let word = line.windows(6).position(|window| window == b"coding")?;
    let after = word + 6;
    if !matches!(line.get(after), Some(b':' | b'=')) {
        return None;
    }
    let blank = line[after + 1..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let start = after + 1 + blank;
    let length = line[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        .count();
    let name = String::from_utf8_lossy(&line[start..start + length]).into_owned();
    (length > 0).then(|| (name, Span::new(offset + start, offset + start + length)))
}

fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn is_utf8(name: &str) -> bool {
    let name = normal(name);
    name == "utf8" || name == "utf-8" || name.starts_with("utf-8-")
}

/// Encodings in which every byte below 0x80 is that ASCII character, wherever it stands.
fn is_ascii_compatible(name: &str) -> bool {
    const FAMILIES: [&str; 9] = [
        "latin",
        "iso-8859",
        "iso8859",
        "cp125",
        "windows-125",
        "koi8",
        "euc-",
        "ascii",
        "us-ascii",
    ];
    is_utf8(name)
        || FAMILIES
            .iter()
            .any(|family| normal(name).starts_with(family))
}
