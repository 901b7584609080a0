"""Sends from inside a service, in its own Python: `sender.py APP TASKS`.

Reads one JSON array of steps, [what, ...]: `forget`, names of queues and of
exchanges; `emit`, an event by the library's emitter; `publish`, raw message
bodies for the exchange; `call`, a task, its arguments and options.
APP is MODULE:NAME, TASKS the tasks' module. Python 2.7 and 3 alike.
"""

import importlib
import json
import os
import sys

from django.conf import settings


def main():
    module, name = sys.argv[1].split(":")
    app = getattr(importlib.import_module(module), name)
    tasks = importlib.import_module(sys.argv[2])
    for step in json.load(sys.stdin):
        what, arguments = step[0], step[1:]
        if what == "emit":
            emit(*arguments)
        elif what == "call":
            task, args, options = arguments
            getattr(tasks, task).apply_async(args, **options)
        else:
            {"forget": forget, "publish": publish}[what](app, *arguments)


def emit(args, kwargs):
    from zc_common.events.emit import emit_microservice_event

    if "DJANGO_SETTINGS_MODULE" not in os.environ and not settings.configured:
        # A service without Django has no emitter: another one sends.
        url = os.environ["BROKER_URL"]
        settings.configure(BROKER_URL=url, SERVICE_NAME="another")
    emit_microservice_event(*args, **kwargs)


def forget(app, queues, exchanges):
    """What an earlier service left on the broker."""
    with app.connection() as connection:
        for queue in queues:
            connection.default_channel.queue_delete(queue)
        for exchange in exchanges:
            connection.default_channel.exchange_delete(exchange)


def publish(app, bodies):
    with app.connection() as connection:
        producer = connection.Producer(serializer="json")
        for body in bodies:
            producer.publish(body, exchange="microservice-events")


if __name__ == "__main__":
    main()
