"""`doctor --live` against a broker of its own: what is there, and what is not.

The broker is private to these checks, since they leave queues and exchanges
there as no service would.
"""

import contextlib
import re
import socket
import subprocess

from broker import NoBroker, private_broker, queue_names
from compiles import FIXTURES
from doctor import HERE, MIDDLE, NEW, OLD, PY2, SETTINGS, told
from environments import Missing, environment
from service import Service, append, fresh_copy

BROKER = str(HERE / "broker")
QUORUM = ("quorum-default-queue-type", "celery-5.7")
UNREACHABLE = [
    ("a closed port", "broker-down", "amqp://guest:guest@127.0.0.1:1/%2F"),
    ("no such host", "broker-host-unknown", "amqp://no.such.host.invalid/%2F"),
]


def doctor_asks_the_broker(report, program):
    for name, code, url in UNREACHABLE:
        title = "doctor --live: {} is {}".format(name, code)
        report.check(title, is_unreachable, program, code, url)
    try:
        with private_broker(BROKER) as url:
            for check in ONCE:
                check_it(report, check, Asked(program, url, *NEW))
            for generation in (PY2, OLD, MIDDLE, NEW, QUORUM):
                for check in EACH:
                    check_it(report, check, Asked(program, url, *generation))
            for check in LAST:
                check_it(report, check, Asked(program, url, *NEW))
    except (NoBroker, OSError) as error:
        report.fail("doctor --live: a broker of its own", error)


def check_it(report, check, asked):
    title = "doctor --live on {}: {}".format(
        asked.name, check.__name__.replace("_", " ")
    )
    try:
        environment(asked.name)
    except Missing as missing:
        report.skip(missing, 1)
        return
    report.check(title, check, asked)


class Asked:
    """A service that takes its broker from the environment, and its doctor."""

    def __init__(self, program, url, fixture, name):
        self.program = program
        self.url = url
        self.name = name
        self.directory = HERE / "live" / name
        fresh_copy(FIXTURES / fixture / "out", self.directory)
        settings = self.directory / SETTINGS
        names = re.findall(r"(?m)^(\w*BROKER_URL) =", settings.read_text())
        line = " = ".join([*names, 'os.environ["LIVE_URL"]'])
        append(settings, "import os\n\n{}\n".format(line))

    def findings(self, *arguments, url=None):
        return told(
            self.program,
            self.directory,
            environment(self.name),
            ["--live", "--yes", *arguments],
            {"LIVE_URL": url or self.url},
        )

    def codes(self, *arguments, url=None):
        """Of what is worse than a note."""
        findings = self.findings(*arguments, url=url)
        return [each["code"] for each in findings if each["level"] != "note"]

    @contextlib.contextmanager
    def worker(self):
        service = Service(self.directory, environment(self.name), self.url)
        service.environment["LIVE_URL"] = self.url
        with service.worker("orders.celery:app"):
            yield

    def administer(self, statements):
        """Run statements with a channel to the broker."""
        code = (
            "import kombu\n"
            "with kombu.Connection({!r}) as connection:\n"
            "    channel = connection.channel()\n"
            "    {}\n"
        )
        code = code.format(self.url, statements)
        command = [str(environment(self.name)), "-c", code]
        subprocess.run(command, check=True)


def is_unreachable(program, code, url):
    codes = Asked(program, url, *NEW).codes()
    assert codes == [code], codes


def a_service_that_never_ran_is_told(asked):
    before = queue_names(BROKER)
    codes = asked.codes()
    assert codes == ["live-exchange-missing", "live-queue-missing"], codes
    assert queue_names(BROKER) == before, "something was declared"


def a_vhost_that_is_not_there_is_told(asked):
    codes = asked.codes(url=asked.url.replace("%2F", "elsewhere"))
    assert codes == ["broker-vhost-refused"], codes


def plain_text_to_a_tls_client_is_told(asked):
    append(asked.directory / SETTINGS, "CELERY_BROKER_USE_SSL = True\n")
    codes = asked.codes()
    assert codes == ["broker-tls"], codes


def a_broker_that_says_nothing_is_told(asked):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        silence = "amqp://guest:guest@127.0.0.1:{}/%2F".format(port)
        codes = asked.codes("--timeout", "2", url=silence)
    assert codes == ["broker-timeout"], codes


def a_wrong_password_is_told(asked):
    codes = asked.codes(url=asked.url.replace("guest@", "wrong@"))
    assert codes == ["broker-login-refused"], codes


def a_probe_event_is_received_and_leaves_nothing(asked):
    with asked.worker():
        before = queue_names(BROKER)
        findings = asked.findings()
        codes = [each["code"] for each in findings]
        assert "live-event-received" in codes, findings
        assert queue_names(BROKER) == before, before


def a_queue_that_nobody_consumes_is_told(asked):
    codes = asked.codes()
    assert codes == ["live-queue-unconsumed"], codes


def a_queue_with_other_arguments_is_told(asked):
    asked.administer(
        "channel.queue_delete('orders-events');"
        "channel.queue_declare('orders-events', durable=True,"
        " auto_delete=False, arguments={'x-max-priority': 10})",
    )
    codes = asked.codes()
    assert codes == ["live-queue-differs"], codes
    asked.administer("channel.queue_delete('orders-events')")


def an_exchange_of_another_type_is_told(asked):
    asked.administer(
        "channel.exchange_delete('microservice-events');"
        "channel.exchange_declare('microservice-events', 'topic',"
        " durable=True, auto_delete=False)",
    )
    codes = asked.codes()
    assert "live-exchange-differs" in codes, codes


ONCE = [
    a_service_that_never_ran_is_told,
    a_vhost_that_is_not_there_is_told,
    plain_text_to_a_tls_client_is_told,
    a_broker_that_says_nothing_is_told,
]
EACH = [
    a_wrong_password_is_told,
    a_probe_event_is_received_and_leaves_nothing,
    a_queue_that_nobody_consumes_is_told,
]
LAST = [
    a_queue_with_other_arguments_is_told,
    an_exchange_of_another_type_is_told,
]
