use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;
use crate::edit::Span;
use crate::finding::Finding;
use crate::plan::Kind;

fn outcome(plan: Plan, files: Vec<(&str, Vec<u8>)>) -> Outcome {
    let files = files
        .into_iter()
        .map(|(path, bytes)| (RelPath::root().join(path), bytes));
    Outcome {
        service: "services/orders".into(),
        prefix: RelPath::root(),
        tree: Tree::memory(files),
        status: Status::of(&plan),
        plan,
    }
}

fn change(path: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> FileChange {
    FileChange {
        path: RelPath::root().join(path),
        kind: Kind::Shared,
        before: before.map(Into::into),
        after: after.map(Into::into),
        what: vec!["events queue".into()],
    }
}

fn plain(styled: &str) -> String {
    anstream::adapter::strip_str(styled).to_string()
}

const SETTINGS: &[u8] = b"URL = 'amqp://u:secret@h//'\nX = 1\n";

/// A plan with one of everything, and a secret in every text.
fn everything() -> Outcome {
    let settings = RelPath::root().join("orders/settings.py");
    let secret = "amqp://u:secret@h//";
    let finding = Finding::error("broker-vhost", format!("{secret} has two slashes"))
        .at(&settings, Span::new(24, 26))
        .at(&settings, Span::new(28, 29))
        .in_file(&RelPath::root().join("a, b:c.py"))
        .label(secret)
        .help(format!("write\n{secret}"));
    let plan = Plan {
        changes: vec![
            change("orders/settings.py", Some(SETTINGS), Some(b"X = 1\n")),
            FileChange {
                kind: Kind::Seeded,
                ..change("orders/tasks/new.py", None, Some(b"y\n"))
            },
        ],
        findings: vec![finding, Finding::note("n", "50% done").help("one\ntwo")],
        settled: vec![("name", "orders".into())],
        next: vec![format!("restart with {secret}")],
        ..Plan::default()
    };
    outcome(plan, vec![("orders/settings.py", SETTINGS.to_vec())])
}

#[test]
fn a_person_sees_what_where_and_what_next() {
    let text = plain(&human(&everything(), Detail::Normal));
    assert_eq!(
        text,
        "\
services/orders: 2 files to write
  edit     orders/settings.py   events queue
  create   orders/tasks/new.py  events queue

error[broker-vhost]: amqp://u:***@h// has two slashes
 --> orders/settings.py:1:25
  |
1 | URL = 'amqp://u:***@h//'
  |                      ^^ amqp://u:***@h//
 ::: orders/settings.py:2:1
 ::: a, b:c.py
  = help: write
          amqp://u:***@h//

note[n]: 50% done
  = help: one
          two

next  1. scaffold-events diff services/orders
      2. scaffold-events init services/orders
"
    );
}

#[test]
fn what_is_written_comes_with_what_was_settled_and_the_steps_to_take() {
    let written = Outcome {
        status: Status::Done,
        ..everything()
    };
    let text = plain(&human(&written, Detail::Normal));
    assert!(
        text.starts_with(
            "services/orders: 2 files written\n  name  orders\n\n  edited   orders/settings.py"
        ),
        "{text}"
    );
    assert!(
        text.ends_with("\nnext  1. cd services/orders\n      2. restart with amqp://u:***@h//\n"),
        "{text}"
    );
}

#[test]
fn help_names_the_service_in_its_commands() {
    let finding = Finding::note("n", "x")
        .help("`scaffold-events init --route router`, or `scaffold-events diff`");
    let plan = Plan {
        findings: vec![finding],
        ..Plan::default()
    };
    let mut outcome = outcome(plan, Vec::new());
    let text = plain(&findings(&outcome, Detail::Normal));
    let there = "`scaffold-events init services/orders --route router`, or `scaffold-events diff services/orders`";
    assert!(text.contains(there), "{text}");
    outcome.service = ".".into();
    let text = plain(&findings(&outcome, Detail::Normal));
    assert!(
        text.contains("`scaffold-events init --route router`, or `scaffold-events diff`"),
        "{text}"
    );
}

#[test]
fn what_to_type_in_the_services_directory_names_no_service() {
    let mut here = everything();
    here.service = ".".into();
    let text = plain(&next(&here, Detail::Normal));
    let commands = "next  1. scaffold-events diff\n      2. scaffold-events init\n";
    assert_eq!(text, commands);
    here.status = Status::Done;
    let text = plain(&next(&here, Detail::Normal));
    assert_eq!(text, "next  1. restart with amqp://u:***@h//\n");
}

#[test]
fn many_words_hang_in_their_column() {
    let mut outcome = everything();
    outcome.plan.changes[0].what = vec!["a few words".into(); 9];
    let text = plain(&summary(&outcome, Detail::Normal));
    let lines: Vec<&str> = text.split('\n').collect();
    assert!(lines.iter().all(|line| line.len() <= 100), "{text}");
    let hanging = format!("{}a few words", " ".repeat(32));
    assert!(lines[2].starts_with(&hanging), "{text}");
}

#[test]
fn quiet_says_only_what_stands_in_the_way() {
    let text = plain(&human(&everything(), Detail::Quiet));
    assert!(text.starts_with("error[broker-vhost]"), "{text}");
    assert!(
        !text.contains("note[n]") && !text.contains("next"),
        "{text}"
    );
}

#[test]
fn no_format_tells_a_password() {
    let all = [everything()];
    for text in [
        human(&all[0], Detail::Verbose),
        json(&all),
        github(&all),
        sarif(&all),
    ] {
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn github_commands_are_escaped() {
    let text = github(&[everything()]);
    let commands: Vec<&str> = text.split_terminator('\n').collect();
    assert_eq!(
        commands,
        [
            "::error title=not up to date,file=orders/settings.py::to edit: events queue",
            "::error title=not up to date,file=orders/tasks/new.py::to create: events queue",
            "::error title=broker-vhost,file=orders/settings.py,line=1,endLine=1,col=25\
             ::amqp://u:***@h// has two slashes%0Ahelp: write%0Aamqp://u:***@h//",
            "::notice title=n::50%25 done%0Ahelp: one%0Atwo",
        ]
    );
}

#[test]
fn json_has_stable_keys_and_exact_places() {
    let text = json(&[everything()]);
    assert!(text.starts_with("{\n  \"format_version\": 1,\n  \"exit\": 1,\n  \"services\""));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let service = &value["services"][0];
    assert_eq!(service["status"], "pending");
    assert_eq!(service["changes"][1]["action"], "create");
    let place = &service["findings"][0]["places"][0];
    assert_eq!((&place["line"], &place["column"]), (&1.into(), &25.into()));
    assert_eq!(place["bytes"], serde_json::json!([24, 26]));
    assert!(service["findings"][0]["places"][2]["line"].is_null());
}

#[test]
fn json_names_the_command_that_writes_what_is_pending() {
    let next = |outcome: &Outcome| {
        let document: serde_json::Value =
            serde_json::from_str(&json(std::slice::from_ref(outcome))).unwrap();
        document["services"][0]["next"].clone()
    };
    let mut there = everything();
    let later = "restart with amqp://u:***@h//";
    let commands = ["diff", "init"].map(|verb| format!("scaffold-events {verb} services/orders"));
    assert_eq!(
        next(&there),
        serde_json::json!([commands[0], commands[1], later])
    );
    there.status = Status::Done;
    assert_eq!(
        next(&there),
        serde_json::json!(["cd services/orders", later])
    );
}

#[test]
fn the_worst_service_decides_the_exit_code() {
    let with = |status| Outcome {
        status,
        ..outcome(Plan::default(), Vec::new())
    };
    let failed = || Status::Failed(Vec::new());
    assert_eq!(exit_code(&[]), 0);
    assert_eq!(exit_code(&[with(Status::Done), with(Status::Pending)]), 1);
    assert_eq!(
        exit_code(&[with(Status::Refused), with(Status::Pending)]),
        3
    );
    assert_eq!(exit_code(&[with(Status::Refused), with(failed())]), 2);
}

/// A path, its bytes before, its bytes after.
type Sides = (&'static str, Option<&'static [u8]>, Option<&'static [u8]>);

const FILES: &[Sides] = &[
    ("lf.py", Some(b"a\nb\n\nc\n"), Some(b"a\nB\n\nc\n")),
    (
        "crlf.py",
        Some(b"a\r\n\r\nc\r\n"),
        Some(b"a\r\n\r\nb\r\nc\r\n"),
    ),
    ("cr.py", Some(b"a\rb\rc"), Some(b"a\rb\rB\rc")),
    ("no-end.py", Some(b"a\nb"), Some(b"a\nb\nc")),
    ("gets-end.py", Some(b"a\nb"), Some(b"a\nb\n")),
    ("loses-end.py", Some(b"a\nb\n"), Some(b"a\nb")),
    (
        "latin1.py",
        Some(b"# caf\xe9\nx\n"),
        Some(b"# caf\xe9\nx\ny\n"),
    ),
    (
        "odd.py",
        Some(b"\xef\xbb\xbfa\x0c\n\x1b[1m\n"),
        Some(b"\xef\xbb\xbfa\x0c\nb\n\x1b[1m\n"),
    ),
    ("dashes.sql", Some(b"-- a\n++ b\n"), Some(b"++ c\n")),
    ("was-empty.py", Some(b""), Some(b"x\n")),
    ("becomes-empty.py", Some(b"x\n"), Some(b"")),
    ("new/deep/file.py", None, Some(b"x\r\ny")),
    ("gone.py", Some(b"x\n"), None),
    ("with space.py", Some(b"x\n"), Some(b"y\n")),
    ("quo\"te\\.py", Some(b"x\n"), Some(b"y\n")),
    ("\u{e9}t\u{e9}.py", Some(b"x\n"), Some(b"y\n")),
    ("new space.py", None, Some(b"y\n")),
];

#[test]
fn git_applies_the_patch_exactly() {
    let changes = FILES
        .iter()
        .map(|(path, before, after)| change(path, *before, *after))
        .chain([change("empty.py", None, Some(b""))]);
    let plan = Plan {
        changes: changes.collect(),
        ..Plan::default()
    };
    let mut outcome = outcome(plan, Vec::new());
    for (folder, prefix) in [
        ("", ""),
        ("", "services/orders"),
        ("services", "services/orders"),
        ("services/orders", "services/orders"),
        ("new", "new"),
        ("a", "a"),
        ("b/a", "b/a"),
    ] {
        outcome.prefix = RelPath::root().join(prefix);
        let repository = tempfile::tempdir().unwrap();
        let from = repository.path().join(folder);
        let service = repository.path().join(prefix);
        for (path, before, _) in FILES {
            if let Some(before) = before {
                write(&service.join(path), before);
            }
        }
        git(repository.path(), &["init", "-q"], b"");
        git(&from, &["apply", "-"], &patch(&outcome));
        for (path, _, after) in FILES {
            assert_eq!(read(&service.join(path)).as_deref(), *after, "{path}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test sets its own scene")]
fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test looks at its own scene")]
fn read(path: &Path) -> Option<Vec<u8>> {
    std::fs::read(path).ok()
}

#[expect(clippy::disallowed_methods, reason = "git judges our patches")]
fn git(directory: &Path, arguments: &[&str], input: &[u8]) {
    use std::io::Write as _;
    let mut git = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(input).unwrap();
    assert!(git.wait().unwrap().success(), "git {arguments:?}");
}

proptest! {
    #[test]
    fn nothing_panics_on_any_bytes_and_spans(
        bytes in prop_oneof![
            any::<Vec<u8>>(),
            "[a\t\r\n\u{feff}éé'\"\u{0}\u{1b}:/@{}$%]{0,60}".prop_map(String::into_bytes),
            "(amqp://[a:@/é]{0,9}[ ;'\n]?){0,5}".prop_map(String::into_bytes),
        ],
        one in 0_usize..80,
        other in 0_usize..80,
        text: String,
    ) {
        let path = RelPath::root().join("x.py");
        let span = Span::new(one.min(other), one.max(other));
        let finding = Finding::error("c", &text).at(&path, span).at(&path, span).label(&text).help(&text);
        let plan = Plan {
            changes: vec![change(&text.replace('/', ""), Some(&bytes), Some(b"x"))],
            findings: vec![finding],
            settled: vec![("name", text.clone())],
            next: vec![text],
            ..Plan::default()
        };
        let all = [outcome(plan, vec![("x.py", bytes)])];
        human(&all[0], Detail::Verbose);
        painted(&patch(&all[0]));
        json(&all);
        github(&all);
        sarif(&all);
    }
}
