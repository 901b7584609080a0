//! The plan's changes as a unified diff that a plain `git apply` takes, at the top of the checkout and in
//! the service's directory.
//!
//! The headers are plain `---`/`+++`: with `diff --git` lines `git apply` reads paths from the
//! repository's root and, run in a subdirectory, silently applies nothing. Without them git guesses how
//! much of a path to strip: all that it shares with the directory git runs in. So paths begin at the top
//! of the checkout: shorter ones are guessed wrong in a directory `orders/` with a package `orders`.

use annotate_snippets::renderer::{AnsiColor, Effects, Style};
use diffy::{DiffOptions, PatchFormatter};

use super::{Outcome, action};
use crate::path::RelPath;
use crate::plan::FileChange;

/// All changes of one service, byte for byte. A new file without content cannot be said in this
/// form; it is named in a line between the files, which `git apply` skips.
pub fn patch(outcome: &Outcome) -> Vec<u8> {
    let changes = outcome.plan.changes.iter();
    changes.flat_map(|change| one(outcome, change)).collect()
}

/// The part of [`patch`] that touches files which are there already.
pub fn edits(outcome: &Outcome) -> Vec<u8> {
    let changes = outcome.plan.changes.iter();
    let edits = changes.filter(|change| change.before.is_some());
    edits.flat_map(|change| one(outcome, change)).collect()
}

/// A patch for eyes: coloured, and with control characters made visible.
pub fn painted(patch: &[u8]) -> String {
    let line = |line: &[u8]| {
        let style = style_of(line);
        let text: String = String::from_utf8_lossy(line)
            .trim_end_matches(['\n', '\r'])
            .chars()
            .map(visible)
            .collect();
        format!("{style}{text}{style:#}\n")
    };
    patch
        .split_inclusive(|byte| *byte == b'\n')
        .map(line)
        .collect()
}

fn one(outcome: &Outcome, change: &FileChange) -> Vec<u8> {
    let before = change.before.as_deref().unwrap_or_default();
    let after = change.after.as_deref().unwrap_or_default();
    let top = from_top(outcome);
    let path = top.join(change.path.as_str()).to_string();
    if before == after {
        return format!("{} {path:?}, an empty file\n", action(change)).into_bytes();
    }
    let (old, new) = sides(&top);
    let name = |side: char, bytes: Option<&[u8]>| {
        bytes.map_or("/dev/null".to_owned(), |_| format!("{side}/{path}"))
    };
    let mut options = DiffOptions::new();
    options.set_original_filename(name(old, change.before.as_deref()));
    options.set_modified_filename(name(new, change.after.as_deref()));
    let mut out = Vec::new();
    PatchFormatter::new()
        .suppress_blank_empty(false)
        .write_patch_into(&options.create_patch_bytes(before, after), &mut out)
        .expect("writing to memory does not fail");
    out
}

/// Where the service is for git: below the top of its checkout, or else from here.
fn from_top(outcome: &Outcome) -> RelPath {
    let below = outcome.tree.below_repository();
    below.unwrap_or_else(|| outcome.prefix.clone())
}

/// The names of the two sides. In a directory `a/`, git takes the `a` of `a/a/settings.py` for it.
fn sides(top: &RelPath) -> (char, char) {
    match top.parts().next() {
        Some("a" | "b") => ('i', 'w'),
        Some(_) | None => ('a', 'b'),
    }
}

fn style_of(line: &[u8]) -> Style {
    match line {
        [b'+', b'+', b'+', b' ', ..] | [b'-', b'-', b'-', b' ', ..] => {
            Style::new().effects(Effects::BOLD)
        }
        [b'+', ..] => AnsiColor::Green.on_default(),
        [b'-', ..] => AnsiColor::Red.on_default(),
        [b'@', ..] => AnsiColor::Cyan.on_default(),
        [b'\\', ..] => Style::new().effects(Effects::DIMMED),
        _ => Style::new(),
    }
}

fn visible(c: char) -> char {
    match c {
        '\t' => c,
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(c),
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}
