//! A new service: the skeleton from its templates, wired by the same plan as any other. Pure.

use anyhow::{Result, anyhow};

use crate::config::Config;
use crate::contract::{Contracts, DEFAULT};
use crate::facts::name;
use crate::finding::Finding;
use crate::lock::{self, LOCK, Lock};
use crate::path::RelPath;
use crate::plan::{FileChange, Kind, Plan, our_bug, plan};
use crate::render;
use crate::tree::{Entry, Tree};

/// Whether a service can be created here: nothing stands there, or only what a fresh repository has.
pub fn is_vacant(tree: &Tree) -> bool {
    let root = RelPath::root();
    match tree.entry(&root) {
        Entry::Missing => true,
        Entry::Directory => tree
            .list(&root)
            .iter()
            .all(|(name, _)| comes_with_a_repository(name)),
        _ => false,
    }
}

/// The whole new service, wired.
pub fn create(tree: &Tree, flags: &Config, contracts: &Contracts) -> Result<Plan> {
    let decided = names(tree, flags).and_then(|(name, package)| {
        let contract = contract_of_skeleton(tree, flags, contracts)?;
        Ok((name, package, contract))
    });
    let (name, package, contract) = match decided {
        Ok(decided) => decided,
        Err(finding) => {
            return Ok(Plan {
                findings: vec![finding],
                ..Plan::default()
            });
        }
    };
    let skeleton: Vec<(RelPath, Vec<u8>)> = render::service(&name, &package)
        .into_iter()
        .filter(|(path, _)| tree.entry(path) == Entry::Missing)
        .collect();
    let unwired = tree.overlay(
        skeleton
            .iter()
            .map(|(path, text)| (path.clone(), Some(text.clone()))),
    );
    let wired = plan(
        &unwired,
        &Config {
            name: Some(name),
            contract: Some(contract),
            ..flags.clone()
        },
        contracts,
    )?;
    if wired.is_refused() {
        return Ok(wired);
    }
    let created = all_new(wired, skeleton)?;
    let again = tree.overlay(
        created
            .changes
            .iter()
            .map(|change| (change.path.clone(), change.after.clone())),
    );
    if let Some(change) = plan(&again, &Config::default(), contracts)?.changes.first() {
        let path = &change.path;
        return Err(our_bug(anyhow!(
            "the new service would change again: {path}"
        )));
    }
    Ok(created)
}

/// The plan as it looks from the empty directory: every file is new, and the skeleton is theirs from now on.
fn all_new(mut plan: Plan, skeleton: Vec<(RelPath, Vec<u8>)>) -> Result<Plan> {
    let lock_at = plan
        .changes
        .iter()
        .position(|change| change.path.as_str() == LOCK);
    let Some(mut record) = lock_at.map(|at| plan.changes.remove(at)) else {
        return Err(our_bug(anyhow!("the new service came out unwired")));
    };
    let mut lock = Lock::parse(record.after.as_deref().unwrap_or_default())
        .map_err(|finding| our_bug(anyhow!(finding.message)))?;
    for (path, text) in skeleton {
        let wired = plan
            .changes
            .iter()
            .position(|change| change.path == path)
            .map(|at| plan.changes.remove(at));
        let after = wired.and_then(|change| change.after).unwrap_or(text);
        lock.created.insert(
            path.clone(),
            lock::Seeded {
                written: lock::hash(&after),
            },
        );
        plan.changes.push(FileChange {
            path,
            kind: Kind::Seeded,
            before: None,
            after: Some(after),
            what: Vec::new(),
        });
    }
    plan.changes.sort_by(|a, b| a.path.cmp(&b.path));
    record.after = Some(lock.render());
    plan.changes.push(record);
    Ok(plan)
}

/// The service's name and package, from the flags or the directory's name.
fn names(tree: &Tree, flags: &Config) -> Result<(String, String), Finding> {
    let name = name::service_name(tree, flags, None)?;
    let package = flags
        .package
        .clone()
        .unwrap_or_else(|| name.replace(['-', '.'], "_"));
    if TAKEN.contains(&package.as_str()) || !crate::facts::modules::is_identifier(&package) {
        return Err(Finding::refusal(
            "package-name-taken",
            format!("a package named `{package}` cannot be imported, or hides another"),
        )
        .help("name the package: `--package NAME`"));
    }
    Ok((name, package))
}

/// The skeleton asks for one library, so it goes with that library's contracts alone.
fn contract_of_skeleton(
    tree: &Tree,
    flags: &Config,
    contracts: &Contracts,
) -> Result<String, Finding> {
    let default = contracts.find(DEFAULT)?;
    let Some(id) = &flags.contract else {
        return Ok(DEFAULT.to_owned());
    };
    let contract = contracts.named(tree, id)?;
    if contract.library == default.library {
        return Ok(id.clone());
    }
    Err(Finding::refusal(
        "contract-not-for-a-new-service",
        format!(
            "a new service asks for {}, and {} goes with {}",
            default.library, contract.id, contract.library
        ),
    )
    .help(format!(
        "leave `--contract` out; or write a Celery app and requirements with `{}`, then run again",
        contract.requirement()
    )))
}

pub(crate) fn comes_with_a_repository(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    matches!(
        name,
        ".git" | ".gitignore" | ".gitattributes" | ".github" | ".editorconfig" | "CODEOWNERS"
    ) || ["README", "LICENSE", "LICENCE"]
        .iter()
        .any(|start| upper.starts_with(start))
}

/// Packages that a service imports, and would import itself instead.
const TAKEN: [&str; 16] = [
    "amqp",
    "billiard",
    "celery",
    "django",
    "kombu",
    "logging",
    "manage",
    "os",
    "pika",
    "site",
    "sys",
    "test",
    "types",
    "ujson",
    "vine",
    "zc_common",
];
