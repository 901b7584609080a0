//! Other modules that read a name which would go with our parts. Pure.

use std::collections::BTreeSet;

use super::piece::pieces;
use super::removal::Removal;
use crate::edit::Span;
use crate::facts::text::contains;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::bindings::binds;
use crate::python::parse::parse;
use crate::python::syntax::{ExprKind, Module, StmtKind, walk};

impl Removal<'_> {
    /// `from orders.settings import SERVICE_NAME`, `settings.SERVICE_NAME`: both fail once it is gone.
    pub(super) fn names_still_read(&self) -> (BTreeSet<String>, Vec<Finding>) {
        let (mut read, mut findings) = (BTreeSet::new(), Vec::new());
        let files = self.tree.walk();
        for (path, names) in self.names_that_go() {
            for file in &files {
                if *file == path || !file.has_extension("py") || self.changes.contains_key(file) {
                    continue;
                }
                let bytes = self.tree.bytes(file).unwrap_or_default();
                if !names.iter().any(|name| contains(&bytes, name)) {
                    continue;
                }
                let Ok(module) = self.tree.python(file) else {
                    continue;
                };
                for name in &names {
                    for span in reads(&module, &path, name) {
                        read.insert(name.clone());
                        findings.push(still_read(&path, file, span, name));
                    }
                }
            }
        }
        (read, findings)
    }

    /// The names that a file binds today by our hand, and does not any more.
    fn names_that_go(&self) -> Vec<(RelPath, Vec<String>)> {
        let mut all = Vec::new();
        for (path, shared) in &self.lock.shared {
            let after = self
                .changes
                .get(path)
                .and_then(|change| change.after.as_deref());
            let Some(after) = after.and_then(|after| parse(after.into()).ok()) else {
                continue;
            };
            let ours = shared.undo.iter().flat_map(pieces);
            let mut names: Vec<String> = ours.filter_map(|piece| piece.name()).collect();
            names.retain(|name| binds(&after.body, name).is_empty());
            all.push((path.clone(), names));
        }
        all
    }
}

/// Where a module reads a name of the settings in this file.
fn reads(module: &Module, settings: &RelPath, name: &str) -> Vec<Span> {
    let is_settings = |dotted: &str| {
        let last = dotted.rsplit('.').next().unwrap_or_default();
        last == settings.stem() || last == "settings"
    };
    let mut found = Vec::new();
    walk(&module.body, &mut |stmt| {
        if let StmtKind::ImportFrom { module, names, .. } = &stmt.kind
            && module.as_deref().is_some_and(is_settings)
        {
            let alias = names.iter().find(|alias| alias.name == name);
            found.extend(alias.map(|alias| alias.span));
        }
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Attribute {
                    value,
                    name: attribute,
                } = &part.kind
                    && attribute.text == name
                    && value.dotted().is_some_and(|dotted| is_settings(&dotted))
                {
                    found.push(part.span);
                }
            });
        }
    });
    found
}

fn still_read(settings: &RelPath, file: &RelPath, span: Span, name: &str) -> Finding {
    let message = format!("`{name}` was ours, and stays in {settings}: it is read here");
    Finding::note("part-left", message)
        .at(file, span)
        .help(format!(
            "once nothing reads it, take `{name}` out of {settings} by hand"
        ))
}
