#![expect(clippy::disallowed_methods, reason = "tests build their own trees")]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;

use tempfile::TempDir;

use super::*;

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn file(text: &str) -> Entry {
    Entry::File(text.as_bytes().into())
}

/// A directory with these files; `a/` makes an empty directory.
fn service(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        put(root.path(), name, text);
    }
    root
}

fn put(root: &Path, name: &str, text: &str) {
    let full = root.join(name);
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(full, text).unwrap();
}

fn names(paths: &[RelPath]) -> Vec<&str> {
    paths.iter().map(RelPath::as_str).collect()
}

mod entries {
    use super::*;

    #[test]
    fn what_stands_there() {
        let root = service(&[("a.py", "x = 1\r\n"), ("b/c.py", "")]);
        let tree = Tree::disk(root.path());
        assert_eq!(tree.entry(&path("a.py")), file("x = 1\r\n"));
        assert_eq!(tree.entry(&path("b")), Entry::Directory);
        assert_eq!(tree.entry(&RelPath::root()), Entry::Directory);
        assert_eq!(tree.entry(&path("b/d.py")), Entry::Missing);
        assert_eq!(tree.entry(&path("no/d.py")), Entry::Missing);
        assert_eq!(tree.entry(&path("a.py/b")), Entry::Missing);
        assert_eq!(tree.real(&path("no/d.py")), Some(path("no/d.py")));
        assert_eq!(tree.real(&path("a.py/b")), None);
    }

    #[test]
    fn a_missing_root_is_missing_and_has_a_name() {
        let root = service(&[]);
        let tree = Tree::disk(&root.path().join("demo"));
        assert_eq!(tree.entry(&RelPath::root()), Entry::Missing);
        assert_eq!(tree.entry(&path("a")), Entry::Missing);
        assert_eq!(tree.real(&path("a/b")), Some(path("a/b")));
        assert_eq!(tree.root_name().as_deref(), Some("demo"));
        assert!(tree.walk().is_empty() && tree.walk_is_whole());
    }

    #[test]
    fn a_link_inside_is_followed_to_where_a_write_must_go() {
        let root = service(&[("conf/base.py", "x"), ("other/y.py", "y")]);
        symlink("conf/base.py", root.path().join("settings.py")).unwrap();
        symlink(root.path().join("other"), root.path().join("linked")).unwrap();
        let tree = Tree::disk(root.path());
        assert_eq!(tree.entry(&path("settings.py")), file("x"));
        assert_eq!(tree.real(&path("settings.py")), Some(path("conf/base.py")));
        assert_eq!(tree.entry(&path("linked/y.py")), file("y"));
        assert_eq!(
            tree.real(&path("linked/new.py")),
            Some(path("other/new.py"))
        );
        assert_eq!(
            names(&tree.walk()),
            ["conf/base.py", "other/y.py", "settings.py"]
        );
        assert!(
            tree.list(&RelPath::root())
                .contains(&("linked".into(), true))
        );
        let after = tree.overlay([(path("settings.py"), Some(b"z".to_vec()))]);
        assert_eq!(after.entry(&path("conf/base.py")), file("z"));
    }

    #[test]
    fn a_root_that_is_a_link_is_no_way_out() {
        let root = service(&[("svc/a.py", "x")]);
        symlink("svc", root.path().join("link")).unwrap();
        symlink("a.py", root.path().join("svc/b.py")).unwrap();
        let tree = Tree::disk(&root.path().join("link"));
        assert_eq!(tree.entry(&path("b.py")), file("x"));
        assert_eq!(tree.root_name().as_deref(), Some("svc"));
    }

    #[test]
    fn links_out_in_circles_and_to_nothing() {
        let root = service(&[("svc/a.py", "x"), ("secret.py", "x"), ("svc2/a.py", "x")]);
        let svc = root.path().join("svc");
        symlink("../secret.py", svc.join("out.py")).unwrap();
        symlink("../svc2", svc.join("dir")).unwrap();
        symlink("loop.py", svc.join("loop.py")).unwrap();
        symlink("nothing.py", svc.join("gone.py")).unwrap();
        let tree = Tree::disk(&svc);
        assert_eq!(tree.entry(&path("out.py")), Entry::Outside);
        assert_eq!(tree.entry(&path("dir/a.py")), Entry::Outside);
        assert_eq!(tree.real(&path("dir/new.py")), None);
        assert!(matches!(tree.entry(&path("loop.py")), Entry::Unreadable(_)));
        assert!(matches!(tree.entry(&path("gone.py")), Entry::Unreadable(_)));
        assert_eq!(tree.real(&path("gone.py")), None);
    }

    #[test]
    fn a_fifo_a_socket_and_a_device_are_never_opened() {
        let root = service(&[]);
        let made = Command::new("mkfifo")
            .arg(root.path().join("settings.py"))
            .status();
        assert!(made.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(root.path().join("s.py")).unwrap();
        let tree = Tree::disk(root.path());
        assert_eq!(tree.entry(&path("settings.py")), Entry::Special("a FIFO"));
        assert_eq!(tree.entry(&path("s.py")), Entry::Special("a socket"));
        assert_eq!(
            Tree::disk(Path::new("/dev")).entry(&path("null")),
            Entry::Special("a device")
        );
    }

    /// Root may read everything, so another user looks: this test again, in a copy of its program.
    #[test]
    fn what_may_not_be_read_is_unreadable() {
        let root = service(&[("a.py", ""), ("b/c.py", "")]);
        if fs::metadata(root.path()).unwrap().uid() == 0 {
            let name = "tree::tests::entries::what_may_not_be_read_is_unreadable";
            return passes_for_another_user(name);
        }
        let close = |name| {
            fs::set_permissions(root.path().join(name), fs::Permissions::from_mode(0o0)).unwrap();
        };
        close("a.py");
        close("b");
        let tree = Tree::disk(root.path());
        assert!(matches!(tree.entry(&path("a.py")), Entry::Unreadable(_)));
        assert!(matches!(tree.entry(&path("b/c.py")), Entry::Unreadable(_)));
        assert_eq!(names(&tree.walk()), ["a.py"]);
        assert!(!tree.walk_is_whole());
        assert_eq!(tree.closed(), None, "nothing in it was read");
        fs::set_permissions(root.path().join("b"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn passes_for_another_user(test: &str) {
        let reachable = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(reachable.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = reachable.path().join("tests");
        // Copied here, it could be open for writing in what another test starts: "text file busy".
        let mut copy = Command::new("cp");
        copy.arg(std::env::current_exe().unwrap()).arg(&program);
        assert!(copy.status().unwrap().success());
        let mut command = Command::new(program);
        command.args(["--exact", test]).env("TMPDIR", "/tmp");
        let ran = command.uid(65534).gid(65534).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains(" 1 passed"), "{said}");
    }

    #[test]
    fn too_large_is_not_read() {
        let root = service(&[]);
        let size = SIZE_LIMIT + 1;
        fs::File::create(root.path().join("a.py"))
            .unwrap()
            .set_len(size)
            .unwrap();
        assert_eq!(
            Tree::disk(root.path()).entry(&path("a.py")),
            Entry::TooLarge(size)
        );
    }

    #[test]
    fn names_that_are_not_utf8_are_passed_over() {
        let root = service(&[("a.py", "")]);
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.py");
        fs::write(root.path().join(name), "").unwrap();
        let tree = Tree::disk(root.path());
        assert_eq!(tree.list(&RelPath::root()), [("a.py".to_owned(), false)]);
        assert_eq!(names(&tree.walk()), ["a.py"]);
    }

    #[test]
    fn a_directory_and_a_file_in_each_others_place() {
        let root = service(&[("settings.py/x", "")]);
        let tree = Tree::disk(root.path());
        assert_eq!(tree.entry(&path("settings.py")), Entry::Directory);
        let tree = Tree::disk(&root.path().join("settings.py/x"));
        assert!(matches!(tree.entry(&RelPath::root()), Entry::File(_)));
    }
}

mod memory_and_overlay {
    use super::*;

    fn tree() -> Tree {
        let files = ["a.py", "b/c.py", "b/d.py"];
        Tree::named("svc", files.map(|name| (path(name), name.into())))
    }

    #[test]
    fn memory_knows_directories() {
        let tree = tree();
        assert_eq!(tree.entry(&path("b")), Entry::Directory);
        assert_eq!(tree.entry(&path("b/x")), Entry::Missing);
        assert_eq!(
            tree.list(&RelPath::root()),
            [("a.py".into(), false), ("b".into(), true)]
        );
        assert_eq!(names(&tree.walk()), ["a.py", "b/c.py", "b/d.py"]);
        assert_eq!(tree.root_name().as_deref(), Some("svc"));
        assert!(Tree::memory([]).changed().is_empty());
    }

    #[test]
    fn an_overlay_changes_creates_and_deletes() {
        let after = tree().overlay([
            (path("a.py"), Some(b"new".to_vec())),
            (path("b/c.py"), None),
            (path("e/f/g.py"), Some(b"g".to_vec())),
        ]);
        assert_eq!(after.entry(&path("a.py")), file("new"));
        assert_eq!(after.entry(&path("b/c.py")), Entry::Missing);
        assert_eq!(after.entry(&path("e/f")), Entry::Directory);
        assert_eq!(after.list(&path("b")), [("d.py".into(), false)]);
        assert_eq!(after.list(&path("e")), [("f".into(), true)]);
        assert_eq!(names(&after.walk()), ["a.py", "b/d.py", "e/f/g.py"]);
        let back = after.overlay([(path("e/f/g.py"), None)]);
        assert_eq!(back.entry(&path("e/f")), Entry::Missing);
    }

    #[test]
    fn what_was_read_is_not_read_again_and_the_rest_still_can_be() {
        let root = service(&[("a.py", "1"), ("b.py", "1")]);
        let tree = Tree::disk(root.path());
        tree.entry(&path("a.py"));
        let after = tree.overlay([]);
        put(root.path(), "a.py", "2");
        put(root.path(), "b.py", "2");
        assert_eq!(after.entry(&path("a.py")), file("1"));
        assert_eq!(after.entry(&path("b.py")), file("2"));
    }

    #[test]
    fn whatever_was_read_and_changed_is_named() {
        let root = service(&[("a.py", "1"), ("b.py", "1"), ("c/d.py", "")]);
        symlink("a.py", root.path().join("link.py")).unwrap();
        let tree = Tree::disk(root.path());
        for name in ["a.py", "no.py", "link.py"] {
            tree.entry(&path(name));
        }
        tree.list(&path("c"));
        tree.walk();
        put(root.path(), "b.py", "2");
        assert!(tree.changed().is_empty(), "b.py was never read");
        put(root.path(), "a.py", "2");
        put(root.path(), "no.py", "");
        put(root.path(), "c/e.py", "");
        assert_eq!(
            names(&tree.changed()),
            ["a.py", "c", "c/e.py", "link.py", "no.py"]
        );
        assert_eq!(tree.overlay([]).changed(), tree.changed());
    }
}

#[test]
fn a_walk_passes_over_what_tools_put_there() {
    let files = [
        "a.py",
        ".env.sample",
        ".git/config",
        "x.egg-info/PKG-INFO",
        "app/__pycache__/a.pyc",
        "env3/pyvenv.cfg",
        "env3/lib/a.py",
        "old/bin/activate",
        "old/lib/a.py",
        "ours/bin/run",
        "ours/lib/a.py",
        "build/lib/a.py",
        "app/target/__init__.py",
        "web/node_modules/a.py",
        ".scaffold-events.journal",
    ];
    let expected = [
        ".env.sample",
        "a.py",
        "app/target/__init__.py",
        "ours/bin/run",
        "ours/lib/a.py",
    ];
    let root = service(&files.map(|name| (name, "")));
    assert_eq!(names(&Tree::disk(root.path()).walk()), expected);
    let ours = files.iter().filter(|name| !name.contains("journal"));
    let memory = Tree::memory(ours.map(|name| (path(name), Vec::new())));
    assert_eq!(names(&memory.walk()), expected);
}

#[test]
fn a_walk_that_is_cut_says_so() {
    let deep = "d/".repeat(40) + "a.py";
    let tree = Tree::memory([(path(&deep), Vec::new()), (path("b.py"), Vec::new())]);
    assert_eq!(names(&tree.walk()), ["b.py"]);
    assert!(!tree.walk_is_whole());
}

mod git {
    use super::*;

    /// Runs the real git, the judge of these tests.
    fn git(directory: &Path, arguments: &[&str]) -> bool {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]);
        command.arg("-C").arg(directory).args(arguments);
        command.output().unwrap().status.success()
    }

    fn checkout(files: &[(&str, &str)]) -> TempDir {
        let root = service(files);
        assert!(git(root.path(), &["init", "-q"]));
        root
    }

    #[test]
    fn ignored_is_what_git_says() {
        let root = checkout(&[
            (
                ".gitignore",
                "*.log\n/top.py\n.env*\n!.env.sample\nbuild/\nsvc/deep/**\r\ncr.py\r\n",
            ),
            (".git/info/exclude", "secret.py\n"),
            (
                "svc/.gitignore",
                "local_settings.py\n!keep.log\nx y.py\n\\#a\n",
            ),
            ("svc/conf/.gitignore", "*\n!base.py\n"),
        ]);
        let svc = root.path().join("svc");
        put(&svc, "tracked.log", "");
        assert!(git(&svc, &["add", "-f", "tracked.log"]));
        let tree = Tree::disk(&svc);
        for name in [
            "a.log",
            "keep.log",
            "top.py",
            ".env",
            ".env.sample",
            ".env.local",
            "build/a.py",
            "build",
            "deep/a.py",
            "deep/b/c.py",
            "secret.py",
            "x/secret.py",
            "local_settings.py",
            "x/local_settings.py",
            "conf/base.py",
            "conf/dev.py",
            "x y.py",
            "#a",
            "tracked.log",
            "cr.py",
            "settings.py",
        ] {
            let expected = git(&svc, &["check-ignore", "-q", name]);
            assert_eq!(tree.is_ignored(&path(name)), expected, "{name}");
        }
    }

    #[test]
    fn without_a_repository_nothing_is_ignored() {
        let root = service(&[(".gitignore", "*\n")]);
        let tree = Tree::disk(root.path());
        assert!(!tree.is_ignored(&path("a.py")));
        assert_eq!(tree.git_state(&path("a.py")), GitState::NoRepository);
        let memory = Tree::memory([(path(".gitignore"), b"*.log\n".to_vec())]);
        assert!(memory.is_ignored(&path("x/a.log")) && !memory.is_ignored(&path("a.py")));
    }

    #[test]
    fn state_in_every_index_version() {
        for version in ["2", "3", "4"] {
            let root = checkout(&[
                ("svc/a.py", "1\n"),
                ("svc/b/c.py", "2\n"),
                ("svc/b/d.py", "\n"),
            ]);
            let svc = root.path().join("svc");
            assert!(git(
                &svc,
                &["update-index", "--index-version", version, "--add", "a.py"]
            ));
            assert!(git(&svc, &["add", "."]));
            put(&svc, "new.py", "");
            put(&svc, "intent.py", "");
            assert!(git(&svc, &["add", "-N", "intent.py"]));
            put(&svc, "a.py", "1\r\n");
            put(&svc, "b/c.py", "3\n");
            let tree = Tree::disk(&svc);
            let state = |name| tree.git_state(&path(name));
            assert_eq!(state("a.py"), GitState::Clean, "newlines aside");
            assert_eq!(state("b/c.py"), GitState::Changed);
            assert_eq!(state("b/d.py"), GitState::Clean);
            assert_eq!(state("new.py"), GitState::Untracked);
        }
    }

    #[test]
    fn state_in_a_worktree_and_before_the_first_add() {
        let root = checkout(&[("a.py", "1\n")]);
        let tree = Tree::disk(root.path());
        assert_eq!(tree.git_state(&path("a.py")), GitState::Untracked);
        assert!(git(root.path(), &["add", "."]) && git(root.path(), &["commit", "-qm", "a"]));
        assert!(git(root.path(), &["worktree", "add", "-q", "wt"]));
        put(root.path(), ".git/info/exclude", "x.py\n");
        let tree = Tree::disk(&root.path().join("wt"));
        assert_eq!(tree.git_state(&path("a.py")), GitState::Clean);
        assert!(tree.is_ignored(&path("x.py")));
    }

    #[test]
    fn an_index_that_is_damaged_or_split_is_unknown() {
        let root = checkout(&[("a.py", "1\n")]);
        assert!(git(root.path(), &["add", "."]));
        assert!(git(root.path(), &["update-index", "--split-index"]));
        let state = || Tree::disk(root.path()).git_state(&path("a.py"));
        assert_eq!(state(), GitState::Unknown);
        fs::write(root.path().join(".git/index"), b"DIRC\0\0\0\x02\xff\xff").unwrap();
        assert_eq!(state(), GitState::Unknown);
    }
}
