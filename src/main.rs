//! The program: parse arguments, run, exit.

use std::panic;
use std::process::ExitCode;

use clap::Parser;
use scaffold_events::cli::{self, Cli};

fn main() -> ExitCode {
    panic::set_hook(Box::new(cli::bug));
    let cli = Cli::parse();
    let code = panic::catch_unwind(|| cli::run(&cli));
    ExitCode::from(code.unwrap_or(2))
}
