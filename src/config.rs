//! What the user decided: `scaffold-events.toml`, `[tool.scaffold-events]`, or flags.
//!
//! The only module that uses `toml_edit`, but for `lock`, which reads its own TOML with it.

use crate::path::RelPath;

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

/// A Celery app by name: `module:variable`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppName {
    /// Dotted module, `orders.celery`.
    pub module: String,
    /// The variable in it, `app`.
    pub variable: String,
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
    /// The contract's id.
    pub contract: Option<String>,
    /// Which route to write.
    pub route: Option<Route>,
    /// Go on with a broker that is not AMQP.
    pub allow_non_amqp: bool,
}
