//! The laws, over every fixture service: `init(in) = out` byte for byte, `init(out) = out`.
//!
//! `UPDATE=1 cargo test --test fixtures` writes every `out/`; read the difference before you commit it.

#![expect(
    clippy::disallowed_methods,
    reason = "a test reads and writes its fixtures"
)]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cases::{Case, Expect, Files, all_obey, applied, cases, directory, files, flags, put};
use scaffold_events::config::Config;
use scaffold_events::contract::Contracts;
use scaffold_events::finding::{Finding, Level};
use scaffold_events::path::RelPath;
use scaffold_events::plan::{Plan, plan};
use scaffold_events::tree::Tree;

fn planned(case: &Case, files: &Files, flags: &Config) -> anyhow::Result<Plan> {
    let tree = Tree::named(directory(case), files.clone());
    plan(&tree, flags, &Contracts::embedded())
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
    match &case.findings {
        Some(wanted) => found_as_wanted(wanted, &before, &plan)?,
        None if case.expect == Expect::Refused => return Err("says no `findings`".to_owned()),
        None => {}
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
    all_obey(&cases(), |folder, case| Some(broken(folder, case)));
}

/// `check` of `in/`, which no flag can help, and `init` of it.
#[test]
fn the_program_exits_as_the_cases_say() {
    all_obey(&cases(), |folder, case| Some(exits_as_said(folder, case)));
}

fn exits_as_said(folder: &Path, case: &Case) -> Result<(), String> {
    let scene = tempfile::tempdir().unwrap();
    let service = scene.path().join(directory(case));
    put(&service, &files(&folder.join("in")));
    let (check, init) = match case.expect {
        Expect::Wired => (1, 0),
        Expect::Refused => (3, case.exit.ok_or("says no `exit`")?.into()),
        Expect::Clean => (0, 0),
    };
    if case.args.is_empty() {
        exits(&service, &["check"], check)?;
    }
    let args = case.args.iter().map(String::as_str);
    let words: Vec<&str> = ["init", "-y"].into_iter().chain(args).collect();
    exits(&service, &words, init)
}

fn exits(service: &Path, words: &[&str], wanted: i32) -> Result<(), String> {
    let done = Command::new(env!("CARGO_BIN_EXE_scaffold-events"))
        .args(words)
        .current_dir(service)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if done.status.code() == Some(wanted) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(format!("{} exits {}: {said}", words[0], done.status))
}
