//! Edits recorded so that they can be taken out again exactly, or not at all.

use super::{Shared, Undo, hash};
use crate::edit::{Edit, EditSet, Span};
use crate::newline::{Newline, with_lf};

impl Shared {
    /// The record of these edits made to the text `before`.
    ///
    /// Text that went and is no UTF-8 cannot be recorded: then [`Shared::undo`] gives nothing.
    pub fn record(before: &[u8], edits: &EditSet, establishes: Vec<String>) -> Self {
        let after = edits.splice(before);
        let at = |offset: usize| with_lf(&after[..offset]).len();
        let undo = edits.reversed(before);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            before: hash(before),
            hash: hash(&after),
            newline: Newline::of(&after),
            establishes,
            undo: undo
                .iter()
                .map(|edit| Undo {
                    at: at(edit.span().start),
                    ours: text(&with_lf(edit.span().of(&*after))),
                    insert: edit.text().to_owned(),
                })
                .collect(),
        }
    }

    /// The original of `current`, in the newlines it has now; `None` where it is not what we left,
    /// or the record does not lead back to what was there before.
    pub fn undo(&self, current: &[u8]) -> Option<Vec<u8>> {
        if hash(current) != self.hash {
            return None;
        }
        let newline = Newline::of(current);
        let raw = raw_offsets(current);
        let mut edits = EditSet::default();
        for Undo { at, ours, insert } in &self.undo {
            let start = *raw.get(*at)?;
            let end = *raw.get(at.checked_add(ours.len())?)?;
            if with_lf(current.get(start..end)?) != ours.as_bytes() {
                return None;
            }
            let text = if newline == self.newline {
                insert.clone()
            } else {
                String::from_utf8(newline.convert(insert.as_bytes())).ok()?
            };
            let edit = Edit::replace(Span::new(start, end), text);
            edits.add(edit).ok()?;
        }
        let original = edits.splice(current);
        (hash(&original) == self.before).then_some(original)
    }
}

/// For each offset into the text with LF, its end included, the offset into the text itself; a
/// newline begins at its CR.
fn raw_offsets(text: &[u8]) -> Vec<usize> {
    let is_lf_of_pair = |at: usize| at > 0 && text[at] == b'\n' && text[at - 1] == b'\r';
    (0..=text.len())
        .filter(|&at| at == text.len() || !is_lf_of_pair(at))
        .collect()
}
