//! Finds settings among the keys of a dict that a module binds. Pure.

use super::lookup::proven_absent;
use super::{Added, Settings, Site};
use crate::edit::Span;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::bindings::{self, keyword_or_key};
use crate::python::syntax::{Expr, ExprKind, Stmt};

impl Settings<'_> {
    pub(super) fn keyed(
        &self,
        file: &RelPath,
        dict: &str,
        keys: &[String],
    ) -> Result<Vec<Site>, Finding> {
        let mut found = Vec::new();
        for holder in self.in_module(file, &[dict.to_owned()], &mut Vec::new())? {
            let value = self.value_at(&holder, keys)?;
            match value {
                Some(value) => found.push(Site {
                    value: Some(value),
                    additions: Vec::new(),
                    ..holder
                }),
                None => proven_absent(&holder.file, &holder.module, keys)?,
            }
        }
        Ok(found)
    }

    /// What a dict holds last under one of these keys.
    fn value_at(&self, dict: &Site, keys: &[String]) -> Result<Option<Expr>, Finding> {
        let module = &dict.module.body;
        let mut held = dict
            .value
            .as_ref()
            .map_or(Held::Nothing, |value| Held::by(module, value, keys));
        if let (Held::Perhaps, Some(false)) = (&held, dict.value.as_ref().map(is_literal)) {
            held = Held::Nothing; // no dict that is written into: that is refused by itself
        }
        let mut at = dict.stmt;
        for added in &dict.additions {
            match Held::added(module, added, keys) {
                Held::Nothing => {}
                now => (held, at) = (now, added.stmt),
            }
        }
        match held {
            Held::Value(value) => Ok(Some(value)),
            Held::Perhaps if self.is_needed(keys) => Err(dict_not_told(&dict.file, &keys[0], at)),
            Held::Perhaps | Held::Nothing => Ok(None),
        }
    }
}

/// What a mapping says of some keys.
enum Held {
    Value(Expr),
    /// Not all of its keys are spelled out, or it takes them from another.
    Perhaps,
    Nothing,
}

impl Held {
    fn by(module: &[Stmt], mapping: &Expr, keys: &[String]) -> Self {
        let value = match &mapping.kind {
            ExprKind::Call { args, keywords, .. } => keyword_or_key(args, keywords, keys),
            _ => keyword_or_key(std::slice::from_ref(mapping), &[], keys),
        };
        if let Some(value) = value {
            return Self::Value(value.clone());
        }
        match bindings::keys(module, mapping) {
            Some(told) if told.iter().all(|key| !keys.contains(key)) => Self::Nothing,
            _ => Self::Perhaps,
        }
    }

    fn added(module: &[Stmt], added: &Added, keys: &[String]) -> Self {
        let Some(key) = &added.key else {
            return Self::by(module, &added.value, keys);
        };
        match key.string() {
            Some(key) if keys.contains(&key) => Self::Value(added.value.clone()),
            Some(_) => Self::Nothing,
            None => Self::Perhaps,
        }
    }
}

fn is_literal(mapping: &Expr) -> bool {
    match &mapping.kind {
        ExprKind::Call { function, .. } => function.name() == Some("dict"),
        kind => matches!(kind, ExprKind::Dict(_)),
    }
}

fn dict_not_told(file: &RelPath, key: &str, span: Span) -> Finding {
    Finding::refusal(
        "bound-dynamically",
        format!("`{key}` is perhaps a key of what the dict of settings takes over"),
    )
    .at(file, span)
    .label("we cannot tell what Celery will read")
    .help(format!(
        "write `{key}` into the dict itself, with what is to stay of it; then run again"
    ))
}
