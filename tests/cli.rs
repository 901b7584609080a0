//! The program from outside: streams, exit codes, colours.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

const APP: &str = "\
from celery import Celery

app = Celery('orders')
app.config_from_object('orders.settings')
";
const SETTINGS: &str = "BROKER_URL = 'amqp://guest:guest@rabbitmq:5672//'\n";
const REDIS: &str = "BROKER_URL = 'redis://redis:6379/0'\n";

/// A directory with the services `orders` (to be wired) and `shop` (to be refused).
fn services() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (service, settings) in [("orders", SETTINGS), ("shop", REDIS)] {
        let package = directory.path().join(service).join("orders");
        write(&package.join("__init__.py"), "");
        write(&package.join("celery.py"), APP);
        write(&package.join("settings.py"), settings);
        let pins = "celery==5.2.7\nkombu==5.2.4\n";
        write(
            &directory.path().join(service).join("requirements.txt"),
            pins,
        );
    }
    directory
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scaffold-events"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    command
}

fn run(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    told(&command(directory, arguments).output().unwrap())
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().expect("it exits by itself");
    (code, text(&output.stdout), text(&output.stderr))
}

#[test]
fn help_and_version_are_no_errors() {
    let here = services();
    for arguments in [["--help"], ["--version"], ["help"]] {
        let (code, out, err) = run(here.path(), &arguments);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("scaffold-events"));
    }
}

#[test]
fn contracts_are_listed_for_people_and_scripts() {
    let here = services();
    let (code, out, err) = run(here.path(), &["contracts"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.starts_with("zc-common@1.0  zc_common up to 0.2.12"),
        "{out}"
    );
    let (code, out, _) = run(here.path(), &["contracts", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, rows[1]["id"].as_str()), (0, Some("zc-events@1.0")));
}

#[test]
fn wrong_usage_exits_2_and_says_why() {
    let here = services();
    for (arguments, why) in [
        (&["wire"][..], "unrecognized subcommand"),
        (&[], "Usage: scaffold-events"),
        (&["check", "--yes"], "unexpected argument '--yes'"),
        (&["check", "-q", "-v"], "cannot be used with"),
        (
            &["contracts", "--format", "sarif"],
            "give it `--format human`",
        ),
        (&["contracts", "--format", "github"], "or `--format json`"),
        (&["init", "--name", "a b"], "`a b` is not a service name"),
        (&["init", "--celery-app", "x"], "write MODULE:VARIABLE"),
        (
            &["init", "--settings", "../../x"],
            "leads out of the service",
        ),
        (
            &["init", "--package", "shop.class"],
            "`class` is a Python keyword",
        ),
        (&["diff", "--route", "rooter"], "did you mean `router`?"),
        (&["check", "--contract", "zc@"], "as in `zc-common@1.0`"),
        (
            &["check", "missing"],
            "error: there is no directory `missing`",
        ),
        (&["init", "orders/requirements.txt"], "is not a directory"),
    ] {
        let (code, out, err) = run(here.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(why), "{arguments:?}: {err}");
        assert!(
            !err.contains('\u{1b}') && !err.contains("backtrace"),
            "{err}"
        );
    }
}

#[test]
fn init_wires_once_and_check_agrees() {
    let here = services();
    let (code, out, _) = run(here.path(), &["check", "orders"]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("  edit     orders/orders/settings.py"),
        "{out}"
    );
    let (code, out, err) = run(here.path(), &["init", "orders"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.starts_with("orders: ") && out.contains(" files written\n"),
        "{out}"
    );
    assert!(out.contains("\nnext  1. "), "{out}");
    for command in ["check", "init"] {
        let (code, out, err) = run(here.path(), &[command, "orders"]);
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.starts_with("orders: wired, nothing to do\n"), "{out}");
    }
    assert_eq!(run(here.path(), &["diff", "orders"]).1, "");
}

#[test]
fn only_init_creates_a_service() {
    let here = services();
    for command in ["check", "diff"] {
        assert_eq!(run(here.path(), &[command, "demo"]).0, 2);
    }
    assert_eq!(run(here.path(), &["init", "--dry-run", "demo"]).0, 1);
    assert!(!here.path().join("demo").exists());
    let (code, out, err) = run(here.path(), &["init", "demo"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(here.path().join("demo/demo/settings.py").exists());
    assert_eq!(run(here.path(), &["check", "demo"]).0, 0);
}

#[test]
fn a_dry_run_is_the_diff_and_git_applies_it_from_where_it_was_made() {
    let here = services();
    let (code, patch, _) = run(here.path(), &["init", "--dry-run", "orders"]);
    assert_eq!(code, 1);
    assert_eq!(run(here.path(), &["diff", "orders"]).1, patch);
    write(&here.path().join("patch"), &patch);
    for arguments in [&["init", "-q"][..], &["apply", "patch"]] {
        let mut git = Command::new("git");
        let done = git.args(arguments).current_dir(here.path()).status();
        assert!(done.unwrap().success());
    }
    assert_eq!(run(here.path(), &["check", "orders"]).0, 0);
}

#[test]
fn the_worst_service_decides_and_each_has_its_part() {
    let here = services();
    let (code, out, _) = run(here.path(), &["check", "orders", "shop"]);
    assert_eq!(code, 3, "{out}");
    assert!(
        out.starts_with("orders: ") && out.contains("\n\nshop: refused"),
        "{out}"
    );
    let (code, out, err) = run(here.path(), &["check", "shop", "missing", "orders"]);
    assert_eq!(code, 2);
    assert!(out.contains("shop: ") && out.contains("orders: "), "{out}");
    assert!(err.contains("`missing`"), "{err}");
}

#[test]
fn a_refusal_writes_nothing() {
    let here = services();
    let (code, out, _) = run(here.path(), &["init", "shop"]);
    assert_eq!(code, 3);
    assert!(
        out.starts_with("shop: refused, nothing written\n\nrefused["),
        "{out}"
    );
    assert!(!here.path().join("shop/scaffold-events.lock").exists());
    let (code, out, err) = run(here.path(), &["diff", "shop"]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("refused["), "{err}");
}

#[test]
fn every_format_is_one_document_of_all_services() {
    let here = services();
    let format = |format| {
        run(
            here.path(),
            &["check", "orders", "shop", "--format", format],
        )
    };
    let (code, out, _) = format("json");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["exit"]), (3, &3.into()));
    assert_eq!(json["services"][1]["status"], "refused");
    let (_, out, _) = format("sarif");
    let sarif: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let (_, out, _) = format("github");
    assert!(
        out.contains("::error title=not up to date,file=orders/"),
        "{out}"
    );
}

#[test]
fn colours_come_only_when_asked_for() {
    let here = services();
    let coloured = |command: &mut Command| told(&command.output().unwrap()).1.contains('\u{1b}');
    for arguments in [&["check", "orders"][..], &["diff", "orders"]] {
        let run = || command(here.path(), arguments);
        assert!(!coloured(&mut run()));
        assert!(coloured(run().env("CLICOLOR_FORCE", "1")));
        assert!(!coloured(
            run().env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")
        ));
        assert!(coloured(run().args(["--color", "always"])));
        assert!(!coloured(
            run().env("CLICOLOR_FORCE", "1").args(["--color", "never"])
        ));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let here = services();
    for arguments in [
        &["check", "orders"][..],
        &["diff", "orders"],
        &["check", "--format", "json", "orders"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, _, err) = told(
            &command(here.path(), arguments)
                .stdout(writer)
                .output()
                .unwrap(),
        );
        assert_eq!(code, 1, "{err}");
        assert!(!err.contains("error"), "{err}");
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test looks at what was written"
)]
fn remove_gives_back_what_init_was_given() {
    let here = services();
    let settings = here.path().join("orders/orders/settings.py");
    assert_eq!(run(here.path(), &["remove", "orders"]).0, 0);
    assert_eq!(
        run(here.path(), &["init", "orders", "demo"]).0,
        2,
        "one at a time"
    );
    for service in ["orders", "demo"] {
        assert_eq!(run(here.path(), &["init", service]).0, 0);
        let (code, patch, _) = run(here.path(), &["remove", "--dry-run", service]);
        assert_eq!(code, 1);
        assert!(patch.contains("scaffold-events.lock"), "{patch}");
        let (code, out, err) = run(here.path(), &["remove", service]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
    }
    assert_eq!(std::fs::read_to_string(settings).unwrap(), SETTINGS);
    assert_eq!(
        std::fs::read_dir(here.path().join("demo")).unwrap().count(),
        0
    );
    let (code, out, _) = run(here.path(), &["remove", "orders"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "orders: not wired, nothing to do\n")
    );
}

/// Two services of one name share one queue, and each gets a part of the events.
#[test]
fn two_services_on_one_queue_are_named_both() {
    let here = services();
    let shop = here.path().join("shop/orders/settings.py");
    write(&shop, &format!("{SETTINGS}SERVICE_NAME = 'orders'\n"));
    for service in ["orders", "shop"] {
        let (code, out, _) = run(here.path(), &["init", service]);
        assert_eq!(code, 0, "{out}");
        assert_eq!(run(here.path(), &["check", service]).0, 0);
    }
    let (code, out, _) = run(here.path(), &["check", "orders", "shop"]);
    assert_eq!(code, 1);
    assert_eq!(out.matches("error[queue-shared]").count(), 2, "{out}");
    assert!(
        out.contains("`shop` consumes `orders-events` as well"),
        "{out}"
    );
    assert_eq!(run(here.path(), &["check", "orders", "orders"]).0, 0);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test edits what was written")]
fn check_tells_how_a_service_stands_and_sync_mends_it() {
    let here = services();
    let state = |arguments: &[&str]| {
        let mut all = vec!["check", "orders", "--format", "json"];
        all.extend(arguments);
        let (code, out, _) = run(here.path(), &all);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        (
            code,
            json["services"][0]["state"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(state(&[]), (1, "unwired".into()));
    let (code, out, _) = run(here.path(), &["sync", "orders"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("`scaffold-events init orders`"), "{out}");
    assert_eq!(run(here.path(), &["init", "orders"]).0, 0);
    assert_eq!(state(&[]), (0, "clean".into()));
    assert_eq!(run(here.path(), &["sync", "orders"]).0, 0);

    let listener = here
        .path()
        .join("orders/orders/microservice_events_listener.py");
    let text = std::fs::read_to_string(&listener).unwrap();
    write(&listener, &(text + "# mine\n"));
    assert_eq!(state(&[]), (1, "drifted".into()));
    assert_eq!(state(&["--drift-only"]).0, 1);
    assert_eq!(state(&["--outdated-only"]).0, 0);
    let (code, out, _) = run(here.path(), &["init", "orders"]);
    assert_eq!(code, 3);
    assert!(
        out.contains("drifted") && out.contains("`scaffold-events sync orders`"),
        "{out}"
    );
    let (code, out, _) = run(here.path(), &["sync", "orders"]);
    assert_eq!(code, 0, "{out}");
    assert_eq!(state(&[]), (0, "clean".into()));
    assert!(
        std::fs::read_to_string(&listener)
            .unwrap()
            .ends_with("# mine\n")
    );

    let lock = here.path().join("orders/scaffold-events.lock");
    let text = std::fs::read_to_string(&lock).unwrap();
    write(&lock, &("<<<<<<< ours\n".to_owned() + &text));
    assert_eq!(state(&[]), (3, "broken".into()));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test edits what was written")]
fn what_was_deleted_is_reported_until_it_is_asked_for() {
    let here = services();
    assert_eq!(run(here.path(), &["init", "orders"]).0, 0);
    let listener = here
        .path()
        .join("orders/orders/microservice_events_listener.py");
    std::fs::remove_file(&listener).unwrap();
    for command in [&["check", "orders"][..], &["sync", "orders"]] {
        let (code, out, _) = run(here.path(), command);
        assert_eq!(code, 1, "{out}");
        assert!(out.contains("listener-removed"), "{out}");
        assert!(!listener.exists());
    }
    let (code, out, _) = run(here.path(), &["sync", "--restore", "orders"]);
    assert_eq!(code, 0, "{out}");
    assert!(listener.exists());
    assert_eq!(run(here.path(), &["check", "orders"]).0, 0);
}
