//! What somebody did to a wired service is told as what it is, and put back only when asked.
#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;

use cases::{Files, applied, cases, files, path, text};
use scaffold_events::config::Config;
use scaffold_events::contract::Contracts;
use scaffold_events::init::{Listener, init};
use scaffold_events::lock::LOCK;
use scaffold_events::merge::Conflict;
use scaffold_events::plan::{Plan, plan};
use scaffold_events::standing::State;
use scaffold_events::sync::{Wishes, standing};
use scaffold_events::tree::Tree;
use scaffold_events::unwire::{Edited, unwire};

const SETTINGS: &str = "orders/settings.py";
const LISTENER: &str = "orders/tasks/microservice_events_listener.py";

fn tree(files: &Files) -> Tree {
    Tree::named("orders", files.clone())
}

/// A Django service on Celery 5, wired.
fn wired() -> Files {
    wired_case("namespace-in-config-from-object")
}

fn wired_case(wanted: &str) -> Files {
    let (_, folder, _) = cases()
        .into_iter()
        .find(|(name, ..)| name == wanted)
        .unwrap();
    let before = files(&folder.join("in"));
    let plan = plan(&tree(&before), &Config::default(), &Contracts::embedded()).unwrap();
    applied(&before, &plan)
}

fn replaced(files: &Files, file: &str, from: &str, to: &str) -> Files {
    let old = text(files, file);
    assert_eq!(old.matches(from).count(), 1, "{from}");
    let mut files = files.clone();
    files.insert(path(file), old.replace(from, to).into_bytes());
    files
}

fn synced(files: &Files, wishes: &Wishes) -> (Files, Plan) {
    cases::synced(files, &Contracts::embedded(), wishes)
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

fn without_blank_lines(text: &str) -> Vec<&str> {
    text.split('\n').filter(|line| !line.is_empty()).collect()
}

const EVENTS_QUEUE: &str = "    Queue(SERVICE_NAME + \"-events\", events_exchange),\n";
const EXCHANGE: &str = "events_exchange = Exchange(\"microservice-events\", type=\"fanout\")\n";
const NAME: &str = "SERVICE_NAME = \"orders\"\n";
const KOMBU: &str = "from kombu import Exchange, Queue\n";

/// What somebody did, and the code that it is told by.
const EDITS: [(&str, &str, &str); 13] = [
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
    (
        "-events\", events_exchange)",
        "-events\", events_exchange, durable=False)",
        "events-queue-differs",
    ),
    (
        "\"exchange\": \"microservice-events\"",
        "\"exchange\": \"other\"",
        "event-not-broadcast",
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
        let (now, then) = (text(&back, SETTINGS), text(&whole, SETTINGS));
        assert_eq!(without_blank_lines(&now), without_blank_lines(&then));
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
fn names_that_a_mapping_of_queues_reads_are_bound_too() {
    let whole = wired_case("queues-as-dict-in-black-style");
    let files = replaced(&whole, SETTINGS, NAME, "");
    let (_, plan) = synced(&files, &Wishes::default());
    assert_eq!(plan.standing.worst(), State::Drifted);
    assert!(has(&plan, "name-unbound"), "{:?}", plan.findings);
    let (back, _) = synced(&files, &restore());
    assert!(text(&back, SETTINGS).contains(NAME));
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
    let whole = wired();
    let files = replaced(
        &whole,
        SETTINGS,
        "SERVICE_NAME + \"-events\"",
        "\"orders-bus\"",
    );
    let (left, plan) = synced(&files, &Wishes::default());
    assert!(plan.is_refused() && has(&plan, "events-queue-renamed"));
    assert_eq!(plan.standing.worst(), State::Drifted);
    assert!(left == files);
    let (back, _) = synced(&files, &restore());
    assert!(back == whole);

    // Where it cannot be told what was there before, it is for a person.
    let files = replaced(&files, SETTINGS, "USE_TZ = True", "USE_TZ = False");
    let (left, plan) = synced(&files, &restore());
    assert!(plan.is_refused() && has(&plan, "events-queue-renamed"));
    assert!(plan.standing.has(State::Drifted) && left == files);
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
            conflict: Conflict::Ours,
            ..Wishes::default()
        };
        for wishes in [restore(), ours] {
            let (back, _) = synced(&files, &wishes);
            assert!(back == whole);
        }
    }
}

fn removed(files: &Files) -> (Files, Plan) {
    let plan = unwire(&tree(files), &Contracts::embedded(), Edited::Keep).unwrap();
    (applied(files, &plan), plan)
}

#[test]
fn a_lost_lock_is_told_alike_by_all_and_costs_no_worker_its_listener() {
    let mut files = wired();
    files.remove(&path(LOCK));
    let (_, plan) = synced(&files, &Wishes::default());
    let flags = Config::default();
    let stands = standing(&tree(&files), &flags, &Contracts::embedded()).unwrap();
    for plan in [&plan, &stands] {
        assert_eq!(plan.standing.worst(), State::Drifted);
        assert!(plan.is_refused() && has(plan, "lock-missing"));
    }
    let plan = init(
        &tree(&files),
        &flags,
        &Contracts::embedded(),
        Listener::Keep,
    )
    .unwrap();
    let (left, plan) = removed(&applied(&files, &plan));
    assert!(has(&plan, "listener-kept"), "{:?}", plan.findings);
    assert!(left.contains_key(&path(LISTENER)));
    assert!(text(&left, SETTINGS).contains("microservice_events_listener"));
    assert!(!left.contains_key(&path(LOCK)));
}

#[test]
fn settings_that_became_a_package_are_outdated_and_go_back_exactly() {
    let whole = wired();
    let (unwired, _) = removed(&whole);
    let mut files = whole.clone();
    let settings = files.remove(&path(SETTINGS)).unwrap();
    files.insert(path("orders/settings/base.py"), settings);
    let star = b"from .base import *  # noqa\n".to_vec();
    files.insert(path("orders/settings/__init__.py"), star);
    let (done, plan) = synced(&files, &Wishes::default());
    assert_eq!(plan.standing.worst(), State::Outdated);
    assert!(text(&done, LOCK).contains("[shared.\"orders/settings/base.py\"]"));
    for files in [files, done] {
        let (left, _) = removed(&files);
        let base = text(&left, "orders/settings/base.py");
        assert_eq!(base, text(&unwired, SETTINGS));
    }
}

#[test]
fn modules_that_were_moved_and_mended_by_hand_go_with_their_import() {
    let mut files = wired();
    for name in ["microservice_events.py", "microservice_events_listener.py"] {
        let text = files
            .remove(&path(&format!("orders/tasks/{name}")))
            .unwrap();
        files.insert(path(&format!("orders/bus/{name}")), text);
    }
    files.insert(path("orders/bus/__init__.py"), Vec::new());
    let listener = "orders/bus/microservice_events_listener.py";
    let imports = "orders.tasks.microservice_events_listener";
    let files = replaced(
        &files,
        SETTINGS,
        imports,
        "orders.bus.microservice_events_listener",
    );
    let import = "from orders.tasks import microservice_events";
    let files = replaced(
        &files,
        listener,
        import,
        "import orders.bus.microservice_events as microservice_events",
    );
    let (_, plan) = synced(&files, &Wishes::default());
    let finding = plan
        .findings
        .iter()
        .find(|finding| finding.code == "listener-conflict");
    assert_eq!(
        finding.unwrap().places[0].path,
        path(listener),
        "where it is"
    );
    let ours = Wishes {
        conflict: Conflict::Ours,
        ..Wishes::default()
    };
    let (done, plan) = synced(&files, &ours);
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let (left, plan) = removed(&done);
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    assert!(!left.contains_key(&path(listener)));
    assert!(
        !text(&left, SETTINGS).contains("listener"),
        "{}",
        text(&left, SETTINGS)
    );
    assert!(!left.contains_key(&path("orders/bus/microservice_events.py")));
}

/// Git merged the settings of one branch with the lock of another.
#[test]
fn a_lock_of_another_side_forgets_nothing() {
    let to = |id: &str| Wishes {
        to: Some(id.to_owned()),
        ..Wishes::default()
    };
    let mut start = wired();
    let pins = start.get_mut(&path("requirements.txt")).unwrap();
    pins.extend(b"zc_common==0.2.12\n");
    let (ours, _) = synced(&start, &to("zc-events@1"));
    let (theirs, _) = synced(&start, &to("zc-events@2"));
    let mut merged = ours.clone();
    merged.insert(path(LOCK), theirs[&path(LOCK)].clone());
    let (left, plan) = synced(&merged, &Wishes::default());
    assert!(
        plan.is_refused() && has(&plan, "lock-of-another-side"),
        "{:?}",
        plan.findings
    );
    assert!(left == merged);
    merged.insert(path(LOCK), ours[&path(LOCK)].clone());
    let (left, plan) = synced(&merged, &Wishes::default());
    assert!(!plan.is_refused() && left == merged, "{:?}", plan.findings);
}

#[test]
fn a_service_has_one_name() {
    let whole = wired();
    let config = "scaffold-events.toml";
    for files in [
        replaced(&whole, SETTINGS, NAME, "SERVICE_NAME = \"shipping\"\n"),
        replaced(&whole, config, "name = \"orders\"", "name = \"shipping\""),
    ] {
        let (left, plan) = synced(&files, &Wishes::default());
        assert_eq!(plan.standing.worst(), State::Drifted);
        assert!(has(&plan, "service-name-differs") && left == files);
    }
}

#[test]
fn queues_that_became_quorum_queues_are_given_what_init_would_give() {
    let (_, plan) = synced(&wired(), &Wishes::default());
    assert_eq!(plan.standing.worst(), State::Clean);
    let timezone = "CELERY_TIMEZONE = \"Europe/Berlin\"\n";
    let quorum = format!("{timezone}CELERY_TASK_DEFAULT_QUEUE_TYPE = \"quorum\"\n");
    let files = replaced(&wired(), SETTINGS, timezone, &quorum);
    let files = replaced(&files, "requirements.txt", "==5.4.0", "==5.5.0");
    let (done, plan) = synced(&files, &Wishes::default());
    assert_eq!(
        plan.standing.worst(),
        State::Outdated,
        "{:?}",
        plan.findings
    );
    let settings = text(&done, SETTINGS);
    assert!(
        settings.contains("routing_key=\"microservice.event\""),
        "{settings}"
    );
    let (again, plan) = synced(&done, &Wishes::default());
    assert!(again == done && plan.standing.worst() == State::Clean);
}
