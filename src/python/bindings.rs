//! What a block of statements binds, and which bindings are live at its end. Pure: one file at a time.
//!
//! "Live" is what the name can hold when the block is done: the last unconditional binding, and every
//! conditional one after it.

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

/// What can be live at the block's end. Empty: the block does not bind it.
///
/// A star import is reported wherever it may bind the target; whoever knows the other module drops it.
pub fn live<'a>(
    block: &'a [Stmt],
    target: Target<'_>,
    stars: &dyn Fn(Option<&str>, usize) -> bool,
) -> Result<Vec<Live<'a>>, Opaque> {
    let flow = Flow { target, stars };
    let mut state = State { lives: Vec::new() };
    for stmt in block {
        state = flow.step(state, stmt, stmt)?;
    }
    Ok(state.lives)
}

/// Whether a block binds this name in any way, conditionally or not, in the scope itself.
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

struct Flow<'t> {
    target: Target<'t>,
    stars: &'t dyn Fn(Option<&str>, usize) -> bool,
}

#[derive(Clone)]
struct State<'a> {
    lives: Vec<Live<'a>>,
}

impl<'a> State<'a> {
    fn bound(origin: Origin<'a>) -> Self {
        Self {
            lives: vec![Live {
                origin,
                additions: Vec::new(),
                varies: false,
            }],
        }
    }

    /// Both ways are possible. One origin reached twice keeps the additions common to both.
    fn join(mut self, other: Self) -> Self {
        for live in other.lives {
            match self
                .lives
                .iter_mut()
                .find(|have| have.origin.span() == live.origin.span())
            {
                Some(have) => {
                    let common = have
                        .additions
                        .iter()
                        .zip(&live.additions)
                        .take_while(|(a, b)| a.value.stmt.span == b.value.stmt.span)
                        .count();
                    have.varies |= live.varies
                        || common != have.additions.len()
                        || common != live.additions.len();
                    have.additions.truncate(common);
                }
                None => self.lives.push(live),
            }
        }
        self
    }
}

impl Origin<'_> {
    /// The bytes that bind it, unique in the file.
    pub fn span(&self) -> Span {
        match self {
            Self::Value(value) => value.value.span,
            Self::Import { stmt, .. } | Self::Star { stmt, .. } | Self::Elsewhere { stmt } => {
                stmt.span
            }
        }
    }
}

impl Flow<'_> {
    fn block<'a>(
        &self,
        mut state: State<'a>,
        block: &'a [Stmt],
        top: &'a Stmt,
    ) -> Result<State<'a>, Opaque> {
        for stmt in block {
            state = self.step(state, stmt, top)?;
        }
        Ok(state)
    }

    fn step<'a>(
        &self,
        state: State<'a>,
        stmt: &'a Stmt,
        top: &'a Stmt,
    ) -> Result<State<'a>, Opaque> {
        match &stmt.kind {
            StmtKind::Assign { targets, value, .. } => {
                self.assign(state, stmt, top, targets, value)
            }
            StmtKind::Augment { target, add, value } => {
                if !self.is_target(target) {
                    return Ok(state);
                }
                if !add {
                    return Err(opaque(
                        "changed-by-operator",
                        "changed by an operator other than `+=`",
                        stmt,
                    ));
                }
                Ok(added(
                    state,
                    Addition {
                        value: Value { stmt, top, value },
                        element: false,
                        key: None,
                    },
                ))
            }
            StmtKind::Import { names } => {
                match names.iter().find(|alias| self.is_name(alias.bound())) {
                    Some(_) => Err(opaque("bound-to-module", "bound to a module", stmt)),
                    None => Ok(state),
                }
            }
            StmtKind::ImportFrom {
                module,
                level,
                names,
            } => Ok(self.import_from(state, stmt, module.as_deref(), *level, names)),
            StmtKind::If { .. } | StmtKind::Match { .. } => self.branch(state, stmt, top),
            StmtKind::Try {
                body,
                handlers,
                orelse,
                finally,
            } => {
                let tried = self.block(state.clone(), body, top)?;
                let broken = state.join(tried.clone());
                let mut after = self.block(tried, orelse, top)?;
                for handler in handlers {
                    if !leaves(&handler.body) {
                        after = after.join(self.block(broken.clone(), &handler.body, top)?);
                    }
                }
                self.block(after, finally, top)
            }
            StmtKind::With { targets, body, .. } => {
                if targets.iter().any(|target| self.binds_inside(target)) {
                    return Err(opaque("bound-by-with", "bound by a `with` statement", stmt));
                }
                self.block(state, body, top)
            }
            StmtKind::Loop { .. } => self.in_loop(state, stmt),
            StmtKind::Delete { targets } => {
                match targets.iter().any(|target| self.binds_inside(target)) {
                    true => Err(opaque("deleted", "deleted", stmt)),
                    false => Ok(state),
                }
            }
            StmtKind::Function { name, body, .. } => {
                if self.is_name(&name.text) {
                    return Err(opaque("bound-to-function", "a function", stmt));
                }
                self.in_function(body).map_or(Ok(state), Err)
            }
            StmtKind::Class { name, .. } if self.is_name(&name.text) => {
                Err(opaque("bound-to-class", "a class", stmt))
            }
            StmtKind::Expr { value } => self.effect(state, stmt, top, value),
            StmtKind::Class { .. }
            | StmtKind::Annotation { .. }
            | StmtKind::Return { .. }
            | StmtKind::Global { .. }
            | StmtKind::Other { .. } => Ok(state),
        }
    }

    fn assign<'a>(
        &self,
        state: State<'a>,
        stmt: &'a Stmt,
        top: &'a Stmt,
        targets: &'a [Expr],
        value: &'a Expr,
    ) -> Result<State<'a>, Opaque> {
        let value = Value { stmt, top, value };
        for target in targets {
            if self.is_target(target) {
                return Ok(State::bound(Origin::Value(value)));
            }
            if let Some(key) = self.key_of_target(target) {
                return Ok(added(
                    state,
                    Addition {
                        value,
                        element: false,
                        key: Some(key),
                    },
                ));
            }
            if matches!(target.kind, ExprKind::Sequence(..)) && self.binds_inside(target) {
                return Err(opaque_at(
                    "bound-by-unpacking",
                    "bound by unpacking",
                    target.span,
                ));
            }
            if let Some(span) = self.dynamic(target) {
                return Err(opaque_at(
                    "bound-dynamically",
                    "set through a mapping of names",
                    span,
                ));
            }
        }
        Ok(state)
    }

    fn import_from<'a>(
        &self,
        state: State<'a>,
        stmt: &'a Stmt,
        module: Option<&'a str>,
        level: usize,
        names: &'a [super::syntax::Alias],
    ) -> State<'a> {
        match names
            .iter()
            .find(|alias| alias.name == "*" || self.is_name(alias.bound()))
        {
            Some(alias) if alias.name != "*" => State::bound(Origin::Import {
                stmt,
                module,
                level,
                name: &alias.name,
            }),
            Some(_) if (self.stars)(module, level) => State::bound(Origin::Star {
                stmt,
                module,
                level,
            }),
            _ => state,
        }
    }

    fn branch<'a>(
        &self,
        state: State<'a>,
        stmt: &'a Stmt,
        top: &'a Stmt,
    ) -> Result<State<'a>, Opaque> {
        let exhaustive = match &stmt.kind {
            StmtKind::If { arms } => arms.iter().any(|arm| arm.test.is_none()),
            _ => false,
        };
        let mut after: Option<State<'a>> = (!exhaustive).then(|| state.clone());
        for block in stmt.blocks() {
            if leaves(block) {
                continue;
            }
            let arm = self.block(state.clone(), block, top)?;
            after = Some(match after {
                Some(after) => after.join(arm),
                None => arm,
            });
        }
        Ok(after.unwrap_or(state))
    }

    fn in_loop<'a>(&self, state: State<'a>, stmt: &'a Stmt) -> Result<State<'a>, Opaque> {
        let StmtKind::Loop { target, .. } = &stmt.kind else {
            return Ok(state);
        };
        let why = "bound in a loop";
        if target
            .as_ref()
            .is_some_and(|target| self.binds_inside(target))
        {
            return Err(opaque("bound-in-loop", why, stmt));
        }
        for block in stmt.blocks() {
            let inside = self.block(State { lives: Vec::new() }, block, stmt)?;
            if let Some(live) = inside.lives.first() {
                return Err(opaque_at(
                    "bound-in-loop",
                    why,
                    self.first_mention(stmt).unwrap_or(live.origin.span()),
                ));
            }
            if let Some(span) = self.first_addition(block) {
                return Err(opaque_at("bound-in-loop", "added to in a loop", span));
            }
        }
        Ok(state)
    }

    /// `global NAME` in a function that binds it.
    fn in_function(&self, body: &[Stmt]) -> Option<Opaque> {
        let mut found = None;
        super::syntax::walk(body, &mut |stmt| {
            if let StmtKind::Global { names } = &stmt.kind
                && names.iter().any(|name| self.is_name(name))
            {
                found = Some(opaque("bound-in-function", "bound inside a function", stmt));
            }
        });
        found
    }

    /// A statement that is an expression: `NAME.append(x)`, `app.conf.update(…)`, `setattr(…)`, `exec`.
    fn effect<'a>(
        &self,
        state: State<'a>,
        stmt: &'a Stmt,
        top: &'a Stmt,
        expr: &'a Expr,
    ) -> Result<State<'a>, Opaque> {
        if let Some(span) = self.dynamic(expr) {
            return Err(opaque_at(
                "bound-dynamically",
                "set through a mapping of names",
                span,
            ));
        }
        let ExprKind::Call { function, args, .. } = &expr.kind else {
            return Ok(state);
        };
        let ExprKind::Attribute {
            value: object,
            name: method,
        } = &function.kind
        else {
            return Ok(state);
        };
        if self.is_target(object) {
            let [value] = args.as_slice() else {
                return Ok(state);
            };
            let value = Value { stmt, top, value };
            return match method.text.as_str() {
                "append" | "add" => Ok(added(
                    state,
                    Addition {
                        value,
                        element: true,
                        key: None,
                    },
                )),
                "extend" | "update" => Ok(added(
                    state,
                    Addition {
                        value,
                        element: false,
                        key: None,
                    },
                )),
                _ => Err(opaque(
                    "changed-by-call",
                    "changed by a call that we do not follow",
                    stmt,
                )),
            };
        }
        Ok(match self.updated(expr) {
            Some(value) => State::bound(Origin::Value(Value { stmt, top, value })),
            None => state,
        })
    }

    /// The value that `object.update(name=value)` or `object.update({'name': value})` gives the target.
    fn updated<'a>(&self, call: &'a Expr) -> Option<&'a Expr> {
        let Target::Member(object, names) = self.target else {
            return None;
        };
        let ExprKind::Call {
            function,
            args,
            keywords,
            ..
        } = &call.kind
        else {
            return None;
        };
        let ExprKind::Attribute {
            value,
            name: method,
        } = &function.kind
        else {
            return None;
        };
        if method.text != "update" || value.dotted().as_deref() != Some(object) {
            return None;
        }
        keyword_or_key(args, keywords, names)
    }

    fn is_name(&self, name: &str) -> bool {
        match self.target {
            Target::Name(names) => names.iter().any(|wanted| wanted == name),
            Target::Member(..) => false,
        }
    }

    fn is_target(&self, expr: &Expr) -> bool {
        match (self.target, &expr.kind) {
            (Target::Name(names), ExprKind::Name(name)) => names.contains(name),
            (Target::Member(object, names), ExprKind::Attribute { value, name }) => {
                names.contains(&name.text) && value.dotted().as_deref() == Some(object)
            }
            (Target::Member(object, names), ExprKind::Subscript { value, index }) => {
                value.dotted().as_deref() == Some(object)
                    && index.string().is_some_and(|key| names.contains(&key))
            }
            _ => false,
        }
    }

    /// The key, if this is `TARGET['key']`.
    fn key_of_target<'a>(&self, expr: &'a Expr) -> Option<&'a Expr> {
        match &expr.kind {
            ExprKind::Subscript { value, index } if self.is_target(value) => Some(index),
            _ => None,
        }
    }

    fn binds_inside(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Sequence(_, items) => items.iter().any(|item| self.binds_inside(item)),
            ExprKind::Starred(value) => self.binds_inside(value),
            _ => self.is_target(expr),
        }
    }

    /// `globals()['NAME']`, `setattr(module, 'NAME', …)`, `exec "NAME = …"` and their like: the names are
    /// strings there.
    fn dynamic(&self, expr: &Expr) -> Option<Span> {
        const DOORS: [&str; 6] = ["globals", "locals", "vars", "setattr", "exec", "__dict__"];
        let Target::Name(names) = self.target else {
            return None;
        };
        let (mut door, mut mentioned) = (false, false);
        expr.walk(&mut |part| {
            door |= match &part.kind {
                ExprKind::Call { function, .. } => function
                    .dotted()
                    .is_some_and(|name| DOORS.contains(&name.as_str())),
                ExprKind::Attribute { name, .. } => name.text == "__dict__",
                _ => false,
            };
            mentioned |= match &part.kind {
                ExprKind::String(_) => part
                    .string()
                    .is_some_and(|text| names.iter().any(|name| mentions(&text, name))),
                ExprKind::Call { keywords, .. } => keywords.iter().any(|keyword| {
                    keyword
                        .name
                        .as_ref()
                        .is_some_and(|name| names.contains(name))
                }),
                _ => false,
            };
        });
        (door && mentioned).then_some(expr.span)
    }

    fn first_addition(&self, block: &[Stmt]) -> Option<Span> {
        let mut found = None;
        super::syntax::walk(block, &mut |stmt| {
            let adds = match &stmt.kind {
                StmtKind::Augment { target, .. } => self.is_target(target),
                StmtKind::Assign { targets, .. } => targets
                    .iter()
                    .any(|target| self.key_of_target(target).is_some()),
                StmtKind::Expr { value } => match &value.kind {
                    ExprKind::Call { function, .. } => matches!(
                        &function.kind,
                        ExprKind::Attribute { value, .. } if self.is_target(value)
                    ),
                    _ => false,
                },
                _ => false,
            };
            if adds {
                found.get_or_insert(stmt.span);
            }
        });
        found
    }

    fn first_mention(&self, stmt: &Stmt) -> Option<Span> {
        let mut found = None;
        super::syntax::walk(std::slice::from_ref(stmt), &mut |stmt| {
            if let StmtKind::Assign { targets, .. } = &stmt.kind {
                for target in targets.iter().filter(|target| self.is_target(target)) {
                    found.get_or_insert(target.span);
                }
            }
        });
        found
    }
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

fn added<'a>(mut state: State<'a>, addition: Addition<'a>) -> State<'a> {
    if state.lives.is_empty() {
        let stmt = addition.value.stmt;
        state = State::bound(Origin::Elsewhere { stmt });
    }
    for live in &mut state.lives {
        live.additions.push(addition);
    }
    state
}

/// Whether control never comes out of the block's end.
fn leaves(block: &[Stmt]) -> bool {
    match block.last().map(|stmt| &stmt.kind) {
        Some(StmtKind::Return { .. }) => true,
        Some(StmtKind::Other { parts }) => !parts.is_empty(),
        _ => false,
    }
}

fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        !text[..at].ends_with(word) && !text[at + name.len()..].starts_with(word)
    })
}

fn opaque(code: &'static str, why: &'static str, stmt: &Stmt) -> Opaque {
    opaque_at(code, why, stmt.span)
}

fn opaque_at(code: &'static str, why: &'static str, span: Span) -> Opaque {
    Opaque { code, why, span }
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
            targets.iter().for_each(&mut target)
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
        StmtKind::Try { handlers, .. } => {
            if handlers
                .iter()
                .any(|handler| handler.name.as_deref() == Some(name))
            {
                spans.push(stmt.span);
            }
        }
        _ => {}
    }
}
