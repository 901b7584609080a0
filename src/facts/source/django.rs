//! The file and class behind `django.conf.settings`. Pure.

use crate::edit::Span;
use crate::facts::Source;
use crate::facts::app::Candidate;
use crate::facts::environ;
use crate::facts::scope::{Binding, bindings, level};
use crate::facts::service::{Meaning, Service};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::{Module, StmtKind};

/// The file of Django's settings.
pub(super) fn settings(
    service: &Service<'_>,
    app: &Candidate,
) -> Result<(RelPath, Vec<Finding>), Finding> {
    const VARIABLE: &str = "DJANGO_SETTINGS_MODULE";
    let help = "name the file that defines the Celery settings: --settings FILE";
    let Some((default, notes)) = environ::default(service, &[&app.file], VARIABLE)? else {
        return only_settings(service, app);
    };
    let place = |finding: Finding| match default.place.span {
        Some(span) => finding.at(&default.place.path, span),
        None => finding.in_file(&default.place.path),
    };
    let Some(module) = &default.value else {
        let message = format!("only running the service tells what {VARIABLE} is");
        return Err(place(Finding::refusal("settings-unknown", message)).help(help));
    };
    let file = service
        .roots
        .locate_from(service.tree, &default.place.path, module);
    file.map(|file| (file, notes)).ok_or_else(|| {
        let message = format!("the settings module \"{module}\" is not in this service");
        place(Finding::refusal("settings-not-found", message)).help(help)
    })
}

/// Django's settings in `file`: its names, or a class's where django-configurations reads one.
pub(super) fn configuration(
    service: &Service<'_>,
    app: &Candidate,
    file: RelPath,
) -> Result<Source, Finding> {
    let found = environ::default(service, &[&app.file], "DJANGO_CONFIGURATION")?;
    Ok(match found.and_then(|(default, _)| default.value) {
        // `settings/__init__.py` may take the classes over from another module.
        Some(class) => match service.meaning(&file, &class) {
            Some(Meaning::Bound { file, name }) => Source::Configuration { file, class: name },
            Some(Meaning::Library(_) | Meaning::Module(_)) | None => {
                Source::Configuration { file, class }
            }
        },
        None => Source::Module { file, django: true },
    })
}

/// Django's settings where no code names them: the one module that binds `INSTALLED_APPS` or builds on it.
fn only_settings(
    service: &Service<'_>,
    app: &Candidate,
) -> Result<(RelPath, Vec<Finding>), Finding> {
    let files = settings_files(service);
    let message = "no file of this service says what DJANGO_SETTINGS_MODULE is";
    if let [file] = files.as_slice() {
        let note = format!("{message}: {file}, the only settings module, is taken");
        let note = Finding::note("settings-module-assumed", note).in_file(file);
        return Ok((file.clone(), vec![note]));
    }
    let finding = Finding::refusal("settings-unknown", message).at(&app.file, app.call);
    if files.is_empty() {
        return Err(finding.help("name the file that defines the Celery settings: --settings FILE"));
    }
    Err(files.iter().fold(finding, |finding, file| {
        let queues = service.module(file).and_then(|module| queues(&module));
        let finding = match queues {
            Some(span) => finding.at(file, span),
            None => finding.in_file(file),
        };
        finding.help(format!("--settings {file}"))
    }))
}

/// The modules that bind `INSTALLED_APPS`, and those that take everything from one of them.
fn settings_files(service: &Service<'_>) -> Vec<RelPath> {
    let mut files: Vec<RelPath> = service
        .mentioning("INSTALLED_APPS")
        .filter(|(_, module)| {
            let found = bindings(module, "INSTALLED_APPS");
            found
                .iter()
                .any(|binding| matches!(binding, Binding::Value(_)))
        })
        .map(|(file, _)| file.clone())
        .collect();
    let base = files.clone();
    for (file, module) in service.mentioning("import *") {
        let builds_on = match service.meaning(file, "INSTALLED_APPS") {
            Some(Meaning::Bound { file: home, .. }) => base.contains(&home),
            Some(Meaning::Library(_) | Meaning::Module(_)) | None => false,
        };
        if builds_on && bindings(&module, "INSTALLED_APPS").is_empty() {
            files.push(file.clone());
        }
    }
    files
}

/// Where a module binds the queues.
fn queues(module: &Module) -> Option<Span> {
    let mut found = None;
    level(&module.body, &mut |stmt| {
        let StmtKind::Assign { targets, .. } = &stmt.kind else {
            return;
        };
        let mut names = targets.iter().filter_map(|target| target.name());
        if names.any(|name| ["CELERY_QUEUES", "CELERY_TASK_QUEUES"].contains(&name)) {
            found = Some(stmt.span);
        }
    });
    found
}
