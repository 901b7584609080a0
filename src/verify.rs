//! The plan proves itself: what we are about to write is what we meant, or nothing is written. Pure.

use anyhow::{Context as _, Result, ensure};

use crate::edit::{EditSet, Span};
use crate::path::RelPath;
use crate::python::parse::parse;
use crate::python::syntax::{Module, Stmt, walk};

/// Whether every edit of a shared file only adds, but for a URL's vhost slash.
pub fn only_adds(path: &RelPath, before: &[u8], edits: &EditSet) -> Result<()> {
    for edit in edits.iter() {
        let vhost = edit.span().of(before) == b"/" && matches!(edit.text(), "%2F" | "%%2F");
        ensure!(
            edit.is_insertion() || vhost,
            "an edit of {path} takes away more than a URL's slash"
        );
    }
    Ok(())
}

/// Whether no edit of a list of requirements takes away a line, or makes one.
pub fn only_within_lines(path: &RelPath, before: &[u8], edits: &EditSet) -> Result<()> {
    for edit in edits.iter() {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let crosses = edit.span().of(before).iter().any(is_end)
            || edit.text().bytes().any(|byte| is_end(&byte));
        ensure!(!crosses, "an edit of {path} changes more than a pin");
    }
    Ok(())
}

/// Whether the spliced text reads as the old one did, with the edits' own statements added: the same
/// errors, and every statement that no edit touches is there, byte for byte and in order.
pub fn reads_as_before(
    path: &RelPath,
    before: &Module,
    edits: &EditSet,
    after: &[u8],
) -> Result<()> {
    let after = parse(after.into())
        .map_err(|why| anyhow::anyhow!(why.message))
        .with_context(|| format!("{path} would not be readable any more"))?;
    let errors = |module: &Module| -> Vec<(String, Vec<u8>)> {
        let text = |span: Span| span.of(&*module.text).to_vec();
        module
            .errors
            .iter()
            .map(|error| (error.message.clone(), text(error.span)))
            .collect()
    };
    ensure!(
        errors(before) == errors(&after),
        "{path} would have other syntax errors than it has now"
    );
    let kept = pieces(&before.body)
        .into_iter()
        .filter(|piece| !touched(*piece, edits));
    let after_pieces = pieces(&after.body);
    let mut now = after_pieces.iter().map(|piece| piece.of(&*after.text));
    for piece in kept {
        let text = piece.of(&*before.text);
        ensure!(
            now.any(|other| other == text),
            "a statement of {path} that was not to change would change"
        );
    }
    Ok(())
}

/// Whether taking text out leaves every other statement as it was, and brings no new errors.
pub fn takes_only(path: &RelPath, before: &Module, edits: &EditSet, after: &[u8]) -> Result<()> {
    reads_as_before(path, before, edits, after)?;
    let count = |module: &Module| pieces(&module.body).len();
    let after = parse(after.into()).map_err(|why| anyhow::anyhow!(why.message))?;
    let gone = pieces(&before.body)
        .into_iter()
        .filter(|piece| edits.iter().any(|edit| edit.span().contains(*piece)));
    ensure!(
        count(&after) + gone.count() == count(before),
        "taking our parts out of {path} would take others with them"
    );
    Ok(())
}

/// Every simple statement, and the head of every compound one, in order.
fn pieces(block: &[Stmt]) -> Vec<Span> {
    let mut pieces = Vec::new();
    walk(block, &mut |stmt| {
        let first = stmt
            .blocks()
            .into_iter()
            .flatten()
            .map(|inner| inner.span.start)
            .min();
        pieces.push(Span::new(stmt.span.start, first.unwrap_or(stmt.span.end)));
    });
    pieces
}

/// Whether an edit changes a piece: inside it, or with text glued to one of its ends.
fn touched(piece: Span, edits: &EditSet) -> bool {
    edits.iter().any(|edit| {
        let at = edit.span();
        let inside = piece.start < at.start && at.start < piece.end;
        let replaced = at.overlaps(piece);
        let glued_before = at.start == piece.start && edit.text().starts_with('(');
        let glued_behind = at.start == piece.end && !edit.text().starts_with(['\n', '\r']);
        inside || replaced || glued_before || glued_behind
    })
}
