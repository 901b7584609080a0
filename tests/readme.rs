//! The sessions that README.md shows, run for real.
#![expect(
    clippy::disallowed_methods,
    reason = "a test sets its own scene and looks at it"
)]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `README.in` beside the README is where its sessions start: a git checkout of `tests/readme`. A
/// `README.out` makes trycmd work on a copy of it.
#[test]
fn the_sessions_of_the_readme_are_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scene = tempfile::tempdir().unwrap();
    let readme = scene.path().join("README.md");
    let start = scene.path().join("README.in");
    fs::copy(root.join("README.md"), &readme).unwrap();
    fs::create_dir(scene.path().join("README.out")).unwrap();
    copy(&root.join("tests/readme"), &start);
    git(&start, &["init", "-q"]);
    git(&start, &["add", "."]);
    trycmd::TestCases::new()
        .register_bin("git", program("git"))
        .env("NO_COLOR", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .case(&readme)
        .run();
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Where a program is: trycmd wants its path.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join(name));
    programs.find(|program| program.exists()).unwrap()
}

fn git(directory: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .status()
        .unwrap();
    assert!(done.success());
}
