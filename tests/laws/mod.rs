//! What holds for every service whatever stands in its files, judged from the bytes alone.

#![allow(dead_code, reason = "each test that uses this looks at other parts")]

use std::collections::BTreeMap;

use scaffold_events::config::Config;
use scaffold_events::contract::Contracts;
use scaffold_events::lock::{LOCK, Lock};
use scaffold_events::newline::Newline;
use scaffold_events::path::RelPath;
use scaffold_events::plan::{Kind, Plan, plan};
use scaffold_events::python::parse::parse;
use scaffold_events::python::syntax::{Module, walk};
use scaffold_events::tree::Tree;

/// A service in memory.
pub(crate) type Files = BTreeMap<RelPath, Vec<u8>>;

/// The files after `init`, or as they were where it is refused.
pub(crate) struct Outcome {
    /// Every file.
    pub(crate) after: Files,
    /// What was planned.
    pub(crate) plan: Plan,
}

/// Plans a service in a directory of this name; the law that is broken, if one is.
pub(crate) fn obeyed(name: &str, files: &Files, flags: &Config) -> Result<Outcome, String> {
    wired_by(name, files, flags, &Contracts::embedded())
}

/// As [`obeyed`], with these contracts to choose from.
pub(crate) fn wired_by(
    name: &str,
    files: &Files,
    flags: &Config,
    contracts: &Contracts,
) -> Result<Outcome, String> {
    let plan = planned(name, files, flags, contracts)?;
    if plan.is_refused() && !plan.changes.is_empty() {
        return Err("a refusal changes files".to_owned());
    }
    let mut after = files.clone();
    for change in &plan.changes {
        if change.before.as_deref() != files.get(&change.path).map(Vec::as_slice) {
            return Err(format!("{} is not what was there", change.path));
        }
        let planned = change.after.clone().unwrap_or_default();
        if let (Kind::Shared, Some(before)) = (change.kind, files.get(&change.path)) {
            kept(&change.path, before, &planned)?;
        }
        after.insert(change.path.clone(), planned);
    }
    undone(files, &after)?;
    if !plan.changes.is_empty() {
        stable(name, &after, contracts)?;
    }
    Ok(Outcome { after, plan })
}

fn planned(
    name: &str,
    files: &Files,
    flags: &Config,
    contracts: &Contracts,
) -> Result<Plan, String> {
    plan(&Tree::named(name, files.clone()), flags, contracts)
        .map_err(|error| format!("our bug: {error:#}"))
}

/// Nothing is left to do.
fn stable(name: &str, after: &Files, contracts: &Contracts) -> Result<(), String> {
    let again = planned(name, after, &Config::default(), contracts)?;
    match (again.changes.first(), again.is_refused()) {
        (Some(change), _) => Err(format!(
            "again, {} would change ({})",
            change.path,
            change.what.join(", ")
        )),
        (None, true) => Err(format!("refused again: {}", again.findings[0].message)),
        (None, false) => Ok(()),
    }
}

/// What the lock records leads back to every byte that was there.
fn undone(before: &Files, after: &Files) -> Result<(), String> {
    let path = RelPath::root().join(LOCK);
    let Some(lock) = after.get(&path).filter(|_| !before.contains_key(&path)) else {
        return Ok(());
    };
    let lock = Lock::parse(lock).map_err(|finding| finding.message)?;
    for (path, shared) in &lock.shared {
        // Text whose newlines do not tell its own from ours, or that is no UTF-8, may not be undone.
        let sure = std::str::from_utf8(&before[path]).is_ok()
            && Newline::of(&before[path]) != Newline::Mixed;
        match shared.undo(&after[path]) {
            Some(undone) if undone != before[path] => {
                return Err(format!("{path} is not as it was when undone"));
            }
            None if sure => return Err(format!("{path} cannot be undone")),
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// The old bytes are all there in order, but for a URL's slash that is now escaped; so are the
/// statements.
fn kept(path: &RelPath, before: &[u8], after: &[u8]) -> Result<(), String> {
    if !only_inserted(before, after) {
        return Err(format!("{path} lost bytes"));
    }
    if !path.has_extension("py") {
        return Ok(());
    }
    let module = |text: &[u8]| parse(text.into()).map_err(|why| format!("{path}: {}", why.message));
    let (old, new) = (module(before)?, module(after)?);
    if old.errors.len() != new.errors.len() {
        return Err(format!("{path} has other syntax errors than before"));
    }
    let heads = heads(&new);
    let mut heads = heads.iter();
    for head in self::heads(&old) {
        if !heads.any(|other| *other == head) {
            return Err(format!("{path} lost the statement `{head}`"));
        }
    }
    Ok(())
}

/// Whether `before` can be had from `after` by deleting, with `/` again for `%2F` or `%%2F`.
fn only_inserted(before: &[u8], after: &[u8]) -> bool {
    let mut rest = after;
    before.iter().all(|byte| {
        let plain = rest.iter().position(|other| other == byte).map(|at| at + 1);
        let escaped = (*byte == b'/')
            .then(|| rest.windows(3).position(|three| three == b"%2F"))
            .flatten()
            .map(|at| at + 3);
        let found = [plain, escaped].into_iter().flatten().min();
        rest = &rest[found.unwrap_or_default()..];
        found.is_some()
    })
}

/// How every statement begins: its first word, whatever it holds.
fn heads(module: &Module) -> Vec<String> {
    let mut heads = Vec::new();
    walk(&module.body, &mut |stmt| {
        let text = stmt.span.of(&*module.text);
        let word = text
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.@".contains(byte));
        heads.push(word.map(|&byte| char::from(byte)).collect());
    });
    heads
}
