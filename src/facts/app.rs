//! The service's one Celery app, by what its code means. Pure; of several that matter it picks none.

mod evidence;
mod maker;
mod naming;

use std::collections::BTreeSet;

use crate::config::{AppName, Config};
use crate::edit::Span;
use crate::facts::scope::{Binding, bindings, level};
use crate::facts::service::{Meaning, Service};
use crate::facts::text;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Module, StmtKind};

pub use maker::{Made, Maker, is_made_in_sight, makers, makes_app};
pub use naming::{import_root, module_name};

/// A module's variable that holds a Celery app.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Candidate {
    /// The file that binds it.
    pub file: RelPath,
    /// The variable.
    pub variable: String,
    /// The call that makes it.
    pub call: Span,
    /// The service's own function or class that the call goes to.
    pub maker: Option<Maker>,
}

/// The app that the user named, or the one that the code and the `-A` of worker commands settle.
pub fn find(service: &Service<'_>, config: &Config) -> Result<Candidate, Finding> {
    let found = candidates(service);
    if let Some(name) = &config.celery_app {
        return named(service, name, &found);
    }
    if found.is_empty() {
        return Err(none_found(service));
    }
    let by_command: Vec<_> = found
        .iter()
        .filter(|app| evidence::is_started(service, app))
        .collect();
    if let [one] = by_command.as_slice() {
        return Ok((*one).clone());
    }
    let used: Vec<_> = found
        .iter()
        .filter(|app| evidence::is_used(service, app))
        .collect();
    match (used.as_slice(), found.as_slice()) {
        ([one], _) => Ok((*one).clone()),
        (_, [one]) => Ok(one.clone()),
        ([], all) => Err(several(service, all.iter())),
        (used, _) => Err(several(service, used.iter().copied())),
    }
}

/// Every module-level variable of the service that holds a Celery app.
pub fn candidates(service: &Service<'_>) -> Vec<Candidate> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut words = vec!["Celery".to_owned()];
    let own = makers(service);
    words.extend(own.iter().map(|maker| maker.name.clone()));
    if !own.is_empty() {
        words.push("extensions".to_owned());
    }
    for word in &words {
        for (file, module) in service.mentioning(word) {
            if seen.insert(file.clone()) {
                in_module(service, file, &module, &own, &mut found);
            }
        }
    }
    let mut found: Vec<Candidate> = found.into_iter().collect();
    // Both arms of an if may make the same app: one variable is one candidate, at its first call.
    found.dedup_by(|later, first| later.file == first.file && later.variable == first.variable);
    found
}

fn in_module(
    service: &Service<'_>,
    file: &RelPath,
    module: &Module,
    makers: &[Maker],
    found: &mut BTreeSet<Candidate>,
) {
    level(&module.body, &mut |stmt| {
        let StmtKind::Assign { targets, value, .. } = &stmt.kind else {
            return;
        };
        let Some(variable) = targets.iter().find_map(Expr::name) else {
            return;
        };
        for value in arms(value) {
            let maker = match makes_app(service, file, value) {
                Some(Made::By(maker)) => Some(maker),
                Some(Made::ByCelery) => None,
                None if !makers.is_empty() && is_extension(value) => match makers {
                    [one] => Some(one.clone()),
                    _ => None,
                },
                None => continue,
            };
            found.insert(Candidate {
                file: file.clone(),
                variable: variable.to_owned(),
                call: value.span,
                maker,
            });
        }
    });
}

/// The values an expression can have: both arms of a conditional.
fn arms(value: &Expr) -> Vec<&Expr> {
    match &value.kind {
        ExprKind::If { body, orelse, .. } => vec![body, orelse],
        _ => vec![value],
    }
}

/// Flask's way to pass the app on: `flask_app.extensions["celery"]`.
fn is_extension(value: &Expr) -> bool {
    let ExprKind::Subscript { value, index } = &value.kind else {
        return false;
    };
    index.string().as_deref() == Some("celery")
        && value
            .dotted()
            .is_some_and(|dotted| dotted.ends_with(".extensions"))
}

/// The app the user named, at the place that makes it (`orders:celery_app` may be an import).
fn named(service: &Service<'_>, name: &AppName, found: &[Candidate]) -> Result<Candidate, Finding> {
    let shown = name.to_string();
    let others = |finding: Finding| {
        found.iter().fold(finding, |finding, app| {
            let finding = finding.at(&app.file, app.call);
            finding.help(format!("--celery-app {}", spelled(service, app)))
        })
    };
    let located = service.roots.locate(service.tree, &name.module);
    let is_named = |app: &&Candidate| match &located {
        Some(file) => app.file == *file && app.variable == name.variable,
        // `order-service/celery_app.py` is `celery_app` to a worker started in that directory, which is no root.
        None => spelled(service, app) == shown,
    };
    if let Some(app) = found.iter().find(is_named) {
        return Ok(app.clone());
    }
    let Some(file) = located else {
        let message = format!(
            "--celery-app {shown}: the service has no module {}",
            name.module
        );
        return Err(others(Finding::refusal("celery-app-not-found", message)));
    };
    let meaning = service.meaning(&file, &name.variable);
    let Some(Meaning::Bound {
        file,
        name: variable,
    }) = meaning
    else {
        let message = format!("--celery-app {shown}: {file} binds no {}", name.variable);
        return Err(others(
            Finding::refusal("celery-app-not-found", message).in_file(&file),
        ));
    };
    let known = found
        .iter()
        .find(|app| app.file == file && app.variable == variable);
    if let Some(app) = known {
        return Ok(app.clone());
    }
    let module = service.module(&file);
    let call = module.and_then(|module| {
        bindings(&module, &variable)
            .iter()
            .find_map(|binding| match binding {
                Binding::Value(value) => Some(value.span),
                Binding::Import(_) | Binding::From { .. } | Binding::Definition(_) => None,
            })
    });
    let Some(call) = call else {
        let message = format!("--celery-app {shown}: {file} assigns no {variable}");
        return Err(others(
            Finding::refusal("celery-app-not-found", message).in_file(&file),
        ));
    };
    Ok(Candidate {
        file,
        variable,
        call,
        maker: None,
    })
}

fn several<'a>(
    service: &Service<'_>,
    apps: impl Iterator<Item = &'a Candidate> + Clone,
) -> Finding {
    let message = format!(
        "{} Celery apps: which one does the worker run",
        apps.clone().count()
    );
    apps.fold(
        Finding::refusal("several-celery-apps", message),
        |finding, app| {
            let help = format!("--celery-app {}", spelled(service, app));
            finding.at(&app.file, app.call).help(help)
        },
    )
    .label("a Celery app")
}

/// `module:variable`, as `--celery-app` takes it.
fn spelled(service: &Service<'_>, app: &Candidate) -> String {
    let module = module_name(service, &app.file).unwrap_or_else(|| app.file.to_string());
    format!("{module}:{}", app.variable)
}

fn none_found(service: &Service<'_>) -> Finding {
    let python = service.files.iter().filter(|path| path.has_extension("py"));
    if python.count() == 0 {
        return Finding::refusal("not-python", "there is no Python file here")
            .help("name the directory that holds the service");
    }
    let mut finding = Finding::refusal(
        "no-celery-app",
        "no module of this service makes a Celery app",
    );
    for path in service.python() {
        let mentions = |bytes: &[u8]| text::contains(bytes, "Celery");
        if !service
            .tree
            .bytes(path)
            .is_some_and(|bytes| mentions(&bytes))
        {
            continue;
        }
        match service.tree.python(path) {
            Err(error) => {
                finding = finding
                    .in_file(path)
                    .help(format!("{path} could not be read: {}", error.message));
            }
            Ok(module) => {
                for call in maker::calls(service, path, &module) {
                    finding = finding
                        .at(path, call)
                        .label("made here, but bound to no module's variable");
                }
            }
        }
    }
    finding
        .help("name it if it is there: --celery-app MODULE:VARIABLE")
        .help("or write one, as in orders/celery.py:\n    from celery import Celery\n    app = Celery('orders')")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn found(files: &[(&str, &str)], config: &Config, started: &[&str]) -> Result<String, Finding> {
        let tree = Tree::memory(
            files
                .iter()
                .map(|(path, text)| (RelPath::parse(path).unwrap(), text.as_bytes().to_vec())),
        );
        let mut service = Service::read(&tree);
        service.started = started.iter().map(ToString::to_string).collect();
        let app = find(&service, config)?;
        Ok(spelled(&service, &app))
    }

    fn app(files: &[(&str, &str)]) -> String {
        found(files, &Config::default(), &[]).unwrap_or_else(|finding| finding.code.to_owned())
    }

    fn named_app(files: &[(&str, &str)], module: &str, variable: &str) -> Result<String, Finding> {
        let celery_app = Some(AppName {
            module: module.to_owned(),
            variable: variable.to_owned(),
        });
        found(
            files,
            &Config {
                celery_app,
                ..Config::default()
            },
            &[],
        )
    }

    const PLAIN: &str =
        "from celery import Celery\napp = Celery('p')\napp.config_from_object('x')\n";

    #[test]
    fn apps_are_found_by_meaning() {
        assert_eq!(
            app(&[("p/__init__.py", ""), ("p/celery.py", PLAIN)]),
            "p.celery:app"
        );
        assert_eq!(
            app(&[("w.py", "import celery\nq = celery.Celery()\n")]),
            "w:q"
        );
        assert_eq!(
            app(&[("w.py", "from celery import Celery as C\nq: C = C()\n")]),
            "w:q"
        );
        assert_eq!(
            app(&[("w.py", "from x import Celery\nq = Celery()\n")]),
            "no-celery-app"
        );
        assert_eq!(
            app(&[(
                "w.py",
                "try:\n    import celery as c\n    q = c.Celery()\nexcept ImportError:\n    q = None\n"
            )]),
            "w:q"
        );
    }

    #[test]
    fn factories_and_subclasses_make_apps() {
        let factory = (
            "f.py",
            "from celery import Celery\ndef make(app):\n    c = Celery(app.name)\n    return c\n",
        );
        assert_eq!(
            app(&[factory, ("w.py", "from f import make\nqueue = make(1)\n")]),
            "w:queue"
        );
        let class = (
            "base.py",
            "import celery\nclass Mine(celery.Celery):\n    pass\n",
        );
        assert_eq!(
            app(&[class, ("w.py", "import base\na = base.Mine()\n")]),
            "w:a"
        );
        let flask = "f = create_app()\ncelery = f.extensions['celery']\n";
        assert_eq!(
            app(&[factory, ("make_celery.py", flask)]),
            "make_celery:celery"
        );
    }

    #[test]
    fn a_factory_for_something_else_makes_no_app() {
        let factory = "from celery import Celery\ndef create_app():\n    app = Flask()\n    app.c = Celery()\n    return app\nweb = create_app()\n";
        assert_eq!(app(&[("w.py", factory)]), "no-celery-app");
    }

    #[test]
    fn tests_and_vendored_celery_never_win() {
        assert_eq!(
            app(&[("tests/c.py", PLAIN), ("a/celery.py", PLAIN)]),
            "a.celery:app"
        );
        let vendored = [
            ("celery/app/base.py", "class Celery: pass\napp = Celery()\n"),
            ("a.py", PLAIN),
        ];
        assert_eq!(app(&vendored), "a:app");
    }

    #[test]
    fn several_apps_are_listed_with_their_flags() {
        let files = [("a.py", PLAIN), ("b.py", PLAIN)];
        let finding = found(&files, &Config::default(), &[]).unwrap_err();
        assert_eq!(finding.help, ["--celery-app a:app", "--celery-app b:app"]);
        assert_eq!(finding.places.len(), 2);
    }

    #[test]
    fn a_worker_command_settles_which() {
        let files = [
            ("a/__init__.py", ""),
            ("a/celery.py", PLAIN),
            ("b.py", PLAIN),
        ];
        assert_eq!(
            found(&files, &Config::default(), &["a"]).unwrap(),
            "a.celery:app"
        );
        assert_eq!(
            found(&files, &Config::default(), &["b:app"]).unwrap(),
            "b:app"
        );
    }

    #[test]
    fn a_client_without_settings_or_tasks_does_not_matter() {
        let client = "from celery import Celery\nc = Celery(broker='x')\nc.send_task('y')\n";
        assert_eq!(app(&[("a.py", PLAIN), ("client.py", client)]), "a:app");
    }

    #[test]
    fn an_app_with_tasks_elsewhere_matters() {
        let bare = "from celery import Celery\nb = Celery()\n";
        let tasks = "from b import b\n@b.task\ndef f(): pass\n";
        assert_eq!(
            app(&[("a.py", PLAIN), ("b.py", bare), ("t.py", tasks)]),
            "several-celery-apps"
        );
    }

    #[test]
    fn both_arms_of_an_if_are_one_app() {
        let arms = "from celery import Celery\nif x:\n    app = Celery('a')\nelse:\n    app = Celery('b')\n";
        assert_eq!(app(&[("a.py", arms)]), "a:app");
    }

    #[test]
    fn the_user_names_it_even_where_it_is_imported() {
        let files = [
            ("p/__init__.py", "from .c import app as it\n"),
            ("p/c.py", PLAIN),
            ("b.py", PLAIN),
        ];
        assert_eq!(named_app(&files, "p", "it").unwrap(), "p.c:app");
        let missing = named_app(&files, "p.d", "app").unwrap_err();
        assert_eq!(missing.code, "celery-app-not-found");
        assert!(missing.help.contains(&"--celery-app b:app".to_owned()));
        assert!(named_app(&files, "b", "celery").is_err());
    }

    #[test]
    fn nothing_to_wire_says_what_it_saw() {
        assert_eq!(app(&[("README.md", "x")]), "not-python");
        assert_eq!(app(&[("a.py", "x = 1\n")]), "no-celery-app");
        let inner = "from celery import Celery\ndef f():\n    Celery().send_task('x')\n";
        let finding = found(&[("a.py", inner)], &Config::default(), &[]).unwrap_err();
        assert_eq!(finding.places.len(), 1);
    }

    #[test]
    fn a_module_is_named_as_its_own_imports_are() {
        let files = [
            ("src/__init__.py", ""),
            ("src/p/__init__.py", ""),
            ("src/p/conf.py", ""),
            (
                "src/p/celery.py",
                "from celery import Celery\nimport p.conf\napp = Celery()\n",
            ),
        ];
        assert_eq!(app(&files), "p.celery:app");
    }
}
