//! A file's dotted module name, as the service itself would say it. Pure.

use std::cmp::Reverse;

use crate::facts::modules::{Roots, has_file, is_identifier, is_package, package_root};
use crate::facts::scope::expressions;
use crate::facts::service::Service;
use crate::path::RelPath;
use crate::python::syntax::{Module, StmtKind, walk};
use crate::tree::Tree;

/// The dotted module of a file, from the root that worker commands and its own imports speak of.
pub fn module_name(service: &Service<'_>, file: &RelPath) -> Option<String> {
    likeliest(service, file).map(|(_, dotted)| dotted)
}

/// The directory from which that module is imported.
pub fn import_root(service: &Service<'_>, file: &RelPath) -> Option<RelPath> {
    likeliest(service, file).map(|(root, _)| root)
}

fn likeliest(service: &Service<'_>, file: &RelPath) -> Option<(RelPath, String)> {
    let mut roots = service.roots.clone();
    roots.add_root_of(service.tree, file);
    let spoken = service
        .module(file)
        .map(|module| dotted_names(&module))
        .unwrap_or_default();
    let votes = |root: &RelPath, dotted: &str| {
        // A file's `import celery` is no vote for the root under which it would import itself.
        let found = |name: &&String| {
            Roots::below(service.tree, root, name).is_some_and(|found| found != *file)
        };
        let started = service.started.iter().any(|name| {
            let module = name.split(':').next().unwrap_or_default();
            module == dotted || format!("{module}.celery") == dotted
        });
        spoken.iter().filter(found).count() + if started { 1000 } else { 0 }
    };
    let mut directories = roots.directories().to_vec();
    directories.extend(started_in(service, &roots, file, &spoken));
    let mut named: Vec<_> = directories
        .into_iter()
        .filter_map(|root| Some((root.clone(), roots.dotted_below(&root, file)?)))
        .collect();
    named.sort_by_cached_key(|(root, dotted)| {
        (
            Reverse(votes(root, dotted)),
            dotted == "celery",
            !is_start(service.tree, root, file),
        )
    });
    named.into_iter().next()
}

/// A directory above the file that no mark tells apart: `lib` of `from lib import config` is below it and below
/// no other root. In a package, Python 2 looks beside the file first, which makes no root.
fn started_in(
    service: &Service<'_>,
    roots: &Roots,
    file: &RelPath,
    spoken: &[String],
) -> Option<RelPath> {
    let tree = service.tree;
    let is_new = |directory: &RelPath| {
        let beside = file.parent().as_ref() == Some(directory) && is_package(tree, directory);
        !roots.directories().contains(directory) && !beside
    };
    let explains = |directory: &RelPath| {
        spoken.iter().any(|name| {
            let below = Roots::below(tree, directory, name);
            below.is_some_and(|found| found != *file) && roots.locate(tree, name).is_none()
        })
    };
    let mut directory = file.parent();
    while let Some(above) = directory {
        if is_new(&above) && explains(&above) {
            return Some(above);
        }
        directory = above.parent();
    }
    None
}

/// Python starts in this directory: a manage.py or requirements stand there, or it is above the topmost package.
fn is_start(tree: &Tree, root: &RelPath, file: &RelPath) -> bool {
    let marks = [
        "manage.py",
        "setup.py",
        "pyproject.toml",
        "requirements.txt",
        "Pipfile",
        "Procfile",
    ];
    let in_package = file
        .parent()
        .is_some_and(|directory| is_package(tree, &directory));
    marks.iter().any(|name| has_file(tree, &root.join(name)))
        || (in_package && package_root(tree, file) == *root)
}

/// The absolute modules that a file speaks of: its imports, and strings such as `'orders.settings'`.
fn dotted_names(module: &Module) -> Vec<String> {
    let mut found = Vec::new();
    walk(&module.body, &mut |stmt| match &stmt.kind {
        StmtKind::Import { names } => found.extend(names.iter().map(|alias| alias.name.clone())),
        StmtKind::ImportFrom {
            module: Some(module),
            level: 0,
            names,
        } => {
            found.push(module.clone());
            let inside = names.iter();
            found.extend(inside.map(|alias| format!("{module}.{}", alias.name)));
        }
        _ => {}
    });
    expressions(&module.body, &mut |expr| {
        let text = expr
            .string()
            .filter(|text| text.split('.').all(is_identifier));
        found.extend(text);
    });
    found
}
