//! What an expression reads: `Config.URL`, `settings.URL`, `app.config['URL']`, an imported `URL`. Pure.

use super::{Home, Settings, Site};
use crate::path::RelPath;
use crate::python::bindings::binds;
use crate::python::syntax::{Expr, ExprKind, StmtKind, walk};

impl Settings<'_> {
    /// The bindings in the service's own files that an expression in `file` reads by name; none where we
    /// cannot tell.
    ///
    /// ```text
    /// from shop.config import Config                  # shop/config.py
    ///                                                 class Config:
    /// app = Celery('shop', broker=Config.RABBIT)  ->      RABBIT = 'amqp://…'
    /// ```
    pub fn read_by(&self, file: &RelPath, expr: &Expr) -> Vec<Site> {
        let mut found = Vec::new();
        expr.walk(&mut |part| {
            let Some(read) = Read::of(part) else {
                return;
            };
            found.extend(match read {
                Read::Imported(name) => self.behind_import(file, name, &[]),
                Read::Member(holder, name) => self.behind_import(file, holder, &[name.to_owned()]),
                Read::Item(name) => self.configured(&[name]),
            });
        });
        found.retain(|site| !self.tree.is_ignored(&site.file));
        found
    }

    /// What the home of the settings holds under a name of the service's own.
    fn configured(&self, names: &[String]) -> Vec<Site> {
        let found = match &self.home {
            Home::Members {
                file,
                object,
                items: true,
            } => self.members(file, object, names),
            Home::Names(_) | Home::Class(..) => self.named(names),
            Home::Keys(..) | Home::Members { .. } => return Vec::new(),
        };
        found.unwrap_or_default()
    }

    /// The bindings of an imported name, or of its members.
    fn behind_import(&self, file: &RelPath, holder: &str, members: &[String]) -> Vec<Site> {
        let Ok(module) = self.tree.python(file) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        walk(&module.body, &mut |stmt| match &stmt.kind {
            StmtKind::ImportFrom {
                module: from,
                level,
                names,
            } => {
                for alias in names.iter().filter(|alias| alias.bound() == holder) {
                    if from.as_deref() == Some("django.conf") && alias.name == "settings" {
                        found.extend(self.configured(members));
                        continue;
                    }
                    let inner = match from {
                        Some(from) => format!("{from}.{}", alias.name),
                        None => alias.name.clone(),
                    };
                    let whole = self
                        .roots
                        .resolve_from(self.tree, file, *level, Some(&inner));
                    let around =
                        || (self.roots).resolve_from(self.tree, file, *level, from.as_deref());
                    if let Some(target) = whole.or_else(around) {
                        let wanted = match members {
                            [] => vec![alias.name.clone()],
                            members => members.to_vec(),
                        };
                        found.extend(self.anywhere_in(&target, &wanted));
                    }
                }
            }
            StmtKind::Import { names } if !members.is_empty() => {
                let aliases = names.iter().filter(|alias| match &alias.alias {
                    Some(bound) => bound == holder,
                    None => alias.name == holder,
                });
                for alias in aliases {
                    let target = self.roots.locate_from(self.tree, file, &alias.name);
                    found.extend(target.iter().flat_map(|it| self.anywhere_in(it, members)));
                }
            }
            _ => {}
        });
        if found.is_empty() && !members.is_empty() && !binds(&module.body, holder).is_empty() {
            found = self.in_classes(file, members);
        }
        found
    }

    /// At the top of a module, or in the classes of it: `settings = Settings()` reads those.
    fn anywhere_in(&self, file: &RelPath, names: &[String]) -> Vec<Site> {
        let at_top = self.in_module(file, names, &mut Vec::new());
        let mut found = at_top.unwrap_or_default();
        found.extend(self.in_classes(file, names));
        found
    }

    fn in_classes(&self, file: &RelPath, names: &[String]) -> Vec<Site> {
        let Ok(module) = self.tree.python(file) else {
            return Vec::new();
        };
        let mut classes = Vec::new();
        walk(&module.body, &mut |stmt| {
            if let StmtKind::Class { name, body, .. } = &stmt.kind
                && names.iter().any(|name| !binds(body, name).is_empty())
            {
                classes.push(name.text.clone());
            }
        });
        let sites = classes
            .iter()
            .filter_map(|class| self.in_class(file, class, names, 0).ok());
        sites.flatten().collect()
    }
}

enum Read<'e> {
    /// `URL`.
    Imported(&'e str),
    /// `settings.URL`, `config.Config.URL`: what holds it, and its name.
    Member(&'e str, &'e str),
    /// `app.config['URL']`, `app.config.get('URL')`.
    Item(String),
}

impl<'e> Read<'e> {
    fn of(expr: &'e Expr) -> Option<Self> {
        let is_config = |mapping: &Expr| {
            mapping
                .dotted()
                .is_some_and(|dotted| dotted.ends_with(".config"))
        };
        match &expr.kind {
            ExprKind::Name(name) => Some(Self::Imported(name)),
            ExprKind::Attribute { value, name } => Some(Self::Member(first(value)?, &name.text)),
            ExprKind::Subscript { value, index } if is_config(value) => {
                Some(Self::Item(index.string()?))
            }
            ExprKind::Call { function, args, .. } => match &function.kind {
                ExprKind::Attribute { value, name } if name.text == "get" && is_config(value) => {
                    Some(Self::Item(args.first()?.string()?))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// The name that a dotted one begins with, or the call's: `get_settings().URL`.
fn first(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name),
        ExprKind::Attribute { value, .. } => first(value),
        ExprKind::Call { function, .. } => first(function),
        _ => None,
    }
}
