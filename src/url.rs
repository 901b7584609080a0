//! AMQP URLs as kombu and pika read them: the vhost is the path. Pure.

use std::ops::Range;

use crate::edit::Span;

/// What a URL's vhost is written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vhost {
    /// `//` or `//name`: kombu and pika disagree. The byte to spell as `%2F`.
    Slash(usize),
    /// Any other: no path, `/`, `/%2F`, `/name`.
    Plain,
}

/// The schemes that worker and emitter read alike.
pub fn is_amqp(scheme: &str) -> bool {
    matches!(scheme.to_ascii_lowercase().as_str(), "amqp" | "amqps")
}

/// The schemes by which a worker speaks AMQP: kombu has names of its own for its two clients.
pub fn is_kombus_amqp(scheme: &str) -> bool {
    is_amqp(scheme)
        || matches!(
            scheme.to_ascii_lowercase().as_str(),
            "pyamqp" | "librabbitmq"
        )
}

/// The scheme of a URL, if it has one.
pub fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once("://")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (!scheme.is_empty() && scheme.chars().all(valid)).then_some(scheme)
}

/// How the vhost of a URL is written. `text` is the URL from its scheme on, without others.
///
/// ```
/// # use scaffold_events::url::{vhost, Vhost};
/// assert_eq!(vhost("amqp://h:5672//"), Vhost::Slash(14));
/// assert_eq!(vhost("amqp://h//orders?heartbeat=30"), Vhost::Slash(9));
/// assert_eq!(vhost("amqp://"), Vhost::Plain);
/// assert_eq!(vhost("amqp://h/%2F"), Vhost::Plain);
/// ```
pub fn vhost(text: &str) -> Vhost {
    let Some(host) = text.find("://").map(|at| at + 3) else {
        return Vhost::Plain;
    };
    tail_vhost(text, host)
}

/// The same for the end of a URL whose begin is not literal: `//` behind a host name or at the begin.
pub fn tail_vhost(text: &str, from: usize) -> Vhost {
    let end = text[from..]
        .find(['?', '#'])
        .map_or(text.len(), |at| from + at);
    match text[from..end].find('/').map(|at| from + at) {
        Some(slash) if text[slash + 1..end].starts_with('/') => Vhost::Slash(slash + 1),
        _ => Vhost::Plain,
    }
}

/// The URLs of a `;`-separated list, each with its range.
pub fn split(text: &str) -> Vec<Span> {
    let mut start = 0;
    let mut spans = Vec::new();
    for piece in text.split(';') {
        let blanks = piece.len() - piece.trim_start().len();
        spans.push(Span::new(
            start + blanks,
            start + piece.trim_end().len().max(blanks),
        ));
        start += piece.len() + 1;
    }
    spans
}

/// A text with the password in each URL starred out, for anything that is shown.
///
/// ```
/// # use scaffold_events::url::masked;
/// assert_eq!(masked("amqp://user:secret@host//"), "amqp://user:***@host//");
/// ```
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for password in passwords(text.as_bytes()) {
        out.push_str(&text[done..password.start]);
        out.push_str("***");
        done = password.end;
    }
    out + &text[done..]
}

/// The passwords in all URLs of a text: what stands between `://user:` and the last `@` of one word.
/// A placeholder (`{password}`, `%s`, `${NAME}`) is no secret and stays readable.
pub fn passwords(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = find(bytes, from, b"://") {
        let start = at + 3;
        let word = bytes[start..].iter().position(|byte| ends_word(*byte));
        let word_end = word.map_or(bytes.len(), |length| start + length);
        let end = find(&bytes[..word_end], start, b"://").unwrap_or(word_end);
        let colon = bytes[start..end].iter().position(|byte| *byte == b':');
        let at_sign = bytes[start..end].iter().rposition(|byte| *byte == b'@');
        if let (Some(colon), Some(at_sign)) = (colon, at_sign)
            && colon < at_sign
            && !is_placeholder(&bytes[start + colon + 1..start + at_sign])
        {
            found.push(start + colon + 1..start + at_sign);
        }
        from = end;
    }
    found
}

/// The URL with its vhost spelt one way, for comparing.
pub fn normal(text: &str) -> String {
    match vhost(text) {
        Vhost::Slash(at) => format!("{}%2F{}", &text[..at], &text[at + 1..]),
        Vhost::Plain => text.to_owned(),
    }
}

fn find(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(&bytes[from..], wanted).map(|at| from + at)
}

fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`')
}

fn is_placeholder(text: &[u8]) -> bool {
    let name = |text: &[u8]| {
        text.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
    };
    match text {
        [] | b"%s" | b"***" => true,
        [b'{', inner @ .., b'}']
        | [b'$', b'{', inner @ .., b'}']
        | [b'%', b'(', inner @ .., b')', b's']
        | [b'$', inner @ ..] => name(inner),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_and_nothing_else() {
        for (text, shown) in [
            ("amqp://u:p@h//", "amqp://u:***@h//"),
            ("'amqp://u:p/?#@x@h//'", "'amqp://u:***@h//'"),
            ("a://u:p@h//;a://v:q@h//", "a://u:***@h//;a://v:***@h//"),
            ("a://:secret@h", "a://:***@h"),
            ("amqp://u:se,cret<x@h", "amqp://u:***@h"),
            ("amqp://h:5672//", "amqp://h:5672//"),
            ("amqp://user@h:5672", "amqp://user@h:5672"),
            ("amqp://{}:{password}@h", "amqp://{}:{password}@h"),
            ("a://u:${PASS}@h b@c", "a://u:${PASS}@h b@c"),
            ("a://u:${PASS:-x}@h", "a://u:***@h"),
            ("a://%(u)s:%(p)s@h", "a://%(u)s:%(p)s@h"),
            ("http://h/ mail: a@b", "http://h/ mail: a@b"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
