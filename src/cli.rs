//! The command line: what can be typed, and what it means.
//!
//! With [`crate::report`], the only module that prints.

mod doctor;
mod readable;
mod run;
mod show;
mod terminal;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{AppName, Config, Route, values};
use crate::merge::Conflict;
use crate::path::RelPath;
use crate::report::Detail;

pub use run::run;
pub use terminal::bug;

/// Wires a Python Celery service to a RabbitMQ event bus, and keeps it wired.
#[derive(Parser, Debug)]
#[command(version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or nothing to do
  1  something to do: changes pending, or findings of level error
  2  wrong usage, a file that cannot be read or written, or a bug of ours
  3  a person must decide; nothing was written";

#[derive(Subcommand, Debug)]
enum Command {
    /// Wire a service, in place and all or nothing; a missing or empty one is created
    Init(Init),
    /// Bring wired services up to date after an upgrade, and keep what was edited
    Sync(Sync),
    /// Take out what was put in, and nothing else
    Remove(Remove),
    /// Say whether services are wired, current and untouched; never writes
    Check(Check),
    /// Print what `sync` (or `init`) would do, as a patch for `git apply`
    Diff(Several),
    /// Load a service's real Celery app and say what is wrong with it; this runs the service's code
    Doctor(doctor::Doctor),
    /// List the contracts that a service can be wired by
    Contracts,
}

#[derive(Args, Debug)]
struct Init {
    /// Replace a listener that was copied by hand and is not safe; `--dry-run` shows the difference
    #[arg(long)]
    adopt_listener: bool,
    /// The service's directory
    #[arg(value_name = "SERVICE", default_value = ".")]
    service: PathBuf,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    choices: Choices,
}

#[derive(Args, Debug)]
struct Sync {
    /// The services' directories
    #[arg(value_name = "SERVICE", default_value = ".")]
    services: Vec<PathBuf>,
    /// Move to this contract; without it, to the newest revision of the one that the config names
    #[arg(long, value_name = "ID", value_parser = values::contract)]
    to: Option<String>,
    /// Put back what was taken out by hand
    #[arg(long)]
    restore: bool,
    /// Where your edit meets the new text: `refuse`, `markers` (`git mergetool` knows them), `ours` (the new text) or `theirs` (yours)
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        hide_possible_values = true
    )]
    conflict: Conflict,
    #[command(flatten)]
    how: How,
}

#[derive(Args, Debug)]
struct Check {
    #[command(flatten)]
    several: Several,
    /// Fail only where something was changed by hand
    #[arg(long, conflicts_with = "outdated_only")]
    drift_only: bool,
    /// Fail only where something newer waits
    #[arg(long)]
    outdated_only: bool,
}

#[derive(Args, Debug)]
struct Remove {
    /// The service's directory
    #[arg(value_name = "SERVICE", default_value = ".")]
    service: PathBuf,
    /// Delete the listener even where it was edited by hand
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    how: How,
}

/// How a command writes.
#[derive(Args, Debug)]
struct How {
    /// Do not ask before writing
    #[arg(short, long)]
    yes: bool,
    /// Print the patch and write nothing, as `diff` does
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args, Debug)]
struct Several {
    /// The services' directories
    #[arg(value_name = "SERVICE", default_value = ".")]
    services: Vec<PathBuf>,
    #[command(flatten)]
    choices: Choices,
}

/// What detection need not find out. Beats the config file.
#[derive(Args, Debug)]
#[command(next_help_heading = "Instead of what is detected or configured")]
struct Choices {
    /// The service's name on the bus: its queue is NAME-events
    #[arg(long, value_name = "NAME", value_parser = values::service_name)]
    name: Option<String>,
    /// The service's Python package
    #[arg(long, value_name = "DOTTED", value_parser = values::dotted_name)]
    package: Option<String>,
    /// The file with the Celery settings, from the service's directory
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    settings: Option<RelPath>,
    /// The Celery app
    #[arg(long, value_name = "MODULE:VAR", value_parser = values::celery_app)]
    celery_app: Option<AppName>,
    /// Where the two event modules go
    #[arg(long, value_name = "DIR", value_parser = values::directory)]
    tasks_dir: Option<RelPath>,
    /// An env sample file to keep right; repeat for more
    #[arg(long = "env-file", value_name = "FILE", value_parser = values::file)]
    env_files: Option<Vec<RelPath>>,
    /// The version of the wiring, as in zc-common@1.0, or a folder in the service that holds one
    #[arg(long, value_name = "ID|DIR", value_parser = values::contract)]
    contract: Option<String>,
    /// How Celery sends events: auto, router or event-only
    #[arg(long, value_name = "STYLE", value_parser = values::route)]
    route: Option<Route>,
    /// Go on with a broker that is not AMQP
    #[arg(long)]
    allow_non_amqp: bool,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Report to a person, a script, GitHub Actions or code scanning
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    format: Format,
    /// Say only what stands in the way
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say what was decided, too
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When to use colours; `auto` honours `NO_COLOR` and `CLICOLOR_FORCE`
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Colour::Auto, global = true)]
    color: Colour,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Format {
    Human,
    Json,
    Github,
    Sarif,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Colour {
    Auto,
    Always,
    Never,
}

impl Choices {
    fn config(&self) -> Config {
        let Self {
            name,
            package,
            settings,
            celery_app,
            tasks_dir,
            env_files,
            contract,
            route,
            allow_non_amqp,
        } = self;
        Config {
            name: name.clone(),
            package: package.clone(),
            settings: settings.clone(),
            celery_app: celery_app.clone(),
            tasks_dir: tasks_dir.clone(),
            env_files: env_files.clone(),
            contract: contract.clone(),
            route: *route,
            allow_non_amqp: *allow_non_amqp,
        }
    }
}

impl Output {
    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (false, true) => Detail::Verbose,
            (false, false) => Detail::Normal,
        }
    }
}
