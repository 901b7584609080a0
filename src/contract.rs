//! A contract: one version of the wiring, as data. Reads and validates; decides nothing.

mod known;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::config::values;
use crate::path::RelPath;

pub use known::Contracts;

/// The contract that `init` takes where nobody chose one.
pub const DEFAULT: &str = "zc-common@1";

/// The file that says what a contract is; templates stand beside it.
pub const FILE: &str = "contract.toml";

/// The files of a contract's folder, by path below it.
pub type Files = BTreeMap<RelPath, Vec<u8>>;

/// One version of the wiring, in Celery's lower-case words.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// `line@generation.revision`, as in `zc-common@1.0`. Its folder says it.
    #[serde(skip)]
    pub id: String,
    /// Everything in its folder: what the templates are read from.
    #[serde(skip)]
    pub files: Files,
    /// The package that carries emitter and router: `zc_common`.
    #[serde(deserialize_with = "plain")]
    pub library: String,
    /// The newest release of it that this contract fits: `0.2.12`.
    #[serde(deserialize_with = "plain")]
    pub library_version: String,
    /// The events exchange's name: `microservice-events`.
    #[serde(deserialize_with = "plain")]
    pub exchange: String,
    /// Its type: `fanout`.
    #[serde(deserialize_with = "plain")]
    pub exchange_type: String,
    /// The variable that holds it in settings: `events_exchange`.
    #[serde(deserialize_with = "identifier")]
    pub exchange_variable: String,
    /// What follows the service's name in the queue's: `-events`.
    #[serde(deserialize_with = "plain")]
    pub queue_suffix: String,
    /// The router's dotted path: `zc_common.events.routers.TaskRouter`.
    #[serde(deserialize_with = "dotted")]
    pub router: String,
    /// The event's task name: `microservice.event`.
    #[serde(deserialize_with = "plain")]
    pub event_task: String,
    /// The handlers module's name: `microservice_events`.
    #[serde(deserialize_with = "identifier")]
    pub handlers_module: String,
    /// The listener module's name: `microservice_events_listener`.
    #[serde(deserialize_with = "identifier")]
    pub listener_module: String,
}

impl Contract {
    /// A contract from the text of its `contract.toml`; an error says line and column.
    pub fn parse(id: &str, text: &str) -> Result<Self, toml_edit::de::Error> {
        let contract: Self = toml_edit::de::from_str(text)?;
        Ok(Self {
            id: id.to_owned(),
            ..contract
        })
    }

    /// The text of one of its templates.
    pub(crate) fn template(&self, name: &str) -> Option<&str> {
        let bytes = self.files.get(&RelPath::root().join(name))?;
        std::str::from_utf8(bytes).ok()
    }
}

fn identifier<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    values::identifier(&text).map_err(D::Error::custom)
}

fn dotted<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    values::dotted_name(&text).map_err(D::Error::custom)
}

/// Text that can stand in any Python string as it is.
fn plain<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let fits = |c: char| c.is_ascii_graphic() && !"'\"\\%{}".contains(c);
    if text.is_empty() || !text.chars().all(fits) {
        return Err(D::Error::custom(format!(
            "{text:?} must be printable ASCII without quotes, backslashes, braces and percents"
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_contract_says_line_and_column() {
        let contract = Contracts::embedded().find("zc-common@1.0").unwrap();
        let good = contract.template(FILE).unwrap();
        let bad = good.replace("\"events_exchange\"", "\"1x\"");
        let error = Contract::parse("a@1.0", &bad).unwrap_err().to_string();
        assert!(error.contains("line 7, column 21"), "{error}");
        assert!(error.contains("`1x` is not an identifier"), "{error}");
        let missing = Contract::parse("a@1.0", "library = 'x'").unwrap_err();
        assert!(missing.to_string().contains("missing field"), "{missing}");
        let unknown = Contract::parse("a@1.0", "colour = 'x'").unwrap_err();
        assert!(
            unknown.to_string().contains("unknown field `colour`"),
            "{unknown}"
        );
    }
}
