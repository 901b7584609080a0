//! The two output streams and the one question. A reader that goes away is no error.

use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};
use std::panic::PanicHookInfo;

use annotate_snippets::renderer::{AnsiColor, Effects, Style};
use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};

use super::Colour;
use crate::report::painted;

const RED: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);

/// Sets for the whole run when to use colours.
pub(super) fn set_colours(colour: Colour) {
    match colour {
        Colour::Auto => ColorChoice::Auto,
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    }
    .write_global();
}

/// Styled text to the standard output.
pub(super) fn out(text: &str) -> Result<()> {
    finished(anstream::stdout().write_all(text.as_bytes()), "output")
}

/// Styled text to the standard error.
pub(super) fn err(text: &str) -> Result<()> {
    finished(anstream::stderr().write_all(text.as_bytes()), "error")
}

/// A patch: in colours for eyes, byte for byte for `git apply`.
pub(super) fn patch(patch: &[u8]) -> Result<()> {
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => finished(io::stdout().lock().write_all(patch), "output"),
        ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => out(&painted(patch)),
    }
}

/// Whether somebody is there to be asked.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

/// Asks; anything but yes is no.
pub(super) fn ask(question: &str) -> Result<bool> {
    out(&format!("{question} [y/N] "))?;
    io::stdout().flush().context("cannot ask")?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.context("cannot read the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes" | "YES"))
}

/// An error and its causes, outermost first, on the standard error.
pub(super) fn error<T: Display>(chain: impl IntoIterator<Item = T>) -> Result<()> {
    let mut chain = chain.into_iter();
    let Some(outermost) = chain.next() else {
        return Ok(());
    };
    let causes = chain.map(|cause| format!("  because: {cause}\n"));
    let causes: String = causes.collect();
    err(&format!("{RED}error{RED:#}: {outermost}\n{causes}"))
}

/// What we say in place of a panic's own words: it is our bug, and what to report.
pub fn bug(panic: &PanicHookInfo) {
    let place = panic.location().map_or(String::new(), |location| {
        format!(" ({}:{})", location.file(), location.line())
    });
    let version = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    // Nobody is left to tell if this cannot be written.
    let _ = err(&format!(
        "{RED}error{RED:#}: this is a bug in scaffold-events{place}\n  \
         `scaffold-events check` says where the service stands; if a write was cut short, the next `init`, \
         `sync` or `remove` finishes or undoes it\n  \
         please report it, with the command you typed, this place and the version: {version}\n"
    ));
}

fn finished(result: io::Result<()>, stream: &str) -> Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.with_context(|| format!("cannot write to the standard {stream}")),
    }
}
