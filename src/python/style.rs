//! How the text around a place is written: newline, indentation, quotes. Local evidence first. Pure.

use super::syntax::{ExprKind, Module, Stmt, StmtKind, walk};

/// The newline that ends the line of `at`, else the one before it, else LF.
///
/// ```
/// # use scaffold_events::python::style::newline;
/// assert_eq!(newline(b"a\r\nb\n", 0), "\r\n");
/// assert_eq!(newline(b"a\r\nb", 4), "\r\n");
/// assert_eq!(newline(b"a", 1), "\n");
/// ```
pub fn newline(text: &[u8], at: usize) -> &'static str {
    let is_newline = |&byte: &u8| matches!(byte, b'\n' | b'\r');
    let own = text[at..]
        .iter()
        .position(is_newline)
        .map(|length| at + length);
    match own.or_else(|| text[..at].iter().rposition(is_newline)) {
        Some(end) if text[end] == b'\n' && end > 0 && text[end - 1] == b'\r' => "\r\n",
        Some(end) if text[end] == b'\r' && text.get(end + 1) == Some(&b'\n') => "\r\n",
        Some(end) if text[end] == b'\r' => "\r",
        _ => "\n",
    }
}

/// Where the line that holds `at` begins (behind a BOM).
pub fn line_start(text: &[u8], at: usize) -> usize {
    let start = text[..at]
        .iter()
        .rposition(|byte| matches!(byte, b'\n' | b'\r'))
        .map_or(0, |newline| newline + 1);
    if start == 0 && text.starts_with(BOM) {
        BOM.len().min(at)
    } else {
        start
    }
}

/// Where the line that holds `at` ends: in front of its newline, or at the end of the text.
pub fn line_end(text: &[u8], at: usize) -> usize {
    text[at..]
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .map_or(text.len(), |length| at + length)
}

/// Where the next line begins, behind the newline that ends the line of `at`.
pub fn next_line(text: &[u8], at: usize) -> usize {
    let end = line_end(text, at);
    let newline = match text.get(end) {
        Some(b'\r') if text.get(end + 1) == Some(&b'\n') => 2,
        Some(_) => 1,
        None => 0,
    };
    end + newline
}

/// The blanks that begin the line of `at`, as far as `at`.
pub fn indentation(text: &[u8], at: usize) -> &str {
    let start = line_start(text, at);
    let length = text[start..at]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\x0c'))
        .count();
    std::str::from_utf8(&text[start..start + length]).expect("blanks are ASCII")
}

/// The spaces and tabs that begin the line of `at`, for new lines: a form feed is not repeated.
pub fn line_indentation(text: &[u8], at: usize) -> &str {
    let start = line_start(text, at);
    let blanks = text[start..at]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    indentation(text, start + blanks)
}

/// Where the line above the one that begins at `start` begins.
pub fn line_above(text: &[u8], start: usize) -> Option<usize> {
    let newline = match text[..start] {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n' | b'\r'] => 1,
        _ => return None,
    };
    let above = line_start(text, start - newline);
    debug_assert_eq!(next_line(text, above), start, "the line above ends here");
    Some(above)
}

/// Whether only blanks stand between the line's begin and `at`.
pub fn starts_line(text: &[u8], at: usize) -> bool {
    line_start(text, at) + indentation(text, at).len() == at
}

/// One step of indentation in this file: the first block's, else four spaces.
pub fn indent_unit(module: &Module) -> String {
    let mut unit = None;
    walk(&module.body, &mut |stmt| {
        for inner in stmt.blocks().iter().filter_map(|block| block.first()) {
            let outer = indentation(&module.text, stmt.span.start);
            let indent = indentation(&module.text, inner.span.start);
            if let Some(step) = indent.strip_prefix(outer)
                && starts_line(&module.text, inner.span.start)
                && !step.is_empty()
            {
                unit.get_or_insert_with(|| step.to_owned());
            }
        }
    });
    unit.unwrap_or_else(|| continued_unit(module).unwrap_or_else(|| "    ".to_owned()))
}

/// The quote of the strings nearest above `at`, in the last statement that has any; else the file's.
pub fn quote_at(module: &Module, at: usize) -> char {
    let above = module.body.iter().rev().filter(|stmt| stmt.span.start < at);
    let nearest = above.map(|stmt| quotes(module, std::slice::from_ref(stmt)));
    majority(
        nearest
            .into_iter()
            .find(|counts| counts.0 != counts.1)
            .unwrap_or_else(|| quotes(module, &module.body)),
    )
}

/// Whether black formats this file, as far as its quotes tell: the one thing it does that few people do.
pub fn is_black(module: &Module) -> bool {
    majority(quotes(module, &module.body)) == '"'
}

fn majority((single, double): (usize, usize)) -> char {
    if double > single { '"' } else { '\'' }
}

/// How many strings are in single and in double quotes, docstrings aside.
fn quotes(module: &Module, block: &[Stmt]) -> (usize, usize) {
    let (mut single, mut double) = (0, 0);
    walk(block, &mut |stmt| {
        let docstring = matches!(&stmt.kind, StmtKind::Expr { value } if value.string().is_some());
        for expr in stmt.expressions().into_iter().filter(|_| !docstring) {
            expr.walk(&mut |expr| {
                let ExprKind::String(pieces) = &expr.kind else {
                    return;
                };
                for piece in pieces {
                    match module.text.get(piece.content.start.wrapping_sub(1)) {
                        Some(b'\'') => single += 1,
                        Some(b'"') => double += 1,
                        _ => {}
                    }
                }
            });
        }
    });
    (single, double)
}

/// What may stand in front of the first line.
pub const BOM: &[u8] = b"\xef\xbb\xbf";

/// The step by which the first bracket broken over lines is indented.
fn continued_unit(module: &Module) -> Option<String> {
    let text = &*module.text;
    let mut unit = None;
    walk(&module.body, &mut |stmt| {
        let outer = indentation(text, stmt.span.start);
        let second = next_line(text, stmt.span.start);
        if unit.is_some() || second >= stmt.span.end || !starts_line(text, stmt.span.start) {
            return;
        }
        let before = text[..line_end(text, stmt.span.start)].trim_ascii_end();
        let opens = matches!(before.last(), Some(b'(' | b'[' | b'{'));
        let blanks = text[second..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let indent = indentation(text, second + blanks);
        unit = indent
            .strip_prefix(outer)
            .filter(|step| opens && !step.is_empty())
            .map(str::to_owned);
    });
    unit
}
