"""`doctor` on real services: it finds each planted defect, and nothing else.

A row takes a fixture as `init` leaves it, plants one defect, and names the
finding that must come. What is asked is the service's own Celery.
"""

import collections
import contextlib
import json
import os
import socket
import subprocess

from broker import NoBroker, private_broker, queue_names
from compiles import FIXTURES
from environments import environment
from service import Service, append, fresh_copy

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
PLANTED = [
    Planted(
        "the page followed to the letter",
        *OLD,
        {SETTINGS: [("from kombu import Exchange, Queue\n", "")]},
        "app-not-loaded",
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
BROKER = str(HERE / "broker")


def doctor_knows(report, program):
    """A check for each planted defect, each right service, each broker."""
    for row in PLANTED:
        title = "doctor: {} is {}".format(row.name, row.code)
        report.check(title, is_found, program, row)
    for fixture, name in RIGHT:
        title = "doctor: {} on {} is right".format(fixture, name)
        report.check(title, is_right, program, fixture, name)
    for name, code, url in UNREACHABLE:
        title = "doctor --live: {} is {}".format(name, code)
        report.check(title, is_unreachable, program, code, url)
    try:
        with private_broker(BROKER) as url:
            for check in LIVE:
                title = check.__name__.replace("_", " ")
                report.check("doctor --live: " + title, check, program, url)
    except (NoBroker, OSError) as error:
        report.fail("doctor --live: a broker of its own", error)


def is_found(program, row):
    directory = HERE / "planted"
    fresh_copy(FIXTURES / row.fixture / "out", directory)
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


CELERY = "celery-5.4"
UNREACHABLE = [
    ("a closed port", "broker-down", "amqp://guest:guest@127.0.0.1:1/%2F"),
    ("no such host", "broker-host-unknown", "amqp://no.such.host.invalid/%2F"),
]


def is_unreachable(program, code, url):
    codes = live(program, scene("unreachable"), url)
    assert codes == [code], codes


def live_service(directory):
    """A service that takes its broker from the environment."""
    fresh_copy(FIXTURES / NEW[0] / "out", directory)
    append(
        directory / SETTINGS,
        "import os\n\n"
        'CELERY_BROKER_URL = BROKER_URL = os.environ["LIVE_URL"]\n',
    )


def live(program, directory, url, *arguments):
    return diagnosis(
        program,
        directory,
        environment(CELERY),
        "--live",
        "--yes",
        *arguments,
        LIVE_URL=url,
    )


def a_wrong_password_is_told(program, url):
    directory = scene("password")
    codes = live(program, directory, url.replace("guest@", "wrong@"))
    assert codes == ["broker-login-refused"], codes


def a_vhost_that_is_not_there_is_told(program, url):
    directory = scene("vhost")
    codes = live(program, directory, url.replace("%2F", "elsewhere"))
    assert codes == ["broker-vhost-refused"], codes


def plain_text_to_a_tls_client_is_told(program, url):
    directory = scene("tls")
    append(directory / SETTINGS, "CELERY_BROKER_USE_SSL = True\n")
    codes = live(program, directory, url)
    assert codes == ["broker-tls"], codes


def a_broker_that_says_nothing_is_told(program, url):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        silence = "amqp://guest:guest@127.0.0.1:{}/%2F".format(port)
        codes = live(program, scene("silent"), silence, "--timeout", "2")
    assert codes == ["broker-timeout"], codes


def a_service_that_never_ran_is_told(program, url):
    codes = live(program, scene("never-ran"), url)
    assert codes == ["live-exchange-missing", "live-queue-missing"], codes


def a_probe_event_is_received_and_leaves_nothing(program, url):
    directory = scene("received")
    with worker(directory, url):
        before = queue_names(BROKER)
        python = environment(CELERY)
        arguments = ["--live", "--yes"]
        findings = told(
            program, directory, python, arguments, {"LIVE_URL": url}
        )
        codes = [each["code"] for each in findings]
        assert "live-event-received" in codes, findings
        assert queue_names(BROKER) == before, before


def a_queue_that_nobody_consumes_is_told(program, url):
    codes = live(program, scene("unconsumed"), url)
    assert codes == ["live-queue-unconsumed"], codes


def a_queue_with_other_arguments_is_told(program, url):
    declare(
        url,
        "channel.queue_delete('orders-events');"
        "channel.queue_declare('orders-events', durable=True,"
        " auto_delete=False, arguments={'x-max-priority': 10})",
    )
    codes = live(program, scene("arguments"), url)
    assert codes == ["live-queue-differs"], codes
    declare(url, "channel.queue_delete('orders-events')")


def an_exchange_of_another_type_is_told(program, url):
    declare(
        url,
        "channel.exchange_delete('microservice-events');"
        "channel.exchange_declare('microservice-events', 'topic',"
        " durable=True, auto_delete=False)",
    )
    codes = live(program, scene("type"), url)
    assert "live-exchange-differs" in codes, codes


LIVE = [
    a_wrong_password_is_told,
    a_vhost_that_is_not_there_is_told,
    plain_text_to_a_tls_client_is_told,
    a_broker_that_says_nothing_is_told,
    a_service_that_never_ran_is_told,
    a_probe_event_is_received_and_leaves_nothing,
    a_queue_that_nobody_consumes_is_told,
    a_queue_with_other_arguments_is_told,
    an_exchange_of_another_type_is_told,
]


def scene(name):
    directory = HERE / name
    live_service(directory)
    return directory


@contextlib.contextmanager
def worker(directory, url):
    service = Service(directory, environment(CELERY), url)
    service.environment["LIVE_URL"] = url
    with service.worker("orders.celery:app"):
        yield


def declare(url, statements):
    """Run statements with a channel to the broker, as an administrator."""
    code = (
        "import kombu\n"
        "with kombu.Connection({!r}) as connection:\n"
        "    channel = connection.channel()\n"
        "    {}\n"
    )
    python = environment(CELERY)
    command = [str(python), "-c", code.format(url, statements)]
    subprocess.run(command, check=True)
