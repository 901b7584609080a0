//! Which route to write: the contract's router, which takes over every ordinary task, or one for the event.

use super::Context;
use super::default_queue::bound_for_router;
use super::element::held;
use super::routes::{Routed, found};
use crate::celery::Setting;
use crate::config::Route;
use crate::facts::pins::Version;
use crate::finding::{Finding, Place};

/// The route for this service, and what a person should know of the choice. Never [`Route::Auto`].
pub fn choose(context: &Context<'_>) -> Result<(Route, Vec<Finding>), Finding> {
    match context.config.route.unwrap_or(Route::Auto) {
        Route::EventOnly => Ok((Route::EventOnly, Vec::new())),
        Route::Router => forced(context),
        Route::Auto => {
            if let Some(there) = already(context)? {
                return Ok((there, Vec::new()));
            }
            match reason_against(context)? {
                None => Ok((Route::Router, Vec::new())),
                Some(reason) => Ok((Route::EventOnly, vec![reason])),
            }
        }
    }
}

/// What a service that is wired already routes by.
fn already(context: &Context<'_>) -> Result<Option<Route>, Finding> {
    let sites = context.settings.find(Setting::TaskRoutes)?;
    let routed: Option<Vec<Routed>> = sites.iter().map(|site| found(context, site)).collect();
    Ok(match routed.as_deref() {
        None | Some([]) => None,
        Some(all) if all.iter().all(|&one| one == Routed::Router) => Some(Route::Router),
        Some(_) => Some(Route::EventOnly),
    })
}

/// The user's own decision, and what it overrides.
fn forced(context: &Context<'_>) -> Result<(Route, Vec<Finding>), Finding> {
    if already(context)? != Some(Route::Router) {
        possible(context)?;
    }
    let overridden = &context.facts.tasks.routed;
    let mut finding = Finding::warning(
        "router-overrides-queue",
        "the router overrides the queue that these tasks or calls name",
    )
    .help("leave `--route router` out to keep them");
    for at in overridden {
        finding = finding.place(at);
    }
    Ok((
        Route::Router,
        if overridden.is_empty() {
            Vec::new()
        } else {
            vec![finding]
        },
    ))
}

/// The router works only where the library is there to be imported, and Django's settings to be read.
fn possible(context: &Context<'_>) -> Result<(), Finding> {
    let library = &context.contract.library;
    let version = &context.contract.library_version;
    if pinned(context).is_none() {
        let finding = Finding::refusal(
            "router-without-library",
            format!("the router needs {library}, and nothing pins it here"),
        );
        let finding = match context.facts.pins.of(library).next() {
            Some(pin) => finding.place(&pin.place),
            None => finding,
        };
        return Err(finding
            .label("every task would raise ImportError when it is sent")
            .help(format!(
                "add this line to requirements.txt: {library}=={version}"
            )));
    }
    if !context.facts.django() {
        return Err(Finding::refusal(
            "router-without-django",
            "the router reads Django's settings, and this service has none",
        )
        .at(&context.facts.app.file, context.facts.app.call)
        .help("leave `--route router` out: the narrow route works without Django"));
    }
    Ok(())
}

/// The first condition of the router that does not hold.
fn reason_against(context: &Context<'_>) -> Result<Option<Finding>, Finding> {
    let contract = context.contract;
    let library = &contract.library;
    let facts = context.facts;
    if pinned(context).is_none() {
        let pin = facts.pins.of(library).next();
        let why = match pin {
            Some(_) => format!(
                "{library} is not pinned to {} or below",
                contract.library_version
            ),
            None => format!("{library} is not pinned"),
        };
        return Ok(Some(reason(&why, pin.map(|pin| &pin.place))));
    }
    if !facts.django() {
        return Ok(Some(reason(
            "the router reads Django's settings, and there are none",
            None,
        )));
    }
    let queues = context.settings.find(Setting::TaskQueues)?;
    for site in &queues {
        if !held(site).iter().any(|element| bound_for_router(element)) {
            let place = Place {
                path: site.file.clone(),
                span: Some(site.stmt),
            };
            return Ok(Some(reason(
                "queues are defined, and the default one is not bound to exchange `default`",
                Some(&place),
            )));
        }
    }
    if let Some(site) = context.settings.find(Setting::TaskRoutes)?.first() {
        let place = Place {
            path: site.file.clone(),
            span: Some(site.stmt),
        };
        return Ok(Some(reason("routes are defined", Some(&place))));
    }
    if let Some(place) = facts.tasks.routed.first() {
        return Ok(Some(reason(
            "a task names its own queue, which the router would override",
            Some(place),
        )));
    }
    Ok(microservice_name(context))
}

/// A name that the router's `^microservice.*` would broadcast.
fn microservice_name(context: &Context<'_>) -> Option<Finding> {
    let facts = context.facts;
    if let Some(task) = facts.tasks.microservice.first() {
        let why = format!(
            "the router would broadcast the task `{}`, whose name starts with `microservice`",
            task.name
        );
        return Some(reason(&why, Some(&task.place)));
    }
    let package = [&facts.app.module, &facts.layout.package]
        .into_iter()
        .find(|name| name.starts_with("microservice"))?;
    Some(reason(
        &format!(
            "the router would broadcast the tasks of `{package}`: the name starts with `microservice`"
        ),
        None,
    ))
}

fn pinned<'c>(context: &'c Context<'_>) -> Option<&'c crate::facts::pins::Pin> {
    let newest = Version::parse(&context.contract.library_version)?;
    context
        .facts
        .pins
        .at_most(&context.contract.library, &newest)
}

fn reason(why: &str, at: Option<&Place>) -> Finding {
    let finding = Finding::note(
        "route-event-only",
        format!("a route for the event alone: {why}"),
    )
    .help("to route all tasks by the contract's router: `scaffold-events init --route router`");
    match at {
        Some(at) => finding.place(at),
        None => finding,
    }
}
