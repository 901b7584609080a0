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

/// `docs/contracts.md` has each file of its example under the file's path.
fn worked_example() -> Files {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/contracts.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut files = Files::new();
    for part in page.split("\n`contracts/acme-bus/").skip(1) {
        let (name, rest) = part.split_once("`\n\n```").unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        let path = RelPath::parse(&format!("contracts/acme-bus/{name}")).unwrap();
        files.insert(path, text.as_bytes().to_vec());
    }
    assert_eq!(files.len(), 3);
    files
}

/// A service of its own contract, with one text in its contract's files replaced.
fn service(replaced: &str, by: &str) -> Files {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/broker-plain-literal/in");
    let mut all = files(&folder);
    for (path, text) in worked_example() {
        let text = String::from_utf8(text).unwrap().replace(replaced, by);
        all.insert(path, text.into_bytes());
    }
    all
}

fn own() -> Config {
    Config {
        contract: Some("contracts/acme-bus".to_owned()),
        ..Config::default()
    }
}

#[test]
fn the_worked_example_wires_a_service() {
    let outcome = laws::obeyed("orders", &service("", ""), &own()).unwrap();
    assert!(!outcome.plan.is_refused(), "{:?}", outcome.plan.findings);
    let text = |path: &str| {
        let text = outcome.after[&RelPath::parse(path).unwrap()].clone();
        String::from_utf8(text).unwrap()
    };
    let settings = text("orders/settings.py");
    assert!(
        settings.contains("\nACME_EXCHANGE = os.environ.get('ACME_EXCHANGE', 'acme-events')\n")
    );
    assert!(settings.contains("\nacme_exchange = Exchange(ACME_EXCHANGE, type='fanout')\n"));
    assert!(settings.contains("queue_arguments={'x-queue-mode': 'lazy'}"));
    assert!(settings.contains("'orders.acme_listener'"));
    let listener = text("orders/acme_listener.py");
    assert!(listener.contains("import orders.acme_handlers as handlers\n"));
    assert!(listener.contains("@app.task(name=\"acme.event\", ignore_result=True)\n"));
    assert!(text("scaffold-events.toml").contains("contract = \"contracts/acme-bus\"\n"));
    assert!(text("scaffold-events.lock").contains("contract = \"acme-bus@1.0\"\n"));
}

/// What is replaced in the worked example, by what; the finding, and where it points.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (
        "exchange_type",
        "colour",
        "contract-invalid",
        "contract.toml: colour",
    ),
    ("\"lazy\"", "1.5", "contract-invalid", "contract.toml: 1.5"),
    ("\"fanout\"", "5", "contract-invalid", "contract.toml: 5"),
    (
        "\"acme-bus@1.0\"",
        "\"acme\"",
        "contract-invalid",
        "contract.toml: \"acme\"",
    ),
    (
        "acme-bus@1.0",
        "zc-common@1.0",
        "contract-invalid",
        "contract.toml: \"zc-common@1.0\"",
    ),
    (
        "id = \"acme-bus@1.0\"\n",
        "",
        "contract-invalid",
        "contract.toml",
    ),
    (
        "\"acme_exchange\"",
        "\"if\"",
        "contract-invalid",
        "contract.toml: \"if\"",
    ),
    (
        "\"ACME_EXCHANGE\"\nexchange_type",
        "\"OTHER\"\nexchange_type",
        "contract-invalid",
        "contract.toml: \"OTHER\"",
    ),
    (
        "'acme-events')\"",
        "'acme-events'\"",
        "contract-invalid",
        "contract.toml: \"os.environ.get('ACME_EXCHANGE', 'acme-events'\"",
    ),
    (
        "[\"os\"]",
        "[\"os.path\"]",
        "contract-invalid",
        "contract.toml: [\"os.path\"]",
    ),
    (
        "\"queue-arguments\"",
        "\"never\"",
        "contract-invalid",
        "contract.toml: \"never\"",
    ),
    (
        "{{ app_module }}",
        "{{ app_modul }}",
        "contract-template",
        "listener.py.tera: app_modul",
    ),
    (
        "{{ app_module }}",
        "{{ app_module",
        "contract-template",
        "listener.py.tera: i",
    ),
    (
        "{{ app_module }}",
        "{% include 'x' %}",
        "contract-template",
        "listener.py.tera: {% include 'x' %}",
    ),
    (
        "{{ app_module }}",
        "{{ get_env(name='HOME') }}",
        "contract-template",
        "listener.py.tera: get_env",
    ),
    (
        "HANDLERS = {",
        "HANDLERS = = {",
        "contract-template",
        "listener.py.tera: HANDLERS = = {",
    ),
    (
        "of its name.\"\"\"",
        "of its name.",
        "contract-template",
        "handlers.py.tera",
    ),
    (
        "name={{ event_task | py_str }}, ",
        "",
        "contract-template",
        "listener.py.tera",
    ),
];

#[test]
fn a_faulty_contract_is_refused_at_its_line() {
    for (replaced, by, code, place) in FAULTS {
        let files = service(replaced, by);
        let outcome = laws::obeyed("orders", &files, &own()).unwrap();
        let finding = &outcome.plan.findings[0];
        assert!(outcome.plan.is_refused() && outcome.after == files, "{by}");
        assert_eq!(finding.code, *code, "{by}: {}", finding.message);
        let at = &finding.places[0];
        let mut said = at.path.file_name().to_owned();
        if let Some(span) = at.span {
            said += ": ";
            said += std::str::from_utf8(span.of(&files[&at.path])).unwrap();
        }
        assert!(said.starts_with(place), "{by}: {said}: {}", finding.message);
    }
}

#[test]
fn a_contract_is_a_folder_of_the_service_with_nothing_else_in_it() {
    let refused = |files: &Files, contract: &str| {
        let flags = Config {
            contract: Some(contract.to_owned()),
            ..Config::default()
        };
        let outcome = laws::obeyed("orders", files, &flags).unwrap();
        assert!(outcome.plan.is_refused(), "{contract}");
        outcome.plan.findings[0].message.clone()
    };
    let whole = service("", "");
    let message = refused(&whole, "contracts/acme");
    assert!(
        message.contains("no folder of that name in the service"),
        "{message}"
    );
    assert_eq!(refused(&whole, "orders/settings.py"), "this is no folder");
    assert_eq!(
        refused(&whole, "../acme"),
        "the contract `../acme` is outside the service"
    );
    let with = |path: &str| {
        let mut files = whole.clone();
        files.insert(
            RelPath::parse(&format!("contracts/acme-bus/{path}")).unwrap(),
            vec![],
        );
        files
    };
    for path in ["hook.py", "more/x.tera"] {
        assert_eq!(
            refused(&with(path), "contracts/acme-bus"),
            "a contract has no such file"
        );
    }
    for name in ["contract.toml", "listener.py.tera", "handlers.py.tera"] {
        let mut files = whole.clone();
        files.remove(&RelPath::parse(&format!("contracts/acme-bus/{name}")).unwrap());
        let message = refused(&files, "contracts/acme-bus");
        assert!(message.contains(name), "{message}");
    }
}

#[cfg(unix)]
#[test]
fn a_contract_of_links_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in service("", "") {
        let path = directory.path().join(path.as_str());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let folder = directory.path().join("contracts/acme-bus");
    let plan_of = || {
        plan(
            &Tree::disk(directory.path()),
            &own(),
            &Contracts::embedded(),
        )
        .unwrap()
    };
    assert!(!plan_of().changes.is_empty());
    std::fs::rename(folder.join("listener.py.tera"), folder.join("../l.tera")).unwrap();
    std::os::unix::fs::symlink("../l.tera", folder.join("listener.py.tera")).unwrap();
    let finding = plan_of().findings[0].clone();
    assert_eq!(finding.message, "a contract has no symbolic links");
    assert!(
        finding.places[0]
            .path
            .as_str()
            .ends_with("listener.py.tera")
    );
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

/// The library of a service's own contract is looked for in the requirements like any other.
#[test]
fn the_library_of_an_own_contract_is_pinned_and_moved_to() {
    let contracts = Contracts::embedded();
    let wired = |line: &str, from: Option<&str>| {
        let mut files = service("", "");
        let pins = format!("celery==4.4.7\n{line}\n").into_bytes();
        files.insert(RelPath::parse("requirements.txt").unwrap(), pins);
        let old = from.map(|id| contracts.find(id).unwrap());
        let tree = Tree::named("orders", files);
        plan_from(&tree, &own(), &contracts, old.as_ref()).unwrap()
    };
    let codes =
        |plan: &Plan| -> Vec<&str> { plan.findings.iter().map(|finding| finding.code).collect() };
    assert!(codes(&wired("", None)).contains(&"library-not-required"));
    let pinned = wired("Acme.Bus==2.4.1", None);
    assert!(
        !codes(&pinned).contains(&"library-not-required"),
        "{:?}",
        codes(&pinned)
    );
    let moved = wired("zc-common==0.2.12", Some("zc-common@1"));
    let mut changes = moved.changes.iter();
    let pins = changes
        .find(|change| change.path.as_str() == "requirements.txt")
        .unwrap();
    assert_eq!(
        pins.after.as_deref(),
        Some(&b"celery==4.4.7\nacme-bus==2.4.1\n"[..])
    );
    assert!(!codes(&moved).contains(&"library-not-required"));
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
