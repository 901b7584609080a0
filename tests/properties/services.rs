//! Services of every dialect, put together at random from the table of shapes and more of their kind.

use std::fmt::{self, Debug, Formatter};

use proptest::prelude::*;
use proptest::sample::select;
use scaffold_events::path::RelPath;
use serde::Deserialize;

use super::laws::Files;

/// Shown as text where a law is broken.
#[derive(Clone)]
pub(crate) struct Service(pub(crate) Files);

impl Debug for Service {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(path, text)| {
            let text = String::from_utf8_lossy(text);
            let text = text.escape_debug().to_string().replace("\\n", "\n");
            write!(f, "--- {path}\n{text}\n")
        })
    }
}

/// A service that somebody could have: an app, its settings in one of the dialects, tasks, pins.
pub(crate) fn any_service() -> impl Strategy<Value = Service> {
    (settings(), dialect(), layout(), any_bytes()).prop_map(|(blocks, dialect, layout, bytes)| {
        let mut files = Files::new();
        let mut put = |path: &str, text: String| {
            files.insert(RelPath::parse(path).unwrap(), bytes.of(&text));
        };
        for (path, text) in dialect.files(&blocks) {
            put(&path, text);
        }
        for (path, text) in layout {
            put(path, (*text).to_owned());
        }
        Service(files)
    })
}

/// Words whose mere presence can change what is read.
pub(crate) const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ";",
    "=",
    "'",
    "\"",
    "\"\"\"",
    "#",
    "\\\n",
    "\n",
    "\r",
    "\t",
    "\x0c",
    " ",
    "\n    ",
    "if DEBUG:\n    ",
    "else:\n",
    "try:\n",
    "lambda: ",
    "*",
    "**",
    "+ ",
    "% x",
    ".format(x)",
    "f'",
    "u'",
    "del CELERY_QUEUES\n",
    "CELERY_QUEUES = ()\n",
    "from .base import *\n",
    "import kombu\n",
    "global x\n",
    "print 'x'\n",
    "CELERY_ROUTES = {}\n",
    "__all__ = []\n",
    "SERVICE_NAME = 'x'\n",
    "//",
    "/%2F",
    "None",
    "# coding: latin-1\n",
];

#[derive(Deserialize)]
struct Shape {
    before: String,
}

/// What stands in the table, and shapes that only together with others are interesting.
fn blocks() -> Vec<String> {
    let shapes: Vec<Shape> = serde_json::from_str(include_str!("../shapes/cases.json")).unwrap();
    let table = shapes
        .into_iter()
        .map(|shape| shape.before.replace("\r\n", "\n"));
    table
        .chain(BLOCKS.iter().map(|block| (*block).to_owned()))
        .collect()
}

const BLOCKS: &[&str] = &[
    "SERVICE_NAME = 'orders'\n",
    "SERVICE_NAME = os.environ.get('SERVICE_NAME', 'orders')\n",
    "from kombu import Exchange, Queue\nex = Exchange('orders')\n",
    "from kombu import (Exchange as E,\n                   Queue)\n",
    "from kombu import Exchange, Queue; ex = Exchange('default')\n",
    "from kombu import Exchange \\\n    , Queue\n",
    "import kombu as k\n",
    "DEBUG = True; HOST = 'h'\n",
    "if DEBUG: CELERY_QUEUES = (Queue('one', ex),)\n",
    "if DEBUG:\n    CELERY_QUEUES = (Queue('one', ex),)\nelif HOST:\n    pass\nelse:\n    CELERY_QUEUES = ()\n",
    "try:\n    from local import *\nexcept ImportError:\n    pass\n",
    "CELERY_QUEUES = (Queue('a', ex),); OTHER = 1\n",
    "OTHER = 1; CELERY_QUEUES = [Queue('a', ex)]; MORE = 2  # three\n",
    "CELERY_QUEUES = [  # ours\n    Queue('a', ex),  # a\n\n    # b\n    Queue('b', ex),\n\n]\n",
    "CELERY_QUEUES = OTHER_QUEUES = (Queue('a', ex),)\n",
    "CELERY_QUEUES = []\nCELERY_QUEUES.append(Queue('a', ex))\nCELERY_QUEUES.extend([Queue('b', ex)])\n",
    "CELERY_QUEUES = {'a': {'exchange': 'a', 'routing_key': 'a'}}\nCELERY_QUEUES['b'] = {'exchange': 'b'}\n",
    "CELERY_QUEUES = (Queue('a', ex),) if DEBUG else [\n    Queue('b', ex)]\n",
    "CELERY_QUEUES: tuple = (Queue('a', ex),)\n",
    "CELERY_QUEUES = \\\n    (Queue('a', ex),)\n",
    "CELERY_QUEUES = None\n",
    "CELERY_DEFAULT_QUEUE = 'orders'\n",
    "CELERY_DEFAULT_QUEUE = DEFAULT_QUEUE_NAME = 'default'\nCELERY_DEFAULT_EXCHANGE = 'default'\n",
    "CELERY_DEFAULT_ROUTING_KEY = 'orders.#'\nCELERY_DEFAULT_EXCHANGE_TYPE = 'topic'\n",
    "CELERY_ROUTES = {\n    'orders.tasks.ship': {'queue': 'a'},\n}\n",
    "CELERY_ROUTES = ({'t': 'q'},\n                 'my.Router')\n",
    "CELERY_ROUTES = [('t.*', {'queue': 'q'})]\n",
    "CELERY_ROUTES = ('zc_common.events.routers.TaskRouter')\n",
    "def route(name): return None\nCELERY_ROUTES = (route,)\n",
    "CELERY_IMPORTS = ('orders.tasks', )\n",
    "CELERY_IMPORTS = 'orders.tasks',\n",
    "CELERY_INCLUDE = [\"orders.tasks\"]\n",
    "CELERY_ACCEPT_CONTENT = ['json']\n",
    "BROKER_URL = os.environ.get(\n    'BROKER_URL', 'amqp://guest@localhost:5672//')\n",
    "BROKER_URL = \"amqp://h//;amqp://i//\"\n",
    "BROKER_URL = ['amqp://h//', 'amqp://i//vhost']\n",
    "BROKER_URL = 'amqp://%(h)s:5672//?heartbeat=30' % {'h': HOST}\n",
    "BROKER_URL = f\"amqp://{HOST}:{5672}//\"\n",
    "BROKER_URL = 'amqp://h/' + '/'\n",
    "__all__ = ['DEBUG']\n",
    "__all__ = ('DEBUG',\n           'HOST')\n",
    "events_exchange = None\n",
    "# a comment\n\n\n",
    "\x0c\n",
    "class Helper(object):\n    '''Doc.'''\n\n    x = 1\n",
    "def f():\n    global HOST\n    HOST = 1\n    return (\n        1)\n",
    "TEXT = \"\"\"\nCELERY_QUEUES = (\n    no\n\"\"\"\n",
    "for name in ('a', 'b'):\n    print(name)\n",
    "with open('x') as handle:\n    DATA = handle.read()\n",
    "LOGGING = {\n    'version': 1,\n  'odd': [\n1,\n],\n}\n",
    "assert DEBUG, 'no'  # end\n",
    "print 'python 2'\n",
    "from os import path\nimport sys\n",
];

fn settings() -> impl Strategy<Value = Vec<String>> {
    let head = select(
        &[
            "",
            "\"\"\"Doc.\"\"\"\n",
            "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n",
            "from __future__ import unicode_literals\n\n",
        ][..],
    );
    let usual = "import os\nfrom kombu import Exchange, Queue\nex = Exchange('orders')\nDEBUG = HOST = 'h'\n";
    let start = (head, prop::bool::weighted(0.7))
        .prop_map(move |(head, known)| format!("{head}{}", if known { usual } else { "" }));
    let gap = select(&["", "", "\n", "\n\n", "# a note\n", "\n# about\n# this\n"][..]);
    let block = (gap, select(blocks())).prop_map(|(gap, block)| format!("{gap}{block}"));
    (start, prop::collection::vec(block, 0..7)).prop_map(|(start, mut blocks)| {
        blocks.insert(0, start);
        blocks
    })
}

/// Where the settings stand, and how they are spelled there.
#[derive(Clone, Copy, Debug)]
enum Dialect {
    Plain,
    Namespace,
    NamespaceOldNames,
    Lower,
    Class,
    Keys,
    Conf,
    ConfUpdate,
    Flask,
    Package,
}

fn dialect() -> impl Strategy<Value = Dialect> {
    use Dialect::{
        Class, Conf, ConfUpdate, Flask, Keys, Lower, Namespace, NamespaceOldNames, Package, Plain,
    };
    select(
        &[
            Plain,
            Plain,
            Plain,
            Namespace,
            Namespace,
            NamespaceOldNames,
            Lower,
            Class,
            Keys,
            Conf,
            ConfUpdate,
            Flask,
            Package,
        ][..],
    )
}

impl Dialect {
    fn files(self, blocks: &[String]) -> Vec<(String, String)> {
        let old = blocks.concat();
        let django = |load: &str| {
            format!(
                "import os\nfrom celery import Celery\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'orders.settings')\napp = Celery('orders')\n{load}\n"
            )
        };
        let by_module = "app.config_from_object('django.conf:settings')";
        let by_namespace = "app.config_from_object('django.conf:settings', namespace='CELERY')";
        let two = |settings: (&str, String), celery: String| {
            vec![
                (settings.0.to_owned(), settings.1),
                ("orders/celery.py".to_owned(), celery),
            ]
        };
        match self {
            Self::Plain => two(("orders/settings.py", old), django(by_module)),
            Self::Namespace => two(("orders/settings.py", renamed(&old, "CELERY_TASK_", "CELERY_", "CELERY_BROKER_URL")), django(by_namespace)),
            Self::NamespaceOldNames => two(("orders/settings.py", old), django(by_namespace)),
            Self::Lower => two(
                ("orders/celeryconfig.py", renamed(&old, "task_", "", "broker_url").replace("task_imports", "imports")),
                "from celery import Celery\napp = Celery('orders')\napp.config_from_object('orders.celeryconfig')\n".to_owned(),
            ),
            Self::Class => two(
                ("orders/config.py", format!("{}class CeleryConfig(object):\n    ENABLED = True\n{}", blocks[0], indented(&blocks[1..].concat()))),
                "from celery import Celery\nfrom orders.config import CeleryConfig\napp = Celery('orders')\napp.config_from_object(CeleryConfig)\n".to_owned(),
            ),
            Self::Keys => two(("orders/settings.py", format!("{old}CELERY = {{\n    'broker_url': 'amqp://h//',\n}}\n")), django("from django.conf import settings\napp.config_from_object(settings.CELERY)")),
            Self::Conf => {
                let members = renamed(&old, "app.conf.task_", "app.conf.", "app.conf.broker_url").replace("app.conf.task_imports", "app.conf.imports");
                vec![("orders/celery.py".to_owned(), format!("from celery import Celery\napp = Celery('orders', broker='amqp://h//')\n{members}"))]
            }
            Self::ConfUpdate => vec![(
                "orders/celery.py".to_owned(),
                format!("{old}from celery import Celery\napp = Celery('orders')\napp.conf.update(\n    broker_url='amqp://h//',\n    task_default_queue='orders'\n)\n"),
            )],
            Self::Flask => two(
                ("orders/config.py", old),
                "from celery import Celery\nfrom flask import Flask\nflask_app = Flask('orders')\nflask_app.config.from_object('orders.config')\n\
                 app = Celery('orders', broker=flask_app.config['BROKER_URL'])\napp.conf.update(flask_app.config)\n".to_owned(),
            ),
            Self::Package => {
                let (base, rest) = blocks.split_at(blocks.len().div_ceil(2));
                vec![
                    ("orders/settings/__init__.py".to_owned(), format!("from .base import *\n{}", rest.concat())),
                    ("orders/settings/base.py".to_owned(), base.concat()),
                    ("orders/celery.py".to_owned(), django(by_module)),
                ]
            }
        }
    }
}

/// The settings of the table in another dialect's spelling.
fn renamed(text: &str, task: &str, plain: &str, broker: &str) -> String {
    let lower = task.ends_with("task_") && task != "CELERY_TASK_";
    let spelled = |prefix: &str, name: &str| {
        format!(
            "{prefix}{}",
            if lower {
                name.to_lowercase()
            } else {
                name.to_owned()
            }
        )
    };
    let mut text = text.to_owned();
    for name in [
        "QUEUES",
        "ROUTES",
        "DEFAULT_QUEUE",
        "DEFAULT_EXCHANGE",
        "DEFAULT_ROUTING_KEY",
    ] {
        text = text.replace(&format!("CELERY_{name}"), &spelled(task, name));
    }
    for name in ["IMPORTS", "INCLUDE", "ACCEPT_CONTENT"] {
        text = text.replace(&format!("CELERY_{name}"), &spelled(plain, name));
    }
    text.replace("BROKER_URL", broker)
}

fn indented(text: &str) -> String {
    let line = |line: &str| {
        if line.trim().is_empty() {
            line.to_owned()
        } else {
            format!("    {line}")
        }
    };
    text.split_inclusive('\n').map(line).collect()
}

type Around = &'static [(&'static str, &'static str)];

const MANAGE: (&str, &str) = (
    "manage.py",
    "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'orders.settings')\n",
);
const TASKS: (&str, &str) = (
    "orders/tasks.py",
    "from celery import shared_task\n\n\n@shared_task\ndef ship(order):\n    return order\n",
);

fn layout() -> impl Strategy<Value = Around> {
    select(
        &[
            &[
                MANAGE,
                TASKS,
                (
                    "orders/__init__.py",
                    "from .celery import app as celery_app\n",
                ),
                ("requirements.txt", "Django==3.2.25\ncelery==4.4.7\n"),
            ] as Around,
            &[
                MANAGE,
                TASKS,
                ("orders/__init__.py", ""),
                (
                    "requirements.txt",
                    "Django==1.11.29\ncelery==3.1.26\nzc_common==0.2.12\n",
                ),
            ],
            &[
                MANAGE,
                ("orders/__init__.py", ""),
                ("orders/tasks/__init__.py", ""),
                (
                    "orders/tasks/ship.py",
                    "from orders.celery import app\n\n\n@app.task\ndef ship(order):\n    return order\n",
                ),
                ("requirements.txt", "celery==5.4.0\nDjango==4.2\n"),
                (".env.sample", "BROKER_URL=amqp://guest@localhost//\nA=1"),
            ],
            &[
                TASKS,
                ("orders/__init__.py", ""),
                (
                    "requirements.txt",
                    "celery>=5.7\nzc_common==0.2.12\nDjango\n",
                ),
                (
                    "docker-compose.yml",
                    "services:\n  worker:\n    command: celery -A orders worker -Q a\n    environment:\n      BROKER_URL: amqp://rabbit//\n",
                ),
            ],
        ][..],
    )
}

/// How the text is put into bytes.
#[derive(Clone, Copy, Debug)]
struct Bytes {
    newline: &'static str,
    tabs: bool,
    mark: bool,
    open: bool,
}

fn any_bytes() -> impl Strategy<Value = Bytes> {
    let newline = prop_oneof![6 => Just("\n"), 3 => Just("\r\n"), 1 => Just("\r")];
    let rare = || prop::bool::weighted(0.2);
    (newline, rare(), rare(), rare()).prop_map(|(newline, tabs, mark, open)| Bytes {
        newline,
        tabs,
        mark,
        open,
    })
}

impl Bytes {
    fn of(self, text: &str) -> Vec<u8> {
        let text = if self.tabs {
            text.replace("    ", "\t")
        } else {
            text.to_owned()
        };
        let text = if self.open {
            text.trim_end_matches('\n')
        } else {
            &text
        };
        let mark = if self.mark { "\u{feff}" } else { "" };
        format!("{mark}{}", text.replace('\n', self.newline)).into_bytes()
    }
}
