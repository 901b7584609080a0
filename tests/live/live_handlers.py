# Appended to the handlers module of a running service: a handler that records
# its calls, and what a hostile sender would like to call instead.
import json
import os
from os import system


def order_placed(*args, **kwargs):
    _record("order_placed", args, kwargs)


def _record(name, args, kwargs):
    with open(os.environ["RECORD"], "a") as record:
        record.write(json.dumps([name, args, kwargs]) + "\n")
