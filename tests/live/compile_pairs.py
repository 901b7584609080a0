"""Reads [[old, new], ...]: new must compile here where old does, or is none.

Python 2.7 and 3 alike.
"""

import io
import json
import sys
import warnings


def error_of(path):
    with io.open(path, "rb") as file:
        source = file.read()
    try:
        compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, TypeError) as error:
        return "{}: {}".format(path, error)


warnings.simplefilter("ignore")
errors = [
    error_of(new)
    for old, new in json.load(sys.stdin)
    if old is None or not error_of(old)
]
sys.exit("\n".join(filter(None, errors)) or 0)
