//! What must hold of a plan before anything is written.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};

use super::attempt::{Asked, Attempt, Stop, attempt};
use crate::draft::Folded;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::SyntaxError;
use crate::tree::Tree;
use crate::verify;

/// Edits only add, every file reads as before, and planning again gives nothing.
pub(super) fn prove(asked: Asked<'_>, attempt: &Attempt) -> Result<()> {
    for (path, folded) in &attempt.shared {
        if attempt.pins.contains(path) {
            verify::only_within_lines(path, &folded.before, &folded.edits)?;
        } else {
            verify::only_adds(path, &folded.before, &folded.edits)?;
        }
        if path.has_extension("py")
            && let Ok(module) = asked.tree.python(path)
        {
            let after = folded.edits.splice(&folded.before);
            verify::reads_as_before(path, &module, &folded.edits, &after)?;
        }
    }
    if attempt.plan.changes.is_empty() {
        return Ok(());
    }
    planning_again_gives_nothing(asked, attempt)
}

fn planning_again_gives_nothing(asked: Asked<'_>, done: &Attempt) -> Result<()> {
    let changes = done.plan.changes.iter();
    let after = changes.map(|change| (change.path.clone(), change.after.clone()));
    let tree = asked.tree.overlay(after);
    let again = Asked::new(&tree, asked.flags, asked.contracts, asked.from);
    match attempt(again) {
        Ok(again) => match again.plan.changes.first() {
            None => Ok(()),
            Some(change) => bail!(
                "after this plan, {} would change again ({})",
                change.path,
                change.what.join(", ")
            ),
        },
        Err(Stop::Bug(error)) => Err(error),
        Err(Stop::Refused(findings)) => {
            let why = findings
                .iter()
                .min_by_key(|finding| finding.level)
                .map_or("", |finding| finding.message.as_str());
            Err(anyhow!(
                "after this plan, the service could not be planned again: {why}"
            ))
        }
    }
}

/// Files that have syntax errors and would read differently with our text in them: where the parser
/// takes up again behind an error is its guess (an open bracket, an open string), so this is no bug.
pub(super) fn near_errors(tree: &Tree, shared: &BTreeMap<RelPath, Folded>) -> Vec<Finding> {
    shared
        .iter()
        .filter(|(path, _)| path.has_extension("py"))
        .filter_map(|(path, folded)| {
            let module = tree.python(path).ok()?;
            let error = module.errors.first()?;
            let after = folded.edits.splice(&folded.before);
            verify::reads_as_before(path, &module, &folded.edits, &after).err()?;
            Some(too_near(path, error))
        })
        .collect()
}

/// The files to change that have syntax errors: what is added to them may be read as part of something
/// that is still open there, without one more error.
pub(super) fn guessed(tree: &Tree, shared: &BTreeMap<RelPath, Folded>) -> Vec<Finding> {
    let modules = shared.keys().filter(|path| path.has_extension("py"));
    modules
        .filter_map(|path| Some(too_near(path, tree.python(path).ok()?.errors.first()?)))
        .collect()
}

fn too_near(path: &RelPath, error: &SyntaxError) -> Finding {
    let message = "a syntax error is too near to what would be added here";
    Finding::refusal("syntax-error-near", message)
        .at(path, error.span)
        .label(error.message.clone())
        .help("mend the syntax error, then run again")
}
