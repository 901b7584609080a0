//! Dotted names and the files they mean. Pure: knows the service's own files only.

use crate::config::values;
use crate::path::RelPath;
use crate::tree::{Entry, Tree};

/// The directories from which the service's modules are imported, the likeliest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roots {
    directories: Vec<RelPath>,
    /// The service's directory is itself the package of this name: `orders/__init__.py` with us inside `orders`.
    within: Option<String>,
}

impl Roots {
    /// The import roots of a service: where its manage.py stand, `src` if that is no package, its own directory.
    pub fn find(tree: &Tree) -> Self {
        let root = RelPath::root();
        let mut directories = Vec::new();
        if has_file(tree, &root.join("manage.py")) {
            directories.push(root.clone());
        }
        for (name, is_directory) in tree.list(&root) {
            let directory = root.join(&name);
            if is_directory && has_file(tree, &directory.join("manage.py")) {
                directories.push(directory);
            }
        }
        let source = root.join("src");
        if is_directory(tree, &source) && !is_package(tree, &source) {
            directories.push(source);
        }
        directories.push(root);
        let mut roots = Self {
            directories: Vec::new(),
            within: package_around(tree),
        };
        for directory in directories {
            roots.add(directory);
        }
        roots
    }

    /// Adds the root that a file's own chain of `__init__.py` points at.
    ///
    /// `services/orders/__init__.py` without `services/__init__.py` makes `services` a root.
    pub fn add_root_of(&mut self, tree: &Tree, file: &RelPath) {
        self.add(package_root(tree, file));
    }

    /// Puts a root in front: modules below it are named from there.
    pub fn prefer(&mut self, directory: RelPath) {
        self.directories.retain(|other| *other != directory);
        self.directories.insert(0, directory);
    }

    /// The roots, the likeliest first.
    pub fn directories(&self) -> &[RelPath] {
        &self.directories
    }

    /// The file of a module: `a.b` is `a/b.py` or `a/b/__init__.py`.
    pub fn locate(&self, tree: &Tree, dotted: &str) -> Option<RelPath> {
        let inside = self
            .within
            .as_ref()
            .and_then(|name| dotted.strip_prefix(name.as_str()))
            .and_then(|rest| {
                if rest.is_empty() {
                    Some("")
                } else {
                    rest.strip_prefix('.')
                }
            });
        self.directories
            .iter()
            .find_map(|root| module_below(tree, root, dotted))
            .or_else(|| module_below(tree, &RelPath::root(), inside?))
    }

    /// The file that `import dotted` in `file` means; Python 2 looks beside `file` first.
    pub fn locate_from(&self, tree: &Tree, file: &RelPath, dotted: &str) -> Option<RelPath> {
        self.locate(tree, dotted).or_else(|| {
            let beside = file.parent()?;
            module_below(tree, &beside, dotted).filter(|found| found != file)
        })
    }

    /// The file that `from ..module import …` in `file` means; level 0 is an absolute import.
    pub fn resolve_from(
        &self,
        tree: &Tree,
        file: &RelPath,
        level: usize,
        module: Option<&str>,
    ) -> Option<RelPath> {
        if level == 0 {
            return self.locate_from(tree, file, module?);
        }
        let mut directory = file.parent()?;
        for _ in 1..level {
            directory = directory.parent()?;
        }
        module_below(tree, &directory, module.unwrap_or_default())
    }

    /// The submodule or subpackage `name` of the package whose `__init__.py` (or directory) was resolved.
    pub fn submodule(tree: &Tree, package: &RelPath, name: &str) -> Option<RelPath> {
        let directory = package.parent()?;
        (package.file_name() == "__init__.py")
            .then(|| module_below(tree, &directory, name))
            .flatten()
    }

    /// The file of a module named from this one root.
    pub fn below(tree: &Tree, root: &RelPath, dotted: &str) -> Option<RelPath> {
        module_below(tree, root, dotted)
    }

    /// The dotted name of a module's file, from the first root above it.
    pub fn dotted(&self, path: &RelPath) -> Option<String> {
        self.directories
            .iter()
            .find_map(|root| self.dotted_below(root, path))
    }

    /// The dotted name of a module's file or a package's directory, from this root.
    pub fn dotted_below(&self, root: &RelPath, path: &RelPath) -> Option<String> {
        let inside = path.below(root)?;
        let inside = inside.strip_suffix(".py").unwrap_or(inside);
        let inside = match inside.strip_suffix("__init__") {
            Some(package) => package.trim_end_matches('/'),
            None => inside,
        };
        let outer = self.within.iter().filter(|_| *root == RelPath::root());
        let parts: Vec<&str> = outer
            .map(String::as_str)
            .chain(inside.split('/').filter(|part| !part.is_empty()))
            .collect();
        parts
            .iter()
            .all(|part| is_identifier(part))
            .then(|| parts.join("."))
    }

    fn add(&mut self, directory: RelPath) {
        if !self.directories.contains(&directory) {
            self.directories.push(directory);
        }
    }
}

/// Whether this is a name that can stand in a dotted path: an ASCII identifier, and no keyword.
pub fn is_identifier(name: &str) -> bool {
    values::identifier(name).is_ok()
}

/// Whether a file stands there.
pub fn has_file(tree: &Tree, path: &RelPath) -> bool {
    matches!(tree.entry(path), Entry::File(_) | Entry::TooLarge(_))
}

/// Whether a directory stands there.
pub fn is_directory(tree: &Tree, path: &RelPath) -> bool {
    tree.entry(path) == Entry::Directory
}

/// Whether a directory holds an `__init__.py`.
pub fn is_package(tree: &Tree, directory: &RelPath) -> bool {
    has_file(tree, &directory.join("__init__.py"))
}

/// The directory above the topmost package that holds `file`.
pub fn package_root(tree: &Tree, file: &RelPath) -> RelPath {
    let mut directory = file.parent().unwrap_or_default();
    while is_package(tree, &directory) {
        match directory.parent() {
            Some(parent) => directory = parent,
            None => break,
        }
    }
    directory
}

/// `a.b` below a directory; the empty name is the directory's own `__init__.py`.
fn module_below(tree: &Tree, directory: &RelPath, dotted: &str) -> Option<RelPath> {
    if dotted.split('.').any(|part| part.contains('/')) {
        return None;
    }
    let path = directory.join(&dotted.replace('.', "/"));
    let package = path.join("__init__.py");
    if has_file(tree, &package) {
        return Some(package);
    }
    let module = RelPath::parse(&format!("{}.py", path.as_str()))?;
    (!dotted.is_empty() && has_file(tree, &module)).then_some(module)
}

/// The service's directory is a package itself, and nothing in it says that Python starts here.
fn package_around(tree: &Tree) -> Option<String> {
    let root = RelPath::root();
    let starts_here = [
        "manage.py",
        "setup.py",
        "pyproject.toml",
        "requirements.txt",
        "Pipfile",
        "Dockerfile",
        "Procfile",
    ];
    let is_start = starts_here
        .iter()
        .any(|name| has_file(tree, &root.join(name)));
    tree.root_name()
        .filter(|name| is_identifier(name) && is_package(tree, &root) && !is_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> Tree {
        Tree::memory(files.iter().map(|file| (path(file), Vec::new())))
    }

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    #[test]
    fn a_package_wins_over_a_module_of_its_name() {
        let tree = tree(&["a/b.py", "a/b/__init__.py"]);
        let found = Roots::find(&tree).locate(&tree, "a.b");
        assert_eq!(found, Some(path("a/b/__init__.py")));
    }

    #[test]
    fn modules_are_named_from_the_directory_of_manage_py() {
        let tree = tree(&[
            "backend/manage.py",
            "backend/__init__.py",
            "backend/proj/celery.py",
        ]);
        let roots = Roots::find(&tree);
        assert_eq!(
            roots.dotted(&path("backend/proj/celery.py")).unwrap(),
            "proj.celery"
        );
        assert_eq!(
            roots.locate(&tree, "proj.celery"),
            Some(path("backend/proj/celery.py"))
        );
    }

    #[test]
    fn src_is_a_root_unless_it_is_a_package() {
        let plain = tree(&["src/orders/__init__.py"]);
        assert_eq!(
            Roots::find(&plain)
                .dotted(&path("src/orders/__init__.py"))
                .unwrap(),
            "orders"
        );
        let package = tree(&["src/__init__.py", "src/worker.py"]);
        assert_eq!(
            Roots::find(&package)
                .dotted(&path("src/worker.py"))
                .unwrap(),
            "src.worker"
        );
    }

    #[test]
    fn relative_imports_climb() {
        let tree = tree(&["a/__init__.py", "a/conf.py", "a/b/c.py"]);
        let roots = Roots::find(&tree);
        assert_eq!(
            roots.resolve_from(&tree, &path("a/b/c.py"), 2, Some("conf")),
            Some(path("a/conf.py"))
        );
        assert_eq!(
            roots.resolve_from(&tree, &path("a/b/c.py"), 2, None),
            Some(path("a/__init__.py"))
        );
        assert_eq!(roots.resolve_from(&tree, &path("a/b/c.py"), 9, None), None);
    }

    #[test]
    fn python_2_looks_beside_the_file() {
        let tree = tree(&["a/__init__.py", "a/conf.py", "a/celery.py"]);
        let roots = Roots::find(&tree);
        assert_eq!(
            roots.locate_from(&tree, &path("a/celery.py"), "conf"),
            Some(path("a/conf.py"))
        );
        assert_eq!(
            roots.locate_from(&tree, &path("a/celery.py"), "celery"),
            None
        );
    }

    #[test]
    fn keywords_and_hyphens_name_no_module() {
        assert!(!is_identifier("class") && !is_identifier("my-app") && !is_identifier(""));
        let tree = tree(&["my-app/x.py"]);
        assert_eq!(Roots::find(&tree).dotted(&path("my-app/x.py")), None);
    }
}
