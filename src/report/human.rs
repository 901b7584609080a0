//! For a person at a terminal: what was done, what to know, what to do next.

use std::fmt::Write as _;

use super::findings::findings;
use super::source::masked;
use super::{Outcome, Status, action};
use crate::finding::{Finding, Level};
use crate::lock::LOCK;
use crate::path::RelPath;
use crate::plan::Goal;
use crate::standing::State;
use annotate_snippets::renderer::{AnsiColor, Effects, Style};

/// How much to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Detail {
    /// Only what stands in the way.
    Quiet,
    /// What a person wants to know.
    Normal,
    /// And every decision behind it.
    Verbose,
}

/// One service's report, with terminal styles; strip them where they cannot be shown.
pub fn human(outcome: &Outcome, detail: Detail) -> String {
    let parts = [
        summary(outcome, detail),
        findings(outcome, detail),
        next(outcome, detail),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// What was done, or is to be done: a headline and one line per file.
pub fn summary(outcome: &Outcome, detail: Detail) -> String {
    if detail == Detail::Quiet {
        return String::new();
    }
    let mut out = headline(outcome);
    let wrote = outcome.status == Status::Done && !outcome.plan.changes.is_empty();
    if wrote || detail == Detail::Verbose {
        settled(&mut out, outcome);
    }
    if outcome.status != Status::Refused {
        changes(&mut out, outcome);
    }
    out
}

/// One line: how it ended.
pub fn headline(outcome: &Outcome) -> String {
    let files = match outcome.plan.changes.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    let (style, words) = match &outcome.status {
        Status::Done if outcome.plan.changes.is_empty() => {
            let mut errors = outcome.plan.findings.iter();
            let is_error = |finding: &Finding| finding.level == Level::Error;
            match outcome.plan.goal {
                Goal::Wired if errors.any(is_error) => {
                    (yellow(), "nothing to write, but errors".to_owned())
                }
                Goal::Wired => (green(), "wired, nothing to do".to_owned()),
                Goal::Unwired => (green(), "not wired, nothing to do".to_owned()),
            }
        }
        Status::Done => (green(), format!("{files} written")),
        Status::Pending if outcome.plan.changes.is_empty() => {
            (yellow(), "nothing to write, but errors".to_owned())
        }
        Status::Pending => (yellow(), format!("{files} to write")),
        Status::Open => (
            yellow(),
            format!("{files} written, something is left to you"),
        ),
        Status::Refused => (red(), "refused, nothing written".to_owned()),
        Status::Failed(_) => (red(), "failed".to_owned()),
    };
    let words = match outcome.plan.standing.worst() {
        State::Clean | State::Broken => words,
        state if outcome.status == Status::Done => format!("was {}, {words}", state.name()),
        state => format!("{}, {words}", state.name()),
    };
    let service = outcome.name();
    format!("{BOLD}{service}{BOLD:#}: {style}{words}{style:#}\n")
}

/// One line: how the service was found to be.
pub fn diagnosis(outcome: &Outcome, subject: &str) -> String {
    let count = |level| {
        let findings = outcome.plan.findings.iter();
        findings.filter(|finding| finding.level == level).count()
    };
    let counted = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        count => Some(format!("{count} {word}s")),
    };
    let troubles = [
        counted(count(Level::Error), "error"),
        counted(count(Level::Warning), "warning"),
    ];
    let troubles: Vec<String> = troubles.into_iter().flatten().collect();
    let (style, words) = match &outcome.status {
        Status::Done if troubles.is_empty() => (green(), "all is well".to_owned()),
        Status::Done => (yellow(), troubles.join(", ")),
        Status::Open | Status::Pending | Status::Refused | Status::Failed(_) => {
            (red(), troubles.join(", "))
        }
    };
    let service = outcome.name();
    format!("{BOLD}{service}{BOLD:#}: {subject}: {style}{words}{style:#}\n")
}

/// What a person does next: with what was written, or to write it.
pub fn next(outcome: &Outcome, detail: Detail) -> String {
    let mut out = String::new();
    if detail == Detail::Quiet || outcome.plan.changes.is_empty() {
        return out;
    }
    let steps = steps(outcome);
    for (number, step) in steps.iter().enumerate() {
        let heading = if number == 0 { "next" } else { "" };
        let step = masked(step).replace('\n', "\n        ");
        writeln!(out, "{BOLD}{heading:4}{BOLD:#}  {}. {step}", number + 1).expect(MEMORY);
    }
    out
}

/// What to do next, in order: the commands that show and write what is planned, or what comes after writing.
pub(super) fn steps(outcome: &Outcome) -> Vec<String> {
    match outcome.status {
        Status::Done => after_writing(outcome),
        Status::Pending => ["diff", writer(outcome)]
            .map(|verb| outcome.command(verb))
            .to_vec(),
        Status::Open | Status::Refused | Status::Failed(_) => Vec::new(),
    }
}

/// The plan's steps, which are taken in the service's directory.
fn after_writing(outcome: &Outcome) -> Vec<String> {
    let go = (!outcome.is_here()).then(|| format!("cd {}", outcome.quoted()));
    go.into_iter().chain(outcome.plan.next.clone()).collect()
}

/// The command that would write what is planned.
fn writer(outcome: &Outcome) -> &'static str {
    match outcome.plan.standing.worst() {
        State::Clean if outcome.plan.goal == Goal::Unwired => "remove",
        State::Drifted | State::Outdated | State::Conflicting => "sync",
        State::Broken if is_wired(outcome) => "sync",
        State::Clean | State::Unwired | State::Broken => "init",
    }
}

fn is_wired(outcome: &Outcome) -> bool {
    outcome.tree.bytes(&RelPath::root().join(LOCK)).is_some()
}

pub(super) const BOLD: Style = Style::new().effects(Effects::BOLD);
const DIM: Style = Style::new().effects(Effects::DIMMED);
/// Where lines break.
pub(super) const MARGIN: usize = 100;
/// Longer paths than this do not push the words behind them to the right.
const PATH_WIDTH: usize = 48;

fn settled(out: &mut String, outcome: &Outcome) {
    let settled = &outcome.plan.settled;
    let width = settled.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    for (key, value) in settled {
        writeln!(out, "  {DIM}{key:width$}{DIM:#}  {}", masked(value)).expect(MEMORY);
    }
    if !settled.is_empty() && !outcome.plan.changes.is_empty() {
        out.push('\n');
    }
}

fn changes(out: &mut String, outcome: &Outcome) {
    let changes = &outcome.plan.changes;
    let paths: Vec<String> = changes.iter().map(|it| outcome.shown(&it.path)).collect();
    let width = |path: &String| path.chars().count().min(PATH_WIDTH);
    let width = paths.iter().map(width).max().unwrap_or(0);
    for (change, path) in changes.iter().zip(&paths) {
        let (style, verb) = match (action(change), &outcome.status) {
            ("create", Status::Done) => (green(), "created"),
            ("edit", Status::Done) => (cyan(), "edited"),
            ("remove", Status::Done) => (red(), "removed"),
            ("create", _) => (green(), "create"),
            ("remove", _) => (red(), "remove"),
            (verb, _) => (cyan(), verb),
        };
        let line = format!("  {style}{verb:7}{style:#}  {path:width$}");
        let words = masked(&wrapped(&change.what, 13 + width.max(path.chars().count())));
        let line = match words.as_str() {
            "" => line.trim_end().to_owned(),
            words => format!("{line}  {DIM}{words}{DIM:#}"),
        };
        writeln!(out, "{line}").expect(MEMORY);
    }
}

/// The words with commas, broken before the right margin and hanging from this column.
fn wrapped(words: &[String], column: usize) -> String {
    let room = MARGIN.saturating_sub(column).max(MARGIN / 3);
    let mut text = String::new();
    let mut used = 0;
    for (index, word) in words.iter().enumerate() {
        let length = word.chars().count() + 2;
        if index > 0 {
            text.push(',');
            if used + length > room {
                text.push('\n');
                text.push_str(&" ".repeat(column));
                used = 0;
            } else {
                text.push(' ');
            }
        }
        text.push_str(word);
        used += length;
    }
    text
}

fn cyan() -> Style {
    AnsiColor::Cyan.on_default().effects(Effects::BOLD)
}

fn green() -> Style {
    AnsiColor::Green.on_default().effects(Effects::BOLD)
}

fn yellow() -> Style {
    AnsiColor::Yellow.on_default().effects(Effects::BOLD)
}

fn red() -> Style {
    AnsiColor::Red.on_default().effects(Effects::BOLD)
}

const MEMORY: &str = "writing to memory does not fail";
