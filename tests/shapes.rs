//! The table of edit shapes: 87 ways to write a setting, and what each edit should look like.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use scaffold_events::celery::{Dialect, Setting};
use scaffold_events::draft::{Anchor, Draft, Rank};
use scaffold_events::facts::modules::Roots;
use scaffold_events::facts::settings::{Home, Settings, Site};
use scaffold_events::finding::Finding;
use scaffold_events::path::RelPath;
use scaffold_events::python::imports::{Grouping, import_names};
use scaffold_events::python::insert::Item;
use scaffold_events::python::syntax::{Expr, StmtKind};
use scaffold_events::rules::element::{Element, add, held};
use scaffold_events::rules::overrides::classes;
use scaffold_events::rules::recognise::{Match, Reader};
use scaffold_events::rules::{imports, queues, routes, url_literal};
use scaffold_events::tree::Tree;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    id: String,
    op: String,
    before: String,
    after: Option<String>,
    note: String,
    span: Option<String>,
}

struct World {
    tree: Tree,
    file: RelPath,
}

impl World {
    fn of(text: &str) -> Self {
        let file = RelPath::parse("settings.py").unwrap();
        Self {
            tree: Tree::memory([(file.clone(), text.as_bytes().to_vec())]),
            file,
        }
    }

    fn settings(&self) -> Settings<'_> {
        let module = self.tree.python(&self.file).unwrap();
        let classes = module.body.iter().filter_map(|stmt| match &stmt.kind {
            StmtKind::Class { name, .. } => Some(name.text.clone()),
            _ => None,
        });
        let dict = String::from_utf8_lossy(&module.text).starts_with("CELERY = {");
        let (home, dialect) = match classes.collect::<Vec<_>>().first() {
            Some(class) => (Home::Class(self.file.clone(), class.clone()), Dialect::Old),
            None if dict => (
                Home::Keys(self.file.clone(), "CELERY".into()),
                Dialect::Lower,
            ),
            None => (Home::Names(self.file.clone()), Dialect::Old),
        };
        Settings::new(
            &self.tree,
            Roots::find(&self.tree),
            home,
            self.file.clone(),
            dialect,
            Vec::new(),
        )
    }
}

/// One row, run: the text after the edit, or the refusal.
fn run(case: &Case) -> Result<String, Finding> {
    let world = World::of(&case.before);
    match case.op.as_str() {
        "queues" => sequence(&world, Setting::TaskQueues),
        "imports" => sequence(&world, Setting::Imports),
        "routes" => sequence(&world, Setting::TaskRoutes),
        "broker" => broker(&world),
        "import" => Ok(import(&world)),
        other => panic!("no op {other}"),
    }
}

const EVENTS_QUEUE: &str = "Queue(SERVICE_NAME + '-events', events_exchange)";
const MODULE: &str = "svc.event_listeners";
const ROUTER: &str = "zc_common.events.routers.TaskRouter";

fn sequence(world: &World, setting: Setting) -> Result<String, Finding> {
    let settings = world.settings();
    let contract = scaffold_events::contract::Contracts::embedded()
        .find("zc-common@1")
        .unwrap();
    let reader = Reader {
        settings: &settings,
        contract: &contract,
        service: "orders",
        quorum: false,
    };
    let mut draft = Draft::default();
    let sites = settings.find(setting)?;
    let name = settings.dialect.spell(setting);
    for site in &sites {
        let quote = held(site)
            .iter()
            .find_map(|element| quote_of(site, element))
            .unwrap_or('\'');
        let text = match setting {
            Setting::TaskQueues => EVENTS_QUEUE.to_owned(),
            Setting::Imports => format!("{quote}{MODULE}{quote}"),
            _ => format!("{quote}{ROUTER}{quote}"),
        };
        let present = held(site).iter().any(|element| match setting {
            Setting::TaskQueues => reader.queue(site, element) == Match::Right,
            Setting::Imports => element.string().as_deref() == Some(MODULE),
            _ => element.string().as_deref() == Some(ROUTER),
        });
        if present {
            routes::complete_tuple(&mut draft, site, "");
            continue;
        }
        let entry = "SERVICE_NAME + '-events': {'exchange': 'microservice-events', 'exchange_type': 'fanout'}";
        let entry = (setting == Setting::TaskQueues).then(|| Item::flat(entry));
        let element = Element {
            name: &name,
            item: Item::flat(text),
            entry,
            is_single: match setting {
                Setting::TaskQueues => queues::is_queue,
                Setting::Imports => imports::is_module,
                _ => routes::is_router_or_routes,
            },
            what: "",
            rank: Rank::Queues,
        };
        add(&settings, &mut draft, site, &element)?;
    }
    if sites.is_empty() {
        create(world, &settings, &mut draft, setting);
    }
    if setting == Setting::TaskQueues {
        classes_agree(&settings, world)?;
    }
    Ok(spliced(world, draft))
}

/// Where a setting goes that is absent: a new key in a dict of settings, else a statement at the end.
fn create(world: &World, settings: &Settings<'_>, draft: &mut Draft, setting: Setting) {
    let module = world.tree.python(&world.file).unwrap();
    if let Home::Keys(_, dict) = &settings.home {
        let site = settings
            .named(std::slice::from_ref(dict))
            .unwrap()
            .remove(0);
        let item = Item::flat(format!("'task_queues': ({EVENTS_QUEUE},)"));
        draft.append_setting(
            &site.file,
            &site.module,
            site.value.as_ref().unwrap(),
            "task_queues",
            &item,
            "",
        );
        return;
    }
    let text = match setting {
        Setting::TaskQueues => format!("CELERY_QUEUES = (\n    {EVENTS_QUEUE},\n)"),
        _ => format!("CELERY_ROUTES = ('{ROUTER}',)"),
    };
    draft.define(&world.file, &module, Anchor::End, Rank::Queues, text, "");
}

fn classes_agree(settings: &Settings<'_>, world: &World) -> Result<(), Finding> {
    let Home::Class(_, home) = &settings.home else {
        return Ok(());
    };
    classes::unrelated(
        &world.tree.python(&world.file).unwrap(),
        &world.file,
        home,
        &["CELERY_QUEUES".to_owned()],
    )
}

fn broker(world: &World) -> Result<String, Finding> {
    let settings = world.settings();
    let mut draft = Draft::default();
    for site in settings.find(Setting::BrokerUrl)? {
        let urls = url_literal::read(&settings, &site, site.value.as_ref().unwrap())?;
        for (file, edit) in urls.edits {
            draft.edit(&file, &site.module, vec![edit], "");
        }
    }
    Ok(spliced(world, draft))
}

fn import(world: &World) -> String {
    let module = world.tree.python(&world.file).unwrap();
    let mut draft = Draft::default();
    let imported = import_names(
        &module,
        "kombu",
        &["Exchange", "Queue"],
        module.text.len(),
        Grouping::Adjacent,
    );
    draft.edit(&world.file, &module, imported.edits, "");
    spliced(world, draft)
}

fn spliced(world: &World, draft: Draft) -> String {
    let text = world.tree.bytes(&world.file).unwrap();
    let folded = draft.fold().unwrap();
    let out = folded
        .get(&world.file)
        .map_or(text.to_vec(), |folded| folded.edits.splice(&text));
    String::from_utf8(out).unwrap()
}

fn quote_of(site: &Site, element: &Expr) -> Option<char> {
    element.string()?;
    Some(char::from(site.module.text[element.span.end - 1]))
}

#[test]
fn every_shape_is_edited_as_the_table_says() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("shapes/cases.json")).unwrap();
    let mut failures = Vec::new();
    for case in &cases {
        let outcome = run(case);
        let failed = match (&outcome, &case.after) {
            (Ok(text), Some(after)) => text != after,
            (Err(finding), None) => !points_at(case, finding),
            (Ok(_), None) | (Err(_), Some(_)) => true,
        };
        if failed {
            failures.push(format!(
                "{} ({})\n  before {:?}\n  wanted {:?}\n  got    {outcome:?}",
                case.id, case.note, case.before, case.after
            ));
        }
    }
    assert_eq!(cases.len(), 87);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The refusal underlines what the table names.
fn points_at(case: &Case, finding: &Finding) -> bool {
    let span = finding.places.first().and_then(|place| place.span).unwrap();
    Some(span.of(case.before.as_str())) == case.span.as_deref()
}
