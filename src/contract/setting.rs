//! What a contract's library reads in the settings, and how it is written where it is absent.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error as _};

use super::field::{identifier, plain_text, some_version};
use crate::config::values;
use crate::python::parse::parse;
use crate::python::syntax::{Expr, StmtKind};

/// One way to write one setting. Of several with one name, the first whose names are bound is written.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibrarySetting {
    /// Its name: `EVENTS_REDIS_URL`.
    #[serde(deserialize_with = "identifier")]
    pub name: String,
    /// Its value, in Python.
    pub value: Expression,
    /// What the value needs to be imported.
    #[serde(default)]
    pub imports: Vec<Import>,
    /// It is needed only where a Python file of the service has one of these words.
    #[serde(default)]
    pub when_mentioned: Vec<String>,
    /// The first release of the library that reads it.
    #[serde(default, deserialize_with = "some_version")]
    pub since: Option<String>,
    /// The last release of the library that reads it.
    #[serde(default, deserialize_with = "some_version")]
    pub until: Option<String>,
}

/// A Python expression: text that parses as one, and can stand in any file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expression(String);

/// `os`, or `zc_events.backends:RabbitMqFanoutBackend`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// The module.
    pub module: String,
    /// The name in it; without one, the module itself.
    pub name: Option<String>,
}

/// The name of a queue's argument: `x-max-priority`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Argument(pub String);

/// A queue argument's value.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected `true`, `false`, a whole number or a string"
)]
pub enum Literal {
    /// `True`
    Bool(bool),
    /// `10`
    Number(i64),
    /// `'lazy'`
    Text(Argument),
}

impl LibrarySetting {
    /// The names it reads that it does not import.
    pub fn reads(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        self.value.walk(&mut |part| {
            if let Some(name) = part.name()
                && !names.iter().any(|have| have == name)
                && !self.imports.iter().any(|import| import.bound() == name)
            {
                names.push(name.to_owned());
            }
        });
        names
    }
}

impl Expression {
    /// The expression with other names for some of its own, and its strings through `quoted`.
    pub fn written(&self, renamed: &[(String, String)], quoted: &dyn Fn(&str) -> String) -> String {
        let mut edits = crate::edit::EditSet::default();
        self.walk(&mut |part| {
            let text = match (part.name(), part.string()) {
                (Some(name), _) => renamed
                    .iter()
                    .find(|(from, to)| from == name && from != to)
                    .map(|(_, to)| to.clone()),
                (_, string) => string.map(|text| quoted(&text)),
            };
            if let Some(text) = text {
                let at = crate::edit::Span::new(
                    part.span.start - START.len(),
                    part.span.end - START.len(),
                );
                let _ = edits.add(crate::edit::Edit::replace(at, text)); // no two expressions overlap
            }
        });
        String::from_utf8_lossy(&edits.splice(self.0.as_bytes())).into_owned()
    }

    fn walk(&self, visit: &mut dyn FnMut(&Expr)) {
        let module = parse(format!("{START}{}\n", self.0).into_bytes().into());
        if let Some(StmtKind::Assign { value, .. }) = module
            .as_ref()
            .ok()
            .and_then(|module| module.body.first())
            .map(|stmt| &stmt.kind)
        {
            value.walk(&mut |part| visit(part));
        }
    }
}

/// Behind this an expression stands in a statement of its own.
const START: &str = "x = ";

impl TryFrom<String> for Expression {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic() && c != '#';
        if !text.chars().all(fits) || text.trim() != text {
            return Err(format!(
                "{text:?} must be printable ASCII without comments and without blanks around it"
            ));
        }
        let module = parse(format!("{START}{text}\n").into_bytes().into());
        let module = module.map_err(|why| format!("{text:?} is not Python: {}", why.message))?;
        let one = match module.body.as_slice() {
            [one] => matches!(&one.kind, StmtKind::Assign { targets, .. } if targets.len() == 1),
            _ => false,
        };
        match module.errors.first() {
            Some(error) => Err(format!(
                "{text:?} is not a Python expression: {}",
                error.message
            )),
            None if !one => Err(format!("{text:?} is not one Python expression")),
            None => Ok(Self(text)),
        }
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Import {
    /// The name that it binds.
    pub fn bound(&self) -> &str {
        self.name.as_ref().unwrap_or(&self.module)
    }
}

impl TryFrom<String> for Import {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            Some((module, name)) => Ok(Self {
                module: values::dotted_name(module)?,
                name: Some(values::identifier(name)?),
            }),
            None => Ok(Self {
                module: values::identifier(&text)
                    .map_err(|why| format!("{why}: write MODULE, or MODULE:NAME"))?,
                name: None,
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Import {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        plain_text(String::deserialize(from)?)
            .map(Self)
            .map_err(D::Error::custom)
    }
}

impl Literal {
    /// Whether this is the same value in JSON.
    pub fn is(&self, value: &serde_json::Value) -> bool {
        match self {
            Self::Bool(wanted) => value.as_bool() == Some(*wanted),
            Self::Number(wanted) => value.as_i64() == Some(*wanted),
            Self::Text(wanted) => value.as_str() == Some(&wanted.0),
        }
    }

    /// As Python writes it, strings through `quoted`.
    pub fn python(&self, quoted: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => quoted(&text.0),
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.python(&str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> Result<Expression, String> {
        Expression::try_from(text.to_owned())
    }

    #[test]
    fn an_expression_is_written_in_the_files_quotes_and_names() {
        let value = expression("A + ('' if B == 'x' else '-{}'.format(B))").unwrap();
        let renamed = [("B".to_owned(), "C".to_owned())];
        assert_eq!(
            value.written(&renamed, &|text| format!("\"{text}\"")),
            "A + (\"\" if C == \"x\" else \"-{}\".format(C))"
        );
    }

    #[test]
    fn what_is_not_one_expression_is_refused() {
        for text in [
            "", "a b", "1; x = 2", "1\nx = 2", "(1", "1 # y", " 1", "a = b", "'é'",
        ] {
            assert!(expression(text).is_err(), "{text:?}");
        }
        assert!(expression("f(\n    1\n)").is_ok());
    }

    #[test]
    fn an_import_is_a_module_or_a_name_in_one() {
        let import = |text: &str| Import::try_from(text.to_owned());
        assert_eq!(import("os").unwrap().bound(), "os");
        assert_eq!(import("a.b:C").unwrap().bound(), "C");
        for text in ["a.b", "a:b.c", "", "a:", "os; x"] {
            assert!(import(text).is_err(), "{text:?}");
        }
    }
}
