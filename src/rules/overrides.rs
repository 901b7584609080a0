//! The same setting bound again for another environment: a later file or class that hides ours.

use super::Context;
use super::element::held;
use crate::celery::Setting;
use crate::draft::Draft;
use crate::facts::settings::{Home, Site, find_class};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::bindings::{self, Origin, Target};
use crate::python::syntax::{Expr, Module, Stmt, StmtKind, walk};

/// Reports every binding of a wired setting that some environment reads instead of the one we edit.
pub fn report(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    for setting in [Setting::TaskQueues, Setting::TaskRoutes, Setting::Imports] {
        let names = context.settings.spellings(setting);
        let mut hiding = context.class_overrides(&names);
        for file in context.settings.siblings() {
            hiding.extend(context.settings.in_file(&file, &names).unwrap_or_default());
        }
        hiding.retain(|site| {
            site.value.is_some() && !is_wired(context, setting, site) && !reads_itself(site, &names)
        });
        if hiding.is_empty() {
            if let Home::Class(file, home) = &context.settings.home {
                unrelated_classes(&*context.settings.module(file)?, file, home, &names)?;
            }
            continue;
        }
        let sites = context.settings.find(setting)?;
        let in_base = sites
            .iter()
            .any(|site| site.file == *context.settings.home.file());
        if setting == Setting::TaskQueues
            && !sites.is_empty()
            && !in_base
            && context.config.settings.is_none()
        {
            return Err(repeated(&names[0], &sites, &hiding));
        }
        draft.findings.push(hidden(&names[0], &hiding));
    }
    Ok(())
}

fn is_wired(context: &Context<'_>, setting: Setting, site: &Site) -> bool {
    let reader = context.reader();
    let listener = context
        .facts
        .layout
        .module(&context.contract.listener_module);
    match setting {
        Setting::TaskQueues => held(site)
            .iter()
            .any(|element| reader.queue(site, element) == super::recognise::Match::Right),
        Setting::TaskRoutes => super::routes::found(context, site).is_some(),
        _ => held(site)
            .iter()
            .any(|element| element.string().as_deref() == Some(&listener)),
    }
}

/// `CELERY_QUEUES = CELERY_QUEUES + (…)` keeps what the base holds.
fn reads_itself(site: &Site, names: &[String]) -> bool {
    let mut found = false;
    if let Some(value) = &site.value {
        value.walk(&mut |part| {
            let last = part
                .dotted()
                .map(|name| name.rsplit('.').next().unwrap_or_default().to_owned());
            found |= last.is_some_and(|name| names.contains(&name));
        });
    }
    found
}

fn hidden(name: &str, hiding: &[Site]) -> Finding {
    let mut finding = Finding::error(
        "setting-overridden",
        format!("`{name}` is bound again for another environment, without the events"),
    )
    .label("where this is loaded, no event arrives")
    .help(format!(
        "add to what the base holds instead: `{name} += (…)`"
    ));
    for site in hiding {
        finding = finding.at(&site.file, site.stmt);
    }
    finding
}

fn repeated(name: &str, sites: &[Site], hiding: &[Site]) -> Finding {
    let mut finding = Finding::refusal(
        "setting-repeated",
        format!("`{name}` is bound in several environments' files"),
    )
    .help(format!(
        "name the one to wire: `--settings {}`",
        sites[0].file
    ));
    for site in sites.iter().chain(hiding) {
        finding = finding.at(&site.file, site.stmt);
    }
    finding
}

/// Two classes that bind the setting, neither built on the other: we cannot tell which is loaded.
pub fn unrelated_classes(
    module: &Module,
    file: &RelPath,
    home: &str,
    names: &[String],
) -> Result<(), Finding> {
    let mut finding = None;
    walk(&module.body, &mut |stmt| {
        if let StmtKind::Class { name, .. } = &stmt.kind
            && name.text != home
            && !inherits(&module.body, &name.text, home, 0)
            && !inherits(&module.body, home, &name.text, 0)
            && let Some(span) = binding(stmt, names)
        {
            finding.get_or_insert_with(|| {
                Finding::refusal(
                    "setting-in-many-classes",
                    format!("`{}` is bound in several classes", names[0]),
                )
                .at(file, span)
                .label(format!("we would wire class `{home}` only"))
                .help("let one class inherit from the other, then run again")
            });
        }
    });
    finding.map_or(Ok(()), Err)
}

fn binding(class: &Stmt, names: &[String]) -> Option<crate::edit::Span> {
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

impl Context<'_> {
    /// The bindings of a name in classes that build on the home's class.
    pub fn class_overrides(&self, names: &[String]) -> Vec<Site> {
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
                    sites.push(Site {
                        file: file.clone(),
                        module: std::sync::Arc::clone(&module),
                        stmt: value.stmt.span,
                        top: value.top.span,
                        value: Some(value.value.clone()),
                        additions: Vec::new(),
                        only: true,
                        varies: live.varies,
                    });
                }
            }
        });
        sites
    }
}
