//! The laws, over every fixture service: `init(in) = out` byte for byte, `init(out) = out`.
//!
//! `UPDATE=1 cargo test --test fixtures` writes every `out/`; read the difference before you commit it.

#![expect(
    clippy::disallowed_methods,
    reason = "a test reads and writes its fixtures"
)]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use scaffold_events::config::{Config, values};
use scaffold_events::finding::{Finding, Level};
use scaffold_events::path::RelPath;
use scaffold_events::plan::{Plan, plan};
use scaffold_events::tree::Tree;
use serde::Deserialize;

type Files = BTreeMap<RelPath, Vec<u8>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "behaviour")]
    _behaviour: String,
    #[serde(default)]
    args: Vec<String>,
    expect: Expect,
    #[serde(rename = "python")]
    _python: Option<String>,
    #[serde(rename = "celery")]
    _celery: Option<String>,
    exit: Option<u8>,
    check: Option<u8>,
    directory: Option<String>,
    /// What is found in `in/` of level warning and worse, and of the route: `code` or `code path:line`.
    findings: Option<Vec<String>>,
    #[serde(rename = "notes")]
    _notes: String,
}

#[derive(Deserialize, PartialEq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Expect {
    Wired,
    Refused,
    Clean,
}

fn cases() -> Vec<(String, PathBuf, Case)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
        .into_iter()
        .filter(|folder| folder.is_dir())
        .map(|folder| {
            let text = fs::read_to_string(folder.join("case.toml")).unwrap();
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            let case =
                toml_edit::de::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, folder, case)
        })
        .collect()
}

fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(folder).unwrap().to_str().unwrap();
            found.insert(
                RelPath::parse(below).unwrap(),
                fs::read(entry.path()).unwrap(),
            );
        }
    }
    found
}

fn flags(args: &[String]) -> Result<Config, String> {
    let mut config = Config::default();
    let mut args = args.iter().map(String::as_str);
    while let Some(flag) = args.next() {
        let mut value = || args.next().unwrap_or_default();
        match flag {
            "--name" => config.name = Some(values::service_name(value())?),
            "--package" => config.package = Some(values::dotted_name(value())?),
            "--settings" => config.settings = Some(values::file(value())?),
            "--celery-app" => config.celery_app = Some(values::celery_app(value())?),
            "--tasks-dir" => config.tasks_dir = Some(values::directory(value())?),
            "--env-file" => config
                .env_files
                .get_or_insert_default()
                .push(values::file(value())?),
            "--contract" => config.contract = Some(values::contract_id(value())?),
            "--route" => config.route = Some(values::route(value())?),
            "--allow-non-amqp" => config.allow_non_amqp = true,
            other => panic!("no flag {other}"),
        }
    }
    Ok(config)
}

fn planned(case: &Case, files: &Files, flags: &Config) -> anyhow::Result<Plan> {
    let name = case.directory.as_deref().unwrap_or("orders");
    plan(&Tree::named(name, files.clone()), flags)
}

fn applied(files: &Files, plan: &Plan) -> Files {
    let mut out = files.clone();
    for change in &plan.changes {
        match &change.after {
            Some(after) => out.insert(change.path.clone(), after.clone()),
            None => out.remove(&change.path),
        };
    }
    out
}

/// Says how the findings differ from those that the case demands, as a set.
fn found_as_wanted(wanted: &[String], files: &Files, plan: &Plan) -> Result<(), String> {
    let told =
        |finding: &&Finding| finding.level <= Level::Warning || TOLD_NOTES.contains(&finding.code);
    let found: Vec<Vec<String>> = plan
        .findings
        .iter()
        .filter(told)
        .map(|finding| spelled(finding, files))
        .collect();
    let known = |spellings: &Vec<String>| spellings.iter().any(|one| wanted.contains(one));
    let missing = wanted
        .iter()
        .filter(|one| found.iter().all(|spellings| !spellings.contains(one)));
    let missing: Vec<_> = missing.collect();
    let more: Vec<_> = found.iter().filter(|spellings| !known(spellings)).collect();
    if missing.is_empty() && more.is_empty() {
        return Ok(());
    }
    Err(format!("findings: lacks {missing:?}, has besides {more:?}"))
}

/// The notes that a case demands or excludes like the graver findings.
const TOLD_NOTES: [&str; 3] = ["route-event-only", "setting-conditional", "router-in-front"];

/// A finding's code by itself, and with each of its places.
fn spelled(finding: &Finding, files: &Files) -> Vec<String> {
    let mut spellings = vec![finding.code.to_owned()];
    for place in &finding.places {
        let line = place.span.map(|span| {
            let before = &files[&place.path][..span.start];
            before.split(|&byte| byte == b'\n').count()
        });
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        spellings.push(format!("{} {}{line}", finding.code, place.path));
    }
    spellings
}

/// What breaks a law for one case, if anything does.
fn broken(folder: &Path, case: &Case) -> Result<(), String> {
    let before = files(&folder.join("in"));
    let flags = match flags(&case.args) {
        Ok(flags) => flags,
        Err(_) if case.exit == Some(2) => return Ok(()),
        Err(error) => return Err(error),
    };
    let plan = planned(case, &before, &flags).map_err(|error| format!("our bug: {error:#}"))?;
    if let Some(wanted) = &case.findings {
        found_as_wanted(wanted, &before, &plan)?;
    }
    let refused = plan.is_refused();
    match case.expect {
        Expect::Refused if refused && plan.changes.is_empty() => Ok(()),
        Expect::Refused => Err(format!("was not refused{}", said(&plan))),
        Expect::Clean if refused || !plan.changes.is_empty() => {
            Err(format!("is not clean: {:?}{}", changed(&plan), said(&plan)))
        }
        Expect::Clean => Ok(()),
        Expect::Wired if refused => Err(format!("was refused{}", said(&plan))),
        Expect::Wired => {
            let after = applied(&before, &plan);
            as_in_out(&folder.join("out"), &after)?;
            settled(case, &after)
        }
    }
}

/// Every finding, for a person who looks at a failure.
fn said(plan: &Plan) -> String {
    let lines = plan.findings.iter().map(|finding| {
        let Finding {
            level,
            code,
            message,
            ..
        } = finding;
        format!("\n    {level:?} {code} {message}")
    });
    lines.collect::<Vec<_>>().concat()
}

fn changed(plan: &Plan) -> Vec<(&RelPath, &[String])> {
    let changes = plan.changes.iter();
    changes
        .map(|change| (&change.path, change.what.as_slice()))
        .collect()
}

/// `init(in) = out`, byte for byte.
fn as_in_out(out: &Path, after: &Files) -> Result<(), String> {
    if std::env::var_os("UPDATE").is_some() {
        let _ = fs::remove_dir_all(out);
        for (path, bytes) in after {
            let path = out.join(path.as_str());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    let wanted = files(out);
    let mut paths = wanted.keys().chain(after.keys());
    match paths.find(|path| wanted.get(path) != after.get(path)) {
        Some(path) => Err(format!("{path} is not as in out/")),
        None => Ok(()),
    }
}

/// `init(out) = out`, and `check(out)` has the errors that the case says.
fn settled(case: &Case, out: &Files) -> Result<(), String> {
    let again = planned(case, out, &Config::default())
        .map_err(|error| format!("our bug on out/: {error:#}"))?;
    if !again.changes.is_empty() || again.is_refused() {
        return Err(format!(
            "init(out) is not out: {:?}{}",
            changed(&again),
            said(&again)
        ));
    }
    let errors = again
        .findings
        .iter()
        .any(|finding| finding.level == Level::Error);
    if errors != (case.check == Some(1)) {
        return Err(format!(
            "check(out) has not the errors of {:?}{}",
            case.check,
            said(&again)
        ));
    }
    Ok(())
}

#[test]
fn every_fixture_obeys_the_laws() {
    let mut failures = Vec::new();
    let cases = cases();
    for (name, folder, case) in &cases {
        if std::env::var("CASE").is_ok_and(|wanted| !name.contains(&wanted)) {
            continue;
        }
        if let Err(why) = broken(folder, case) {
            failures.push(format!("{name}: {why}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}
