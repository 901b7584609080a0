"""Static probes of every cell of the matrix, and the matrix as a table."""

import os
from concurrent.futures import ThreadPoolExecutor

import cells
from environments import Missing, environment
from generate import Generated
from resolved import LAWS, URL, Case, assert_none, judge, resolve
from service import fresh_copy, output_of

CANNOT, MISSING, FAILED, STATIC, LIVE = "-", "?", "x", "s", "L"
LEGEND = """
The matrix. In each column one letter for each of: {contents}.
{} a live worker, {} loaded and asked, {} failed, {} lacking here, \
{} cannot exist."""


class Matrix:
    def __init__(self, directory):
        self.directory = directory
        self.cells = cells.all_cells()
        self.marks = {cell: MISSING for cell in self.cells}

    def probe(self, report, program):
        """Ask each generation's Celery what it makes of all its services."""
        pythons = {}
        for generation in cells.GENERATIONS:
            try:
                pythons[generation] = environment(generation)
            except Missing as missing:
                report.skip(missing, len(LAWS) + 2)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            answers = {
                generation: threads.submit(
                    self.ask, generation, python, program
                )
                for generation, python in pythons.items()
            }
            for generation, answer in answers.items():
                self.judge(report, generation, *answer.result())

    def ask(self, generation, python, program):
        """Each wired cell's case, what was refused, what Celery answers."""
        wired, refused = {}, []
        for cell in self.cells:
            if cell.generation == generation:
                try:
                    wired[cell] = self.case(cell, program)
                except AssertionError as error:
                    refused.append(str(error))
                self.marks[cell] = FAILED
        return wired, refused, resolve(python, wired.values())

    def judge(self, report, generation, wired, refused, pairs):
        title = "matrix, " + generation
        count = len(wired)
        name = "{}: {} of {} services are wired"
        name = name.format(title, count, count + len(refused))
        report.check(name, assert_none, refused)
        sound = judge(report, title, list(wired.values()), pairs)
        for cell, case in wired.items():
            if case.name in sound:
                self.marks[cell] = STATIC

    def case(self, cell, program):
        directory = self.directory / cell.name
        before, after = directory / "before", directory / "after" / "shop"
        fresh_copy(None, directory)
        Generated(cell).write(before)
        fresh_copy(before, after)
        output_of([program, "init", after, "-y"])
        return Case(cell.name, before, after, "wired", variables=URL)

    def played(self, cell, well):
        if self.marks.get(cell, FAILED) != FAILED:
            self.marks[cell] = LIVE if well else FAILED

    def table(self):
        """A row for each dialect and layout, a column for each generation."""
        legend = LEGEND.format(
            LIVE,
            STATIC,
            FAILED,
            MISSING,
            CANNOT,
            contents=", ".join(cells.CONTENTS),
        )
        rows = [legend, self.row("", "", cells.GENERATIONS.values())]
        for dialect in cells.DIALECTS:
            for layout in cells.LAYOUTS:
                columns = [
                    "".join(
                        self.marks.get(
                            cells.Cell(dialect, layout, content, generation),
                            CANNOT,
                        )
                        for content in cells.CONTENTS
                    )
                    for generation in cells.GENERATIONS
                ]
                rows.append(self.row(dialect, layout, columns))
        return "\n".join(rows)

    @staticmethod
    def row(dialect, layout, columns):
        line = "{:<13}{:<16}".format(dialect, layout)
        line += "".join("{:<13}".format(column) for column in columns)
        return line.rstrip()
