//! The handlers that a move to another contract leaves to a person: they are called otherwise there.

use super::scene::Scene;
use crate::finding::Finding;
use crate::python::syntax::StmtKind;

/// Names each handler whose signature is another under the new contract, if one is.
pub(super) fn called_otherwise(scene: &Scene<'_>) -> Option<Finding> {
    let (old, new) = (&scene.recorded, &scene.target);
    if new.calls_handlers_as(old) {
        return None;
    }
    let message = format!("{} calls these handlers in another way", new.id);
    let mut finding = Finding::warning("handler-signature", message)
        .label("with other arguments than now")
        .help("what each is given then, the steps below say; until it is changed, its events fail");
    let named = [&old.handlers_module, &new.handlers_module];
    let files = scene.tree.walk().into_iter();
    let modules = files
        .filter(|path| path.has_extension("py") && named.iter().any(|name| path.stem() == *name));
    for path in modules {
        let Ok(module) = scene.tree.python(&path) else {
            continue;
        };
        for stmt in &module.body {
            if let StmtKind::Function { name, .. } = &stmt.kind
                && !name.text.starts_with('_')
            {
                finding = finding.at(&path, name.span);
            }
        }
    }
    (!finding.places.is_empty()).then_some(finding)
}
