//! A conflict that `sync` writes is one that git knows, if it is there: `git mergetool` works on it.

#![expect(
    clippy::disallowed_methods,
    reason = "a test sets its own scene and looks at it"
)]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LISTENER: &str = "services/orders/orders/microservice_events_listener.py";
const LINE: &str = "logger = logging.getLogger(__name__)\n";
const MINE: &str = "logger = logging.getLogger('mine')\n";
const NEW: &str = "logger = logging.getLogger('events')\n";

/// A monorepo with one service, wired by a contract of its own and committed.
struct Monorepo(tempfile::TempDir);

impl Monorepo {
    fn new() -> Self {
        let monorepo = Self(tempfile::tempdir().unwrap());
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let fixture = source.join("tests/fixtures/broker-plain-literal/in");
        for name in ["celery.py", "settings.py", "__init__.py"] {
            let text = fs::read_to_string(fixture.join("orders").join(name));
            monorepo.put(
                &format!("services/orders/orders/{name}"),
                &text.unwrap_or_default(),
            );
        }
        let folder = source.join("templates/contracts/zc-common/1.0");
        for name in ["contract.toml", "handlers.py.tera", "listener.py.tera"] {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            let id = if name == "contract.toml" {
                "id = 'own@1.0'\n"
            } else {
                ""
            };
            monorepo.put(
                &format!("services/orders/contract/{name}"),
                &format!("{id}{text}"),
            );
        }
        monorepo.git(&["init", "--quiet"]);
        monorepo.program(
            &["init", "services/orders", "--contract", "contract", "-y"],
            0,
        );
        monorepo.git(&["add", "."]);
        monorepo.git(&["commit", "--quiet", "--message", "wired"]);
        monorepo
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn put(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn replace(&self, path: &str, old: &str, new: &str) {
        let text = self.text(path);
        assert!(text.contains(old), "{text}");
        self.put(path, &text.replace(old, new));
    }

    fn git(&self, words: &[&str]) -> String {
        let mut git = Command::new("git");
        for setting in [
            "user.name=a",
            "user.email=a@b",
            "mergetool.new.cmd=cp \"$LOCAL\" \"$MERGED\"",
            "mergetool.new.trustExitCode=true",
            "mergetool.keepBackup=false",
        ] {
            git.args(["-c", setting]);
        }
        let done = git.args(words).current_dir(self.0.path()).output().unwrap();
        assert!(done.status.success(), "{words:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn program(&self, words: &[&str], code: i32) -> String {
        let program = Command::new(env!("CARGO_BIN_EXE_scaffold-events"));
        self.told(program, words, code)
    }

    fn program_without_git(&self, words: &[&str], code: i32) -> String {
        let mut program = Command::new(env!("CARGO_BIN_EXE_scaffold-events"));
        program.env("PATH", "");
        self.told(program, words, code)
    }

    fn told(&self, mut program: Command, words: &[&str], code: i32) -> String {
        let program = program.args(words).current_dir(self.0.path());
        let done = program.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(code), "{words:?}: {done:?}");
        said
    }

    /// Both sides change the line, and a `sync` writes markers.
    fn conflict(&self) -> String {
        self.replace(LISTENER, LINE, MINE);
        self.replace("services/orders/contract/listener.py.tera", LINE, NEW);
        self.git(&["add", "services/orders/contract"]);
        self.program(&["sync", "services/orders", "-y"], 3);
        self.program(
            &["sync", "services/orders", "--conflict", "markers", "-y"],
            1,
        )
    }
}

#[test]
fn a_merge_tool_has_all_three_texts() {
    let monorepo = Monorepo::new();
    assert_eq!(monorepo.conflict(), "");
    let stage = |number: u8| monorepo.git(&["show", &format!(":{number}:{LISTENER}")]);
    assert!(stage(1).contains(LINE) && stage(2).contains(NEW) && stage(3).contains(MINE));
    assert!(monorepo.text(LISTENER).contains("<<<<<<< own@1.0\n"));

    monorepo.git(&["mergetool", "--no-prompt", "--tool=new"]);
    assert!(monorepo.text(LISTENER).contains(NEW));
    assert_eq!(monorepo.git(&["ls-files", "--unmerged"]), "");
    monorepo.program(&["sync", "services/orders", "-y"], 0);
    monorepo.program(&["check", "services/orders"], 0);
}

#[test]
fn what_git_does_not_know_stays_unknown_to_it() {
    let monorepo = Monorepo::new();
    monorepo.git(&["rm", "--quiet", "--cached", LISTENER]);
    assert_eq!(monorepo.conflict(), "");
    assert_eq!(monorepo.git(&["ls-files", "--unmerged"]), "");
    assert!(monorepo.text(LISTENER).contains("<<<<<<< own@1.0\n"));
}

#[test]
fn an_index_in_use_is_said_and_the_markers_are_there() {
    let monorepo = Monorepo::new();
    monorepo.replace(LISTENER, LINE, MINE);
    monorepo.replace("services/orders/contract/listener.py.tera", LINE, NEW);
    monorepo.put(".git/index.lock", "");
    let sync = ["sync", "services/orders", "--conflict", "markers", "-y"];
    let said = monorepo.program(&sync, 1);
    assert!(
        said.starts_with("note: `git mergetool` will not know of the conflict: git update-index:"),
        "{said}"
    );
    assert!(monorepo.text(LISTENER).contains("<<<<<<< own@1.0\n"));
}

#[test]
fn merging_needs_no_git() {
    let monorepo = Monorepo::new();
    monorepo.replace(LISTENER, "import logging\n", "import logging  # mine\n");
    monorepo.replace("services/orders/contract/listener.py.tera", LINE, NEW);
    monorepo.program_without_git(&["sync", "services/orders", "-y"], 0);
    let merged = monorepo.text(LISTENER);
    assert!(
        merged.contains("# mine\n") && merged.contains(NEW),
        "{merged}"
    );

    monorepo.replace(LISTENER, NEW, MINE);
    monorepo.replace("services/orders/contract/listener.py.tera", NEW, LINE);
    let sync = ["sync", "services/orders", "--conflict", "markers", "-y"];
    let said = monorepo.program_without_git(&sync, 1);
    assert!(said.contains("git does not start"), "{said}");
    assert!(monorepo.text(LISTENER).contains("<<<<<<< own@1.0\n"));
}
