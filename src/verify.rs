//! The plan proves itself: what we are about to write is what we meant, or nothing is written. Pure.

use anyhow::{Context as _, Result, ensure};

use crate::edit::EditSet;
use crate::path::RelPath;
use crate::python::parse::parse;
use crate::python::syntax::{Module, Stmt};

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
        let text = |span: crate::edit::Span| span.of(&*module.text).to_vec();
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
    let kept = before
        .body
        .iter()
        .filter(|stmt| !touched(stmt, edits))
        .map(|stmt| stmt.span.of(&*before.text));
    let mut now = after.body.iter().map(|stmt| stmt.span.of(&*after.text));
    for text in kept {
        let found = now.any(|other| other == text);
        ensure!(
            found,
            "a statement of {path} that was not to change would change"
        );
    }
    Ok(())
}

/// Whether an edit changes a statement: inside it, or text glued to its ends.
fn touched(stmt: &Stmt, edits: &EditSet) -> bool {
    edits.iter().any(|edit| {
        let span = edit.span();
        let ends_here = span.start == stmt.span.end
            && !edit.text().starts_with(['\n', '\r', ','])
            && edit.is_insertion();
        let inside = span.start > stmt.span.start && span.start < stmt.span.end;
        let replaces = !edit.is_insertion() && span.overlaps(stmt.span);
        let glued = span.start == stmt.span.start && edit.text().starts_with('(');
        inside
            || replaces
            || ends_here
            || glued
            || (span.start == stmt.span.end && edit.text().starts_with(','))
    })
}
