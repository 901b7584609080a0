//! The law of patches, over every fixture service: what `diff` prints, the real, plain `git apply` takes,
//! at the top of a repository and in the service's directory of a monorepo, and the result is `out/`.

#![expect(
    clippy::disallowed_methods,
    reason = "a test sets its own scene and looks at it"
)]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cases::{Case, Expect, Files, all_obey, cases, directory, files, flags, put};
use scaffold_events::contract::Contracts;
use scaffold_events::path::RelPath;
use scaffold_events::plan::plan;
use scaffold_events::report::{Outcome, Status, patch};
use scaffold_events::tree::Tree;

#[test]
fn git_applies_what_diff_prints_for_every_fixture() {
    all_obey(&wired(), |folder, case| {
        let before = files(&folder.join("in"));
        Some(obeys(case, &before, &files(&folder.join("out"))))
    });
}

#[test]
fn git_applies_it_whatever_the_bytes_are() {
    for (how, turned) in TURNED {
        let judged = all_obey(&wired(), |folder, case| {
            let before: Files = files(&folder.join("in"))
                .into_iter()
                .map(|(path, bytes)| {
                    let bytes = turned(&path, bytes);
                    (path, bytes)
                })
                .collect();
            let wanted = planned_files(case, &before)?;
            Some(obeys(case, &before, &wanted).map_err(|why| format!("{how}: {why}")))
        });
        // Some services are told apart by the very bytes that were turned, and refused.
        assert!(judged * 20 > wired().len() * 19, "{how}: {judged} judged");
    }
}

type Turned = fn(&RelPath, Vec<u8>) -> Vec<u8>;

const TURNED: [(&str, Turned); 4] = [
    ("CRLF", |_, bytes| replaced(&bytes, "\n", "\r\n")),
    ("tabs", |path, bytes| {
        if path.has_extension("py") {
            replaced(&bytes, "    ", "\t")
        } else {
            bytes
        }
    }),
    ("BOM", |path, bytes| {
        if path.has_extension("py") {
            [b"\xef\xbb\xbf", &*bytes].concat()
        } else {
            bytes
        }
    }),
    ("no final newline", |_, bytes| {
        bytes.trim_ascii_end().to_vec()
    }),
];

/// Each byte for a character, as in latin-1: not every fixture is UTF-8.
fn replaced(bytes: &[u8], old: &str, new: &str) -> Vec<u8> {
    let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
    let new = text.replace(old, new);
    new.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

fn wired() -> Vec<(String, PathBuf, Case)> {
    let all = cases().into_iter();
    all.filter(|(_, _, case)| case.expect == Expect::Wired && case.exit.is_none())
        .collect()
}

/// What is planned; `None` where it is refused.
fn planned_files(case: &Case, before: &Files) -> Option<Files> {
    let tree = Tree::named(directory(case), before.clone());
    let plan = plan(&tree, &flags(&case.args).unwrap(), &Contracts::embedded()).unwrap();
    if plan.is_refused() {
        return None;
    }
    let mut after = before.clone();
    let changes = plan.changes.into_iter();
    after.extend(changes.map(|change| (change.path, change.after.unwrap())));
    Some(after)
}

/// What breaks the law, if anything does.
fn obeys(case: &Case, before: &Files, wanted: &Files) -> Result<(), String> {
    let scene = tempfile::tempdir().unwrap();
    let alone = scene.path().join("alone").join(directory(case));
    let monorepo = scene.path().join("monorepo");
    let below = RelPath::root().join("services").join(directory(case));
    let service = monorepo.join(below.as_str());

    put(&alone, before);
    repository(&alone);
    git_apply(&alone, &library(&alone, case))?;
    same("at the top", &alone, wanted)?;

    put(&service, before);
    repository(&monorepo);
    let printed = program(&service, case)?;
    git_apply(&service, &printed)?;
    same("in the monorepo's subdirectory", &service, wanted)?;

    fs::remove_dir_all(&service).unwrap();
    put(&service, before);
    git_apply(&monorepo, &printed)?;
    same("at the monorepo's top", &service, wanted)
}

fn library(service: &Path, case: &Case) -> Vec<u8> {
    let tree = Tree::disk(service);
    let plan = plan(&tree, &flags(&case.args).unwrap(), &Contracts::embedded()).unwrap();
    patch(&Outcome {
        service: ".".to_owned(),
        prefix: RelPath::root(),
        status: Status::of(&plan),
        tree,
        plan,
    })
}

fn program(service: &Path, case: &Case) -> Result<Vec<u8>, String> {
    let done = Command::new(env!("CARGO_BIN_EXE_scaffold-events"))
        .args(["diff", "--quiet", "."])
        .args(&case.args)
        .current_dir(service)
        .output()
        .unwrap();
    match done.status.code() {
        Some(1) => Ok(done.stdout),
        code => Err(format!("diff exits {code:?}")),
    }
}

/// What git needs to take a directory for a repository; `git init` copies far more.
fn repository(top: &Path) {
    for directory in ["objects", "refs"] {
        fs::create_dir_all(top.join(".git").join(directory)).unwrap();
    }
    fs::write(top.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
}

fn git_apply(from: &Path, patch: &[u8]) -> Result<(), String> {
    let mut git = Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .current_dir(from)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(patch).unwrap();
    let done = git.wait_with_output().unwrap();
    if done.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&done.stderr).into_owned())
}

fn same(place: &str, service: &Path, wanted: &Files) -> Result<(), String> {
    let mut found = files(service);
    found.retain(|path, _| path.parts().next() != Some(".git"));
    let differ = |path: &&RelPath| found.get(*path) != wanted.get(*path);
    match found.keys().chain(wanted.keys()).find(differ) {
        None => Ok(()),
        Some(path) => Err(format!("{path} is not as wanted {place}")),
    }
}
