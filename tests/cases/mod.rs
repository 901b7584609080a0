//! The fixture services: what each starts from, how it is called, what comes out.

#![allow(dead_code, reason = "each test that uses this looks at other parts")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use scaffold_events::config::{Config, values};
use scaffold_events::contract::Contracts;
use scaffold_events::path::RelPath;
use scaffold_events::plan::Plan;
use scaffold_events::sync::{Wishes, sync};
use scaffold_events::tree::Tree;
use serde::Deserialize;

/// A directory's files.
pub(crate) type Files = BTreeMap<RelPath, Vec<u8>>;

/// A path of a service.
pub(crate) fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

/// What a file holds.
pub(crate) fn text(files: &Files, file: &str) -> String {
    String::from_utf8(files[&path(file)].clone()).unwrap()
}

/// The codes of all findings.
pub(crate) fn codes(plan: &Plan) -> Vec<&'static str> {
    plan.findings.iter().map(|finding| finding.code).collect()
}

/// What a service is after `sync`, whatever its directory is called, and the plan.
pub(crate) fn synced(files: &Files, contracts: &Contracts, wishes: &Wishes) -> (Files, Plan) {
    let tree = Tree::named("anything", files.clone());
    let plan = sync(&tree, &Config::default(), contracts, wishes).unwrap();
    (applied(files, &plan), plan)
}

/// The files after a plan.
pub(crate) fn applied(files: &Files, plan: &Plan) -> Files {
    let mut out = files.clone();
    for change in &plan.changes {
        match &change.after {
            Some(after) => out.insert(change.path.clone(), after.clone()),
            None => out.remove(&change.path),
        };
    }
    out
}

/// What `case.toml` says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    #[serde(rename = "behaviour")]
    _behaviour: String,
    #[serde(default)]
    pub(crate) args: Vec<String>,
    pub(crate) expect: Expect,
    #[serde(rename = "python")]
    _python: Option<String>,
    #[serde(rename = "celery")]
    _celery: Option<String>,
    pub(crate) exit: Option<u8>,
    pub(crate) check: Option<u8>,
    pub(crate) directory: Option<String>,
    /// What is found in `in/` of level warning and worse, and of the route: `code` or `code path:line`.
    pub(crate) findings: Option<Vec<String>>,
    #[serde(rename = "notes")]
    _notes: String,
}

#[derive(Deserialize, PartialEq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expect {
    Wired,
    Refused,
    Clean,
}

pub(crate) fn cases() -> Vec<(String, PathBuf, Case)> {
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

/// Judges cases, on two threads; how many there was a judgement on. `CASE=word` leaves all others out.
pub(crate) fn all_obey(
    all: &[(String, PathBuf, Case)],
    judge: impl Fn(&Path, &Case) -> Option<Result<(), String>> + Sync,
) -> usize {
    let wanted = std::env::var("CASE").unwrap_or_default();
    let judged = |part: &[(String, PathBuf, Case)]| -> Vec<Result<(), String>> {
        let part = part.iter().filter(|(name, ..)| name.contains(&wanted));
        let judged = part.filter_map(|(name, folder, case)| {
            Some(judge(folder, case)?.map_err(|why| format!("{name}: {why}")))
        });
        judged.collect()
    };
    let (one, other) = all.split_at(all.len() / 2);
    let results = thread::scope(|scope| {
        let other = scope.spawn(|| judged(other));
        [judged(one), other.join().unwrap()].concat()
    });
    let count = results.len();
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    count
}

/// The name of the directory that the case's service is in.
pub(crate) fn directory(case: &Case) -> &str {
    case.directory.as_deref().unwrap_or("orders")
}

/// Writes files below a directory.
pub(crate) fn put(directory: &Path, files: &Files) {
    for (path, bytes) in files {
        let path = directory.join(path.as_str());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

pub(crate) fn files(folder: &Path) -> Files {
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

pub(crate) fn flags(args: &[String]) -> Result<Config, String> {
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
            "--contract" => config.contract = Some(values::contract(value())?),
            "--route" => config.route = Some(values::route(value())?),
            "--allow-non-amqp" => config.allow_non_amqp = true,
            other => panic!("no flag {other}"),
        }
    }
    Ok(config)
}
