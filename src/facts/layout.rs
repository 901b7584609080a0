//! Where the service's package is, and where the two event modules go. Pure.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::facts::app::{Candidate, import_root};
use crate::facts::modules::{has_file, is_directory, is_identifier, is_package};
use crate::facts::service::Service;
use crate::finding::Finding;
use crate::path::RelPath;

/// The directory for the event modules, and how Python names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The directory; it need not exist yet where the user named it.
    pub directory: RelPath,
    /// Its dotted package; empty where modules stand at the import root itself.
    pub package: String,
    /// The directory from which that package is imported.
    pub root: RelPath,
    /// The topmost package that holds the directory; the import root in a flat layout.
    pub top: RelPath,
    /// The `__init__.py` files that Python 2 would need and that are not there, outermost first.
    pub missing_init: Vec<RelPath>,
}

impl Layout {
    /// The dotted name of a module in the directory.
    pub fn module(&self, name: &str) -> String {
        if self.package.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.package)
        }
    }
}

/// Where the event modules go: the user's directory, else the tasks package nearest to the app, else beside it.
///
/// `orders/celery.py` with `orders/tasks/` gives `orders/tasks`; with `orders/tasks.py`, or neither, `orders`.
pub fn find(service: &Service<'_>, config: &Config, app: &Candidate) -> Result<Layout, Finding> {
    let beside = app.file.parent().unwrap_or_default();
    let root = import_root(service, &app.file).unwrap_or_default();
    let start = match &config.package {
        Some(package) => package_directory(service, package)?,
        None => beside,
    };
    let directory = if let Some(directory) = &config.tasks_dir {
        usable(service, directory)?
    } else {
        let home = code_beside_configuration(service, &root, &start);
        tasks_directory(service, &root, home.as_ref().unwrap_or(&start))
    };
    let mut roots = [&root].into_iter().chain(service.roots.directories());
    let named =
        roots.find_map(|root| Some((root.clone(), service.roots.dotted_below(root, &directory)?)));
    let Some((root, package)) = named else {
        let message =
            format!("Python cannot import from {directory}: a part of its path is no identifier");
        return Err(Finding::refusal("tasks-dir-not-importable", message)
            .help("name another directory: --tasks-dir DIRECTORY"));
    };
    Ok(Layout {
        missing_init: missing_init(service, &root, &directory),
        top: top(&root, &directory),
        directory,
        package,
        root,
    })
}

/// The nearest tasks package from the app's directory up to its topmost package.
fn tasks_directory(service: &Service<'_>, root: &RelPath, start: &RelPath) -> RelPath {
    let mut at = start.clone();
    loop {
        if at.file_name() == "tasks" {
            return at;
        }
        let tasks = at.join("tasks");
        if is_tasks_package(service, &tasks) {
            return tasks;
        }
        if has_file(service.tree, &at.join("tasks.py")) {
            return at;
        }
        let above = at
            .parent()
            .filter(|above| above != root && above.is_under(root));
        match above {
            Some(above) if at != *root => at = above,
            _ => return start.clone(),
        }
    }
}

/// The one package with the service's code, where the app stands in a package of configuration alone:
/// `config/celery_app.py` beside `payments/users/tasks.py` gives `payments`.
fn code_beside_configuration(
    service: &Service<'_>,
    root: &RelPath,
    start: &RelPath,
) -> Option<RelPath> {
    let own = start.below(root)?.split('/').next()?;
    if !CONFIGURATION.contains(&own) {
        return None;
    }
    let mut packages = BTreeSet::new();
    for file in service.python() {
        let Some((package, inside)) = file.below(root).and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        let holds_tasks = inside
            .split('/')
            .any(|part| part == "tasks" || part == "tasks.py");
        if holds_tasks && is_identifier(package) {
            packages.insert(package);
        }
    }
    let [package] = packages.into_iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    (package != own).then(|| root.join(package))
}

/// What packages without code of their own are called.
const CONFIGURATION: [&str; 5] = [
    "config",
    "conf",
    "configuration",
    "settings",
    "django_config",
];

/// A directory of modules that `import tasks` finds: one without `__init__.py` loses to a `tasks.py` beside it.
fn is_tasks_package(service: &Service<'_>, directory: &RelPath) -> bool {
    let module = directory.parent().unwrap_or_default().join("tasks.py");
    let has_modules = || {
        let files = service.tree.list(directory);
        files
            .iter()
            .any(|(name, is_directory)| !is_directory && is_python(name))
    };
    is_package(service.tree, directory) || (!has_file(service.tree, &module) && has_modules())
}

fn is_python(name: &str) -> bool {
    name.strip_suffix(".py").is_some_and(is_identifier)
}

/// The directory the user named, if modules can stand there.
fn usable(service: &Service<'_>, directory: &RelPath) -> Result<RelPath, Finding> {
    let refused = |why: String| {
        Finding::refusal("bad-tasks-dir", format!("--tasks-dir {directory}: {why}"))
            .help("name a directory of Python modules: --tasks-dir DIRECTORY")
    };
    let module = RelPath::parse(&format!("{}.py", directory.as_str()));
    let is_new = !is_directory(service.tree, directory);
    if has_file(service.tree, directory) {
        return Err(refused("it is a file".to_owned()));
    }
    if let Some(module) = module.filter(|module| is_new && has_file(service.tree, module)) {
        let beside = module.parent().filter(|parent| *parent != RelPath::root());
        let beside = beside.map_or_else(|| ".".to_owned(), |parent| parent.to_string());
        let message = format!(
            "--tasks-dir {directory}: a new package there would hide {module} and its tasks"
        );
        return Err(Finding::refusal("bad-tasks-dir", message)
            .in_file(&module)
            .help(format!(
                "put the event modules beside it: --tasks-dir {beside}"
            )));
    }
    Ok(directory.clone())
}

fn package_directory(service: &Service<'_>, package: &str) -> Result<RelPath, Finding> {
    let refused = |why: &str| {
        Finding::refusal("bad-package", format!("--package {package}: {why}"))
            .help("name the service's package with dots: --package PACKAGE")
    };
    if !package.split('.').all(is_identifier) {
        return Err(refused("this is no dotted Python name"));
    }
    let path = package.replace('.', "/");
    let roots = service.roots.directories().iter();
    let found = roots
        .map(|root| root.join(&path))
        .find(|directory| is_directory(service.tree, directory));
    found.ok_or_else(|| refused("the service has no such package"))
}

fn top(root: &RelPath, directory: &RelPath) -> RelPath {
    let first = directory
        .below(root)
        .and_then(|rest| rest.split('/').next());
    first.map_or_else(|| directory.clone(), |name| root.join(name))
}

fn missing_init(service: &Service<'_>, root: &RelPath, directory: &RelPath) -> Vec<RelPath> {
    let mut missing = Vec::new();
    let mut at = directory.clone();
    while at != *root {
        let init = at.join("__init__.py");
        if !has_file(service.tree, &init) {
            missing.push(init);
        }
        match at.parent() {
            Some(parent) => at = parent,
            None => break,
        }
    }
    missing.reverse();
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::app;
    use crate::tree::Tree;

    fn layout(app_file: &str, others: &[&str], config: &Config) -> Result<Layout, Finding> {
        let path = |text: &str| RelPath::parse(text).unwrap();
        let text = b"from celery import Celery\nq = Celery()\nq.conf.update(a=1)\n".to_vec();
        let others = others.iter().map(|other| (path(other), Vec::new()));
        let tree = Tree::memory(others.chain([(path(app_file), text)]));
        let service = Service::read(&tree);
        let app = app::find(&service, config)?;
        find(&service, config, &app)
    }

    fn place(app_file: &str, others: &[&str]) -> String {
        let layout = layout(app_file, others, &Config::default()).unwrap();
        format!("{} {}", layout.directory, layout.module("m"))
    }

    fn given(directory: &str, others: &[&str]) -> Result<Layout, Finding> {
        let config = Config {
            tasks_dir: RelPath::parse(directory),
            ..Config::default()
        };
        layout("p/celery.py", others, &config)
    }

    #[test]
    fn the_tasks_package_beside_the_app_takes_them() {
        assert_eq!(
            place("p/celery.py", &["p/__init__.py", "p/tasks/__init__.py"]),
            "p/tasks p.tasks.m"
        );
        assert_eq!(
            place("p/celery.py", &["p/__init__.py", "p/tasks/mail.py"]),
            "p/tasks p.tasks.m"
        );
        assert_eq!(
            place("p/celery.py", &["p/__init__.py", "p/tasks/README.md"]),
            "p p.m"
        );
    }

    #[test]
    fn tasks_py_is_never_shadowed() {
        assert_eq!(
            place("p/celery.py", &["p/__init__.py", "p/tasks.py"]),
            "p p.m"
        );
        assert_eq!(
            place(
                "p/celery.py",
                &["p/__init__.py", "p/tasks.py", "p/tasks/x.py"]
            ),
            "p p.m"
        );
        assert!(
            given("p/tasks", &["p/tasks.py"])
                .unwrap_err()
                .message
                .contains("p/tasks.py")
        );
    }

    #[test]
    fn an_app_inside_tasks_keeps_them_there() {
        assert_eq!(
            place("p/tasks/__init__.py", &["p/__init__.py"]),
            "p/tasks p.tasks.m"
        );
        assert_eq!(
            place(
                "p/tasks/celery.py",
                &["p/__init__.py", "p/tasks/__init__.py"]
            ),
            "p/tasks p.tasks.m"
        );
    }

    #[test]
    fn flat_layouts_have_names_without_dots() {
        assert_eq!(place("tasks.py", &[]), ". m");
        assert_eq!(
            place("celery_app.py", &["tasks/__init__.py"]),
            "tasks tasks.m"
        );
    }

    #[test]
    fn nested_packages_look_up_to_the_top_one() {
        let init = ["p/__init__.py", "p/core/__init__.py"];
        assert_eq!(place("p/core/celery.py", &init), "p/core p.core.m");
        assert_eq!(
            place(
                "p/core/celery.py",
                &[&init[..], &["p/tasks/__init__.py"]].concat()
            ),
            "p/tasks p.tasks.m"
        );
        assert_eq!(
            place(
                "p/core/celery.py",
                &[&init[..], &["tasks/__init__.py"]].concat()
            ),
            "p/core p.core.m"
        );
    }

    #[test]
    fn a_package_of_configuration_holds_no_events() {
        let code = "payments/users/tasks.py";
        assert_eq!(
            place("config/celery_app.py", &["config/__init__.py", code]),
            "payments payments.m"
        );
        assert_eq!(
            place(
                "config/celery_app.py",
                &["config/__init__.py", code, "shop/tasks.py"]
            ),
            "config config.m"
        );
        assert_eq!(
            place("config/celery_app.py", &["config/tasks.py", code]),
            "config config.m"
        );
    }

    #[test]
    fn modules_are_named_from_the_apps_root() {
        assert_eq!(
            place("src/p/celery.py", &["src/p/__init__.py"]),
            "src/p p.m"
        );
        assert_eq!(
            place(
                "back/proj/celery.py",
                &[
                    "back/manage.py",
                    "back/proj/__init__.py",
                    "back/shop/tasks/__init__.py"
                ]
            ),
            "back/proj proj.m"
        );
    }

    #[test]
    fn the_user_may_choose_or_make_a_directory() {
        let layout = given("p/events", &["p/__init__.py"]).unwrap();
        assert_eq!(layout.package, "p.events");
        assert_eq!(
            layout.missing_init,
            [RelPath::parse("p/events/__init__.py").unwrap()]
        );
        assert!(given("p/class", &[]).is_err() && given("my-dir/x", &[]).is_err());
        assert!(given("p/celery.py", &[]).is_err());
    }

    #[test]
    fn a_package_that_is_not_there_is_refused() {
        let config = Config {
            package: Some("q.r".into()),
            ..Config::default()
        };
        assert_eq!(
            layout("p/celery.py", &[], &config).unwrap_err().code,
            "bad-package"
        );
    }
}
