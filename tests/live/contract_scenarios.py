"""Services wired by each contract, sent events by that library's own client.

A row of CONTRACTS is one release of the library; every row is put through
every check. The service that runs was wired for zc_common and then moved. No
row needs a redis: only answers go through it.
"""

import collections
import json
import re
import uuid

import cells
from checks import formatters_change_nothing, worker_logs_no_error
from environments import HERE, Missing, environment
from generate import Generated
from service import Service, append, fresh_copy, output_of

Row = collections.namedtuple("Row", "contract library environment call")
CONTRACTS = [
    Row("zc-events@1.0", "zc_events==0.1.10", "zc-events-0.1", "emit"),
    Row("zc-events@2.0", "zc_events==0.2.4", "zc-events-0.2", "emit"),
    Row("zc-events@2.0", "zc_events==0.3.6", "zc-events-0.3.6", "emit"),
    Row("zc-events@3.0", "zc_events==0.3.10", "zc-events-0.3.10", "post"),
]
BEFORE = Generated(
    cells.Cell(cells.OLD, cells.PACKAGE, "imports", "celery-3.1-python-2.7")
)
PIN_BEFORE = "zc_common==0.2.12"


def contracts_receive(report, program, broker_url, directory):
    for row in CONTRACTS:
        run = ContractRun(row, directory, broker_url)
        try:
            run.play(program)
        except Missing as missing:
            report.skip(missing, len(CHECKS))
            continue
        except Exception as error:
            report.fail(run.name + ": is wired and runs", error)
            continue
        for check in CHECKS:
            title = check.__name__.replace("_", " ")
            report.check("{}: {}".format(run.name, title), check, run)


class ContractRun:
    """A service moved to one release, as one that pins it would be wired."""

    def __init__(self, row, directory, broker_url):
        self.row = row
        self.name = row.library.replace("==", "-").replace("_", "-")
        self.broker_url = broker_url
        self.token = uuid.uuid4().hex  # a shared broker has older messages
        self.sent = {
            "resource_type": "Order",
            "resource_id": 7,
            "user_id": self.token,
            "meta": {"name": ["\u2603", None, 1.5]},
        }
        self.directory = directory / "service" / self.name
        self.wired = directory / "wired" / self.name
        self.moved = directory / "moved" / self.name
        self.canary = directory / (self.token + ".canary")
        self.service = None

    def play(self, program):
        python = environment(self.row.environment)
        for copy in (self.wired, self.directory):
            fresh_copy(None, copy)
            BEFORE.write(copy)
        self.pin(self.wired, PIN_BEFORE)
        output_of([program, "init", self.wired, "-y"])
        output_of([program, "init", self.directory, "-y"])
        move = ["sync", self.directory, "--to", self.row.contract, "-y"]
        output_of([program, *move])
        self.pin(self.directory, "zc_events==.*")
        fresh_copy(self.directory, self.moved)
        handlers = self.directory / "shop" / "tasks" / "microservice_events.py"
        append(handlers, (HERE / "contract_handlers.py").read_text())
        self.service = Service(self.directory, python, self.broker_url)
        # A stage of its own: its exchange is this run's alone.
        self.service.environment["STAGING_NAME"] = self.token
        with self.service.worker(BEFORE.app) as process:
            self.emit(
                ("order_placed", self.sent),
                ("nobody_listens", self.sent),
                *self.hostile_events()
            )
            if self.row.call == "post":
                self.send(emit=[["order_placed", self.sent]])
            call = ["call", "record", ["first", self.token], {}]
            self.service.send(BEFORE.app, BEFORE.tasks_module, [call])
            self.emit(("order_placed", {"last": self.token}))
            self.service.wait_for(self.is_done, process)  # else checks tell

    def pin(self, directory, before):
        """Pin this row's release: a contract serves more than one."""
        pins = directory / "requirements.txt"
        text, found = re.subn(before, self.row.library, pins.read_text())
        assert found == 1, pins.read_text()
        pins.write_text(text)

    def emit(self, *events):
        self.send(**{self.row.call: events})

    def send(self, **work):
        self.service.run_python(
            HERE / "emitter.py", "shop.settings", input=json.dumps(work)
        )

    def hostile_events(self):
        """What must find no handler."""
        command = {"command": "touch {}".format(self.canary)}
        names = ["_record", "__class__", "json", None, 5, ["order_placed"]]
        return [("system", command)] + [(name, {}) for name in names]

    def calls(self, sent):
        calls = self.service.calls()
        calls = [call for call in calls if call[0] == "order_placed"]
        return [call for call in calls if sent(call[2])]

    def is_done(self):
        tasks = [call for call in self.service.calls() if call[0] == "record"]
        return tasks and self.calls(lambda sent: "last" in sent)


def moving_gives_what_the_pin_chooses(run):
    difference = ["diff", "-r", "-u", str(run.wired), str(run.moved)]
    assert output_of(difference) == ""
    text = (run.wired / "scaffold-events.toml").read_text()
    assert 'contract = "{}"'.format(run.row.contract) in text, text


def event_is_handled_once_as_it_was_sent(run):
    calls = run.calls(lambda sent: sent.get("user_id") == run.token)
    assert len(calls) == 1, calls
    _, _, sent = calls[0]
    sent.pop("task_id", None)
    assert sent == run.sent, sent
    line = "PROCESSED: Received [order_placed:"
    assert logged(run, line) == 2, run.service.log_text()
    assert len(run.calls(lambda sent: sent.get("last") == run.token)) == 1


def other_events_are_ignored(run):
    assert logged(run, "IGNORED: Received [nobody_listens:") == 1
    legacy = 1 if run.row.call == "post" else 0
    ignored = 1 + len(run.hostile_events()) + legacy
    assert logged(run, "IGNORED: ") == ignored, run.service.log_text()
    assert not run.canary.exists(), "a sender ran a shell command"


def legacy_events_are_handled_or_said_to_be_lost(run):
    lost = run.row.call == "post"
    line = "IGNORED: Received [order_placed:"
    assert logged(run, line) == (1 if lost else 0)


def ordinary_tasks_run_once(run):
    tasks = [call for call in run.service.calls() if call[0] == "record"]
    assert [args for _, args, _ in tasks] == [["first", run.token]], tasks


def logged(run, words):
    words = "MICROSERVICE_EVENT::" + words
    return run.service.log_text().count(words)


CHECKS = [
    moving_gives_what_the_pin_chooses,
    event_is_handled_once_as_it_was_sent,
    other_events_are_ignored,
    legacy_events_are_handled_or_said_to_be_lost,
    ordinary_tasks_run_once,
    worker_logs_no_error,
    formatters_change_nothing,
]
