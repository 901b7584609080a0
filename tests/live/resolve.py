"""What Celery makes of services' settings: asked of each service's real app.

Reads [{"root", "module", "variable"}, ...], answers with a list in the same
order: what was resolved, or {"error": last line}. Every service gets a fork of
its own of one process that has Celery imported. Python 2.7 and 3 alike.
"""

import importlib
import json
import logging
import os
import sys
import tempfile
import traceback
import warnings

import celery
import celery.app.amqp
import celery.app.base
import celery.fixups.django
import django.conf
import django.core.checks
import kombu
import kombu.transport.memory
import kombu.transport.virtual
from kombu.utils.url import parse_url

EVENT = "microservice.event"
DEFINED = []  # modules that asked for a task of the event's name
PUBLISHED = []  # [exchange, routing key] of what was sent


def main():
    sys.dont_write_bytecode = True
    watch_definitions()
    watch_publishing()
    answers = [in_a_fork(service) for service in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


def in_a_fork(service):
    with tempfile.TemporaryFile(mode="w+") as answer:
        child = os.fork()
        if not child:
            try:
                silence()
                json.dump(answer_for(service), answer)
                answer.flush()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        answer.seek(0)
        return json.loads(answer.read() or '{"error": "the process ended"}')


def silence():
    """Our own output is the answer; a service may print what it likes."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def answer_for(service):
    os.chdir(service["root"])
    os.environ.update(service["environ"])
    sys.path.insert(0, service["root"])
    log = Log()
    logging.getLogger().addHandler(log)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = resolved(load(service))
        except BaseException:
            return {"error": last_line(), "where": where(service["root"])}
        answer["complaints"] = sorted(
            {
                "{}: {}".format(each.category.__name__, each.message)
                for each in caught
                if "unclosed file" not in str(each.message)  # Celery's own
            }
            | set(log.lines)
        )
    return answer


class Log(logging.Handler):
    def __init__(self):
        logging.Handler.__init__(self, logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def last_line():
    kind, value = sys.exc_info()[:2]
    text = traceback.format_exception_only(kind, value)[-1].strip()
    return text if isinstance(text, str) else text.encode("utf-8")


def where(root):
    frames = traceback.extract_tb(sys.exc_info()[2])
    own = [frame for frame in frames if frame[0].startswith(root)] or frames
    return "{}:{}".format(os.path.relpath(own[-1][0], root), own[-1][1])


def load(service):
    app = importlib.import_module(service["module"])
    for name in service["variable"].split("."):
        app = getattr(app, name)
    app.finalize()
    app.loader.import_default_modules()
    return app


def resolved(app):
    consumed = app.amqp.queues.consume_from
    if callable(consumed):
        consumed = consumed()
    tasks = [
        name
        for name in sorted(app.tasks)
        if not name.startswith("celery.") and name != EVENT
    ]
    return {
        "celery": celery.__version__,
        "consumed": dict((q.name, described(q)) for q in consumed.values()),
        "routes": dict((name, route(app, name)) for name in tasks),
        "chosen": dict(
            ("{} {}".format(name, queue.name), route(app, name, queue.name))
            for name in tasks
            for queue in consumed.values()
        ),
        "event": {
            "defined": DEFINED,
            "registered": module_of(app.tasks.get(EVENT)),
            "route": route(app, EVENT) if EVENT in app.tasks else None,
        },
        "imports": sorted(modules_to_import(app)),
        "broker": brokers(app),
        "django": django_settings(),
    }


def described(queue):
    return {
        "exchange": queue.exchange.name,
        "type": queue.exchange.type,
        "key": queue.routing_key,
        "arguments": queue.queue_arguments or {},
        "binding": queue.binding_arguments or {},
        "bindings": sorted(map(repr, queue.bindings)),
        "durable": [queue.durable, queue.exchange.durable],
        "passing": [queue.exclusive, queue.auto_delete],
    }


def module_of(task):
    return task and type(task).__module__ and task.__module__


def modules_to_import(app):
    conf = app.conf
    found = set()
    for name in ("imports", "include", "CELERY_IMPORTS", "CELERY_INCLUDE"):
        value = conf.get(name) or ()
        found.update([value] if hasattr(value, "split") else value)
    return found | set(app.loader.builtin_modules)


def route(app, name, queue=None):
    """Where a call of this task is really published."""
    del PUBLISHED[:]
    task = app.tasks[name]
    task.typing = False
    app.conf.task_always_eager = app.conf.CELERY_ALWAYS_EAGER = False
    chosen = {"queue": queue} if queue else {}
    with kombu.Connection("memory://") as connection:
        try:
            task.apply_async(
                (), {}, connection=connection, ignore_result=True, **chosen
            )
        except Exception:
            return ["error", last_line()]
    return PUBLISHED[-1]


def watch_publishing():
    def basic_publish(channel, message, exchange, routing_key, **kwargs):
        PUBLISHED.append([exchange, routing_key])

    kombu.transport.virtual.Channel.basic_publish = basic_publish
    kombu.transport.memory.Channel.basic_publish = basic_publish


def watch_definitions():
    original = celery.app.base.Celery._task_from_fun

    def task_from_fun(app, function, *args, **options):
        name = options.get("name") or (args[0] if args else None)
        if name == EVENT:
            DEFINED.append(function.__module__)
        return original(app, function, *args, **options)

    celery.app.base.Celery._task_from_fun = task_from_fun


def brokers(app):
    """As kombu reads the URL; the environment's beats the settings' one."""
    connection = app.connection()
    return [parts_of(url) for url in connection.alt or []] or [
        [
            connection.transport_cls,
            connection.hostname,
            connection.port,
            connection.virtual_host or "/",
        ]
    ]


def parts_of(url):
    parts = parse_url(url)
    vhost = parts["virtual_host"] or "/"
    return [parts["transport"], parts["hostname"], parts["port"], vhost]


def django_settings():
    settings = django.conf.settings
    if not (settings.configured or "DJANGO_SETTINGS_MODULE" in os.environ):
        return None
    names = ("BROKER_URL", "SERVICE_NAME", "DEFAULT_QUEUE_NAME")
    return dict((name, getattr(settings, name, None)) for name in names)


if __name__ == "__main__":
    main()
