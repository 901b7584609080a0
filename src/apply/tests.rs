#![expect(clippy::disallowed_methods, reason = "tests build their own trees")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::plan::Kind;

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn put(root: &Path, name: &str, text: &str, mode: u32) {
    let full = root.join(name);
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(&full, text).unwrap();
    fs::set_permissions(&full, fs::Permissions::from_mode(mode)).unwrap();
}

/// A service with something of every kind.
fn service() -> TempDir {
    service_in(tempfile::tempdir().unwrap())
}

/// The same in memory, where there is such a place: for tests that make thousands of them.
fn quick_service() -> TempDir {
    service_in(tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap()))
}

fn service_in(root: TempDir) -> TempDir {
    put(root.path(), "orders/settings.py", "A = 1\r\n", 0o640);
    put(root.path(), "run.py", "#!python\n", 0o755);
    put(root.path(), "conf/base.py", "B = 1\n", 0o600);
    put(root.path(), "old/deep/listener.py", "gone", 0o644);
    put(root.path(), "other.txt", "not ours", 0o444);
    symlink("../conf/base.py", root.path().join("orders/link.py")).unwrap();
    root
}

fn change(tree: &Tree, name: &str, after: Option<&str>) -> FileChange {
    FileChange {
        path: path(name),
        kind: Kind::Shared,
        before: tree.bytes(&path(name)),
        after: after.map(|text| text.as_bytes().to_vec()),
        what: Vec::new(),
    }
}

/// Edits, creations in new directories, a deletion, a write through a link, and the lock file.
fn changes(tree: &Tree) -> Vec<FileChange> {
    [
        ("scaffold-events.lock", Some("lock\n")),
        ("orders/settings.py", Some("A = 1\r\nB = 2\r\n")),
        ("orders/tasks/new/listener.py", Some("new\n")),
        ("orders/tasks/__init__.py", Some("")),
        ("orders/link.py", Some("B = 2\n")),
        ("run.py", Some("#!python3\n")),
        ("old/deep/listener.py", None),
    ]
    .map(|(name, after)| change(tree, name, after))
    .into()
}

/// Every name below `root` with its permissions and content.
fn picture(root: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut picture = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let full = entry.unwrap().path();
            let kind = fs::symlink_metadata(&full).unwrap();
            let content = if kind.is_dir() {
                waiting.push(full.clone());
                Vec::new()
            } else if kind.is_symlink() {
                fs::read_link(&full)
                    .unwrap()
                    .into_os_string()
                    .into_encoded_bytes()
            } else {
                fs::read(&full).unwrap()
            };
            let below = full.strip_prefix(root).unwrap().to_owned();
            picture.insert(below, (kind.mode(), content));
        }
    }
    picture
}

fn before() -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    picture(service().path())
}

fn after() -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let root = service();
    let tree = Tree::disk(root.path());
    apply(&tree, root.path(), &changes(&tree)).unwrap();
    picture(root.path())
}

/// Runs with a gate that asks `fails` about the number of each effect; how many there were.
fn gated(root: &Path, fails: &dyn Fn(usize) -> bool, run: &dyn Fn(&Disk)) -> usize {
    let count = Cell::new(0);
    let gate = || {
        count.set(count.get() + 1);
        if fails(count.get()) {
            return Err(io::Error::other("injected"));
        }
        Ok(())
    };
    run(&Disk::gated(root, &gate));
    count.get()
}

#[test]
fn what_was_planned_is_what_stands_there() {
    let (before, after) = (before(), after());
    let at = |name: &str| after.get(Path::new(name)).cloned();
    let text = |name: &str| String::from_utf8(at(name).unwrap().1).unwrap();
    assert_eq!(text("orders/settings.py"), "A = 1\r\nB = 2\r\n");
    assert_eq!(at("orders/settings.py").unwrap().0 & 0o7777, 0o640);
    assert_eq!(text("run.py"), "#!python3\n");
    assert_eq!(at("run.py").unwrap().0 & 0o7777, 0o755);
    assert_eq!(text("conf/base.py"), "B = 2\n");
    assert_eq!(at("conf/base.py").unwrap().0 & 0o7777, 0o600);
    assert_eq!(text("orders/link.py"), "../conf/base.py", "the link stays");
    assert_eq!(at("old"), None, "a deletion leaves no empty directory");
    assert_eq!(at("other.txt"), before.get(Path::new("other.txt")).cloned());
    let root = service();
    fs::write(root.path().join("plain"), "").unwrap();
    let umask = fs::metadata(root.path().join("plain")).unwrap().mode();
    assert_eq!(
        at("scaffold-events.lock").unwrap(),
        (umask, b"lock\n".to_vec())
    );
    assert_eq!(
        after.len(),
        before.len() + 2,
        "nothing else is left lying about"
    );
}

#[test]
fn a_failure_anywhere_leaves_all_as_it_was() {
    let (before, after) = (before(), after());
    for n in 1.. {
        let root = quick_service();
        let tree = Tree::disk(root.path());
        let changes = changes(&tree);
        let failed = Cell::new(false);
        let count = gated(root.path(), &|at| at == n, &|disk| {
            let outcome = apply_on(disk, &tree, &changes);
            let untidy = matches!(&outcome, Err(error) if error.is::<Untidy>());
            assert_eq!(
                untidy,
                outcome.is_err() && picture(root.path()) != before,
                "{n}"
            );
            // What is left lying about is told.
            assert_eq!(interrupted(root.path()), untidy, "{n}");
            failed.set(outcome.is_err() && !untidy);
        });
        if count < n {
            assert!(n > 60, "there are many steps to fail at: {n}");
            break;
        }
        if failed.get() {
            assert_eq!(picture(root.path()), before, "failed at {n}");
        } else {
            recover(root.path()).unwrap();
            assert_eq!(picture(root.path()), after, "went on after {n}");
        }
    }
}

#[test]
fn what_cannot_be_tidied_is_told() {
    let after = after();
    let mut untidy = 0;
    for n in 1.. {
        let root = quick_service();
        let tree = Tree::disk(root.path());
        let changes = changes(&tree);
        let told = Cell::new(false);
        let count = gated(root.path(), &|at| at >= n, &|disk| {
            let outcome = apply_on(disk, &tree, &changes);
            told.set(matches!(&outcome, Err(error) if error.is::<Untidy>()));
        });
        if count < n {
            break;
        }
        if told.get() {
            untidy += 1;
            assert!(interrupted(root.path()), "{n}");
            recover(root.path()).unwrap();
            assert_eq!(picture(root.path()), after, "{n}");
        }
    }
    assert!(untidy > 3, "{untidy}");
}

#[test]
fn a_run_that_stops_anywhere_is_finished_or_undone_even_if_that_stops_too() {
    let (before, after) = (before(), after());
    let mut ends = [0, 0];
    let mut n = 0;
    'runs: loop {
        n += 1;
        for m in 1.. {
            let root = quick_service();
            let tree = Tree::disk(root.path());
            let changes = changes(&tree);
            let count = gated(root.path(), &|at| at >= n, &|disk| {
                let _ = apply_on(disk, &tree, &changes);
            });
            if count < n {
                break 'runs;
            }
            let count = gated(root.path(), &|at| at >= m, &|disk| {
                let _ = recover_on(disk);
            });
            recover(root.path()).unwrap();
            assert!(!interrupted(root.path()));
            let now = picture(root.path());
            assert!(now == before || now == after, "mixed at {n}, {m}: {now:#?}");
            ends[usize::from(now == after)] += 1;
            if count < m {
                break;
            }
        }
    }
    assert!(
        ends.iter().all(|&count| count > 50),
        "both ends are met: {ends:?}"
    );
}

/// A failure while putting in place, and then the process dies while it undoes that.
#[test]
fn a_run_that_stops_while_it_undoes_is_finished_or_undone() {
    let (before, after) = (before(), after());
    let steps = {
        let root = quick_service();
        let tree = Tree::disk(root.path());
        gated(root.path(), &|_| false, &|disk| {
            apply_on(disk, &tree, &changes(&tree)).unwrap();
        })
    };
    for n in 1..=steps {
        for m in n + 2..n + 30 {
            let root = quick_service();
            let tree = Tree::disk(root.path());
            let changes = changes(&tree);
            let count = gated(root.path(), &|at| at == n || at >= m, &|disk| {
                let _ = apply_on(disk, &tree, &changes);
            });
            recover(root.path()).unwrap();
            let now = picture(root.path());
            assert!(now == before || now == after, "mixed at {n}, {m}: {now:#?}");
            if count < m {
                break;
            }
        }
    }
}

/// What a person writes while we are at work is kept, up to the very rename.
#[test]
fn an_edit_made_while_we_stage_stops_everything() {
    for n in 1.. {
        let root = quick_service();
        let tree = Tree::disk(root.path());
        let changes = changes(&tree);
        let failed = Cell::new(false);
        let edit = |at| {
            let journal = fs::read(root.path().join(".scaffold-events.journal"));
            if at == n && !journal.is_ok_and(|text| text.ends_with(b"commit\n")) {
                put(root.path(), "run.py", "mine", 0o755);
            }
            false
        };
        gated(root.path(), &edit, &|disk| {
            failed.set(apply_on(disk, &tree, &changes).is_err());
        });
        if fs::read(root.path().join("run.py")).unwrap() == b"#!python3\n" {
            assert!(n > 40, "there are many steps before the commit: {n}");
            break;
        }
        assert!(failed.get(), "edited at {n}");
        let mut now = picture(root.path());
        now.get_mut(Path::new("run.py")).unwrap().1 = b"#!python\n".to_vec();
        assert_eq!(now, before(), "edited at {n}");
    }
}

#[test]
fn an_edit_made_behind_us_is_not_undone() {
    let root = service();
    let tree = Tree::disk(root.path());
    let changes = changes(&tree);
    let settings = root.path().join("orders/settings.py");
    let edit_and_fail = |_| {
        let is_in_place = fs::read(&settings).unwrap().ends_with(b"B = 2\r\n");
        if is_in_place {
            put(root.path(), "orders/settings.py", "mine", 0o640);
        }
        is_in_place
    };
    gated(root.path(), &edit_and_fail, &|disk| {
        assert!(apply_on(disk, &tree, &changes).is_err());
    });
    let mut now = picture(root.path());
    let settings = now.get_mut(Path::new("orders/settings.py")).unwrap();
    assert_eq!(settings.1, b"mine");
    settings.1 = b"A = 1\r\n".to_vec();
    assert_eq!(now, before());
}

const CHILD_ROOT: &str = "SCAFFOLD_EVENTS_TEST_ROOT";
const CHILD_STEP: &str = "SCAFFOLD_EVENTS_TEST_STEP";

/// Not a test: the process that the next test kills.
#[test]
fn child() {
    let (Ok(root), Ok(step)) = (std::env::var(CHILD_ROOT), std::env::var(CHILD_STEP)) else {
        return;
    };
    let step: usize = step.parse().unwrap();
    let root = PathBuf::from(root);
    let tree = Tree::disk(&root);
    let killed = |at| {
        if at == step {
            std::process::abort();
        }
        false
    };
    gated(&root, &killed, &|disk| {
        apply_on(disk, &tree, &changes(&tree)).unwrap();
    });
}

#[test]
fn a_killed_process_leaves_what_the_next_one_can_mend() {
    let (before, after) = (before(), after());
    for step in 1.. {
        let root = service();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "apply::tests::child"]);
        child.env(CHILD_ROOT, root.path());
        child.env(CHILD_STEP, step.to_string());
        if child.output().unwrap().status.success() {
            assert!(step > 60, "there are many steps to die at: {step}");
            assert_eq!(picture(root.path()), after);
            break;
        }
        let has_journal = root.path().join(".scaffold-events.journal").exists();
        assert_eq!(interrupted(root.path()), has_journal, "killed at {step}");
        let outcome = recover(root.path()).unwrap();
        let now = picture(root.path());
        match outcome {
            Some(Recovered::Finished(targets)) => {
                assert_eq!(now, after, "killed at {step}");
                assert_eq!(targets.len(), 7);
            }
            Some(Recovered::Undone(_)) => assert_eq!(now, before, "killed at {step}"),
            None => assert!(now == before || now == after, "killed at {step}"),
        }
    }
}

/// A service whose run stopped in the middle of putting in place.
fn half_done() -> TempDir {
    for n in 1.. {
        let root = service();
        let tree = Tree::disk(root.path());
        let changes = changes(&tree);
        gated(root.path(), &|at| at >= n, &|disk| {
            let _ = apply_on(disk, &tree, &changes);
        });
        if root.path().join("orders/tasks/new/listener.py").exists() {
            return root;
        }
    }
    unreachable!("the loop has no end");
}

#[test]
fn what_was_edited_after_an_interrupted_run_is_not_touched() {
    let root = half_done();
    assert!(interrupted(root.path()));
    put(root.path(), "run.py", "edited", 0o755);
    let left = picture(root.path());
    let error = recover(root.path()).unwrap_err().to_string();
    assert!(error.contains("run.py was changed since"), "{error}");
    assert_eq!(picture(root.path()), left);
    put(root.path(), "run.py", "#!python\n", 0o755);
    assert!(matches!(
        recover(root.path()),
        Ok(Some(Recovered::Finished(_)))
    ));
    assert_eq!(picture(root.path()), after());
}

#[test]
fn a_journal_leads_nowhere_outside() {
    let root = half_done();
    let outside = tempfile::tempdir().unwrap();
    fs::rename(root.path().join("orders"), outside.path().join("orders")).unwrap();
    symlink(outside.path().join("orders"), root.path().join("orders")).unwrap();
    let left = picture(outside.path());
    assert!(recover(root.path()).is_err());
    assert_eq!(picture(outside.path()), left);
}

#[test]
fn a_journal_follows_no_link() {
    for n in 1.. {
        let root = quick_service();
        let tree = Tree::disk(root.path());
        let changes = [change(&tree, "a/b.py", Some("x"))];
        gated(root.path(), &|at| at >= n, &|disk| {
            let _ = apply_on(disk, &tree, &changes);
        });
        if root.path().join("a/b.py").exists() {
            break;
        }
        if root.path().join("a").exists() {
            fs::rename(root.path().join("a"), root.path().join("conf/a")).unwrap();
            symlink("conf/a", root.path().join("a")).unwrap();
            let _ = recover(root.path());
            assert!(!root.path().join("conf/a/b.py").exists(), "stopped at {n}");
        }
    }
}

#[test]
fn two_runs_at_once_are_one_too_many() {
    let root = service();
    let tree = Tree::disk(root.path());
    let disk = Disk::new(root.path());
    let held = Held::begin(&disk).unwrap();
    assert!(!interrupted(root.path()), "it is at work");
    for error in [
        apply(&tree, root.path(), &changes(&tree)).unwrap_err(),
        recover(root.path()).unwrap_err(),
    ] {
        assert!(
            error
                .to_string()
                .contains("another scaffold-events is at work"),
            "{error:#}"
        );
    }
    held.end(&disk).unwrap();
    assert_eq!(picture(root.path()), before());
    assert_eq!(recover(root.path()).unwrap(), None);
}

/// What `apply` says after `spoil`, with proof that it wrote nothing.
fn refusal(spoil: impl Fn(&Path)) -> String {
    let root = service();
    let tree = Tree::disk(root.path());
    let changes = changes(&tree);
    spoil(root.path());
    let left = picture(root.path());
    let error = apply(&tree, root.path(), &changes).unwrap_err();
    assert_eq!(picture(root.path()), left);
    format!("{error:#}")
}

fn mode(root: &Path, name: &str, mode: u32) {
    fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_changed_since_it_was_read_stops_everything() {
    let expected = "orders/settings.py changed while we were planning; run again";
    assert_eq!(
        refusal(|root| put(root, "orders/settings.py", "mine", 0o640)),
        expected
    );
    assert_eq!(
        refusal(|root| fs::remove_file(root.join("orders/settings.py")).unwrap()),
        expected
    );
    let made = refusal(|root| put(root, "orders/tasks/__init__.py", "mine", 0o644));
    assert!(made.starts_with("orders/tasks changed"), "{made}");
    let made = refusal(|root| fs::create_dir(root.join("scaffold-events.lock")).unwrap());
    assert!(made.starts_with("scaffold-events.lock changed"), "{made}");
}

#[test]
fn what_is_read_only_is_refused_for_root_too() {
    let file = refusal(|root| mode(root, "run.py", 0o555));
    assert!(
        file.starts_with("run.py is read-only; make it writable"),
        "{file}"
    );
    let directory = refusal(|root| mode(root, "orders", 0o555));
    assert!(
        directory.starts_with("the directory orders is read-only"),
        "{directory}"
    );
    let root = refusal(|root| mode(root, "", 0o555));
    assert!(root.starts_with("the directory . is read-only"), "{root}");
}

#[test]
fn a_file_with_two_names_is_refused() {
    let said = refusal(|root| fs::hard_link(root.join("run.py"), root.join("twin")).unwrap());
    assert!(said.contains("run.py is one file with 2 names"), "{said}");
}

#[test]
fn a_path_out_of_the_service_is_refused() {
    let root = service();
    let outside = service();
    symlink(outside.path(), root.path().join("out")).unwrap();
    let tree = Tree::disk(root.path());
    let changes = [change(&tree, "out/new.py", Some("x"))];
    let error = apply(&tree, root.path(), &changes).unwrap_err().to_string();
    assert!(
        error.starts_with("out/new.py leads out of the service"),
        "{error}"
    );
    assert_eq!(picture(outside.path()), before());
}

#[test]
fn one_file_by_two_names_is_our_bug() {
    let root = service();
    let tree = Tree::disk(root.path());
    let changes = ["conf/base.py", "orders/link.py"].map(|name| change(&tree, name, Some("x")));
    let error = apply(&tree, root.path(), &changes).unwrap_err().to_string();
    assert!(error.contains("this is a bug"), "{error}");
}

#[test]
fn a_missing_root_is_made_and_unmade() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("new/demo");
    let tree = Tree::disk(&root);
    let changes = [change(&tree, "a/b.py", Some("x"))];
    for n in 1.. {
        let failed = Cell::new(false);
        gated(&root, &|at| at == n, &|disk| {
            failed.set(apply_on(disk, &tree, &changes).is_err());
        });
        if !failed.get() {
            break;
        }
        assert!(picture(parent.path()).is_empty(), "failed at {n}");
    }
    recover(&root).unwrap();
    assert_eq!(fs::read(root.join("a/b.py")).unwrap(), b"x");
}

#[test]
fn leftovers_without_a_journal_are_no_obstacle() {
    let root = service();
    put(root.path(), "orders/.scaffold-events.0.new", "dead", 0o600);
    put(root.path(), "orders/.scaffold-events.0.old", "dead", 0o600);
    let tree = Tree::disk(root.path());
    apply(&tree, root.path(), &changes(&tree)).unwrap();
    assert_eq!(picture(root.path()), after());
}

/// Only root can give files away; others have nothing to keep here.
#[test]
fn owner_and_group_are_kept() {
    let root = service();
    let run = root.path().join("run.py");
    if chown(&run, Some(12345), Some(54321)).is_err() {
        return;
    }
    mode(root.path(), "run.py", 0o4750);
    let tree = Tree::disk(root.path());
    apply(&tree, root.path(), &changes(&tree)).unwrap();
    let kind = fs::metadata(&run).unwrap();
    assert_eq!(
        (kind.uid(), kind.gid(), kind.mode() & 0o7777),
        (12345, 54321, 0o4750)
    );
    assert_eq!(fs::read(&run).unwrap(), b"#!python3\n");
}
