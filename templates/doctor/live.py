"""What the broker that an app names says, and whether a probe event arrives.

Runs in front of probe.py, which loads the app. Nothing is created but queues
of our own, which go with the connection; nothing is changed that is not put
back. Python 2.7 and 3, Celery 3.1 to 5.
"""

import functools
import socket
import ssl
import time
import uuid

import kombu


def live(app, question):
    """The replies to {"queue", "exchange", "type", "arguments", "event",
    "seconds", "send"}, as far as they came; "stopped" says why no further."""
    replies = {}
    try:
        with connected(app, question["seconds"]) as connection:
            declared(connection, question, replies)
            if question["send"]:
                sent(app, connection, question, replies)
    except Exception as error:
        replies["stopped"] = trouble(error)
    return replies


def connected(app, seconds):
    connection = app.connection(
        connect_timeout=seconds,
        transport_options={
            "connect_timeout": seconds,
            "read_timeout": seconds,
            "write_timeout": seconds,
            "max_retries": 1,
            # amqp 1 does not ask for it: a wrong password would be a closed
            # connection, without a word.
            "client_properties": {
                "capabilities": {"authentication_failure_close": True}
            },
        },
    )
    connection.connect()
    return connection


def trouble(error):
    """One word for what went wrong, and the error's own."""
    for kind, fits in KINDS:
        if fits(error):
            return [kind, told(error)]
    return ["other", told(error)]


def told(error):
    text = "{}: {}".format(type(error).__name__, error)
    return text if isinstance(text, str) else text.encode("utf-8")


def name_of(error):
    return type(error).__name__


def chain(error):
    """The error, and those that it came from."""
    while error is not None:
        yield error
        error = getattr(error, "__cause__", None) or getattr(
            error, "__context__", None
        )


def any_in_chain(test):
    return lambda error: any(test(each) for each in chain(error))


def has_code(code):
    return any_in_chain(
        lambda error: getattr(error, "reply_code", getattr(error, "code", 0))
        == code
    )


KINDS = [
    ("tls", any_in_chain(lambda error: isinstance(error, ssl.SSLError))),
    ("login", has_code(403)),
    ("login", any_in_chain(lambda error: name_of(error) == "AccessRefused")),
    ("vhost", has_code(530)),
    ("vhost", any_in_chain(lambda error: name_of(error) == "NotAllowed")),
    ("timeout", any_in_chain(lambda error: isinstance(error, socket.timeout))),
    ("name", any_in_chain(lambda error: isinstance(error, socket.gaierror))),
    ("refused", any_in_chain(lambda error: getattr(error, "errno", 0) == 111)),
    (
        "closed",
        any_in_chain(
            lambda error: "closed" in str(error).lower()
            or getattr(error, "errno", 0) in (32, 104)
        ),
    ),
]


def declared(connection, question, replies):
    """Whether exchange and queue are there, and as we would declare them.

    To declare again what is there changes nothing: the broker only compares.
    """
    exchange, queue = question["exchange"], question["queue"]
    replies["exchange"] = compared(
        connection,
        lambda channel: channel.exchange_declare(
            exchange, question["type"], passive=True
        ),
        lambda channel: channel.exchange_declare(
            exchange, question["type"], durable=True, auto_delete=False
        ),
    )[0]
    replies["queue"], ok = compared(
        connection,
        lambda channel: channel.queue_declare(queue, passive=True),
        lambda channel: channel.queue_declare(
            queue,
            durable=True,
            auto_delete=False,
            arguments=question["arguments"] or None,
        ),
    )
    if ok:
        replies["messages"], replies["consumers"] = ok[1], ok[2]


def compared(connection, look, declare):
    """["missing" | "differs" | "right", the broker's words], what it told."""
    try:
        channel = connection.channel()
        found = look(channel)
    except connection.channel_errors as error:
        kind = "missing" if has_code(404)(error) else "forbidden"
        return [kind, told(error)], None
    try:
        declare(channel)
    except connection.channel_errors as error:
        kind = "differs" if has_code(406)(error) else "forbidden"
        return [kind, told(error)], found
    channel.close()
    return ["right", ""], found


def sent(app, connection, question, replies):
    """Sends an event that no handler knows, and waits for a worker's word."""
    control = app.control.inspect(
        connection=connection, timeout=min(2, question["seconds"])
    )
    queues = control.active_queues() or {}
    workers = sorted(
        name
        for name, active in queues.items()
        if any(each["name"] == question["queue"] for each in active)
    )
    replies["workers"] = workers
    if not workers:
        return
    told_before = enabled(app, connection, workers)
    try:
        replies["events"] = events_of(app, connection, question)
    finally:
        if told_before:
            app.control.broadcast(
                "disable_events",
                destination=told_before,
                connection=connection,
            )


def enabled(app, connection, workers):
    """Makes workers tell what they do; those that did not before."""
    answers = app.control.broadcast(
        "enable_events",
        destination=workers,
        connection=connection,
        reply=True,
        timeout=2,
    )
    return [
        name
        for answer in answers or ()
        for name, said in answer.items()
        if "already" not in str(said)
    ]


def events_of(app, connection, question):
    """What workers tell of our event: received, succeeded, failed."""
    identity = str(uuid.uuid4())
    heard = []

    def hear(event):
        if event.get("uuid") == identity:
            heard.append(event["type"])

    channel = connection.channel()
    receiver = app.events.Receiver(connection, handlers={"*": hear})
    consumer = functools.partial(kombu.Consumer, channel)
    for each in receiver.get_consumers(consumer, channel):
        each.consume()
    publish(channel, question, identity)
    deadline = time.time() + question["seconds"]
    while time.time() < deadline and not ENDED.intersection(heard):
        try:
            connection.drain_events(timeout=1)
        except socket.timeout:
            pass
    channel.close()  # our queue of events goes with it
    return sorted(set(heard))


ENDED = {"task-succeeded", "task-failed", "task-rejected"}


def publish(channel, question, identity):
    """As the emitter does: through the exchange, so that bindings count."""
    body = {
        "task": question["task"],
        "id": identity,
        "args": [question["event"]],
        "kwargs": {
            "task_id": identity,
            "resource_type": "scaffold-events doctor",
            "resource_id": None,
            "user_id": None,
        },
    }
    kombu.Producer(channel).publish(
        body,
        exchange=question["exchange"],
        routing_key="",
        serializer="json",
    )
