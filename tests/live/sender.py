"""Sends from inside a service, in its own Python: `sender.py APP TASK`.

Reads one JSON object: `emit`, events for the library's emitter; `publish`,
raw message bodies for the exchange; `delay`, arguments of the ordinary TASK.
APP and TASK are MODULE:NAME. Python 2.7 and 3 alike.
"""

import importlib
import json
import sys


def main():
    app, task = [attribute(path) for path in sys.argv[1:]]
    work = json.load(sys.stdin)
    for args, kwargs in work.get("emit", ()):
        emit(*args, **kwargs)
    publish(app, work.get("publish", ()))
    for args in work.get("delay", ()):
        task.delay(*args)


def attribute(path):
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


def emit(*args, **kwargs):
    from zc_common.events.emit import emit_microservice_event

    emit_microservice_event(*args, **kwargs)


def publish(app, bodies):
    with app.connection() as connection:
        producer = connection.Producer(serializer="json")
        for body in bodies:
            producer.publish(body, exchange="microservice-events")


if __name__ == "__main__":
    main()
