use proptest::prelude::*;

use super::*;
use crate::finding::Finding;
use crate::tree::Tree;

fn tree(files: &[(&str, &[u8])]) -> Tree {
    Tree::memory(
        files
            .iter()
            .map(|(path, text)| (RelPath::root().join(path), text.to_vec())),
    )
}

fn own(text: &str) -> Result<Loaded, Finding> {
    load(&tree(&[(FILE, text.as_bytes())]))
}

fn pyproject(text: &str) -> Result<Loaded, Finding> {
    load(&tree(&[("pyproject.toml", text.as_bytes())]))
}

/// The message of a refusal, and the text it points at.
fn refusal(text: &str) -> (String, String) {
    let finding = own(text).unwrap_err();
    let span = finding.places[0].span.expect("a config finding has a span");
    (finding.message, span.of(text).to_owned())
}

fn orders() -> Config {
    Config {
        name: Some("orders".into()),
        celery_app: Some(values::celery_app("orders.celery:app").unwrap()),
        ..Config::default()
    }
}

fn extended(path: &str, text: &str) -> String {
    let loaded = load(&tree(&[(path, text.as_bytes())])).unwrap();
    let (written, bytes) = write(&loaded, &orders());
    assert_eq!(written.as_str(), path);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_key_is_read() {
    let loaded = own(concat!(
        "name = 'orders'\npackage = 'shop.orders'\nsettings = 'shop/settings.py'\n",
        "celery-app = 'shop.celery:app'\ntasks-dir = '.'\nenv-files = ['.env.sample']\n",
        "contract = 'zc-common@1.0'\nroute = 'event-only'\nallow-non-amqp = true\n",
    ))
    .unwrap();
    let pairs = loaded.config.pairs();
    assert_eq!(pairs.len(), keys::KEYS.len());
    assert_eq!(pairs[4], ("tasks-dir", ".".to_owned()));
    assert_eq!(pairs[7], ("route", "event-only".to_owned()));
}

#[test]
fn no_file_is_an_empty_config() {
    assert_eq!(load(&tree(&[])).unwrap(), Loaded::default());
    let other = "[tool.poetry]\nname = 'x'\n";
    assert_eq!(pyproject(other).unwrap(), Loaded::default());
    let only_named = "[tool.poetry]\ndev = ['scaffold-events']\n";
    assert_eq!(pyproject(only_named).unwrap(), Loaded::default());
}

#[test]
fn a_broken_pyproject_that_never_names_us_is_not_our_business() {
    assert_eq!(pyproject("[tool.poetry\n").unwrap(), Loaded::default());
    let ours = pyproject("[tool.scaffold-events]\nname = \n").unwrap_err();
    assert_eq!(ours.code, "config-syntax");
}

#[test]
fn two_configs_are_refused() {
    let both = tree(&[(FILE, b""), ("pyproject.toml", b"[tool.scaffold-events]\n")]);
    let finding = load(&both).unwrap_err();
    assert_eq!(finding.code, "config-twice");
    assert_eq!(finding.places.len(), 2);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let text = "\u{feff}name = 'a'\r\ncelery_app = 'a:b'\r\n";
    let finding = own(text).unwrap_err();
    assert_eq!(finding.message, "there is no key `celery_app`");
    assert_eq!(finding.help, ["did you mean `celery-app`?"]);
    assert_eq!(finding.places[0].span.unwrap().of(text), "celery_app");
    assert!(own("zzz = 1").unwrap_err().help[0].starts_with("the keys are name, package"));
}

#[test]
fn wrong_types_and_values_point_at_the_value() {
    assert_eq!(
        refusal("name = 3"),
        (
            "name: this must be a string, found integer".into(),
            "3".into()
        )
    );
    assert_eq!(
        refusal("env-files = ['a', 3]"),
        (
            "env-files: this must be a list of strings, found integer".into(),
            "3".into()
        )
    );
    assert_eq!(
        refusal("package = 'shop.class'"),
        (
            "package: `shop.class` is not a Python module: `class` is a Python keyword".into(),
            "'shop.class'".into()
        )
    );
    assert_eq!(
        refusal("settings = '../../x'").0,
        "settings: `../../x` leads out of the service: write a path relative to its root"
    );
    assert_eq!(
        refusal("route = 'rooter'").0,
        "route: `rooter` is not a route: `auto`, `router` or `event-only`; did you mean `router`?"
    );
    assert_eq!(refusal("a = 1\na = 2").0, "this is not TOML: duplicate key");
}

#[test]
fn a_file_that_is_not_utf8_says_where() {
    let finding = load(&tree(&[(FILE, b"# caf\xe9\n")])).unwrap_err();
    assert_eq!(finding.code, "config-not-utf8");
    assert_eq!(finding.places[0].span.unwrap().start, 5);
}

#[test]
fn names_are_checked() {
    for bad in ["", "a b", "'", "a\"b", "-a", "a\n", &"a".repeat(201), "ä"] {
        assert!(values::service_name(bad).is_err(), "{bad:?}");
    }
    for good in ["orders", "slots-and-orders", "7.b_c", &"a".repeat(200)] {
        assert!(values::service_name(good).is_ok(), "{good:?}");
    }
    for bad in ["", "a.", "a..b", "1a", "a-b", "print", "async.x", "ä"] {
        assert!(values::dotted_name(bad).is_err(), "{bad:?}");
    }
    for bad in ["a", "a:", ":a", "a:b.c", "a:b:c", "a:None"] {
        assert!(values::celery_app(bad).is_err(), "{bad:?}");
    }
    for bad in ["/etc", "..", "a/../..", "", "a\nb", "."] {
        assert!(values::file(bad).is_err(), "{bad:?}");
    }
    for bad in ["zc", "zc@", "zc@1.", "@1", "zc@1.0.0", "Zc@1", "../x@1"] {
        assert!(values::contract_id(bad).is_err(), "{bad:?}");
    }
    assert!(values::contract_id("zc-common@1").is_ok());
    for bad in ["zc@", "../x@1", "/etc", "..", "a/../..", ".", ""] {
        assert!(values::contract(bad).is_err(), "{bad:?}");
    }
    assert_eq!(
        values::contract("./contracts//ours/").unwrap(),
        "contracts/ours"
    );
}

#[test]
fn a_new_file_holds_what_was_settled() {
    let (path, bytes) = write(&Loaded::default(), &orders());
    assert_eq!(path.as_str(), FILE);
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "# What scaffold-events wires. Flags beat this, this beats detection.\n\
         name = \"orders\"\ncelery-app = \"orders.celery:app\"\n"
    );
}

#[test]
fn what_the_user_wrote_stays() {
    let text = "\u{feff}# mine\r\nroute = 'auto' # why\r\nname = 'mine'\r\n\r\n# end\r\n";
    assert_eq!(
        extended(FILE, text),
        "\u{feff}# mine\r\nroute = 'auto' # why\r\nname = 'mine'\r\n\
         celery-app = \"orders.celery:app\"\r\n\r\n# end\r\n"
    );
}

#[test]
fn missing_keys_join_the_table_as_it_is_written() {
    let settled = "name = \"orders\"\ncelery-app = \"orders.celery:app\"\n";
    for (text, wanted) in [
        ("", settled.to_owned()),
        ("# c", format!("# c\n{settled}")),
        ("route = 'auto'", format!("route = 'auto'\n{settled}")),
    ] {
        assert_eq!(extended(FILE, text), wanted);
    }
    for (text, wanted) in [
        (
            "[tool.scaffold-events] # c\n\n[x]\n",
            format!("[tool.scaffold-events] # c\n{settled}\n[x]\n"),
        ),
        (
            "[tool]\n  scaffold-events.route = 'auto'\nz = 1",
            "[tool]\n  scaffold-events.route = 'auto'\n  scaffold-events.name = \"orders\"\n  \
             scaffold-events.celery-app = \"orders.celery:app\"\nz = 1"
                .to_owned(),
        ),
        (
            "[tool]\nscaffold-events = {}\n",
            "[tool]\nscaffold-events = { name = \"orders\", celery-app = \"orders.celery:app\" }\n"
                .to_owned(),
        ),
        (
            "tool.scaffold-events = { name = 'x' } # c",
            "tool.scaffold-events = { name = 'x', celery-app = \"orders.celery:app\" } # c"
                .to_owned(),
        ),
    ] {
        assert_eq!(extended("pyproject.toml", text), wanted);
    }
}

#[test]
fn what_moved_is_said_in_the_table_as_it_is_written() {
    let own = |table: &str| format!("[tool]\n{table}\n[x]\n");
    for (before, after) in [
        (
            "scaffold-events = { name = 'a', settings = 'b.py', package = 'c' } # d",
            "scaffold-events = { name = 'a', package = \"e\" } # d",
        ),
        (
            "scaffold-events = { settings = 'b.py', package = 'c', name = 'a' }",
            "scaffold-events = { package = \"e\", name = 'a' }",
        ),
        (
            "scaffold-events = {settings='b.py'}",
            "scaffold-events = {}",
        ),
        (
            "  scaffold-events.settings = 'b.py' # d\n  scaffold-events.name = 'a'",
            "  scaffold-events.name = 'a'",
        ),
        (
            "scaffold-events.name = 'a'\nscaffold-events.settings = 'b.py'",
            "scaffold-events.name = 'a'",
        ),
    ] {
        let text = own(before);
        let loaded = pyproject(&text).unwrap();
        let moved = [("settings", None), ("package", Some("e".to_owned()))];
        let (_, bytes) = revised(&loaded, &moved).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), own(after));
    }
}

#[test]
fn flags_beat_config() {
    let flags = Config {
        name: Some("flag".into()),
        ..Config::default()
    };
    let both = flags.over(orders());
    assert_eq!(both.name.as_deref(), Some("flag"));
    assert_eq!(both.celery_app, orders().celery_app);
}

proptest! {
    #[test]
    fn reading_never_panics(bytes: Vec<u8>, text in "(name|route|env-files|a) ?= ?['\\[\\]{}a-z.\r\n]{0,12}") {
        let _ = load(&tree(&[(FILE, &bytes)]));
        let _ = own(&text);
    }

    #[test]
    fn what_is_written_is_read_again(newline in "\r?\n", known in 0_usize..4, end: bool) {
        let pairs = ["route = 'auto'", "name = 'mine'", "contract = 'a@1'"];
        let mut text = pairs[..known.min(3)].join(&newline);
        if end { text.push_str(&newline); }
        let first = own(&text).unwrap();
        let (_, once) = write(&first, &orders());
        let second = load(&tree(&[(FILE, &once)])).unwrap();
        prop_assert_eq!(&second.config, &first.config.clone().over(orders()));
        prop_assert_eq!(write(&second, &orders()).1, once);
    }
}
