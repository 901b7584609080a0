//! Which files a service's settings come from: what is loaded, and the other environments. Pure.

use super::{Home, Settings};
use crate::path::RelPath;
use crate::python::bindings::included;
use crate::python::syntax::{Module, StmtKind, walk};

impl Settings<'_> {
    /// Every file that the entry loads its names from, itself first.
    pub fn chain(&self) -> Vec<RelPath> {
        let mut files = Vec::new();
        self.collect_chain(&self.entry, &mut files);
        files
    }

    /// Every file that `file` loads its names from, itself first.
    pub fn chain_of(&self, file: &RelPath) -> Vec<RelPath> {
        let mut files = Vec::new();
        self.collect_chain(file, &mut files);
        files
    }

    /// The settings modules beside the home that build on it: other environments.
    pub fn siblings(&self) -> Vec<RelPath> {
        let Home::Names(home) = &self.home else {
            return Vec::new();
        };
        let chain = self.chain();
        let loaded = self.imported_by(&chain);
        let real = |file: &RelPath| self.tree.real(file);
        let behind: Vec<_> = chain.iter().map(real).collect();
        let Some(directory) = home.parent() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, is_directory) in self.tree.list(&directory) {
            let file = directory.join(&name);
            if is_directory
                || !file.has_extension("py")
                || behind.contains(&real(&file))
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

    /// Those of the siblings that load the home: what we write reaches them.
    pub fn environments(&self) -> Vec<RelPath> {
        let mut found = self.siblings();
        found.retain(|file| {
            let mut files = Vec::new();
            self.collect_chain(file, &mut files);
            files.contains(self.home.file())
        });
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

    /// Where the statement begins that ends a settings module by importing this machine's own settings,
    /// so that they go on overriding what stands above.
    pub fn local_override(&self, module: &Module) -> Option<usize> {
        let Home::Names(home) = &self.home else {
            return None;
        };
        let last = module.body.last()?;
        let block = match &last.kind {
            StmtKind::Try { body, .. } => body.as_slice(),
            _ => std::slice::from_ref(last),
        };
        let [stmt] = block else {
            return None;
        };
        let StmtKind::ImportFrom {
            module: from,
            level,
            names,
        } = &stmt.kind
        else {
            return None;
        };
        let target = self
            .roots
            .resolve_from(self.tree, home, *level, from.as_deref());
        let local = target.is_none_or(|target| self.tree.is_ignored(&target));
        (local && names.iter().any(|alias| alias.name == "*")).then_some(last.span.start)
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

    /// The service's own modules whose names a module takes over whole, in order.
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
                found.extend(self.whole(file, module.as_deref(), *level));
            }
            for path in included(stmt) {
                found.extend(self.whole(file, Some(path), 0));
            }
        });
        found
    }

    /// The files behind `from module import *` in `file`, or behind a path that it includes.
    pub fn whole(&self, file: &RelPath, module: Option<&str>, level: usize) -> Vec<RelPath> {
        let Some(pattern) = module.filter(|module| is_path(module)) else {
            return Vec::from_iter(self.roots.resolve_from(self.tree, file, level, module));
        };
        let beside = file.parent().unwrap_or_default().join(pattern);
        let Some(whole) = RelPath::parse(beside.as_str()) else {
            return Vec::new();
        };
        let directory = whole.parent().unwrap_or_default();
        let names = self.tree.list(&directory).into_iter();
        names
            .filter(|(name, is_directory)| !is_directory && matches(whole.file_name(), name))
            .map(|(name, _)| directory.join(&name))
            .collect()
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
        if files.contains(file) || (self.tree.is_ignored(file) && *file != self.entry) {
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

/// `components/celery.py`, where a module's name would stand.
fn is_path(module: &str) -> bool {
    RelPath::parse(module).is_some_and(|path| path.has_extension("py"))
}

/// Whether a file's name fits a pattern with at most one `*`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}
