//! Source bytes to our syntax. The only user of the parser, with `convert`.
//!
//! Never panics, never hangs, never guesses an encoding.

mod convert;
mod encoding;

use std::sync::Arc;
use std::thread;

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseOptions, lexer, parse_unchecked};

use super::syntax::Module;
use crate::edit::Span;

/// Why a file cannot be read as Python.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unparsable {
    /// A finding's code.
    pub code: &'static str,
    /// What is the case.
    pub message: String,
    /// Where, if one place is to blame.
    pub span: Option<Span>,
}

impl Unparsable {
    /// No one place in the file is to blame.
    pub fn whole(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span: None,
        }
    }
}

/// The module in `text`; where parts of it are not Python 3, the rest with the errors named.
///
/// Refused are texts that Python would not decode, and texts that no person wrote: brackets over 200
/// deep, thousands of chained operators.
pub fn parse(text: Arc<[u8]>) -> Result<Module, Unparsable> {
    let source = encoding::decode(&text)?;
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || {
            within_limits(&source.text)?;
            let parsed = parse_unchecked(&source.text, ParseOptions::from(Mode::Module))
                .try_into_module()
                .ok_or_else(|| Unparsable::whole("file-not-python", "not a Python module"))?;
            Ok(convert::module(&parsed, &text, source.masked))
        })
        .map_err(|error| {
            Unparsable::whole("out-of-memory", format!("no thread to parse on: {error}"))
        })?
        .join()
        .unwrap_or_else(|_| {
            Err(Unparsable::whole(
                "parser-bug",
                "the Python parser stopped on this file",
            ))
        })
}

/// Address space only: the system gives memory as it is touched.
const STACK: usize = 256 * 1024 * 1024;
const BRACKETS: usize = 200;
const CHAIN: usize = 3000;

/// Bounds what nests, since trees are built, walked and dropped by recursion: brackets, and runs of
/// tokens without a comma (`a + a + …`, `not not …`, `a()()…`).
fn within_limits(source: &str) -> Result<(), Unparsable> {
    let mut lexer = lexer::lex(source, Mode::Module);
    let mut runs = vec![0_usize];
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => runs.push(0),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace if runs.len() > 1 => {
                runs.pop();
            }
            TokenKind::Newline => runs = vec![0],
            TokenKind::Comma => *runs.last_mut().expect("never empty") = 0,
            TokenKind::String | TokenKind::Comment | TokenKind::NonLogicalNewline => continue,
            _ => {}
        }
        *runs.last_mut().expect("never empty") += 1;
        if runs.len() > BRACKETS {
            let message = format!("brackets are nested more than {BRACKETS} deep");
            return Err(Unparsable::whole("file-nests-too-deep", message));
        }
        if runs.last().is_some_and(|&run| run > CHAIN) {
            let message = format!("one expression chains more than {CHAIN} tokens");
            return Err(Unparsable::whole("file-nests-too-deep", message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::syntax::{ExprKind, StmtKind};
    use proptest::prelude::*;

    fn module(text: &str) -> Module {
        parse(text.as_bytes().into()).unwrap()
    }

    fn code(text: &[u8]) -> &'static str {
        parse(text.into()).unwrap_err().code
    }

    #[test]
    fn spans_point_into_the_bytes_behind_a_bom() {
        let module = module("\u{feff}A = 'ä'\nB = 1\n");
        assert_eq!(module.body[1].span.of(&*module.text), b"B = 1");
    }

    #[test]
    fn python_2_statements_leave_the_rest_readable() {
        let module =
            module("A = 1\nprint 'x'\nB = 0755\ntry:\n    pass\nexcept E, e:\n    pass\nC = 3\n");
        assert!(!module.errors.is_empty());
        let last = module.body.last().unwrap();
        assert_eq!(last.span.of(&*module.text), b"C = 3");
        assert!(matches!(last.kind, StmtKind::Assign { .. }));
    }

    #[test]
    fn a_string_knows_its_pieces() {
        let module = module("X = 'a' u\"b\\n\" r'c'\n");
        let StmtKind::Assign { value, .. } = &module.body[0].kind else {
            panic!()
        };
        assert_eq!(value.string().unwrap(), "ab\nc");
        let ExprKind::String(pieces) = &value.kind else {
            panic!()
        };
        assert_eq!(pieces[1].content.of(&*module.text), b"b\\n");
        assert_eq!([true, false, true], [0, 1, 2].map(|n| pieces[n].verbatim));
    }

    #[test]
    fn latin_1_needs_its_cookie() {
        let module = parse(b"# -*- coding: latin-1 -*-\nA = '\xe9'\n"[..].into()).unwrap();
        assert!(module.masked);
        assert_eq!(code(b"A = '\xe9'\n"), "file-not-utf8");
    }

    #[test]
    fn what_no_person_wrote_is_refused() {
        assert_eq!(code(b"A = 1\0"), "file-has-nul");
        assert_eq!(code(b"\xff\xfeA\0"), "file-not-utf8");
        assert_eq!(code("(".repeat(10_000).as_bytes()), "file-nests-too-deep");
        assert_eq!(code("a+".repeat(100_000).as_bytes()), "file-nests-too-deep");
        assert_eq!(
            code("lambda:".repeat(50_000).as_bytes()),
            "file-nests-too-deep"
        );
        assert_eq!(code(b"# coding: utf-16\n"), "file-encoding-unknown");
    }

    #[test]
    fn long_flat_data_is_fine() {
        let module = module(&format!("A = [{}]\n", "{'a': (1, 2)},\n".repeat(20_000)));
        assert!(module.errors.is_empty());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[ -~\\n\\t'\"()\\[\\]{},.:=#\\\\]{0,200}") {
            let _ = parse(text.as_bytes().into());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(bytes.into());
        }
    }
}
