//! Any bytes as a service's files: the plan obeys the laws, whatever they are.
//!
//! The input is one `orders/settings.py`, or several files, each below a line `#= path`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scaffold_events::config::Config;
use scaffold_events::path::RelPath;

#[path = "../../tests/laws/mod.rs"]
mod laws;

use laws::Files;

fuzz_target!(|input: &[u8]| {
    if let Err(law) = laws::obeyed("orders", &files(input), &Config::default()) {
        panic!("{law}");
    }
});

fn files(input: &[u8]) -> Files {
    let mut files: Files = AROUND
        .iter()
        .map(|(path, text)| (path_of(path), text.as_bytes().to_vec()))
        .collect();
    if !input.starts_with(MARK) {
        files.insert(path_of("orders/settings.py"), input.to_vec());
        return files;
    }
    let mut named = Files::new();
    let mut rest = &input[MARK.len()..];
    loop {
        let end = find(rest, b"\n#= ");
        let part = &rest[..end.map_or(rest.len(), |end| end + 1)];
        let line = find(part, b"\n").unwrap_or(part.len());
        let path = std::str::from_utf8(&part[..line])
            .ok()
            .and_then(RelPath::parse);
        if let Some(path) = path.filter(|path| *path != RelPath::root()) {
            named.insert(path, part.get(line + 1..).unwrap_or_default().to_vec());
        }
        let Some(end) = end else { break };
        rest = &rest[end + 1 + MARK.len()..];
    }
    if named
        .keys()
        .all(|path| files.contains_key(path) || path.as_str() == "orders/settings.py")
    {
        files.extend(named);
        return files;
    }
    let clash = |path: &RelPath| {
        named
            .keys()
            .any(|other| other != path && other.is_under(path))
    };
    named
        .iter()
        .filter(|(path, _)| !clash(path))
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect()
}

const MARK: &[u8] = b"#= ";

/// What stands around a lone settings file.
const AROUND: &[(&str, &str)] = &[
    (
        "requirements.txt",
        "Django==3.2.25\ncelery==5.4.0\nkombu==5.3.7\n",
    ),
    (
        "manage.py",
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'orders.settings')\n",
    ),
    (
        "orders/__init__.py",
        "from .celery import app as celery_app\n",
    ),
    (
        "orders/celery.py",
        "import os\nfrom celery import Celery\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'orders.settings')\n\
         app = Celery('orders')\napp.config_from_object('django.conf:settings')\napp.autodiscover_tasks()\n",
    ),
    (
        "orders/tasks.py",
        "from celery import shared_task\n\n@shared_task\ndef ship(order):\n    return order\n",
    ),
];

fn path_of(path: &str) -> RelPath {
    RelPath::parse(path).expect("a path of ours")
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|part| part == what)
}
