//! Which contract to wire, where nobody chose one: the one that the pinned library needs.

use crate::contract::{Contract, Contracts, DEFAULT, Id};
use crate::facts::pins::{Pin, Pins, Version};
use crate::finding::Finding;

use super::Context;

/// The contract for a service that asks for these packages, and what a person should know of the choice.
pub fn choose(pins: &Pins, contracts: &Contracts) -> Result<(Contract, Vec<Finding>), Finding> {
    let newest = newest_revisions(contracts);
    let default = contracts.find(DEFAULT)?;
    let mut libraries: Vec<&str> = Vec::new();
    for contract in &newest {
        if pins.requires(&contract.library) && !libraries.contains(&contract.library.as_str()) {
            libraries.push(&contract.library);
        }
    }
    let fitting = |library: &str| {
        let mut of_library = newest.iter().filter(|contract| contract.library == library);
        of_library.find(|contract| fits(pins, contract, &newest))
    };
    // Without a contract that fits it, the default's library is there for something else than events.
    libraries.retain(|library| *library != default.library || fitting(library).is_some());
    match libraries.as_slice() {
        [] => Ok((default, Vec::new())),
        [library] => match fitting(library) {
            Some(contract) => Ok((contract.clone(), vec![by_pin(pins, contract)])),
            None => Err(unclear(pins, library, &newest)),
        },
        several => Err(several_libraries(pins, several, &newest)),
    }
}

/// The release that is pinned is another contract's: its emitter and our queue would not agree.
pub fn disagreement(context: &Context<'_>, contracts: &Contracts) -> Option<Finding> {
    let (contract, pins) = (context.contract, &context.facts.pins);
    let newest = newest_revisions(contracts);
    let of_library = || {
        newest
            .iter()
            .filter(|other| other.library == contract.library)
    };
    let generation = |id: &str| Id::parse(id).map(|id| id.newest());
    let own = generation(&contract.id);
    if of_library().all(|other| generation(&other.id) != own) || fits(pins, contract, &newest) {
        return None;
    }
    let other = of_library().find(|other| fits(pins, other, &newest))?;
    let finding = Finding::error(
        "contract-not-the-pinned-one",
        format!(
            "{} as pinned here goes with {}, and this service is wired by {}",
            contract.library, other.id, contract.id
        ),
    )
    .help(format!(
        "pin {}, or choose `--contract {}`",
        contract.requirement(),
        other.id
    ));
    Some(placed(finding, pins, &contract.library))
}

/// The newest revision of each generation.
fn newest_revisions(contracts: &Contracts) -> Vec<Contract> {
    let mut newest: Vec<Contract> = Vec::new();
    for id in contracts.ids().iter().filter_map(|id| Id::parse(id)) {
        if let Ok(contract) = contracts.find(&id.newest())
            && newest.iter().all(|have| have.id != contract.id)
        {
            newest.push(contract);
        }
    }
    newest
}

/// Whether every release that the pins allow is one of this contract's.
fn fits(pins: &Pins, contract: &Contract, all: &[Contract]) -> bool {
    let Some(lowest) = pins.version(&contract.library) else {
        return false;
    };
    let from = |contract: &Contract| contract.library_from.as_deref().and_then(Version::parse);
    let own = from(contract);
    let next = all
        .iter()
        .filter(|other| other.library == contract.library)
        .filter_map(from)
        .filter(|other| own.as_ref().is_none_or(|own| other > own))
        .min();
    let ends = match next {
        Some(next) => pins.may_reach(&contract.library, &next).is_none(),
        None => Version::parse(&contract.library_version)
            .is_some_and(|newest| pins.at_most(&contract.library, &newest).is_some()),
    };
    ends && own.is_none_or(|own| lowest >= own)
}

fn by_pin(pins: &Pins, contract: &Contract) -> Finding {
    let library = &contract.library;
    let version = pins.version(library).map(|version| format!(" {version}"));
    let message = format!(
        "wired by {}, which {library}{} needs",
        contract.id,
        version.unwrap_or_default()
    );
    let finding = Finding::note("contract-by-pin", message)
        .help("to wire another one: `--contract ID`; `scaffold-events contracts` lists them");
    placed(finding, pins, library)
}

fn unclear(pins: &Pins, library: &str, newest: &[Contract]) -> Finding {
    let known: Vec<String> = newest
        .iter()
        .filter(|contract| contract.library == library)
        .map(range)
        .collect();
    let finding = Finding::refusal(
        "contract-unclear",
        format!("no one contract fits {library} as it is asked for here"),
    )
    .help(format!("pin one release: {}", known.join("; ")))
    .help("or choose one: `--contract ID`");
    placed(finding, pins, library)
}

/// `zc_events 0.2.1 to 0.3.6 is zc-events@2.0`.
fn range(contract: &Contract) -> String {
    let Contract {
        id,
        library,
        library_from,
        library_version,
        ..
    } = contract;
    match library_from {
        Some(from) => format!("{library} {from} to {library_version} goes with {id}"),
        None => format!("{library} up to {library_version} goes with {id}"),
    }
}

fn several_libraries(pins: &Pins, libraries: &[&str], newest: &[Contract]) -> Finding {
    let mut finding = Finding::refusal(
        "contract-unclear",
        format!(
            "{} are asked for: which one carries the events",
            libraries.join(" and ")
        ),
    );
    for library in libraries {
        finding = placed(finding, pins, library);
    }
    for contract in newest {
        if libraries.contains(&contract.library.as_str()) && fits(pins, contract, newest) {
            finding = finding.help(format!(
                "for {}: `--contract {}`",
                contract.library, contract.id
            ));
        }
    }
    finding.help("choose one: `--contract ID`; `scaffold-events contracts` lists them")
}

fn placed(finding: Finding, pins: &Pins, library: &str) -> Finding {
    let places = pins.of(library).map(|pin: &Pin| &pin.place);
    places.fold(finding, Finding::place)
}
