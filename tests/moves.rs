//! A wired service that was moved by hand: to other names of Celery's, into other files, behind links.
#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod cases;

use cases::{Files, applied, cases, codes, files, flags, path, text};
use memchr::memmem::find;
use scaffold_events::apply::apply;
use scaffold_events::config::Config;
use scaffold_events::contract::Contracts;
use scaffold_events::finding::{Finding, Level};
use scaffold_events::init::{Listener, init};
use scaffold_events::plan::{Plan, adopted};
use scaffold_events::standing::State;
use scaffold_events::sync::{Wishes, sync};
use scaffold_events::tree::Tree;
use scaffold_events::unwire::{Edited, unwire};

const SETTINGS: &str = "orders/settings.py";

/// A fixture, wired or recorded as it is.
fn wired(name: &str) -> Files {
    let all = cases();
    let (_, folder, case) = all.iter().find(|(case, ..)| case == name).unwrap();
    let before = files(&folder.join("in"));
    let tree = Tree::named("orders", before.clone());
    let plan = adopted(&tree, &flags(&case.args).unwrap(), &Contracts::embedded()).unwrap();
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    applied(&before, &plan)
}

fn synced(files: &Files, wishes: &Wishes) -> (Files, Plan) {
    cases::synced(files, &Contracts::embedded(), wishes)
}

fn to(id: &str) -> Wishes {
    Wishes {
        to: Some(id.to_owned()),
        ..Wishes::default()
    }
}

fn removed(files: &Files) -> (Files, Plan) {
    let tree = Tree::named("orders", files.clone());
    let plan = unwire(&tree, &Contracts::embedded(), Edited::Keep).unwrap();
    (applied(files, &plan), plan)
}

/// Every pair replaced, each of which must be there.
fn replaced(files: &mut Files, file: &str, pairs: &[(&str, &str)]) {
    let mut now = text(files, file);
    for (from, to) in pairs {
        assert!(now.contains(from), "{from}: {now}");
        now = now.replace(from, to);
    }
    files.insert(path(file), now.into_bytes());
}

/// The lines that findings of this code speak of, each whole.
fn lines(files: &Files, findings: &[Finding], code: &str) -> Vec<String> {
    let of_code = findings.iter().filter(|finding| finding.code == code);
    let line = |place: &scaffold_events::finding::Place| {
        let text = text(files, place.path.as_str());
        let start = place.span.map_or(0, |span| span.start);
        let (from, to) = (text[..start].rfind('\n'), text[start..].find('\n'));
        text[from.map_or(0, |at| at + 1)..start + to.unwrap()].to_owned()
    };
    of_code
        .flat_map(|finding| &finding.places)
        .map(line)
        .collect()
}

/// A service that moved to a namespace, all names by hand.
fn renamed_to_a_namespace() -> Files {
    let mut files = wired("old-names-without-namespace");
    let plain = "config_from_object('django.conf:settings')";
    let named = "config_from_object('django.conf:settings', namespace='CELERY')";
    replaced(&mut files, "orders/celery.py", &[(plain, named)]);
    replaced(
        &mut files,
        SETTINGS,
        &[
            ("\nCELERY_QUEUES =", "\nCELERY_TASK_QUEUES ="),
            ("\nCELERY_ROUTES =", "\nCELERY_TASK_ROUTES ="),
            ("\nBROKER_URL =", "\nCELERY_BROKER_URL ="),
        ],
    );
    let pins = text(&files, "requirements.txt");
    let pins = pins
        .to_lowercase()
        .replace("celery==3.1.26.post2", "celery==5.4.0");
    files.insert(path("requirements.txt"), pins.into_bytes());
    files
}

#[test]
fn what_was_renamed_for_celery_goes_by_its_meaning() {
    let files = renamed_to_a_namespace();
    let (left, plan) = removed(&files);
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let settings = text(&left, SETTINGS);
    for word in ["-events", "microservice", "Queue(", "SERVICE_NAME"] {
        assert!(!settings.contains(word), "{word}: {settings}");
    }
}

#[test]
fn what_was_renamed_for_celery_moves_to_another_contract() {
    let files = renamed_to_a_namespace();
    let (moved, plan) = synced(&files, &to("zc-events@2"));
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let settings = text(&moved, SETTINGS);
    assert!(settings.contains("x-max-priority"), "{settings}");
    assert_eq!(settings.matches("SERVICE_NAME + ").count(), 1);
    assert!(!settings.contains("\nCELERY_QUEUES"), "{settings}");
}

#[test]
fn what_stays_of_ours_is_told_and_not_said_to_be_out() {
    let service = wired("namespace-in-config-from-object");
    let routes = "\nCELERY_TASK_ROUTES = {";
    let indirect = "\nCELERY_TASK_ROUTES = ROUTES\n";
    for (now, below) in [
        ("\nCELERY_TASK_ROUTES = ROUTES = {", ""),
        ("\nROUTES = {", indirect),
    ] {
        let mut files = service.clone();
        replaced(&mut files, SETTINGS, &[(routes, now)]);
        let settings = text(&files, SETTINGS) + below;
        files.insert(path(SETTINGS), settings.into_bytes());
        let (left, plan) = removed(&files);
        assert!(text(&left, SETTINGS).contains("microservice.event"));
        let told = lines(&files, &plan.findings, "part-left");
        let is_told = told.iter().any(|line| line.contains("ROUTES = {"));
        assert!(is_told, "{told:?}");
        let mut changes = plan.changes.iter();
        let settings = changes.find(|change| change.path == path(SETTINGS));
        let what = &settings.unwrap().what;
        assert!(!what.iter().any(|what| what == "event route"), "{what:?}");
        assert!(what.iter().any(|what| what == "events queue"), "{what:?}");
    }
}

#[test]
fn of_mixed_names_only_those_of_the_user_are_to_be_renamed() {
    let mut files = wired("upper-case-celeryconfig-on-celery-3");
    replaced(
        &mut files,
        "setup.py",
        &[("celery>=3.1,<4", "celery==4.4.7")],
    );
    let settings = "celeryconfig.py";
    replaced(
        &mut files,
        settings,
        &[
            ("BROKER_URL", "broker_url"),
            ("CELERY_TASK_SERIALIZER", "task_serializer"),
            ("CELERY_ACCEPT_CONTENT", "accept_content"),
            ("CELERY_RESULT_BACKEND", "result_backend"),
            ("CELERY_TASK_RESULT_EXPIRES", "result_expires"),
        ],
    );
    let (same, plan) = synced(&files, &Wishes::default());
    assert_eq!(same, files);
    let named = lines(&files, &plan.findings, "settings-mixed");
    assert!(
        named.len() == 1 && named[0].starts_with("CELERY_IMPORTS"),
        "{named:?}"
    );
    replaced(&mut files, settings, &[("CELERY_IMPORTS", "imports")]);
    let (moved, plan) = synced(&files, &Wishes::default());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    assert!(text(&moved, settings).contains("\ntask_queues = "));
}

#[test]
fn the_line_that_celery_reads_the_broker_from_stays() {
    let mut files = wired("namespace-in-config-from-object");
    let namespace = ", namespace=\"CELERY\"";
    replaced(&mut files, "orders/celery.py", &[(namespace, "")]);
    let (moved, plan) = synced(&files, &Wishes::default());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let settings = text(&moved, SETTINGS);
    assert!(settings.contains("\nCELERY_QUEUES = "), "{settings}");
    assert!(
        settings.contains("\nBROKER_URL = CELERY_BROKER_URL\n"),
        "{settings}"
    );
    let kept = lines(&files, &plan.findings, "broker-line-kept");
    assert_eq!(kept, ["BROKER_URL = CELERY_BROKER_URL"]);
    let (again, plan) = synced(&moved, &Wishes::default());
    assert_eq!(again, moved);
    assert!(
        plan.findings
            .iter()
            .all(|finding| finding.code != "setting-not-read")
    );
    let left = text(&removed(&moved).0, SETTINGS);
    assert!(left.ends_with("BROKER_URL = CELERY_BROKER_URL\n"), "{left}");
}

/// A service on disk in which one file stands elsewhere, and a link leads to it.
fn linked(files: &Files, link: &str, target: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut files = files.clone();
    let text = files.remove(&path(link)).unwrap();
    files.insert(path(target), text);
    cases::put(directory.path(), &files);
    let link = directory.path().join(link);
    std::os::unix::fs::symlink(directory.path().join(target), &link).unwrap();
    directory
}

/// Applies a plan that must not be refused, and gives what stands at a path afterwards.
fn put_on_disk(directory: &tempfile::TempDir, tree: &Tree, plan: &Plan) {
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    apply(tree, directory.path(), &plan.changes).unwrap();
}

#[test]
fn our_file_behind_a_link_is_written_through_it() {
    let mut files = wired("namespace-in-config-from-object");
    let pins = text(&files, "requirements.txt") + "zc_common==0.2.12\n";
    files.insert(path("requirements.txt"), pins.into_bytes());
    let listener = "orders/tasks/microservice_events_listener.py";
    let directory = linked(&files, listener, "orders/shared_listener.py");
    let contracts = Contracts::embedded();
    let tree = Tree::disk(directory.path());
    let plan = sync(&tree, &Config::default(), &contracts, &Wishes::default()).unwrap();
    assert_eq!(plan.changes, []);
    let plan = sync(&tree, &Config::default(), &contracts, &to("zc-events@3")).unwrap();
    put_on_disk(&directory, &tree, &plan);
    let tree = Tree::disk(directory.path());
    assert_eq!(
        tree.real(&path(listener)),
        Some(path("orders/shared_listener.py"))
    );
    let text = tree.bytes(&path(listener)).unwrap();
    assert!(find(&text, b"rabbitmq_dispatch_task").is_some());
    let plan = sync(&tree, &Config::default(), &contracts, &Wishes::default()).unwrap();
    assert_eq!(plan.changes, []);

    let edited = [text_of(&tree, SETTINGS), b"LATER = 1\n".to_vec()].concat();
    let other = tree.overlay([(path(SETTINGS), Some(edited))]);
    for tree in [&tree, &other] {
        let plan = unwire(tree, &contracts, Edited::Keep).unwrap();
        assert!(!plan.is_refused(), "{:?}", plan.findings);
        assert!(codes(&plan).contains(&"link-left"), "{:?}", plan.findings);
    }
    let plan = unwire(&tree, &contracts, Edited::Keep).unwrap();
    put_on_disk(&directory, &tree, &plan);
    let tree = Tree::disk(directory.path());
    assert_eq!(tree.bytes(&path("orders/shared_listener.py")), None);
}

#[test]
fn our_files_in_a_directory_behind_a_link_leave_no_link() {
    let files = wired("namespace-in-config-from-object");
    let directory = tempfile::tempdir().unwrap();
    cases::put(directory.path(), &files);
    let (tasks, real) = (
        directory.path().join("orders/tasks"),
        directory.path().join("jobs"),
    );
    std::fs::rename(&tasks, &real).unwrap();
    std::os::unix::fs::symlink(&real, &tasks).unwrap();
    let tree = Tree::disk(directory.path());
    let plan = unwire(&tree, &Contracts::embedded(), Edited::Keep).unwrap();
    assert!(!codes(&plan).contains(&"link-left"), "{:?}", plan.findings);
    put_on_disk(&directory, &tree, &plan);
    let tree = Tree::disk(directory.path());
    assert_eq!(
        tree.bytes(&path("jobs/microservice_events_listener.py")),
        None
    );
}

#[test]
fn settings_behind_a_link_move_with_the_service() {
    let files = wired("namespace-in-config-from-object");
    let directory = linked(&files, SETTINGS, "orders/real_settings.py");
    let tree = Tree::disk(directory.path());
    let contracts = Contracts::embedded();
    let plan = sync(&tree, &Config::default(), &contracts, &to("zc-events@2")).unwrap();
    put_on_disk(&directory, &tree, &plan);
    let tree = Tree::disk(directory.path());
    assert_eq!(
        tree.real(&path(SETTINGS)),
        Some(path("orders/real_settings.py"))
    );
    let text = tree.bytes(&path("orders/real_settings.py")).unwrap();
    assert!(find(&text, b"x-max-priority").is_some());
    let elsewhere = "service-name-elsewhere";
    assert!(!codes(&plan).contains(&elsewhere), "{:?}", plan.findings);
}

fn text_of(tree: &Tree, file: &str) -> Vec<u8> {
    tree.bytes(&path(file)).unwrap().to_vec()
}

/// Wired by hand, with the queue and the router written for the contract to come.
#[test]
fn what_the_user_wrote_for_the_new_contract_finds_its_names_bound_above_it() {
    let mut files = wired("wired-by-hand-with-percent");
    let queue = "Queue('%s-events' % SERVICE_NAME, events_exchange)";
    let new = "Queue(SERVICE_NAME + '-events', Exchange(EVENTS_EXCHANGE, type='fanout'), \
               queue_arguments={'x-max-priority': 10})";
    replaced(&mut files, SETTINGS, &[(queue, new)]);
    let (same, plan) = synced(&files, &to("zc-events@2"));
    assert_eq!(same, files);
    assert_eq!(codes(&plan)[0], "router-of-other-contract");
    let told = lines(&files, &plan.findings, "router-of-other-contract");
    assert_eq!(
        told,
        ["CELERY_ROUTES = ('zc_common.events.routers.TaskRouter', )"]
    );

    let routers = ("zc_common.events.routers", "zc_events.routers");
    replaced(&mut files, SETTINGS, &[routers]);
    let (moved, plan) = synced(&files, &to("zc-events@2"));
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let settings = text(&moved, SETTINGS);
    let at = |text: &str| settings.find(text).unwrap();
    assert!(
        at("\nEVENTS_EXCHANGE = ") < at("Exchange(EVENTS_EXCHANGE"),
        "{settings}"
    );
    assert!(
        at("\nSTAGING_NAME = ") < at("\nEVENTS_EXCHANGE = "),
        "{settings}"
    );
    assert_eq!(settings.matches("TaskRouter").count(), 1, "{settings}");
    assert!(text(&moved, "requirements.txt").contains("zc_events=="));
}

#[test]
fn a_router_whose_library_is_not_asked_for_is_an_error() {
    let service = wired("router-when-every-condition-holds");
    let pins = text(&service, "requirements.txt");
    for (pin, place) in [
        ("", 1),
        ("zc_events==0.2.4\n", 1),
        ("zc_common==0.3.0\n", 2),
        ("zc_common\n", 2),
    ] {
        let mut files = service.clone();
        let without: String = pins
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("zc"))
            .collect();
        files.insert(path("requirements.txt"), (without + pin).into_bytes());
        let (same, plan) = synced(&files, &Wishes::default());
        assert_eq!(same, files);
        let mut findings = plan.findings.iter();
        let finding = findings.find(|finding| finding.code == "router-without-library");
        let finding = finding.unwrap_or_else(|| panic!("{pin}: {:?}", plan.findings));
        assert_eq!(finding.level, Level::Error);
        assert_eq!(finding.places.len(), place, "{pin}");
        assert!(finding.help[0].contains("zc_common==0.2.12"), "{pin}");
        assert_eq!(plan.standing.worst(), State::Broken);
        assert!(!codes(&plan).contains(&"library-not-required"));
    }
    let (_, plan) = synced(&service, &Wishes::default());
    assert_eq!(plan.standing.worst(), State::Clean);
}

#[test]
fn comments_that_go_with_our_lines_are_named() {
    let mut files = wired("namespace-in-config-from-object");
    let queues = (
        "\nCELERY_TASK_QUEUES = (",
        "\nCELERY_TASK_QUEUES = (  # ops reads the first",
    );
    let exchange = ("\nevents_exchange", "\n# see ADR-12\nevents_exchange");
    replaced(&mut files, SETTINGS, &[queues, exchange]);
    let (moved, plan) = synced(&files, &to("zc-events@2"));
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    assert!(text(&moved, SETTINGS).contains("# see ADR-12"));
    let lost = ["CELERY_TASK_QUEUES = (  # ops reads the first"];
    assert_eq!(lines(&files, &plan.findings, "comment-lost"), lost);
    let (_, plan) = removed(&files);
    assert_eq!(lines(&files, &plan.findings, "comment-lost"), lost);
    let (_, plan) = synced(&files, &Wishes::default());
    assert_eq!(lines(&files, &plan.findings, "comment-lost"), [""; 0]);
}

fn helps(plan: &Plan) -> Vec<String> {
    let helps = plan
        .findings
        .iter()
        .flat_map(|finding| finding.help.clone());
    helps.collect()
}

#[test]
fn an_app_of_another_name_is_found_again() {
    let mut files = wired("namespace-in-config-from-object");
    let app = "orders/celery.py";
    replaced(&mut files, app, &[("app", "application")]);
    let init = text(&files, "orders/__init__.py");
    let init = init.replace("import app as", "import application as");
    files.insert(path("orders/__init__.py"), init.into_bytes());
    let (moved, plan) = synced(&files, &Wishes::default());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let config = text(&moved, "scaffold-events.toml");
    assert!(
        config.contains("celery-app = \"orders.celery:application\""),
        "{config}"
    );
    let listener = text(&moved, "orders/tasks/microservice_events_listener.py");
    assert!(
        listener.contains("from orders.celery import application"),
        "{listener}"
    );
    assert_eq!(synced(&moved, &Wishes::default()).0, moved);

    replaced(
        &mut files,
        app,
        &[("application", "(application, other)[0]")],
    );
    let (_, plan) = synced(&files, &Wishes::default());
    assert!(plan.is_refused());
    assert!(
        helps(&plan)
            .iter()
            .all(|help| !help.contains("--celery-app")),
        "{plan:?}"
    );
}

#[test]
fn flags_of_a_wired_service_are_lines_of_its_config() {
    let mut files = wired("namespace-in-config-from-object");
    let pins = text(&files, "requirements.txt") + "zc_common==0.2.12\n";
    files.insert(path("requirements.txt"), pins.into_bytes());
    let tree = Tree::named("orders", files.clone());
    let flags = flags(&["--route".to_owned(), "router".to_owned()]).unwrap();
    let plan = init(&tree, &flags, &Contracts::embedded(), Listener::Keep).unwrap();
    assert!(plan.is_refused() && plan.changes.is_empty());
    let line = "write `route = \"router\"` into scaffold-events.toml, then `scaffold-events sync`";
    assert_eq!(plan.findings[0].help, [line]);

    let routes = [("route = \"event-only\"", "route = \"router\"")];
    replaced(&mut files, "scaffold-events.toml", &routes);
    let (moved, plan) = synced(&files, &Wishes::default());
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    assert!(text(&moved, SETTINGS).contains("zc_common.events.routers.TaskRouter"));
    assert_eq!(synced(&moved, &Wishes::default()).0, moved);
}

#[test]
fn what_is_missing_is_named_and_where_a_pin_belongs() {
    let mut files = wired("namespace-in-config-from-object");
    let listener = "orders/tasks/microservice_events_listener.py";
    files.remove(&path(listener));
    let (_, plan) = synced(&files, &to("zc-events@2"));
    assert_eq!(codes(&plan), ["setting-removed"]);
    assert_eq!(helps(&plan)[0], format!("missing: {listener}"));

    let mut files = wired("router-when-every-condition-holds");
    files.remove(&path("requirements.txt"));
    let poetry = "[tool.poetry.dependencies]\npython = \"^3.8\"\nDjango = \"3.2.25\"\n\
                  celery = \"4.4.7\"\n";
    files.insert(path("pyproject.toml"), poetry.into());
    let (_, plan) = synced(&files, &to("zc-events@1"));
    assert!(plan.is_refused());
    let wanted = "ask for zc_events==0.1.10 in pyproject.toml".to_owned();
    assert!(helps(&plan).contains(&wanted), "{:?}", helps(&plan));
}

#[test]
fn a_config_that_git_could_not_merge_says_so() {
    let mut files = wired("namespace-in-config-from-object");
    let config = "scaffold-events.toml";
    let both = "<<<<<<< HEAD\nname = \"a\"\n=======\nname = \"b\"\n>>>>>>> other\n";
    files.insert(path(config), both.into());
    let (same, plan) = synced(&files, &Wishes::default());
    assert_eq!(same, files);
    assert_eq!(codes(&plan), ["config-conflict"]);
    assert_eq!(
        lines(&files, &plan.findings, "config-conflict"),
        ["<<<<<<< HEAD"]
    );
}

#[test]
fn a_name_that_others_read_stays() {
    let mut files = wired("namespace-in-config-from-object");
    let names = "from django.conf import settings\nfrom orders.settings import SERVICE_NAME\n\n\
                 NAME = settings.SERVICE_NAME\nOWN = settings.TIME_ZONE\n";
    files.insert(path("orders/names.py"), names.into());
    let (left, plan) = removed(&files);
    let settings = text(&left, SETTINGS);
    assert!(
        settings.ends_with("\n\nSERVICE_NAME = \"orders\"\n"),
        "{settings}"
    );
    assert!(
        !settings.contains("-events") && !settings.contains("kombu"),
        "{settings}"
    );
    let told = lines(&files, &plan.findings, "part-left");
    let reads = [
        "from orders.settings import SERVICE_NAME",
        "NAME = settings.SERVICE_NAME",
    ];
    assert_eq!(told, reads);
}

#[test]
fn handlers_that_were_moved_go_or_stay_by_what_is_in_them() {
    let moved_to = "orders/tasks/microservice_events.py";
    for own in ["", "\n\ndef paid(**kwargs):\n    pass\n"] {
        let mut files = wired("tasks-module-is-never-shadowed");
        let listener = "microservice_events_listener.py";
        for (from, to) in [
            ("orders/tasks.py", "orders/tasks/__init__.py"),
            ("orders/microservice_events.py", moved_to),
            (
                &format!("orders/{listener}"),
                &format!("orders/tasks/{listener}"),
            ),
        ] {
            let bytes = files.remove(&path(from)).unwrap();
            files.insert(path(to), bytes);
        }
        files.get_mut(&path(moved_to)).unwrap().extend(own.bytes());
        let (files, plan) = synced(&files, &Wishes::default());
        assert!(!plan.is_refused(), "{:?}", plan.findings);
        let (left, plan) = removed(&files);
        assert!(!plan.is_refused(), "{:?}", plan.findings);
        assert_eq!(left.contains_key(&path(moved_to)), !own.is_empty());
        assert_eq!(codes(&plan).contains(&"handlers-kept"), !own.is_empty());
    }
}

#[test]
fn no_blank_line_is_left_at_the_end() {
    let mut files = wired("namespace-in-config-from-object");
    let all = cases();
    let (_, folder, _) = all
        .iter()
        .find(|(case, ..)| case == "namespace-in-config-from-object")
        .unwrap();
    let mut before = cases::files(&folder.join("in"));
    for files in [&mut files, &mut before] {
        replaced(files, SETTINGS, &[("LANGUAGE_CODE", "LANGUAGE")]);
    }
    let (left, _) = removed(&files);
    assert_eq!(text(&left, SETTINGS), text(&before, SETTINGS));
}

#[test]
fn a_copy_of_the_library_in_the_service_needs_no_pin() {
    let mut files = wired("router-already-there-without-the-library");
    let (_, plan) = synced(&files, &Wishes::default());
    assert!(codes(&plan).contains(&"router-without-library"));
    files.insert(
        path("zc_common/events/routers.py"),
        b"class TaskRouter:\n    pass\n".to_vec(),
    );
    let (_, plan) = synced(&files, &Wishes::default());
    assert!(
        !codes(&plan).contains(&"router-without-library"),
        "{:?}",
        plan.findings
    );
}

#[test]
fn a_name_that_the_user_binds_in_a_way_of_their_own_is_theirs() {
    let mut files = wired("wired-by-hand-with-percent");
    let queue = "Queue('%s-events' % SERVICE_NAME, events_exchange)";
    let new = "Queue(SERVICE_NAME + '-events', Exchange(EVENTS_EXCHANGE, type='fanout'), \
               queue_arguments={'x-max-priority': 10})";
    let bound = "SERVICE_NAME = 'orders'\nwith open(__file__):\n    EVENTS_EXCHANGE = 'x'\n";
    let routers = ("zc_common.events.routers", "zc_events.routers");
    let service = ("SERVICE_NAME = 'orders'\n", bound);
    replaced(&mut files, SETTINGS, &[(queue, new), routers, service]);
    let (moved, plan) = synced(&files, &to("zc-events@2"));
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    assert_eq!(
        text(&moved, SETTINGS).matches("EVENTS_EXCHANGE = ").count(),
        1
    );
}

#[test]
fn a_listener_that_is_replaced_is_said_not_to_come_back() {
    let all = cases();
    let name = "listener-of-the-verbatim-document-refused";
    let (_, folder, _) = all.iter().find(|(case, ..)| case == name).unwrap();
    let tree = Tree::named("orders", files(&folder.join("in")));
    let config = Config::default();
    let plan = init(&tree, &config, &Contracts::embedded(), Listener::Replace).unwrap();
    assert!(
        codes(&plan).contains(&"listener-replaced"),
        "{:?}",
        plan.findings
    );
}

#[test]
fn a_damaged_lock_is_made_anew_by_init() {
    let mut files = wired("namespace-in-config-from-object");
    files.insert(
        path("scaffold-events.lock"),
        b"version = 1\ncontract = 3\n".to_vec(),
    );
    let (_, plan) = synced(&files, &Wishes::default());
    assert_eq!(codes(&plan), ["lock-damaged"]);
    let help = helps(&plan).concat();
    assert!(help.contains("`scaffold-events init`"), "{help}");
}
