"""Every fixture's settings as its real Celery resolves them, before and after.

No broker is needed: nothing is sent, the app is only loaded and asked.
"""

import json
import re
from urllib.parse import unquote, urlsplit

from compiles import FIXTURES
from environments import HERE, Missing, environment
from service import output_of

# Where a service runs, by the Celery it pins; the first that it loads in.
ENVIRONMENTS = {
    "3.1": ["celery-3.1-python-2.7", "celery-3.1-python-3.6"],
    "4.4": ["celery-4.4"],
    "5.4": ["celery-5.4"],
    "5.7": ["celery-5.7"],
    None: ["celery-4.4", "celery-5.4", "celery-5.7"],
}
# Services whose router or listener imports zc_events.
LIBRARIES = {
    "zc-events-1-by-its-pin": ["zc-events-0.1"],
    "zc-events-2-before-0-2-4-reads-redis-url": ["zc-events-0.2"],
    "zc-events-3-django": ["zc-events-0.3.10"],
}
ARGUMENTS = {
    "zc-events@2.0": {"x-max-priority": 10},
    "zc-events@3.0": {"x-max-priority": 10},
}
URL = {"BROKER_URL": "amqp://rabbitmq/%2F"}
# What else a service needs of its environment than what its sample sets.
VARIABLES = {
    "broker-rebound-in-production": {
        "CELERY_BROKER_URL": URL["BROKER_URL"],
    },
    "broker-unknown-with-redis-asked-for": {"BROKER": URL["BROKER_URL"]},
    "broker-without-literal": URL,
    "celery-dict-imported-from-base-settings": URL,
    "celeryconfig-module-named-by-string": URL,
    "class-settings-inherited-from-another-module": URL,
    "memory-broker-of-test-settings": {
        "CELERY_BROKER_URL": URL["BROKER_URL"],
    },
    "queues-repeated-settings-flag-chooses": {
        "DJANGO_SETTINGS_MODULE": "config.prod",
    },
    "zc-events-2-queues-as-tuple": {
        "STAGE": "production",
        "REDIS_URL": "redis://redis",
    },
    # Its sample sets only the name that Celery itself reads.
    "cookiecutter-envs": URL,
    "env-template-with-celery-broker-url": URL,
    # The sample's line is a comment, which nobody edits.
    "env-sample-commented-out": URL,
}
# Cases whose worker and emitter differ until a person chooses; `init` says so.
UNDECIDED = {
    "broker-vhost-in-a-variable": "the vhost is a variable's",
    "broker-from-parts": "BROKER_HOST and so on, no BROKER_URL",
    "broker-list-of-urls": "several URLs",
    "broker-several-urls-semicolon": "several URLs",
    "broker-url-twice-and-different": "two hosts",
    "celery-4-pinned-in-requirements-base": "Celery reads no URL",
    "celery-4-pinned-in-setup-py": "Celery reads no URL",
    "celery-5-pinned-in-pipfile": "Celery reads no URL",
    "celery-5-pinned-in-poetry": "Celery reads no URL",
    "celery-5-pinned-in-setup-cfg": "Celery reads no URL",
    "celery-in-pipfile-lock-beats-the-star": "Celery reads no URL",
    "local-settings-ignored-by-git": "the URL is in a file git ignores",
    "new-names-without-namespace-are-not-read": "Celery reads no URL",
    "old-names-under-namespace-are-not-read": "Celery reads no URL",
}
# Cases about services that no Python loads, and what is wrong with them.
BROKEN = {
    "class-settings-bound-over-a-class-from-outside": "its base is elsewhere",
    "imports-implicit-concatenation-is-reported": "imports what is not there",
    "library-defaults-by-star": "copies defaults that exclude each other",
    "settings-bound-behind-dynamic-code": "runs a file of its machine",
    "settings-by-star-from-outside": "its settings are elsewhere",
    "syntax-error-elsewhere-in-settings": "has a syntax error",
    "sqs-broker-allowed-by-flag": "needs boto3, which is large",
    "python-2-only-syntax-in-settings": "is Python 2 only",
    "python-2-only-syntax-in-tasks": "is Python 2 only",
}
# Cases that load only once they are wired: nothing to compare them with.
MENDED = {
    "no-final-newline-inside-queues": "names a listener it does not have",
    "queues-without-comma-is-not-a-tuple": "has a Queue for a tuple of them",
}
# Where the app is configured, if not where it is made.
STARTED = {"flask-dict-copied-from-a-module": "celery_worker:celery"}
# Cases that bind the name beside Celery's settings, which are not Django's.
NAMED_ELSEWHERE = {"variables-beside-conf-update"}
EXCHANGE = "microservice-events"


class Case:
    """A service before and after its wiring, and what its files say of it."""

    def __init__(self, name, before, after, expect, **more):
        self.name = name
        self.before = before
        self.after = after
        self.expect = expect
        self.celery = more.get("celery")
        self.variables = more.get("variables", {})
        config = after / "scaffold-events.toml"
        config = config.read_text() if config.is_file() else ""
        self.service = value_of("name", config)
        self.route = value_of("route", config)
        self.contract = value_of("contract", config)
        app = STARTED.get(name) or value_of("celery-app", config)
        app = app or "orders.celery:app"
        self.module, self.variable = app.split(":")

    def environments(self):
        return LIBRARIES.get(self.name) or ENVIRONMENTS[self.celery]

    def question(self, directory):
        return {
            "root": str(import_root(directory, self.module)),
            "module": self.module,
            "variable": self.variable,
            "environ": {**sample(directory), **self.variables},
        }


def fixture(directory):
    before, after = directory / "in", directory / "out"
    case = (directory / "case.toml").read_text(encoding="utf-8")
    return Case(
        directory.name,
        before,
        after if after.is_dir() else before,
        value_of("expect", case),
        celery=value_of("celery", case),
        variables=VARIABLES.get(directory.name, {}),
    )


def sample(directory):
    """The broker URL that an env sample of the service sets."""
    names = re.compile(r"^(?:export )?(\w*BROKER_URL)=(.*)", re.MULTILINE)
    return {
        name: value.strip().strip("\"'")
        for file in sorted(directory.rglob("*"))
        if "env" in str(file.relative_to(directory)) and file.is_file()
        if file.suffix != ".py" and file.name != ".env"
        for name, value in names.findall(file.read_text(errors="replace"))
    }


def value_of(key, text):
    found = re.search('^{} *= *"(.*)"'.format(key), text, re.MULTILINE)
    return found and found.group(1)


def import_root(directory, module):
    """The directory to start the worker in."""
    path = module.replace(".", "/")
    for root in [directory, *sorted(directory.iterdir())]:
        for file in (path + ".py", path + "/__init__.py"):
            if (root / file).is_file():
                return root
    raise AssertionError("{}: no module {}".format(directory, module))


def settings_resolve(report):
    """One check per law and environment; what could not be loaded is named."""
    directories = sorted(each.parent for each in FIXTURES.glob("*/case.toml"))
    cases = [fixture(directory) for directory in directories]
    cases = [case for case in cases if case.expect != "refused"]
    names = sum([case.environments() for case in cases], [])
    for name in sorted(set(names)):
        here = [case for case in cases if name in case.environments()]
        try:
            pairs = resolve(environment(name), here)
        except Missing as missing:
            report.skip(missing, len(LAWS) + 1)
            continue
        judge(report, name, here, pairs)


def resolve(python, cases):
    """(before, after) of each case."""
    questions = [
        case.question(directory)
        for case in cases
        for directory in (case.before, case.after)
    ]
    text = output_of(
        [python, HERE / "resolve.py"],
        input=json.dumps(questions),
        env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    answers = iter(json.loads(text))
    return list(zip(answers, answers))


def judge(report, name, cases, pairs):
    """One check per law; the names of the cases that keep them all."""
    loaded, failures = [], []
    for case, (before, after) in zip(cases, pairs):
        if case.name in MENDED and "error" in before:
            before = after
        if "error" not in before and "error" not in after:
            loaded.append((case, before, after))
        elif case.name in BROKEN and before["error"] == after["error"]:
            reason = "{}: not loaded: {}, {}"
            report.say(reason.format(name, case.name, BROKEN[case.name]))
        else:
            failures.append("{}: {}, {}".format(case.name, before, after))
    title = "{}: {} of {} services load".format(name, len(loaded), len(cases))
    report.check(title, assert_none, failures)
    sound = {case.name for case, _, _ in loaded}
    for law in LAWS:
        broken = {
            case.name: why
            for case, before, after in loaded
            for why in [broken_by(law, case, before, after)]
            if why
        }
        sound -= set(broken)
        failures = ["{}: {}".format(*each) for each in broken.items()]
        title = "{}: {}".format(name, law.__name__.replace("_", " "))
        report.check(title, assert_none, failures)
    return sound


def broken_by(law, case, before, after):
    try:
        law(case, before, after)
    except AssertionError as error:
        return str(error) or "?"


def assert_none(failures):
    assert not failures, "\n".join(failures)


def it_consumes_what_it_did_and_the_events_queue(case, before, after):
    name = events_queue(case, after)
    queues = dict(after["consumed"])
    queue = queues.pop(name, None)
    assert queue, "no {} in {}".format(name, sorted(queues))
    old = {k: v for k, v in before["consumed"].items() if k != name}
    if not old:
        # Only the events queue was named, and ordinary tasks were lost:
        # Celery's own default queue comes back.
        assert list(queues) == ["celery"], queues
        return
    if case.route == "router":
        new = [k for k in queues if old.get(k) != queues[k]]
        lost = [k for k in old if k not in queues]
        target = default_queue_name(after)
        assert not lost, "lost {}".format(lost)
        for k in new:
            q = queues[k]
            is_default = (q["exchange"], q["key"]) == ("default", target)
            assert is_default, "{} is bound as {}".format(k, q)
    else:
        assert queues == old, "{} became {}".format(old, queues)


def the_events_queue_gets_every_event(case, before, after):
    queue = after["consumed"].get(events_queue(case, after))
    assert queue, "not consumed"
    assert queue["exchange"] == EXCHANGE, queue
    assert queue["type"] == "fanout", queue
    assert queue["arguments"] == ARGUMENTS.get(case.contract, {}), queue
    assert not queue["binding"], queue
    assert queue["durable"] == [True, True], queue
    assert queue["passing"] == [False, False], queue


def ordinary_tasks_go_where_they_went(case, before, after):
    assert sorted(before["routes"]) == sorted(after["routes"]), (
        before["routes"],
        after["routes"],
    )
    if case.route == "router":
        target = ["default", default_queue_name(after)]
        for name, route in after["routes"].items():
            kept = [before["routes"][name], target]
            assert route in kept, "{} goes to {}".format(name, route)
        return
    for kind in ("routes", "chosen"):
        for name, route in before[kind].items():
            # A choice of the events queue itself is nobody's.
            if name.endswith(" " + events_queue(case, after)):
                continue
            now = after[kind].get(name)
            assert now == route, "{}: {} became {}".format(name, route, now)


def ordinary_tasks_arrive_if_they_did(case, before, after):
    for name, route in before["routes"].items():
        if arrives(route, before):
            now = after["routes"].get(name)
            assert arrives(now, after), "{} goes to {}".format(name, now)


def arrives(route, answer):
    exchange, key = route or ["", None]
    for name, queue in answer["consumed"].items():
        if exchange == "":
            hit = name == key
        elif queue["type"] == "topic":
            hit = queue["exchange"] == exchange
        else:
            hit = [queue["exchange"], queue["key"]] == [exchange, key]
        if hit:
            return True
    return False


def the_event_is_defined_once_by_the_listener(case, before, after):
    event = after["event"]
    assert len(event["defined"]) == 1, event
    assert event["defined"] == [event["registered"]], event
    if case.expect == "wired":
        listener = event["registered"].rsplit(".", 1)[-1]
        assert listener == "microservice_events_listener", event
    assert event["route"] and event["route"][0] == EXCHANGE, event


def it_imports_what_it_did_and_the_listener(case, before, after):
    event = after["event"]["registered"]
    old, new = set(before["imports"]), set(after["imports"])
    assert new - old <= {event}, (old, new)
    assert old <= new, (old, new)


def kombu_reads_the_same_broker(case, before, after):
    old, new = before["broker"], after["broker"]
    assert old == new, "{} became {}".format(old, new)


def pika_reads_the_same_broker_as_kombu(case, before, after):
    if case.name in UNDECIDED or not after["django"]:
        return
    if after["broker"][0][0] not in ("amqp", "amqps", "pyamqp"):
        return
    url = after["django"]["BROKER_URL"]
    assert url, "django.conf.settings has no BROKER_URL"
    assert isinstance(url, str), "a {}".format(type(url).__name__)
    host, vhost = pika_reads(url)
    wanted = [after["broker"][0][1], after["broker"][0][3]]
    assert [host, vhost] == wanted, "{} read from {}, not {}".format(
        [host, vhost], url, wanted
    )


def pika_reads(url):
    """The host and vhost that pika.URLParameters takes from it."""
    parts = urlsplit(url.replace("amqp", "http", 1))
    if len(parts.path) <= 1:
        return parts.hostname, "/"
    return parts.hostname, unquote(parts.path.split("/")[1])


def the_service_name_is_bound_and_names_the_queue(case, before, after):
    if case.name in NAMED_ELSEWHERE:
        return
    if case.expect == "wired" and after["django"]:
        name = after["django"]["SERVICE_NAME"]
        assert name == case.service, "{} is not {}".format(name, case.service)


def nothing_new_is_complained_of(case, before, after):
    new = sorted(set(after["complaints"]) - set(before["complaints"]))
    assert not new, "; ".join(new)


LAWS = [
    it_consumes_what_it_did_and_the_events_queue,
    the_events_queue_gets_every_event,
    ordinary_tasks_go_where_they_went,
    ordinary_tasks_arrive_if_they_did,
    the_event_is_defined_once_by_the_listener,
    it_imports_what_it_did_and_the_listener,
    kombu_reads_the_same_broker,
    pika_reads_the_same_broker_as_kombu,
    the_service_name_is_bound_and_names_the_queue,
    nothing_new_is_complained_of,
]


def events_queue(case, after):
    name = after["django"] and after["django"]["SERVICE_NAME"]
    return "{}-events".format(case.service or name or "orders")


def default_queue_name(after):
    """What the router reads."""
    return after["django"] and after["django"]["DEFAULT_QUEUE_NAME"]
