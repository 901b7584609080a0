"""The live suite: every scenario, then what their files look like."""

import checks
import compiles
from environments import Missing, environment, find_python
from scenarios import SCENARIOS, Run


def run_suite(report, program, broker_url, directory):
    runs = [Run(row, directory, broker_url) for row in SCENARIOS]
    played = [run for run in runs if play(report, run, program)]
    for run in played:
        check_format(report, run)
    for version in compiles.PYTHONS:
        check_compiles(report, version, played)


def play(report, run, program):
    name = run.scenario.name
    try:
        run.play(program)
    except Missing as missing:
        report.skip(missing, len(checks.CHECKS))
        return False
    except Exception as error:
        report.fail(name + ": is wired and runs", error)
        return False
    for check in checks.CHECKS:
        report.check(titled(name, check), check, run)
    return True


def check_format(report, run):
    check = checks.formatters_change_nothing
    try:
        environment("formatters")
    except Missing as missing:
        report.skip(missing, 1)
    else:
        report.check(titled(run.scenario.name, check), check, run)


def check_compiles(report, version, played):
    pairs = list(compiles.fixture_pairs(version))
    for run in played:
        if version != "2.7" or run.scenario.environment.endswith("2.7"):
            pairs += compiles.changed(run.before, run.wired)
    name = "{} written files compile under Python {}"
    try:
        find_python(version)
    except Missing as missing:
        report.skip(missing, 1)
    else:
        check = compiles.files_compile
        report.check(name.format(len(pairs), version), check, version, pairs)


def titled(name, check):
    return "{}: {}".format(name, check.__name__.replace("_", " "))
