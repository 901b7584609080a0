//! Contracts as data: what comes of wiring a service with each of them.

#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;
mod revisions;

use std::path::Path;

use cases::files;
use scaffold_events::config::Config;
use scaffold_events::plan::plan;
use scaffold_events::tree::Tree;

#[test]
fn a_new_revision_is_what_its_generation_means() {
    let contracts = revisions::with_second_revision();
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/broker-plain-literal/in");
    let tree = Tree::named("orders", files(&folder));
    let wired = |contract: &str| {
        let flags = Config {
            contract: Some(contract.to_owned()),
            ..Config::default()
        };
        let plan = plan(&tree, &flags, &contracts).unwrap();
        let listener = plan
            .changes
            .iter()
            .find(|change| change.path.as_str().ends_with("_listener.py"));
        String::from_utf8(listener.unwrap().after.clone().unwrap()).unwrap()
    };
    let logs_meta = |text: String| text.contains("kwargs.get(\"meta\"),\n");
    assert!(logs_meta(wired("zc-common@1")));
    assert!(logs_meta(wired("zc-common@1.1")));
    assert!(!logs_meta(wired("zc-common@1.0")));
}
