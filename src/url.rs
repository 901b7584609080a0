//! AMQP URLs as kombu and pika read them: the vhost is the path. Pure.

use crate::edit::Span;

/// What a URL's vhost is written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vhost {
    /// `//` or `//name`: kombu and pika disagree. The byte to spell as `%2F`.
    Slash(usize),
    /// Any other: no path, `/`, `/%2F`, `/name`.
    Plain,
}

/// The schemes that this bus can run on.
pub fn is_amqp(scheme: &str) -> bool {
    matches!(scheme.to_ascii_lowercase().as_str(), "amqp" | "amqps")
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

/// The URL with its password starred out, for anything that is shown.
///
/// ```
/// # use scaffold_events::url::masked;
/// assert_eq!(masked("amqp://user:secret@host//"), "amqp://user:***@host//");
/// ```
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || "/'\"`;,<>".contains(c))
            .unwrap_or(after.len());
        let authority = &after[..end];
        match (authority.find(':'), authority.rfind('@')) {
            (Some(colon), Some(at)) if colon < at => {
                out.push_str(&authority[..=colon]);
                out.push_str("***");
                out.push_str(&authority[at..]);
            }
            _ => out.push_str(authority),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

/// The URL with its vhost spelt one way, for comparing.
pub fn normal(text: &str) -> String {
    match vhost(text) {
        Vhost::Slash(at) => format!("{}%2F{}", &text[..at], &text[at + 1..]),
        Vhost::Plain => text.to_owned(),
    }
}
