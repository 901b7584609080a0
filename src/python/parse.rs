//! Source bytes to our syntax; the only user of the parser. Never panics, never hangs.
