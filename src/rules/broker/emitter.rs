//! The emitter's URL: it reads `BROKER_URL`, whatever the worker's setting is called.

use super::BROKER_URL;
use crate::celery::{Dialect, Setting};
use crate::draft::{Anchor, Draft, Rank};
use crate::facts::settings::{Home, Site};
use crate::facts::text::contains;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind};
use crate::rules::names::Scope;
use crate::rules::{Context, quoted, unread};

/// What such a line is called.
const ALIAS: &str = "broker URL for the emitter";

/// The emitter reads `settings.BROKER_URL`; under another name for the worker's, the two must agree.
pub(super) fn emitter_url(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    if !context.facts.django() {
        return Ok(());
    }
    let emitter = context.settings.named(&[BROKER_URL.to_owned()])?;
    let worker = context.settings.find(Setting::BrokerUrl)?;
    if emitter.is_empty() && worker.is_empty() && is_named_elsewhere(context)? {
        return Ok(());
    }
    if context.settings.dialect == Dialect::Old
        && matches!(context.settings.home, Home::Names(_) | Home::Class(..))
    {
        if emitter.is_empty() {
            draft.findings.push(no_url(context));
        }
        return Ok(());
    }
    if !context.facts.written_to_django(&context.settings.home) && emitter.is_empty() {
        let only = worker.iter().find(|site| !reads_emitters(site));
        draft.findings.extend(only.map(worker_only));
        draft.findings.extend(name_elsewhere(context));
        return Ok(());
    }
    if let Home::Class(..) = context.settings.home
        && emitter.is_empty()
    {
        return alias_in_classes(context, draft, &worker);
    }
    match (emitter.first(), worker.first()) {
        (None, None) => draft.findings.push(no_url(context)),
        (None, Some(_)) => alias(context, draft)?,
        (Some(emitter), Some(worker)) => draft
            .findings
            .extend(disagreement(context, emitter, worker)),
        (Some(emitter), None) => {
            let name = context.settings.dialect.spell(Setting::BrokerUrl);
            draft.findings.push(
                Finding::warning(
                    "broker-not-for-worker",
                    format!("only the emitter reads `{BROKER_URL}` here: Celery reads `{name}`"),
                )
                .at(&emitter.file, emitter.stmt)
                .help(format!(
                    "add `{name} = {BROKER_URL}`, unless the environment sets it"
                )),
            );
        }
    }
    Ok(())
}

/// `BROKER_URL = CELERY_BROKER_URL`, in every class that binds the worker's and not the emitter's.
fn alias_in_classes(
    context: &Context<'_>,
    draft: &mut Draft,
    worker: &[Site],
) -> Result<(), Finding> {
    let name = context.settings.dialect.spell(Setting::BrokerUrl);
    let text = format!("{BROKER_URL} = {name}");
    let has = context.overrides_by_class(&[BROKER_URL.to_owned()]);
    let overrides = context.overrides_by_class(std::slice::from_ref(&name));
    if worker.is_empty() && overrides.is_empty() && has.is_empty() {
        draft.findings.push(no_url(context));
    }
    if let Some(site) = worker.iter().find(|site| is_named_by_attribute(site)) {
        draft.findings.push(late_value(site, &name));
    } else if !worker.is_empty() {
        let scope = Scope::end(context)?;
        let (file, module) = (&scope.file, &scope.module);
        draft.define(
            file,
            module,
            scope.anchor,
            Rank::Broker,
            text.clone(),
            ALIAS,
        );
    }
    for (class, site) in overrides {
        if has.iter().any(|(other, _)| *other == class) {
            continue;
        }
        if is_named_by_attribute(&site) {
            draft.findings.push(late_value(&site, &name));
            continue;
        }
        let behind = Anchor::Behind(site.top.end, site.top.start);
        let (file, module) = (&site.file, &site.module);
        draft.define(file, module, behind, Rank::Broker, text.clone(), ALIAS);
    }
    Ok(())
}

/// `BROKER_URL = CELERY_BROKER_URL`, in every file that binds the worker's.
fn alias(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let name = context.settings.dialect.spell(Setting::BrokerUrl);
    if let Home::Keys(file, dict) = &context.settings.home {
        return alias_key(context, draft, file, dict, &name);
    }
    let text = format!("{BROKER_URL} = {name}");
    let scope = Scope::end(context)?;
    let mut rebinding = rebinding_files(context, &name);
    if !rebinding.contains(&scope.file) && scope.sees(context, &name) {
        rebinding.push(scope.file.clone());
    }
    for file in rebinding {
        let module = context.settings.module(&file)?;
        draft.define(
            &file,
            &module,
            Anchor::End,
            Rank::Broker,
            text.clone(),
            ALIAS,
        );
    }
    Ok(())
}

/// `BROKER_URL = CELERY["broker_url"]`, in every file that the settings come from and that sets keys.
fn alias_key(
    context: &Context<'_>,
    draft: &mut Draft,
    home: &RelPath,
    dict: &String,
    key: &str,
) -> Result<(), Finding> {
    let mut files = context.settings.chain();
    files.retain(|file| {
        let sites = context.settings.in_file(file, std::slice::from_ref(dict));
        file == home || sites.is_ok_and(|sites| !sites.is_empty())
    });
    for file in files {
        let module = context.settings.module(&file)?;
        let key = quoted(&module, module.text.len(), key);
        let text = format!("{BROKER_URL} = {dict}[{key}]");
        draft.define(&file, &module, Anchor::End, Rank::Broker, text, ALIAS);
    }
    Ok(())
}

fn disagreement(context: &Context<'_>, emitter: &Site, worker: &Site) -> Option<Finding> {
    let constant = |name: &str| context.settings.constant(name);
    let text = |site: &Site| {
        site.value
            .as_ref()
            .and_then(|value| crate::python::constant::text(value, &constant))
    };
    let (ours, theirs) = (text(emitter)?, text(worker)?);
    let same = crate::url::normal(&ours) == crate::url::normal(&theirs);
    (!same && emitter.stmt != worker.stmt).then(|| {
        Finding::error(
            "broker-urls-differ",
            "the worker and the emitter connect to different brokers",
        )
        .at(&emitter.file, emitter.stmt)
        .at(&worker.file, worker.stmt)
        .label(format!("the emitter reads `{BROKER_URL}`"))
        .help(format!(
            "bind one to the other: `{BROKER_URL} = {}`",
            context.settings.dialect.spell(Setting::BrokerUrl)
        ))
    })
}

/// `X = values.Value('…')`: which variable it reads depends on the attribute's name.
fn is_named_by_attribute(site: &Site) -> bool {
    let Some(ExprKind::Call {
        function, keywords, ..
    }) = site.value.as_ref().map(|value| &value.kind)
    else {
        return false;
    };
    function
        .dotted()
        .is_some_and(|name| name.ends_with("Value"))
        && keywords
            .iter()
            .all(|keyword| keyword.name.as_deref() != Some("environ_name"))
}

fn late_value(site: &Site, name: &str) -> Finding {
    let message = format!(
        "`{BROKER_URL} = {name}` would read another environment variable than `{name}` does"
    );
    Finding::error("broker-not-for-emitter", message)
        .at(&site.file, site.stmt)
        .label("this value takes its variable's name from the attribute")
        .help(format!("add `environ_name='{name}'` to it, then run again"))
}

/// The emitter reads the service's name in Django's settings too.
fn name_elsewhere(context: &Context<'_>) -> Option<Finding> {
    let name = crate::rules::names::SERVICE_NAME;
    let home = context.settings.home.file();
    let python = context.tree.walk().into_iter();
    let mut others = python.filter(|path| path.has_extension("py") && path != home);
    let wanted = [name.to_owned()];
    let binds = |path: RelPath| {
        let text = context.tree.bytes(&path).unwrap_or_default();
        if !contains(&text, name) {
            return false;
        }
        let sites = context.settings.in_file(&path, &wanted);
        sites.is_ok_and(|sites| !sites.is_empty())
    };
    (!others.any(binds)).then(|| {
        Finding::note(
            "service-name-for-emitter",
            format!("the emitter reads `{name}` in Django's settings, and this is not one of them"),
        )
        .in_file(home)
        .help(format!(
            "add `{name} = '{}'` to Django's settings before emitting events",
            context.name
        ))
    })
}

/// `broker_url=settings.BROKER_URL`: the worker takes it from where the emitter does.
fn reads_emitters(site: &Site) -> bool {
    let value = site.value.as_ref().and_then(Expr::dotted);
    value.is_some_and(|value| value == format!("settings.{BROKER_URL}"))
}

fn worker_only(site: &Site) -> Finding {
    Finding::warning(
        "broker-not-for-emitter",
        format!("the emitter reads `{BROKER_URL}` in Django's settings, and not this"),
    )
    .at(&site.file, site.stmt)
    .label("only the worker reads this")
    .help(format!(
        "bind `{BROKER_URL}` in the Django settings to the same URL before emitting events"
    ))
}

/// A broker in parts, or under a name that is not read, has a finding of its own.
fn is_named_elsewhere(context: &Context<'_>) -> Result<bool, Finding> {
    let parts = context.settings.named(&["BROKER_HOST".to_owned()])?;
    Ok(!parts.is_empty() || unread::broker(context)?.is_some())
}

fn no_url(context: &Context<'_>) -> Finding {
    Finding::warning(
        "broker-url-absent",
        format!("no `{BROKER_URL}` in the settings: the emitter cannot connect"),
    )
    .in_file(context.settings.home.file())
    .help(format!(
        "add `{BROKER_URL} = os.environ['{BROKER_URL}']`, or the URL itself, before emitting events"
    ))
}

/// Every settings file that binds a name itself: the home's chain and the other environments.
fn rebinding_files(context: &Context<'_>, name: &str) -> Vec<RelPath> {
    let mut files = context.settings.chain();
    files.extend(context.settings.environments());
    files.retain(|file| rebinds(context, file, name) && !context.tree.is_ignored(file));
    files
}

fn rebinds(context: &Context<'_>, file: &RelPath, name: &str) -> bool {
    let found = context.settings.in_file(file, &[name.to_owned()]);
    found.is_ok_and(|sites| sites.iter().any(|site| site.value.is_some()))
}
