//! The broker's URL: one vhost for kombu and pika, one URL for worker and emitter, and AMQP at all.

use std::sync::Arc;

use super::element::outside_errors;
use super::names::Scope;
use super::url_literal::{self, Urls};
use super::{Context, quoted};
use crate::celery::{Dialect, Setting};
use crate::draft::{Anchor, Draft, Rank};
use crate::edit::{Edit, Span};
use crate::facts::settings::{Home, Site};
use crate::finding::{Finding, Level};
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Module, StmtKind, walk};
use crate::url::{Vhost, is_amqp, scheme, split, vhost};

const WHAT: &str = "broker URL";
/// What the emitter reads, whatever the worker's settings are called.
const BROKER_URL: &str = "BROKER_URL";

/// Ensures the form of every broker URL in settings and env samples, and the emitter's name for it.
pub fn ensure(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    let mut all = Urls::default();
    for site in sites(context)? {
        outside_errors(&site, site.stmt)?;
        let values = site
            .value
            .iter()
            .chain(site.additions.iter().map(|added| &added.value));
        for value in values {
            let urls = url_literal::read(&context.settings, &site, value)?;
            rewrite(draft, &site, &urls);
            all.schemes.extend(urls.schemes);
            for warning in urls.warnings {
                if !all.warnings.contains(&warning) {
                    all.warnings.push(warning);
                }
            }
            all.several = all.several.or(urls.several);
        }
    }
    draft.findings.append(&mut all.warnings);
    local_urls(context, draft);
    if let Some((file, span)) = &all.several {
        draft.findings.push(
            Finding::warning(
                "broker-several-urls",
                "several broker URLs: the emitter reads only one, and not well",
            )
            .at(file, *span)
            .label("kombu takes these in turn, pika does not")
            .help(one_url(context)),
        );
    }
    schemes(context, draft, &all)?;
    env_samples(context, draft);
    emitter_url(context, draft)
}

/// Every live binding of the worker's and the emitter's URL, in every environment's file.
fn sites(context: &Context<'_>) -> Result<Vec<Site>, Finding> {
    let mut sites = context.settings.find(Setting::BrokerUrl)?;
    let emitter = [BROKER_URL.to_owned()];
    sites.extend(context.settings.named(&emitter)?);
    let mut names = context.settings.spellings(Setting::BrokerUrl);
    names.push(BROKER_URL.to_owned());
    let mut files = context.settings.chain();
    files.extend(context.settings.environments());
    for file in files {
        for name in &names {
            sites.extend(
                context
                    .settings
                    .in_file(&file, std::slice::from_ref(name))
                    .unwrap_or_default(),
            );
        }
    }
    sites.extend(context.class_overrides(&names));
    sites.extend(context.constructor_argument("broker"));
    sites.extend(given_in_maker(context));
    let read: Vec<Site> = sites
        .iter()
        .filter_map(|site| Some((&site.file, site.value.as_ref()?)))
        .flat_map(|(file, value)| context.settings.read_by(file, value))
        .collect();
    sites.extend(read);
    let mut unique: Vec<Site> = Vec::new();
    for site in sites {
        let span = |site: &Site| {
            (
                site.file.clone(),
                site.stmt,
                site.value.as_ref().map(|value| value.span),
            )
        };
        if unique.iter().all(|have| span(have) != span(&site)) {
            unique.push(site);
        }
    }
    Ok(unique)
}

/// `Celery(…, broker=URL)` in the service's own function that makes the app.
fn given_in_maker(context: &Context<'_>) -> Vec<Site> {
    let Some(maker) = &context.facts.app.maker else {
        return Vec::new();
    };
    let Ok(module) = context.tree.python(&maker.file) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    walk(&module.body, &mut |stmt| {
        let StmtKind::Function { name, body, .. } = &stmt.kind else {
            return;
        };
        if name.text != maker.name {
            return;
        }
        walk(body, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    found.extend(keyword(part, "broker").map(|value| (stmt.span, value.clone())));
                });
            }
        });
    });
    let site = |(stmt, value)| argument(&maker.file, &module, stmt, value);
    found.into_iter().map(site).collect()
}

/// How the emitter gets one URL, and the worker keeps its failover.
fn one_url(context: &Context<'_>) -> String {
    let worker = context.settings.dialect.spell(Setting::BrokerUrl);
    if worker == BROKER_URL {
        format!(
            "bind `{BROKER_URL}` to one of them: without more, the worker loses its failover; to keep it, \
             give workers the whole list in the environment: CELERY_BROKER_URL='URL;URL'"
        )
    } else {
        format!("bind `{BROKER_URL}` to one of them; `{worker}` keeps the worker's failover")
    }
}

fn rewrite(draft: &mut Draft, site: &Site, urls: &Urls) {
    for (file, edit) in &urls.edits {
        debug_assert_eq!(*file, site.file, "names are followed in one file");
        draft.edit(file, &site.module, vec![edit.clone()], WHAT);
    }
}

/// URLs of the old form in settings that git ignores: this machine's own, only named.
fn local_urls(context: &Context<'_>, draft: &mut Draft) {
    let mut names = context.settings.spellings(Setting::BrokerUrl);
    names.push(BROKER_URL.to_owned());
    for file in context.settings.ignored_imports() {
        for site in context.settings.in_file(&file, &names).unwrap_or_default() {
            let urls = site
                .value
                .as_ref()
                .and_then(|value| url_literal::read(&context.settings, &site, value).ok());
            let Some(urls) = urls else {
                continue;
            };
            for (file, edit) in &urls.edits {
                let whole = urls.schemes.iter().map(|(_, _, span)| *span);
                let mut whole = whole.filter(|span| span.contains(edit.span()));
                draft.findings.push(
                    Finding::warning(
                        "url-old-vhost",
                        "a broker URL that ends in `//`, in a file that git ignores",
                    )
                    .at(file, whole.next_back().unwrap_or(site.stmt))
                    .help("end it in `/%2F`: with `//` every emit fails on this machine"),
                );
            }
        }
    }
}

/// This bus runs on AMQP alone.
fn schemes(context: &Context<'_>, draft: &mut Draft, all: &Urls) -> Result<(), Finding> {
    let foreign = |scheme: &str| !is_amqp(scheme) && !matches!(scheme, "pyamqp" | "librabbitmq");
    let amqp = all.schemes.iter().any(|(scheme, ..)| !foreign(scheme));
    for (scheme, file, span) in &all.schemes {
        if foreign(scheme) {
            let level = if amqp || context.config.allow_non_amqp {
                Level::Warning
            } else {
                Level::Refusal
            };
            let finding = Finding::new(
                "broker-not-amqp",
                level,
                format!("a `{scheme}://` broker cannot carry this bus"),
            )
            .at(file, *span)
            .label("events are broadcast through an AMQP fanout exchange")
            .help(match level {
                Level::Refusal => {
                    "point the broker at RabbitMQ, or wire it all the same with `--allow-non-amqp`"
                }
                Level::Error | Level::Warning | Level::Note => {
                    "point the broker at RabbitMQ wherever events are to be sent or received"
                }
            });
            if level == Level::Refusal {
                return Err(finding);
            }
            draft.findings.push(finding);
        } else if !is_amqp(scheme) {
            draft.findings.push(
                Finding::warning(
                    "broker-scheme",
                    format!(
                        "pika refuses `{scheme}://`: the worker connects, the emitter does not"
                    ),
                )
                .at(file, *span)
                .help("write `amqp://` instead, which both read"),
            );
        }
    }
    Ok(())
}

/// `NAME=amqp://…//` in env files that others copy.
fn env_samples(context: &Context<'_>, draft: &mut Draft) {
    for file in &context.facts.deployment.env_samples {
        let Some(text) = context.tree.bytes(file) else {
            continue;
        };
        let edits = env_edits(&text);
        if !edits.is_empty() && !context.tree.is_ignored(file) {
            draft.edit_text(file, &text, edits, WHAT);
        }
    }
}

/// The rewrites of an env file's assignments; comments stay.
pub fn env_edits(text: &[u8]) -> Vec<Edit> {
    let mut edits = Vec::new();
    for line in crate::facts::text::lines(text) {
        let bytes = line.of(text);
        let Some(equals) = bytes.iter().position(|&byte| byte == b'=') else {
            continue;
        };
        if bytes.trim_ascii_start().starts_with(b"#") {
            continue;
        }
        let masked = crate::facts::text::masked(&bytes[equals + 1..]);
        let quotes = masked.len() - masked.trim_start_matches([' ', '\t', '"', '\'']).len();
        let value = &masked[quotes..];
        let end = value.find([' ', '\t', '"', '\'']).unwrap_or(value.len());
        for url in split(&value[..end]) {
            let url_text = url.of(value);
            if let (Some(true), Vhost::Slash(at)) = (scheme(url_text).map(is_amqp), vhost(url_text))
            {
                let at = line.start + equals + 1 + quotes + url.start + at;
                edits.push(Edit::replace(Span::new(at, at + 1), "%2F"));
            }
        }
    }
    edits
}

/// The emitter reads `settings.BROKER_URL`; under another name for the worker's, the two must agree.
fn emitter_url(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
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
    match (emitter.first(), worker.first()) {
        (None, None) => draft.findings.push(no_url(context)),
        (None, Some(_)) => alias(context, draft, &worker)?,
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

/// `BROKER_URL = CELERY_BROKER_URL`, in every file (or class) that binds the worker's.
fn alias(context: &Context<'_>, draft: &mut Draft, worker: &[Site]) -> Result<(), Finding> {
    let name = context.settings.dialect.spell(Setting::BrokerUrl);
    let what = "broker URL for the emitter";
    if let Home::Keys(file, dict) = &context.settings.home {
        return alias_key(context, draft, file, dict, &name);
    }
    let text = format!("{BROKER_URL} = {name}");
    let scope = Scope::end(context)?;
    let mut rebinding = context.rebinding_files(&name);
    if !rebinding.contains(&scope.file) && scope.sees(context, &name) {
        rebinding.push(scope.file.clone());
    }
    if let Home::Class(..) = context.settings.home {
        if let Some(site) = worker.iter().find(|site| is_named_by_attribute(site)) {
            draft.findings.push(late_value(site, &name));
            return Ok(());
        }
        draft.define(
            &scope.file,
            &scope.module,
            scope.anchor,
            Rank::Broker,
            text.clone(),
            what,
        );
        for site in context.class_overrides(&[name]) {
            draft.define(
                &site.file,
                &site.module,
                Anchor::Behind(site.top.end, site.top.start),
                Rank::Broker,
                text.clone(),
                what,
            );
        }
        return Ok(());
    }
    if let Home::Members { .. } = context.settings.home {
        draft.findings.extend(worker.first().map(worker_only));
        return Ok(());
    }
    for file in rebinding {
        let module = context.settings.module(&file)?;
        draft.define(
            &file,
            &module,
            Anchor::End,
            Rank::Broker,
            text.clone(),
            what,
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
        let what = "broker URL for the emitter";
        draft.define(&file, &module, Anchor::End, Rank::Broker, text, what);
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

fn worker_only(site: &Site) -> Finding {
    Finding::warning(
        "broker-not-for-emitter",
        format!("the emitter reads `{BROKER_URL}` in Django's settings, which have none"),
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
    Ok(!parts.is_empty() || super::unread::broker(context)?.is_some())
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

/// The files whose settings the same name is bound in anew.
fn rebinds(context: &Context<'_>, file: &RelPath, name: &str) -> bool {
    let found = context.settings.in_file(file, &[name.to_owned()]);
    found.is_ok_and(|sites| sites.iter().any(|site| site.value.is_some()))
}

impl Context<'_> {
    /// Every settings file that binds a name itself: the home's chain and the other environments.
    pub fn rebinding_files(&self, name: &str) -> Vec<RelPath> {
        let mut files = self.settings.chain();
        files.extend(self.settings.environments());
        files.retain(|file| rebinds(self, file, name) && !self.tree.is_ignored(file));
        files
    }

    /// An argument of the call that makes the app, as a binding.
    pub fn constructor_argument(&self, name: &str) -> Option<Site> {
        let (module, stmt, call) = self.constructor()?;
        let value = keyword(&call, name)?.clone();
        Some(argument(&self.facts.app.file, &module, stmt, value))
    }

    /// The call that makes the app, and its statement.
    pub fn constructor(&self) -> Option<(Arc<Module>, Span, Expr)> {
        let app = &self.facts.app;
        let module = self.tree.python(&app.file).ok()?;
        let mut found = None;
        walk(&module.body, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if part.span == app.call {
                        found = Some((stmt.span, part.clone()));
                    }
                });
            }
        });
        let (stmt, call) = found?;
        Some((module, stmt, call))
    }
}

/// An argument, as a binding.
fn argument(file: &RelPath, module: &Arc<Module>, stmt: Span, value: Expr) -> Site {
    Site {
        file: file.clone(),
        module: Arc::clone(module),
        stmt,
        top: stmt,
        value: Some(value),
        additions: Vec::new(),
        only: true,
        varies: false,
    }
}

fn keyword<'e>(call: &'e Expr, name: &str) -> Option<&'e Expr> {
    match &call.kind {
        ExprKind::Call { keywords, .. } => keywords
            .iter()
            .find(|keyword| keyword.name.as_deref() == Some(name))
            .map(|keyword| &keyword.value),
        _ => None,
    }
}
