//! A contract: one version of the wiring, as data. Reads and validates; decides nothing.

mod field;
mod folder;
mod known;
mod migration;
mod setting;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::edit::Span;
use crate::path::RelPath;
use field::{dotted, identifier, plain, some_identifier, some_version, version};

pub use known::{Contracts, Id};
pub use migration::{Step, When};
pub use setting::{Argument, Expression, Import, LibrarySetting, Literal};

/// The contract that `init` takes where nobody chose one.
pub const DEFAULT: &str = "zc-common@1";

/// The file that says what a contract is; templates stand beside it.
pub const FILE: &str = "contract.toml";

/// The templates that every contract has.
pub const TEMPLATES: [&str; 2] = ["handlers.py.tera", "listener.py.tera"];

/// The files of a contract's folder, by path below it.
pub type Files = BTreeMap<RelPath, Vec<u8>>;

/// One version of the wiring, in Celery's lower-case words.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// `line@generation.revision`, as in `zc-common@1.0`. Its folder says it.
    #[serde(default)]
    pub id: String,
    /// Everything in its folder: what the templates are read from.
    #[serde(skip)]
    pub files: Files,
    /// The folder in the service that holds it, where it is the service's own.
    #[serde(skip)]
    pub folder: Option<RelPath>,
    /// The package that carries emitter and router: `zc_common`.
    #[serde(deserialize_with = "plain")]
    pub library: String,
    /// The newest release of it that this contract fits: `0.2.12`.
    #[serde(deserialize_with = "version")]
    pub library_version: String,
    /// The oldest one: `0.2.1`. Without it, every older one fits.
    #[serde(default, deserialize_with = "some_version")]
    pub library_from: Option<String>,
    /// The events exchange's name: `microservice-events`. With [`Self::exchange_setting`], how it begins.
    #[serde(deserialize_with = "plain")]
    pub exchange: String,
    /// The setting that holds the exchange's name, one of [`Self::settings`]: `EVENTS_EXCHANGE`.
    #[serde(default, deserialize_with = "some_identifier")]
    pub exchange_setting: Option<String>,
    /// Its type: `fanout`.
    #[serde(deserialize_with = "plain")]
    pub exchange_type: String,
    /// The variable that holds it in settings: `events_exchange`.
    #[serde(deserialize_with = "identifier")]
    pub exchange_variable: String,
    /// What follows the service's name in the queue's: `-events`.
    #[serde(deserialize_with = "plain")]
    pub queue_suffix: String,
    /// The arguments that the emitter declares the events queue with: `x-max-priority = 10`.
    #[serde(default)]
    pub queue_arguments: BTreeMap<Argument, Literal>,
    /// The router's dotted path: `zc_common.events.routers.TaskRouter`.
    #[serde(deserialize_with = "dotted")]
    pub router: String,
    /// How the names of tasks begin that the router broadcasts; `.` stands for any character.
    #[serde(default = "field::microservice")]
    pub router_takes: Vec<String>,
    /// The event's task name: `microservice.event`.
    #[serde(deserialize_with = "plain")]
    pub event_task: String,
    /// The handlers module's name: `microservice_events`.
    #[serde(deserialize_with = "identifier")]
    pub handlers_module: String,
    /// The listener module's name: `microservice_events_listener`.
    #[serde(deserialize_with = "identifier")]
    pub listener_module: String,
    /// The listener imports the library: without it no worker starts.
    #[serde(default)]
    pub listener_needs_library: bool,
    /// The environment variable that names the library's settings module where there is no Django.
    #[serde(default, deserialize_with = "some_identifier")]
    pub settings_variable: Option<String>,
    /// What the library reads in the settings, each written where the service lacks it.
    #[serde(default)]
    pub settings: Vec<LibrarySetting>,
    /// What a move to this contract asks of a person.
    #[serde(default)]
    pub migration: Vec<Step>,
}

impl Contract {
    /// A contract from the text of its `contract.toml`.
    ///
    /// The id is that of its folder, or what the file says where the folder says none (`""`).
    pub fn parse(id: &str, text: &str) -> Result<Self, Invalid> {
        let mut contract: Self =
            toml_edit::de::from_str(text).map_err(|error| Invalid::toml(&error))?;
        if contract.id.is_empty() {
            id.clone_into(&mut contract.id);
        }
        match contract.fault(id) {
            Some((key, why)) => Err(Invalid::at_key(text, key, why)),
            None => Ok(contract),
        }
    }

    /// A contract from the files of its folder.
    fn of(id: &str, files: Files) -> Result<Self, Invalid> {
        let text = files.get(&RelPath::root().join(FILE));
        let text = text.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let contract = Self::parse(id, text.unwrap_or_default())?;
        Ok(Self { files, ..contract })
    }

    /// What the config says of it: its folder, or its id.
    pub fn named(&self) -> String {
        match &self.folder {
            Some(folder) => folder.as_str().to_owned(),
            None => self.id.clone(),
        }
    }

    /// Whether another contract is this one, word for word: one's own may change under its id.
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.texts() == other.texts()
    }

    /// Its data and templates, by name: all that the wiring depends on.
    pub fn texts(&self) -> BTreeMap<&'static str, &str> {
        let names = TEMPLATES.into_iter().chain([FILE]);
        names
            .filter_map(|name| Some((name, self.template(name)?)))
            .collect()
    }

    /// What a requirements file pins: `zc_common==0.2.12`.
    pub fn requirement(&self) -> String {
        format!("{}=={}", self.library, self.library_version)
    }

    /// The ways to write a library setting, the first that can be written counts.
    pub fn setting<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c LibrarySetting> {
        self.settings
            .iter()
            .filter(move |setting| setting.name == name)
    }

    /// Whether the router would broadcast a task of this name.
    pub fn broadcasts(&self, task: &str) -> bool {
        self.router_takes.iter().any(|start| {
            let mut letters = task.chars();
            start.chars().all(|wanted| {
                letters
                    .next()
                    .is_some_and(|is| wanted == '.' || is == wanted)
            })
        })
    }

    /// What differs from other contracts, in one line.
    pub fn summary(&self) -> String {
        let exchange = match &self.exchange_setting {
            Some(setting) => format!("exchange named by {setting}"),
            None => format!("exchange {}", self.exchange),
        };
        let arguments: Vec<String> = self
            .queue_arguments
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let queue = match arguments.as_slice() {
            [] => "queue without arguments".to_owned(),
            some => format!("queue with {}", some.join(", ")),
        };
        let listener = if self.listener_needs_library {
            format!("listener hands over to {}", self.library)
        } else {
            "listener calls the handlers itself".to_owned()
        };
        format!("{exchange}; {queue}; {listener}")
    }

    /// The text of one of its templates.
    pub(crate) fn template(&self, name: &str) -> Option<&str> {
        let bytes = self.files.get(&RelPath::root().join(name))?;
        std::str::from_utf8(bytes).ok()
    }

    /// What no single field can say for itself, and the key to look at.
    fn fault(&self, id: &str) -> Option<(&'static str, String)> {
        if !id.is_empty() && self.id != id {
            let why = format!("this is `{}`, and the folder is that of `{id}`", self.id);
            return Some(("id", why));
        }
        if Id::parse(&self.id).is_none() {
            let why = format!(
                "`{}` is no id: write LINE@GENERATION.REVISION, as in `our-bus@1.0`",
                self.id
            );
            return Some(("id", why));
        }
        let setting = self.exchange_setting.as_ref()?;
        let why = format!("no [[settings]] entry is named `{setting}`");
        self.setting(setting)
            .next()
            .is_none()
            .then_some(("exchange_setting", why))
    }
}

/// Why a `contract.toml` is none, and the bytes that say so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invalid {
    /// Why.
    pub why: String,
    /// Where; nowhere for what is missing.
    pub span: Option<Span>,
}

impl Invalid {
    fn toml(error: &toml_edit::de::Error) -> Self {
        Self {
            why: error.message().trim_end().replace('\n', ", "),
            span: error.span().map(|range| Span::new(range.start, range.end)),
        }
    }

    fn at_key(text: &str, key: &str, why: String) -> Self {
        let document = toml_edit::Document::parse(text).ok();
        let span = document.and_then(|document| document.get(key)?.span());
        Self {
            why,
            span: span.map(|range| Span::new(range.start, range.end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> String {
        let contract = Contracts::embedded().find("zc-common@1.0").unwrap();
        contract.template(FILE).unwrap().to_owned()
    }

    fn fault(text: &str) -> (String, String) {
        let invalid = Contract::parse("a@1.0", text).unwrap_err();
        let at = invalid.span.map(|span| span.of(text.as_bytes()).to_vec());
        let at = at.map(|bytes| String::from_utf8(bytes).unwrap());
        (invalid.why, at.unwrap_or_default())
    }

    #[test]
    fn a_wrong_contract_says_where() {
        let (why, at) = fault(&good().replace("\"events_exchange\"", "\"1x\""));
        assert_eq!(
            (why.as_str(), at.as_str()),
            ("`1x` is not an identifier", "\"1x\"")
        );
        assert!(fault("library = 'x'").0.contains("missing field"));
        let (why, at) = fault("colour = 'x'");
        assert!(why.contains("unknown field `colour`"), "{why}");
        assert_eq!(at, "colour");
    }

    #[test]
    fn what_two_fields_say_must_agree() {
        let with = |more: &str| format!("{more}\n{}", good());
        let (why, at) = fault(&with("id = 'b@1.0'"));
        assert!(why.contains("the folder is that of `a@1.0`"), "{why}");
        assert_eq!(at, "'b@1.0'");
        let (why, at) = fault(&with("exchange_setting = 'X'"));
        assert!(why.contains("no [[settings]] entry is named `X`"), "{why}");
        assert_eq!(at, "'X'");
        assert!(Contract::parse("", &good()).is_err());
    }

    #[test]
    fn a_router_takes_names_by_their_beginning() {
        let mut contract = Contract::parse("a@1.0", &good()).unwrap();
        assert!(contract.broadcasts("microservice_x.tasks.y"));
        contract.router_takes = vec!["microservice.event".to_owned()];
        assert!(contract.broadcasts("microservice_events.placed"));
        assert!(!contract.broadcasts("microservice_x.tasks.y"));
        assert!(!contract.broadcasts("microservice"));
    }
}
