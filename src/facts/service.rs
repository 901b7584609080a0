//! The service's Python files, and what a name in one of them means. Pure: follows imports, runs nothing.

use std::sync::Arc;

use crate::facts::modules::{Roots, has_file};
use crate::facts::scope::{Binding, bindings, level};
use crate::facts::text;
use crate::path::RelPath;
use crate::python::syntax::{Alias, Expr, Module, StmtKind};
use crate::tree::Tree;

/// The files of a service, and where its modules are imported from.
pub struct Service<'a> {
    /// The snapshot.
    pub tree: &'a Tree,
    /// Where its modules are imported from.
    pub roots: Roots,
    /// All its files, in path order.
    pub files: Vec<RelPath>,
    /// The apps that worker commands name: `orders.celery:app` of `celery -A orders.celery:app`.
    pub started: Vec<String>,
}

/// What a dotted name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// Something outside the service: `celery.Celery`, `django.conf.settings`.
    Library(String),
    /// A module of the service.
    Module(RelPath),
    /// What a module of the service binds: a class, a function, a value.
    Bound {
        /// The module's file.
        file: RelPath,
        /// The name in it.
        name: String,
    },
}

impl<'a> Service<'a> {
    /// The service in this tree.
    pub fn read(tree: &'a Tree) -> Self {
        Self {
            tree,
            roots: Roots::find(tree),
            files: tree.walk(),
            started: Vec::new(),
        }
    }

    /// The service's own Python files: no tests, examples, documentation, templates or vendored packages.
    pub fn python(&self) -> impl Iterator<Item = &RelPath> {
        self.files
            .iter()
            .filter(|path| path.has_extension("py") && is_own(self.tree, path))
    }

    /// Its own Python files with this text in them, parsed.
    pub fn mentioning<'s>(
        &'s self,
        word: &'s str,
    ) -> impl Iterator<Item = (&'s RelPath, Arc<Module>)> {
        self.python()
            .filter(move |path| {
                let bytes = self.tree.bytes(path);
                bytes.is_some_and(|bytes| text::contains(&bytes, word))
            })
            .filter_map(|path| Some((path, self.module(path)?)))
    }

    /// A file as Python, if it can be read as such.
    pub fn module(&self, file: &RelPath) -> Option<Arc<Module>> {
        self.tree.python(file).ok()
    }

    /// What `dotted` means in a file.
    pub fn meaning(&self, file: &RelPath, dotted: &str) -> Option<Meaning> {
        self.follow(file, dotted, HOPS)
    }

    /// What an expression means in a file, if it is a name or a dotted path.
    pub fn meaning_of(&self, file: &RelPath, expr: &Expr) -> Option<Meaning> {
        self.meaning(file, &expr.dotted()?)
    }

    /// What the absolute dotted path `dotted` means.
    pub fn absolute(&self, file: &RelPath, dotted: &str) -> Option<Meaning> {
        self.path(file, dotted, HOPS)
    }

    fn follow(&self, file: &RelPath, dotted: &str, hops: usize) -> Option<Meaning> {
        let hops = hops.checked_sub(1)?;
        let (name, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
        let module = self.module(file)?;
        let found = bindings(&module, name);
        let Some(binding) = found.first() else {
            return self.through_stars(file, &module, dotted, hops);
        };
        let meaning = match binding {
            Binding::Import(Alias {
                name, alias: None, ..
            }) => {
                // `import a.b` binds `a`; `a.b.c` is then spelled out where it is used.
                return if dotted == name || dotted.starts_with(&format!("{name}.")) {
                    self.path(file, dotted, hops)
                } else {
                    Some(
                        self.path(file, dotted, hops)
                            .unwrap_or(Meaning::Library(dotted.to_owned())),
                    )
                };
            }
            Binding::Import(alias) => self.path(file, &alias.name, hops)?,
            Binding::From {
                module,
                level,
                alias,
            } => self.imported(file, *level, *module, &alias.name, hops)?,
            Binding::Definition(_) | Binding::Value(_) => Meaning::Bound {
                file: file.clone(),
                name: name.to_owned(),
            },
        };
        self.attribute(meaning, rest, hops)
    }

    /// What `from ..module import name` brings.
    fn imported(
        &self,
        file: &RelPath,
        level: usize,
        module: Option<&str>,
        name: &str,
        hops: usize,
    ) -> Option<Meaning> {
        let found = self
            .roots
            .resolve_from(self.tree, file, level, module)
            .filter(|found| found != file || level > 0);
        let inside = found
            .as_ref()
            .and_then(|found| self.member(found, name, hops));
        let library = || {
            (level == 0).then(|| Meaning::Library(format!("{}.{name}", module.unwrap_or_default())))
        };
        match (inside, found) {
            (Some(meaning), _) => Some(meaning),
            // A package's directory without `__init__.py`, or a name we do not see: never a library.
            (None, Some(_))
                if level == 0 && module.is_some_and(|module| LIBRARIES.contains(&top(module))) =>
            {
                library()
            }
            (None, Some(found)) => Some(Meaning::Bound {
                file: found,
                name: name.to_owned(),
            }),
            (None, None) => {
                let dotted = module.map_or(name.to_owned(), |module| format!("{module}.{name}"));
                let below = self
                    .roots
                    .resolve_from(self.tree, file, level, Some(&dotted));
                below.map(Meaning::Module).or_else(library)
            }
        }
    }

    /// A name in a module of the service, or one of its submodules.
    fn member(&self, file: &RelPath, name: &str, hops: usize) -> Option<Meaning> {
        self.follow(file, name, hops)
            .or_else(|| Roots::submodule(self.tree, file, name).map(Meaning::Module))
    }

    /// The longest part of a path that is a module, then the names in it.
    fn path(&self, file: &RelPath, dotted: &str, hops: usize) -> Option<Meaning> {
        let mut end = dotted.len();
        loop {
            let found = self.roots.locate_from(self.tree, file, &dotted[..end]);
            let own = found.filter(|found| found != file || end == dotted.len());
            if let Some(found) = own.filter(|_| !LIBRARIES.contains(&top(dotted))) {
                let rest = dotted[end..].trim_start_matches('.');
                return self.attribute(Meaning::Module(found), rest, hops);
            }
            match dotted[..end].rfind('.') {
                Some(at) => end = at,
                None => return Some(Meaning::Library(dotted.to_owned())),
            }
        }
    }

    fn attribute(&self, meaning: Meaning, rest: &str, hops: usize) -> Option<Meaning> {
        if rest.is_empty() {
            return Some(meaning);
        }
        match meaning {
            Meaning::Library(name) => Some(Meaning::Library(format!("{name}.{rest}"))),
            Meaning::Module(file) => {
                let (name, deeper) = rest.split_once('.').unwrap_or((rest, ""));
                let member = self.member(&file, name, hops)?;
                self.attribute(member, deeper, hops)
            }
            Meaning::Bound { .. } => None,
        }
    }

    fn through_stars(
        &self,
        file: &RelPath,
        module: &Module,
        dotted: &str,
        hops: usize,
    ) -> Option<Meaning> {
        let mut found = None;
        level(&module.body, &mut |stmt| {
            let StmtKind::ImportFrom {
                module,
                level,
                names,
            } = &stmt.kind
            else {
                return;
            };
            if !names.iter().any(|alias| alias.name == "*") {
                return;
            }
            let target = self
                .roots
                .resolve_from(self.tree, file, *level, module.as_deref());
            let meaning = match target.filter(|target| target != file) {
                Some(target) => self.follow(&target, dotted, hops),
                None if module.as_deref() == Some("celery") && dotted == "Celery" => {
                    Some(Meaning::Library("celery.Celery".to_owned()))
                }
                None => None,
            };
            found = meaning.or_else(|| found.take());
        });
        found
    }
}

/// Whether a path is the service's own code: no test, example, documentation, template or vendored package.
pub fn is_own(tree: &Tree, path: &RelPath) -> bool {
    let name = path.file_name();
    let is_test = name.starts_with("test_")
        || name.ends_with("_test.py")
        || name == "conftest.py"
        || name == "tests.py";
    let mut directory = path.parent();
    while let Some(above) = directory {
        let part = above.file_name();
        let vendored = part == "celery" && has_file(tree, &above.join("app/base.py"));
        if vendored || NOT_OWN.contains(&part) || part.contains("{{") || part.starts_with('.') {
            return false;
        }
        directory = above.parent();
    }
    !is_test && !name.contains("{{")
}

/// Directories whose code the service does not run.
const NOT_OWN: [&str; 15] = [
    "test",
    "tests",
    "testing",
    "docs",
    "doc",
    "examples",
    "samples",
    "vendor",
    "vendored",
    "_vendor",
    "third_party",
    "thirdparty",
    "site-packages",
    "benchmarks",
    "migrations",
];

/// Names that mean the installed package even where a module of the service shares them:
/// in `orders/celery.py`, `from celery import Celery`.
const LIBRARIES: [&str; 4] = ["celery", "django", "kombu", "flask"];

const HOPS: usize = 8;

fn top(dotted: &str) -> &str {
    dotted.split('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(files: &[(&str, &str)], file: &str, dotted: &str) -> String {
        let tree = Tree::memory(
            files
                .iter()
                .map(|(path, text)| (RelPath::parse(path).unwrap(), text.as_bytes().to_vec())),
        );
        let service = Service::read(&tree);
        match service.meaning(&RelPath::parse(file).unwrap(), dotted) {
            Some(Meaning::Library(name)) => name,
            Some(Meaning::Module(file)) => file.to_string(),
            Some(Meaning::Bound { file, name }) => format!("{file}:{name}"),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn celery_is_the_library_even_beside_celery_py() {
        let files = [
            ("p/celery.py", "from celery import Celery as C\n"),
            ("p/t.py", "from celery import Celery\n"),
            ("celery.py", "import celery\n"),
        ];
        assert_eq!(meaning(&files, "p/celery.py", "C"), "celery.Celery");
        assert_eq!(meaning(&files, "p/t.py", "Celery"), "celery.Celery");
        assert_eq!(
            meaning(&files, "celery.py", "celery.Celery"),
            "celery.Celery"
        );
    }

    #[test]
    fn imports_are_followed_to_the_binding() {
        let files = [
            ("p/__init__.py", "from .celery import app as celery_app\n"),
            ("p/celery.py", "app = 1\n"),
            (
                "w.py",
                "from p import celery_app, celery\nimport p.celery\n",
            ),
        ];
        assert_eq!(meaning(&files, "w.py", "celery_app"), "p/celery.py:app");
        assert_eq!(meaning(&files, "w.py", "celery"), "p/celery.py");
        assert_eq!(meaning(&files, "w.py", "p.celery.app"), "p/celery.py:app");
    }

    #[test]
    fn stars_and_function_imports_are_seen() {
        let files = [
            ("a.py", "from b import *\n"),
            ("b.py", "def f():\n    from c import x\nN = 1\n"),
            ("c.py", "x = 1\n"),
        ];
        assert_eq!(meaning(&files, "a.py", "N"), "b.py:N");
        assert_eq!(meaning(&files, "b.py", "x"), "c.py:x");
    }

    #[test]
    fn imports_in_a_circle_end_where_they_began() {
        let files = [("a.py", "from b import x\n"), ("b.py", "from a import x\n")];
        assert_eq!(meaning(&files, "a.py", "x"), "a.py:x");
    }

    #[test]
    fn vendored_packages_and_tests_are_not_own() {
        let tree = Tree::memory(
            [
                "celery/app/base.py",
                "celery/x.py",
                "tests/t.py",
                "a.py",
                "vendor/celery/y.py",
            ]
            .map(|path| (RelPath::parse(path).unwrap(), Vec::new())),
        );
        let own: Vec<_> = Service::read(&tree)
            .python()
            .map(ToString::to_string)
            .collect();
        assert_eq!(own, ["a.py"]);
    }
}
