"""What must be true of every scenario once it has been played."""

from environments import HERE, environment
from scenarios import PAYLOAD
from service import append, output_of


def known_event_is_handled_once_with_its_arguments(run):
    (payload,) = run.calls("order_placed", "first")
    task_id = payload.pop("task_id")
    assert payload == PAYLOAD, payload
    line = "PROCESSED: Received [order_placed:{}] event for object (Order:7)"
    assert run.service.log_text().count(line.format(task_id)) == 1


def unknown_event_is_ignored(run):
    line = "MICROSERVICE_EVENT::IGNORED: Received [nobody_listens:"
    assert run.service.log_text().count(line) == 1


def sender_reaches_nothing_but_handlers(run):
    assert not run.canary.exists(), "a sender ran a shell command"
    names = [call[0] for call in run.service.calls()]
    assert "hostile" not in names, "a sender called a private function"
    assert len(run.calls("order_placed", "last")) == 1
    ignored = run.service.log_text().count("MICROSERVICE_EVENT::IGNORED: ")
    assert ignored == 1 + len(run.hostile_events()), ignored


def ordinary_tasks_run_once_also_if_queued_before_the_wiring(run):
    parked = ["parked"] if run.scenario.source else []
    for first in [*parked, "first", "last"]:
        count = len(run.calls("record", first))
        assert count == 1, "{}: ran {} times".format(first, count)


def worker_logs_no_error(run):
    for word in ("Traceback", "ERROR/", "CRITICAL/"):
        assert word not in run.service.log_text(), run.service.log_text()


def listener_keeps_its_rules(run):
    text = (HERE / "listener_handlers.py").read_text()
    module, variable = run.scenario.app.split(":")
    text = text.replace("APP_MODULE", module)
    text = text.replace("APP_VARIABLE", variable)
    append(run.path_of(run.module("microservice_events")), text)
    listener = run.module("microservice_events_listener")
    run.service.run_python(HERE / "listener_test.py", listener)


CHECKS = [
    known_event_is_handled_once_with_its_arguments,
    unknown_event_is_ignored,
    sender_reaches_nothing_but_handlers,
    ordinary_tasks_run_once_also_if_queued_before_the_wiring,
    worker_logs_no_error,
    listener_keeps_its_rules,
]


def formatters_change_nothing(run):
    """Explicit files, since black obeys the .gitignore above them."""
    python = environment("formatters")
    files = [str(path) for path in sorted(run.wired.rglob("*.py"))]
    for tool in (["black", "--check"], ["isort", "--check"], ["flake8"]):
        output_of([python, "-m", *tool, *files], cwd=str(run.wired))
