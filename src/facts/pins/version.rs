//! Release numbers, and their order. Pure.

use std::cmp::Ordering;
use std::fmt;

/// A release number, compared part by part: `5.2` equals `5.2.0`, and `4.10` is above `4.9`.
#[derive(Clone, Debug)]
pub struct Version {
    parts: Vec<u64>,
    text: String,
    /// `b1` of `1.0.0b1`.
    stage: Option<(&'static str, u64)>,
}

impl Version {
    /// A version from the start of `text`: `v4.4.7` is `4.4.7`, and `1.0.0b1` comes before `1.0.0`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V']);
        let digits = |text: &str| {
            text.find(|other: char| !other.is_ascii_digit() && other != '.')
                .unwrap_or(text.len())
        };
        let end = digits(text);
        let (release, rest) = (text[..end].trim_end_matches('.'), &text[end..]);
        let parts: Option<Vec<u64>> = release.split('.').map(|part| part.parse().ok()).collect();
        let mut parts = parts?;
        while parts.last() == Some(&0) {
            parts.pop();
        }
        let stage = ["a", "b", "rc"]
            .into_iter()
            .find(|stage| rest.starts_with(stage));
        let stage = stage.map(|stage| (stage, &rest[stage.len()..]));
        let stage =
            stage.and_then(|(stage, rest)| Some((stage, rest[..digits(rest)].parse().ok()?)));
        let text = match stage {
            Some((stage, number)) => format!("{release}{stage}{number}"),
            None => release.to_owned(),
        };
        Some(Self { parts, text, stage })
    }

    /// A release that we know by number.
    pub fn release(text: &str) -> Self {
        Self::parse(text).expect("a number of ours")
    }

    /// The first number: 4 of `4.4.7`.
    pub fn major(&self) -> u64 {
        self.parts.first().copied().unwrap_or(0)
    }

    /// The first release that is no longer like this one: `5` for `4.4`.
    pub(super) fn next(&self) -> Self {
        let major = self.major().saturating_add(1);
        // Below 1.0 the second number counts: ^0.2.12 ends at 0.3.
        let (parts, text) = match self.parts.as_slice() {
            [0, minor, ..] => {
                let minor = minor.saturating_add(1);
                (vec![0, minor], format!("0.{minor}"))
            }
            _ => (vec![major], major.to_string()),
        };
        Self {
            parts,
            stage: None,
            text,
        }
    }

    /// What comes before a release sorts before it.
    fn order(&self) -> (&[u64], bool, Option<(&str, u64)>) {
        (&self.parts, self.stage.is_none(), self.stage)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Version {}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(version("4.10") > version("4.9.1"));
        assert_eq!(version("5.0"), version("5"));
        assert_eq!(version("v3.1.26.post2").to_string(), "3.1.26");
    }
}
