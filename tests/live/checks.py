"""What must be true of every scenario once it has been played."""

from environments import HERE, environment
from scenarios import BURST
from service import append, output_of


def known_event_is_handled_once_with_its_arguments(run):
    (payload,) = run.calls("order_placed", "first")
    task_id = payload.pop("task_id")
    assert payload == run.payload, payload
    line = "PROCESSED: Received [order_placed:{}] event for object (Order:7)"
    assert logged(run, line.format(task_id)) == 1


def unknown_event_is_ignored(run):
    assert logged(run, "IGNORED: Received [nobody_listens:") == 1


def sender_reaches_nothing_but_handlers(run):
    assert not run.canary.exists(), "a sender ran a shell command"
    names = [call[0] for call in run.service.calls()]
    assert "hostile" not in names, "a sender called a private function"
    count = len(run.calls("order_placed", "last"))
    assert count == 1, "after that the handler ran {} times".format(count)
    assert logged(run, "IGNORED: ") == 1 + len(run.hostile_events())


def logged(run, words):
    """How many events of this run the listener logged with these words."""
    return sum(
        "MICROSERVICE_EVENT::" + words in line and run.token in line
        for line in run.service.log_text().splitlines()
    )


def ordinary_tasks_run_once_also_if_queued_before_the_wiring(run):
    for task in ("record", "record_slowly"):
        for word in run.words():
            count = len(run.calls(task, word))
            assert count == 1, "{} {}: ran {} times".format(task, word, count)


def ordinary_tasks_come_by_the_queue_they_came_by(run):
    if run.scenario.is_new:
        return
    for task in ("record", "record_slowly"):
        (before,) = run.calls(task, "parked")
        (after,) = run.calls(task, "last")
        if run.routes_by_router():
            assert "the router sends ordinary tasks" in run.output
            before = ["default", run.scenario.default_queue]
        assert after == before, "{}: {} became {}".format(task, before, after)


def burst_arrives_whole(run):
    numbers = [
        int(args[0])
        for name, args, _ in run.service.calls()
        if name == "burst" and args[1] == run.token
    ]
    assert sorted(numbers) == list(range(BURST)), len(numbers)


def killed_worker_loses_no_event_that_is_acknowledged_late(run):
    assert len(run.calls("killed")) == 2, run.calls("killed")


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


def formatters_change_nothing(run):
    """Explicit files, since black obeys the .gitignore above them."""
    python = environment("formatters")
    files = [str(path) for path in sorted(run.wired.rglob("*.py"))]
    for tool in (["black", "--check"], ["isort", "--check"], ["flake8"]):
        output_of([python, "-m", *tool, *files], cwd=str(run.wired))


CHECKS = [
    known_event_is_handled_once_with_its_arguments,
    unknown_event_is_ignored,
    sender_reaches_nothing_but_handlers,
    ordinary_tasks_run_once_also_if_queued_before_the_wiring,
    ordinary_tasks_come_by_the_queue_they_came_by,
    burst_arrives_whole,
    killed_worker_loses_no_event_that_is_acknowledged_late,
    worker_logs_no_error,
    listener_keeps_its_rules,
    formatters_change_nothing,
]
