//! Paths inside one service. Pure: no disk.

use std::fmt;

/// A path below the service's root: `/`-separated, relative, normalised (no `.`, `..`, empty parts).
///
/// The empty path is the root itself. Sorts as text, so plans and lock files have one order.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Deserialize, serde::Serialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

impl RelPath {
    /// The root of the service.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// A path from text, or `None` where it is absolute or would leave the root.
    ///
    /// ```
    /// # use scaffold_events::path::RelPath;
    /// assert_eq!(RelPath::parse("./a//b/../c").unwrap().as_str(), "a/c");
    /// assert!(RelPath::parse("a/../../x").is_none());
    /// assert!(RelPath::parse("/etc").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('/') || text.contains('\0') {
            return None;
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        Some(Self(parts.join("/")))
    }

    /// This path with one more name, or several joined by `/`.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        if self.0.is_empty() {
            Self(name.to_owned())
        } else if name.is_empty() {
            self.clone()
        } else {
            Self(format!("{}/{name}", self.0))
        }
    }

    /// The directory that holds this path; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(Self(
            self.0
                .rfind('/')
                .map_or(String::new(), |at| self.0[..at].to_owned()),
        ))
    }

    /// The last part; empty for the root.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The last part without its extension.
    pub fn stem(&self) -> &str {
        let name = self.file_name();
        name.rfind('.')
            .filter(|&at| at > 0)
            .map_or(name, |at| &name[..at])
    }

    /// Whether the last part ends in this extension (no dot).
    pub fn has_extension(&self, extension: &str) -> bool {
        self.file_name()
            .strip_suffix(extension)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    }

    /// Whether this path is `directory` or below it.
    pub fn is_under(&self, directory: &Self) -> bool {
        self.below(directory).is_some()
    }

    /// What is left of this path below `directory`.
    pub fn below(&self, directory: &Self) -> Option<&str> {
        if directory.0.is_empty() || self == directory {
            return Some(&self.0[directory.0.len()..]);
        }
        self.0.strip_prefix(&directory.0)?.strip_prefix('/')
    }

    /// The path's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts, outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }
}

impl TryFrom<String> for RelPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not a path below the service"))
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
