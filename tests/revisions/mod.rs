//! A second revision of `zc-common@1`, which only tests know.

use std::path::Path;

use scaffold_events::contract::Contracts;

use crate::cases::files;

/// The released contracts and `zc-common@1.1`.
pub(crate) fn with_second_revision() -> Contracts {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/revisions/zc-common/1.1");
    let contracts = Contracts::embedded();
    contracts.with("zc-common@1.1", files(&folder)).unwrap()
}
