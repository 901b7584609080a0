"""Services of several kinds, wired by the program and sent real events.

A scenario is a row of SCENARIOS; every row is put through every check.
"""

import collections
import uuid

from environments import HERE, environment
from service import Service, append, fresh_copy, output_of

Scenario = collections.namedtuple(
    "Scenario",
    "name source environment app task tasks_package",
)
SERVICES = HERE / "services"
SCENARIOS = [
    Scenario(
        name="demo",
        source=None,
        environment="new-service",
        app="demo.celery:app",
        task="demo.tasks.example:record",
        tasks_package="demo.tasks",
    ),
    Scenario(
        name="old-names-27",
        source=SERVICES / "old-names",
        environment="celery-3.1-python-2.7",
        app="shop.celery:app",
        task="shop.tasks.mail:record",
        tasks_package="shop.tasks",
    ),
    Scenario(
        name="old-names-36",
        source=SERVICES / "old-names",
        environment="celery-3.1-python-3.6",
        app="shop.celery:app",
        task="shop.tasks.mail:record",
        tasks_package="shop.tasks",
    ),
    Scenario(
        name="tasks-module",
        source=SERVICES / "tasks-module",
        environment="celery-4.4",
        app="clinic.celery:app",
        task="clinic.tasks:record",
        tasks_package="clinic",
    ),
    Scenario(
        name="own-queues",
        source=SERVICES / "own-queues",
        environment="celery-5.6",
        app="press.celery:app",
        task="press.tasks.print:record",
        tasks_package="press.tasks",
    ),
]


class Run:
    """One scenario's service, and what it is sent."""

    def __init__(self, scenario, directory, broker_url):
        self.scenario = scenario
        self.broker_url = broker_url
        self.token = uuid.uuid4().hex  # a shared broker has older messages
        self.payload = {
            "resource_type": "Order",
            "resource_id": 7,
            "user_id": self.token,
            "meta": {"name": ["\u2603", None, 1.5]},
        }
        self.directory = directory / "service" / scenario.name
        self.before = directory / "before" / scenario.name
        self.wired = directory / "wired" / scenario.name
        self.canary = directory / (self.token + ".canary")
        self.service = None

    def play(self, program):
        """Wire the service, run its worker, send it everything."""
        fresh_copy(self.scenario.source, self.directory)
        if self.scenario.source:
            self.open_service(environment(self.scenario.environment))
            self.service.send(*self.entry, delay=[["parked", self.token]])
        fresh_copy(self.scenario.source and self.directory, self.before)
        output_of([program, "init", self.directory, "-y"])
        fresh_copy(self.directory, self.wired)
        if not self.scenario.source:
            self.open_service(own_environment(self.scenario, self.directory))
        self.exchange_messages()

    def open_service(self, python):
        text = (HERE / "live_task.py").read_text()
        append(self.path_of(self.scenario.task.split(":")[0]), text)
        self.service = Service(self.directory, python, self.broker_url)

    @property
    def entry(self):
        return self.scenario.app, self.scenario.task

    def path_of(self, module):
        return self.directory / (module.replace(".", "/") + ".py")

    def module(self, name):
        return "{}.{}".format(self.scenario.tasks_package, name)

    def exchange_messages(self):
        handlers = self.path_of(self.module("microservice_events"))
        append(handlers, (HERE / "live_handlers.py").read_text())
        with self.service.worker(self.scenario.app) as process:
            self.service.send(
                *self.entry,
                emit=[
                    (["order_placed", "first", self.token], self.payload),
                    (["nobody_listens", self.token], self.payload),
                ],
                publish=[
                    message(args, {"user_id": self.token})
                    for args in self.hostile_events()
                ],
                delay=[["first", self.token]],
            )
            self.service.send(
                *self.entry,
                emit=[(["order_placed", "last", self.token], {})],
                delay=[["last", self.token]],
            )
            self.service.wait_for(self.is_done, process)  # else checks tell

    def is_done(self):
        names = ("order_placed", "record")
        return all(self.calls(name, "last") for name in names)

    def hostile_events(self):
        """Arguments that must find no handler."""
        return [
            ["system", "touch {}".format(self.canary)],
            ["_record", "hostile", [self.token], {}],
            ["__setattr__", "order_placed", None],
            ["__class__"],
            ["json"],
            [None],
            [5],
            [["order_placed"]],
            [{"order_placed": 1}],
            [],
        ]

    def calls(self, function, first):
        """Payloads of this run's calls with this first argument."""
        return [
            kwargs
            for name, args, kwargs in self.service.calls()
            if name == function and args == [first, self.token]
        ]


def own_environment(scenario, directory):
    """An environment from the service's own requirements."""
    lines = (directory / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    return environment(scenario.environment, "\n".join(pins))


def message(args, kwargs):
    return {
        "task": "microservice.event",
        "id": uuid.uuid4().hex,
        "args": args,
        "kwargs": kwargs,
    }
