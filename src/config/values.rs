//! What a value may be: one function per kind, for the file and the flags alike. Pure.
//!
//! Each answers with the value, or with why it cannot be one ("`a b` …, lower case, no full stop").

use super::{AppName, Route};
use crate::finding::nearest;
use crate::path::RelPath;

/// A service's name: it becomes part of a queue's name and stands in Python source.
pub fn service_name(text: &str) -> Result<String, String> {
    match why_no_service_name(text) {
        None => Ok(text.to_owned()),
        Some(why) => Err(format!(
            "{} is not a service name: {why}; lower-case letters, digits, `.`, `_` and `-`, at most \
             {NAME_LIMIT}, a letter or digit first",
            shown(text)
        )),
    }
}

/// What keeps a text from being a service's name, if anything does.
pub fn why_no_service_name(text: &str) -> Option<String> {
    let starts = |first: char| first.is_ascii_lowercase() || first.is_ascii_digit();
    let follows = |other: char| starts(other) || "._-".contains(other);
    if text.is_empty() {
        Some("it is empty".to_owned())
    } else if text.len() > NAME_LIMIT {
        Some(format!(
            "it has {} bytes, at most {NAME_LIMIT} fit",
            text.len()
        ))
    } else if let Some(odd) = text.chars().find(|&other| !follows(other)) {
        Some(format!("it contains {odd:?}"))
    } else if !text.starts_with(starts) {
        Some("it does not start with a letter or digit".to_owned())
    } else {
        None
    }
}

/// A dotted Python name: `orders`, `shop.orders`.
pub fn dotted_name(text: &str) -> Result<String, String> {
    for part in text.split('.') {
        identifier(part).map_err(|why| format!("{} is not a Python module: {why}", shown(text)))?;
    }
    Ok(text.to_owned())
}

/// A Celery app: `orders.celery:app`.
pub fn celery_app(text: &str) -> Result<AppName, String> {
    let Some((module, variable)) = text.split_once(':') else {
        return Err(format!(
            "{} is not a Celery app: write MODULE:VARIABLE, as in `orders.celery:app`",
            shown(text)
        ));
    };
    let module = dotted_name(module)?;
    let variable = identifier(variable)
        .map_err(|why| format!("{} is not a Celery app: {why}", shown(text)))?;
    Ok(AppName { module, variable })
}

/// A file inside the service.
pub fn file(text: &str) -> Result<RelPath, String> {
    match directory(text)? {
        path if path == RelPath::root() => Err(format!("{} is not a file", shown(text))),
        path => Ok(path),
    }
}

/// A directory inside the service; `.` is the service itself.
pub fn directory(text: &str) -> Result<RelPath, String> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err(format!("{} is not a path", shown(text)));
    }
    RelPath::parse(text).ok_or_else(|| {
        format!(
            "{} leads out of the service: write a path relative to its root",
            shown(text)
        )
    })
}

/// A contract's id: `zc-common@1.0`, or `zc-common@1` for its newest revision.
pub fn contract_id(text: &str) -> Result<String, String> {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let fits = text.split_once('@').is_some_and(|(line, version)| {
        let (generation, revision) = version.split_once('.').unwrap_or((version, "0"));
        line.starts_with(|c: char| c.is_ascii_lowercase())
            && line
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && number(generation)
            && number(revision)
    });
    if fits {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{} is not a contract: write one as in `zc-common@1.0`",
        shown(text)
    ))
}

/// A contract: its id, or the folder in the service that holds one.
pub fn contract(text: &str) -> Result<String, String> {
    if text.contains('@') {
        return contract_id(text);
    }
    match directory(text)? {
        path if path == RelPath::root() => Err(format!("{} is the service itself", shown(text))),
        path => Ok(path.as_str().to_owned()),
    }
}

/// A route style: `auto`, `router` or `event-only`.
pub fn route(text: &str) -> Result<Route, String> {
    if let Some(route) = Route::ALL.into_iter().find(|route| route.name() == text) {
        return Ok(route);
    }
    let hint = nearest(text, Route::ALL.map(Route::name))
        .map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    Err(format!(
        "{} is not a route: `auto`, `router` or `event-only`{hint}",
        shown(text)
    ))
}

/// A Python identifier that is a keyword in no Python: a name that code can bind.
pub(crate) fn identifier(text: &str) -> Result<String, String> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("{} is not an identifier", shown(text)));
    }
    if KEYWORDS.contains(&text) {
        return Err(format!("`{text}` is a Python keyword"));
    }
    Ok(text.to_owned())
}

/// A queue is named after the service, and AMQP names end at 255 bytes.
const NAME_LIMIT: usize = 200;

/// The keywords of Python 2 and 3 together: what we write must import in both.
const KEYWORDS: [&str; 37] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "exec", "finally", "for", "from", "global", "if",
    "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "print", "raise", "return",
    "try", "while", "with", "yield",
];

/// The text as it can stand in one line of a message.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}
