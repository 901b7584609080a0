//! `remove` gives back what `init` was given, and of what was edited since only our parts.
#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;

use cases::{Expect, Files, applied, cases, codes, files, flags, path};
use memchr::memmem::find;
use scaffold_events::config::Config;
use scaffold_events::contract::Contracts;
use scaffold_events::init::{Listener, init};
use scaffold_events::newline::Newline;
use scaffold_events::path::RelPath;
use scaffold_events::plan::{Plan, plan};
use scaffold_events::python::meaning::statement;
use scaffold_events::python::parse::parse;
use scaffold_events::python::syntax::walk;
use scaffold_events::tree::Tree;
use scaffold_events::unwire::{Edited, unwire};

/// The fixtures that `init` wires: name, files before, files after.
fn wired(wanted: impl Fn(&str) -> bool) -> Vec<(String, Files, Files)> {
    let mut found = Vec::new();
    for (name, folder, case) in cases() {
        if case.expect != Expect::Wired || !wanted(&name) {
            continue;
        }
        let before = files(&folder.join("in"));
        let directory = case.directory.as_deref().unwrap_or("orders");
        let flags: Config = flags(&case.args).unwrap();
        let tree = Tree::named(directory, before.clone());
        let plan = plan(&tree, &flags, &Contracts::embedded()).unwrap();
        let after = applied(&before, &plan);
        found.push((name, before, after));
    }
    found
}

fn removed(files: &Files) -> (Files, Plan) {
    let tree = Tree::named("orders", files.clone());
    let plan = unwire(&tree, &Contracts::embedded(), Edited::Keep).unwrap();
    (applied(files, &plan), plan)
}

fn differing(one: &Files, other: &Files) -> Vec<RelPath> {
    let mut paths: Vec<RelPath> = one.keys().chain(other.keys()).cloned().collect();
    paths.retain(|path| one.get(path) != other.get(path));
    paths.dedup();
    paths
}

#[test]
fn what_was_wired_is_given_back_byte_for_byte() {
    let mut failures = Vec::new();
    let services = wired(|_| true);
    assert!(services.len() > 100);
    for (name, before, after) in services {
        // Also after somebody has deleted our modules.
        let mut deleted = after.clone();
        let is_module = |path: &RelPath| path.file_name().starts_with("microservice_events");
        deleted.retain(|path, _| before.contains_key(path) || !is_module(path));
        for files in [after, deleted] {
            let (again, plan) = removed(&files);
            if again != before {
                failures.push(format!(
                    "{name}: {:?} {:?}",
                    differing(&again, &before),
                    plan.findings
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn git_may_convert_the_newlines_in_between() {
    let mut failures = Vec::new();
    for (name, before, after) in wired(|_| true) {
        for newline in [Newline::Lf, Newline::Crlf] {
            let convert = |files: &Files| -> Files {
                let converted = files
                    .iter()
                    .map(|(path, text)| (path.clone(), newline.convert(text)));
                converted.collect()
            };
            let (again, plan) = removed(&convert(&after));
            if again != convert(&before) {
                failures.push(format!(
                    "{name} {newline:?}: {:?} {:?}",
                    differing(&again, &convert(&before)),
                    plan.findings
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What a file says, and with the one spelling of the vhost: what an edited file is compared by.
fn gist(path: &RelPath, text: &[u8]) -> String {
    let one = |text: &[u8]| {
        String::from_utf8_lossy(text)
            .replace("%%2F", "/")
            .replace("%2F", "/")
    };
    let Ok(module) = parse(text.into()) else {
        return one(text);
    };
    if !path.has_extension("py") {
        return one(text);
    }
    let mut said = String::new();
    walk(&module.body, &mut |stmt| {
        let meaning = statement(&module, stmt);
        let bytes = stmt.span.of(text);
        let head = bytes.split(|byte| *byte == b'\n').next().unwrap();
        let line = meaning.unwrap_or_else(|| String::from_utf8_lossy(head).into_owned());
        said += &one(format!("{line}\n").as_bytes());
    });
    said
}

/// What somebody does to a text: at a place that is in both texts, before us and after us.
type Edit = fn(&[u8], both: [&[u8]; 2]) -> Vec<u8>;

/// The edit, made in every settings file that we edited.
fn edited(files: &Files, touched: &[RelPath], both: [&Files; 2], edit: Edit) -> Files {
    let mut out = files.clone();
    for path in touched {
        let both = both.map(|files| files[path].as_slice());
        out.insert(path.clone(), edit(&files[path], both));
    }
    out
}

fn appended(text: &[u8], _: [&[u8]; 2]) -> Vec<u8> {
    let open = text.last().is_some_and(|byte| *byte != b'\n');
    let newline: &[u8] = if open { b"\n" } else { b"" };
    [text, newline, b"\nADDED = 1\n"].concat()
}

/// Behind the first statement that was there before us, is still there, and ends its line.
fn inserted(text: &[u8], both: [&[u8]; 2]) -> Vec<u8> {
    let module = parse(both[0].into()).unwrap();
    let lines = module.body.iter().map(|stmt| stmt.span.of(both[0]));
    let anchor = lines
        .filter(|line| !line.contains(&b'/') && !line.starts_with(b"imports"))
        .map(|line| [line, b"\n"].concat())
        .find(|line| both.iter().all(|text| find(text, line).is_some()));
    let at = anchor.map_or(text.len(), |line| find(text, &line).unwrap() + line.len());
    [&text[..at], b"ADDED = 1\n", &text[at..]].concat()
}

/// `("a")` was no tuple, and comes back as `("a",)`.
const ONE_VALUE: [&str; 2] = [
    "imports-missing-comma",
    "queues-without-comma-is-not-a-tuple",
];

#[test]
fn what_was_edited_elsewhere_loses_only_our_parts() {
    let mut failures = Vec::new();
    for (name, before, after) in wired(|_| true) {
        let python = |path: &&RelPath| path.has_extension("py") && before.contains_key(*path);
        let changed = differing(&before, &after);
        let touched: Vec<RelPath> = changed.iter().filter(python).cloned().collect();
        for edit in [appended as Edit, inserted] {
            let (again, plan) = removed(&edited(&after, &touched, [&before, &after], edit));
            let wanted = edited(&before, &touched, [&before, &after], edit);
            for path in wanted.keys().chain(again.keys()) {
                let (one, other) = (again.get(path), wanted.get(path));
                let one_value = ONE_VALUE.contains(&name.as_str());
                if !one_value
                    && one.map(|text| gist(path, text)) != other.map(|text| gist(path, text))
                {
                    let text = |text: Option<&Vec<u8>>| {
                        text.map_or_else(String::new, |text| gist(path, text))
                    };
                    let codes: Vec<_> = plan
                        .findings
                        .iter()
                        .map(|finding| (finding.code, &finding.message))
                        .collect();
                    failures.push(format!(
                        "{name}: {path} {codes:?}\n{}",
                        diffy::create_patch(&text(other), &text(one))
                    ));
                    break;
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// A new service, whole.
fn created() -> Files {
    let nothing = Files::new();
    let tree = Tree::named("orders", nothing.clone());
    let plan = init(
        &tree,
        &Config::default(),
        &Contracts::embedded(),
        Listener::Keep,
    )
    .unwrap();
    applied(&nothing, &plan)
}

#[test]
fn a_created_service_goes_whole_or_loses_its_wiring() {
    let service = created();
    assert_eq!(removed(&service).0, Files::new());

    let mut used = service.clone();
    used.insert(path("orders/tasks/mail.py"), b"def send(): pass\n".to_vec());
    let (left, plan) = removed(&used);
    assert_eq!(codes(&plan), ["service-kept"]);
    let settings = String::from_utf8(left[&path("orders/settings.py")].clone()).unwrap();
    assert!(
        !settings.contains("events") && !settings.contains("listener"),
        "{settings}"
    );
    assert!(left.contains_key(&path("orders/celery.py")));
    assert!(!left.contains_key(&path("orders/tasks/microservice_events_listener.py")));
    assert!(!left.contains_key(&path("scaffold-events.lock")));

    let mut edited = service;
    edited
        .get_mut(&path("orders/settings.py"))
        .unwrap()
        .extend(b"MINE = 1\n");
    let (left, _) = removed(&edited);
    let settings = String::from_utf8(left[&path("orders/settings.py")].clone()).unwrap();
    assert!(
        !settings.contains("events") && settings.ends_with("MINE = 1\n"),
        "{settings}"
    );
}

/// The first fixture of this name, wired.
fn one(name: &str) -> (Files, Files) {
    let (_, before, after) = wired(|case| case == name).pop().unwrap();
    (before, after)
}

#[test]
fn handlers_with_content_are_kept_and_the_rest_goes() {
    let (mut before, mut after) = one("crlf-settings");
    let handlers = path("orders/microservice_events.py");
    after
        .get_mut(&handlers)
        .unwrap()
        .extend(b"\n\ndef paid(**kwargs):\n    pass\n");
    let (left, plan) = removed(&after);
    assert_eq!(codes(&plan), ["handlers-kept"]);
    before.insert(handlers.clone(), after[&handlers].clone());
    assert_eq!(differing(&left, &before), []);
}

#[test]
fn an_edited_listener_stops_the_removal_unless_forced() {
    let (before, mut after) = one("crlf-settings");
    let listener = path("orders/microservice_events_listener.py");
    after.get_mut(&listener).unwrap().extend(b"# mine\n");
    let (left, plan) = removed(&after);
    assert!(plan.is_refused() && left == after);
    assert_eq!(codes(&plan), ["listener-edited"]);
    let tree = Tree::named("orders", after.clone());
    let plan = unwire(&tree, &Contracts::embedded(), Edited::Discard).unwrap();
    assert_eq!(differing(&applied(&after, &plan), &before), []);
}

#[test]
fn without_a_lock_nothing_is_guessed() {
    let (before, mut after) = one("crlf-settings");
    assert_eq!(removed(&before).1.changes, []);
    after.remove(&path("scaffold-events.lock"));
    let (left, plan) = removed(&after);
    assert_eq!(codes(&plan), ["lock-missing"]);
    assert_eq!(left, after);
}
