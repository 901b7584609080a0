//! The broker's URL: one vhost for kombu and pika, one URL for worker and emitter, and AMQP at all.

mod emitter;

use super::Context;
use super::constructor::{argument, keyword};
use super::element::outside_errors;
use super::url_literal::{self, Urls};
use crate::celery::Setting;
use crate::draft::Draft;
use crate::edit::{Edit, Span};
use crate::facts::pins::Pin;
use crate::facts::settings::Site;
use crate::finding::{Finding, Level};
use crate::python::syntax::{StmtKind, walk};
use crate::url::{Vhost, is_amqp, is_kombus_amqp, scheme, split, vhost};
use emitter::emitter_url;

/// What it does to a file, in words: a URL may be new, or another than it was.
pub const WHAT: &str = "broker URL";
/// What the emitter reads, whatever the worker's settings are called.
pub const BROKER_URL: &str = "BROKER_URL";

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
    if all.schemes.is_empty() {
        draft.findings.extend(other_transport(context));
    }
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
    let amqp = (all.schemes.iter()).any(|(scheme, ..)| is_kombus_amqp(scheme));
    let elsewhere = context.settings.environments();
    for (scheme, file, span) in &all.schemes {
        if !is_kombus_amqp(scheme) {
            let level = if amqp || context.config.allow_non_amqp || elsewhere.contains(file) {
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
            if !draft.findings.contains(&finding) {
                draft.findings.push(finding);
            }
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

/// `celery[redis]`, where no URL says what the broker is.
fn other_transport(context: &Context<'_>) -> Option<Finding> {
    let transport = |pin: &Pin| {
        let text = context.tree.bytes(&pin.place.path)?;
        let span = pin.place.span?;
        let text = crate::facts::text::masked(text.get(span.start..span.end)?);
        let (_, extras) = text.split_once('[')?;
        let extras = extras.split(']').next()?.split(',').map(str::trim);
        let others = ["redis", "sqs", "mongodb", "gcpubsub", "zookeeper"];
        let mut named = extras.filter(|extra| others.contains(extra));
        named.next().map(str::to_owned)
    };
    let mut pins = context.facts.pins.of("celery");
    let (pin, transport) = pins.find_map(|pin| Some((pin, transport(pin)?)))?;
    let message = format!(
        "no broker URL is spelled out, and celery[{transport}] is asked for: this bus runs on AMQP alone"
    );
    Some(
        Finding::warning("broker-unknown", message)
            .place(&pin.place)
            .help("make sure that workers are given an `amqp://` URL"),
    )
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
