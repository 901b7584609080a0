//! Input that no service should have: the real program on a real disk says what is wrong and where, in
//! less than a screen, and writes nothing. It never panics and never hangs.

#![expect(
    clippy::disallowed_methods,
    reason = "a test sets its own scene and looks at it"
)]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const APP: &str = "\
from celery import Celery

app = Celery('orders')
app.config_from_object('orders.settings')
";
const SETTINGS: &str = "\
BROKER_URL = 'amqp://guest:guest@rabbitmq:5672//'
CELERY_ACCEPT_CONTENT = ['json']
";

/// A directory with the service `orders` in it.
struct Scene {
    directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self::in_directory(tempfile::tempdir().unwrap())
    }

    fn in_directory(directory: tempfile::TempDir) -> Self {
        let scene = Self { directory };
        scene.put("orders/orders/__init__.py", "");
        scene.put("orders/orders/celery.py", APP);
        scene.put("orders/orders/settings.py", SETTINGS);
        scene.put("orders/requirements.txt", "celery==5.2.7\nkombu==5.2.4\n");
        scene
    }

    fn with_settings(bytes: impl AsRef<[u8]>) -> Self {
        let scene = Self::new();
        scene.put("orders/orders/settings.py", bytes);
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.at(path)).unwrap();
    }

    /// Every path, with what stands there.
    fn state(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        walkdir::WalkDir::new(self.directory.path())
            .into_iter()
            .map(|entry| {
                let path = entry.unwrap().into_path();
                let kind = fs::symlink_metadata(&path).unwrap();
                let held = if kind.is_file() {
                    fs::read(&path).unwrap()
                } else if kind.is_symlink() {
                    fs::read_link(&path)
                        .unwrap()
                        .into_os_string()
                        .into_encoded_bytes()
                } else {
                    format!("{:?}", kind.file_type()).into_bytes()
                };
                (path, held)
            })
            .collect()
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_scaffold-events"));
        program.args(arguments);
        finished(&mut program, self.directory.path())
    }

    /// `init`, `check` and `diff` all refuse, say these words, and leave every byte alone.
    fn is_refused(&self, words: &[&str]) {
        self.fails(3, words);
    }

    fn fails(&self, exit: i32, words: &[&str]) {
        let before = self.state();
        for command in ["init", "check", "diff"] {
            let (code, said) = self.run(&[command, "orders"]);
            assert_eq!(code, exit, "{command}: {said}");
            is_readable(&said);
            for word in words {
                assert!(said.contains(word), "{command} does not say {word}: {said}");
            }
        }
        assert!(self.state() == before, "something was written");
    }

    /// `init` wires the service as if nothing was odd, and then `check` has nothing to say against it.
    fn is_wired(&self) {
        let (code, said) = self.run(&["init", "orders"]);
        assert_eq!(code, 0, "{said}");
        let (code, said) = self.run(&["check", "orders"]);
        assert_eq!(code, 0, "{said}");
    }

    fn settings(&self) -> Vec<u8> {
        fs::read(self.at("orders/orders/settings.py")).unwrap()
    }
}

/// Runs it to its end, which must come soon.
fn finished(program: &mut Command, directory: &Path) -> (i32, String) {
    let said = tempfile::tempfile().unwrap();
    let mut child = program
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said.try_clone().unwrap())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_mins(1);
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code().expect("it exits by itself");
        }
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut text = Vec::new();
    let mut said = said;
    std::io::Seek::rewind(&mut said).unwrap();
    std::io::Read::read_to_end(&mut said, &mut text).unwrap();
    (code, String::from_utf8(text).unwrap())
}

fn is_readable(said: &str) {
    assert!(said.split('\n').count() < 40, "more than a screen: {said}");
    assert!(said.len() < 8000, "long lines: {} bytes", said.len());
    for word in ["panicked", "backtrace", "this is a bug", "\u{1b}"] {
        assert!(!said.contains(word), "{said}");
    }
}

/// Somebody whom permissions keep out: whoever runs the tests or, as root may do anything, another user.
struct Person {
    /// Where a user other than root can reach the program too.
    program: tempfile::TempDir,
    other_user: bool,
}

impl Person {
    const OTHER: u32 = 65534;

    fn new() -> Self {
        let program = Self::directory();
        // Copied here, it could be open for writing in what another test starts: "text file busy".
        let mut copy = Command::new("cp");
        copy.arg(env!("CARGO_BIN_EXE_scaffold-events"))
            .arg(program.path());
        assert!(copy.status().unwrap().success());
        let owner = fs::metadata(program.path()).unwrap().uid();
        Self {
            program,
            other_user: owner == 0,
        }
    }

    /// Not where `TMPDIR` says, as that may be out of another user's reach.
    fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir_in("/tmp").unwrap();
        set_mode(directory.path(), 0o755);
        directory
    }

    /// The service of every test, owned by this person.
    fn scene(&self) -> Scene {
        let scene = Scene::in_directory(Self::directory());
        if self.other_user {
            for path in scene.state().keys() {
                std::os::unix::fs::chown(path, Some(Self::OTHER), Some(Self::OTHER)).unwrap();
            }
        }
        scene
    }

    fn run(&self, scene: &Scene, arguments: &[&str]) -> (i32, String) {
        let mut program = Command::new(self.program.path().join("scaffold-events"));
        program.args(arguments);
        if self.other_user {
            program.uid(Self::OTHER).gid(Self::OTHER);
        }
        finished(&mut program, scene.directory.path())
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_missing_path() {
    let scene = Scene::new();
    let before = scene.state();
    for command in ["check", "diff"] {
        let (code, said) = scene.run(&[command, "shop/none"]);
        assert_eq!(code, 2, "{said}");
        is_readable(&said);
        assert!(said.contains("`shop/none`"), "{said}");
    }
    assert!(scene.state() == before);
}

#[test]
fn a_path_through_a_file() {
    let scene = Scene::new();
    let before = scene.state();
    for command in ["init", "check", "diff"] {
        for path in ["orders/requirements.txt", "orders/requirements.txt/below"] {
            let (code, said) = scene.run(&[command, path]);
            assert_eq!(code, 2, "{command} {path}: {said}");
            is_readable(&said);
            assert!(said.contains(path), "{said}");
        }
    }
    assert!(scene.state() == before);
}

#[test]
fn an_unreadable_path() {
    let person = Person::new();
    let scene = person.scene();
    let settings = scene.at("orders/orders/settings.py");
    set_mode(&settings, 0o000);
    let (code, said) = person.run(&scene, &["init", "orders"]);
    assert_eq!(code, 3, "{said}");
    assert!(NOT_FOUND.iter().all(|word| said.contains(word)), "{said}");
    set_mode(&settings, 0o644);
    set_mode(&scene.at("orders"), 0o000);
    let (code, said) = person.run(&scene, &["init", "orders"]);
    set_mode(&scene.at("orders"), 0o755);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("`orders`"), "{said}");
    let (code, said) = person.run(&scene, &["init", "orders"]);
    assert_eq!(code, 0, "all else is as for anybody: {said}");
}

/// Its files can be opened, but only by who knows their names.
#[test]
fn a_directory_that_may_not_be_listed() {
    let person = Person::new();
    for path in ["orders", "orders/orders"] {
        for mode in [0o333, 0o111] {
            let scene = person.scene();
            let app = "celery-app = 'orders.celery:app'\n";
            scene.put("orders/scaffold-events.toml", app);
            let before = scene.state();
            set_mode(&scene.at(path), mode);
            for command in ["init", "check", "diff"] {
                let (code, said) = person.run(&scene, &[command, "orders"]);
                assert_eq!(code, 2, "{command} {path}: {said}");
                is_readable(&said);
                assert!(said.contains(&format!("chmod u+rx {path}`")), "{said}");
            }
            set_mode(&scene.at(path), 0o755);
            assert!(scene.state() == before, "something was written");
        }
    }
}

/// The data of a database, say, that another user keeps beside the code.
#[test]
fn a_directory_that_is_another_users() {
    let person = Person::new();
    let scene = person.scene();
    scene.put("orders/data/base/1", "");
    set_mode(&scene.at("orders/data"), 0o000);
    for command in ["init", "check"] {
        let (code, said) = person.run(&scene, &[command, "orders"]);
        assert_eq!(code, 0, "{said}");
    }
    set_mode(&scene.at("orders/data"), 0o755);
}

#[test]
fn a_read_only_file_or_directory() {
    let person = Person::new();
    for path in ["orders/orders/settings.py", "orders/orders", "orders"] {
        let scene = person.scene();
        let path = scene.at(path);
        set_mode(&path, if path.is_dir() { 0o555 } else { 0o444 });
        let before = scene.state();
        let (code, said) = person.run(&scene, &["init", "orders"]);
        assert_eq!(code, 2, "{said}");
        is_readable(&said);
        assert!(scene.state() == before, "something was written");
        set_mode(&path, 0o755);
    }
}

#[test]
fn no_python_service() {
    let scene = Scene::new();
    fs::remove_dir_all(scene.at("orders")).unwrap();
    scene.put("orders/package.json", "{}\n");
    scene.is_refused(&["orders"]);
}

#[test]
fn no_celery_app() {
    let scene = Scene::new();
    scene.remove("orders/orders/celery.py");
    scene.is_refused(&["Celery", "--celery-app"]);
}

#[test]
fn a_syntax_error_in_a_statement_we_need() {
    Scene::with_settings(format!("{SETTINGS}CELERY_QUEUES = (\n    1 +,\n"))
        .is_refused(&["orders/orders/settings.py:"]);
    Scene::with_settings("BROKER_URL = 'amqp://rabbitmq//\nX = 1\n")
        .is_refused(&["orders/orders/settings.py:1"]);
    for name in [
        "BROKER_URL",
        "CELERY_DEFAULT_QUEUE",
        "CELERY_QUEUES",
        "CELERY_ROUTES",
        "CELERY_IMPORTS",
        "SERVICE_NAME",
    ] {
        Scene::with_settings(format!("{name} =\nX = 1\n"))
            .is_refused(&["orders/orders/settings.py:1", "does not parse"]);
    }
    let scene = Scene::new();
    scene.put(
        "orders/orders/celery.py",
        "from celery import Celery\n\napp = Celery('orders'\n",
    );
    scene.is_refused(&["orders/orders/celery.py:4"]);
}

#[test]
fn a_syntax_error_elsewhere() {
    let settings = format!("print 'starting'\n{SETTINGS}");
    let scene = Scene::with_settings(&settings);
    scene.is_wired();
    let after = String::from_utf8(scene.settings()).unwrap();
    assert!(after.contains("print 'starting'\n"), "{after}");
    let scene = Scene::new();
    scene.put("orders/orders/views.py", "def broken(:\n");
    scene.is_wired();
}

#[test]
fn latin1() {
    let cookie = [
        b"# coding: latin-1\n# caf\xe9\n".as_slice(),
        SETTINGS.as_bytes(),
    ]
    .concat();
    let scene = Scene::with_settings(&cookie);
    scene.is_wired();
    assert!(scene.settings().starts_with(&cookie[..25]));
    let bare = [b"# caf\xe9\n".as_slice(), SETTINGS.as_bytes()].concat();
    Scene::with_settings(bare).is_refused(&["orders/orders/settings.py:1"]);
}

#[test]
fn utf16() {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(SETTINGS.encode_utf16().flat_map(u16::to_le_bytes));
    Scene::with_settings(bytes).is_refused(&["orders/orders/settings.py"]);
}

#[test]
fn nul_bytes() {
    Scene::with_settings(format!("{SETTINGS}X = '\0'\n"))
        .is_refused(&["orders/orders/settings.py:3"]);
}

#[test]
fn five_megabytes_of_settings() {
    let line = "X = 'a line of no interest at all'\n";
    let settings = line.repeat(5 * 1024 * 1024 / line.len() + 1) + SETTINGS;
    Scene::with_settings(settings).is_refused(&["orders/orders/settings.py"]);
}

#[test]
fn ten_thousand_nested_brackets() {
    let nested = "(".repeat(10_000) + &")".repeat(10_000);
    Scene::with_settings(format!("{SETTINGS}X = {nested}\n"))
        .is_refused(&["orders/orders/settings.py"]);
    let open = "[".repeat(10_000);
    Scene::with_settings(format!("{SETTINGS}X = {open}\n"))
        .is_refused(&["orders/orders/settings.py"]);
    let chain = "1 + ".repeat(100_000);
    Scene::with_settings(format!("{SETTINGS}X = {chain}1\n"))
        .is_refused(&["orders/orders/settings.py"]);
}

#[test]
fn every_kind_of_line_end_survives() {
    for (newline, odd) in [("\r\n", "\n"), ("\r", "\n"), ("\n", "\r\n"), ("\n", "\r")] {
        let settings = SETTINGS.replace('\n', newline);
        let mixed = format!("# first{odd}# second{newline}{settings}");
        let scene = Scene::with_settings(&mixed);
        scene.is_wired();
        let after = scene.settings();
        let comments = mixed.len() - settings.len();
        assert_eq!(&after[..comments], &mixed.as_bytes()[..comments]);
    }
    let scene = Scene::with_settings(SETTINGS.replace('\n', "\r\n"));
    scene.is_wired();
    let after = String::from_utf8(scene.settings()).unwrap();
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    let scene = Scene::with_settings(SETTINGS.replace('\n', "\r"));
    scene.is_wired();
    assert!(!scene.settings().contains(&b'\n'));
}

#[test]
fn a_byte_order_mark_tabs_and_no_final_newline() {
    let scene = Scene::with_settings(format!("\u{feff}{SETTINGS}"));
    scene.is_wired();
    assert!(scene.settings().starts_with("\u{feff}".as_bytes()));
    assert!(!scene.settings()[1..].contains(&0xef));
    let scene = Scene::with_settings(format!("if True:\n\tX = (\n\t\t1,\n\t)\n{SETTINGS}"));
    scene.is_wired();
    let scene = Scene::with_settings(SETTINGS.trim_end());
    scene.is_wired();
}

#[test]
fn settings_behind_a_link_inside_the_service() {
    let scene = Scene::new();
    fs::rename(
        scene.at("orders/orders/settings.py"),
        scene.at("orders/orders/base.py"),
    )
    .unwrap();
    symlink("base.py", scene.at("orders/orders/settings.py")).unwrap();
    scene.is_wired();
    let link = fs::symlink_metadata(scene.at("orders/orders/settings.py")).unwrap();
    assert!(link.is_symlink());
    assert!(scene.settings().len() > SETTINGS.len());
}

/// What stands at the settings' path is no file: the line that names them is pointed at.
const NOT_FOUND: [&str; 2] = ["orders/orders/celery.py:4", "\"orders.settings\""];

#[test]
fn settings_behind_a_link_to_outside() {
    let scene = Scene::new();
    scene.put("elsewhere.py", SETTINGS);
    scene.remove("orders/orders/settings.py");
    symlink("../../elsewhere.py", scene.at("orders/orders/settings.py")).unwrap();
    scene.is_refused(&NOT_FOUND);
}

#[test]
fn settings_behind_a_link_to_nothing_or_itself() {
    for target in ["gone.py", "settings.py"] {
        let scene = Scene::new();
        scene.remove("orders/orders/settings.py");
        symlink(target, scene.at("orders/orders/settings.py")).unwrap();
        scene.is_refused(&NOT_FOUND);
    }
}

#[test]
fn a_fifo_named_settings() {
    let scene = Scene::new();
    scene.remove("orders/orders/settings.py");
    let fifo = scene.at("orders/orders/settings.py");
    let made = Command::new("mkfifo").arg(fifo).status().unwrap();
    assert!(made.success());
    scene.is_refused(&NOT_FOUND);
}

#[test]
fn a_directory_named_settings_py() {
    let scene = Scene::new();
    scene.remove("orders/orders/settings.py");
    fs::create_dir(scene.at("orders/orders/settings.py")).unwrap();
    scene.is_refused(&NOT_FOUND);
}

#[test]
fn a_config_with_impossible_names() {
    for (line, word) in [
        ("package = 'class'", "class"),
        ("package = 'shop.import'", "import"),
        ("celery-app = 'orders.lambda:app'", "lambda"),
        ("celery-app = 'orders.celery:None'", "None"),
        ("settings = '../../x'", "../../x"),
        ("settings = '/etc/passwd'", "/etc/passwd"),
        ("tasks-dir = '../../x'", "../../x"),
        ("env-files = ['../../x']", "../../x"),
        ("name = 'a\\nb'", "name"),
        ("nmae = 'orders'", "`name`"),
        ("name = 7", "name"),
        ("name = ", "scaffold-events.toml:2"),
    ] {
        let scene = Scene::new();
        scene.put("orders/scaffold-events.toml", format!("# ours\n{line}\n"));
        scene.is_refused(&["orders/scaffold-events.toml:2", word]);
    }
}

#[test]
fn a_queue_that_is_not_kombus() {
    for other in [
        "from queue import Queue\n",
        "from multiprocessing import Queue\n",
        "class Queue: pass\n",
        "Queue = object\n",
    ] {
        let settings = format!("{other}{SETTINGS}JOBS = Queue()\n");
        let scene = Scene::with_settings(&settings);
        let (code, said) = scene.run(&["init", "orders"]);
        is_readable(&said);
        if code == 3 {
            assert!(said.contains("orders/orders/settings.py:"), "{said}");
            assert_eq!(scene.settings(), settings.as_bytes());
            continue;
        }
        assert_eq!(code, 0, "{said}");
        let after = String::from_utf8(scene.settings()).unwrap();
        assert!(
            after.contains("kombu.Queue(") || after.contains("Queue as KombuQueue"),
            "{after}"
        );
        assert!(after.contains(other), "{after}");
    }
}

#[test]
fn queues_bound_where_nobody_can_follow() {
    for (statement, line) in [
        ("for CELERY_QUEUES in [(), ()]:\n    pass\n", 3),
        ("for name in ['a']:\n    CELERY_QUEUES = (name,)\n", 4),
        ("while maybe():\n    CELERY_QUEUES = ()\n", 4),
        ("globals()['CELERY_QUEUES'] = ()\n", 3),
        ("globals().update(CELERY_QUEUES=())\n", 3),
        ("exec('CELERY_QUEUES = ()')\n", 3),
        ("CELERY_QUEUES, X = (), 1\n", 3),
        ("CELERY_QUEUES = ()\ndel CELERY_QUEUES\n", 4),
        ("with open('x') as CELERY_QUEUES:\n    pass\n", 3),
        ("def CELERY_QUEUES():\n    pass\n", 3),
        ("import sys as CELERY_QUEUES\n", 3),
    ] {
        let scene = Scene::with_settings(format!("{SETTINGS}{statement}"));
        let before = scene.state();
        let (code, said) = scene.run(&["init", "orders"]);
        assert_eq!(code, 3, "{statement}{said}");
        is_readable(&said);
        let place = format!("orders/orders/settings.py:{line}");
        assert!(said.contains(&place), "{statement}{said}");
        assert!(scene.state() == before, "something was written");
    }
}

/// What cannot be read is not gone: an error of the system, with the path, in every command.
#[test]
fn files_of_a_wired_service_that_the_system_keeps() {
    let files = [
        "scaffold-events.lock",
        "scaffold-events.toml",
        "orders/settings.py",
        "orders/microservice_events_listener.py",
        "orders/microservice_events.py",
    ];
    let person = Person::new();
    for file in files {
        let scene = person.scene();
        let (code, said) = person.run(&scene, &["init", "orders"]);
        assert_eq!(code, 0, "{said}");
        let path = scene.at("orders").join(file);
        set_mode(&path, 0o000);
        for command in ["init", "check", "diff", "sync", "remove", "doctor"] {
            let (code, said) = person.run(&scene, &[command, "orders"]);
            assert_eq!(code, 2, "{command}, {file}: {said}");
            is_readable(&said);
            let named = said.contains(&format!("{file} cannot be read: "));
            assert!(named, "{command}, {file}: {said}");
        }
    }
}
