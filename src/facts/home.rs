//! Where the app's settings live and how they are spelled, from what the app loads. Pure.

use super::settings::{Home, Settings, find_class};
use super::{Facts, Source};
use crate::celery::{self, Dialect, Setting, one_setting, prefix};
use crate::config::Config;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::python::syntax::{Expr, ExprKind, Stmt, StmtKind, walk};
use crate::tree::Tree;

/// The service's settings, ready to be asked.
///
/// A file named by a flag is where new settings go; one that Celery merely loads may import a better place.
pub fn settings<'t>(
    tree: &'t Tree,
    facts: &Facts,
    flags: &Config,
) -> Result<Settings<'t>, Finding> {
    let (home, entry) = home(tree, facts)?;
    let (dialect, also) = dialect(tree, facts, &home);
    let mut settings = Settings::new(tree, facts.roots.clone(), home, entry, dialect, also);
    settings.loads.clone_from(&facts.app.loads);
    settings.conf = conf_objects(tree, facts, &settings.home);
    if flags.settings.is_none() {
        prefer_base(tree, &mut settings);
    }
    holder_of_keys(&mut settings);
    Ok(settings)
}

fn home(tree: &Tree, facts: &Facts) -> Result<(Home, RelPath), Finding> {
    let app = &facts.app;
    Ok(match &app.source {
        Source::Module { file, .. } => (Home::Names(file.clone()), file.clone()),
        Source::Configuration { file, class } => {
            let class = settings_class(tree, file, class);
            (Home::Class(file.clone(), class), file.clone())
        }
        Source::Object { file, name, .. } => (object(tree, file, name)?, file.clone()),
        Source::Flask {
            file,
            mapping,
            copied,
        } => flask(tree, facts, file, mapping, copied.as_deref())?,
        Source::Conf => {
            let object = conf_object(tree, facts);
            let home = Home::Members {
                items: sets_items(tree, &app.file, &object),
                file: app.file.clone(),
                object,
            };
            (home, app.file.clone())
        }
    })
}

/// Flask's config, or what it copies; of either, perhaps one key: `app.config["CELERY"]`.
fn flask(
    tree: &Tree,
    facts: &Facts,
    file: &RelPath,
    mapping: &str,
    copied: Option<&Source>,
) -> Result<(Home, RelPath), Finding> {
    let key = mapping
        .split_once("[\"")
        .and_then(|(_, key)| key.strip_suffix("\"]"));
    Ok(match (copied, key) {
        (Some(Source::Module { file, .. }), Some(key)) => {
            (Home::Keys(file.clone(), key.to_owned()), file.clone())
        }
        (Some(Source::Object { file, name, .. }), Some(key)) => {
            return Err(nested(facts, file, &format!("{name}.{key}")));
        }
        (_, Some(_)) => return Err(nested(facts, file, mapping)),
        (Some(Source::Module { file, .. }), None) => (Home::Names(file.clone()), file.clone()),
        (Some(Source::Object { file, name, .. }), None) => {
            (object(tree, file, name)?, file.clone())
        }
        (_, None) => {
            let home = Home::Members {
                file: file.clone(),
                object: mapping.to_owned(),
                items: true,
            };
            (home, file.clone())
        }
    })
}

/// A dict of settings that no module binds to a name.
fn nested(facts: &Facts, file: &RelPath, dict: &str) -> Finding {
    let message = format!("Celery loads `{dict}`, a dict inside another: we add to none such");
    let finding = Finding::refusal("settings-dict-nested", message);
    let loads = facts.app.loads.as_ref();
    let finding = match loads.and_then(|place| Some((&place.path, place.span?))) {
        Some((path, span)) => finding.at(path, span).label("loaded here"),
        None => finding,
    };
    finding.in_file(file).help(
        "move what is in it into a module of its own, as `broker_url = …`, and load that: \
             `celery_app.config_from_object('celeryconfig')`; then run again",
    )
}

/// A class, or a dict, by the name that a module binds it to.
fn object(tree: &Tree, file: &RelPath, name: &str) -> Result<Home, Finding> {
    let module = tree
        .python(file)
        .map_err(|why| super::settings::unparsable(file, &why))?;
    let Some((_, bases)) = find_class(&module.body, name) else {
        return Ok(Home::Keys(file.clone(), name.to_owned()));
    };
    if let Some(base) = bases.iter().find(|base| {
        base.dotted()
            .is_some_and(|name| name.ends_with("BaseSettings"))
    }) {
        return Err(Finding::refusal(
            "settings-class-typed",
            format!("`{name}` is a pydantic model: it takes no plain attributes"),
        )
        .at(file, base.span)
        .label("a new attribute without annotation stops it from loading")
        .help(
            "wire it by hand, with annotations: `task_queues: tuple = (…)`, `task_routes: dict = {…}`, \
             and the listener in `imports`",
        )
        .help(
            "or load Celery's settings from a plain class or module, \
             `app.config_from_object('celeryconfig')`, then run again",
        ));
    }
    Ok(Home::Class(file.clone(), name.to_owned()))
}

/// Of a configuration class and its bases in the file, the one that binds most of what is wired; of equals
/// one that builds on no other, since every environment reads it.
fn settings_class(tree: &Tree, file: &RelPath, class: &str) -> String {
    let Ok(module) = tree.python(file) else {
        return class.to_owned();
    };
    let mut classes = vec![class.to_owned()];
    let mut next = 0;
    while let Some(class) = classes.get(next) {
        next += 1;
        let (_, bases) = find_class(&module.body, class).unwrap_or_default();
        for base in bases.iter().filter_map(Expr::name) {
            if find_class(&module.body, base).is_some() && !classes.iter().any(|have| have == base)
            {
                classes.push(base.to_owned());
            }
        }
    }
    let weight = |class: &String| {
        let (body, bases) = find_class(&module.body, class).unwrap_or_default();
        let outermost = bases
            .iter()
            .filter_map(Expr::dotted)
            .any(|base| base.ends_with("Configuration"));
        (bound(body, is_wired), outermost)
    };
    let best = classes.iter().max_by_key(|class| weight(class));
    best.cloned().unwrap_or_default()
}

/// Whether a name is, in any spelling, one of the settings that the wiring adds to.
fn is_wired(name: &str) -> bool {
    [Setting::TaskQueues, Setting::TaskRoutes, Setting::Imports]
        .iter()
        .any(|setting| one_setting(name, setting.lower()))
}

/// Where `app.conf` is set beside the home: in the app's own module, and in the function or class of the
/// service that makes the app.
fn conf_objects(tree: &Tree, facts: &Facts, home: &Home) -> Vec<(RelPath, String)> {
    let own = (facts.app.file.clone(), conf_object(tree, facts));
    let maker = facts.app.maker.as_ref().map(|maker| {
        let variable = maker.variable.as_deref().unwrap_or("self");
        (maker.file.clone(), format!("{variable}.conf"))
    });
    let mut objects = vec![own];
    objects.extend(maker.filter(|maker| *maker != objects[0]));
    if let Home::Members { file, object, .. } = home {
        objects.retain(|(other, name)| (other, name) != (file, object));
    }
    objects
}

/// `app.conf`, by the name that the app has where it is made.
fn conf_object(tree: &Tree, facts: &Facts) -> String {
    let mut variable = facts.app.variable.clone();
    if let Ok(module) = tree.python(&facts.app.file) {
        walk(&module.body, &mut |stmt| {
            if let StmtKind::Assign { targets, value, .. } = &stmt.kind
                && value.span == facts.app.call
                && let Some(name) = targets.first().and_then(Expr::dotted)
            {
                variable = name;
            }
        });
    }
    format!("{variable}.conf")
}

/// Whether a file writes `app.conf['name'] = …`, and never `app.conf.name = …`.
fn sets_items(tree: &Tree, file: &RelPath, object: &str) -> bool {
    let (mut items, mut attributes) = (false, false);
    if let Ok(module) = tree.python(file) {
        walk(&module.body, &mut |stmt| {
            let StmtKind::Assign { targets, .. } = &stmt.kind else {
                return;
            };
            for target in targets {
                match &target.kind {
                    ExprKind::Subscript { value, .. } => {
                        items |= value.dotted().as_deref() == Some(object);
                    }
                    ExprKind::Attribute { value, .. } => {
                        attributes |= value.dotted().as_deref() == Some(object);
                    }
                    _ => {}
                }
            }
        });
    }
    items && !attributes
}

/// With several files in a chain of star imports: the one that binds most of Celery's settings, the
/// deepest of equals, since every environment reads it.
fn prefer_base(tree: &Tree, settings: &mut Settings<'_>) {
    let Home::Names(_) = settings.home else {
        return;
    };
    let weight = |file: &RelPath| {
        tree.python(file)
            .map_or(0, |module| bound(&module.body, is_celery))
    };
    let chain = settings.chain();
    let usable = chain.iter().filter(|file| !tree.is_ignored(file));
    if let Some(best) = usable.max_by_key(|file| weight(file)) {
        settings.home = Home::Names(best.clone());
    }
}

/// The file that binds the dict, where the one that is loaded imports it.
fn holder_of_keys(settings: &mut Settings<'_>) {
    let Home::Keys(_, name) = &settings.home else {
        return;
    };
    let sites = settings.named(std::slice::from_ref(name));
    if let Some(site) = sites.ok().and_then(|sites| sites.into_iter().next()) {
        settings.home = Home::Keys(site.file, name.clone());
    }
}

fn is_celery(name: &str) -> bool {
    name.starts_with("CELERY")
        || name.starts_with("BROKER_")
        || Setting::ALL.iter().any(|setting| setting.lower() == name)
}

/// How many such names a block binds.
fn bound(block: &[Stmt], is_such: fn(&str) -> bool) -> usize {
    let binds = |stmt: &&Stmt| match &stmt.kind {
        StmtKind::Assign { targets, .. } => targets.iter().filter_map(Expr::name).any(is_such),
        _ => false,
    };
    block.iter().filter(binds).count()
}

/// The dialect, and what else Celery reads beside it.
fn dialect(tree: &Tree, facts: &Facts, home: &Home) -> (Dialect, Vec<Dialect>) {
    let pinned = facts.pins.celery();
    if let Some((namespace, ..)) = &facts.app.namespace {
        let reads_old =
            pinned.is_some_and(|version| version >= super::pins::Version::release("5.7"));
        let also = if reads_old {
            vec![Dialect::Old]
        } else {
            Vec::new()
        };
        return (Dialect::Namespaced(prefix(namespace)), also);
    }
    let django = matches!(
        facts.app.source,
        Source::Module { django: true, .. } | Source::Configuration { .. }
    );
    let flask = matches!(facts.app.source, Source::Flask { .. });
    // Flask copies upper-case names only.
    let copied = flask && matches!(home, Home::Names(_) | Home::Class(..));
    let old_only = pinned.is_some_and(|version| version.major() < 4);
    if django || old_only || copied {
        return (Dialect::Old, Vec::new());
    }
    let (old, lower): (Vec<&str>, Vec<&str>) = celery::names().filter(is_telling).unzip();
    let (old, lower) = (mentions(tree, home, &old), mentions(tree, home, &lower));
    match (lower, old) {
        (false, true) => (Dialect::Old, vec![Dialect::Lower]),
        (false, false) if flask => (Dialect::Old, vec![Dialect::Lower]),
        _ => (Dialect::Lower, vec![Dialect::Old]),
    }
}

/// Names that are not likely anything else's: `redis_host` may be any variable.
fn is_telling((_, new): &(&str, &str)) -> bool {
    let families = ["task_", "worker_", "broker_", "result_", "beat_", "event_"];
    let others = ["imports", "accept_content", "timezone", "enable_utc"];
    families.iter().any(|family| new.starts_with(family)) || others.contains(new)
}

/// Whether the home spells any of these settings.
fn mentions(tree: &Tree, home: &Home, names: &[&str]) -> bool {
    let Ok(module) = tree.python(home.file()) else {
        return false;
    };
    let mut found = false;
    walk(&module.body, &mut |stmt| {
        if let StmtKind::Assign { targets, .. } = &stmt.kind {
            found |= targets.iter().any(|target| match &target.kind {
                ExprKind::Name(name) => names.contains(&name.as_str()),
                ExprKind::Attribute { name, .. } => names.contains(&name.text.as_str()),
                ExprKind::Subscript { index, .. } => index
                    .string()
                    .is_some_and(|key| names.contains(&key.as_str())),
                _ => false,
            });
        }
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                found |= match &part.kind {
                    ExprKind::Dict(items) => items.iter().any(|(key, _)| {
                        key.as_ref()
                            .and_then(Expr::string)
                            .is_some_and(|key| names.contains(&key.as_str()))
                    }),
                    ExprKind::Call {
                        keywords, function, ..
                    } => {
                        let sets = function
                            .dotted()
                            .is_some_and(|name| name.ends_with("update") || name == "dict");
                        sets && keywords.iter().any(|keyword| {
                            keyword
                                .name
                                .as_deref()
                                .is_some_and(|name| names.contains(&name))
                        })
                    }
                    _ => false,
                };
            });
        }
    });
    found
}
