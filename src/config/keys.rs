//! The keys of the config, one row each: how it is read, how it is written.

use toml_edit::{Array, Item, Value};

use super::{Config, values};
use crate::edit::Span;
use crate::path::RelPath;

/// One key.
pub(super) struct Key {
    /// As the user writes it.
    pub(super) name: &'static str,
    /// Takes the value into the config.
    pub(super) read: fn(&mut Config, &Item) -> Result<(), Wrong>,
    /// The value to write, where the config has one.
    pub(super) value: fn(&Config) -> Option<Value>,
}

/// A value that cannot be: why, and the bytes that say so.
pub(super) struct Wrong {
    pub(super) why: String,
    pub(super) span: Option<Span>,
}

/// Every key, in the order we write them.
pub(super) const KEYS: [Key; 9] = [
    Key {
        name: "name",
        read: |config, item| text(item, values::service_name).map(|it| config.name = Some(it)),
        value: |config| config.name.as_deref().map(Value::from),
    },
    Key {
        name: "package",
        read: |config, item| text(item, values::dotted_name).map(|it| config.package = Some(it)),
        value: |config| config.package.as_deref().map(Value::from),
    },
    Key {
        name: "settings",
        read: |config, item| text(item, values::file).map(|it| config.settings = Some(it)),
        value: |config| config.settings.as_ref().map(|it| it.as_str().into()),
    },
    Key {
        name: "celery-app",
        read: |config, item| text(item, values::celery_app).map(|it| config.celery_app = Some(it)),
        value: |config| config.celery_app.as_ref().map(|it| it.to_string().into()),
    },
    Key {
        name: "tasks-dir",
        read: |config, item| text(item, values::directory).map(|it| config.tasks_dir = Some(it)),
        value: |config| config.tasks_dir.as_ref().map(|it| it.to_string().into()),
    },
    Key {
        name: "env-files",
        read: |config, item| texts(item, values::file).map(|it| config.env_files = Some(it)),
        value: |config| {
            let paths = config.env_files.as_ref()?.iter().map(RelPath::as_str);
            Some(paths.collect::<Array>().into())
        },
    },
    Key {
        name: "contract",
        read: |config, item| text(item, values::contract).map(|it| config.contract = Some(it)),
        value: |config| config.contract.as_deref().map(Value::from),
    },
    Key {
        name: "route",
        read: |config, item| text(item, values::route).map(|it| config.route = Some(it)),
        value: |config| config.route.map(|it| it.name().into()),
    },
    Key {
        name: "allow-non-amqp",
        read: |config, item| truth(item).map(|it| config.allow_non_amqp = it),
        value: |config| config.allow_non_amqp.then(|| true.into()),
    },
];

/// A value as a person reads it: strings without quotes, lists with commas.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.value().clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The bytes of an item in the text it was parsed from.
pub(super) fn span_of(item: &Item) -> Option<Span> {
    item.span().map(|range| Span::new(range.start, range.end))
}

fn text<T>(item: &Item, valid: fn(&str) -> Result<T, String>) -> Result<T, Wrong> {
    let text = item.as_str().ok_or_else(|| wrong_type(item, "a string"))?;
    valid(text).map_err(|why| wrong(item.span(), why))
}

fn texts<T>(item: &Item, valid: fn(&str) -> Result<T, String>) -> Result<Vec<T>, Wrong> {
    let list = item
        .as_array()
        .ok_or_else(|| wrong_type(item, "a list of strings"))?;
    let one = |value: &Value| {
        let text = value.as_str().ok_or_else(|| {
            let why = format!(
                "this must be a list of strings, found {}",
                value.type_name()
            );
            wrong(value.span(), why)
        })?;
        valid(text).map_err(|why| wrong(value.span(), why))
    };
    list.iter().map(one).collect()
}

fn truth(item: &Item) -> Result<bool, Wrong> {
    item.as_bool()
        .ok_or_else(|| wrong_type(item, "`true` or `false`"))
}

fn wrong_type(item: &Item, wanted: &str) -> Wrong {
    let why = format!("this must be {wanted}, found {}", item.type_name());
    wrong(item.span(), why)
}

fn wrong(span: Option<std::ops::Range<usize>>, why: String) -> Wrong {
    Wrong {
        why,
        span: span.map(|range| Span::new(range.start, range.end)),
    }
}
