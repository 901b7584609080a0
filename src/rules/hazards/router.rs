//! A router in use that cannot be imported: nothing asks for its library, or for another release of it.

use crate::celery::Setting;
use crate::draft::Draft;
use crate::facts::pins::Version;
use crate::finding::Finding;
use crate::rules::Context;
use crate::rules::route_choice::{library_line, pinned};
use crate::rules::routes::router_in;

/// Every task that is sent raises `ImportError` where Celery cannot import a router.
pub(super) fn router_without_library(context: &Context<'_>, draft: &mut Draft) {
    let contract = context.contract;
    let (library, pins) = (&contract.library, &context.facts.pins);
    // Another release of it that goes with another contract has its own finding.
    let is_told = |finding: &Finding| finding.code == "contract-not-the-pinned-one";
    let is_known = pins.iter().next().is_some()
        && comes_with(&contract.router, library)
        && !is_vendored(context);
    let no_release = Version::parse(&contract.library_version).is_none();
    if !is_known || no_release || pinned(context).is_some() || draft.findings.iter().any(is_told) {
        return;
    }
    let sites = context
        .settings
        .find(Setting::TaskRoutes)
        .unwrap_or_default();
    let uses = sites
        .iter()
        .find_map(|site| Some((site, router_in(site, &contract.router)?)));
    let Some((site, router)) = uses else {
        return;
    };
    let what = match pins.of(library).next() {
        Some(pin) => format!("pin {} in {}", contract.requirement(), pin.place.path),
        None => library_line(context),
    };
    let message = match pins.of(library).next() {
        Some(_) => format!(
            "the router in use is of {library} up to {}, and another release is asked for",
            contract.library_version
        ),
        None => format!("the router in use is of {library}, and nothing asks for it here"),
    };
    let finding = Finding::error("router-without-library", message)
        .at(&site.file, router)
        .label("where it cannot be imported, every task raises ImportError when it is sent")
        .help(format!("{what}; or take the router out of the routes"));
    draft.findings.push(
        pins.of(library)
            .fold(finding, |finding, pin| finding.place(&pin.place)),
    );
}

/// A copy of the library in the service's own tree needs no pin.
fn is_vendored(context: &Context<'_>) -> bool {
    let package = context
        .contract
        .router
        .split('.')
        .next()
        .unwrap_or_default();
    let files = context.tree.walk();
    files
        .iter()
        .any(|path| path.parts().any(|part| part == package))
}

/// `zc_common.events.routers.TaskRouter` comes with `zc_common`; a router of the service's own with nothing.
fn comes_with(router: &str, library: &str) -> bool {
    let package = router.split('.').next().unwrap_or_default();
    package.replace('-', "_") == library.replace('-', "_")
}
