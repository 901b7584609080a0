//! What a field of a contract may be: serde's way to [`values`]. An error says why.

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::config::values;

pub(super) fn identifier<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    values::identifier(&text).map_err(D::Error::custom)
}

pub(super) fn some_identifier<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    identifier(from).map(Some)
}

pub(super) fn dotted<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    values::dotted_name(&text).map_err(D::Error::custom)
}

/// A release's number: `0.2.12`.
pub(super) fn version<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.split('.').all(number) {
        return Ok(text);
    }
    Err(D::Error::custom(format!(
        "{text:?} is not a release, as in \"0.2.12\""
    )))
}

pub(super) fn some_version<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    version(from).map(Some)
}

/// Text that can stand in any Python string as it is.
pub(super) fn plain<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    plain_text(text).map_err(D::Error::custom)
}

pub(super) fn plain_text(text: String) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_graphic() && !"'\"\\%{}".contains(c);
    if text.is_empty() || !text.chars().all(fits) {
        return Err(format!(
            "{text:?} must be printable ASCII without quotes, backslashes, braces and percents"
        ));
    }
    Ok(text)
}

/// What the first router takes.
pub(super) fn microservice() -> Vec<String> {
    vec!["microservice".to_owned()]
}
