//! What a block of statements binds, and which bindings are live at its end. Pure: one file at a time.
//!
//! "Live" is what the name can hold when the block is done: the last unconditional binding, and every
//! conditional one after it.

mod door;
mod flow;
mod scope;
mod target;

use super::syntax::{Expr, ExprKind, Stmt, StmtKind};
use crate::edit::Span;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// One of these names: `CELERY_QUEUES = …`.
    Name(&'a [String]),
    /// One of these members of an object: `app.conf.task_queues = …`, `app.config['CELERY_QUEUES'] = …`,
    /// `app.conf.update(task_queues=…)`.
    Member(&'a str, &'a [String]),
}

/// One value that can be live, and what is added to it on every way from there to the end.
#[derive(Clone, Debug)]
pub struct Live<'a> {
    /// What binds it.
    pub origin: Origin<'a>,
    /// Unconditional additions after it, in order.
    pub additions: Vec<Addition<'a>>,
    /// Something is added on some ways to the end, but not on all.
    pub varies: bool,
}

/// What binds a name.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each variant shows its fields in Python")]
pub enum Origin<'a> {
    /// `NAME = value`, an annotated assignment, a keyword of `update(…)`.
    Value(Value<'a>),
    /// `from module import name as NAME`.
    Import {
        stmt: &'a Stmt,
        module: Option<&'a str>,
        level: usize,
        name: &'a str,
    },
    /// Nothing that we see: it is added to all the same.
    Elsewhere { stmt: &'a Stmt },
    /// A statement that binds names that are not spelled out; never given out.
    Door { stmt: &'a Stmt, why: &'static str },
    /// `from module import *`, which may bind it: the module knows.
    Star {
        stmt: &'a Stmt,
        module: Option<&'a str>,
        level: usize,
    },
}

/// A value and the statement that binds it.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// The statement, the innermost.
    pub stmt: &'a Stmt,
    /// The statement directly in the block looked at, which holds `stmt` (or is it).
    pub top: &'a Stmt,
    /// The value.
    pub value: &'a Expr,
}

/// `NAME += value`, `NAME.extend(value)`, `NAME.append(element)`, `NAME['key'] = value`.
#[derive(Clone, Copy, Debug)]
pub struct Addition<'a> {
    /// The value, and where.
    pub value: Value<'a>,
    /// The value is one element, not a sequence of them.
    pub element: bool,
    /// The key it is stored under, for a mapping.
    pub key: Option<&'a Expr>,
}

/// A binding that we cannot follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opaque {
    /// A finding's code.
    pub code: &'static str,
    /// What is the case, after "`NAME` is ".
    pub why: &'static str,
    /// Where.
    pub span: Span,
}

impl Opaque {
    /// Whether this may bind anything, so that a plain binding behind it settles what holds.
    pub fn is_unspelled(&self) -> bool {
        self.why.starts_with("perhaps")
    }
}

/// What can be live at the block's end. Empty: the block does not spell that it binds it.
///
/// A star import is reported wherever it may bind the target; whoever knows the other module drops it.
pub fn live<'a>(
    block: &'a [Stmt],
    target: Target<'_>,
    stars: &dyn Fn(Option<&str>, usize) -> bool,
) -> Result<Vec<Live<'a>>, Opaque> {
    Block::of(block).spelled(target, stars)
}

/// A block, and what is known of it beside its statements.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Its statements.
    pub body: &'a [Stmt],
    /// Those of its module, where `CONF` of `app.conf.update(CONF)` may be bound.
    pub module: &'a [Stmt],
    /// A call whose mapping is known otherwise.
    pub known: Option<Span>,
}

impl<'a> Block<'a> {
    /// A block by itself.
    pub fn of(body: &'a [Stmt]) -> Self {
        Self {
            body,
            module: body,
            known: None,
        }
    }

    /// What can be live at the end, where a statement that does not spell what it binds may bind this too:
    /// `globals()[name] = value`, `app.conf.update(settings)`.
    pub fn live(
        self,
        target: Target<'_>,
        stars: &dyn Fn(Option<&str>, usize) -> bool,
    ) -> Result<Vec<Live<'a>>, Opaque> {
        let lives = self.flow(target, stars)?;
        let door = lives.iter().find_map(|live| match live.origin {
            Origin::Door { stmt, why } => Some(door::Door { stmt, why }.opaque()),
            _ => None,
        });
        door.map_or(Ok(lives), Err)
    }

    /// What can be live at the end of what the block spells out.
    pub fn spelled(
        self,
        target: Target<'_>,
        stars: &dyn Fn(Option<&str>, usize) -> bool,
    ) -> Result<Vec<Live<'a>>, Opaque> {
        let mut lives = self.flow(target, stars)?;
        lives.retain(|live| !matches!(live.origin, Origin::Door { .. }));
        Ok(lives)
    }

    fn flow(
        self,
        target: Target<'_>,
        stars: &dyn Fn(Option<&str>, usize) -> bool,
    ) -> Result<Vec<Live<'a>>, Opaque> {
        let flow = flow::Flow {
            target,
            stars,
            scope: scope::Scope::of(self.body, self.module),
            except: self.known,
        };
        flow.block(Vec::new(), self.body, None)
    }
}

/// The files that django-split-settings runs in a module's own scope: `include('components/*.py')`, as
/// paths beside the module.
pub fn included(stmt: &Stmt) -> Vec<&str> {
    let StmtKind::Expr { value } = &stmt.kind else {
        return Vec::new();
    };
    let ExprKind::Call { function, args, .. } = &value.kind else {
        return Vec::new();
    };
    if function.name() != Some("include") {
        return Vec::new();
    }
    let unwrapped = args.iter().map(|arg| match &arg.kind {
        ExprKind::Call { function, args, .. } if function.name() == Some("optional") => {
            args.first().unwrap_or(arg)
        }
        _ => arg,
    });
    unwrapped.filter_map(python_path).collect()
}

fn python_path(arg: &Expr) -> Option<&str> {
    let ExprKind::String(pieces) = &arg.kind else {
        return None;
    };
    let [piece] = pieces.as_slice() else {
        return None;
    };
    let is_file = std::path::Path::new(&piece.value)
        .extension()
        .is_some_and(|end| end == "py");
    is_file.then_some(piece.value.as_str())
}

/// Where a block binds this name in any way, conditionally or not, in the scope itself.
pub fn binds(block: &[Stmt], name: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    for stmt in block {
        bound_by(stmt, name, &mut spans);
        if !matches!(
            stmt.kind,
            StmtKind::Function { .. } | StmtKind::Class { .. }
        ) {
            for inner in stmt.blocks() {
                spans.extend(binds(inner, name));
            }
        }
    }
    spans
}

impl Origin<'_> {
    /// The bytes that bind it, unique in the file.
    pub fn span(&self) -> Span {
        match self {
            Self::Value(value) => value.value.span,
            Self::Import { stmt, .. }
            | Self::Star { stmt, .. }
            | Self::Door { stmt, .. }
            | Self::Elsewhere { stmt } => stmt.span,
        }
    }
}

/// Every key of a mapping in a module, `**CONF` of a dict literal with a name included; none where some key is
/// not spelled out.
pub fn keys(module: &[Stmt], mapping: &Expr) -> Option<Vec<String>> {
    scope::Scope::of(module, module).keys(mapping)
}

/// The value for one of `names` among keyword arguments, or keys of a dict (literal, or `dict(…)`) argument.
pub fn keyword_or_key<'a>(
    args: &'a [Expr],
    keywords: &'a [super::syntax::Keyword],
    names: &[String],
) -> Option<&'a Expr> {
    let mut found = None;
    for arg in args {
        match &arg.kind {
            ExprKind::Dict(items) => {
                for (key, value) in items {
                    if key
                        .as_ref()
                        .and_then(Expr::string)
                        .is_some_and(|key| names.contains(&key))
                    {
                        found = Some(value);
                    }
                }
            }
            ExprKind::Call {
                function,
                args,
                keywords,
                ..
            } if function.name() == Some("dict") => {
                found = keyword_or_key(args, keywords, names).or(found);
            }
            _ => {}
        }
    }
    for keyword in keywords {
        if keyword
            .name
            .as_ref()
            .is_some_and(|name| names.contains(name))
        {
            found = Some(&keyword.value);
        } else if keyword.name.is_none() {
            found = keyword_or_key(std::slice::from_ref(&keyword.value), &[], names).or(found);
        }
    }
    found
}

fn bound_by(stmt: &Stmt, name: &str, spans: &mut Vec<Span>) {
    let mut target = |expr: &Expr| {
        expr.walk(&mut |part| {
            if part.name() == Some(name) {
                spans.push(part.span);
            }
        });
    };
    match &stmt.kind {
        StmtKind::Assign { targets, .. } => targets
            .iter()
            .filter(|expr| matches!(expr.kind, ExprKind::Name(_) | ExprKind::Sequence(..)))
            .for_each(&mut target),
        StmtKind::Augment { target: expr, .. } if expr.name().is_some() => target(expr),
        StmtKind::Loop {
            target: Some(expr), ..
        } => target(expr),
        StmtKind::With { targets, .. } | StmtKind::Delete { targets } => {
            targets.iter().for_each(&mut target);
        }
        StmtKind::Import { names } | StmtKind::ImportFrom { names, .. } => {
            spans.extend(
                names
                    .iter()
                    .filter(|alias| alias.bound() == name)
                    .map(|alias| alias.span),
            );
        }
        StmtKind::Function { name: def, .. } | StmtKind::Class { name: def, .. }
            if def.text == name =>
        {
            spans.push(def.span);
        }
        StmtKind::Try { handlers, .. }
            if handlers
                .iter()
                .any(|handler| handler.name.as_deref() == Some(name)) =>
        {
            spans.push(stmt.span);
        }
        _ => {}
    }
}
