"""The matrix: every service that can exist, and which of them are run live.

A cell is a dialect, a layout, what the service has already, and a generation
of Celery. Static probes are made of all cells; a live run of as few as hold
every pair of properties that can exist together.
"""

import collections
import itertools
import re

from environments import read_pins

# How a service spells its settings.
OLD = "old names"
NAMESPACE = "namespace"
CELERYCONFIG = "celeryconfig"
DICT = "CELERY dict"
CLASS = "class"
CONF = "app.conf"
DIALECTS = [OLD, NAMESPACE, CELERYCONFIG, DICT, CLASS, CONF]
DJANGO = [OLD, NAMESPACE, DICT]

# Where its modules are.
PACKAGE = "tasks package"
MODULE = "tasks.py"
NESTED = "app elsewhere"
SPLIT = "split settings"
LAYOUTS = [PACKAGE, MODULE, NESTED, SPLIT]

# What its settings hold already.
CONTENTS = {
    "bare": set(),
    "imports": {"imports"},
    "default queue": {"default"},
    "queues": {"queues"},
    "dict of routes": {"queues", "dict"},
    "tuple of routes": {"queues", "tuple"},
    "all": {"imports", "default", "queues", "dict"},
    "quorum queues": {"default", "quorum"},
}

# Sections of pins.ini; the column's title.
GENERATIONS = {
    "celery-3.1-python-2.7": "3.1 on 2.7",
    "celery-3.1-python-3.6": "3.1 on 3.6",
    "celery-4.4": "4.4 on 3.8",
    "celery-5.6": "5.6 on 3.13",
    "celery-5.7-python-3.11": "5.7 on 3.11",
    "celery-5.7": "5.7 on 3.13",
}

Properties = collections.namedtuple(
    "Properties", "dialect layout content generation"
)


class Cell(Properties):
    @property
    def name(self):
        title = GENERATIONS[self.generation].replace(" on ", "-python-")
        words = [self.dialect, self.layout, self.content, title]
        return "--".join(words).replace(" ", "-")

    @property
    def has(self):
        return CONTENTS[self.content]

    @property
    def celery(self):
        """The version it pins, as a tuple."""
        packages = read_pins()[self.generation]["packages"]
        found = re.search(r"^celery==(\d+)\.(\d+)", packages, re.MULTILINE)
        return tuple(map(int, found.groups()))

    @property
    def exists(self):
        if self.dialect == CONF and self.layout == SPLIT:
            return False  # its settings are the app's own file
        if self.celery < (4,) and self.dialect in (NAMESPACE, CELERYCONFIG):
            return False  # Celery 3 knows neither
        if "quorum" in self.has:
            return self.celery >= (5, 7) and self.dialect != OLD
        return True


def all_cells():
    every = itertools.product(DIALECTS, LAYOUTS, CONTENTS, GENERATIONS)
    return [cell for cell in map(Cell._make, every) if cell.exists]


def pairwise(cells):
    """The same few cells each time, that hold every pair of properties."""
    missing = set().union(*map(pairs, cells))
    chosen = []
    while missing:
        best = max(cells, key=lambda cell: len(pairs(cell) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return sorted(chosen, key=cells.index)


def pairs(cell):
    return set(itertools.combinations(enumerate(cell), 2))
