//! `init` on a service that was wired by hand: nothing that is right changes, and it is on record.
#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;

use cases::{Expect, Files, applied, cases, files};
use scaffold_events::config::Config;
use scaffold_events::contract::Contracts;
use scaffold_events::init::{Listener, init};
use scaffold_events::lock::LOCK;
use scaffold_events::path::RelPath;
use scaffold_events::plan::{Kind, Plan};
use scaffold_events::standing::State;
use scaffold_events::sync::{Wishes, standing, sync};
use scaffold_events::tree::Tree;
use scaffold_events::unwire::{Edited, unwire};

fn initialised(name: &str, files: &Files, listener: Listener) -> Plan {
    let tree = Tree::named(name, files.clone());
    init(&tree, &Config::default(), &Contracts::embedded(), listener).unwrap()
}

#[test]
fn what_was_wired_by_hand_is_recorded_as_it_is() {
    let mut seen = 0;
    for (name, folder, case) in cases() {
        if case.expect != Expect::Clean {
            continue;
        }
        seen += 1;
        let before = files(&folder.join("in"));
        let directory = case.directory.as_deref().unwrap_or("orders");
        let plan = initialised(directory, &before, Listener::Keep);
        let kinds = plan.changes.iter().map(|change| change.kind);
        assert!(
            kinds.eq([Kind::Record, Kind::Record]),
            "{name}: {:?}",
            plan.changes
        );
        let after = applied(&before, &plan);
        let tree = Tree::named("anything", after.clone());
        let contracts = Contracts::embedded();
        let stands = standing(&tree, &Config::default(), &contracts).unwrap();
        assert_eq!(
            (stands.standing.worst(), stands.changes.len()),
            (State::Clean, 0),
            "{name}"
        );
        let moved = sync(&tree, &Config::default(), &contracts, &Wishes::default()).unwrap();
        assert_eq!(moved.changes, [], "{name}");
        let gone = unwire(&tree, &contracts, Edited::Keep).unwrap();
        assert_eq!(applied(&after, &gone), before, "{name}: adopted parts stay");
        assert_eq!(initialised("anything", &after, Listener::Keep).changes, []);
    }
    assert!(seen >= 4);
}

/// `sync` has nothing to do for a service whose one error only a person can mend.
#[test]
fn what_is_wired_and_broken_is_told_again_and_not_refused() {
    let mut seen = 0;
    for (name, folder, case) in cases() {
        if case.expect != Expect::Wired || case.check != Some(1) {
            continue;
        }
        seen += 1;
        let again = initialised("anything", &files(&folder.join("out")), Listener::Keep);
        assert_eq!(again.standing.worst(), State::Broken, "{name}");
        assert_eq!(
            (again.is_refused(), again.changes.len()),
            (false, 0),
            "{name}"
        );
    }
    assert!(seen >= 4);
}

#[test]
fn a_listener_copied_by_hand_is_replaced_only_when_asked() {
    let (_, folder, case) = cases()
        .into_iter()
        .find(|(name, ..)| name == "listener-of-the-verbatim-document-refused")
        .unwrap();
    let before = files(&folder.join("in"));
    let directory = case.directory.as_deref().unwrap_or("orders");
    let refused = initialised(directory, &before, Listener::Keep);
    assert!(refused.is_refused() && refused.changes.is_empty());
    assert!(
        refused.findings[0]
            .help
            .concat()
            .contains("--adopt-listener")
    );
    let plan = initialised(directory, &before, Listener::Replace);
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let owned = plan
        .changes
        .iter()
        .find(|change| change.kind == Kind::Owned)
        .unwrap();
    assert_eq!(
        owned.before.as_deref(),
        before.get(&owned.path).map(Vec::as_slice)
    );
    let after = applied(&before, &plan);
    assert!(after.contains_key(&RelPath::root().join(LOCK)));
    let again = initialised("anything", &after, Listener::Keep);
    assert!(
        again.changes.is_empty() && !again.is_refused(),
        "{:?}",
        again.findings
    );
}

#[test]
fn a_lost_lock_is_written_anew_and_our_file_is_known_again() {
    let (_, folder, _) = cases()
        .into_iter()
        .find(|(name, ..)| name == "crlf-settings")
        .unwrap();
    let mut after = files(&folder.join("out"));
    let lock = RelPath::root().join(LOCK);
    after.remove(&lock);
    let plan = initialised("orders", &after, Listener::Keep);
    assert_eq!(plan.changes.len(), 1);
    let text = String::from_utf8(plan.changes[0].after.clone().unwrap()).unwrap();
    assert!(
        text.contains("[owned.\"orders/microservice_events_listener.py\"]"),
        "{text}"
    );
}
