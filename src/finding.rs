//! What is not as the contract wants: where, why, what next. Pure data.

use crate::edit::Span;
use crate::path::RelPath;

/// How bad a finding is, worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// We are not sure, or must not: nothing is written for this service (exit 3).
    Refusal,
    /// The service does not work as wired, and no plan can mend it (exit 1 from `check`).
    Error,
    /// Works, but not everywhere or not for ever.
    Warning,
    /// Worth knowing.
    Note,
}

/// A file, and the bytes in it, that a finding is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The file, below the service's root.
    pub path: RelPath,
    /// The bytes; `None` for the file as a whole.
    pub span: Option<Span>,
}

/// One thing to know. Built with the constructors, so that every finding says what and what next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// A stable kebab-case name, for scripts and for looking it up (`queues-in-loop`).
    pub code: &'static str,
    /// How bad it is.
    pub level: Level,
    /// One line: what is the case. Lower case, no final full stop.
    pub message: String,
    /// Where; the first is underlined, the others are listed.
    pub places: Vec<Place>,
    /// A word under the underlined bytes.
    pub label: Option<String>,
    /// What to do next: an actual command or the lines to write. May span lines.
    pub help: Vec<String>,
}

/// One finding, where others would stand beside it.
impl From<Finding> for Vec<Finding> {
    fn from(finding: Finding) -> Self {
        vec![finding]
    }
}

impl Finding {
    /// A finding without a place yet; see [`Finding::at`], [`Finding::help`].
    pub fn new(code: &'static str, level: Level, message: impl Into<String>) -> Self {
        Self {
            code,
            level,
            message: message.into(),
            places: Vec::new(),
            label: None,
            help: Vec::new(),
        }
    }

    /// Nothing may be written for this service.
    pub fn refusal(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Level::Refusal, message)
    }

    /// Wrong, and not ours to mend.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Level::Error, message)
    }

    /// Works, but not everywhere or not for ever.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Level::Warning, message)
    }

    /// Worth knowing.
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Level::Note, message)
    }

    /// Adds a place: these bytes of this file.
    #[must_use]
    pub fn at(mut self, path: &RelPath, span: Span) -> Self {
        self.places.push(Place {
            path: path.clone(),
            span: Some(span),
        });
        self
    }

    /// Adds a place: this file as a whole.
    #[must_use]
    pub fn in_file(mut self, path: &RelPath) -> Self {
        self.places.push(Place {
            path: path.clone(),
            span: None,
        });
        self
    }

    /// Adds a place that was found elsewhere, once.
    #[must_use]
    pub fn place(mut self, place: &Place) -> Self {
        if !self.places.contains(place) {
            self.places.push(place.clone());
        }
        self
    }

    /// Sets the word under the underlined bytes.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// The candidate that `text` was most likely meant to be, if any is near.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(text, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}
