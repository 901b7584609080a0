"""The live suite: settings resolved, scenarios played, files compiled."""

from checks import CHECKS
from compiles import PYTHONS, changed, files_compile, fixture_pairs
from contract_scenarios import contracts_receive
from doctor import doctor_knows
from doctor_live import doctor_asks_the_broker
from environments import Missing
from matrix import Matrix
from reformatted import reformatted_services_are_known
from resolved import settings_resolve
from scenarios import Run, scenarios


def run_suite(report, program, broker_url, directory):
    matrix = Matrix(directory / "matrix")
    first, *others = [Run(each, directory, broker_url) for each in scenarios()]
    played = [run for run in [first] if play(report, run, program, matrix)]
    settings_resolve(report)
    reformatted_services_are_known(report, program, directory)
    matrix.probe(report, program)
    played += [run for run in others if play(report, run, program, matrix)]
    contracts_receive(report, program, broker_url, directory)
    doctor_knows(report, program)
    doctor_asks_the_broker(report, program)
    for version in PYTHONS:
        pairs = list(fixture_pairs(version))
        for run in played:
            if version != "2.7" or run.scenario.generation.endswith("2.7"):
                pairs += changed(run.before, run.wired)
        name = "{} written files compile under Python {}"
        name = name.format(len(pairs), version)
        report.check(name, files_compile, version, pairs)
    report.say(matrix.table())


def play(report, run, program, matrix):
    """Whether the scenario could be played; its checks are then made."""
    name = run.scenario.name
    failed = report.failed
    try:
        run.play(program)
    except Missing as missing:
        report.skip(missing, len(CHECKS))
        return False
    except Exception as error:
        report.fail(name + ": is wired and runs", error)
        matrix.played(run.scenario.cell, well=False)
        return False
    for check in CHECKS:
        title = check.__name__.replace("_", " ")
        report.check("{}: {}".format(name, title), check, run)
    matrix.played(run.scenario.cell, well=report.failed == failed)
    return True
