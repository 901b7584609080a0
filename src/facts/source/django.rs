//! The file and class behind `django.conf.settings`. Pure.

use crate::facts::Source;
use crate::facts::app::Candidate;
use crate::facts::environ;
use crate::facts::service::Service;
use crate::finding::Finding;
use crate::path::RelPath;

/// The file of Django's settings.
pub(super) fn settings(
    service: &Service<'_>,
    app: &Candidate,
) -> Result<(RelPath, Vec<Finding>), Finding> {
    const VARIABLE: &str = "DJANGO_SETTINGS_MODULE";
    let help = "name the file that defines the Celery settings: --settings FILE";
    let Some((default, notes)) = environ::default(service, &[&app.file], VARIABLE)? else {
        let message = format!("no file of this service says what {VARIABLE} is");
        return Err(Finding::refusal("settings-unknown", message)
            .at(&app.file, app.call)
            .help(help));
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
        Some(class) => Source::Configuration { file, class },
        None => Source::Module { file, django: true },
    })
}
