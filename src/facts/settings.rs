//! Where Celery's settings are bound, in whatever form: module names, class attributes, dict keys, `app.conf`.
//!
//! Pure. Follows star imports and `from … import NAME` into the service's own files.

use std::sync::Arc;

use super::modules::Roots;
use crate::celery::{Dialect, Setting};
use crate::edit::Span;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::bindings::{self, Live, Opaque, Origin, Target, keyword_or_key};
use crate::python::parse::Unparsable;
use crate::python::syntax::{Expr, ExprKind, Module, Stmt, StmtKind};
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
            Self::Names(file) | Self::Class(file, _) | Self::Keys(file, _) => file,
            Self::Members { file, .. } => file,
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
    /// The app's own file and `app.conf` in it, where that is not the home: set there, it counts too.
    pub conf: Option<(RelPath, String)>,
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
            conf: None,
            also,
        }
    }

    /// The live bindings of a Celery setting; empty where it is surely absent.
    pub fn find(&self, setting: Setting) -> Result<Vec<Site>, Finding> {
        let spelled = self.spellings(setting);
        let sites = match &self.home {
            Home::Names(_) | Home::Class(..) => self.named(&spelled),
            Home::Keys(file, name) => self.keyed(file, name, &spelled),
            Home::Members { file, object, .. } => self.members(file, object, &spelled),
        }?;
        let Some((file, object)) = &self.conf else {
            return Ok(sites);
        };
        let names = [setting.lower().to_owned(), setting.old().to_owned()];
        let on_conf = self.members(file, object, &names)?;
        match (sites.first(), on_conf.first()) {
            (Some(site), Some(other)) => Err(set_twice(setting, site, other)),
            (None, Some(_)) => Ok(on_conf),
            (_, None) => Ok(sites),
        }
    }

    /// The live bindings of a plain name in the scope of the settings: `SERVICE_NAME`.
    pub fn named(&self, names: &[String]) -> Result<Vec<Site>, Finding> {
        match &self.home {
            Home::Names(_) => self.in_module(&self.entry, names, &mut Vec::new()),
            Home::Class(file, class) => self.in_class(file, class, names, 0),
            Home::Keys(file, _) | Home::Members { file, .. } => {
                self.in_module(file, names, &mut Vec::new())
            }
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
            .filter_map(|live| site(file, &module, live, only))
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
        let name = name.rsplit_once('.').map_or(name, |(_, last)| last);
        let sites = self.named(&[name.to_owned()]).ok()?;
        match sites.as_slice() {
            [site] if site.additions.is_empty() && !site.varies => site.value.as_ref()?.string(),
            _ => None,
        }
    }

    /// Every file that the entry loads its names from, itself first.
    pub fn chain(&self) -> Vec<RelPath> {
        let mut files = Vec::new();
        self.collect_chain(&self.entry, &mut files);
        files
    }

    /// The settings modules beside the home that build on it: other environments.
    pub fn siblings(&self) -> Vec<RelPath> {
        let Home::Names(home) = &self.home else {
            return Vec::new();
        };
        let chain = self.chain();
        let loaded = self.imported_by(&chain);
        let Some(directory) = home.parent() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, is_directory) in self.tree.list(&directory) {
            let file = directory.join(&name);
            if is_directory
                || !file.has_extension("py")
                || chain.contains(&file)
                || loaded.contains(&file)
            {
                continue;
            }
            let mut files = Vec::new();
            self.collect_chain(&file, &mut files);
            if files.iter().any(|file| chain.contains(file)) || self.is_django_settings(&file) {
                found.push(file);
            }
        }
        found
    }

    /// Modules that the chain imports whole and that git ignores: this machine's own.
    pub fn ignored_imports(&self) -> Vec<RelPath> {
        let mut found = Vec::new();
        for file in self.chain() {
            let Ok(module) = self.tree.python(&file) else {
                continue;
            };
            for target in self.star_imports(&file, &module) {
                if self.tree.is_ignored(&target) && !found.contains(&target) {
                    found.push(target);
                }
            }
        }
        found
    }

    /// The service's own modules that files import names from.
    fn imported_by(&self, files: &[RelPath]) -> Vec<RelPath> {
        let mut found = Vec::new();
        for file in files {
            let Ok(module) = self.tree.python(file) else {
                continue;
            };
            crate::python::syntax::walk(&module.body, &mut |stmt| {
                if let StmtKind::ImportFrom { module, level, .. } = &stmt.kind {
                    found.extend(self.roots.resolve_from(
                        self.tree,
                        file,
                        *level,
                        module.as_deref(),
                    ));
                }
            });
        }
        found
    }

    /// The service's own modules that a module imports whole.
    fn star_imports(&self, file: &RelPath, module: &Module) -> Vec<RelPath> {
        let mut found = Vec::new();
        crate::python::syntax::walk(&module.body, &mut |stmt| {
            if let StmtKind::ImportFrom {
                module,
                level,
                names,
            } = &stmt.kind
                && names.iter().any(|alias| alias.name == "*")
            {
                found.extend(
                    self.roots
                        .resolve_from(self.tree, file, *level, module.as_deref()),
                );
            }
        });
        found
    }

    /// Whether a file is a whole settings module by itself.
    fn is_django_settings(&self, file: &RelPath) -> bool {
        let names = ["INSTALLED_APPS".to_owned()];
        let sites = self
            .tree
            .bytes(file)
            .filter(|text| crate::facts::text::contains(text, &names[0]));
        sites.is_some()
            && self
                .in_file(file, &names)
                .is_ok_and(|sites| !sites.is_empty())
    }

    fn collect_chain(&self, file: &RelPath, files: &mut Vec<RelPath>) {
        if files.contains(file) || self.tree.is_ignored(file) {
            return;
        }
        files.push(file.clone());
        if let Ok(module) = self.tree.python(file) {
            for target in self.star_imports(file, &module) {
                self.collect_chain(&target, files);
            }
        }
    }

    fn in_module(
        &self,
        file: &RelPath,
        names: &[String],
        seen: &mut Vec<RelPath>,
    ) -> Result<Vec<Site>, Finding> {
        if seen.contains(file) {
            return Ok(Vec::new());
        }
        seen.push(file.clone());
        let module = self.module(file)?;
        let follow = |from: Option<&str>, level: usize| {
            self.roots.resolve_from(self.tree, file, level, from)
        };
        let stars = |from: Option<&str>, level: usize| {
            follow(from, level)
                .filter(|target| !self.tree.is_ignored(target))
                .is_some_and(|target| {
                    !self
                        .in_module(&target, names, &mut seen.clone())
                        .is_ok_and(|sites| sites.is_empty())
                })
        };
        let lives = bindings::live(&module.body, Target::Name(names), &stars)
            .map_err(|opaque| unfollowed(file, &names[0], &opaque))?;
        if lives.is_empty() {
            proven_absent(file, &module, names)?;
        }
        let only = lives.len() == 1;
        let mut sites = Vec::new();
        for live in lives {
            match live.origin {
                Origin::Value(_) | Origin::Elsewhere { .. } => {
                    let site = site(file, &module, live, only);
                    sites.extend(site.map(|site| self.through_alias(site)));
                }
                Origin::Star {
                    module: from,
                    level,
                    ..
                } => {
                    let target = follow(from, level);
                    let mut found = target.map_or(Ok(Vec::new()), |target| {
                        self.in_module(&target, names, seen)
                    })?;
                    mark_added(&mut found, &live);
                    sites.extend(found);
                }
                Origin::Import {
                    module: from,
                    level,
                    name,
                    stmt,
                } => {
                    let Some(target) = follow(from, level) else {
                        return Err(imported_from_outside(file, &names[0], stmt.span));
                    };
                    let mut found = self.in_module(&target, &[name.to_owned()], seen)?;
                    mark_added(&mut found, &live);
                    sites.extend(found);
                }
            }
        }
        Ok(sites)
    }

    fn in_class(
        &self,
        file: &RelPath,
        class: &str,
        names: &[String],
        depth: usize,
    ) -> Result<Vec<Site>, Finding> {
        let module = self.module(file)?;
        let Some((body, bases)) = find_class(&module.body, class) else {
            return Ok(Vec::new());
        };
        let lives = bindings::live(body, Target::Name(names), &|_, _| false)
            .map_err(|opaque| unfollowed(file, &names[0], &opaque))?;
        let only = lives.len() == 1;
        let sites: Vec<Site> = lives
            .into_iter()
            .filter_map(|live| site(file, &module, live, only))
            .collect();
        if !sites.is_empty() || depth > 8 {
            return Ok(sites);
        }
        for base in bases.iter().filter_map(Expr::name) {
            let found = self.in_class(file, base, names, depth + 1)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        proven_absent(file, &module, names)?;
        Ok(Vec::new())
    }

    fn keyed(&self, file: &RelPath, dict: &str, keys: &[String]) -> Result<Vec<Site>, Finding> {
        let mut found = Vec::new();
        for holder in self.in_module(file, &[dict.to_owned()], &mut Vec::new())? {
            let set = holder.additions.iter().rfind(|added| {
                added
                    .key
                    .as_ref()
                    .and_then(Expr::string)
                    .is_some_and(|key| keys.contains(&key))
            });
            let value = match set {
                Some(added) => Some(&added.value),
                None => holder.value.as_ref().and_then(|value| match &value.kind {
                    ExprKind::Call { args, keywords, .. } => keyword_or_key(args, keywords, keys),
                    _ => keyword_or_key(std::slice::from_ref(value), &[], keys),
                }),
            };
            if let Some(value) = value.cloned() {
                found.push(Site {
                    value: Some(value),
                    additions: Vec::new(),
                    ..holder
                });
            }
        }
        Ok(found)
    }

    fn members(
        &self,
        file: &RelPath,
        object: &str,
        names: &[String],
    ) -> Result<Vec<Site>, Finding> {
        let module = self.module(file)?;
        let mut sites = Vec::new();
        let mut blocks: Vec<&[Stmt]> = vec![&module.body];
        crate::python::syntax::walk(&module.body, &mut |stmt| {
            if let StmtKind::Function { body, .. } = &stmt.kind {
                blocks.push(body);
            }
        });
        for block in blocks {
            let lives = bindings::live(block, Target::Member(object, names), &|_, _| false)
                .map_err(|opaque| unfollowed(file, &names[0], &opaque))?;
            let only = lives.len() == 1;
            sites.extend(
                lives
                    .into_iter()
                    .filter_map(|live| site(file, &module, live, only)),
            );
        }
        if sites.is_empty() {
            proven_absent(file, &module, names)?;
        }
        Ok(sites
            .into_iter()
            .map(|site| self.through_alias(site))
            .collect())
    }

    /// `task_queues = TASK_QUEUES`: the binding of the name, where it has just one in the same file.
    fn through_alias(&self, site: Site) -> Site {
        let Some(name) = site
            .value
            .as_ref()
            .and_then(Expr::name)
            .filter(|_| site.additions.is_empty())
        else {
            return site;
        };
        let behind = self
            .in_file(&site.file, &[name.to_owned()])
            .ok()
            .filter(|found| found.len() == 1);
        match behind.and_then(|mut found| found.pop()) {
            Some(behind) if behind.value.is_some() && behind.top.start < site.top.start => behind,
            _ => site,
        }
    }
}

/// The body and bases of a class, wherever in the module it is defined.
pub fn find_class<'m>(block: &'m [Stmt], wanted: &str) -> Option<(&'m [Stmt], &'m [Expr])> {
    let mut found = None;
    crate::python::syntax::walk(block, &mut |stmt| {
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
    let finding = Finding::refusal(why.code, why.message.clone())
        .help("mend the file, or name another with `--settings`");
    match why.span {
        Some(span) => finding.at(file, span),
        None => finding.in_file(file),
    }
}

fn site(file: &RelPath, module: &Arc<Module>, live: Live<'_>, only: bool) -> Option<Site> {
    let additions = live.additions.iter().map(|addition| Added {
        stmt: addition.value.stmt.span,
        top: addition.value.top.span,
        value: addition.value.value.clone(),
        element: addition.element,
        key: addition.key.cloned(),
    });
    let (stmt, top, value) = match live.origin {
        Origin::Value(value) => (value.stmt.span, value.top.span, Some(value.value.clone())),
        Origin::Elsewhere { stmt } => (stmt.span, stmt.span, None),
        Origin::Import { .. } | Origin::Star { .. } => return None,
    };
    Some(Site {
        file: file.clone(),
        module: Arc::clone(module),
        stmt,
        top,
        value,
        additions: additions.collect(),
        only,
        varies: live.varies,
    })
}

/// What an importing file adds reaches only that file: the base is where everyone reads.
fn mark_added(sites: &mut [Site], live: &Live<'_>) {
    for site in sites {
        site.varies |= live.varies || !live.additions.is_empty();
    }
}

fn unfollowed(file: &RelPath, name: &str, opaque: &Opaque) -> Finding {
    Finding::refusal(opaque.code, format!("`{name}` is {}", opaque.why))
        .at(file, opaque.span)
        .label("we cannot tell what Celery will read")
        .help(format!(
            "bind `{name}` by a plain assignment, then run again"
        ))
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

fn imported_from_outside(file: &RelPath, name: &str, span: Span) -> Finding {
    Finding::refusal(
        "bound-outside",
        format!("`{name}` comes from outside the service"),
    )
    .at(file, span)
    .label("we edit the service's own files only")
    .help(format!(
        "bind `{name}` in the service's settings, then run again"
    ))
}

/// In a file that did not parse whole, only a byte search can say that a name is absent.
fn proven_absent(file: &RelPath, module: &Module, names: &[String]) -> Result<(), Finding> {
    let Some(error) = module.errors.first() else {
        return Ok(());
    };
    for name in names {
        let at = module
            .text
            .windows(name.len())
            .position(|window| window == name.as_bytes());
        if let Some(at) = at {
            let message =
                format!("cannot tell whether `{name}` is bound: the file does not parse whole");
            return Err(Finding::refusal("syntax-hides-setting", message)
                .at(file, error.span)
                .at(file, Span::new(at, at + name.len()))
                .label(error.message.clone())
                .help("mend the syntax error, then run again"));
        }
    }
    Ok(())
}
