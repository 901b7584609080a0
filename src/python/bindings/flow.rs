//! Follows a block statement by statement: which bindings are live behind each. Pure.

use super::scope::Scope;
use super::target::{opaque, opaque_at};
use super::{Addition, Live, Opaque, Origin, Target, Value, included, keyword_or_key};
use crate::edit::Span;
use crate::python::syntax::{Alias, Expr, ExprKind, Stmt, StmtKind, walk};

/// What is looked for, and which star imports may bind it.
pub(super) struct Flow<'t, 'a> {
    pub(super) target: Target<'t>,
    pub(super) stars: &'t dyn Fn(Option<&str>, usize) -> bool,
    /// What the names mean.
    pub(super) scope: Scope<'a>,
    /// A call that is no door: what comes through it is known otherwise.
    pub(super) except: Option<Span>,
}

type Step<'a> = Result<Vec<Live<'a>>, Opaque>;

impl<'a> Flow<'_, 'a> {
    /// What is live behind a block, given what is live in front of it.
    ///
    /// `top` is the statement of the outermost block that holds this one; `None` where it is that block.
    pub(super) fn block(
        &self,
        mut lives: Vec<Live<'a>>,
        block: &'a [Stmt],
        top: Option<&'a Stmt>,
    ) -> Step<'a> {
        for stmt in block {
            lives = self.step(lives, stmt, top.unwrap_or(stmt))?;
        }
        Ok(lives)
    }

    /// What is live behind one statement: what it binds, or what may come through it.
    fn step(&self, lives: Vec<Live<'a>>, stmt: &'a Stmt, top: &'a Stmt) -> Step<'a> {
        let lives = self.bind(lives, stmt, top)?;
        Ok(match self.door(stmt, top) {
            Some(door) => join(
                lives,
                bound(Origin::Door {
                    stmt: door.stmt,
                    why: door.why,
                }),
            ),
            None => lives,
        })
    }

    fn bind(&self, lives: Vec<Live<'a>>, stmt: &'a Stmt, top: &'a Stmt) -> Step<'a> {
        match &stmt.kind {
            StmtKind::Assign { targets, value, .. } => {
                self.assign(lives, stmt, top, targets, value)
            }
            StmtKind::Augment { target, .. } if !self.is_target(target) => Ok(lives),
            StmtKind::Augment { add: false, .. } => {
                let why = "changed by an operator other than `+=`";
                Err(opaque("changed-by-operator", why, stmt))
            }
            StmtKind::Augment { value, .. } => Ok(added(lives, Addition::of(stmt, top, value))),
            StmtKind::ImportFrom {
                module,
                level,
                names,
            } => Ok(self.import_from(lives, stmt, module.as_deref(), *level, names)),
            StmtKind::If { .. } | StmtKind::Match { .. } => self.branch(lives, stmt, top),
            StmtKind::Try {
                body,
                handlers,
                orelse,
                finally,
            } => {
                let tried = self.block(lives.clone(), body, Some(top))?;
                let broken = join(lives, tried.clone());
                let mut after = self.block(tried, orelse, Some(top))?;
                for handler in handlers.iter().filter(|handler| !leaves(&handler.body)) {
                    after = join(after, self.block(broken.clone(), &handler.body, Some(top))?);
                }
                self.block(after, finally, Some(top))
            }
            StmtKind::With { targets, .. } if self.binds_one(targets) => {
                Err(opaque("bound-by-with", "bound by a `with` statement", stmt))
            }
            StmtKind::With { body, .. } => self.block(lives, body, Some(top)),
            StmtKind::Loop { .. } => self.in_loop(lives, stmt, top),
            StmtKind::Delete { targets } if self.binds_one(targets) => {
                Err(opaque("deleted", "deleted", stmt))
            }
            StmtKind::Expr { value } => self.effect(lives, stmt, top, value),
            _ => self.definition(stmt).map_or(Ok(lives), Err),
        }
    }

    /// Statements that bind a name to something that is no setting, or from inside a function.
    fn definition(&self, stmt: &Stmt) -> Option<Opaque> {
        match &stmt.kind {
            StmtKind::Import { names } if names.iter().any(|alias| self.is_name(alias.bound())) => {
                Some(opaque("bound-to-module", "bound to a module", stmt))
            }
            StmtKind::Function { name, .. } if self.is_name(&name.text) => {
                Some(opaque("bound-to-function", "a function", stmt))
            }
            StmtKind::Class { name, .. } if self.is_name(&name.text) => {
                Some(opaque("bound-to-class", "a class", stmt))
            }
            StmtKind::Function { body, .. } => self.in_function(body),
            _ => None,
        }
    }

    fn assign(
        &self,
        lives: Vec<Live<'a>>,
        stmt: &'a Stmt,
        top: &'a Stmt,
        targets: &'a [Expr],
        value: &'a Expr,
    ) -> Step<'a> {
        for target in targets {
            if self.is_target(target) {
                return Ok(bound(Origin::Value(Value { stmt, top, value })));
            }
            if let Some(key) = self.key_of_target(target) {
                let addition = Addition::of(stmt, top, value);
                return Ok(added(
                    lives,
                    Addition {
                        key: Some(key),
                        ..addition
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
            if let Some(opaque) = self.dynamic(target) {
                return Err(opaque);
            }
        }
        Ok(lives)
    }

    fn import_from(
        &self,
        lives: Vec<Live<'a>>,
        stmt: &'a Stmt,
        module: Option<&'a str>,
        level: usize,
        names: &'a [Alias],
    ) -> Vec<Live<'a>> {
        let binding = names
            .iter()
            .find(|alias| alias.name == "*" || self.is_name(alias.bound()));
        match binding.map(|alias| alias.name.as_str()) {
            Some("*") if (self.stars)(module, level) => bound(Origin::Star {
                stmt,
                module,
                level,
            }),
            None | Some("*") => lives,
            Some(name) => bound(Origin::Import {
                stmt,
                module,
                level,
                name,
            }),
        }
    }

    fn branch(&self, lives: Vec<Live<'a>>, stmt: &'a Stmt, top: &'a Stmt) -> Step<'a> {
        let exhaustive = match &stmt.kind {
            StmtKind::If { arms } => arms.iter().any(|arm| arm.test.is_none()),
            _ => false,
        };
        let mut after = (!exhaustive).then(|| lives.clone());
        for block in stmt.blocks().into_iter().filter(|block| !leaves(block)) {
            let arm = self.block(lives.clone(), block, Some(top))?;
            after = Some(match after {
                Some(after) => join(after, arm),
                None => arm,
            });
        }
        Ok(after.unwrap_or(lives))
    }

    fn in_loop(&self, mut lives: Vec<Live<'a>>, stmt: &'a Stmt, top: &'a Stmt) -> Step<'a> {
        let why = "bound in a loop";
        if let StmtKind::Loop {
            target: Some(target),
            ..
        } = &stmt.kind
            && self.binds_inside(target)
        {
            return Err(opaque("bound-in-loop", why, stmt));
        }
        let mut inside = Vec::new();
        walk(std::slice::from_ref(stmt), &mut |stmt| {
            inside.extend(stmt.expressions());
        });
        if let Some(opaque) = self.dynamic_in(inside.into_iter(), stmt.span) {
            return Err(opaque);
        }
        for block in stmt.blocks() {
            if let Some(span) = self.first_addition(block) {
                return Err(opaque_at("bound-in-loop", "added to in a loop", span));
            }
            for live in self.block(Vec::new(), block, Some(top))? {
                if !matches!(live.origin, Origin::Door { .. }) {
                    let span = self.first_mention(stmt).unwrap_or(live.origin.span());
                    return Err(opaque_at("bound-in-loop", why, span));
                }
                lives = join(lives, vec![live]);
            }
        }
        Ok(lives)
    }

    /// `global NAME` in a function that binds it.
    fn in_function(&self, body: &[Stmt]) -> Option<Opaque> {
        let mut found = None;
        walk(body, &mut |stmt| {
            if let StmtKind::Global { names } = &stmt.kind
                && names.iter().any(|name| self.is_name(name))
            {
                found = Some(opaque("bound-in-function", "bound inside a function", stmt));
            }
        });
        found
    }

    /// A statement that is an expression: `NAME.append(x)`, `app.conf.update(…)`, `setattr(…)`, `exec`.
    fn effect(
        &self,
        lives: Vec<Live<'a>>,
        stmt: &'a Stmt,
        top: &'a Stmt,
        expr: &'a Expr,
    ) -> Step<'a> {
        if let Some(opaque) = self.dynamic(expr) {
            return Err(opaque);
        }
        let included = included(stmt).into_iter().rev();
        if let Some(file) = included
            .into_iter()
            .find(|file| (self.stars)(Some(file), 0))
        {
            return Ok(bound(Origin::Star {
                stmt,
                module: Some(file),
                level: 0,
            }));
        }
        let ExprKind::Call { function, args, .. } = &expr.kind else {
            return Ok(lives);
        };
        let ExprKind::Attribute {
            value: object,
            name: method,
        } = &function.kind
        else {
            return Ok(lives);
        };
        if !self.is_target(object) {
            let updated = self.updated(expr, stmt, top);
            return Ok(updated.map_or(lives, |value| bound(Origin::Value(value))));
        }
        match (method.text.as_str(), args.as_slice()) {
            ("append" | "add", [value]) | ("insert", [_, value]) => {
                let addition = Addition::of(stmt, top, value);
                Ok(added(
                    lives,
                    Addition {
                        element: true,
                        ..addition
                    },
                ))
            }
            ("extend" | "update", [value]) => Ok(added(lives, Addition::of(stmt, top, value))),
            ("sort" | "reverse", _) => Ok(lives),
            _ => Err(opaque(
                "changed-by-call",
                "changed by a call that we do not follow",
                stmt,
            )),
        }
    }

    /// The value that `object.update(name=value)` or `object.update({'name': value})` gives the target;
    /// the dict may have a name: `CONF = {…}; object.update(CONF)`.
    pub(super) fn updated(
        &self,
        call: &'a Expr,
        stmt: &'a Stmt,
        top: &'a Stmt,
    ) -> Option<Value<'a>> {
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
        let updates = match method.text.as_str() {
            "update" => self.scope.is(value, object),
            "add_defaults" => self.is_app(value),
            _ => false,
        };
        if !updates {
            return None;
        }
        if let Some(value) = keyword_or_key(args, keywords, names) {
            return Some(Value { stmt, top, value });
        }
        if self.except.is_some_and(|known| call.span.contains(known)) {
            return None;
        }
        let packed = keywords.iter().filter(|keyword| keyword.name.is_none());
        let given = args.iter().chain(packed.map(|keyword| &keyword.value));
        let mut dicts = given.filter_map(|arg| self.scope.value(arg.name()?));
        dicts.find_map(|(stmt, dict)| {
            let value = keyword_or_key(std::slice::from_ref(dict), &[], names)?;
            Some(Value {
                stmt,
                top: stmt,
                value,
            })
        })
    }
}

impl<'a> Addition<'a> {
    /// Several elements, under no key.
    fn of(stmt: &'a Stmt, top: &'a Stmt, value: &'a Expr) -> Self {
        Self {
            value: Value { stmt, top, value },
            element: false,
            key: None,
        }
    }
}

fn bound(origin: Origin<'_>) -> Vec<Live<'_>> {
    vec![Live {
        origin,
        additions: Vec::new(),
        varies: false,
    }]
}

/// Both ways are possible. One origin reached twice keeps the additions common to both.
fn join<'a>(mut one: Vec<Live<'a>>, other: Vec<Live<'a>>) -> Vec<Live<'a>> {
    for live in other {
        let same = one
            .iter_mut()
            .find(|have| have.origin.span() == live.origin.span());
        let Some(have) = same else {
            one.push(live);
            continue;
        };
        let pairs = have.additions.iter().zip(&live.additions);
        let common = pairs
            .take_while(|(a, b)| a.value.stmt.span == b.value.stmt.span)
            .count();
        let longest = have.additions.len().max(live.additions.len());
        have.varies |= live.varies || common != longest;
        have.additions.truncate(common);
    }
    one
}

/// An addition to a name that nothing here binds is all that is seen of it.
fn added<'a>(mut lives: Vec<Live<'a>>, addition: Addition<'a>) -> Vec<Live<'a>> {
    if lives.is_empty() {
        let stmt = addition.value.stmt;
        lives = bound(Origin::Elsewhere { stmt });
    }
    for live in &mut lives {
        live.additions.push(addition);
    }
    lives
}

/// Whether control never comes out of the block's end.
fn leaves(block: &[Stmt]) -> bool {
    matches!(
        block.last().map(|stmt| &stmt.kind),
        Some(StmtKind::Return { .. } | StmtKind::Raise { .. })
    )
}
