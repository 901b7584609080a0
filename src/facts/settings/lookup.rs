//! Finds the live bindings of names in each kind of home. Pure.

use std::sync::Arc;

use super::outside::Outside;
use super::{Added, Home, Settings, Site, find_class};
use crate::celery::Setting;
use crate::edit::Span;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::bindings::{Block, Live, Opaque, Origin, Target};
use crate::python::syntax::{Expr, Module, Stmt, StmtKind, walk};

/// How far a class's bases are followed.
const MAX_BASES: usize = 8;

impl Settings<'_> {
    pub(super) fn in_module(
        &self,
        file: &RelPath,
        names: &[String],
        seen: &mut Vec<RelPath>,
    ) -> Result<Vec<Site>, Finding> {
        if seen.contains(file) {
            return Ok(Vec::new());
        }
        seen.push(file.clone());
        let module = self.module(file)?;
        let mut outside = self.stars_outside(file, &module);
        outside.retain(|star| self.is_needed(names) && star.is_of_celery());
        let stars = |from: Option<&str>, level: usize| {
            level == 0 && outside.iter().any(|star| Some(&*star.name) == from)
                || self
                    .binding_module(file, from, level, names, seen)
                    .is_some()
        };
        let lives = self
            .lives(Block::of(&module.body), Target::Name(names), &stars)
            .map_err(|opaque| unfollowed(file, &names[0], &opaque))?;
        if lives.is_empty() {
            proven_absent(file, &module, names)?;
        }
        let only = lives.len() == 1;
        let mut sites = Vec::new();
        for live in lives {
            match live.origin {
                Origin::Value(_) | Origin::Elsewhere { .. } | Origin::Door { .. } => {
                    let site = site(file, &module, &live, only);
                    sites.extend(site.map(|site| self.through_alias(site)));
                }
                Origin::Star {
                    module: from,
                    level,
                    ..
                } => {
                    if let Some(star) = outside.iter().find(|star| Some(&*star.name) == from) {
                        return Err(hidden_outside(&names[0], star));
                    }
                    let Some(target) = self.binding_module(file, from, level, names, seen) else {
                        continue;
                    };
                    let mut found = self.in_module(&target, names, seen)?;
                    mark_added(&mut found, &live);
                    sites.extend(found);
                }
                Origin::Import { .. } => {
                    sites.extend(self.through_import(file, &live, &names[0], seen)?);
                }
            }
        }
        Ok(sites)
    }

    /// What `from module import name` brings from the service's own module.
    fn through_import(
        &self,
        file: &RelPath,
        live: &Live<'_>,
        wanted: &str,
        seen: &mut Vec<RelPath>,
    ) -> Result<Vec<Site>, Finding> {
        let Origin::Import {
            stmt,
            module,
            level,
            name,
        } = live.origin
        else {
            return Ok(Vec::new());
        };
        let target = self.roots.resolve_from(self.tree, file, level, module);
        let Some(target) = target else {
            return Err(imported_from_outside(file, wanted, stmt.span));
        };
        let is_new = !seen.contains(&target);
        let mut found = self.in_module(&target, &[name.to_owned()], seen)?;
        if found.is_empty() && is_new {
            return Err(imported_from_nowhere(file, name, &target, stmt.span));
        }
        mark_added(&mut found, live);
        Ok(found)
    }

    /// Of the modules that a star import or an include takes over, the last that may bind a name.
    fn binding_module(
        &self,
        file: &RelPath,
        from: Option<&str>,
        level: usize,
        names: &[String],
        seen: &[RelPath],
    ) -> Option<RelPath> {
        let binds = |target: &RelPath| {
            !self
                .in_module(target, names, &mut seen.to_vec())
                .is_ok_and(|sites| sites.is_empty())
        };
        let mut targets = self.whole(file, from, level).into_iter().rev();
        targets.find(|target| !self.tree.is_ignored(target) && binds(target))
    }

    pub(super) fn in_class(
        &self,
        file: &RelPath,
        class: &str,
        names: &[String],
        depth: usize,
    ) -> Result<Vec<Site>, Finding> {
        let module = self.module(file)?;
        let Some((body, bases)) = find_class(&module.body, class) else {
            return match self.imported_class(file, &module, class) {
                Some((file, class)) if depth <= MAX_BASES => {
                    self.in_class(&file, &class, names, depth + 1)
                }
                _ => Ok(Vec::new()),
            };
        };
        let lives = self
            .lives(Block::of(body), Target::Name(names), &|_, _| false)
            .map_err(|opaque| unfollowed(file, &names[0], &opaque))?;
        let only = lives.len() == 1;
        let sites: Vec<Site> = lives
            .into_iter()
            .filter_map(|live| site(file, &module, &live, only))
            .collect();
        if !sites.is_empty() || depth > MAX_BASES {
            return Ok(sites);
        }
        for base in bases {
            if let Some(outside) = self.base_outside(file, &module, base)
                && outside.is_of_celery()
                && self.is_needed(names)
            {
                return Err(hidden_outside(&names[0], &outside));
            }
            let Some(base) = base.dotted() else {
                continue;
            };
            let found = self.in_class(file, &base, names, depth + 1)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        proven_absent(file, &module, names)?;
        Ok(Vec::new())
    }

    /// The service's own file that a class comes from, and its name there: `Config`, `base.Config`.
    pub(super) fn imported_class(
        &self,
        file: &RelPath,
        module: &Module,
        class: &str,
    ) -> Option<(RelPath, String)> {
        let (bound, attribute) = match class.split_once('.') {
            Some((bound, attribute)) => (bound, Some(attribute)),
            None => (class, None),
        };
        let mut found = None;
        walk(&module.body, &mut |stmt| {
            let StmtKind::ImportFrom {
                module: from,
                level,
                names,
            } = &stmt.kind
            else {
                return;
            };
            let target = |from: &str| {
                let from = Some(from).filter(|from| !from.is_empty());
                self.roots.resolve_from(self.tree, file, *level, from)
            };
            let from = from.as_deref().unwrap_or_default();
            for alias in names {
                let there = match attribute {
                    _ if alias.name == "*" => target(from)
                        .filter(|target| self.binds(target, bound))
                        .map(|target| (target, class)),
                    _ if alias.bound() != bound => None,
                    None => target(from).map(|target| (target, alias.name.as_str())),
                    Some(attribute) => {
                        let submodule = format!("{from}.{}", alias.name);
                        target(submodule.trim_start_matches('.')).map(|target| (target, attribute))
                    }
                };
                if let Some((target, name)) = there {
                    found = Some((target, name.to_owned()));
                }
            }
        });
        found
    }

    pub(super) fn members(
        &self,
        file: &RelPath,
        object: &str,
        names: &[String],
    ) -> Result<Vec<Site>, Finding> {
        let module = self.module(file)?;
        let mut sites = Vec::new();
        let mut blocks: Vec<&[Stmt]> = vec![&module.body];
        walk(&module.body, &mut |stmt| {
            if let StmtKind::Function { body, .. } = &stmt.kind {
                blocks.push(body);
            }
        });
        for block in blocks {
            let known = self.loads.as_ref().filter(|place| place.path == *file);
            let block = Block {
                body: block,
                module: &module.body,
                known: known.and_then(|place| place.span),
            };
            let lives = self
                .lives(block, Target::Member(object, names), &|_, _| false)
                .map_err(|opaque| unfollowed_member(file, object, &names[0], &opaque))?;
            let only = lives.len() == 1;
            sites.extend(
                lives
                    .into_iter()
                    .filter_map(|live| site(file, &module, &live, only)),
            );
        }
        if sites.is_empty() {
            proven_absent(file, &module, names)?;
        }
        Ok(sites
            .into_iter()
            .map(|site| self.through_alias(site))
            .collect())
    }

    /// What is live, doors included for what the wiring cannot do without.
    fn lives<'m>(
        &self,
        block: Block<'m>,
        target: Target<'_>,
        stars: &dyn Fn(Option<&str>, usize) -> bool,
    ) -> Result<Vec<Live<'m>>, Opaque> {
        let (Target::Name(names) | Target::Member(_, names)) = target;
        if self.is_needed(names) {
            block.live(target, stars)
        } else {
            block.spelled(target, stars)
        }
    }

    pub(super) fn is_needed(&self, names: &[String]) -> bool {
        let needed = [
            Setting::TaskQueues,
            Setting::TaskRoutes,
            Setting::Imports,
            Setting::TaskDefaultQueue,
        ];
        let is_dict = matches!(&self.home, Home::Keys(_, dict) if names == [dict.as_str()]);
        is_dict
            || needed.iter().any(|setting| {
                names == self.spellings(*setting) || names == [setting.lower(), setting.old()]
            })
    }

    /// `task_queues = TASK_QUEUES`: the binding of the name, where it has just one in the same file.
    fn through_alias(&self, site: Site) -> Site {
        let Some(name) = site
            .value
            .as_ref()
            .and_then(Expr::name)
            .filter(|_| site.additions.is_empty())
        else {
            return site;
        };
        let behind = self
            .in_file(&site.file, &[name.to_owned()])
            .ok()
            .filter(|found| found.len() == 1);
        match behind.and_then(|mut found| found.pop()) {
            Some(behind) if behind.value.is_some() && behind.top.start < site.top.start => behind,
            _ => site,
        }
    }
}

pub(super) fn site(
    file: &RelPath,
    module: &Arc<Module>,
    live: &Live<'_>,
    only: bool,
) -> Option<Site> {
    let additions = live.additions.iter().map(|addition| Added {
        stmt: addition.value.stmt.span,
        top: addition.value.top.span,
        value: addition.value.value.clone(),
        element: addition.element,
        key: addition.key.cloned(),
    });
    let (stmt, top, value) = match live.origin {
        Origin::Value(value) => (value.stmt.span, value.top.span, Some(value.value.clone())),
        Origin::Elsewhere { stmt } => (stmt.span, stmt.span, None),
        Origin::Import { .. } | Origin::Star { .. } | Origin::Door { .. } => return None,
    };
    Some(Site {
        file: file.clone(),
        module: Arc::clone(module),
        stmt,
        top,
        value,
        additions: additions.collect(),
        only,
        varies: live.varies,
    })
}

/// What an importing file adds reaches only that file: the base is where everyone reads.
fn mark_added(sites: &mut [Site], live: &Live<'_>) {
    for site in sites {
        site.varies |= live.varies || !live.additions.is_empty();
    }
}

pub(super) fn unfollowed(file: &RelPath, name: &str, opaque: &Opaque) -> Finding {
    let help = match opaque.code {
        "deleted" => {
            format!("remove the `del`, or the binding of `{name}` with it, then run again")
        }
        _ if opaque.is_unspelled() => format!(
            "bind `{name}` plainly below this, or name the file that does: --settings FILE; \
             then run again"
        ),
        _ => format!("bind `{name}` by a plain assignment, then run again"),
    };
    Finding::refusal(opaque.code, format!("`{name}` is {}", opaque.why))
        .at(file, opaque.span)
        .label("we cannot tell what Celery will read")
        .help(help)
}

/// `--settings` never helps where a call on the app itself comes last.
fn unfollowed_member(file: &RelPath, object: &str, name: &str, opaque: &Opaque) -> Finding {
    let finding = unfollowed(file, name, opaque);
    let on_the_app = object.rsplit('.').next() == Some("conf");
    if !opaque.is_unspelled() || !on_the_app {
        return finding;
    }
    let help = format!(
        "write the settings out, as in `{object}.update(timezone='UTC')`, or set \
         `{object}.{name}` plainly below this; then run again"
    );
    Finding {
        help: vec![help],
        ..finding
    }
}

fn imported_from_nowhere(file: &RelPath, name: &str, from: &RelPath, span: Span) -> Finding {
    Finding::refusal(
        "imported-but-not-bound",
        format!("`{name}` is imported from {from}, which does not bind it"),
    )
    .at(file, span)
    .help(format!("bind `{name}` in {from}, or leave the import out"))
}

fn imported_from_outside(file: &RelPath, name: &str, span: Span) -> Finding {
    Finding::refusal(
        "bound-outside",
        format!("`{name}` comes from outside the service"),
    )
    .at(file, span)
    .label("we edit the service's own files only")
    .help(format!(
        "bind `{name}` in the service's settings, then run again"
    ))
}

fn hidden_outside(name: &str, outside: &Outside) -> Finding {
    Finding::refusal(
        "bound-outside",
        format!("`{name}` may come from {}, outside the service", outside.name),
    )
    .at(&outside.file, outside.span)
    .label("what we would write may hide what that binds")
    .help(format!(
        "bind `{name}` in the service's settings below this, with what is to stay of it; then run again"
    ))
}

/// In a file that did not parse whole, only a byte search can say that a name is absent.
pub(super) fn proven_absent(
    file: &RelPath,
    module: &Module,
    names: &[String],
) -> Result<(), Finding> {
    let Some(error) = module.errors.first() else {
        return Ok(());
    };
    // `from .base import` in the midst of a line: the parser goes on with an empty name.
    for name in names.iter().filter(|name| !name.is_empty()) {
        let at = module
            .text
            .windows(name.len())
            .position(|window| window == name.as_bytes());
        if let Some(at) = at {
            let message =
                format!("cannot tell whether `{name}` is bound: the file does not parse whole");
            return Err(Finding::refusal("syntax-hides-setting", message)
                .at(file, error.span)
                .at(file, Span::new(at, at + name.len()))
                .label(error.message.clone())
                .help("mend the syntax error, then run again"));
        }
    }
    Ok(())
}
