//! Where Celery's settings are bound, in whatever form: module names, class attributes, dict keys, `app.conf`.
//!
//! Pure. Follows star imports and `from … import NAME` into the service's own files.

mod dict;
mod files;
mod lookup;
pub mod outside;
mod read;

use std::sync::Arc;

use lookup::{site, unfollowed};

use super::modules::Roots;
use super::value::environment_default;
use crate::celery::{Dialect, Setting};
use crate::edit::Span;
use crate::finding::{Finding, Place};
use crate::path::RelPath;
use crate::python::bindings::{self, Target};
use crate::python::parse::Unparsable;
use crate::python::syntax::{Expr, Module, Stmt, StmtKind, walk};
use crate::tree::Tree;

/// What holds the settings, and where a new one is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Home {
    /// Names at the top of a module.
    Names(RelPath),
    /// Attributes of a class.
    Class(RelPath, String),
    /// Keys of a dict that a module binds to this name.
    Keys(RelPath, String),
    /// Members of an object: attributes of `app.conf`, items of `app.config`.
    Members {
        /// The file whose statements set them.
        file: RelPath,
        /// The object as written there.
        object: String,
        /// `object['NAME']` instead of `object.NAME`.
        items: bool,
    },
}

impl Home {
    /// The file in which a new setting is written.
    pub fn file(&self) -> &RelPath {
        match self {
            Self::Names(file)
            | Self::Class(file, _)
            | Self::Keys(file, _)
            | Self::Members { file, .. } => file,
        }
    }
}

/// One live binding of a setting.
#[derive(Clone, Debug)]
pub struct Site {
    /// The file.
    pub file: RelPath,
    /// Its syntax.
    pub module: Arc<Module>,
    /// The innermost statement that binds it.
    pub stmt: Span,
    /// The statement at the top of the scope that holds `stmt`; what it needs goes above this.
    pub top: Span,
    /// The value; `None` where only additions are visible.
    pub value: Option<Expr>,
    /// Unconditional additions after it.
    pub additions: Vec<Added>,
    /// Bound in the same file to nothing else, so that a statement behind it reaches every reader.
    pub only: bool,
    /// More is added on some ways to the end, or in another file.
    pub varies: bool,
}

/// `+= value`, `.append(value)`, `['key'] = value`.
#[derive(Clone, Debug)]
pub struct Added {
    /// The statement.
    pub stmt: Span,
    /// The statement at the top of the scope that holds it.
    pub top: Span,
    /// What is added.
    pub value: Expr,
    /// It is one element.
    pub element: bool,
    /// The key, for a mapping.
    pub key: Option<Expr>,
}

/// A service's settings, to be asked by name.
pub struct Settings<'t> {
    tree: &'t Tree,
    roots: Roots,
    /// Where a new setting is written.
    pub home: Home,
    /// The file that Celery loads; it may import the home's.
    pub entry: RelPath,
    /// How the names are written.
    pub dialect: Dialect,
    /// The files that set `app.conf` where that is not the home, each with its name there: it counts too.
    pub conf: Vec<(RelPath, String)>,
    /// The call that loads them into the app.
    pub loads: Option<Place>,
    /// Spellings that Celery reads beside the dialect's.
    also: Vec<Dialect>,
}

impl<'t> Settings<'t> {
    /// The settings that live in `home`, loaded through `entry`.
    pub fn new(
        tree: &'t Tree,
        roots: Roots,
        home: Home,
        entry: RelPath,
        dialect: Dialect,
        also: Vec<Dialect>,
    ) -> Self {
        Self {
            tree,
            roots,
            home,
            entry,
            dialect,
            conf: Vec::new(),
            loads: None,
            also,
        }
    }

    /// The live bindings of a Celery setting; empty where it is surely absent.
    pub fn find(&self, setting: Setting) -> Result<Vec<Site>, Finding> {
        let mut sites = self.bound(&self.spellings(setting))?;
        let names = [setting.lower().to_owned(), setting.old().to_owned()];
        for (file, object) in &self.conf {
            let on_conf = self.members(file, object, &names)?;
            match (sites.first(), on_conf.first()) {
                (Some(site), Some(other)) => return Err(set_twice(setting, site, other)),
                (None, Some(_)) => sites = on_conf,
                (_, None) => {}
            }
        }
        Ok(sites)
    }

    /// The live bindings of these names where the settings are: keys of their dict, members of `app.conf`.
    pub fn bound(&self, names: &[String]) -> Result<Vec<Site>, Finding> {
        match &self.home {
            Home::Names(_) | Home::Class(..) => self.named(names),
            Home::Keys(_, dict) => self.keyed(&self.entry, dict, names),
            Home::Members { file, object, .. } => self.members(file, object, names),
        }
    }

    /// The live bindings of a plain name in the scope of the settings: `SERVICE_NAME`.
    pub fn named(&self, names: &[String]) -> Result<Vec<Site>, Finding> {
        match &self.home {
            Home::Class(file, class) => self.in_class(file, class, names, 0),
            Home::Names(_) | Home::Keys(..) => self.in_module(&self.entry, names, &mut Vec::new()),
            Home::Members { file, .. } => self.in_module(file, names, &mut Vec::new()),
        }
    }

    /// The live bindings of a plain name in one file, imports not followed.
    pub fn in_file(&self, file: &RelPath, names: &[String]) -> Result<Vec<Site>, Finding> {
        let module = self.module(file)?;
        let lives = bindings::live(&module.body, Target::Name(names), &|_, _| false);
        let lives = lives.map_err(|opaque| unfollowed(file, &names[0], &opaque))?;
        let only = lives.len() == 1;
        Ok(lives
            .into_iter()
            .filter_map(|live| site(file, &module, &live, only))
            .collect())
    }

    /// The names under which Celery reads a setting here, the one to write first.
    pub fn spellings(&self, setting: Setting) -> Vec<String> {
        let mut names = vec![self.dialect.spell(setting)];
        for dialect in &self.also {
            let name = dialect.spell(setting);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The syntax of a file that the settings need.
    pub fn module(&self, file: &RelPath) -> Result<Arc<Module>, Finding> {
        self.tree.python(file).map_err(|why| unparsable(file, &why))
    }

    /// Whether a module binds a name at its top, its own star imports followed.
    pub fn binds(&self, file: &RelPath, name: &str) -> bool {
        let names = [name.to_owned()];
        !self
            .in_module(file, &names, &mut Vec::new())
            .is_ok_and(|sites| sites.is_empty())
    }

    /// The text that a name stands for, if it is bound once, to a plain string constant.
    pub fn constant(&self, name: &str) -> Option<String> {
        self.only_value(name)?.string()
    }

    /// The same, or the default of an environment variable: `os.environ.get('SERVICE_NAME', 'orders')`.
    pub fn constant_or_default(&self, name: &str) -> Option<String> {
        let value = self.only_value(name)?;
        value
            .string()
            .or_else(|| environment_default(&value)?.string())
    }

    fn only_value(&self, name: &str) -> Option<Expr> {
        let name = name.rsplit_once('.').map_or(name, |(_, last)| last);
        let mut sites = self.named(&[name.to_owned()]).ok()?;
        let site = sites.pop().filter(|_| sites.is_empty())?;
        site.value
            .filter(|_| site.additions.is_empty() && !site.varies)
    }
}

/// The body and bases of a class, wherever in the module it is defined.
pub fn find_class<'m>(block: &'m [Stmt], wanted: &str) -> Option<(&'m [Stmt], &'m [Expr])> {
    let mut found = None;
    walk(block, &mut |stmt| {
        if let StmtKind::Class {
            name, bases, body, ..
        } = &stmt.kind
            && name.text == wanted
        {
            found = Some((body.as_slice(), bases.as_slice()));
        }
    });
    found
}

/// A file that the settings need and that we cannot read as Python.
pub fn unparsable(file: &RelPath, why: &Unparsable) -> Finding {
    let help = match (why.code, why.span) {
        ("file-not-utf8", Some(_)) => {
            "convert the file to UTF-8, or say what it is in its first line: # -*- coding: latin-1 -*-"
        }
        ("file-not-utf8", None) => "convert the file to UTF-8, then run again",
        ("file-too-large", _) => {
            "move what is no setting out of the file, or name another with `--settings`"
        }
        _ => "mend the file, or name another with `--settings`",
    };
    let finding = Finding::refusal(why.code, why.message.clone()).help(help);
    match why.span {
        Some(span) => finding.at(file, span),
        None => finding.in_file(file),
    }
}

fn set_twice(setting: Setting, site: &Site, other: &Site) -> Finding {
    let message = format!(
        "`{}` is set in two places: which one wins depends on Celery's version",
        setting.lower()
    );
    Finding::refusal("setting-twice", message)
        .at(&site.file, site.stmt)
        .at(&other.file, other.stmt)
        .help("keep one of the two, then run again")
}
