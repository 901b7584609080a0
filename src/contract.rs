//! A contract: one version of the wiring, as data. Reads and validates; decides nothing.

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::config::values;
use crate::finding::{Finding, nearest};
use crate::path::RelPath;
use crate::templates;

/// The contract that `init` takes where nobody chose one.
pub const DEFAULT: &str = "zc-common@1";

/// One version of the wiring, in Celery's lower-case words.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// `line@generation.revision`, as in `zc-common@1.0`. Its folder says it.
    #[serde(skip)]
    pub id: String,
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

    /// The folder of its templates: `contracts/zc-common/1.0`.
    pub(crate) fn folder(&self) -> RelPath {
        folder().join(&self.id.replace('@', "/"))
    }
}

/// The contract of this id; without a revision (`zc-common@1`), the newest of that generation.
pub fn find(id: &str) -> Result<Contract, Finding> {
    let released = released();
    let found = released
        .iter()
        .rev()
        .find(|known| *known == id || id == generation(known))
        .ok_or_else(|| unknown(id, &released))?;
    let path = folder()
        .join(&found.replace('@', "/"))
        .join("contract.toml");
    let text = templates::text(&path).expect("every contract folder holds a contract.toml");
    Ok(Contract::parse(found, text).expect("a released contract is valid: a test reads each"))
}

/// The ids of all contracts, oldest first within a line.
pub fn released() -> Vec<String> {
    let mut ids: Vec<(String, Vec<u32>)> = templates::directories(&folder())
        .iter()
        .flat_map(templates::directories)
        .map(|folder| {
            let line = folder.parent().unwrap_or_default();
            (line.file_name().to_owned(), numbers(folder.file_name()))
        })
        .collect();
    ids.sort();
    ids.into_iter()
        .map(|(line, version)| {
            let version: Vec<String> = version.iter().map(u32::to_string).collect();
            format!("{line}@{}", version.join("."))
        })
        .collect()
}

fn folder() -> RelPath {
    RelPath::root().join("contracts")
}

/// `zc-common@1` of `zc-common@1.0`.
fn generation(id: &str) -> &str {
    id.rsplit_once('.').map_or(id, |(generation, _)| generation)
}

fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| {
            part.parse()
                .expect("contract folders are named 1.0, 1.1, …")
        })
        .collect()
}

fn unknown(id: &str, released: &[String]) -> Finding {
    let finding = Finding::refusal("contract-unknown", format!("there is no contract `{id}`"));
    let finding = match nearest(id, released.iter().map(String::as_str)) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    };
    finding.help(format!("this version knows {}", released.join(", ")))
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
    use sha2::{Digest, Sha256};

    use super::*;

    /// A released folder never changes: make a new version instead.
    const RELEASED: &[(&str, &str)] = &[(
        "zc-common@1.0",
        "54181b56cd7b7ee8793ce313731097b4c1573c42a438e5ded354d7f0756fc947",
    )];

    #[test]
    fn a_released_contract_stays_as_it_is() {
        let found: Vec<(String, String)> = released()
            .iter()
            .map(|id| (id.clone(), hash(&find(id).unwrap().folder())))
            .collect();
        let known: Vec<(String, String)> = RELEASED
            .iter()
            .map(|(id, hash)| ((*id).to_owned(), (*hash).to_owned()))
            .collect();
        assert_eq!(found, known);
    }

    /// Of each file's path and text, both with their length: no two folders give one input.
    fn hash(folder: &RelPath) -> String {
        use std::fmt::Write as _;
        let mut hasher = Sha256::new();
        for path in templates::files(folder) {
            let text = templates::text(&path).unwrap();
            for part in [path.below(folder).unwrap(), text] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
        hasher
            .finalize()
            .iter()
            .fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            })
    }

    #[test]
    fn a_generation_is_its_newest_revision() {
        assert_eq!(find("zc-common@1").unwrap().id, "zc-common@1.0");
        assert_eq!(find(DEFAULT).unwrap(), find("zc-common@1.0").unwrap());
    }

    #[test]
    fn an_unknown_contract_lists_what_there_is() {
        let finding = find("zc-comon@1.0").unwrap_err();
        assert_eq!(finding.code, "contract-unknown");
        assert_eq!(
            finding.help,
            [
                "did you mean `zc-common@1.0`?",
                "this version knows zc-common@1.0"
            ]
        );
        assert_eq!(find("x@9").unwrap_err().help.len(), 1);
    }

    #[test]
    fn a_wrong_contract_says_line_and_column() {
        let good = templates::text(&RelPath::root().join("contracts/zc-common/1.0/contract.toml"));
        let bad = good.unwrap().replace("\"events_exchange\"", "\"1x\"");
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
