//! AMQP URLs whose vhost is spelled the old way. Pure.

use crate::edit::Span;
use crate::facts::text::occurrences;
use crate::url::{Vhost, vhost};

/// The schemes of URLs that are looked for.
pub(super) const SCHEMES: [&str; 2] = ["amqp://", "amqps://"];

/// The old-form URLs in a text, masked to ASCII: the worker reads vhost `/`, the emitter an empty one.
///
/// `amqp://` alone has no host, `amqp://host/` and `amqp://host/%2F` are right.
pub fn old_urls(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for scheme in SCHEMES {
        for start in occurrences(bytes, scheme) {
            let host = start + scheme.len();
            let url = Span::new(start, end_of(bytes, host));
            let has_host = bytes.get(host) != Some(&b'/');
            if has_host && vhost(url.of(text)) != Vhost::Plain {
                found.push(url);
            }
        }
    }
    found.sort();
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

    fn old(text: &str) -> Vec<&str> {
        old_urls(text).iter().map(|url| url.of(text)).collect()
    }

    #[test]
    fn the_path_decides() {
        for url in [
            "amqp://u:p@h:5672//",
            "amqp://h//name?heartbeat=30",
            "amqps://${U:-x y}@{{ host }}//",
        ] {
            assert_eq!(old(&format!("x: \"{url}\"")), [url]);
        }
        assert_eq!(
            old("a=amqp://a//;amqp://b//;"),
            ["amqp://a//", "amqp://b//"]
        );
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
            assert!(old(url).is_empty(), "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(amqp|://|/|[a-z?#{};'\" \\n]){0,30}") {
            prop_assert!(old_urls(&text).iter().all(|url| url.end <= text.len()));
        }
    }
}
