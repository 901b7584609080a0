"""Wired services that black has reformatted: `sync` and `remove` know them.

Every fixture that `init` wires. Nothing of it is as we left it, so all of our
parts are found by what they mean; a move to another contract replaces them.
"""

import ast
import json
import re
import shutil
import subprocess

from compiles import FIXTURES
from environments import Missing, environment
from service import output_of

MOVED_TO = "zc-events@2"
# What keeps a service from that contract, black or not.
HINDRANCES = {
    "events-queue-differs",
    "queues-mapping-arguments",
    "router-without-library",
}
# `("a")` was no tuple, and comes back as `("a",)`.
ONE_VALUE = {
    "imports-missing-comma",
    "queues-without-comma-is-not-a-tuple",
}


def reformatted_services_are_known(report, program, directory):
    directory = directory / "reformatted"
    try:
        python = environment("formatters")
    except Missing as missing:
        report.skip(missing, len(CHECKS))
        return
    services = list(reformatted(python, directory))
    for check in CHECKS:
        title = "{} services, reformatted by black: {}".format(
            len(services), check.__name__.replace("_", " ")
        )
        report.check(title, holds_for_all, check, services, program)


class Service:
    """A fixture's service: before it was wired, and three times behind."""

    def __init__(self, fixture, directory):
        self.name = fixture.name
        case = (fixture / "case.toml").read_text(encoding="utf-8")
        named = re.search('^directory = "(.*)"', case, re.MULTILINE)
        name = named.group(1) if named else "orders"
        for side in ("before", "same", "moved", "left"):
            source = fixture / ("in" if side == "before" else "out")
            copy = directory / self.name / side / name
            shutil.copytree(str(source), str(copy), symlinks=True)
            setattr(self, side, copy)


def reformatted(python, directory):
    shutil.rmtree(str(directory), ignore_errors=True)
    for case in sorted(FIXTURES.glob("*/case.toml")):
        if '\nexpect = "wired"' in case.read_text(encoding="utf-8"):
            yield Service(case.parent, directory)
    output_of(["git", "init", "--quiet", directory])  # some have ignored files
    black = [python, "-m", "black", "--quiet", "--no-cache"]
    every = ["--include", r"\.py$", "--exclude", "^$"]
    # It fails for those that have syntax errors, and leaves them alone.
    subprocess.run(
        [str(word) for word in [*black, *every, directory]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def holds_for_all(check, services, program):
    failures = [
        "{}: {}".format(service.name, why)
        for service in services
        for why in [check(service, program)]
        if why
    ]
    assert not failures, "\n".join(failures)


def sync_changes_nothing_but_the_lock(service, program):
    before = texts(service.same)
    why = refusal(program, "sync", service.same)
    return why or differing(before, texts(service.same))


def sync_moves_them_to_another_contract(service, program):
    move = ["--to", MOVED_TO]
    why = refusal(program, "sync", service.moved, *move)
    if why:
        return "" if set(why) <= HINDRANCES else why
    moved = texts(service.moved)
    if not any(b"x-max-priority" in text for text in moved.values()):
        return "the queue has no priority"
    why = refusal(program, "sync", service.moved)
    return why or differing(moved, texts(service.moved))


def remove_takes_out_our_parts_alone(service, program):
    why = refusal(program, "remove", service.left)
    if why or service.name in ONE_VALUE:
        return why
    before, after = texts(service.before), texts(service.left)
    meant = [
        {path: meaning(path, text) for path, text in tree.items()}
        for tree in (before, after)
    ]
    return differing(*meant)


CHECKS = [
    sync_changes_nothing_but_the_lock,
    sync_moves_them_to_another_contract,
    remove_takes_out_our_parts_alone,
]


def refusal(program, command, directory, *flags):
    """The codes of what keeps the command from its work."""
    words = [program, command, directory, *flags, "-y", "--format", "json"]
    done = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if done.returncode == 0:
        return []
    assert done.stdout, done.stderr
    (service,) = json.loads(done.stdout.decode("utf-8"))["services"]
    levels = {
        finding["code"]: finding["level"] for finding in service["findings"]
    }
    refusals = [code for code, level in levels.items() if level == "refused"]
    return refusals or ["exit {}".format(done.returncode)]


def texts(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != "scaffold-events.lock"
    }


def differing(one, other):
    return [
        path
        for path in sorted({**one, **other})
        if one.get(path) != other.get(path)
    ]


def meaning(path, text):
    """A file as Python reads it; the vhost stays as we wrote it."""
    if path.endswith(".py"):
        try:
            text = ast.dump(ast.parse(text)).encode()
        except (SyntaxError, ValueError):
            pass
    return text.replace(b"%%2F", b"/").replace(b"%2F", b"/")
