//! Where findings on the tree in memory stand in the files on disk, which still have our parts. Pure.

use crate::edit::Span;
use crate::facts::text::{line_at, lines, trimmed};
use crate::finding::{Finding, Place};
use crate::tree::Tree;

/// The findings, made on `planned`, with their places in `now`; what stands nowhere there is the whole file.
pub(super) fn on_disk(findings: &[Finding], planned: &Tree, now: &Tree) -> Vec<Finding> {
    let mut findings = findings.to_vec();
    for place in findings.iter_mut().flat_map(|finding| &mut finding.places) {
        place.span = moved(place, planned, now);
    }
    findings
}

fn moved(place: &Place, planned: &Tree, now: &Tree) -> Option<Span> {
    let span = place.span?;
    let (before, after) = (planned.bytes(&place.path)?, now.bytes(&place.path)?);
    if before == after {
        return Some(span);
    }
    let line = line_at(&before, span.start);
    if let Some(found) = same_line(&before, &after, line) {
        let at = found.start + (span.start - line.start);
        let whole = Span::new(at, at + span.end - span.start);
        let is_whole = whole.end <= after.len() && whole.of(&after[..]) == span.of(&before[..]);
        return Some(if is_whole {
            whole
        } else {
            trimmed(&after, found)
        });
    }
    same_binding(&after, line.of(&before[..])).map(|found| trimmed(&after, found))
}

/// The line with the same text; of several, that of the same number, where none was added.
fn same_line(before: &[u8], after: &[u8], line: Span) -> Option<Span> {
    let all = |text: &[u8]| -> Vec<Span> {
        let text_of = |span: &Span| span.of(text) == line.of(before);
        lines(text).filter(text_of).collect()
    };
    let (old, new) = (all(before), all(after));
    let at = old.iter().position(|span| *span == line)?;
    (old.len() == new.len()).then(|| new[at])
}

/// The one line that binds the same name: its value was ours.
fn same_binding(after: &[u8], line: &[u8]) -> Option<Span> {
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let name = &line[..=equals];
    let mut found = lines(after).filter(|span| span.of(after).starts_with(name));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
