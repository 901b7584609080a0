//! Pins of the config that lead nowhere any more: found again by meaning, or left to detection. Pure.

use super::fate::Fate;
use crate::config::{AppName, Config};
use crate::path::RelPath;
use crate::python::bindings::binds;
use crate::tree::{Entry, Tree};

/// The config's keys to plan without (`None`) or with another value.
pub(super) fn pins(
    tree: &Tree,
    config: &Config,
    fate: &Fate,
) -> Vec<(&'static str, Option<String>)> {
    let mut values = Vec::new();
    let gone = |path: &RelPath| tree.entry(path) == Entry::Missing;
    if config.settings.as_ref().is_some_and(gone) {
        values.push(("settings", None));
    }
    if let Some(app) = &config.celery_app
        && !is_bound(tree, app)
    {
        values.push(("celery-app", None));
    }
    if let Some(directory) = fate.moved_to() {
        values.push(("tasks-dir", Some(directory.to_string())));
    } else if config.tasks_dir.as_ref().is_some_and(gone) {
        values.push(("tasks-dir", None));
    }
    values
}

/// Whether some file of the service has this dotted name, from whichever root, and binds the variable.
fn is_bound(tree: &Tree, app: &AppName) -> bool {
    let path = app.module.replace('.', "/");
    let (file, package) = (format!("{path}.py"), format!("{path}/__init__.py"));
    let ends = |whole: &str, end: &str| {
        whole == end
            || whole
                .strip_suffix(end)
                .is_some_and(|rest| rest.ends_with('/'))
    };
    let files = tree.walk();
    let mut files = files.iter();
    files.any(|known| {
        let is_it = ends(known.as_str(), &file) || ends(known.as_str(), &package);
        // Of a file that does not parse whole, or imports all of another, nothing is known.
        is_it
            && tree.python(known).map_or(true, |module| {
                !module.errors.is_empty()
                    || !binds(&module.body, &app.variable).is_empty()
                    || !binds(&module.body, "*").is_empty()
            })
    })
}
