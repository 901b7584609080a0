//! An app that the service's code does not show the making of, such as one of a library's own class: what it
//! loads is out of sight. Pure.

use super::{Way, way};
use crate::celery;
use crate::config::Config;
use crate::facts::Source;
use crate::facts::app::Candidate;
use crate::facts::scope::{expressions, level};
use crate::facts::service::Service;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, StmtKind};

/// Refuses, unless the user names the app's own file or a module of settings.
pub(super) fn refuse(
    service: &Service<'_>,
    config: &Config,
    app: &Candidate,
) -> Result<(), Finding> {
    let finding = match &config.settings {
        Some(file) if *file == app.file || binds_settings(service, file) => return Ok(()),
        Some(file) => {
            let message = format!("no Celery setting is bound at the top of {file}");
            let finding = Finding::refusal("settings-unknown", message).in_file(file);
            finding.at(&app.file, app.call)
        }
        None => {
            let message =
                "the service's code does not show how this Celery app is made, nor what it loads";
            Finding::refusal("settings-unknown", message).at(&app.file, app.call)
        }
    };
    let finding = finding.label("the app comes from here");
    let loaded = loaded_somewhere(service);
    Err(match loaded.as_slice() {
        [] => finding.help(
            "name the module that its settings are names of, `--settings FILE`; where it has none, load them in sight: \
             `app.config_from_object('celeryconfig')`",
        ),
        files => files.iter().fold(finding, |finding, file| {
            finding.help(format!("if it loads this module: --settings {file}"))
        }),
    })
}

/// Whether a module binds one of Celery's settings by name.
fn binds_settings(service: &Service<'_>, file: &RelPath) -> bool {
    let mut found = false;
    if let Some(module) = service.module(file) {
        level(&module.body, &mut |stmt| {
            if let StmtKind::Assign { targets, .. } = &stmt.kind {
                found |= targets.iter().filter_map(Expr::name).any(|name| {
                    name.starts_with("CELERY_")
                        || celery::names().any(|(old, new)| name == old || name == new)
                });
            }
        });
    }
    found
}

/// The modules of the service that some app loads.
fn loaded_somewhere(service: &Service<'_>) -> Vec<RelPath> {
    let mut found = Vec::new();
    for (file, module) in service.mentioning("config_from_object") {
        expressions(&module.body, &mut |expr| {
            let ExprKind::Call { function, args, .. } = &expr.kind else {
                return;
            };
            let loads = matches!(&function.kind, ExprKind::Attribute { name, .. } if name.text == "config_from_object");
            let argument = args.first().filter(|_| loads);
            if let Some(Ok(Way::Known(Source::Module { file, .. }))) =
                argument.map(|argument| way(service, file, argument))
                && !found.contains(&file)
            {
                found.push(file);
            }
        });
    }
    found
}
