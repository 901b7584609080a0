//! `sync` brings every wired fixture up to date, and keeps what its owner did.
#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;
mod revisions;

use cases::{Expect, Files, applied, cases, files, flags, path, synced, text};
use memchr::memmem::find;
use scaffold_events::contract::Contracts;
use scaffold_events::finding::Level;
use scaffold_events::merge::Conflict;
use scaffold_events::newline::Newline;
use scaffold_events::path::RelPath;
use scaffold_events::plan::{Plan, plan};
use scaffold_events::standing::State;
use scaffold_events::sync::Wishes;
use scaffold_events::tree::Tree;
use scaffold_events::unwire::{Edited, unwire};

struct Service {
    name: String,
    before: Files,
    after: Files,
}

/// The fixtures that `init` wires, in the directory that names them.
fn services(wanted: impl Fn(&str) -> bool) -> Vec<Service> {
    let mut found = Vec::new();
    for (name, folder, case) in cases() {
        if case.expect != Expect::Wired || !wanted(&name) {
            continue;
        }
        let before = files(&folder.join("in"));
        let directory = case.directory.as_deref().unwrap_or("orders");
        let before = with_library(before);
        let tree = Tree::named(directory, before.clone());
        let plan = plan(&tree, &flags(&case.args).unwrap(), &Contracts::embedded()).unwrap();
        let after = applied(&before, &plan);
        found.push(Service {
            name,
            before,
            after,
        });
    }
    found
}

/// The service asks for a library, so that it can move between contracts.
fn with_library(mut files: Files) -> Files {
    let pins = files.entry(path("requirements.txt")).or_default();
    let libraries = ["zc_common", "zc-common", "zc_events"];
    if !libraries
        .iter()
        .any(|name| find(pins, name.as_bytes()).is_some())
    {
        let open = pins.last().is_some_and(|byte| *byte != b'\n');
        let newline: &[u8] = if open { b"\n" } else { b"" };
        *pins = [pins, newline, b"zc_common==0.2.12\n"].concat();
    }
    files
}

fn codes(plan: &Plan) -> Vec<&'static str> {
    let graver = plan
        .findings
        .iter()
        .filter(|finding| finding.level < Level::Note);
    graver.map(|finding| finding.code).collect()
}

fn differing(one: &Files, other: &Files) -> Vec<RelPath> {
    let mut paths: Vec<RelPath> = one.keys().chain(other.keys()).cloned().collect();
    paths.retain(|path| one.get(path) != other.get(path));
    paths.sort();
    paths.dedup();
    paths
}

/// Runs every service through `check`, and says which failed it.
fn all(wanted: impl Fn(&str) -> bool, check: impl Fn(&Service) -> Result<(), String>) {
    let failures: Vec<String> = services(wanted)
        .iter()
        .filter_map(|service| Some(format!("{}: {}", service.name, check(service).err()?)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} failed\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn nothing_is_done_where_nothing_of_ours_changed() {
    let edits: [BytesEdit; 4] = [
        <[u8]>::to_vec,
        |text| Newline::Crlf.convert(text),
        |text| [text, b"\n\nMINE = 1\n"].concat(),
        |text| [b"# mine\n", text].concat(),
    ];
    all(
        |_| true,
        |service| {
            for (number, edit) in edits.iter().enumerate() {
                let files = in_settings(service, *edit);
                let (_, plan) = synced(&files, &Contracts::embedded(), &Wishes::default());
                let change = plan.changes.first().map(|change| &change.path);
                if change.is_some() || plan.is_refused() {
                    return Err(format!("{number}: {change:?} {:?}", plan.findings));
                }
            }
            Ok(())
        },
    );
}

/// Bytes of settings before and after somebody worked on them.
type BytesEdit = fn(&[u8]) -> Vec<u8>;

/// The wired service after the same edit in each Python file that `init` edited.
fn in_settings(service: &Service, edit: BytesEdit) -> Files {
    let mut files = service.after.clone();
    for path in differing(&service.before, &service.after) {
        if path.has_extension("py") && service.before.contains_key(&path) {
            files.insert(path.clone(), edit(&service.after[&path]));
        }
    }
    files
}

#[test]
fn a_new_revision_comes_and_gives_what_init_would_give() {
    let contracts = revisions::with_second_revision();
    all(
        |_| true,
        |service| {
            let lock = text(&service.after, "scaffold-events.lock");
            if !lock.contains("contract = \"zc-common@1.0\"") {
                return Ok(()); // of this contract there is no second revision
            }
            let (done, plan) = synced(&service.after, &contracts, &Wishes::default());
            if !plan.standing.has(State::Outdated) || plan.is_refused() {
                return Err(format!("{:?} {:?}", plan.standing, plan.findings));
            }
            let settings = differing(&done, &service.after);
            let wanted = settings.iter().all(|path| {
                let name = path.file_name();
                name.contains("listener")
                    || name.contains("scaffold-events")
                    || name == "pyproject.toml"
            });
            if !wanted {
                return Err(format!("{settings:?}"));
            }
            let (_, again) = synced(&done, &contracts, &Wishes::default());
            let broken = plan.standing.has(State::Broken);
            let state = if broken { State::Broken } else { State::Clean };
            if !again.changes.is_empty() || again.standing.worst() != state {
                return Err(format!("again: {:?} {:?}", again.standing, again.findings));
            }
            Ok(())
        },
    );
}

fn one(name: &str) -> Service {
    services(|case| case == name).pop().unwrap()
}

const LISTENER: &str = "orders/microservice_events_listener.py";
const SETTINGS: &str = "orders/settings.py";

fn edit(files: &Files, file: &str, edit: impl Fn(String) -> String) -> Files {
    let mut files = files.clone();
    let text = String::from_utf8(files[&path(file)].clone()).unwrap();
    files.insert(path(file), edit(text).into_bytes());
    files
}

#[test]
fn an_edit_of_our_file_is_accepted_and_outlives_a_new_revision() {
    let service = one("crlf-settings");
    let mine = |text: String| {
        text.replace("logger = ", "# mine\r\nlogger = ")
            .replace("\r\n", "\n")
    };
    let crlf = |text: String| String::from_utf8(Newline::Crlf.convert(text.as_bytes())).unwrap();
    for newline in [Newline::Lf, Newline::Crlf] {
        let edited = edit(&service.after, LISTENER, |text| match newline {
            Newline::Crlf => crlf(mine(text)),
            Newline::Lf | Newline::Mixed => mine(text),
        });
        let (accepted, plan) = synced(&edited, &Contracts::embedded(), &Wishes::default());
        assert_eq!(plan.standing.worst(), State::Drifted);
        assert_eq!(
            differing(&accepted, &edited),
            [path("scaffold-events.lock")]
        );
        let (_, again) = synced(&accepted, &Contracts::embedded(), &Wishes::default());
        assert_eq!(
            (again.standing.worst(), again.changes.len()),
            (State::Clean, 0)
        );
        for start in [&edited, &accepted] {
            let (done, plan) = synced(
                start,
                &revisions::with_second_revision(),
                &Wishes::default(),
            );
            assert!(!plan.is_refused(), "{:?}", plan.findings);
            let listener = text(&done, LISTENER);
            assert!(listener.contains("# mine") && listener != text(start, LISTENER));
            assert_eq!(Newline::of(listener.as_bytes()), newline);
            let (_, again) = synced(
                &done,
                &revisions::with_second_revision(),
                &Wishes::default(),
            );
            assert_eq!(
                (again.standing.worst(), again.changes.len()),
                (State::Clean, 0)
            );
        }
    }
}

#[test]
fn edits_that_overlap_are_for_a_person() {
    let service = one("crlf-settings");
    let contracts = revisions::with_second_revision();
    let (fresh, _) = synced(&service.after, &contracts, &Wishes::default());
    let (old, new) = (text(&service.after, LISTENER), text(&fresh, LISTENER));
    let line = |other: &str, one: &str| {
        let mut lines = one
            .split('\n')
            .filter(|line| !line.is_empty() && !other.contains(line));
        lines.next().map(str::to_owned)
    };
    let changed = line(&new, &old).unwrap_or_else(|| "import logging".to_owned());
    let edited = edit(&service.after, LISTENER, |text| {
        text.replacen(&changed, &format!("{changed}  # mine"), 1)
    });
    let (left, plan) = synced(&edited, &contracts, &Wishes::default());
    assert_eq!(
        plan.standing.worst(),
        State::Conflicting,
        "{:?}",
        plan.findings
    );
    assert!(plan.is_refused() && left == edited);
    assert_eq!(codes(&plan), ["listener-conflict"]);
    let wish = |conflict| Wishes {
        conflict,
        ..Wishes::default()
    };
    let (ours, _) = synced(&edited, &contracts, &wish(Conflict::Ours));
    assert_eq!(text(&ours, LISTENER), new);
    let (theirs, _) = synced(&edited, &contracts, &wish(Conflict::Theirs));
    assert!(text(&theirs, LISTENER).contains("# mine"));
    let (marked, plan) = synced(&edited, &contracts, &wish(Conflict::Markers));
    assert!(plan.open && text(&marked, LISTENER).contains("<<<<<<< zc-common@1.1\n"));
    let (_, plan) = synced(&marked, &contracts, &Wishes::default());
    assert_eq!(codes(&plan), ["conflict-unresolved"]);
    let mut decided = marked.clone();
    decided.insert(path(LISTENER), theirs[&path(LISTENER)].clone());
    let (done, plan) = synced(&decided, &contracts, &Wishes::default());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    for done in [&ours, &theirs, &done] {
        let (_, again) = synced(done, &contracts, &Wishes::default());
        assert_eq!(
            (again.standing.worst(), again.changes.len()),
            (State::Clean, 0)
        );
    }
}

#[test]
fn what_was_taken_out_by_hand_comes_back_only_when_asked() {
    let service = one("crlf-settings");
    let gone = edit(&service.after, SETTINGS, |text| {
        let start = text
            .find("CELERY_TASK_ROUTES = ")
            .or(text.find("CELERY_ROUTES = "))
            .unwrap();
        let end = start
            + text[start..]
                .find("\r\n\r\n")
                .map_or(text.len() - start, |at| at + 4);
        format!("{}{}", &text[..start], &text[end..])
    });
    for contracts in [Contracts::embedded(), revisions::with_second_revision()] {
        let (left, plan) = synced(&gone, &contracts, &Wishes::default());
        assert_eq!(plan.standing.worst(), State::Drifted, "{:?}", plan.findings);
        assert_eq!(codes(&plan), ["setting-removed"]);
        assert!(plan.open && text(&left, SETTINGS) == text(&gone, SETTINGS));
        let wishes = Wishes {
            restore: true,
            ..Wishes::default()
        };
        let (back, _) = synced(&gone, &contracts, &wishes);
        assert!(text(&back, SETTINGS).contains("_ROUTES = "));
        let (_, again) = synced(&back, &contracts, &Wishes::default());
        assert_eq!(
            (again.standing.worst(), again.changes.len()),
            (State::Clean, 0)
        );
    }
}

/// One after the other, as a service that waits for none of them.
const IDS: [&str; 4] = ["zc-common@1", "zc-events@1", "zc-events@2", "zc-events@3"];

fn to(id: &str) -> Wishes {
    Wishes {
        to: Some(id.to_owned()),
        ..Wishes::default()
    }
}

/// What keeps a service from a contract, whatever it was wired to before.
const HINDRANCES: [&str; 3] = [
    "library-required",
    "queue-arguments",
    "queues-mapping-arguments",
];

/// One of each kind of home and spelling; `CASE= cargo test --test sync pair` takes them all.
const SAMPLE: [&str; 6] = [
    "broker-plain-literal",
    "class-config-object",
    "conf-update-with-keyword-queues",
    "crlf-settings",
    "imports-string-becomes-tuple",
    "router-when-every-condition-holds",
];

#[test]
fn every_pair_of_contracts_is_one_step_and_back() {
    let contracts = Contracts::embedded();
    all(
        |name| match std::env::var("CASE") {
            Ok(wanted) => name.contains(&wanted),
            Err(_) => SAMPLE.contains(&name),
        },
        |service| {
            let mut reached: Vec<(usize, Files)> = Vec::new();
            for (at, id) in IDS.iter().enumerate() {
                let (done, plan) = synced(&service.after, &contracts, &to(id));
                if plan.is_refused() {
                    let why = plan
                        .findings
                        .iter()
                        .any(|one| HINDRANCES.contains(&one.code));
                    if !why {
                        return Err(format!("{id}: {:?}", plan.findings));
                    }
                    continue;
                }
                let (again, second) = synced(&done, &contracts, &Wishes::default());
                if again != done || second.standing.has(State::Outdated) {
                    return Err(format!("{id} again: {:?}", differing(&again, &done)));
                }
                reached.push((at, done));
            }
            if std::env::var("CASE").is_err() && reached.len() < IDS.len() {
                return Err(format!("reached only {}", reached.len()));
            }
            for (from, start) in &reached {
                for (end, wanted) in &reached {
                    let (done, plan) = synced(start, &contracts, &to(IDS[*end]));
                    if done != *wanted {
                        let (from, end) = (IDS[*from], IDS[*end]);
                        let found: Vec<_> = plan
                            .findings
                            .iter()
                            .map(|one| (one.code, &one.message))
                            .collect();
                        return Err(format!(
                            "{from} to {end}: {:?} {found:?}",
                            differing(&done, wanted)
                        ));
                    }
                }
            }
            Ok(())
        },
    );
}

/// Which handlers need another signature is told, function by function; none is edited.
#[test]
fn handlers_that_are_called_otherwise_are_named() {
    let service = one("broker-plain-literal");
    let handlers = "orders/microservice_events.py";
    let mine = "def placed(**event):\n    pass\n\n\ndef _mine():\n    pass\n\n\ndef paid(**event):\n    pass\n";
    let files = edit(&service.after, handlers, |text| text + mine);
    let (moved, plan) = synced(&files, &Contracts::embedded(), &to("zc-events@3"));
    let before = text(&files, handlers);
    assert_eq!(text(&moved, handlers), before);
    let mut findings = plan.findings.iter();
    let finding = findings.find(|finding| finding.code == "handler-signature");
    let places = finding.unwrap().places.iter();
    let names: Vec<&[u8]> = places
        .map(|place| place.span.unwrap().of(before.as_bytes()))
        .collect();
    assert_eq!(names, [&b"placed"[..], b"paid"]);
    let (_, plan) = synced(&files, &Contracts::embedded(), &to("zc-events@2"));
    assert_eq!(codes(&plan), [""; 0]);
}

/// Settings before and after somebody worked on them.
type Edit = fn(&str) -> String;

/// What people do to settings that we edited.
fn edits() -> Vec<(&'static str, Edit)> {
    vec![
        ("before", |text| format!("# mine\n{text}")),
        ("after", |text| format!("{text}\nMINE = 1\n")),
        ("inside", |text| {
            text.replacen(
                "Queue(SERVICE_NAME",
                "Queue('mine'),\n    Queue(SERVICE_NAME",
                1,
            )
        }),
        ("black", |text| {
            text.replace("CELERY_QUEUES = (\n    ", "CELERY_QUEUES = (")
                .replace("),\n)", "))")
                .replace('\'', "\"")
        }),
        ("moved", |text| {
            let start = text.find("CELERY_ROUTES = ").unwrap();
            let end = start + text[start..].find('\n').unwrap() + 1;
            let (head, block, tail) = (&text[..start], &text[start..end], &text[end..]);
            format!("{head}{tail}\n{block}")
        }),
        ("CRLF", |text| text.replace('\n', "\r\n")),
    ]
}

#[test]
fn what_people_do_to_settings_outlives_every_command() {
    let service = one("broker-plain-literal");
    let settings = text(&service.after, SETTINGS);
    for (kind, edit) in edits() {
        let mut files = service.after.clone();
        let edited = edit(&settings);
        assert_ne!(edited, settings, "{kind}");
        files.insert(path(SETTINGS), edited.clone().into_bytes());

        let (same, plan) = synced(&files, &Contracts::embedded(), &Wishes::default());
        assert!(!plan.is_refused(), "{kind}: {:?}", plan.findings);
        assert_eq!(text(&same, SETTINGS), edited, "{kind}: nothing to do");

        let (next, plan) = synced(
            &files,
            &revisions::with_second_revision(),
            &Wishes::default(),
        );
        assert!(!plan.is_refused(), "{kind}: {:?}", plan.findings);
        assert_eq!(
            text(&next, SETTINGS),
            edited,
            "{kind}: the revision changes the listener"
        );

        let (moved, plan) = synced(&files, &Contracts::embedded(), &to("zc-events@3"));
        assert!(!plan.is_refused(), "{kind}: {:?}", plan.findings);
        let now = text(&moved, SETTINGS);
        assert!(
            now.contains("EVENTS_EXCHANGE") && now.contains("x-max-priority"),
            "{kind}: {now}"
        );
        assert_eq!(now.matches("SERVICE_NAME + ").count(), 1, "{kind}: {now}");
        let mine = |text: &str| text.matches("mine").count() + text.matches("MINE").count();
        assert_eq!(mine(&now), mine(&edited), "{kind}: {now}");
        assert_eq!(
            Newline::of(now.as_bytes()),
            Newline::of(edited.as_bytes()),
            "{kind}"
        );

        let tree = Tree::named("anything", files.clone());
        let plan = unwire(&tree, &Contracts::embedded(), Edited::Keep).unwrap();
        assert!(!plan.is_refused(), "{kind}: {:?}", plan.findings);
        let left = text(&applied(&files, &plan), SETTINGS);
        assert!(
            !left.contains("-events") && !left.contains("listener"),
            "{kind}: {left}"
        );
        assert_eq!(mine(&left), mine(&edited), "{kind}: {left}");
    }
}

#[test]
fn settings_that_became_a_package_are_found_again() {
    let service = one("broker-plain-literal");
    let mut files = service.after.clone();
    let settings = files.remove(&path(SETTINGS)).unwrap();
    files.insert(
        path("orders/settings/__init__.py"),
        b"from .base import *\n".to_vec(),
    );
    files.insert(path("orders/settings/base.py"), settings.clone());
    let (done, plan) = synced(&files, &Contracts::embedded(), &Wishes::default());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    assert_eq!(done[&path("orders/settings/base.py")], settings);
    let config = text(&done, "scaffold-events.toml");
    assert!(
        config.contains("settings = \"orders/settings/__init__.py\""),
        "{config}"
    );
    let (again, plan) = synced(&done, &Contracts::embedded(), &Wishes::default());
    assert_eq!(differing(&again, &done), []);
    assert_eq!(plan.standing.worst(), State::Clean);
    let tree = Tree::named("anything", done.clone());
    let plan = unwire(&tree, &Contracts::embedded(), Edited::Keep).unwrap();
    let left = applied(&done, &plan);
    assert!(
        !text(&left, "orders/settings/base.py").contains("-events"),
        "{:?}",
        plan.findings
    );
}

#[test]
fn our_modules_that_were_moved_are_found_again() {
    let service = one("broker-plain-literal");
    let mut files = service.after.clone();
    for name in ["microservice_events.py", "microservice_events_listener.py"] {
        let text = files.remove(&path(&format!("orders/{name}"))).unwrap();
        files.insert(path(&format!("orders/tasks/{name}")), text);
    }
    files.remove(&path("orders/tasks.py"));
    files.insert(path("orders/tasks/__init__.py"), Vec::new());
    let (done, plan) = synced(&files, &Contracts::embedded(), &Wishes::default());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let settings = text(&done, SETTINGS);
    assert!(
        settings.contains("orders.tasks.microservice_events_listener"),
        "{settings}"
    );
    assert!(
        !settings.contains("orders.microservice_events_listener"),
        "{settings}"
    );
    assert!(text(&done, "scaffold-events.toml").contains("tasks-dir = \"orders/tasks\""));
    assert!(!done.contains_key(&path(LISTENER)));
    let (again, plan) = synced(&done, &Contracts::embedded(), &Wishes::default());
    assert_eq!(differing(&again, &done), []);
    assert_eq!(plan.standing.worst(), State::Clean, "{:?}", plan.findings);

    // What was not recorded yet is not removed by halves.
    let remove = |files: &Files| {
        let tree = Tree::named("anything", files.clone());
        let plan = unwire(&tree, &Contracts::embedded(), Edited::Keep).unwrap();
        (applied(files, &plan), plan)
    };
    let (left, plan) = remove(&files);
    assert_eq!(codes(&plan), ["listener-moved"]);
    assert_eq!(left, files);
    let (left, plan) = remove(&done);
    assert_eq!(codes(&plan), [""; 0]);
    assert!(!text(&left, SETTINGS).contains("listener"));
    assert!(!left.contains_key(&path("orders/tasks/microservice_events_listener.py")));
}

/// Whoever gives his settings the new names need not touch ours.
#[test]
fn entries_move_to_lower_case_names() {
    let service = one("upper-case-celeryconfig-on-celery-3");
    let files = edit(&service.after, "setup.py", |text| {
        text.replace(">=3.1,<4", "==5.4.0")
    });
    let files = edit(&files, "celeryconfig.py", |text| {
        text.replace("BROKER_URL", "broker_url")
            .replace("CELERY_RESULT_BACKEND", "result_backend")
            .replace("CELERY_TASK_RESULT_EXPIRES", "result_expires")
            .replace("CELERY_ACCEPT_CONTENT", "accept_content")
            .replace("CELERY_TASK_SERIALIZER", "task_serializer")
            .replace("CELERY_IMPORTS", "imports")
    });
    let (done, plan) = synced(&files, &Contracts::embedded(), &Wishes::default());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let settings = text(&done, "celeryconfig.py");
    assert!(settings.contains("\ntask_queues = (") && settings.contains("\ntask_routes = {"));
    assert!(!settings.contains("CELERY_"), "{settings}");
    let (again, plan) = synced(&done, &Contracts::embedded(), &Wishes::default());
    assert_eq!((again == done, plan.standing.worst()), (true, State::Clean));
}

#[test]
fn entries_move_to_the_spelling_that_celery_reads_now() {
    let service = one("broker-plain-literal");
    let app = "orders/celery.py";
    let files = edit(&service.after, app, |text| {
        text.replace(
            "config_from_object('django.conf:settings')",
            "config_from_object('django.conf:settings', namespace='CELERY')",
        )
    });
    assert_ne!(text(&files, app), text(&service.after, app));
    let files = edit(&files, SETTINGS, |text| text + "CELERYD_CONCURRENCY = 4\n");
    let (done, plan) = synced(&files, &Contracts::embedded(), &Wishes::default());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    assert_eq!(
        plan.standing.worst(),
        State::Outdated,
        "{:?}",
        plan.findings
    );
    let mut findings = plan.findings.iter();
    let told = findings.find(|finding| finding.code == "broker-not-for-worker");
    let place = &told.unwrap().places[0];
    let underlined = place.span.unwrap().of(&files[&place.path]);
    assert!(
        underlined.starts_with(b"BROKER_URL = "),
        "where it stands on disk"
    );
    let mut findings = plan.findings.iter();
    let theirs = findings.find(|finding| finding.code == "other-settings-not-read");
    assert_eq!(
        theirs.unwrap().help,
        ["rename `CELERYD_CONCURRENCY` to `CELERY_WORKER_CONCURRENCY`"]
    );
    let settings = text(&done, SETTINGS);
    assert!(
        settings.contains("CELERY_TASK_QUEUES") && !settings.contains("CELERY_QUEUES"),
        "{settings}"
    );
    let (again, _) = synced(&done, &Contracts::embedded(), &Wishes::default());
    assert_eq!(differing(&again, &done), []);
}
