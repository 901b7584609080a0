//! The files under `templates/`, embedded: contracts and the skeleton of a new service.
//!
//! The only user of `include_dir`.

use include_dir::{Dir, include_dir};

use crate::path::RelPath;

static TEMPLATES: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The text of one template.
pub(crate) fn text(path: &RelPath) -> Option<&'static str> {
    TEMPLATES.get_file(path.as_str())?.contents_utf8()
}

/// The directories directly in `directory`, sorted.
pub(crate) fn directories(directory: &RelPath) -> Vec<RelPath> {
    let mut found: Vec<RelPath> = dir(directory)
        .into_iter()
        .flat_map(Dir::dirs)
        .map(|dir| path_of(dir.path()))
        .collect();
    found.sort();
    found
}

/// Every file in `directory` and below, sorted.
pub(crate) fn files(directory: &RelPath) -> Vec<RelPath> {
    let mut found = Vec::new();
    let mut open: Vec<_> = dir(directory).into_iter().collect();
    while let Some(dir) = open.pop() {
        found.extend(dir.files().map(|file| path_of(file.path())));
        open.extend(dir.dirs());
    }
    found.sort();
    found
}

fn dir(path: &RelPath) -> Option<&'static Dir<'static>> {
    TEMPLATES.get_dir(path.as_str())
}

fn path_of(path: &std::path::Path) -> RelPath {
    path.to_str()
        .and_then(RelPath::parse)
        .expect("we name our templates in plain relative text")
}
