//! Which files a service's settings come from: what is loaded, and the other environments. Pure.

use super::{Home, Settings};
use crate::path::RelPath;
use crate::python::syntax::{Module, StmtKind, walk};

impl Settings<'_> {
    /// Every file that the entry loads its names from, itself first.
    pub fn chain(&self) -> Vec<RelPath> {
        let mut files = Vec::new();
        self.collect_chain(&self.entry, &mut files);
        files
    }

    /// The settings modules beside the home that build on it: other environments.
    pub fn siblings(&self) -> Vec<RelPath> {
        let Home::Names(home) = &self.home else {
            return Vec::new();
        };
        let chain = self.chain();
        let loaded = self.imported_by(&chain);
        let Some(directory) = home.parent() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, is_directory) in self.tree.list(&directory) {
            let file = directory.join(&name);
            if is_directory
                || !file.has_extension("py")
                || chain.contains(&file)
                || loaded.contains(&file)
            {
                continue;
            }
            let mut files = Vec::new();
            self.collect_chain(&file, &mut files);
            if files.iter().any(|file| chain.contains(file)) || self.is_django_settings(&file) {
                found.push(file);
            }
        }
        found
    }

    /// Modules that the chain imports whole and that git ignores: this machine's own.
    pub fn ignored_imports(&self) -> Vec<RelPath> {
        let mut found = Vec::new();
        for file in self.chain() {
            let Ok(module) = self.tree.python(&file) else {
                continue;
            };
            for target in self.star_imports(&file, &module) {
                if self.tree.is_ignored(&target) && !found.contains(&target) {
                    found.push(target);
                }
            }
        }
        found
    }

    /// The service's own modules that files import names from.
    fn imported_by(&self, files: &[RelPath]) -> Vec<RelPath> {
        let mut found = Vec::new();
        for file in files {
            let Ok(module) = self.tree.python(file) else {
                continue;
            };
            walk(&module.body, &mut |stmt| {
                if let StmtKind::ImportFrom { module, level, .. } = &stmt.kind {
                    found.extend(self.roots.resolve_from(
                        self.tree,
                        file,
                        *level,
                        module.as_deref(),
                    ));
                }
            });
        }
        found
    }

    /// The service's own modules that a module imports whole.
    fn star_imports(&self, file: &RelPath, module: &Module) -> Vec<RelPath> {
        let mut found = Vec::new();
        walk(&module.body, &mut |stmt| {
            if let StmtKind::ImportFrom {
                module,
                level,
                names,
            } = &stmt.kind
                && names.iter().any(|alias| alias.name == "*")
            {
                found.extend(
                    self.roots
                        .resolve_from(self.tree, file, *level, module.as_deref()),
                );
            }
        });
        found
    }

    /// Whether a file is a whole settings module by itself.
    fn is_django_settings(&self, file: &RelPath) -> bool {
        let names = ["INSTALLED_APPS".to_owned()];
        let sites = self
            .tree
            .bytes(file)
            .filter(|text| crate::facts::text::contains(text, &names[0]));
        sites.is_some()
            && self
                .in_file(file, &names)
                .is_ok_and(|sites| !sites.is_empty())
    }

    fn collect_chain(&self, file: &RelPath, files: &mut Vec<RelPath>) {
        if files.contains(file) || self.tree.is_ignored(file) {
            return;
        }
        files.push(file.clone());
        if let Ok(module) = self.tree.python(file) {
            for target in self.star_imports(file, &module) {
                self.collect_chain(&target, files);
            }
        }
    }
}
