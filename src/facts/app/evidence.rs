//! What tells the worker's app from others: the command that starts it, its settings, its tasks. Pure.

use super::Candidate;
use crate::facts::scope::expressions;
use crate::facts::service::{Meaning, Service};
use crate::facts::value::keyword;
use crate::path::RelPath;
use crate::python::syntax::ExprKind;

/// A worker command names this app: `-A orders`, `-A orders.celery`, `-A orders.celery:app`.
pub(super) fn is_started(service: &Service<'_>, app: &Candidate) -> bool {
    let file = Meaning::Module(app.file.clone());
    let bound = Meaning::Bound {
        file: app.file.clone(),
        name: app.variable.clone(),
    };
    service.started.iter().any(|name| {
        let (module, variable) = name.split_once(':').unwrap_or((name, ""));
        let dotted = if variable.is_empty() {
            module.to_owned()
        } else {
            format!("{module}.{variable}")
        };
        let meaning = service.absolute(&RelPath::root(), &dotted);
        // `-A orders` finds orders/celery.py too.
        let inside = service.absolute(&RelPath::root(), &format!("{module}.celery"));
        meaning.as_ref() == Some(&file)
            || meaning.as_ref() == Some(&bound)
            || (variable.is_empty() && inside.as_ref() == Some(&file))
    })
}

/// The app has settings or tasks of its own; one without is a client that only sends.
pub(super) fn is_used(service: &Service<'_>, app: &Candidate) -> bool {
    let Some(module) = service.module(&app.file) else {
        return false;
    };
    let words = [
        "config_from_object",
        "config_from_envvar",
        "autodiscover_tasks",
        "task",
        "conf",
        "on_after_configure",
    ];
    let mut used = app.maker.is_some();
    expressions(&module.body, &mut |expr| match &expr.kind {
        ExprKind::Attribute { value, name } => {
            used |= value.name() == Some(&app.variable) && words.contains(&name.text.as_str());
        }
        ExprKind::Call { keywords, .. } if expr.span == app.call => {
            used |= keyword(keywords, "include").is_some()
                || keyword(keywords, "config_source").is_some();
        }
        _ => {}
    });
    used || decorates_elsewhere(service, app)
}

/// `@app.task` in another module.
fn decorates_elsewhere(service: &Service<'_>, app: &Candidate) -> bool {
    let own = Meaning::Bound {
        file: app.file.clone(),
        name: app.variable.clone(),
    };
    service.mentioning(".task").any(|(file, module)| {
        let mut found = false;
        expressions(&module.body, &mut |expr| {
            if let ExprKind::Attribute { value, name } = &expr.kind {
                found |=
                    name.text == "task" && service.meaning_of(file, value).as_ref() == Some(&own);
            }
        });
        found
    })
}
