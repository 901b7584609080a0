"""What was checked: one line per check, the sums at the end."""

import traceback

from environments import Missing


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.left_out = {}

    def say(self, text):
        print(text, flush=True)

    def check(self, name, function, *arguments):
        """Run one check; it fails by raising, Missing leaves it out."""
        try:
            function(*arguments)
        except Missing as missing:
            self.skip(missing, 1)
        except Exception as error:
            self.fail(name, error)
        else:
            self.passed += 1
            self.say("ok      " + name)

    def fail(self, name, error):
        self.failed += 1
        self.say("FAILED  {}\n{}".format(name, indented(describe(error))))

    def skip(self, missing, count):
        """Leave out `count` checks for want of what `missing` names."""
        reason = str(missing)
        self.left_out[reason] = self.left_out.get(reason, 0) + count

    def close(self, require_all):
        """Print what is missing and the sums; the exit code."""
        for reason, count in self.left_out.items():
            self.say("{}, {} checks left out".format(reason, count))
        skipped = sum(self.left_out.values())
        if require_all:
            self.failed, skipped = self.failed + skipped, 0
        line = "{} passed, {} failed".format(self.passed, self.failed)
        self.say(line + (", {} skipped".format(skipped) if skipped else ""))
        return 1 if self.failed else 0


def describe(error):
    """Its message; a bare assertion's is the line it stands on."""
    return str(error) or traceback.extract_tb(error.__traceback__)[-1].line


def indented(text):
    return "\n".join("        " + line for line in text.splitlines())
