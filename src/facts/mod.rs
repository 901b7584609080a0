//! What the service is today, read from its code. Pure: never imports or runs it, never decides what to write.

pub mod modules;
pub mod name;
pub mod pins;
pub mod settings;
pub mod text;

use crate::edit::Span;
use crate::path::RelPath;

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
    },
    /// A Flask application's `config`, by the name of the mapping as written (`app.config`).
    Flask {
        /// The file that fills it.
        file: RelPath,
        /// The mapping as written there.
        mapping: String,
    },
    /// Nothing is loaded: only `app.conf…` and the constructor's arguments, in the app's own module.
    Conf,
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
    /// What it loads.
    pub source: Source,
    /// The namespace as written (`CELERY` or `CELERY_`), with the place that says so.
    pub namespace: Option<(String, RelPath, Span)>,
}
