//! Three-way merge of a file that is ours and was edited by hand. Pure: bytes in, bytes out.
//!
//! The result keeps the newlines of the file on disk, and its missing final newline.

use diffy::{ConflictStyle, MergeOptions};

use crate::newline::{Newline, with_lf};

/// What to do where both sides changed the same lines.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Conflict {
    /// Change nothing at all.
    #[default]
    Refuse,
    /// Write both sides between conflict markers, as diff3 does.
    Markers,
    /// Take the new text.
    Ours,
    /// Keep the lines of the file.
    Theirs,
}

/// What came of a merge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Merged {
    /// One text, as wished where the sides overlapped.
    Whole(Vec<u8>),
    /// A text with conflict markers, and what it was made of.
    Marked(Vec<u8>, Sides),
    /// The sides overlap in this many places.
    Overlapping(usize),
}

/// The three texts of a merge, all in the newlines of the file on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sides {
    /// What we wrote.
    pub base: Vec<u8>,
    /// What we would write now.
    pub ours: Vec<u8>,
    /// The file on disk.
    pub theirs: Vec<u8>,
}

/// Takes what changed from `base` to `ours` into `theirs`, the file on disk.
pub fn merge(base: &[u8], theirs: &[u8], ours: &[u8], label: &str, conflict: Conflict) -> Merged {
    let newline = Newline::of(theirs);
    let open = !theirs.ends_with(b"\n") && !theirs.is_empty();
    let lf = |text: &[u8]| match newline {
        Newline::Mixed => text.to_vec(),
        Newline::Lf | Newline::Crlf => with_lf(text),
    };
    let mut closed = lf(theirs);
    if open {
        closed.push(b'\n');
    }
    let back = |mut text: Vec<u8>| {
        if open && text.ends_with(b"\n") {
            text.pop();
        }
        newline.convert(&text)
    };
    let (base, ours) = (lf(base), lf(ours));
    match options().merge_bytes(&base, &ours, &closed) {
        Ok(text) => Merged::Whole(back(text)),
        Err(marked) => match conflict {
            Conflict::Refuse => Merged::Overlapping(overlaps(&marked)),
            Conflict::Markers => {
                let theirs = theirs.to_vec();
                let [base, ours] = [base, ours].map(back);
                let sides = Sides { base, ours, theirs };
                Merged::Marked(back(labelled(&marked, label)), sides)
            }
            Conflict::Ours => Merged::Whole(back(resolved(&marked, Part::Ours))),
            Conflict::Theirs => Merged::Whole(back(resolved(&marked, Part::Theirs))),
        },
    }
}

/// Whether a text holds conflict markers, ours or another tool's.
pub fn has_markers(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n');
    let begins = |line: &[u8], mark: &[u8]| line.starts_with(mark);
    lines.any(|line| begins(line, b"<<<<<<< ")) && lines.any(|line| begins(line, b">>>>>>> "))
}

/// Longer than any line a person would begin so: the sides are told apart by them.
const LENGTH: usize = 41;

fn options() -> MergeOptions {
    let mut options = MergeOptions::new();
    options.set_conflict_style(ConflictStyle::Diff3);
    options.set_conflict_marker_length(LENGTH);
    options
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Both,
    Ours,
    Base,
    Theirs,
}

/// Each line with the side that it belongs to; a marker gives the part that begins.
fn lines(marked: &[u8]) -> Vec<(Part, &[u8], bool)> {
    let mut part = Part::Both;
    let mut out = Vec::new();
    for line in marked.split_inclusive(|byte| *byte == b'\n') {
        let marks =
            |byte: u8| line.len() >= LENGTH && line[..LENGTH].iter().all(|one| *one == byte);
        let begun = match () {
            () if marks(b'<') => Some(Part::Ours),
            () if marks(b'|') => Some(Part::Base),
            () if marks(b'=') => Some(Part::Theirs),
            () if marks(b'>') => Some(Part::Both),
            () => None,
        };
        part = begun.unwrap_or(part);
        out.push((part, line, begun.is_some()));
    }
    out
}

fn overlaps(marked: &[u8]) -> usize {
    let lines = lines(marked);
    let begins = |(part, _, marker): &&(Part, &[u8], bool)| *marker && *part == Part::Ours;
    lines.iter().filter(begins).count()
}

fn resolved(marked: &[u8], wanted: Part) -> Vec<u8> {
    let kept = lines(marked)
        .into_iter()
        .filter(|(part, _, marker)| !marker && (*part == wanted || *part == Part::Both));
    kept.flat_map(|(_, line, _)| line.to_vec()).collect()
}

/// Markers of git's length, that say which side is which.
fn labelled(marked: &[u8], label: &str) -> Vec<u8> {
    let line = |(part, line, marker): (Part, &[u8], bool)| match (marker, part) {
        (false, _) => line.to_vec(),
        (true, Part::Ours) => format!("<<<<<<< {label}\n").into_bytes(),
        (true, Part::Base) => b"||||||| as it was written\n".to_vec(),
        (true, Part::Theirs) => b"=======\n".to_vec(),
        (true, Part::Both) => b">>>>>>> your file\n".to_vec(),
    };
    lines(marked).into_iter().flat_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &[u8] = b"a\nb\nc\nd\ne\n";

    fn merged(theirs: &[u8], ours: &[u8], conflict: Conflict) -> Merged {
        merge(BASE, theirs, ours, "zc-common@1.1", conflict)
    }

    #[test]
    fn edits_that_do_not_meet_come_together() {
        let whole = merged(b"A\nb\nc\nd\ne\n", b"a\nb\nc\nd\nE\n", Conflict::Refuse);
        assert_eq!(whole, Merged::Whole(b"A\nb\nc\nd\nE\n".to_vec()));
    }

    #[test]
    fn newlines_and_a_missing_last_one_are_kept() {
        let whole = merged(
            b"A\r\nb\r\nc\r\nd\r\ne",
            b"a\nb\nc\nd\nE\n",
            Conflict::Refuse,
        );
        assert_eq!(whole, Merged::Whole(b"A\r\nb\r\nc\r\nd\r\nE".to_vec()));
        let whole = merged(
            b"A\r\nb\r\nc\r\nd\r\ne",
            b"a\nb\nC\nd\ne\n",
            Conflict::Refuse,
        );
        assert_eq!(whole, Merged::Whole(b"A\r\nb\r\nC\r\nd\r\ne".to_vec()));
    }

    #[test]
    fn what_overlaps_is_for_a_person() {
        let (theirs, ours) = (b"a\nb\nx\nd\ne\n", b"a\nb\ny\nd\ne\n");
        assert_eq!(
            merged(theirs, ours, Conflict::Refuse),
            Merged::Overlapping(1)
        );
        assert_eq!(
            merged(theirs, ours, Conflict::Ours),
            Merged::Whole(ours.to_vec())
        );
        assert_eq!(
            merged(theirs, ours, Conflict::Theirs),
            Merged::Whole(theirs.to_vec())
        );
        let marked = b"a\nb\n<<<<<<< zc-common@1.1\ny\n||||||| as it was written\nc\n=======\nx\n>>>>>>> your file\nd\ne\n";
        let sides = Sides {
            base: BASE.to_vec(),
            ours: ours.to_vec(),
            theirs: theirs.to_vec(),
        };
        assert_eq!(
            merged(theirs, ours, Conflict::Markers),
            Merged::Marked(marked.to_vec(), sides)
        );
        assert!(has_markers(marked) && !has_markers(BASE));
    }
}
