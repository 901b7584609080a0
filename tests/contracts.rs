//! Contracts as data: what comes of wiring a service with each of them.

#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;
mod laws;
mod revisions;

use std::path::Path;

use cases::{Case, Expect, files};
use laws::{Files, Outcome};
use scaffold_events::config::Config;
use scaffold_events::contract::{Contract, Contracts};
use scaffold_events::finding::Level;
use scaffold_events::path::RelPath;
use scaffold_events::plan::{Plan, plan, plan_from};
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
    let of_one_contract = case.args.iter().any(|arg| arg == "--contract");
    if case.expect == Expect::Refused || of_one_contract {
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

/// A service whose pins move is wired as one that was pinned so from the start.
#[test]
fn pins_move_with_the_contract() {
    let contracts = Contracts::embedded();
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/broker-plain-literal/in");
    let pins = RelPath::parse("requirements.txt").unwrap();
    let with = |line: &str| {
        let mut files = files(&folder);
        files.insert(
            pins.clone(),
            format!("celery==4.4.7\r\n{line}\r\n").into_bytes(),
        );
        files
    };
    let flags = Config {
        contract: Some("zc-events@3".to_owned()),
        ..Config::default()
    };
    let old = contracts.find("zc-common@1").unwrap();
    let tree = |files: Files| Tree::named("orders", files);
    let moved = plan_from(
        &tree(with("zc_common==0.2.12  # events")),
        &flags,
        &contracts,
        Some(&old),
    );
    let moved = moved.unwrap();
    let fresh = plan(
        &tree(with("zc_events==0.3.10  # events")),
        &flags,
        &contracts,
    )
    .unwrap();
    let after = |plan: &Plan, path: &str| {
        let mut changes = plan.changes.iter();
        let change = changes.find(|change| change.path.as_str() == path);
        change.map(|change| String::from_utf8(change.after.clone().unwrap()).unwrap())
    };
    assert_eq!(
        after(&moved, "requirements.txt").unwrap(),
        "celery==4.4.7\r\nzc_events==0.3.10  # events\r\n"
    );
    assert_eq!(after(&fresh, "requirements.txt"), None);
    for path in [
        "orders/settings.py",
        "orders/microservice_events_listener.py",
    ] {
        assert_eq!(after(&moved, path), after(&fresh, path));
    }
    let steps = moved.next.join("\n");
    for step in [
        "`rabbitmqctl delete_queue orders-events`; lost in between: every event",
        "give every handler in microservice_events.py the one argument `request`",
        "`EventClient().post_no_wait(EVENT, data={...})`",
    ] {
        assert!(steps.contains(step), "{steps}");
    }
    assert!(!fresh.next.join("\n").contains("delete_queue"));
}

/// A move asks for what differs, and for nothing else.
#[test]
fn a_migration_asks_for_what_differs() {
    let contracts = Contracts::embedded();
    let steps = |old: &str, new: &str| {
        let old = contracts.find(old).unwrap();
        contracts
            .find(new)
            .unwrap()
            .steps_from(&old, "orders")
            .join("\n")
    };
    assert_eq!(steps("zc-events@2", "zc-events@2"), "");
    assert!(!steps("zc-common@1", "zc-events@1").contains("delete_queue"));
    assert!(steps("zc-common@1", "zc-events@1").contains("microservice-events-STAGE"));
    assert!(steps("zc-events@1", "zc-events@2").contains("delete_queue orders-events"));
    assert!(!steps("zc-events@2", "zc-events@3").contains("delete_queue"));
    assert!(steps("zc-events@2", "zc-events@3").contains("drops them without a word"));
    assert!(steps("zc-events@3", "zc-events@1").contains("without arguments"));
}

/// Which contract a service gets that names none, by what it pins.
#[test]
fn the_pinned_library_chooses_the_contract() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/broker-plain-literal/in");
    let chosen = |lines: &str| {
        let mut files = files(&folder);
        let pins = format!("celery==4.4.7\n{lines}\n");
        files.insert(
            RelPath::parse("requirements.txt").unwrap(),
            pins.into_bytes(),
        );
        let outcome = laws::obeyed("orders", &files, &Config::default()).unwrap();
        let first = &outcome.plan.findings[0];
        if outcome.plan.is_refused() {
            return (first.code.to_owned(), first.places.len());
        }
        let config = &outcome.after[&RelPath::parse("scaffold-events.toml").unwrap()];
        let config = std::str::from_utf8(config).unwrap();
        let line = config.split('\n').find(|line| line.starts_with("contract"));
        let mut findings = outcome.plan.findings.iter();
        let note = findings.find(|finding| finding.code == "contract-by-pin");
        let id = line.unwrap().split('"').nth(1).unwrap().to_owned();
        (id, note.map_or(0, |note| note.places.len()))
    };
    for (lines, id, places) in [
        ("", "zc-common@1.0", 0),
        ("zc_common==0.2.12", "zc-common@1.0", 1),
        ("zc_common==0.1.3", "zc-common@1.0", 1),
        ("zc_common==0.4.1", "zc-common@1.0", 0),
        ("zc_events==0.1.1", "zc-events@1.0", 1),
        ("zc-events~=0.1.6", "zc-events@1.0", 1),
        ("zc_events==0.2.4\nzc_common==0.4.1", "zc-events@2.0", 1),
        ("zc_events==0.3.0", "zc-events@2.0", 1),
        ("zc_events==0.3.8", "zc-events@3.0", 1),
        ("zc_events>=0.2.1", "contract-unclear", 1),
        ("zc_events", "contract-unclear", 1),
        ("zc_events==0.4.0", "contract-unclear", 1),
        ("zc_events==0.2.4\nzc_common==0.2.12", "contract-unclear", 2),
    ] {
        assert_eq!(chosen(lines), (id.to_owned(), places), "{lines}");
    }
}

#[test]
fn a_choice_that_the_pin_contradicts_is_an_error() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/broker-plain-literal/in");
    let mut files = files(&folder);
    let pins = RelPath::parse("requirements.txt").unwrap();
    files.insert(pins, b"celery==4.4.7\nzc_events==0.1.10\n".to_vec());
    let flags = Config {
        contract: Some("zc-events@2".to_owned()),
        ..Config::default()
    };
    let outcome = laws::obeyed("orders", &files, &flags).unwrap();
    let codes: Vec<&str> = outcome
        .plan
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert!(codes.contains(&"contract-not-the-pinned-one"), "{codes:?}");
    assert!(!outcome.plan.is_refused());
}

/// What hands events over to the library is told where the library looks for its settings.
#[test]
fn settings_that_the_library_cannot_read_are_named() {
    let told = |fixture: &str| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut files = files(&root.join(fixture).join("in"));
        let pins = files.entry(RelPath::parse("requirements.txt").unwrap());
        pins.or_default().extend(b"\nzc_events==0.3.10\n");
        let outcome = laws::obeyed("orders", &files, &Config::default()).unwrap();
        let mut findings = outcome.plan.findings.iter();
        let finding = findings.find(|finding| finding.code == "library-settings-elsewhere");
        finding.map(|finding| (finding.level, finding.help.concat()))
    };
    assert_eq!(told("old-names-without-namespace"), None);
    let (level, help) = told("conf-update-with-dict").unwrap();
    assert_eq!(level, Level::Warning);
    assert!(help.ends_with("ZC_EVENTS_SETTINGS=MODULE"), "{help}");
    let (_, help) = told("lower-case-celeryconfig-without-django").unwrap();
    assert!(
        help.contains("ZC_EVENTS_SETTINGS=thumbnailer.celeryconfig"),
        "{help}"
    );
}
