"""A service wired by the program, run by its worker, and sent everything.

One new service that the program made whole, and the cells of the matrix that
are run live. Every one is put through every check of checks.py.
"""

import uuid

import cells
from environments import HERE, environment
from generate import Generated
from service import Service, append, fresh_copy, kill, output_of

BURST = 1000
QUEUES = ["celery", "shop-main", "shop-slow", "shop-events"]
QUEUES += ["demo", "demo-events", "another-events"]
EXCHANGES = ["celery", "shop-main", "shop-slow", "default"]


class New:
    """The service that the program makes where there was none."""

    cell = None
    name = "demo"
    generation = "new-service"
    app = "demo.celery:app"
    tasks_module = "demo.tasks.example"
    listener_package = "demo.tasks"
    is_new = True


class Live(Generated):
    """A cell of the matrix."""

    is_new = False

    def __init__(self, cell):
        super().__init__(cell)
        self.name = cell.name
        self.generation = cell.generation


class Run:
    """One service, and what it is sent."""

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
        folder = directory / "service" / scenario.name
        self.directory = folder / ("demo" if scenario.is_new else "shop")
        self.before = folder / "before"
        self.wired = folder / "wired"
        self.canary = directory / (self.token + ".canary")
        self.service = None
        self.output = ""

    def play(self, program):
        """Wire the service, run its worker, send it everything."""
        fresh_copy(None, self.directory)
        fresh_copy(None, self.before)
        if not self.scenario.is_new:
            self.scenario.write(self.directory)
            fresh_copy(self.directory, self.before)
            self.open_service(environment(self.scenario.generation))
            forget = ["forget", QUEUES, EXCHANGES]
            self.send([forget, *self.calls_of("parked")])
        self.output = output_of([program, "init", self.directory, "-y"])
        fresh_copy(self.directory, self.wired)
        if self.scenario.is_new:
            text = (HERE / "live_task.py").read_text()
            append(self.path_of(self.scenario.tasks_module), text)
            self.open_service(own_environment(self.directory))
        elif not self.routes_by_router():
            self.send(self.calls_of("early"))
        self.exchange_messages()

    def open_service(self, python):
        self.service = Service(self.directory, python, self.broker_url)

    def send(self, steps):
        scenario = self.scenario
        self.service.send(scenario.app, scenario.tasks_module, steps)

    def calls_of(self, word, **options):
        """Steps that call each of the service's ordinary tasks."""
        tasks = ("record", "record_slowly")
        return [["call", task, [word, self.token], options] for task in tasks]

    def routes_by_router(self):
        """Then `init` says that workers go before producers."""
        config = (self.wired / "scaffold-events.toml").read_text()
        return 'route = "router"' in config

    def path_of(self, module):
        return self.directory / (module.replace(".", "/") + ".py")

    def module(self, name):
        return "{}.{}".format(self.scenario.listener_package, name)

    def exchange_messages(self):
        """All of it to one worker, which is killed in the last event."""
        handlers = self.path_of(self.module("microservice_events"))
        append(handlers, (HERE / "live_handlers.py").read_text())
        listener = self.path_of(self.module("microservice_events_listener"))
        generated = listener.read_text()
        late = "    ignore_result=True,\n    acks_late=True,\n"
        listener.write_text(
            generated.replace("    ignore_result=True,\n", late)
        )
        with self.service.worker(self.scenario.app) as process:
            self.send(self.messages())
            self.service.wait_for(lambda: self.calls("killed"), process)
            kill(process)
        with self.service.worker(self.scenario.app) as process:
            self.service.wait_for(self.is_done, process)  # else checks tell
        listener.write_text(generated)

    def messages(self):
        hostile = [
            message(args, {"user_id": self.token})
            for args in self.hostile_events()
        ]
        burst = [
            message(["burst", str(number), self.token], {})
            for number in range(BURST)
        ]
        emitted = ["order_placed", "first", self.token]
        return [
            ["emit", emitted, self.payload],
            ["emit", ["nobody_listens", self.token], self.payload],
            ["publish", hostile],
            *self.calls_of("first"),
            *self.calls_of("later", countdown=1),
            ["publish", burst],
            ["emit", ["order_placed", "last", self.token], {}],
            *self.calls_of("last"),
            ["publish", [message(["killed", "killed", self.token], {})]],
        ]

    def is_done(self):
        return len(self.calls("killed")) > 1 and all(
            self.calls(task, word)
            for task in ("record", "record_slowly")
            for word in self.words()
        )

    def words(self):
        """With which the ordinary tasks were called."""
        words = ["first", "later", "last"]
        if not self.scenario.is_new:
            words.append("parked")
            if not self.routes_by_router():
                words.append("early")
        return words

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

    def calls(self, function, first=None):
        """What this run's calls with this first argument came with."""
        return [
            more
            for name, args, more in self.service.calls()
            if name == function and args == [first or name, self.token]
        ]


def scenarios():
    live = cells.pairwise(cells.all_cells())
    return [New(), *map(Live, live)]


def own_environment(directory):
    """An environment from the service's own requirements."""
    lines = (directory / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    return environment(New.generation, "\n".join(pins))


def message(args, kwargs):
    return {
        "task": "microservice.event",
        "id": uuid.uuid4().hex,
        "args": args,
        "kwargs": kwargs,
    }
