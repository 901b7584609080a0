//! Modules and classes from outside the service that settings are taken from: what they bind is out of sight.
//! Pure.

use super::{Home, Settings};
use crate::edit::Span;
use crate::facts::modules::is_directory;
use crate::path::RelPath;
use crate::python::syntax::{Expr, Module, StmtKind, walk};

/// A module, or a class of one, that the service's files do not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outside {
    /// The dotted name.
    pub name: String,
    /// The file that takes settings from it.
    pub file: RelPath,
    /// The statement, or the base.
    pub span: Span,
}

impl Outside {
    /// Its name says that it is about Celery: then it surely binds some of Celery's settings.
    pub fn is_of_celery(&self) -> bool {
        self.name.to_ascii_lowercase().contains("celery")
    }

    /// Its name says that it holds settings.
    fn holds_settings(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let words = ["celery", "conf", "settings", "base", "common", "defaults"];
        let top = name.split('.').next().unwrap_or_default();
        !LIBRARIES.contains(&top) && words.iter().any(|word| name.contains(word))
    }
}

impl Settings<'_> {
    /// Where the settings are taken from, as far as that is outside the service, by the files that Celery loads.
    pub fn outside(&self) -> Vec<Outside> {
        let mut found = Vec::new();
        for file in self.chain() {
            let Ok(module) = self.tree.python(&file) else {
                continue;
            };
            found.extend(self.stars_outside(&file, &module));
        }
        if let Home::Class(file, class) = &self.home {
            found.extend(self.bases_outside(file, class, 0));
        }
        found
    }

    /// The star imports of a file that reach out of the service and must be there: one that is tried is not.
    pub(super) fn stars_outside(&self, file: &RelPath, module: &Module) -> Vec<Outside> {
        let mut tried = Vec::new();
        walk(&module.body, &mut |stmt| {
            if let StmtKind::Try { body, .. } = &stmt.kind {
                tried.extend(body.iter().map(|stmt| stmt.span));
            }
        });
        let mut found = Vec::new();
        walk(&module.body, &mut |stmt| {
            if let StmtKind::ImportFrom {
                module: Some(from),
                level: 0,
                names,
            } = &stmt.kind
                && names.iter().any(|alias| alias.name == "*")
                && !tried.iter().any(|span| span.contains(stmt.span))
                && self.is_outside(file, from)
            {
                found.push(Outside {
                    name: from.clone(),
                    file: file.clone(),
                    span: stmt.span,
                });
            }
        });
        found.retain(Outside::holds_settings);
        found
    }

    /// The bases of a class, and of those in the service, that come from outside.
    fn bases_outside(&self, file: &RelPath, class: &str, depth: usize) -> Vec<Outside> {
        let Some(module) = self.module(file).ok().filter(|_| depth < 8) else {
            return Vec::new();
        };
        let Some((_, bases)) = super::find_class(&module.body, class) else {
            return match self.imported_class(file, &module, class) {
                Some((file, class)) => self.bases_outside(&file, &class, depth + 1),
                None => Vec::new(),
            };
        };
        let mut found = Vec::new();
        for base in bases {
            let outside = self.base_outside(file, &module, base);
            match (outside, base.dotted()) {
                (Some(outside), _) => found.push(outside),
                (None, Some(base)) => found.extend(self.bases_outside(file, &base, depth + 1)),
                (None, None) => {}
            }
        }
        found
    }

    /// A base class that comes from outside the service and may hold settings.
    pub(super) fn base_outside(
        &self,
        file: &RelPath,
        module: &Module,
        base: &Expr,
    ) -> Option<Outside> {
        let dotted = base.dotted()?;
        let (first, rest) = dotted.split_once('.').unwrap_or((&dotted, ""));
        let mut from_outside = None;
        walk(&module.body, &mut |stmt| match &stmt.kind {
            StmtKind::ImportFrom {
                module: Some(from),
                level: 0,
                names,
            } if self.is_outside(file, from) => {
                for alias in names.iter().filter(|alias| alias.bound() == first) {
                    from_outside = Some(format!("{from}.{}", alias.name));
                }
            }
            StmtKind::Import { names } => {
                for alias in names.iter().filter(|alias| alias.bound() == first) {
                    if self.is_outside(file, &alias.name) {
                        let named = alias.alias.is_some();
                        from_outside = Some(if named {
                            alias.name.clone()
                        } else {
                            first.to_owned()
                        });
                    }
                }
            }
            _ => {}
        });
        let name = format!("{}.{rest}", from_outside?);
        let outside = Outside {
            name: name.trim_end_matches('.').to_owned(),
            file: file.clone(),
            span: base.span,
        };
        Some(outside).filter(Outside::holds_settings)
    }

    /// Whether an absolute module is none of the service's, nor one that is missing on this machine alone:
    /// `orders.local_settings`, `local_settings`.
    fn is_outside(&self, file: &RelPath, module: &str) -> bool {
        let top = module.split('.').next().unwrap_or_default();
        let own = |dotted: &str| {
            self.roots
                .resolve_from(self.tree, file, 0, Some(dotted))
                .is_some()
        };
        let directory = RelPath::parse(top).is_some_and(|path| is_directory(self.tree, &path));
        let last = module.rsplit('.').next().unwrap_or_default();
        let machine = ["local", "secret", "private", "override"];
        let is_machines = machine.iter().any(|word| last.contains(word));
        !own(module) && !own(top) && !directory && !is_machines
    }
}

/// Libraries whose names say settings, and that bind none of Celery's.
const LIBRARIES: [&str; 14] = [
    "celery",
    "configurations",
    "decouple",
    "django",
    "django_configurations",
    "dynaconf",
    "environ",
    "environs",
    "flask",
    "kombu",
    "pydantic",
    "pydantic_settings",
    "split_settings",
    "typing",
];
