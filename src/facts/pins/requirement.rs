//! Requirements as people write them: by line, in quotes, or as a TOML key. Pure.

use super::{Bound, Found, Packages, Version};
use crate::edit::Span;
use crate::facts::text::{lines, masked, trimmed};
use crate::path::RelPath;

/// How a file writes its requirements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// `celery==4.4.7` on a line: `requirements.txt`, `setup.cfg`.
    Lines,
    /// `'celery==4.4.7'` in a list: `setup.py`.
    Quoted,
    /// Quoted, or `celery = "^5.2"`: `pyproject.toml`, `Pipfile`.
    Toml,
    /// `poetry.lock`, `uv.lock`, `pdm.lock`.
    Lock,
    /// `Pipfile.lock`.
    PipfileLock,
}

impl Form {
    /// The form of a file by its name; `None` if it names no requirements.
    pub(super) fn of(path: &RelPath) -> Option<Self> {
        let name = path.file_name();
        match name {
            "setup.py" => return Some(Self::Quoted),
            "setup.cfg" => return Some(Self::Lines),
            "pyproject.toml" | "Pipfile" => return Some(Self::Toml),
            "poetry.lock" | "uv.lock" | "pdm.lock" => return Some(Self::Lock),
            "Pipfile.lock" => return Some(Self::PipfileLock),
            _ => {}
        }
        let listing =
            path.has_extension("txt") || path.has_extension("in") || path.has_extension("pip");
        let directory = path.parent().unwrap_or_default();
        let below = directory.parts().any(|part| part.starts_with("req"));
        (listing && (name.contains("req") || below)).then_some(Self::Lines)
    }
}

/// The pins in a file of this form.
pub(super) fn pins(form: Form, bytes: &[u8], packages: &Packages<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut table = String::new();
    for line in lines(bytes) {
        let span = trimmed(bytes, line);
        let text = masked(span.of(bytes));
        match form {
            Form::Lines => found.extend(requirement(&text, span, packages)),
            Form::Quoted => found.extend(quoted(&text, span, packages)),
            Form::Toml => {
                if text.starts_with('[') {
                    text.trim_matches(['[', ']']).clone_into(&mut table);
                }
                let keyed = key(&table, &text, span, packages);
                match keyed {
                    Some(keyed) => found.push(keyed),
                    None => found.extend(quoted(&text, span, packages)),
                }
            }
            Form::Lock | Form::PipfileLock => {}
        }
    }
    found
}

/// The version specifiers in `text`: `>=3.1,<4`, `==4.4.*`, `^5.2`, `~5.1`.
pub(super) fn bounds(text: &str) -> Vec<(Bound, Version)> {
    text.split([',', ' '])
        .scan("", |operator, part| {
            // "celery >= 5.2": the operator may stand apart from its number.
            let number = part.trim_start_matches(['=', '<', '>', '~', '^', '!']);
            let own = &part[..part.len() - number.len()];
            if !own.is_empty() {
                *operator = own;
            }
            let bound = if number.is_empty() {
                None
            } else {
                bound(operator, number)
            };
            if !number.is_empty() {
                *operator = "";
            }
            Some(bound)
        })
        .flatten()
        .collect()
}

fn bound(operator: &str, number: &str) -> Option<(Bound, Version)> {
    let bound = match operator {
        "==" | "===" | "=" if number.contains('*') => Bound::Like,
        "==" | "===" | "=" => Bound::Exact,
        "~=" | "^" | "~" => Bound::Like,
        ">=" | ">" => Bound::AtLeast,
        "<=" => Bound::AtMost,
        "<" => Bound::Below,
        _ => return None,
    };
    Some((bound, Version::parse(number)?))
}

/// One requirement: `celery[redis]>=5.2 ; marker`, `-e git+…@tag#egg=name`, `name @ url`.
fn requirement(text: &str, span: Span, packages: &Packages<'_>) -> Option<Found> {
    let text = match text.find(" #") {
        _ if text.starts_with('#') => return None,
        Some(comment) => text[..comment].trim_end(),
        None => text,
    };
    if let Some((url, egg)) = text.split_once("#egg=") {
        return from_url(url, egg, span, packages);
    }
    let text = text.split(';').next().unwrap_or_default();
    let end = text
        .find(|other: char| !other.is_ascii_alphanumeric() && !"-_.".contains(other))
        .unwrap_or(text.len());
    let package = packages.named(&text[..end])?;
    let rest = text[end..].trim_start();
    let rest = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, rest)) => rest.trim_start(),
        None => rest,
    };
    let rest = rest
        .trim_start_matches('(')
        .trim_end_matches([')', '\\', ' ']);
    let bounds = match rest.strip_prefix('@') {
        Some(url) => tag(url).into_iter().collect(),
        None if rest.is_empty() || rest.starts_with(['=', '<', '>', '~', '^', '!']) => bounds(rest),
        None if rest.starts_with("--") => Vec::new(),
        None => return None,
    };
    Some(Found {
        package,
        bounds,
        span,
    })
}

fn from_url(url: &str, egg: &str, span: Span, packages: &Packages<'_>) -> Option<Found> {
    let egg = egg.split(['&', ' ', '[']).next().unwrap_or_default();
    let (name, version) = match egg.split_once("==") {
        Some((name, version)) => (name, Some(version)),
        None => match egg.rsplit_once('-') {
            Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => {
                (name, Some(version))
            }
            _ => (egg, None),
        },
    };
    let package = packages.named(name)?;
    let named = version.and_then(Version::parse);
    let bound = named
        .map(|version| (Bound::Exact, version))
        .or_else(|| tag(url));
    Some(Found {
        package,
        bounds: bound.into_iter().collect(),
        span,
    })
}

/// The version that a URL's tag or archive names.
fn tag(url: &str) -> Option<(Bound, Version)> {
    let last = url.rsplit(['@', '/']).next()?;
    let last = last.split('#').next()?.trim_start_matches('v');
    let dotted = last.starts_with(|first: char| first.is_ascii_digit()) && last.contains('.');
    // A commit hash starts with a digit too, but has no dot.
    dotted.then_some((Bound::Exact, Version::parse(last)?))
}

/// The requirements in quotes on a line.
fn quoted(text: &str, span: Span, packages: &Packages<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut rest = text.split('#').next().unwrap_or_default();
    if text.contains("#egg=") {
        rest = text;
    }
    while let Some(open) = rest.find(['"', '\'']) {
        let quote = &rest[open..=open];
        let Some((inside, behind)) = rest[open + 1..].split_once(quote) else {
            break;
        };
        found.extend(requirement(inside.trim(), span, packages));
        rest = behind;
    }
    found
}

/// `celery = "^5.2"`, `celery = {version = "5.2"}`, or `version = "5.2"` in the package's own table.
fn key(table: &str, text: &str, span: Span, packages: &Packages<'_>) -> Option<Found> {
    let (key, value) = text.split_once('=')?;
    let key = key.trim().trim_matches(['"', '\'']);
    let own_table = table.rsplit('.').next().unwrap_or_default();
    let package = match key {
        "version" => packages.named(own_table)?,
        key => packages.named(key)?,
    };
    let value = value.trim();
    let version = if value.starts_with('{') {
        let names = ["version", "ref", "tag", "rev"];
        names
            .iter()
            .find_map(|name| inline_value(value, name))
            .unwrap_or_default()
    } else {
        value
            .split('#')
            .next()?
            .trim()
            .trim_matches(['"', '\'', ' '])
    };
    let bounds = match bounds(version) {
        none if none.is_empty() => Version::parse(version)
            .map(|version| (Bound::Exact, version))
            .into_iter()
            .collect(),
        some => some,
    };
    Some(Found {
        package,
        bounds,
        span,
    })
}

/// The string at a key of an inline table: `{version = "5.2", extras = []}`.
fn inline_value<'a>(table: &'a str, key: &str) -> Option<&'a str> {
    let at = table
        .find(&format!("{key} "))
        .or_else(|| table.find(&format!("{key}=")))?;
    let value = table[at + key.len()..]
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let quote = value
        .chars()
        .next()
        .filter(|&first| first == '"' || first == '\'')?;
    value[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(celery|zc|[=<>~^!,'\"\\[\\]{}#@;. \\-\\n\\\\]|egg=|version|[0-9a-zé]){0,40}") {
            for form in [Form::Lines, Form::Quoted, Form::Toml] {
                pins(form, text.as_bytes(), &Packages::default());
            }
        }

        #[test]
        fn no_bytes_are_too_odd(text: Vec<u8>) {
            for form in [Form::Lines, Form::Quoted, Form::Toml] {
                pins(form, &text, &Packages::default());
            }
        }
    }
}
