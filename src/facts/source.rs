//! What the Celery app loads its settings from, and under which namespace. Pure.

mod django;
mod flask;
mod load;
mod unseen;

use crate::config::Config;
use crate::edit::Span;
use crate::facts::Source;
use crate::facts::app::{Candidate, is_made_in_sight};
use crate::facts::environ;
use crate::facts::modules::has_file;
use crate::facts::scope::bindings;
use crate::facts::service::{Meaning, Service};
use crate::facts::value::{Value, evaluate, string};
use crate::finding::{Finding, Place, nearest};
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind};

use load::{Call, Load};

/// What an app loads, and who says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loading {
    /// What.
    pub source: Source,
    /// The namespace as written, with its place.
    pub namespace: Option<(String, RelPath, Span)>,
    /// The call that loads it.
    pub place: Option<Place>,
    /// What a person should know of the choice.
    pub notes: Vec<Finding>,
}

/// What the app loads; a refusal where only running the service would tell.
///
/// `--settings` wins over the file that the code names, never over how it is read.
pub fn loading(
    service: &Service<'_>,
    config: &Config,
    app: &Candidate,
) -> Result<Loading, Finding> {
    if let Some(file) = &config.settings
        && !has_file(service.tree, file)
    {
        let message = format!("--settings {file}: there is no such file");
        let files = service.python().map(RelPath::as_str);
        let help = match nearest(file.as_str(), files) {
            Some(near) => format!("did you mean --settings {near}?"),
            None => "name a file below the service's directory: --settings FILE".to_owned(),
        };
        return Err(Finding::refusal("settings-not-found", message).help(help));
    }
    let calls = load::calls(service, app);
    let namespace = load::namespace(service, &calls)?;
    let (loads, ways): (Vec<_>, Vec<_>) = ways(service, &calls, config)?.into_iter().unzip();
    let Some(way) = ways.last() else {
        if !is_made_in_sight(service, app) {
            unseen::refuse(service, config, app)?;
        }
        let source = match &config.settings {
            Some(file) if *file != app.file => Source::Module {
                file: file.clone(),
                django: false,
            },
            _ => Source::Conf,
        };
        return Ok(Loading {
            source,
            namespace,
            place: None,
            notes: Vec::new(),
        });
    };
    if ways.iter().any(|other| other != way) && config.settings.is_none() {
        let message = "the Celery app loads its settings from more than one place";
        let finding = Finding::refusal("several-settings-sources", message);
        let finding = loads
            .iter()
            .fold(finding, |finding, load| finding.at(&load.file, load.span));
        return Err(finding.help("name the file that defines the Celery settings: --settings FILE"));
    }
    let place = loads.last().map(|load| Place {
        path: load.file.clone(),
        span: Some(load.span),
    });
    let (source, notes) =
        settled(service, config, app, way)?.ok_or_else(|| unknown(loads.last().copied()))?;
    Ok(Loading {
        source,
        namespace,
        place,
        notes,
    })
}

/// The file behind a way of loading; `None` where only running the service would tell.
fn settled(
    service: &Service<'_>,
    config: &Config,
    app: &Candidate,
    way: &Way,
) -> Result<Option<(Source, Vec<Finding>)>, Finding> {
    let source = match (way, &config.settings) {
        (Way::Django(dict), settings) => {
            let (file, notes) = if let Some(file) = settings {
                (file.clone(), Vec::new())
            } else {
                django::settings(service, app)?
            };
            let source = match dict.clone() {
                Some(name) => Source::Object {
                    file,
                    name,
                    django: true,
                },
                None => django::configuration(service, app, file)?,
            };
            return Ok(Some((source, notes)));
        }
        (Way::Known(source), Some(file)) => overridden(service, source, file),
        (Way::Known(source), None) => source.clone(),
        (Way::Unknown, Some(file)) => Source::Module {
            file: file.clone(),
            django: false,
        },
        (Way::Unknown, None) => return Ok(None),
    };
    Ok(Some((source, Vec::new())))
}

/// How a call loads settings.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Way {
    /// Through Django's settings; of them the dict of this name, if any.
    Django(Option<String>),
    /// From a module, class, dict or Flask's config that the code names.
    Known(Source),
    /// Only running it would tell.
    Unknown,
}

/// Each loading call with its way: those of `config_from_object`, else of the constructor, else `conf.update`.
fn ways<'c>(
    service: &Service<'_>,
    calls: &'c [Load],
    config: &Config,
) -> Result<Vec<(&'c Load, Way)>, Finding> {
    for wanted in [Call::Object, Call::Constructor, Call::Update] {
        let mut found = Vec::new();
        for load in calls.iter().filter(|load| load.call == wanted) {
            let Some(argument) = &load.argument else {
                continue;
            };
            let way = if load.by_variable {
                by_variable(service, load, argument)?
            } else {
                way(service, &load.file, argument)?
            };
            match way {
                Way::Unknown if wanted == Call::Update => {}
                Way::Unknown if config.settings.is_none() => return Err(unknown(Some(load))),
                way => found.push((load, way)),
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn way(service: &Service<'_>, file: &RelPath, argument: &Expr) -> Result<Way, Finding> {
    // vars(config), config.__dict__
    let argument = match &argument.kind {
        ExprKind::Call { function, args, .. } if function.name() == Some("vars") => {
            args.first().unwrap_or(argument)
        }
        ExprKind::Attribute { value, name } if name.text == "__dict__" => value,
        ExprKind::Starred(value) => value,
        _ => argument,
    };
    Ok(match evaluate(service, file, argument) {
        Some(Value::Text(text)) => by_path(service, file, &text, argument)?,
        Some(Value::Named(meaning)) => by_meaning(meaning),
        None => flask::way(service, file, argument)?.map_or(Way::Unknown, Way::Known),
    })
}

fn by_meaning(meaning: Meaning) -> Way {
    match meaning {
        Meaning::Library(name) if name == "django.conf.settings" => Way::Django(None),
        Meaning::Library(name) => match name.strip_prefix("django.conf.settings.") {
            Some(dict) if !dict.contains('.') => Way::Django(Some(dict.to_owned())),
            _ => Way::Unknown,
        },
        Meaning::Module(file) => Way::Known(Source::Module {
            file,
            django: false,
        }),
        Meaning::Bound { file, name } => Way::Known(Source::Object {
            file,
            name,
            django: false,
        }),
    }
}

/// `'django.conf:settings'`, `'orders.config'`, `'orders.config:Celery'`, `'orders.config.Celery'`.
fn by_path(
    service: &Service<'_>,
    file: &RelPath,
    text: &str,
    argument: &Expr,
) -> Result<Way, Finding> {
    if text == "django.conf:settings" || text == "django.conf.settings" {
        return Ok(Way::Django(None));
    }
    let dotted = text.replace(':', ".");
    if let Some(dict) = dotted.strip_prefix("django.conf.settings.") {
        return Ok(Way::Django(Some(dict.to_owned())));
    }
    match service.absolute(file, &dotted) {
        Some(meaning @ (Meaning::Module(_) | Meaning::Bound { .. })) => Ok(by_meaning(meaning)),
        Some(Meaning::Library(_)) | None => {
            let message = format!("the settings module \"{text}\" is not in this service");
            Err(Finding::refusal("settings-not-found", message)
                .at(file, argument.span)
                .label("loaded from here")
                .help("name the file that defines the Celery settings: --settings FILE"))
        }
    }
}

/// `config_from_envvar('CELERY_CONFIG_MODULE')`: what the code gives that variable.
fn by_variable(service: &Service<'_>, load: &Load, argument: &Expr) -> Result<Way, Finding> {
    let Some(variable) = string(service, &load.file, argument) else {
        return Ok(Way::Unknown);
    };
    let found = environ::default(service, &[&load.file], &variable)?;
    match found.and_then(|(default, _)| default.value) {
        Some(module) => by_path(service, &load.file, &module, argument),
        None => Ok(Way::Unknown),
    }
}

/// The same way of reading, from the file that the user named.
fn overridden(service: &Service<'_>, source: &Source, file: &RelPath) -> Source {
    if holder(source) == Some(file) {
        return source.clone();
    }
    let file = file.clone();
    match source {
        Source::Object { name, django, .. } if binds(service, &file, name) => Source::Object {
            file,
            name: name.clone(),
            django: *django,
        },
        Source::Flask {
            file: home,
            mapping,
            ..
        } if *home != file => Source::Flask {
            file: home.clone(),
            mapping: mapping.clone(),
            copied: Some(Box::new(Source::Module {
                file,
                django: false,
            })),
        },
        Source::Flask { .. } => source.clone(),
        Source::Module { django, .. } => Source::Module {
            file,
            django: *django,
        },
        Source::Object { .. } | Source::Configuration { .. } | Source::Conf => Source::Module {
            file,
            django: false,
        },
    }
}

/// The file that holds the settings themselves: for Flask, the one that is copied.
fn holder(source: &Source) -> Option<&RelPath> {
    match source {
        Source::Flask {
            copied: Some(copied),
            ..
        } => holder(copied),
        other => other.file(),
    }
}

fn binds(service: &Service<'_>, file: &RelPath, name: &str) -> bool {
    service
        .module(file)
        .is_some_and(|module| !bindings(&module, name).is_empty())
}

fn unknown(load: Option<&Load>) -> Finding {
    let message = "only running the service tells what the Celery app loads its settings from";
    let finding = Finding::refusal("settings-unknown", message);
    let finding = match load {
        Some(load) => finding.at(&load.file, load.span).label("loaded here"),
        None => finding,
    };
    finding.help("name the file that defines the Celery settings: --settings FILE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::app;
    use crate::tree::Tree;

    fn loaded(files: &[(&str, &str)], config: &Config) -> Result<Loading, Finding> {
        let tree = Tree::memory(
            files
                .iter()
                .map(|(path, text)| (RelPath::parse(path).unwrap(), text.as_bytes().to_vec())),
        );
        let service = Service::read(&tree);
        let app = app::find(&service, config)?;
        loading(&service, config, &app)
    }

    fn source_of(files: &[(&str, &str)]) -> String {
        match loaded(files, &Config::default()) {
            Ok(loading) => source_text(&loading.source),
            Err(finding) => finding.code.to_owned(),
        }
    }

    fn source_text(source: &Source) -> String {
        match source {
            Source::Module { file, django: true } => format!("django {file}"),
            Source::Module {
                file,
                django: false,
            } => file.to_string(),
            Source::Object { file, name, .. } => format!("{file} {name}"),
            Source::Flask {
                file,
                mapping,
                copied,
            } => {
                let copied = copied
                    .as_ref()
                    .map(|copied| source_text(copied))
                    .unwrap_or_default();
                format!("flask {file} {mapping} {copied}")
                    .trim_end()
                    .to_owned()
            }
            Source::Configuration { file, class } => format!("{file} class {class}"),
            Source::Conf => "conf".to_owned(),
        }
    }

    /// A `p/celery.py` with these lines below its app.
    fn with(lines: &str, others: &[(&str, &str)]) -> String {
        let text = format!("import os\nfrom celery import Celery\napp = Celery('p')\n{lines}\n");
        let mut files = vec![("p/__init__.py", ""), ("p/celery.py", text.as_str())];
        files.extend(others);
        source_of(&files)
    }

    const SET: &str = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'p.settings')\n";

    #[test]
    fn django_is_read_by_string_and_by_object() {
        let settings = ("p/settings.py", "");
        let string =
            format!("{SET}app.config_from_object('django.conf:settings', namespace='CELERY')");
        assert_eq!(with(&string, &[settings]), "django p/settings.py");
        let object =
            format!("{SET}from django.conf import settings\napp.config_from_object(settings)");
        assert_eq!(with(&object, &[settings]), "django p/settings.py");
        assert_eq!(
            with(&string, &[("p/settings/__init__.py", "")]),
            "django p/settings/__init__.py"
        );
        assert_eq!(with(&string, &[]), "settings-not-found");
    }

    #[test]
    fn modules_and_classes_are_followed() {
        let config = ("p/config.py", "class C:\n    pass\n");
        assert_eq!(
            with("app.config_from_object('p.config')", &[config]),
            "p/config.py"
        );
        assert_eq!(
            with("app.config_from_object('p.config:C')", &[config]),
            "p/config.py C"
        );
        assert_eq!(
            with("app.config_from_object('p.config.C')", &[config]),
            "p/config.py C"
        );
        assert_eq!(
            with(
                "from . import config\napp.config_from_object(config)",
                &[config]
            ),
            "p/config.py"
        );
        assert_eq!(
            with(
                "from p.config import C as D\napp.config_from_object(D)",
                &[config]
            ),
            "p/config.py C"
        );
        assert_eq!(
            with(
                "from p.config import C\nx = C()\napp.config_from_object(x)",
                &[config]
            ),
            "p/config.py C"
        );
        assert_eq!(with("app.config_from_object(__name__)", &[]), "p/celery.py");
        assert_eq!(
            with("class I: pass\napp.config_from_object(I)", &[]),
            "p/celery.py I"
        );
    }

    #[test]
    fn what_only_running_tells_is_refused() {
        assert_eq!(
            with("app.config_from_object(make())", &[]),
            "settings-unknown"
        );
        assert_eq!(with("app.config_from_envvar('X')", &[]), "settings-unknown");
        assert_eq!(
            with("app.config_from_object('django.conf:settings')", &[]),
            "settings-unknown"
        );
        assert_eq!(
            with("app.config_from_object('elsewhere.config')", &[]),
            "settings-not-found"
        );
        let two = "app.config_from_object('p.a')\napp.config_from_object('p.b')";
        assert_eq!(
            with(two, &[("p/a.py", ""), ("p/b.py", "")]),
            "several-settings-sources"
        );
    }

    #[test]
    fn settings_that_no_code_names_must_be_the_only_ones() {
        let load = "app.config_from_object('django.conf:settings')";
        let apps = "INSTALLED_APPS = []\n";
        assert_eq!(with(load, &[("p/conf.py", apps)]), "django p/conf.py");
        assert_eq!(
            with(load, &[("a.py", apps), ("b.py", "from a import *\n")]),
            "settings-unknown"
        );
    }

    #[test]
    fn the_environment_may_be_given_in_code() {
        let lines = "os.environ.setdefault('CELERY_CONFIG_MODULE', 'p.a')\napp.config_from_envvar('CELERY_CONFIG_MODULE')";
        assert_eq!(with(lines, &[("p/a.py", "")]), "p/a.py");
    }

    #[test]
    fn without_a_source_there_is_conf() {
        assert_eq!(with("app.conf.update(task_queues=())", &[]), "conf");
        assert_eq!(with("app.conf.update({'a': 1})", &[]), "conf");
    }

    #[test]
    fn dicts_of_settings_are_found() {
        let update =
            format!("{SET}from django.conf import settings\napp.conf.update(settings.CELERY)");
        assert_eq!(
            with(&update, &[("p/settings.py", "")]),
            "p/settings.py CELERY"
        );
        let unpacked = "from p.config import CELERY\napp.conf.update(**CELERY)";
        assert_eq!(
            with(unpacked, &[("p/config.py", "CELERY = {}\n")]),
            "p/config.py CELERY"
        );
    }

    #[test]
    fn flask_hands_over_its_config() {
        let flask = "from flask import Flask\nfrom celery import Celery\nweb = Flask('x')\nweb.config.from_object('config.C')\ncelery = Celery()\ncelery.conf.update(web.config)\n";
        let config = ("config.py", "class C: pass\n");
        assert_eq!(
            source_of(&[("a.py", flask), config]),
            "flask a.py web.config config.py C"
        );
        let made = "from flask import Flask\nfrom celery import Celery\nfrom config import C\ndef create(config=C):\n    app = Flask('x')\n    app.config.from_object(config)\ncelery = Celery()\ncelery.conf.update(app.config)\n";
        assert_eq!(
            source_of(&[("a.py", made), config]),
            "flask a.py app.config config.py C"
        );
        let factory = "from celery import Celery\ndef make(app):\n    c = Celery()\n    c.config_from_object(app.config['CELERY'])\n    return c\n";
        let web =
            "from flask import Flask\nfrom f import make\napp = Flask('x')\ncelery = make(app)\n";
        assert_eq!(
            source_of(&[("f.py", factory), ("a.py", web)]),
            "flask a.py app.config[\"CELERY\"]"
        );
    }

    #[test]
    fn namespaces_stand_in_the_call_or_the_constructor() {
        let call = "from celery import Celery\napp = Celery(namespace='CELERY_')\napp.config_from_object('b')\n";
        let loading = loaded(&[("a.py", call), ("b.py", "")], &Config::default()).unwrap();
        assert_eq!(loading.namespace.unwrap().0, "CELERY_");
        let positional = "from celery import Celery\napp = Celery()\napp.config_from_object('b', False, True, 'X')\n";
        let loading = loaded(&[("a.py", positional), ("b.py", "")], &Config::default()).unwrap();
        assert_eq!(loading.namespace.unwrap().0, "X");
    }

    #[test]
    fn django_configurations_name_a_class() {
        let lines = format!(
            "{SET}os.environ.setdefault('DJANGO_CONFIGURATION', 'Dev')\napp.config_from_object('django.conf:settings')"
        );
        assert_eq!(
            with(&lines, &[("p/settings.py", "")]),
            "p/settings.py class Dev"
        );
    }

    #[test]
    fn the_users_file_wins() {
        let text = "from celery import Celery\napp = Celery()\napp.config_from_object('django.conf:settings')\n";
        let config = Config {
            settings: RelPath::parse("s.py"),
            ..Config::default()
        };
        let loading = loaded(&[("a.py", text), ("s.py", "")], &config).unwrap();
        assert_eq!(source_text(&loading.source), "django s.py");
        assert!(loaded(&[("a.py", text)], &config).is_err());
    }
}
