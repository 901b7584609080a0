//! The two newlines that git turns into each other. A lone CR is no newline to git, nor here. Pure.

/// The newlines of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Newline {
    /// Only `\n`, or none at all.
    Lf,
    /// Only `\r\n`.
    Crlf,
    /// Both.
    Mixed,
}

impl Newline {
    /// What a text uses.
    pub fn of(text: &[u8]) -> Self {
        let is_crlf = |at: usize| at > 0 && text[at - 1] == b'\r';
        let newlines = || (0..text.len()).filter(|&at| text[at] == b'\n');
        match (newlines().any(is_crlf), newlines().all(is_crlf)) {
            (false, _) => Self::Lf,
            (true, true) => Self::Crlf,
            (true, false) => Self::Mixed,
        }
    }

    /// The text with all its newlines of this kind; as it is for [`Newline::Mixed`].
    pub fn convert(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Mixed => text.to_vec(),
            Self::Lf => with_lf(text),
            Self::Crlf => {
                let mut out = Vec::with_capacity(text.len());
                for byte in with_lf(text) {
                    if byte == b'\n' {
                        out.push(b'\r');
                    }
                    out.push(byte);
                }
                out
            }
        }
    }
}

/// The text with every `\r\n` as `\n`.
pub fn with_lf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        if byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_cr_is_no_newline() {
        assert_eq!(with_lf(b"a\rb\r\nc\r\r\n"), b"a\rb\nc\r\n");
        assert_eq!(Newline::of(b"a\rb\r\n"), Newline::Crlf);
    }

    #[test]
    fn kinds() {
        assert_eq!(Newline::of(b""), Newline::Lf);
        assert_eq!(Newline::of(b"a\nb\r\n"), Newline::Mixed);
        assert_eq!(Newline::Crlf.convert(b"a\nb\r\n"), b"a\r\nb\r\n");
    }
}
