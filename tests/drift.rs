//! What somebody did to a wired service is told as what it is, and put back only when asked.
#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;

use cases::{Files, applied, cases, files};
use scaffold_events::config::Config;
use scaffold_events::contract::Contracts;
use scaffold_events::path::RelPath;
use scaffold_events::plan::{Plan, plan};
use scaffold_events::standing::State;
use scaffold_events::sync::{Wishes, sync};
use scaffold_events::tree::Tree;

const SETTINGS: &str = "orders/settings.py";
const LISTENER: &str = "orders/tasks/microservice_events_listener.py";

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn tree(files: &Files) -> Tree {
    Tree::named("orders", files.clone())
}

/// A Django service on Celery 5, wired.
fn wired() -> Files {
    let (_, folder, _) = cases()
        .into_iter()
        .find(|(name, ..)| name == "namespace-in-config-from-object")
        .unwrap();
    let before = files(&folder.join("in"));
    let plan = plan(&tree(&before), &Config::default(), &Contracts::embedded()).unwrap();
    applied(&before, &plan)
}

fn text(files: &Files, file: &str) -> String {
    String::from_utf8(files[&path(file)].clone()).unwrap()
}

fn replaced(files: &Files, file: &str, from: &str, to: &str) -> Files {
    let old = text(files, file);
    assert_eq!(old.matches(from).count(), 1, "{from}");
    let mut files = files.clone();
    files.insert(path(file), old.replace(from, to).into_bytes());
    files
}

fn synced(files: &Files, wishes: &Wishes) -> (Files, Plan) {
    let plan = sync(
        &tree(files),
        &Config::default(),
        &Contracts::embedded(),
        wishes,
    )
    .unwrap();
    (applied(files, &plan), plan)
}

fn restore() -> Wishes {
    Wishes {
        restore: true,
        ..Wishes::default()
    }
}

fn has(plan: &Plan, code: &str) -> bool {
    plan.findings.iter().any(|finding| finding.code == code)
}

const EVENTS_QUEUE: &str = "    Queue(SERVICE_NAME + \"-events\", events_exchange),\n";
const EXCHANGE: &str = "events_exchange = Exchange(\"microservice-events\", type=\"fanout\")\n";
const NAME: &str = "SERVICE_NAME = \"orders\"\n";
const KOMBU: &str = "from kombu import Exchange, Queue\n";

/// Each edit, the code it is told by, and what stands in the settings again after `--restore`.
const EDITS: [(&str, &str, &str); 11] = [
    (EVENTS_QUEUE, "", "setting-removed"),
    (
        "    Queue(\"celery\", Exchange(\"celery\", type=\"direct\"), routing_key=\"celery\"),\n",
        "",
        "setting-removed",
    ),
    (
        "(\"orders.tasks.microservice_events_listener\",)",
        "()",
        "setting-removed",
    ),
    (
        "    \"microservice.event\": {\n        \"exchange\": \"microservice-events\",\n        \
         \"exchange_type\": \"fanout\",\n        \"routing_key\": \"\",\n    },\n",
        "",
        "setting-removed",
    ),
    (
        "\"microservice-events\", type=\"fanout\")",
        "\"microservice-events\", type=\"topic\")",
        "events-queue-differs",
    ),
    (NAME, "", "name-unbound"),
    (KOMBU, "", "name-unbound"),
    (KOMBU, "from kombu import Exchange\n", "name-unbound"),
    (KOMBU, "from kombu import Queue\n", "name-unbound"),
    (EXCHANGE, "", "name-unbound"),
    (NAME, "\n", "name-unbound"),
];

#[test]
fn what_was_taken_out_of_a_setting_comes_back_only_when_asked() {
    let whole = wired();
    for (from, to, code) in EDITS {
        let files = replaced(&whole, SETTINGS, from, to);
        let (left, plan) = synced(&files, &Wishes::default());
        assert_eq!(plan.standing.worst(), State::Drifted, "{from}");
        assert!(has(&plan, code), "{from}: {:?}", plan.findings);
        assert_eq!(text(&left, SETTINGS), text(&files, SETTINGS), "{from}");

        let (back, plan) = synced(&files, &restore());
        assert!(!plan.is_refused(), "{from}: {:?}", plan.findings);
        let now = text(&back, SETTINGS);
        for part in [EVENTS_QUEUE, EXCHANGE, NAME, "microservice.event\": {"] {
            assert_eq!(now.matches(part).count(), 1, "{from}: {part} in {now}");
        }
        assert!(now.contains("import Exchange, Queue\n"), "{from}: {now}");
        let (again, plan) = synced(&back, &Wishes::default());
        assert_eq!(plan.standing.worst(), State::Clean, "{from}");
        assert!(again == back, "{from}");
    }
}

#[test]
fn a_name_that_is_bound_below_its_use_is_no_service_that_starts() {
    let files = replaced(&wired(), SETTINGS, NAME, "");
    let files = replaced(
        &files,
        SETTINGS,
        "BROKER_URL = CELERY",
        &format!("{NAME}BROKER_URL = CELERY"),
    );
    let (_, plan) = synced(&files, &Wishes::default());
    assert_eq!(plan.standing.worst(), State::Drifted);
    assert!(plan.is_refused() && has(&plan, "name-bound-too-late"));
    let (back, plan) = synced(&files, &restore());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let now = text(&back, SETTINGS);
    assert!(now.find(NAME) < now.find(EVENTS_QUEUE), "{now}");
    assert_eq!(now.matches(NAME).count(), 1);
}

#[test]
fn names_that_come_from_elsewhere_are_bound() {
    for (from, to) in [
        (
            NAME,
            "try:\n    from local import SERVICE_NAME\nexcept ImportError:\n    SERVICE_NAME = \"orders\"\n",
        ),
        (NAME, "from outside import *\n"),
        (KOMBU, "from kombu import *\n"),
        (KOMBU, "if True:\n    from kombu import Exchange, Queue\n"),
        (
            EXCHANGE,
            "for kind in [\"fanout\"]:\n    events_exchange = Exchange(\"microservice-events\", type=kind)\n",
        ),
    ] {
        let files = replaced(&wired(), SETTINGS, from, to);
        let (_, plan) = synced(&files, &Wishes::default());
        assert!(!has(&plan, "name-unbound"), "{to}: {:?}", plan.findings);
    }
}

#[test]
fn a_renamed_queue_never_gets_a_second_one_beside_it() {
    let files = replaced(
        &wired(),
        SETTINGS,
        "SERVICE_NAME + \"-events\"",
        "\"orders-bus\"",
    );
    for wishes in [Wishes::default(), restore()] {
        let (left, plan) = synced(&files, &wishes);
        assert!(plan.is_refused() && has(&plan, "events-queue-renamed"));
        assert!(plan.standing.has(State::Drifted), "{:?}", plan.standing);
        assert!(left == files);
    }
}

#[test]
fn a_listener_that_is_none_is_never_accepted() {
    let whole = wired();
    let renamed = replaced(
        &whole,
        LISTENER,
        "name=\"microservice.event\"",
        "name=\"other\"",
    );
    let undecorated = text(&whole, LISTENER);
    let start = undecorated.find("@app.task(").unwrap();
    let end = start + undecorated[start..].find("\ndef ").unwrap();
    let undecorated = format!(
        "TASK = \"microservice.event\"\n{}{}",
        &undecorated[..start],
        &undecorated[end..]
    );
    let broken = text(&whole, LISTENER) + "def (\n";
    let with = |text: &str| {
        let mut files = whole.clone();
        files.insert(path(LISTENER), text.as_bytes().to_vec());
        files
    };
    for (files, code) in [
        (with(""), "listener-unregistered"),
        (renamed, "listener-unregistered"),
        (with(&undecorated), "listener-unregistered"),
        (with(&broken), "listener-unparsed"),
    ] {
        let (left, plan) = synced(&files, &Wishes::default());
        assert!(left == files, "nothing is accepted");
        assert_eq!(plan.standing.worst(), State::Drifted);
        assert!(has(&plan, code) && plan.open, "{:?}", plan.findings);
        let ours = Wishes {
            conflict: scaffold_events::merge::Conflict::Ours,
            ..Wishes::default()
        };
        for wishes in [restore(), ours] {
            let (back, _) = synced(&files, &wishes);
            assert!(back == whole);
        }
    }
}
