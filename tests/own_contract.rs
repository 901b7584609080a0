//! A contract of the service's own: what it must be, what it wires, and how it moves on.

#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;
mod laws;

use std::path::Path;

use cases::{applied, files, path};
use laws::Files;
use scaffold_events::config::Config;
use scaffold_events::contract::Contracts;
use scaffold_events::path::RelPath;
use scaffold_events::plan::{Plan, plan, plan_from};
use scaffold_events::standing::State;
use scaffold_events::sync::Wishes;
use scaffold_events::tree::Tree;
use scaffold_events::unwire::{Edited, unwire};

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

/// The files with one text in them replaced.
fn with(files: &Files, file: &str, replaced: &str, by: &str) -> Files {
    let mut files = files.clone();
    let text = String::from_utf8(files[&path(file)].clone()).unwrap();
    assert!(text.contains(replaced), "{text}");
    files.insert(path(file), text.replace(replaced, by).into_bytes());
    files
}

fn synced(files: &Files, to: Option<&str>) -> (Files, Plan) {
    let wishes = Wishes {
        to: to.map(str::to_owned),
        ..Wishes::default()
    };
    cases::synced(files, &Contracts::embedded(), &wishes)
}

const CONTRACT: &str = "contracts/acme-bus/contract.toml";
const TEMPLATE: &str = "contracts/acme-bus/listener.py.tera";
const LISTENER: &str = "orders/acme_listener.py";
const SETTINGS: &str = "orders/settings.py";

/// Whoever maintains it edits it where it is, with another id or the same.
#[test]
fn a_contract_that_was_edited_is_merged_with_what_it_was() {
    let before = service("", "");
    let wired = laws::obeyed("orders", &before, &own()).unwrap().after;
    let mine = with(&wired, LISTENER, "def event(name", "# mine\ndef event(name");
    for id in ["acme-bus@1.0", "acme-bus@1.1", "acme-bus@2.0"] {
        let edited = with(&mine, CONTRACT, "acme-bus@1.0", id);
        let edited = with(&edited, CONTRACT, "\"lazy\"", "\"default\"");
        let edited = with(&edited, TEMPLATE, "every event", "each event");
        let (after, plan) = synced(&edited, None);
        assert!(plan.standing.has(State::Outdated), "{:?}", plan.findings);
        let text = |file: &str| String::from_utf8(after[&path(file)].clone()).unwrap();
        let listener = text(LISTENER);
        assert!(
            listener.contains("# mine\n") && listener.contains("each event"),
            "{listener}"
        );
        assert!(text(SETTINGS).contains("'x-queue-mode': 'default'"));
        assert!(text("scaffold-events.lock").contains(&format!("contract = \"{id}\"")));
        let (again, plan) = synced(&after, None);
        assert_eq!(
            (again == after, plan.standing.worst()),
            (true, State::Clean)
        );
    }
}

/// Its event's task counts as one, and what its router takes as broadcast.
#[test]
fn tasks_are_told_apart_by_the_contract() {
    let plan = |task: &str| {
        let mut files = service("", "");
        let text = format!(
            "from celery import shared_task\n\n\n@shared_task(name='{task}')\ndef a(): pass\n"
        );
        files.insert(path("orders/more.py"), text.into_bytes());
        let requirements = "Django==1.11.29\ncelery==4.4.7\nacme_bus==2.4.1\n";
        files.insert(path("requirements.txt"), requirements.into());
        plan(
            &Tree::named("orders", files),
            &own(),
            &Contracts::embedded(),
        )
        .unwrap()
    };
    let codes =
        |plan: &Plan| -> Vec<&str> { plan.findings.iter().map(|finding| finding.code).collect() };
    assert_eq!(codes(&plan("acme.event")), ["listener-elsewhere"]);
    let broadcast = plan("acme.eventful");
    assert_eq!(codes(&broadcast), ["route-event-only"]);
    assert!(broadcast.findings[0].message.contains("`acme.eventful`"));
    let other = plan("microservice.event");
    assert_eq!(codes(&other), [""; 0], "{:?}", other.findings);
}

/// As a bad merge of the lock may leave it.
#[test]
fn a_kept_contract_that_does_not_render_is_refused() {
    let wired = laws::obeyed("orders", &service("", ""), &own()).unwrap();
    let lock = "scaffold-events.lock";
    let damaged = with(
        &wired.after,
        lock,
        "{{ handlers_module",
        "{{ handlers_modul",
    );
    let (left, plan) = synced(&damaged, None);
    assert_eq!(left, damaged);
    let [finding] = &plan.findings[..] else {
        panic!("{:?}", plan.findings);
    };
    assert_eq!(finding.code, "lock-damaged");
    assert!(finding.message.contains("handlers_modul"), "{finding:?}");
}

/// Neither a move nor a removal needs the folder any more.
#[test]
fn a_contract_that_is_gone_can_be_left() {
    let before = service("", "");
    let wired = laws::obeyed("orders", &before, &own()).unwrap().after;
    let without = |files: &Files| -> Files {
        let kept = files
            .iter()
            .filter(|(path, _)| !path.as_str().starts_with("contracts/"));
        kept.map(|(path, text)| (path.clone(), text.clone()))
            .collect()
    };
    let (left, plan) = synced(&without(&wired), None);
    assert_eq!(left, without(&wired));
    assert_eq!(plan.findings[0].code, "contract-folder-missing");

    let (moved, plan) = synced(&without(&wired), Some("zc-common@1"));
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let settings = String::from_utf8(moved[&path(SETTINGS)].clone()).unwrap();
    assert!(!settings.contains("acme_exchange") && settings.contains("events_exchange"));
    assert!(!moved.contains_key(&path(LISTENER)));

    let tree = Tree::named("orders", without(&wired));
    let plan = unwire(&tree, &Contracts::embedded(), Edited::Keep).unwrap();
    assert_eq!(applied(&without(&wired), &plan), without(&before));
}

/// The config is where a person says which contract it is.
#[test]
fn another_contract_in_the_config_is_moved_to() {
    let wired = laws::obeyed("orders", &service("", ""), &own())
        .unwrap()
        .after;
    let config = "scaffold-events.toml";
    let edited = with(&wired, config, "contracts/acme-bus", "zc-common@1.0");
    let (moved, plan) = synced(&edited, None);
    assert!(plan.standing.has(State::Outdated), "{:?}", plan.findings);
    assert_eq!(moved, synced(&wired, Some("zc-common@1")).0);
}
