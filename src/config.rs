//! What the user decided: `scaffold-events.toml`, `[tool.scaffold-events]` in `pyproject.toml`, or flags.
//!
//! This module and [`crate::contract`] are the only users of `toml_edit`. Pure: reads through the
//! [`Tree`](crate::tree::Tree), and gives bytes back instead of writing them.

mod keys;
mod read;
mod said;
pub mod values;
mod write;

use std::fmt;

use crate::path::RelPath;

pub use read::{Loaded, load};
pub use said::for_wired;
pub use write::{revised, write};

/// The file we make where the user has none.
pub const FILE: &str = "scaffold-events.toml";

/// How the events reach the bus when Celery itself publishes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// The contract's router where it is safe, else the narrow route.
    Auto,
    /// The contract's router.
    Router,
    /// A route for the event's task alone.
    EventOnly,
}

impl Route {
    /// Every route, in the order the help lists them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Router, Self::EventOnly];

    /// Its name in config and flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Router => "router",
            Self::EventOnly => "event-only",
        }
    }
}

/// A Celery app by name: `module:variable`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppName {
    /// Dotted module, `orders.celery`.
    pub module: String,
    /// The variable in it, `app`.
    pub variable: String,
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.module, self.variable)
    }
}

/// The user's decisions; what is `None` is for detection to find.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Config {
    /// The service's name on the bus.
    pub name: Option<String>,
    /// The service's Python package, dotted.
    pub package: Option<String>,
    /// The file that holds the Celery settings.
    pub settings: Option<RelPath>,
    /// The Celery app.
    pub celery_app: Option<AppName>,
    /// The directory for the two event modules.
    pub tasks_dir: Option<RelPath>,
    /// Env sample files to keep right.
    pub env_files: Option<Vec<RelPath>>,
    /// The contract's id, or the folder that holds one.
    pub contract: Option<String>,
    /// Which route to write.
    pub route: Option<Route>,
    /// Go on with a broker that is not AMQP.
    pub allow_non_amqp: bool,
}

impl Config {
    /// These decisions, and `other`'s where there is none: `flags.over(config)`.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        Self {
            name: self.name.or(other.name),
            package: self.package.or(other.package),
            settings: self.settings.or(other.settings),
            celery_app: self.celery_app.or(other.celery_app),
            tasks_dir: self.tasks_dir.or(other.tasks_dir),
            env_files: self.env_files.or(other.env_files),
            contract: self.contract.or(other.contract),
            route: self.route.or(other.route),
            allow_non_amqp: self.allow_non_amqp || other.allow_non_amqp,
        }
    }

    /// What is decided as (key, value), in the order of the file, for a summary.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        keys::KEYS
            .iter()
            .filter_map(|key| Some((key.name, keys::plain(&(key.value)(self)?))))
            .collect()
    }
}

#[cfg(test)]
mod tests;
