//! Outcomes on their way out: words, patches, or a format for programs.

use anyhow::{Result, anyhow, bail};

use super::{Format, Output, terminal};
use crate::contract::{Contract, Contracts};
use crate::finding::Finding;
use crate::report::{self, Detail, Outcome, Status};

/// All outcomes in the form that was asked for; the exit code.
pub(super) fn reports(outcomes: &[Outcome], output: &Output) -> Result<u8> {
    match output.format {
        Format::Human => people(outcomes, true, output.detail())?,
        Format::Json => terminal::out(&report::json(outcomes))?,
        Format::Github => terminal::out(&report::github(outcomes))?,
        Format::Sarif => terminal::out(&report::sarif(outcomes))?,
    }
    Ok(report::exit_code(outcomes))
}

/// Outcomes as words, a blank line between two.
pub(super) fn people(outcomes: &[Outcome], mut first: bool, detail: Detail) -> Result<()> {
    for outcome in outcomes {
        if let Status::Failed(chain) = &outcome.status {
            terminal::error(chain)?;
            continue;
        }
        let text = report::human(outcome, detail);
        if !first && !text.is_empty() {
            terminal::out("\n")?;
        }
        terminal::out(&text)?;
        first = false;
    }
    Ok(())
}

/// The patch alone on the standard output, the rest beside it: `… diff | git apply`.
pub(super) fn patches(outcomes: &[Outcome], output: &Output) -> Result<u8> {
    if output.format != Format::Human {
        return reports(outcomes, output);
    }
    for outcome in outcomes {
        match &outcome.status {
            Status::Failed(chain) => terminal::error(chain)?,
            Status::Done | Status::Open | Status::Pending => {
                terminal::patch(&report::patch(outcome))?;
            }
            Status::Refused => terminal::err(&report::summary(outcome, output.detail()))?,
        }
        terminal::err(&report::findings(outcome, output.detail()))?;
    }
    Ok(report::exit_code(outcomes))
}

/// Every contract, for people or for programs.
pub(super) fn contracts(output: &Output) -> Result<u8> {
    let known = Contracts::embedded();
    let found: Result<Vec<Contract>, Finding> =
        known.ids().iter().map(|id| known.find(id)).collect();
    let found = found.map_err(|finding| anyhow!(finding.message))?;
    terminal::out(&match output.format {
        Format::Human => report::contracts(&found),
        Format::Json => report::contracts_json(&found),
        Format::Github | Format::Sarif => {
            bail!(
                "`contracts` has nothing to annotate: give it `--format human` or `--format json`"
            )
        }
    })?;
    Ok(0)
}
