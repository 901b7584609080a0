//! Settings in classes, one for each environment: those that ours does not reach.

use std::sync::Arc;

use crate::draft::Draft;
use crate::edit::Span;
use crate::facts::Source;
use crate::facts::settings::{Home, Site, find_class};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::bindings::{self, Origin, Target};
use crate::python::syntax::{Expr, Module, Stmt, StmtKind, walk};
use crate::rules::Context;

/// Two classes that bind the setting, neither built on the other: we cannot tell which is loaded.
pub fn unrelated(
    module: &Module,
    file: &RelPath,
    home: &str,
    names: &[String],
) -> Result<(), Finding> {
    let (mut own, mut others) = (None, Vec::new());
    walk(&module.body, &mut |stmt| {
        let StmtKind::Class { name, .. } = &stmt.kind else {
            return;
        };
        let related = inherits(&module.body, &name.text, home, 0)
            || inherits(&module.body, home, &name.text, 0);
        match binding(stmt, names) {
            Some(span) if name.text == home => own = Some(span),
            Some(span) if !related => others.push((name.text.clone(), span)),
            _ => {}
        }
    });
    if others.is_empty() {
        return Ok(());
    }
    let mut classes: Vec<String> = others.iter().map(|(name, _)| format!("`{name}`")).collect();
    classes.insert(0, format!("`{home}`"));
    let setting = &names[0];
    let finding = Finding::refusal(
        "setting-in-many-classes",
        format!(
            "`{setting}` is bound in several classes: {}",
            classes.join(", ")
        ),
    )
    .label(format!("we would wire class `{home}` only"))
    .help(format!(
        "bind `{setting}` in one class that the others inherit, then run again"
    ));
    let spans = own.into_iter().chain(others.iter().map(|(_, span)| *span));
    Err(spans.fold(finding, |finding, span| finding.at(file, span)))
}

fn binding(class: &Stmt, names: &[String]) -> Option<Span> {
    let mut found = None;
    for stmt in class.blocks().into_iter().flatten() {
        if let StmtKind::Assign { targets, .. } = &stmt.kind {
            let target = targets.iter().find(|target| {
                target
                    .name()
                    .is_some_and(|name| names.iter().any(|n| n == name))
            });
            found = found.or(target.map(|target| target.span));
        }
    }
    found
}

fn inherits(block: &[Stmt], class: &str, base: &str, depth: usize) -> bool {
    let Some((_, bases)) = find_class(block, class).filter(|_| depth < 8) else {
        return false;
    };
    bases
        .iter()
        .filter_map(Expr::name)
        .any(|name| name == base || inherits(block, name, base, depth + 1))
}

/// Configurations that do not build on the class that is wired.
pub(super) fn not_wired(context: &Context<'_>, draft: &mut Draft) {
    let Home::Class(file, home) = &context.settings.home else {
        return;
    };
    let Ok(module) = context.tree.python(file) else {
        return;
    };
    if !matches!(context.facts.app.source, Source::Configuration { .. }) {
        return;
    }
    walk(&module.body, &mut |stmt| {
        let StmtKind::Class { name, .. } = &stmt.kind else {
            return;
        };
        let class = &name.text;
        let related = class == home
            || inherits(&module.body, class, home, 0)
            || inherits(&module.body, home, class, 0);
        if !related && is_configuration(&module.body, class, 0) {
            let message = format!(
                "`{class}` does not build on `{home}`: a worker that loads it receives no events"
            );
            draft.findings.push(
                Finding::warning("class-not-wired", message)
                    .at(file, name.span)
                    .help(format!(
                        "let it inherit from `{home}`, or move what was added there into a class that both inherit"
                    )),
            );
        }
    });
}

fn is_configuration(block: &[Stmt], class: &str, depth: usize) -> bool {
    let Some((_, bases)) = find_class(block, class).filter(|_| depth < 8) else {
        return false;
    };
    bases
        .iter()
        .filter_map(Expr::dotted)
        .any(|base| base.ends_with("Configuration") || is_configuration(block, &base, depth + 1))
}

impl Context<'_> {
    /// The bindings of a name in classes that build on the home's class.
    pub fn class_overrides(&self, names: &[String]) -> Vec<Site> {
        let by_class = self.overrides_by_class(names).into_iter();
        by_class.map(|(_, site)| site).collect()
    }

    /// The same, each with its class.
    pub fn overrides_by_class(&self, names: &[String]) -> Vec<(String, Site)> {
        let Home::Class(file, home) = &self.settings.home else {
            return Vec::new();
        };
        let Ok(module) = self.tree.python(file) else {
            return Vec::new();
        };
        let mut sites = Vec::new();
        walk(&module.body, &mut |stmt| {
            let StmtKind::Class { name, body, .. } = &stmt.kind else {
                return;
            };
            if !inherits(&module.body, &name.text, home, 0) {
                return;
            }
            for live in bindings::live(body, Target::Name(names), &|_, _| false).unwrap_or_default()
            {
                if let Origin::Value(value) = live.origin {
                    let site = Site {
                        file: file.clone(),
                        module: Arc::clone(&module),
                        stmt: value.stmt.span,
                        top: value.top.span,
                        value: Some(value.value.clone()),
                        additions: Vec::new(),
                        only: true,
                        varies: live.varies,
                    };
                    sites.push((name.text.clone(), site));
                }
            }
        });
        sites
    }
}
