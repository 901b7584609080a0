//! Contracts as data: what comes of wiring a service with each of them.

#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;
mod laws;
mod revisions;

use std::path::Path;

use cases::{Case, Expect, files};
use laws::Outcome;
use scaffold_events::config::Config;
use scaffold_events::contract::{Contract, Contracts};
use scaffold_events::path::RelPath;
use scaffold_events::plan::plan;
use scaffold_events::tree::Tree;

#[test]
fn a_new_revision_is_what_its_generation_means() {
    let contracts = revisions::with_second_revision();
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/broker-plain-literal/in");
    let tree = Tree::named("orders", files(&folder));
    let wired = |contract: &str| {
        let flags = Config {
            contract: Some(contract.to_owned()),
            ..Config::default()
        };
        let plan = plan(&tree, &flags, &contracts).unwrap();
        let listener = plan
            .changes
            .iter()
            .find(|change| change.path.as_str().ends_with("_listener.py"));
        String::from_utf8(listener.unwrap().after.clone().unwrap()).unwrap()
    };
    let logs_meta = |text: String| text.contains("kwargs.get(\"meta\"),\n");
    assert!(logs_meta(wired("zc-common@1")));
    assert!(logs_meta(wired("zc-common@1.1")));
    assert!(!logs_meta(wired("zc-common@1.0")));
}

/// The plan proves itself and is stable: what fixtures show of the default contract holds for every other.
#[test]
fn every_other_contract_wires_every_fixture() {
    let contracts = Contracts::embedded();
    let ids: Vec<String> = contracts.ids();
    let others: Vec<&String> = ids
        .iter()
        .filter(|id| !id.starts_with("zc-common"))
        .collect();
    assert_eq!(others.len(), 3);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads = others.iter().map(|id| {
            let contract = contracts.find(id).unwrap();
            let contracts = &contracts;
            scope.spawn(move || {
                let cases = cases::cases();
                let faults = cases.iter().filter_map(|(name, folder, case)| {
                    let fault = fault(folder, case, &contract, contracts)?;
                    Some(format!("{name} by {}: {fault}", contract.id))
                });
                faults.collect::<Vec<_>>()
            })
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with a fixture's service as this contract wires it.
fn fault(folder: &Path, case: &Case, contract: &Contract, contracts: &Contracts) -> Option<String> {
    if case.expect == Expect::Refused {
        return None;
    }
    let mut files = files(&folder.join("in"));
    files.retain(|path, _| !path.as_str().starts_with("scaffold-events."));
    let by_hand = files
        .values()
        .any(|text| contains(text, b"microservice-events"));
    let pins = files.entry(RelPath::parse("requirements.txt").unwrap());
    pins.or_default()
        .extend(format!("\n{}\n", contract.requirement()).bytes());
    let flags = Config {
        contract: Some(contract.id.clone()),
        ..cases::flags(&case.args).unwrap()
    };
    let name = case.directory.as_deref().unwrap_or("orders");
    match laws::wired_by(name, &files, &flags, contracts) {
        Err(why) => Some(why),
        Ok(Outcome { plan, after }) if plan.is_refused() => {
            let first = &plan.findings[0];
            // The first contract's wiring, by hand: its exchange has no stage.
            let expected = first.code == "events-queue-differs" && by_hand && after == files;
            (!expected).then(|| format!("refused, {} {}", first.code, first.message))
        }
        Ok(_) => None,
    }
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|part| part == needle)
}
