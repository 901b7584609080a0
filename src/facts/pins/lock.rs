//! Lock files: what is installed. Pure.

use super::requirement::bounds;
use super::{Bound, Found, Packages, Version};
use crate::facts::text::{lines, masked, trimmed};

/// The versions in `poetry.lock`, `uv.lock` and `pdm.lock`: `[[package]]`, then `name = …`, `version = …`.
pub(super) fn pins(bytes: &[u8], packages: &Packages<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut package = None;
    for line in lines(bytes) {
        let span = trimmed(bytes, line);
        let text = masked(span.of(bytes));
        if text.starts_with('[') {
            package = None;
        } else if let Some(name) = value_of(&text, "name") {
            package = packages.named(name);
        } else if let Some(version) = value_of(&text, "version").and_then(Version::parse) {
            found.extend(package.take().map(|package| Found {
                package,
                bounds: vec![(Bound::Exact, version)],
                span,
            }));
        }
    }
    found
}

/// The versions in `Pipfile.lock`: `"celery": {`, then `"version": "==5.2"`, as pipenv lays it out.
pub(super) fn pipfile_pins(bytes: &[u8], packages: &Packages<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut package = None;
    for line in lines(bytes) {
        let span = trimmed(bytes, line);
        let text = masked(span.of(bytes));
        let Some((key, value)) = text.split_once(':') else {
            continue;
        };
        let key = key.trim().trim_matches('"');
        let value = value.trim();
        if value == "{" {
            package = packages.named(key);
        } else if key == "version" {
            let version = value.trim_matches([',', '"', ' ']);
            found.extend(package.take().map(|package| Found {
                package,
                bounds: bounds(version),
                span,
            }));
        }
    }
    found
}

fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text.strip_prefix(key)?.trim_start().strip_prefix('=')?;
    Some(value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(text: Vec<u8>) {
            pins(&text, &Packages::default());
            pipfile_pins(&text, &Packages::default());
        }
    }
}
