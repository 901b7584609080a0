//! Which route to write: the contract's router, which takes over every ordinary task, or one for the event.

use super::Context;
use super::default_queue::bound_for_router;
use super::element::{held, is_unset};
use super::routes::{Routed, found};
use crate::celery::Setting;
use crate::config::Route;
use crate::facts::pins::Version;
use crate::facts::settings::Site;
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
            match reason_against(context) {
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
            .help(library_line(context)));
    }
    if let Some(why) = no_django(context) {
        return Err(Finding::refusal("router-without-django", why)
            .at(&context.facts.app.file, context.facts.app.call)
            .help("leave `--route router` out: the narrow route works without Django"));
    }
    Ok(())
}

/// How the service comes to ask for the contract's library: the line, and the file that it goes into.
pub fn library_line(context: &Context<'_>) -> String {
    let contract = context.contract;
    let line = contract.requirement();
    match requirements(context) {
        Some(place) if !place.path.has_extension("txt") => {
            format!("ask for {line} in {}", place.path)
        }
        Some(place) => format!("add this line to {}: {line}", place.path),
        None => format!("add this line to requirements.txt: {line}"),
    }
}

/// A condition of the router that does not hold, and where that is seen.
struct Against {
    why: String,
    places: Vec<Place>,
}

/// Every condition of the router that does not hold, and how to have it all the same.
fn reason_against(context: &Context<'_>) -> Option<Finding> {
    let mut against = Vec::new();
    against.extend(no_library(context));
    against.extend(no_django(context).map(|why| Against {
        why: why.to_owned(),
        places: Vec::new(),
    }));
    against.extend(own_queues(context));
    let routes = context.settings.find(Setting::TaskRoutes);
    let routes = routes.unwrap_or_default();
    let routes = if is_unset(context, &routes) {
        Vec::new()
    } else {
        routes
    };
    against.extend(condition("routes are defined", &routes));
    if !context.facts.tasks.routed.is_empty() {
        against.push(Against {
            why: "a task names its own queue, which the router would override".to_owned(),
            places: context.facts.tasks.routed.clone(),
        });
    }
    against.extend(microservice_name(context));
    if against.is_empty() {
        return None;
    }
    let why: Vec<&str> = against.iter().map(|one| one.why.as_str()).collect();
    let message = format!("a route for the event alone: {}", why.join("; "));
    let finding = Finding::note("route-event-only", message).help(how_to_force(context));
    let places = against.iter().flat_map(|one| &one.places);
    Some(places.fold(finding, Finding::place))
}

/// Why the router would not find `DEFAULT_QUEUE_NAME` in Django's settings.
fn no_django(context: &Context<'_>) -> Option<&'static str> {
    if !context.facts.django() {
        Some("the router reads Django's settings, and there are none")
    } else if !context.facts.written_to_django(&context.settings.home) {
        Some("the router reads Django's settings, and Celery's are not among them")
    } else {
        None
    }
}

fn no_library(context: &Context<'_>) -> Option<Against> {
    let contract = context.contract;
    let library = &contract.library;
    if pinned(context).is_some() {
        return None;
    }
    let pin = context.facts.pins.of(library).next();
    Some(match pin {
        Some(pin) => Against {
            why: format!(
                "{library} is not pinned to {} or below",
                contract.library_version
            ),
            places: vec![pin.place.clone()],
        },
        None => Against {
            why: format!("{library} is not pinned"),
            places: requirements(context).into_iter().cloned().collect(),
        },
    })
}

/// Queues of the service's own among which the router's default queue is missing.
///
/// Bindings that cannot be followed are refused by the rule that needs them.
fn own_queues(context: &Context<'_>) -> Option<Against> {
    let mut queues = context
        .settings
        .find(Setting::TaskQueues)
        .unwrap_or_default();
    if is_unset(context, &queues) {
        return None;
    }
    queues.retain(|site| {
        let elements = held(site);
        !elements
            .iter()
            .any(|element| bound_for_router(context, site, element))
    });
    condition(
        "queues are defined, and the default one is not bound to exchange `default`",
        &queues,
    )
}

fn condition(why: &str, sites: &[Site]) -> Option<Against> {
    let places = sites.iter().map(|site| Place {
        path: site.file.clone(),
        span: Some(site.stmt),
    });
    (!sites.is_empty()).then(|| Against {
        why: why.to_owned(),
        places: places.collect(),
    })
}

/// A name of an ordinary task that the router would broadcast.
fn microservice_name(context: &Context<'_>) -> Option<Against> {
    let (facts, contract) = (context.facts, context.contract);
    let start = contract.router_takes.join("` or `");
    let tasks = &facts.tasks;
    let event = &contract.event_task;
    let ordinary = tasks.declared.iter().filter(|task| task.name != *event);
    let mut names = tasks.apps.iter().chain(ordinary).chain(&tasks.packages);
    if let Some(task) = names.find(|task| contract.broadcasts(&task.name)) {
        let what = if task.place.span.is_some() {
            "task"
        } else {
            "tasks of the package"
        };
        return Some(Against {
            why: format!(
                "the router would broadcast the {what} `{}`, whose name starts with `{start}`",
                task.name
            ),
            places: vec![task.place.clone()],
        });
    }
    let handlers = facts.layout.module(&contract.handlers_module);
    let module = [&facts.app.module, &facts.layout.package, &handlers]
        .into_iter()
        .find(|name| contract.broadcasts(name))?;
    Some(Against {
        why: format!(
            "the router would broadcast the tasks of `{module}`: the name starts with `{start}`"
        ),
        places: Vec::new(),
    })
}

/// What to do first, where the router is wanted.
fn how_to_force(context: &Context<'_>) -> String {
    let contract = context.contract;
    let line = contract.requirement();
    if no_django(context).is_some() {
        return "nothing to do: this route needs neither Django nor the library".to_owned();
    }
    let command = "`scaffold-events init --route router`, or, once the service is wired, write `route = \"router\"` into scaffold-events.toml and run `scaffold-events sync`";
    if pinned(context).is_some() {
        return format!("to route all tasks by the contract's router: {command}");
    }
    let there = context.facts.pins.of(&contract.library).next();
    let first = match (there, requirements(context)) {
        (Some(pin), _) => format!("pin `{line}` in {}", pin.place.path),
        (None, Some(place)) if place.path.has_extension("txt") => {
            format!("add `{line}` to {}", place.path)
        }
        (None, Some(place)) => format!("ask for `{line}` in {}", place.path),
        (None, None) => format!("write `{line}` into requirements.txt"),
    };
    format!("to route all tasks by the contract's router, first {first}, then run {command}")
}

/// Where the service asks for Celery, or else for anything: beside it, a library is added.
fn requirements<'c>(context: &'c Context<'_>) -> Option<&'c Place> {
    let pins = &context.facts.pins;
    let asked = |pin: &&crate::facts::pins::Pin| !pin.locked;
    let pin = pins.of("celery").find(asked);
    pin.or_else(|| pins.iter().find(asked))
        .map(|pin| &pin.place)
}

/// The pin that holds the contract's library to releases of this contract.
pub fn pinned<'c>(context: &'c Context<'_>) -> Option<&'c crate::facts::pins::Pin> {
    let newest = Version::parse(&context.contract.library_version)?;
    context
        .facts
        .pins
        .at_most(&context.contract.library, &newest)
}
