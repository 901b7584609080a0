//! What the plain names of a block stand for, where they are bound once and left alone. Pure.

use super::binds;
use crate::python::syntax::{Expr, ExprKind, Stmt, StmtKind, walk};

/// A block, and the blocks around it, innermost first.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    blocks: Vec<&'a [Stmt]>,
}

impl<'a> Scope<'a> {
    /// A block, within the module's.
    pub(super) fn of(block: &'a [Stmt], module: &'a [Stmt]) -> Self {
        let mut blocks = vec![block];
        if !std::ptr::eq(block, module) {
            blocks.push(module);
        }
        Self { blocks }
    }

    /// Nothing is around the block.
    pub(super) fn is_outermost(&self) -> bool {
        self.blocks.len() == 1
    }

    /// A function's body within this.
    pub(super) fn inside(&self, body: &'a [Stmt]) -> Self {
        let mut blocks = vec![body];
        blocks.extend(&self.blocks);
        Self { blocks }
    }

    /// The only value of a name, and its statement; nothing stores into it.
    pub(super) fn value(&self, name: &str) -> Option<(&'a Stmt, &'a Expr)> {
        let (stmt, value) = self.bound(name)?;
        let block = self.blocks.last()?;
        (!changed(block, name)).then_some((stmt, value))
    }

    fn bound(&self, name: &str) -> Option<(&'a Stmt, &'a Expr)> {
        let mut found = self.blocks.iter().map(|block| (block, binds(block, name)));
        let (block, spans) = found.find(|(_, spans)| !spans.is_empty())?;
        if spans.len() != 1 {
            return None;
        }
        block.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Assign { targets, value, .. } if targets.len() == 1 => {
                (targets[0].name() == Some(name)).then_some((stmt, value))
            }
            _ => None,
        })
    }

    /// The function of this name at the top of one of the blocks.
    pub(super) fn function(&self, wanted: &str) -> Option<&'a Stmt> {
        let all = self.blocks.iter().flat_map(|block| block.iter());
        all.into_iter().find(
            |stmt| matches!(&stmt.kind, StmtKind::Function { name, .. } if name.text == wanted),
        )
    }

    /// Whether an expression is this object as written, or a name that stands for it.
    pub(super) fn is(&self, expr: &Expr, object: &str) -> bool {
        let written = |expr: &Expr| expr.dotted().as_deref() == Some(object);
        written(expr) || self.behind(expr).is_some_and(written)
    }

    /// Whether this is the mapping of the names that the block binds: `globals()`, `vars()`.
    pub(super) fn is_names(&self, expr: &Expr) -> bool {
        let is_names = |expr: &Expr| match &expr.kind {
            ExprKind::Call { function, args, .. } => match (function.name(), args.as_slice()) {
                // In a function, only the first are the module's.
                (Some("globals"), []) => true,
                (Some("locals" | "vars"), []) => !self.in_function(),
                (Some("vars"), [module]) => self.is_module(module),
                _ => false,
            },
            ExprKind::Attribute { value, name } => name.text == "__dict__" && self.is_module(value),
            _ => false,
        };
        is_names(expr) || self.behind(expr).is_some_and(is_names)
    }

    /// Whether this is the module itself: `sys.modules[__name__]`, `import_module(__name__)`.
    pub(super) fn is_module(&self, expr: &Expr) -> bool {
        let is_module = |expr: &Expr| match &expr.kind {
            ExprKind::Subscript { value, index } => {
                index.name() == Some("__name__")
                    && (value.dotted()).is_some_and(|dotted| dotted.ends_with("modules"))
            }
            ExprKind::Call { function, args, .. } => {
                let imports = function.dotted().is_some_and(|dotted| {
                    dotted.ends_with("import_module") || dotted == "__import__"
                });
                imports && args.first().and_then(Expr::name) == Some("__name__")
            }
            _ => false,
        };
        is_module(expr) || self.behind(expr).is_some_and(is_module)
    }

    /// Every key of a mapping; none where they are not all spelled out.
    pub(super) fn keys(&self, mapping: &Expr) -> Option<Vec<String>> {
        let mut keys = Vec::new();
        match &mapping.kind {
            ExprKind::Dict(items) => {
                for (key, value) in items {
                    match key {
                        Some(key) => keys.push(key.string()?),
                        None => keys.extend(self.keys(value)?),
                    }
                }
            }
            ExprKind::Call {
                function,
                args,
                keywords,
                ..
            } if function.name() == Some("dict") => {
                for arg in args {
                    keys.extend(self.keys(arg)?);
                }
                for keyword in keywords {
                    match &keyword.name {
                        Some(name) => keys.push(name.clone()),
                        None => keys.extend(self.keys(&keyword.value)?),
                    }
                }
            }
            ExprKind::Name(name) => {
                let (_, value) = self.value(name)?;
                return (value.name().is_none()).then(|| self.keys(value))?;
            }
            _ => return None,
        }
        Some(keys)
    }

    /// The strings that a loop over this goes through, or that its items begin with.
    pub(super) fn strings(&self, head: &Expr) -> Option<Vec<String>> {
        match &head.kind {
            ExprKind::Sequence(_, items) => items
                .iter()
                .map(|item| match &item.kind {
                    ExprKind::Sequence(_, parts) => parts.first()?.string(),
                    _ => item.string(),
                })
                .collect(),
            ExprKind::Call { function, args, .. } => match &function.kind {
                ExprKind::Attribute { value, name }
                    if args.is_empty() && ["items", "keys", "iteritems"].contains(&&*name.text) =>
                {
                    self.keys(value)
                }
                _ => None,
            },
            ExprKind::Name(name) => {
                let (_, value) = self.value(name)?;
                (value.name().is_none()).then(|| self.strings(value))?
            }
            _ => self.keys(head),
        }
    }

    /// The only value of a name.
    fn behind(&self, expr: &Expr) -> Option<&'a Expr> {
        self.bound(expr.name()?).map(|(_, value)| value)
    }

    fn in_function(&self) -> bool {
        let [block, .., module] = self.blocks.as_slice() else {
            return false;
        };
        let mut found = false;
        walk(module, &mut |stmt| {
            if let StmtKind::Function { body, .. } = &stmt.kind {
                found |= std::ptr::eq(body.as_slice(), *block);
            }
        });
        found
    }
}

/// Whether a statement stores into what a name stands for: `NAME['key'] = …`, `NAME.update(…)`, `NAME += …`.
fn changed(block: &[Stmt], name: &str) -> bool {
    let of_name = |expr: &Expr| match &expr.kind {
        ExprKind::Subscript { value, .. } | ExprKind::Attribute { value, .. } => {
            value.name() == Some(name)
        }
        _ => false,
    };
    let mut found = false;
    walk(block, &mut |stmt| {
        found |= match &stmt.kind {
            StmtKind::Assign { targets, .. } | StmtKind::Delete { targets } => {
                targets.iter().any(of_name)
            }
            StmtKind::Augment { target, .. } => target.name() == Some(name) || of_name(target),
            _ => false,
        };
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Call { function, .. } = &part.kind
                    && let ExprKind::Attribute {
                        value,
                        name: method,
                    } = &function.kind
                {
                    let reads = ["get", "items", "keys", "values", "copy", "index", "count"];
                    found |= value.name() == Some(name) && !reads.contains(&&*method.text);
                }
            });
        }
    });
    found
}
