//! AMQP URLs whose vhost is spelled the old way. Pure.

use crate::edit::Span;
use crate::facts::text::occurrences;

/// An AMQP URL whose path starts with `//`: the worker reads vhost `/`, the emitter an empty one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OldUrl {
    /// The whole URL.
    pub span: Span,
    /// The path behind the host, up to `?` and `#`: `//` or `//name`.
    pub path: Span,
}

/// The old-form URLs in a text, masked to ASCII.
///
/// `amqp://` alone has no host, `amqp://host/` and `amqp://host/%2F` are right.
pub fn old_urls(text: &str) -> Vec<OldUrl> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for scheme in ["amqp://", "amqps://"] {
        for start in occurrences(bytes, scheme) {
            let host = start + scheme.len();
            let end = end_of(bytes, host);
            let behind = &bytes[host..end];
            let query = behind.iter().position(|&byte| byte == b'?' || byte == b'#');
            let behind = &behind[..query.unwrap_or(behind.len())];
            let Some(slash) = behind.iter().position(|&byte| byte == b'/') else {
                continue;
            };
            let path = host + slash;
            let length = behind.len() - slash;
            if slash > 0 && bytes[path..path + length].starts_with(b"//") {
                found.push(OldUrl {
                    span: Span::new(start, end),
                    path: Span::new(path, path + length),
                });
            }
        }
    }
    found.sort_by_key(|url| url.span);
    found
}

/// The end of a URL: white space, quotes and `;` end it, but not inside `${…}` and `{{ … }}`.
fn end_of(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'\n' | b'\r' => return at,
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b' ' | b'\t' | b'"' | b'\'' | b'`' | b';' | b',' | b'<' | b'>' | b')' | b']'
            | b'\\'
                if depth == 0 =>
            {
                return at;
            }
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paths(text: &str) -> Vec<&str> {
        old_urls(text).iter().map(|url| url.path.of(text)).collect()
    }

    #[test]
    fn the_path_decides() {
        assert_eq!(paths("amqp://u:p@h:5672//"), ["//"]);
        assert_eq!(paths("x: \"amqp://h//name?heartbeat=30\""), ["//name"]);
        assert_eq!(paths("a=amqp://a//;amqp://b//;"), ["//", "//"]);
        assert_eq!(paths("amqps://${U:-x y}@{{ host }}//"), ["//"]);
    }

    #[test]
    fn right_urls_are_left_alone() {
        for url in [
            "amqp://",
            "amqp://h",
            "amqp://h/",
            "amqp://h/%2F",
            "amqp://h/name",
            "amqp:////",
            "redis://h//",
            "amqp://h?x=//",
        ] {
            assert!(paths(url).is_empty(), "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(amqp|://|/|[a-z?#{};'\" \\n]){0,30}") {
            prop_assert!(old_urls(&text).iter().all(|url| url.span.end <= text.len()));
        }
    }
}
