//! What the service is today, read from its code. Pure: never imports or runs it, never decides what to write.

pub mod app;
pub mod conf;
pub mod deployment;
pub mod environ;
pub mod home;
pub mod layout;
pub mod modules;
pub mod name;
pub mod pins;
pub mod python_version;
pub mod scope;
pub mod service;
pub mod settings;
pub mod source;
pub mod tasks;
pub mod text;
pub mod value;

use crate::config::{AppName, Config};
use crate::edit::Span;
use crate::finding::{Finding, Place};
use crate::path::RelPath;
use crate::tree::Tree;

use deployment::Deployment;
use layout::Layout;
use modules::Roots;
use pins::Pins;
use python_version::Python;
use service::Service;
use settings::Home;
use tasks::Tasks;

/// All that the rules need to know of a service, but for what its settings bind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// The one Celery app.
    pub app: App,
    /// Where the event modules go.
    pub layout: Layout,
    /// Where its modules are imported from.
    pub roots: Roots,
    /// The oldest Python it runs on, with the place that says so.
    pub python: (Python, Option<Place>),
    /// The versions it asks for.
    pub pins: Pins,
    /// Its ordinary tasks, and those with a queue of their own.
    pub tasks: Tasks,
    /// What code puts on the app's `conf`.
    pub conf_writes: Vec<conf::Write>,
    /// Env files, old URLs, worker commands.
    pub deployment: Deployment,
    /// What a person should know of the choices made.
    pub notes: Vec<Finding>,
}

impl Facts {
    /// Whether Django's settings are what the emitter and the router can read.
    pub fn django(&self) -> bool {
        match &self.app.source {
            Source::Module { django, .. } => *django,
            Source::Configuration { .. } => true,
            Source::Object { .. } | Source::Flask { .. } | Source::Conf => {
                self.pins.requires("django")
            }
        }
    }

    /// Whether what is written beside Celery's settings is one of Django's: only those reach the router.
    pub fn written_to_django(&self, home: &Home) -> bool {
        match &self.app.source {
            Source::Module { django, .. } => *django,
            Source::Configuration { .. } => true,
            Source::Object { django, .. } => *django && matches!(home, Home::Keys(..)),
            Source::Flask { .. } | Source::Conf => false,
        }
    }

    /// The first number of Celery's version, if one is pinned.
    pub fn celery_major(&self) -> Option<u64> {
        self.pins.celery().map(|version| version.major())
    }
}

/// What the service in this tree is, with the pins of these libraries too; every refusal at once where it
/// cannot be told.
pub fn gather(tree: &Tree, config: &Config, libraries: &[&str]) -> Result<Facts, Vec<Finding>> {
    let mut service = Service::read(tree);
    let deployment = Deployment::read(tree, config, &service.files);
    service.started = deployment.started();
    let candidate = app::find(&service, config)?;
    // Its settings are named from where the app itself is.
    if let Some(root) = app::import_root(&service, &candidate.file) {
        service.roots.prefer(root);
    }
    let loading = source::loading(&service, config, &candidate);
    let layout = layout::find(&service, config, &candidate);
    let (loading, layout) = match (loading, layout) {
        (Ok(loading), Ok(layout)) => (loading, layout),
        (loading, layout) => return Err(loading.err().into_iter().chain(layout.err()).collect()),
    };
    let module = app::module_name(&service, &candidate.file).ok_or_else(|| {
        let message = format!(
            "Python cannot import {}: a part of its path is no identifier",
            candidate.file
        );
        vec![Finding::refusal("app-not-importable", message).at(&candidate.file, candidate.call)]
    })?;
    let near = near(&service, &candidate.file, &loading.source);
    let pins = Pins::read_with(tree, &service.files, libraries);
    Ok(Facts {
        python: python_version::python(&service, &pins, &near),
        pins,
        tasks: Tasks::read(&service),
        conf_writes: conf::writes(&service, &candidate),
        app: App {
            file: candidate.file,
            module,
            variable: candidate.variable,
            call: candidate.call,
            maker: candidate.maker,
            source: loading.source,
            loads: loading.place,
            namespace: loading.namespace,
        },
        layout,
        roots: service.roots.clone(),
        deployment,
        notes: loading.notes,
    })
}

/// The files whose syntax tells the service's Python: the app's, the settings', and those beside them.
fn near(service: &Service<'_>, app: &RelPath, source: &Source) -> Vec<RelPath> {
    let mut files = vec![app.clone()];
    files.extend(source.file().cloned());
    let directories: Vec<_> = files.iter().filter_map(RelPath::parent).collect();
    let beside = service.python().filter(|path| {
        path.parent()
            .is_some_and(|directory| directories.contains(&directory))
    });
    files.extend(beside.cloned());
    files
}

/// What the Celery app loads its settings from, as its code says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// The names at the top of a module: `config_from_object('django.conf:settings')` (then `django`),
    /// `config_from_object('celeryconfig')`, `config_from_object(settings_module)`.
    Module {
        /// The module's file; for Django the one that `DJANGO_SETTINGS_MODULE` defaults to.
        file: RelPath,
        /// Read through Django's settings: only upper-case names count.
        django: bool,
    },
    /// The attributes of a class, or the keys of a dict, that a module binds:
    /// `config_from_object('orders.config:CeleryConfig')`, `app.conf.update(settings.CELERY)`.
    Object {
        /// The module's file.
        file: RelPath,
        /// The class's or dict's name in it.
        name: String,
        /// The module is Django's settings.
        django: bool,
    },
    /// A Flask application's `config`, by the name of the mapping as written (`app.config`).
    Flask {
        /// The file that fills it.
        file: RelPath,
        /// The mapping as written there.
        mapping: String,
        /// What `app.config.from_object(…)` copies into it, if the code says.
        copied: Option<Box<Source>>,
    },
    /// A class of django-configurations: its upper-case attributes are Django's settings.
    Configuration {
        /// The file that `DJANGO_SETTINGS_MODULE` defaults to.
        file: RelPath,
        /// The class that `DJANGO_CONFIGURATION` defaults to.
        class: String,
    },
    /// Nothing is loaded: only `app.conf…` and the constructor's arguments, in the app's own module.
    Conf,
}

impl Source {
    /// The file that holds the settings; none where only the app's own module does.
    pub fn file(&self) -> Option<&RelPath> {
        match self {
            Self::Module { file, .. }
            | Self::Object { file, .. }
            | Self::Flask { file, .. }
            | Self::Configuration { file, .. } => Some(file),
            Self::Conf => None,
        }
    }
}

/// The service's one Celery app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct App {
    /// The file that makes it.
    pub file: RelPath,
    /// That file's dotted module name, from an import root.
    pub module: String,
    /// The variable that holds it there.
    pub variable: String,
    /// The call that makes it.
    pub call: Span,
    /// The service's own function or class that the call goes to, if not Celery's.
    pub maker: Option<app::Maker>,
    /// What it loads.
    pub source: Source,
    /// The call that loads it: `app.config_from_object(…)`.
    pub loads: Option<Place>,
    /// The namespace as written (`CELERY` or `CELERY_`), with the place that says so.
    pub namespace: Option<(String, RelPath, Span)>,
}

impl App {
    /// As a worker's `-A` and `--celery-app` take it.
    pub fn name(&self) -> AppName {
        AppName {
            module: self.module.clone(),
            variable: self.variable.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const APP: &str = "from celery import Celery\napp = Celery('p')\napp.config_from_object('p.conf')\n@app.task(queue='m')\ndef f(): pass\n";

    fn tree(files: &[(&str, &[u8])]) -> Tree {
        Tree::memory(
            files
                .iter()
                .map(|(path, text)| (RelPath::parse(path).unwrap(), text.to_vec())),
        )
    }

    #[test]
    fn the_parts_come_together() {
        let tree = tree(&[
            ("p/celery.py", APP.as_bytes()),
            ("p/conf.py", b""),
            ("Procfile", b"w: celery -A p worker -Q a\n"),
            ("requirements.txt", b"celery==4.4.7\n"),
        ]);
        let facts = gather(&tree, &Config::default(), &[]).unwrap();
        assert_eq!(facts.app.module, "p.celery");
        assert_eq!(facts.layout.module("m"), "p.m");
        assert_eq!(
            (facts.tasks.routed.len(), facts.deployment.workers.len()),
            (1, 1)
        );
    }

    #[test]
    fn settings_are_named_from_the_apps_own_root() {
        let tree = tree(&[
            ("services/p/__init__.py", b""),
            ("services/p/celery.py", APP.as_bytes()),
            ("services/p/conf.py", b""),
        ]);
        let facts = gather(&tree, &Config::default(), &[]).unwrap();
        assert_eq!(facts.app.module, "p.celery");
        assert_eq!(
            facts.app.source.file(),
            RelPath::parse("services/p/conf.py").as_ref()
        );
    }

    #[test]
    fn every_refusal_comes_at_once() {
        let tree = tree(&[("p/celery.py", APP.as_bytes())]);
        let config = Config {
            tasks_dir: RelPath::parse("my-dir/x"),
            ..Config::default()
        };
        assert_eq!(gather(&tree, &config, &[]).unwrap_err().len(), 2);
    }

    proptest! {
        #[test]
        fn mutated_files_never_panic(at in 0..APP.len(), byte: u8, cut in 0..APP.len(), other: Vec<u8>) {
            let mut app = APP.as_bytes().to_vec();
            app[at] = byte;
            app.truncate(cut);
            let tree = tree(&[
                ("p/celery.py", &app),
                ("p/conf.py", &other),
                ("manage.py", &app[at.min(cut)..]),
                ("setup.py", &other),
                ("compose.yml", &other),
                (".env.sample", &other),
            ]);
            let _ = gather(&tree, &Config::default(), &[]);
        }
    }
}
