use proptest::prelude::*;

use super::*;
use crate::edit::{Edit, EditSet};
use crate::newline::with_lf;

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn lock() -> Lock {
    let mut lock = Lock::new("zc-common@1.0");
    lock.inputs.insert("name".into(), "orders".into());
    let text = Text("id = \"a@1.0\"\r\n\n".into());
    lock.contract_files.insert(path("contract.toml"), text);
    let owned = Owned {
        written: hash(b"a"),
        accepted: hash(b"b"),
    };
    lock.owned.insert(path("orders/tasks/listener.py"), owned);
    let seeded = Seeded { written: hash(b"") };
    lock.seeded.insert(path("orders/tasks/events.py"), seeded);
    lock.shared.insert(path("a \"b\".py"), shared());
    lock
}

fn shared() -> Shared {
    let undo = Undo {
        at: 4,
        ours: "it's\n".into(),
        insert: "\t'\\\u{7f}\r\n".into(),
    };
    Shared {
        before: "sha256:0".into(),
        hash: "sha256:1".into(),
        newline: Newline::Mixed,
        establishes: vec!["events queue".into()],
        undo: vec![undo],
    }
}

#[test]
fn the_file_reads_well() {
    let text = String::from_utf8(lock().render()).unwrap();
    let expected = r#" = 1
contract = "zc-common@1.0"

[inputs]
"name" = "orders"

[contract-files]
"contract.toml" = [
  "id = \"a@1.0\"\r",
  "",
  "",
]

[owned."orders/tasks/listener.py"]
written = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
accepted = "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"

[seeded."orders/tasks/events.py"]
written = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

[shared."a \"b\".py"]
before = "sha256:0"
hash = "sha256:1"
newline = "mixed"
establishes = [
  "events queue",
]

[[shared."a \"b\".py".undo]]
at = 4
ours = "it's\n"
insert = "\t'\\\u007f\r\n"
"#;
    assert_eq!(text.split_once("version").unwrap().1, expected);
}

#[test]
fn what_is_rendered_is_parsed() {
    let lock = lock();
    assert_eq!(Lock::parse(&lock.render()).unwrap(), lock);
    let crlf = Newline::Crlf.convert(&lock.render());
    assert_eq!(Lock::parse(&crlf).unwrap(), lock, "after git's conversion");
    let empty = Lock::new("x@1.0");
    assert_eq!(Lock::parse(&empty.render()).unwrap(), empty);
}

#[test]
fn what_is_not_understood_is_refused() {
    let good = String::from_utf8(lock().render()).unwrap();
    let swap = |from: &str, to: &str| good.replace(from, to);
    let seeded = "orders/tasks/events.py";
    let twice = good.clone() + &good[good.find("[inputs]").unwrap()..];
    let cut = good[..good.len() - 3].to_owned();
    for (text, code, words) in [
        (format!("<<<<<<< a\n{good}"), "lock-conflict", "conflict"),
        (swap("contract", "=======\nx"), "lock-conflict", "conflict"),
        (
            swap("version = 1", "version = 2\nx = 3"),
            "lock-version",
            "newer",
        ),
        (
            swap("version = 1", "version = 0"),
            "lock-damaged",
            "version 0",
        ),
        (swap("version = 1", ""), "lock-damaged", "version"),
        (swap("accepted", "unheard"), "lock-damaged", "unheard"),
        (swap(seeded, "../a.py"), "lock-damaged", "below the service"),
        (swap(seeded, "/etc/a"), "lock-damaged", "below the service"),
        (swap("at = 4", "at = -4"), "lock-damaged", "-4"),
        (twice, "lock-damaged", "duplicate"),
        (cut, "lock-damaged", "string"),
        (String::new(), "lock-damaged", "missing field"),
    ] {
        let finding = Lock::parse(text.as_bytes()).unwrap_err();
        assert_eq!(finding.code, code, "{finding:?}");
        assert!(finding.message.contains(words), "{finding:?}");
        assert!(!finding.help.is_empty() && finding.places.len() == 1);
    }
    let finding = Lock::parse(b"version = 1\n\xff\xfe").unwrap_err();
    assert_eq!(finding.code, "lock-damaged");
}

#[test]
fn a_refusal_points_at_its_line() {
    let text = b"version = 1\ncontract = 7\n";
    let span = Lock::parse(text).unwrap_err().places[0].span.unwrap();
    assert_eq!(&text[span.start..span.end], b"7");
}

#[test]
fn an_undo_applies_to_nothing_else() {
    let mut edits = EditSet::default();
    edits.add(Edit::insert(2, "new\n")).unwrap();
    let shared = Shared::record(b"a\nb\n", &edits, Vec::new());
    assert_eq!(shared.undo(b"a\nnew\nb\n").unwrap(), b"a\nb\n");
    assert_eq!(shared.undo(b"a\nnew\nb\nc\n"), None);
    for (at, ours) in [
        (0, "new\n"),
        (2, "new"),
        (2, "old\n"),
        (99, ""),
        (8, "b\nc"),
    ] {
        let mut damaged = shared.clone();
        damaged.undo[0].at = at;
        damaged.undo[0].ours = ours.into();
        assert_eq!(damaged.undo(b"a\nnew\nb\n"), None, "{at} {ours}");
    }
}

#[test]
fn text_that_is_not_utf8_is_not_guessed_back() {
    let mut edits = EditSet::default();
    edits.add(Edit::replace(Span::new(0, 1), "e")).unwrap();
    let shared = Shared::record(b"\xe9\n", &edits, Vec::new());
    assert_eq!(shared.undo(b"e\n"), None);
}

/// A text of whole pieces, so that no edit parts a CR from its LF, and edits between them:
/// for each piece, what comes in front of it and whether it goes.
fn edited() -> impl Strategy<Value = (Vec<u8>, EditSet)> {
    let newline = prop_oneof![Just("\n"), Just("\r\n"), Just("\u{e9}\t")];
    let piece = prop_oneof!["[a-z=' ]{0,4}", newline.prop_map(str::to_owned)];
    let inserted = proptest::option::of("(x|\n|\r\n|é){1,4}");
    let step = (piece, inserted, proptest::bool::weighted(0.2));
    proptest::collection::vec(step, 0..20).prop_map(|steps| {
        let mut text = Vec::new();
        let mut edits = EditSet::default();
        for (piece, inserted, goes) in steps {
            let start = text.len();
            text.extend_from_slice(piece.as_bytes());
            let end = if goes { text.len() } else { start };
            if inserted.is_some() || end > start {
                let span = Span::new(start, end);
                let edit = Edit::replace(span, inserted.unwrap_or_default());
                edits.add(edit).unwrap();
            }
        }
        (text, edits)
    })
}

proptest! {
    #[test]
    fn undo_gives_back_the_text((text, edits) in edited()) {
        let after = edits.splice(&text);
        let shared = Shared::record(&text, &edits, Vec::new());
        prop_assert_eq!(shared.undo(&after), Some(text.clone()));
        for newline in [Newline::Lf, Newline::Crlf] {
            let converted = newline.convert(&after);
            if converted != after {
                prop_assert_eq!(shared.undo(&converted), Some(newline.convert(&text)));
            }
        }
        let mut lock = Lock::new("x@1.0");
        lock.shared.insert(path("settings.py"), shared);
        prop_assert_eq!(Lock::parse(&lock.render()).unwrap(), lock);
    }

    #[test]
    fn undo_is_right_or_nothing(text in "[\r\na]{0,12}", at in 0..12_usize, new in "[\r\nb]{0,4}") {
        let text = text.into_bytes();
        let mut edits = EditSet::default();
        edits.add(Edit::insert(at.min(text.len()), new)).unwrap();
        let undone = Shared::record(&text, &edits, Vec::new()).undo(&edits.splice(&text));
        prop_assert!(undone.is_none_or(|it| with_lf(&it) == with_lf(&text)));
    }

    #[test]
    fn any_bytes_parse_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Lock::parse(&bytes);
    }
}
