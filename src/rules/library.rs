//! What the contract's library reads in the settings: written where the service lacks it.
//!
//! Asked before the rules that read the exchange's name, so that it is bound above every one of them.

use std::collections::BTreeMap;

use super::names::Scope;
use super::{Context, quoted, recognise::Match, routes};
use crate::celery::{Dialect, Setting};
use crate::contract::{Import, LibrarySetting};
use crate::draft::{Draft, Rank};
use crate::edit::Span;
use crate::facts::pins::Version;
use crate::facts::settings::{Home, Site, find_class};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::imports::{Grouping, import_module, import_names};
use crate::python::style::indent_unit;
use crate::python::syntax::{Stmt, StmtKind, walk};

/// Ensures the exchange's name above what reads it, and every other setting at the end.
pub fn ensure(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let contract = context.contract;
    if let Some(setting) = &contract.exchange_setting {
        for scope in readers(context)?.values() {
            if !scope.sees(context, setting) {
                provide(context, draft, scope, setting)?;
            }
        }
    }
    if !context.facts.django() {
        draft.findings.extend(unreadable(context));
    }
    let readable = match context.settings.home {
        Home::Names(_) => true,
        Home::Class(..) => context.facts.django(),
        Home::Keys(..) | Home::Members { .. } => false,
    };
    if !readable {
        return Ok(());
    }
    let scope = Scope::end(context)?;
    for setting in applicable(context) {
        let name = &setting.name;
        let there = draft.defines(&scope.file, name) || is_bound(context, name)?;
        if !there && is_needed(context, setting) {
            let reader = first_readers(context, name)?.pop();
            provide(context, draft, reader.as_ref().unwrap_or(&scope), name)?;
        }
    }
    Ok(())
}

/// The text that stands for the exchange's name: a setting's name, or a literal in the quotes at `at`.
pub fn exchange_name(context: &Context<'_>, scope: &Scope, at: usize) -> String {
    let contract = context.contract;
    match &contract.exchange_setting {
        Some(setting) => setting.clone(),
        None => quoted(&scope.module, at, &contract.exchange),
    }
}

/// In each file, the first place that a text of ours will read the exchange's name.
fn readers(context: &Context<'_>) -> Result<BTreeMap<RelPath, Scope>, Finding> {
    let reader = context.reader();
    let queues = context.settings.find(Setting::TaskQueues)?;
    let is_there = |site: &Site| {
        super::element::held(site)
            .iter()
            .any(|element| reader.queue(site, element) == Match::Right)
    };
    let mut scopes: Vec<Scope> = Vec::new();
    if let Some(setting) = &context.contract.exchange_setting {
        scopes.extend(first_readers(context, setting)?);
    }
    let mut asked = vec![(
        queues.is_empty(),
        queues
            .iter()
            .filter(|site| !is_there(site))
            .collect::<Vec<_>>(),
    )];
    let routes = context.settings.find(Setting::TaskRoutes)?;
    if !context.routed_by_router() {
        let unrouted = routes
            .iter()
            .filter(|site| routes::found(context, site).is_none());
        asked.push((routes.is_empty(), unrouted.collect()));
    }
    for (absent, sites) in asked {
        if absent {
            scopes.push(Scope::end(context)?);
        }
        // A value that says nothing is followed by one of ours at the end.
        scopes.extend(sites.into_iter().map(|site| Scope::above(context, site)));
    }
    let mut first: BTreeMap<RelPath, Scope> = BTreeMap::new();
    for scope in scopes {
        match first.get(&scope.file) {
            Some(have) if have.before <= scope.before => {}
            _ => {
                first.insert(scope.file.clone(), scope);
            }
        }
    }
    Ok(first)
}

/// In each file of the settings, the first statement that reads a name when it is loaded; nothing where the
/// user binds it, above or not.
fn first_readers(context: &Context<'_>, name: &str) -> Result<Vec<Scope>, Finding> {
    let mut scopes = Vec::new();
    if is_bound(context, name)? {
        return Ok(scopes);
    }
    for file in context.settings.chain() {
        let module = context.settings.module(&file)?;
        let class = match &context.settings.home {
            Home::Class(home, class) if *home == file => find_class(&module.body, class),
            _ => None,
        };
        let inner = class.into_iter().flat_map(|(body, _)| body);
        let mut all = module.body.iter().chain(inner);
        if let Some(stmt) = all.find(|stmt| reads(stmt, name)) {
            scopes.push(Scope::in_front(context, &file, &module, stmt.span));
        }
    }
    Ok(scopes)
}

fn reads(stmt: &Stmt, name: &str) -> bool {
    if let StmtKind::Function { .. } | StmtKind::Class { .. } = stmt.kind {
        return false;
    }
    let targets: Vec<Span> = match &stmt.kind {
        StmtKind::Assign { targets, .. } => targets.iter().map(|target| target.span).collect(),
        _ => Vec::new(),
    };
    let mut found = false;
    walk(std::slice::from_ref(stmt), &mut |inner| {
        for expr in inner.expressions() {
            expr.walk(&mut |part| {
                found |= part.name() == Some(name) && !targets.contains(&part.span);
            });
        }
    });
    found
}

fn is_bound(context: &Context<'_>, name: &str) -> Result<bool, Finding> {
    Ok(!context.settings.named(&[name.to_owned()])?.is_empty())
}

/// Writes a setting that the service lacks, and the settings that its value reads before it.
fn provide(
    context: &Context<'_>,
    draft: &mut Draft,
    scope: &Scope,
    name: &str,
) -> Result<(), Finding> {
    if let Some(site) = context.settings.named(&[name.to_owned()])?.first()
        && context.settings.chain().contains(&scope.file)
    {
        return Err(not_visible(site, name));
    }
    let way = ways(context, name).find(|way| {
        way.reads()
            .iter()
            .all(|read| can_be_read(context, scope, read, name))
    });
    let Some(way) = way else {
        return Err(no_way(context, scope, name));
    };
    for read in way.reads() {
        if !scope.sees(context, &read) && !draft.defines(&scope.file, &read) {
            provide(context, draft, scope, &read)?;
        }
    }
    write(draft, scope, way)
}

/// Whether a name is bound at a place, or would be by a setting that the service lacks.
fn can_be_read(context: &Context<'_>, scope: &Scope, read: &str, reader: &str) -> bool {
    let absent = || is_bound(context, read).is_ok_and(|bound| !bound);
    let loaded = context.settings.chain().contains(&scope.file);
    scope.sees(context, read)
        || read != reader && (absent() || !loaded) && ways(context, read).next().is_some()
}

fn write(draft: &mut Draft, scope: &Scope, way: &LibrarySetting) -> Result<(), Finding> {
    let mut renamed = Vec::new();
    for import in &way.imports {
        renamed.push((import.bound().to_owned(), imported(draft, scope, import)?));
    }
    let quote = |text: &str| quoted(&scope.module, scope.before, text);
    let value = way.value.written(&renamed, &quote);
    let value = value.replace("\n    ", &format!("\n{}", indent_unit(&scope.module)));
    draft.define(
        &scope.file,
        &scope.module,
        scope.anchor,
        Rank::LibrarySetting,
        format!("{} = {value}", way.name),
        "library settings",
    );
    Ok(())
}

/// What an import is called at a place, once it is there.
fn imported(draft: &mut Draft, scope: &Scope, import: &Import) -> Result<String, Finding> {
    let Import { module, name } = import;
    let (edits, local) = if let Some(name) = name {
        let grouping = Grouping::Sectioned;
        let found = import_names(&scope.module, module, &[name], scope.before, grouping);
        (found.edits, found.names.concat())
    } else {
        let edits = import_module(&scope.module, module, scope.before, Grouping::Sectioned);
        (edits.ok_or_else(|| taken(scope, module))?, module.clone())
    };
    draft.edit(&scope.file, &scope.module, edits, "imports");
    Ok(local)
}

/// Whether this service and its release of the library need a setting.
fn is_needed(context: &Context<'_>, setting: &LibrarySetting) -> bool {
    let is_part = applicable(context)
        .any(|other| other.name != setting.name && other.reads().contains(&setting.name));
    let words = &setting.when_mentioned;
    !is_part && (words.is_empty() || mentions(context, words))
}

/// The ways to write a setting that this service's release of the library reads.
fn ways<'c>(context: &'c Context<'_>, name: &'c str) -> impl Iterator<Item = &'c LibrarySetting> {
    applicable(context).filter(move |setting| setting.name == name)
}

/// The settings that this service's release of the library reads.
fn applicable<'c>(context: &'c Context<'_>) -> impl Iterator<Item = &'c LibrarySetting> {
    let contract = context.contract;
    let pinned = context.facts.pins.version(&contract.library);
    let release = pinned.or_else(|| Version::parse(&contract.library_version));
    let bound = |text: &Option<String>| text.as_deref().and_then(Version::parse);
    contract.settings.iter().filter(move |setting| {
        release.as_ref().is_none_or(|release| {
            bound(&setting.since).is_none_or(|since| *release >= since)
                && bound(&setting.until).is_none_or(|until| *release <= until)
        })
    })
}

fn mentions(context: &Context<'_>, words: &[String]) -> bool {
    let python = context.tree.walk().into_iter();
    python
        .filter(|path| path.has_extension("py"))
        .filter_map(|path| context.tree.bytes(&path))
        .any(|bytes| {
            words
                .iter()
                .any(|word| crate::facts::text::contains(&bytes, word))
        })
}

/// Settings that the library cannot read where they are: it looks in Django's.
fn unreadable(context: &Context<'_>) -> Option<Finding> {
    let contract = context.contract;
    let mut needed: Vec<&str> = Vec::new();
    for setting in applicable(context) {
        if is_needed(context, setting) && !needed.contains(&setting.name.as_str()) {
            needed.push(&setting.name);
        }
    }
    if needed.is_empty() {
        return None;
    }
    let message = format!(
        "{} reads {} in Django's settings, which this service has none of",
        contract.library,
        needed.join(", ")
    );
    let finding = if contract.listener_needs_library {
        Finding::warning("library-settings-elsewhere", message)
            .label("every event is lost until the library finds them")
    } else {
        Finding::note("library-settings-elsewhere", message)
    };
    let module = context.facts.roots.dotted(context.settings.home.file());
    Some(finding.in_file(context.settings.home.file()).help(match (&contract.settings_variable, module) {
        (Some(variable), Some(module)) if matches!(context.settings.home, Home::Names(_)) => {
            let receive = format!("give workers this environment: {variable}={module}");
            match context.settings.dialect {
                Dialect::Lower => format!(
                    "{receive}; to emit, name a module that imports all of it and binds BROKER_URL"
                ),
                Dialect::Old | Dialect::Namespaced(_) => receive,
            }
        }
        (Some(variable), _) => format!(
            "write them, with BROKER_URL and SERVICE_NAME, into a module, and give workers and emitters its name: {variable}=MODULE"
        ),
        (None, _) => "receiving works; to emit, bind them in Django settings".to_owned(),
    }))
}

fn not_visible(site: &Site, name: &str) -> Finding {
    Finding::refusal(
        "name-bound-too-late",
        format!("`{name}` is not bound where the queues and routes need it"),
    )
    .at(&site.file, site.stmt)
    .label("bound here")
    .help(format!(
        "bind `{name}` above the queues and routes, unconditionally, then run again"
    ))
}

fn no_way(context: &Context<'_>, scope: &Scope, name: &str) -> Finding {
    let missing: Vec<String> = ways(context, name)
        .flat_map(LibrarySetting::reads)
        .filter(|read| !can_be_read(context, scope, read, name))
        .collect();
    let bound: Vec<Site> = missing
        .iter()
        .flat_map(|read| {
            let sites = context.settings.named(std::slice::from_ref(read));
            sites.unwrap_or_default()
        })
        .collect();
    let finding = Finding::refusal(
        "name-bound-too-late",
        format!(
            "`{name}` is made from `{}`, which is not bound where it is needed",
            missing.join("`, `")
        ),
    )
    .help(format!(
        "bind `{name}` above the queues and routes yourself, then run again"
    ));
    if bound.is_empty() {
        return finding.in_file(&scope.file);
    }
    let at = |finding: Finding, site: &Site| finding.at(&site.file, site.stmt);
    bound.iter().fold(finding, at).label("bound here")
}

fn taken(scope: &Scope, module: &str) -> Finding {
    Finding::refusal(
        "name-taken",
        format!("`{module}` is bound to something else in this file"),
    )
    .in_file(&scope.file)
    .help(format!(
        "free the name `{module}` for `import {module}`, then run again"
    ))
}
