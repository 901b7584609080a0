//! Templates to text: those of a contract, and of a new service. Pure; the only user of `tera`.
//!
//! A template that does not render is our bug: a test renders each.

use std::collections::HashMap;
use std::io::{self, Write};

use tera::{Context, Tera, Value};

use crate::contract::Contract;
use crate::path::RelPath;
use crate::templates;

/// What the event modules of one service are made from, besides the contract.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inputs {
    /// The Celery app's module, dotted: `orders.celery`.
    pub app_module: String,
    /// Its variable there: `app`.
    pub app_variable: String,
    /// The handlers module, dotted: `orders.tasks.microservice_events`.
    pub handlers_module: String,
}

/// The listener: the module that passes every event to its handler.
///
/// The contract is one of ours, or [`try_listener`] has rendered it with these inputs.
pub fn listener(contract: &Contract, inputs: &Inputs) -> String {
    try_listener(contract, inputs).unwrap_or_else(|fault| panic!("{fault:?}"))
}

/// The handlers module as it starts out, empty but for its docstring.
///
/// The contract is one of ours, or [`try_handlers`] has rendered it.
pub fn handlers(contract: &Contract) -> String {
    try_handlers(contract).unwrap_or_else(|fault| panic!("{fault:?}"))
}

/// As [`listener`], for a contract that nobody has tried yet.
pub fn try_listener(contract: &Contract, inputs: &Inputs) -> Result<String, Fault> {
    let Inputs {
        app_module,
        app_variable,
        handlers_module,
    } = inputs;
    let (package, name) = handlers_module
        .rsplit_once('.')
        .unwrap_or(("", handlers_module));
    let mut context = Context::new();
    context.insert("app_module", app_module);
    context.insert("app_variable", app_variable);
    context.insert("handlers_module", handlers_module);
    context.insert("handlers_package", package);
    context.insert("handlers_name", name);
    context.insert("event_task", &contract.event_task);
    of_contract(contract, "listener.py.tera", &context)
}

/// As [`handlers`], for a contract that nobody has tried yet.
pub fn try_handlers(contract: &Contract) -> Result<String, Fault> {
    of_contract(contract, "handlers.py.tera", &Context::new())
}

/// Why a template does not render.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The template's name.
    pub template: &'static str,
    /// Why, in one line.
    pub why: String,
    /// The line and column that say so, from one, where that is known.
    pub at: Option<(usize, usize)>,
}

/// The skeleton of a new service, not yet wired: every file under `templates/service/`.
///
/// `name` is a service name and `package` an identifier, as [`crate::config::values`] has them.
pub fn service(name: &str, package: &str) -> Vec<(RelPath, Vec<u8>)> {
    let folder = RelPath::root().join("service");
    let mut context = Context::new();
    context.insert("name", name);
    context.insert("package", package);
    templates::files(&folder)
        .iter()
        .map(|template| {
            let path = template.below(&folder).expect("it was listed there");
            let path = path.strip_suffix(".tera").unwrap_or(path);
            let path = path.replace("__package__", package);
            let text = templates::text(template).expect("it was listed there");
            (
                RelPath::root().join(&path),
                render(template.as_str(), text, &context).into_bytes(),
            )
        })
        .collect()
}

fn of_contract(
    contract: &Contract,
    name: &'static str,
    context: &Context,
) -> Result<String, Fault> {
    let text = contract.template(name).unwrap_or_default();
    rendered(name, text, context).map_err(|error| fault(name, &error))
}

fn render(name: &str, text: &str, context: &Context) -> String {
    rendered(name, text, context)
        .unwrap_or_else(|error| panic!("template {name} does not render: {error:?}"))
}

fn rendered(name: &str, text: &str, context: &Context) -> tera::Result<String> {
    let mut tera = Tera::default();
    tera.autoescape_on(Vec::new());
    tera.register_filter("py_str", py_str);
    // What a template gives depends on its inputs alone.
    tera.register_function("get_env", |_: &HashMap<String, Value>| {
        Err(tera::Error::msg(
            "`get_env` is not known here: a template reads no environment",
        ))
    });
    tera.register_function("range", range);
    tera.add_raw_template(name, text)?;
    if let Some(why) = endless(text) {
        return Err(tera::Error::msg(why));
    }
    let mut out = Bounded(Vec::new());
    tera.render_to(name, context, &mut out)?;
    String::from_utf8(out.0).map_err(|_| tera::Error::msg("what it renders to is not UTF-8"))
}

/// What a template may render to: many times the largest listener.
const LARGEST: usize = 1024 * 1024;
/// What `range` may give, and how deep loops may stand in each other.
const LONGEST: u64 = 100;
const DEEPEST: usize = 2;

/// `range(end=3)`, of few numbers.
fn range(arguments: &HashMap<String, Value>) -> tera::Result<Value> {
    let number = |name: &str, default: u64| match arguments.get(name) {
        None => Ok(default),
        Some(value) => value
            .as_u64()
            .ok_or_else(|| tera::Error::msg(format!("`range`: `{name}` is no number from 0 on"))),
    };
    let (start, step) = (number("start", 0)?, number("step_by", 1)?);
    let end = number("end", start)?;
    if step == 0 || end.saturating_sub(start) / step > LONGEST {
        let why = format!("`range` gives at most {LONGEST} numbers here");
        return Err(tera::Error::msg(why));
    }
    let mut numbers = Vec::new();
    let mut at = start;
    while at < end {
        numbers.push(Value::from(at));
        at += step;
    }
    Ok(Value::Array(numbers))
}

/// Why a template might not come to an end, by the tags in it.
fn endless(text: &str) -> Option<String> {
    let mut depth = 0usize;
    for tag in text.split("{%").skip(1) {
        let tag = tag.trim_start_matches('-').trim_start();
        let word = tag
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .next();
        match word {
            Some("for") => depth += 1,
            Some("endfor") => depth = depth.saturating_sub(1),
            Some("set_global") => {
                return Some("`set_global` is not known here: a loop could grow a text".to_owned());
            }
            _ => {}
        }
        if depth > DEEPEST {
            return Some(format!(
                "`for` stands in at most {DEEPEST} of its kind here"
            ));
        }
    }
    None
}

/// A text that does not grow without end.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST {
            let why = format!("it renders to more than {LARGEST} bytes");
            return Err(io::Error::other(why));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tera's chain of errors: the innermost says why, and a parser's begins with `--> LINE:COLUMN`.
fn fault(template: &'static str, error: &tera::Error) -> Fault {
    let mut why = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        why = inner.to_string();
        cause = inner.source();
    }
    let at = why.split_once("--> ").and_then(|(_, rest)| {
        let (line, rest) = rest.split_once(':')?;
        let column = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some((line.parse().ok()?, column.parse().ok()?))
    });
    let last = why.split('\n').rfind(|line| !line.trim().is_empty());
    let why = last
        .unwrap_or_default()
        .trim()
        .trim_start_matches("= ")
        .to_owned();
    Fault { template, why, at }
}

/// `{{ value | py_str }}`: a Python string literal as black writes it.
fn py_str(value: &Value, _: &HashMap<String, Value>) -> tera::Result<Value> {
    let text = value
        .as_str()
        .ok_or_else(|| tera::Error::msg("py_str takes a string"))?;
    Ok(Value::String(python_literal(text)))
}

/// Text as a Python literal that reads the same in Python 2 and 3 source: `"a\"b"`.
///
/// Double quotes, unless there are only double quotes inside: black would turn those round.
pub(crate) fn python_literal(text: &str) -> String {
    let quote = if text.contains('"') && !text.contains('\'') {
        '\''
    } else {
        '"'
    };
    let mut literal = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c == quote => literal.extend(['\\', c]),
            c if c.is_control() => literal.extend(format!("\\x{:02x}", u32::from(c)).chars()),
            c => literal.push(c),
        }
    }
    literal.push(quote);
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Contracts;

    fn inputs(module: &str, variable: &str, handlers: &str) -> Inputs {
        Inputs {
            app_module: module.into(),
            app_variable: variable.into(),
            handlers_module: handlers.into(),
        }
    }

    #[test]
    fn a_template_comes_to_an_end() {
        let why = |text: &str| {
            let error = rendered("t", text, &Context::new()).unwrap_err();
            fault("t", &error).why
        };
        let few = "`range` gives at most 100 numbers here";
        assert_eq!(why("{% for i in range(end=100000000) %}x{% endfor %}"), few);
        assert_eq!(
            why("{% for i in range(end=9, step_by=0) %}x{% endfor %}"),
            few
        );
        let long = "x".repeat(2000);
        let loops = "{% for i in range(end=99) %}{% for i in range(end=99) %}";
        let ends = "{% endfor %}{% endfor %}";
        let much = format!("{loops}{long}{ends}");
        assert_eq!(why(&much), "it renders to more than 1048576 bytes");
        let deep = format!("{loops}{loops}{ends}{ends}");
        assert_eq!(why(&deep), "`for` stands in at most 2 of its kind here");
        let grown =
            "{% set x = 'a' %}{% for i in range(end=64) %}{%- set_global x = x ~ x %}{% endfor %}";
        assert!(why(grown).contains("set_global"));
        let text = "{% for i in range(start=1, end=6, step_by=2) %}{{ i }}{% endfor %}";
        assert_eq!(rendered("t", text, &Context::new()).unwrap(), "135");
    }

    #[test]
    fn every_contract_renders() {
        let contracts = Contracts::embedded();
        for id in contracts.ids() {
            let contract = contracts.find(&id).unwrap();
            for inputs in [
                inputs("orders.celery", "app", "orders.tasks.microservice_events"),
                inputs("worker", "celery", "microservice_events"),
                inputs("orders", "app", "orders.microservice_events"),
                inputs(
                    &"deep.".repeat(20),
                    "app",
                    &format!("{}x", "deep.".repeat(20)),
                ),
            ] {
                let listener = listener(&contract, &inputs);
                assert!(
                    listener.contains("name=\"microservice.event\""),
                    "{listener}"
                );
                assert!(listener.ends_with('\n') && !listener.starts_with('\n'));
                let handlers = handlers(&contract);
                assert!(handlers.starts_with("\"\"\"") && handlers.ends_with('\n'));
            }
        }
    }

    #[test]
    fn the_listener_imports_app_and_handlers_by_absolute_path() {
        let contract = Contracts::embedded().find("zc-common@1.0").unwrap();
        let text = listener(
            &contract,
            &inputs("orders.celery", "app", "orders.tasks.microservice_events"),
        );
        assert!(text.contains(
            "from orders.celery import app\nfrom orders.tasks import microservice_events\n"
        ));
        let flat = listener(
            &contract,
            &inputs("worker", "celery", "microservice_events"),
        );
        assert!(flat.contains("import microservice_events\nfrom worker import celery\n"));
    }

    #[test]
    fn a_service_is_rendered_whole() {
        let files = service("order-desk", "order_desk");
        let text = |path: &str| {
            let found = files.iter().find(|(at, _)| at.as_str() == path);
            String::from_utf8(found.unwrap_or_else(|| panic!("no {path}")).1.clone()).unwrap()
        };
        assert!(text("order_desk/celery.py").contains("order_desk.settings"));
        assert!(text("README.md").starts_with("# order-desk\n"));
        for (path, bytes) in &files {
            assert!(!path.as_str().contains("__package__") && !path.has_extension("tera"));
            let text = String::from_utf8_lossy(bytes);
            assert!(
                !text.contains("{{") && !text.contains("{%"),
                "{path}: {text}"
            );
        }
    }

    #[test]
    fn literals_are_as_black_has_them() {
        assert_eq!(python_literal("a'b"), "\"a'b\"");
        assert_eq!(python_literal("a\"b"), "'a\"b'");
        assert_eq!(python_literal("a\"'\\\n\x07"), "\"a\\\"'\\\\\\n\\x07\"");
    }
}
