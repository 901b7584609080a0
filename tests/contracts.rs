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
