//! The same setting bound again for another environment: a later file or class that hides ours.

pub mod classes;

use super::Context;
use super::element::held;
use crate::celery::Setting;
use crate::draft::Draft;
use crate::facts::settings::{Home, Site};
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::ExprKind;

/// Reports every binding of a wired setting that some environment reads instead of the one we edit.
pub fn report(context: &Context<'_>, draft: &mut Draft) -> Result<(), Finding> {
    for setting in [Setting::TaskQueues, Setting::TaskRoutes, Setting::Imports] {
        let names = context.settings.spellings(setting);
        let mut hiding = context.class_overrides(&names);
        for file in context.settings.siblings() {
            hiding.extend(context.settings.in_file(&file, &names).unwrap_or_default());
        }
        hiding.retain(|site| {
            site.value.is_some() && !is_wired(context, setting, site) && !reads_itself(site, &names)
        });
        if hiding.is_empty() {
            if let Home::Class(file, home) = &context.settings.home {
                classes::unrelated(&*context.settings.module(file)?, file, home, &names)?;
            }
            continue;
        }
        let sites = context.settings.find(setting)?;
        let in_base = sites
            .iter()
            .any(|site| site.file == *context.settings.home.file());
        if setting == Setting::TaskQueues
            && !sites.is_empty()
            && !in_base
            && context.config.settings.is_none()
        {
            return Err(repeated(&names[0], &sites, &hiding));
        }
        let (built, apart): (Vec<Site>, Vec<Site>) = hiding
            .into_iter()
            .partition(|site| context.builds_on_home(&site.file));
        draft.findings.extend(hidden(context, setting, &built));
        draft.findings.extend(elsewhere(context, setting, &apart));
    }
    classes::not_wired(context, draft);
    without_name(context, draft);
    Ok(())
}

fn is_wired(context: &Context<'_>, setting: Setting, site: &Site) -> bool {
    let reader = context.reader();
    let listener = context
        .facts
        .layout
        .module(&context.contract.listener_module);
    match setting {
        Setting::TaskQueues => held(site)
            .iter()
            .any(|element| reader.queue(site, element) == super::recognise::Match::Right),
        Setting::TaskRoutes => super::routes::found(context, site).is_some(),
        _ => held(site)
            .iter()
            .any(|element| element.string().as_deref() == Some(&listener)),
    }
}

/// `CELERY_QUEUES = CELERY_QUEUES + (…)` keeps what the base holds.
fn reads_itself(site: &Site, names: &[String]) -> bool {
    let mut found = false;
    if let Some(value) = &site.value {
        value.walk(&mut |part| {
            let last = part
                .dotted()
                .map(|name| name.rsplit('.').next().unwrap_or_default().to_owned());
            found |= last.is_some_and(|name| names.contains(&name));
        });
    }
    found
}

/// A file or class that takes the base's settings and binds this one anew.
fn hidden(context: &Context<'_>, setting: Setting, hiding: &[Site]) -> Option<Finding> {
    let name = context.settings.dialect.spell(setting);
    let first = hiding.first()?;
    let finding = Finding::error(
        "setting-overridden",
        format!("`{name}` is bound again for another environment, without the events"),
    )
    .label(consequence(context, setting))
    .help(format!("add {} to it", missing(context, setting, first)));
    Some(
        hiding
            .iter()
            .fold(finding, |finding, site| finding.at(&site.file, site.stmt)),
    )
}

/// A settings file that stands by itself: another process may load it.
fn elsewhere(context: &Context<'_>, setting: Setting, apart: &[Site]) -> Option<Finding> {
    let name = context.settings.dialect.spell(setting);
    let first = apart.first()?;
    let home = context.settings.home.file();
    let finding = Finding::error(
        "setting-overridden",
        format!("a process that loads {} does not read {home}: it has a `{name}` of its own, without the events", first.file),
    )
    .label(consequence(context, setting))
    .help(format!(
        "if a worker is started with {}, add {} to it",
        first.file,
        missing(context, setting, first)
    ));
    Some(
        apart
            .iter()
            .fold(finding, |finding, site| finding.at(&site.file, site.stmt)),
    )
}

fn consequence(context: &Context<'_>, setting: Setting) -> String {
    match setting {
        Setting::TaskQueues => format!(
            "no worker that loads this consumes `{}{}`",
            context.name, context.contract.queue_suffix
        ),
        Setting::TaskRoutes => format!(
            "`{}` published through Celery from here is not broadcast",
            context.contract.event_task
        ),
        _ => format!(
            "no worker that loads this knows the task `{}`",
            context.contract.event_task
        ),
    }
}

/// The element to write by hand, which reads no name of another file.
fn missing(context: &Context<'_>, setting: Setting, site: &Site) -> String {
    let contract = context.contract;
    let quote = |text: &str| super::quoted(&site.module, site.stmt.end, text);
    let queue = quote(&format!("{}{}", context.name, contract.queue_suffix));
    let kind = quote(&contract.exchange_type);
    let exchange = match &contract.exchange_setting {
        Some(setting) => setting.clone(),
        None => quote(&contract.exchange),
    };
    let arguments = context.reader().arguments(&quote);
    let is_dict = matches!(
        site.value.as_ref().map(|value| &value.kind),
        Some(ExprKind::Dict(_))
    );
    let binding = format!(
        "{}: {exchange}, {}: {kind}",
        quote("exchange"),
        quote("exchange_type")
    );
    match setting {
        Setting::TaskQueues if is_dict => {
            let arguments = arguments.map(|own| format!(", {}: {own}", quote("queue_arguments")));
            format!("`{queue}: {{{binding}{}}}`", arguments.unwrap_or_default())
        }
        Setting::TaskQueues => {
            let arguments = arguments.map(|own| format!(", queue_arguments={own}"));
            format!(
                "`Queue({queue}, Exchange({exchange}, type={kind}){})`",
                arguments.unwrap_or_default()
            )
        }
        Setting::TaskRoutes if context.routed_by_router() => {
            format!("`{}`, as the last router,", quote(&contract.router))
        }
        Setting::TaskRoutes => format!(
            "`{}: {{{binding}, {}: {}}}`",
            quote(&contract.event_task),
            quote("routing_key"),
            quote("")
        ),
        _ => {
            let listener = context.facts.layout.module(&contract.listener_module);
            format!("`{}`", quote(&listener))
        }
    }
}

/// Django settings that stand by themselves and lack what the emitter reads.
fn without_name(context: &Context<'_>, draft: &mut Draft) {
    let name = super::names::SERVICE_NAME.to_owned();
    if !context.facts.django() {
        return;
    }
    for file in context.settings.siblings() {
        let binds = context.settings.binds(&file, &name);
        if context.builds_on_home(&file) || binds {
            continue;
        }
        draft.findings.push(
            Finding::warning(
                "service-name-elsewhere",
                format!("{file} has no `{name}`: a process that loads it cannot emit events"),
            )
            .in_file(&file)
            .help(format!("add `{name} = '{}'` to it", context.name)),
        );
    }
}

fn repeated(name: &str, sites: &[Site], hiding: &[Site]) -> Finding {
    let mut finding = Finding::refusal(
        "setting-repeated",
        format!("`{name}` is bound in several environments' files"),
    )
    .help(format!(
        "name the one to wire: `--settings {}`",
        sites[0].file
    ));
    for site in sites.iter().chain(hiding) {
        finding = finding.at(&site.file, site.stmt);
    }
    finding
}

impl Context<'_> {
    /// Whether what a file binds lies over the home's own settings: it imports them, or is the same file.
    fn builds_on_home(&self, file: &RelPath) -> bool {
        let home = self.settings.home.file();
        file == home || self.settings.chain_of(file).contains(home)
    }
}
