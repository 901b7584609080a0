"""What Celery makes of services' settings: asked of each service's real app.

Reads [{"root", "module", "variable"}, ...], answers with a list in the same
order: what was resolved, or {"error": last line}. Every service gets a fork of
its own of one process that has Celery imported. Python 2.7 and 3 alike.
"""

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
import kombu.transport.memory
import kombu.transport.virtual

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
sys.path.insert(0, os.path.join(ROOT, "templates", "doctor"))
sys.dont_write_bytecode = True  # all that is in templates is embedded
import probe  # noqa: E402

EVENT = "microservice.event"


def main():
    probe.watch_definitions(EVENT)
    probe.watch_publishing()
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
            answer = resolved(
                probe.load(service["module"], service["variable"])
            )
        except BaseException:
            return {
                "error": probe.last_line(),
                "where": where(service["root"]),
            }
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


def where(root):
    frames = traceback.extract_tb(sys.exc_info()[2])
    own = [frame for frame in frames if frame[0].startswith(root)] or frames
    return "{}:{}".format(os.path.relpath(own[-1][0], root), own[-1][1])


def resolved(app):
    queues = list(probe.consumed(app))
    tasks = probe.ordinary_tasks(app, EVENT)
    return {
        "celery": celery.__version__,
        "consumed": dict((q.name, probe.described(q)) for q in queues),
        "routes": dict((name, probe.route(app, name)) for name in tasks),
        "chosen": dict(
            ("{} {}".format(name, q.name), probe.route(app, name, q.name))
            for name in tasks
            for q in queues
        ),
        "event": {
            "defined": probe.DEFINED,
            "registered": probe.module_of(app.tasks.get(EVENT)),
            "route": probe.route(app, EVENT) if EVENT in app.tasks else None,
        },
        "imports": sorted(probe.modules_to_import(app)),
        "broker": probe.brokers(app),
        "django": probe.django_settings(),
    }


if __name__ == "__main__":
    main()
