//! What a plan writes down for later runs: config and lock, as they stand beside its changes. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{FileChange, Kind};
use crate::config::{self, Config, Loaded};
use crate::contract::Contract;
use crate::draft::Folded;
use crate::edit::EditSet;
use crate::finding::Finding;
use crate::lock::{self, Lock};
use crate::path::RelPath;
use crate::rules::{self, Context};

/// What moves with the contract in a requirements file.
pub(super) const LIBRARY_PIN: &str = "library pin";

/// What detection and the user settled on, to be written down so that later runs need not guess.
pub(super) fn settled(context: &Context<'_>) -> Config {
    Config {
        name: Some(context.name.clone()),
        package: None,
        settings: Some(context.settings.entry.clone()),
        celery_app: Some(context.facts.app.name()),
        tasks_dir: Some(context.facts.layout.directory.clone()),
        env_files: None,
        contract: Some(context.contract.named()),
        route: Some(context.route),
        allow_non_amqp: context.config.allow_non_amqp,
    }
}

/// The config and the lock file, as they stand beside these changes.
pub(super) fn records(
    context: &Context<'_>,
    loaded: &Loaded,
    settled: &Config,
    changes: &[FileChange],
    shared: &BTreeMap<RelPath, Folded>,
) -> Result<Vec<FileChange>, Vec<Finding>> {
    let (path, text) = config::write(loaded, settled);
    let mut records = Vec::new();
    let before = context.tree.bytes(&path);
    let mut added = None;
    if before.as_deref() != Some(&*text) {
        added = before
            .as_ref()
            .map(|before| (path.clone(), added_keys(before, &text)));
        records.push(record(
            path,
            before,
            text,
            "what is settled, for later runs",
        ));
    }
    let path = RelPath::root().join(lock::LOCK);
    let before = context.tree.bytes(&path);
    let mut lock = match &before {
        Some(bytes) => Lock::parse(bytes)?,
        None => Lock::new(context.contract.id.clone()),
    };
    fill(&mut lock, context, changes, shared);
    lock.shared.extend(added);
    records.push(record(
        path,
        before,
        lock.render(),
        "what was written, for undoing and merging",
    ));
    Ok(records)
}

/// What was added to a config of the user's own, so that it can go again.
fn added_keys(before: &[u8], after: &[u8]) -> lock::Shared {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let edits = EditSet::between(&text(before), &text(after));
    lock::Shared::record(before, &edits, vec!["what is settled".to_owned()])
}

fn record(path: RelPath, before: Option<Arc<[u8]>>, after: Vec<u8>, what: &str) -> FileChange {
    FileChange {
        path,
        kind: Kind::Record,
        before,
        after: Some(after),
        what: vec![what.to_owned()],
    }
}

fn fill(
    lock: &mut Lock,
    context: &Context<'_>,
    changes: &[FileChange],
    shared: &BTreeMap<RelPath, Folded>,
) {
    record_contract(lock, context.contract);
    let inputs = rules::modules::inputs(context);
    let text = crate::render::listener(context.contract, &inputs);
    lock.inputs
        .insert("app_module".to_owned(), inputs.app_module);
    lock.inputs
        .insert("app_variable".to_owned(), inputs.app_variable);
    lock.inputs
        .insert("handlers_module".to_owned(), inputs.handlers_module);
    let listener = rules::modules::listener(context);
    if context
        .tree
        .bytes(&listener)
        .is_some_and(|now| lock::hash(&now) == lock::hash(text.as_bytes()))
    {
        let hash = lock::hash(text.as_bytes());
        let (written, accepted) = (hash.clone(), hash);
        lock.owned
            .insert(listener, lock::Owned { written, accepted });
    }
    for change in changes {
        let hash = || lock::hash(change.after.as_deref().unwrap_or_default());
        match change.kind {
            Kind::Owned => {
                lock.owned.insert(
                    change.path.clone(),
                    lock::Owned {
                        written: hash(),
                        accepted: hash(),
                    },
                );
            }
            Kind::Seeded => {
                lock.seeded
                    .insert(change.path.clone(), lock::Seeded { written: hash() });
            }
            // The user's own dependency, which only follows the contract.
            Kind::Shared if change.what == [LIBRARY_PIN] => {}
            Kind::Shared => {
                let folded = &shared[&change.path];
                let entry =
                    lock::Shared::record(&folded.before, &folded.edits, folded.what.clone());
                lock.shared.insert(change.path.clone(), entry);
            }
            Kind::Record => {}
        }
    }
}

/// Names the contract in the lock, with its texts where it is the service's own.
pub(crate) fn record_contract(lock: &mut Lock, contract: &Contract) {
    lock.contract.clone_from(&contract.id);
    let texts = contract.texts().into_iter();
    lock.contract_files = texts
        .filter(|_| contract.folder.is_some())
        .map(|(name, text)| (RelPath::root().join(name), lock::Text(text.to_owned())))
        .collect();
}
