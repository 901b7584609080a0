"""The live suite: settings resolved, scenarios played, files compiled."""

from checks import CHECKS
from compiles import PYTHONS, changed, files_compile, fixture_pairs
from contract_scenarios import contracts_receive
from environments import Missing
from resolved import settings_resolve
from scenarios import SCENARIOS, Run


def run_suite(report, program, broker_url, directory):
    runs = [Run(row, directory, broker_url) for row in SCENARIOS]
    played = [run for run in runs if play(report, run, program)]
    contracts_receive(report, program, broker_url, directory)
    settings_resolve(report)
    for version in PYTHONS:
        pairs = list(fixture_pairs(version))
        for run in played:
            if version != "2.7" or run.scenario.environment.endswith("2.7"):
                pairs += changed(run.before, run.wired)
        name = "{} written files compile under Python {}"
        name = name.format(len(pairs), version)
        report.check(name, files_compile, version, pairs)


def play(report, run, program):
    """Whether the scenario could be played; its checks are then made."""
    name = run.scenario.name
    try:
        run.play(program)
    except Missing as missing:
        report.skip(missing, len(CHECKS))
        return False
    except Exception as error:
        report.fail(name + ": is wired and runs", error)
        return False
    for check in CHECKS:
        title = check.__name__.replace("_", " ")
        report.check("{}: {}".format(name, title), check, run)
    return True
