"""`doctor` on real services: it finds each planted defect, and nothing else.

A row takes a fixture as `init` leaves it (FIXTURE/in: as it was before),
plants one defect, and names the finding that must come. What is asked is the
service's own Celery.
"""

import collections
import json
import os
import subprocess

from compiles import FIXTURES
from environments import environment
from service import fresh_copy, output_of

Planted = collections.namedtuple(
    "Planted", "name fixture environment edits code arguments"
)
Planted.__new__.__defaults__ = ((),)

SETTINGS = "orders/settings.py"
LISTENER = "orders/microservice_events_listener.py"
ROUTER = "('zc_common.events.routers.TaskRouter',)"
OLD = ("router-when-every-condition-holds", "celery-3.1-python-3.6")
PY2 = ("router-when-every-condition-holds", "celery-3.1-python-2.7")
MIDDLE = ("tasks-module-is-never-shadowed", "celery-4.4")
NEW = ("namespace-in-config-from-object", "celery-5.4")
# The listener as the page of documentation has it.
SEED = """\
import logging

from orders.celery import app
from orders import microservice_events


@app.task(name='microservice.event')
def microservice_event(event_type, *args, **kwargs):
    if hasattr(microservice_events, event_type):
        {log}.info('PROCESSED %s', event_type)
        getattr(microservice_events, event_type)(*args, **kwargs)
"""
# The page's other texts, word for word.
BARE = (OLD[0] + "/in", OLD[1])
PAGE_SETTINGS = """SERVICE_NAME = 'orders'

events_exchange = Exchange('microservice-events', type='fanout')

CELERY_QUEUES = (
    # Add this line
    Queue(SERVICE_NAME + '-events', events_exchange),
)

CELERY_ROUTES = ('zc_common.events.routers.TaskRouter', )

CELERY_IMPORTS = (
    'orders.microservice_events_listener',
)
"""
PAGE = {
    SETTINGS: [("DEBUG = True\n", PAGE_SETTINGS)],
    LISTENER: SEED.format(log="logger"),
    "orders/microservice_events.py": "",
}
KOMBU = ("import os\n", "import os\nfrom kombu import Exchange, Queue\n")
PLANTED = [
    Planted(
        "the page followed to the letter",
        *BARE,
        PAGE,
        "app-not-loaded",
    ),
    Planted(
        "the page and an import of kombu",
        *BARE,
        {**PAGE, SETTINGS: PAGE[SETTINGS] + [KOMBU]},
        "listener-undefined-name",
    ),
    Planted(
        "new names without a namespace",
        *OLD,
        {
            SETTINGS: [
                ("CELERY_QUEUES", "CELERY_TASK_QUEUES"),
                ("CELERY_ROUTES", "CELERY_TASK_ROUTES"),
            ]
        },
        "names-not-read",
    ),
    Planted(
        "a package beside tasks.py",
        *MIDDLE,
        {"orders/tasks/__init__.py": ""},
        "tasks-shadowed",
    ),
    Planted(
        "the router's default queue undeclared",
        *OLD,
        {SETTINGS: [("Exchange('default', ", "Exchange('celery', ")]},
        "ordinary-task-lost",
    ),
    Planted(
        "the router in front of a route",
        *PY2,
        {
            SETTINGS: [
                (
                    ROUTER,
                    ROUTER[:-1]
                    + " {'orders.tasks.send_confirmation':"
                    + " {'queue': 'celery'}})",
                )
            ]
        },
        "route-overridden",
    ),
    Planted(
        "two slashes for pika",
        *NEW,
        {SETTINGS: [("5672/%2F", "5672//")]},
        "broker-vhost-differs",
    ),
    Planted(
        "no logger",
        *OLD,
        {LISTENER: SEED.format(log="logger")},
        "listener-undefined-name",
    ),
    Planted(
        "settings overwritten in production",
        *NEW,
        {
            "orders/production.py": "from orders.settings import *  # noqa\n"
            "CELERY_TASK_QUEUES = (Queue('celery'),)\n",
            ".env": "DJANGO_SETTINGS_MODULE=orders.production\n",
        },
        "events-queue-missing",
        ("--env-file", ".env"),
    ),
    Planted(
        "whatever the sender names is called",
        *PY2,
        {LISTENER: SEED.format(log="logging")},
        "dispatch-unsafe",
    ),
    Planted(
        "a worker with -Q",
        *MIDDLE,
        {"Procfile": "worker: celery -A orders worker -Q celery\n"},
        "worker-leaves-out-events",
    ),
    Planted(
        "two listeners",
        *OLD,
        {
            "orders/other.py": SEED.format(log="logging"),
            SETTINGS: [
                ("CELERY_IMPORTS = (", "CELERY_IMPORTS = ('orders.other', ")
            ],
        },
        "listener-twice",
    ),
    Planted(
        "a direct exchange",
        *OLD,
        {SETTINGS: [("type='fanout'", "type='direct'")]},
        "events-queue-misbound",
    ),
]
RIGHT = [
    OLD,
    PY2,
    ("queues-as-dict", "celery-3.1-python-3.6"),
    MIDDLE,
    ("settings-split-with-star-import", "celery-4.4"),
    NEW,
    ("router-under-a-namespace", "celery-5.4"),
    ("conf-update-with-keywords", "celery-5.4"),
    ("class-config-object", "celery-5.4"),
    ("celery-dict-in-settings", "celery-5.4"),
    ("quorum-default-queue-type", "celery-5.7"),
    ("zc-events-2-queues-as-dict", "zc-events-0.3.6"),
]


HERE = FIXTURES.parents[1] / "target" / "live" / "doctor"


def doctor_knows(report, program):
    """A check for each planted defect and each right service."""
    for row in PLANTED:
        title = "doctor: {} is {}".format(row.name, row.code)
        report.check(title, is_found, program, row)
    for fixture, name in RIGHT:
        title = "doctor: {} on {} is right".format(fixture, name)
        report.check(title, is_right, program, fixture, name)
    for check in (
        own_contracts_are_judged_by,
        what_a_service_prints_is_not_its_answer,
        live_needs_a_yes,
    ):
        title = "doctor: " + check.__name__.replace("_", " ")
        report.check(title, check, program)


def is_found(program, row):
    directory = HERE / "planted"
    fixture = row.fixture if "/" in row.fixture else row.fixture + "/out"
    fresh_copy(FIXTURES / fixture, directory)
    plant(directory, row.edits)
    codes = diagnosis(
        program, directory, environment(row.environment), *row.arguments
    )
    assert row.code in codes, codes


def is_right(program, fixture, name):
    directory = HERE / "right"
    fresh_copy(FIXTURES / fixture / "out", directory)
    codes = diagnosis(program, directory, environment(name))
    assert not codes, codes


def own_contracts_are_judged_by(program):
    """As the page about contracts has one; with another queue it is wrong."""
    directory = HERE / "own-contract"
    fresh_copy(FIXTURES / "broker-plain-literal" / "in", directory)
    folder = directory / "contracts" / "acme-bus"
    folder.mkdir(parents=True)
    page = (FIXTURES.parents[1] / "docs" / "contracts.md").read_text()
    for part in page.split("\n`contracts/acme-bus/")[1:]:
        name, code = part.split("`\n\n```", 1)
        text = code.split("\n", 1)[1].split("```", 1)[0]
        (folder / name).write_text(text)
    init = [program, "init", "-y", "--contract", "contracts/acme-bus"]
    output_of([*init, directory])
    python = environment(MIDDLE[1])
    codes = diagnosis(program, directory, python)
    assert not codes, codes
    plant(directory, {SETTINGS: [("'lazy'", "'eager'")]})
    codes = diagnosis(program, directory, python)
    assert "events-queue-arguments" in codes, codes


def what_a_service_prints_is_not_its_answer(program):
    fixture, name = OLD
    directory = HERE / "prints"
    fresh_copy(FIXTURES / fixture / "out", directory)
    noise = "import os\nprint('{')\nos.write(1, b'[')\n"
    plant(directory, {SETTINGS: [("import os\n", noise)]})
    codes = diagnosis(program, directory, environment(name))
    assert not codes, codes


def live_needs_a_yes(program):
    """Without a terminal nobody can be asked."""
    done = subprocess.run(
        [str(program), "doctor", str(FIXTURES / OLD[0] / "out"), "--live"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert done.returncode == 2 and "say so with `-y`" in done.stderr, done


def plant(directory, edits):
    for name, edit in edits.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        if isinstance(edit, str):
            path.write_text(edit)
            continue
        text = path.read_text()
        for old, new in edit:
            assert old in text, "{} has no {}".format(name, old)
            text = text.replace(old, new)
        path.write_text(text)


def diagnosis(program, directory, python, *arguments, **variables):
    """Codes of what is worse than a note; its levels decide the exit."""
    findings = told(program, directory, python, arguments, variables)
    return [each["code"] for each in findings if each["level"] != "note"]


def told(program, directory, python, arguments, variables):
    command = [program, "--format", "json", "doctor", directory]
    command += ["--python", python, *arguments]
    done = subprocess.run(
        [str(part) for part in command],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert done.stdout, done.stderr
    findings = json.loads(done.stdout)["services"][0]["findings"]
    errors = any(each["level"] == "error" for each in findings)
    assert done.returncode == (1 if errors else 0), done
    return findings
