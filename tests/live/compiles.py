"""Each file that a wiring wrote compiles under real Pythons, if it did before.

The cases are pairs of directories, before and after.
"""

import json
import re

from environments import HERE, find_python
from service import output_of

PYTHONS = ("2.7", "3.6", "3.8", "3.11", "3.13")
FIXTURES = HERE.parent / "fixtures"


def fixture_pairs(version):
    """Changed files of the fixtures; under 2.7, of the Python 2 ones."""
    for case in sorted(FIXTURES.glob("*/case.toml")):
        python_2 = re.search(r'^python *= *"2', case.read_text(), re.MULTILINE)
        if version != "2.7" or python_2:
            yield from changed(case.parent / "in", case.parent / "out")


def changed(before, after):
    """[old, new] for each Python file that differs; old may be missing."""
    for new in sorted(after.rglob("*.py")):
        old = before / new.relative_to(after)
        if not old.is_file():
            yield [None, str(new)]
        elif old.read_bytes() != new.read_bytes():
            yield [str(old), str(new)]


def files_compile(version, pairs):
    """One process for all pairs: starting a Python costs more than a file."""
    command = [find_python(version), HERE / "compile_pairs.py"]
    assert pairs, "no file was written"
    output_of(command, input=json.dumps(pairs))
