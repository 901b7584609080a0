# Appended to the handlers module of a running service: handlers that record
# their calls, and what a hostile sender would like to call instead.
import json
import os
import time
from os import system


def order_placed(*args, **kwargs):
    _record("order_placed", args, kwargs)


def burst(*args):
    _record("burst", args, {})


def killed(*args):
    """Is killed while it sleeps, then comes again."""
    with open(os.environ["RECORD"]) as record:
        again = '"killed"' in record.read()
    _record("killed", args, {})
    if not again:
        time.sleep(600)


def _record(name, args, kwargs):
    with open(os.environ["RECORD"], "a") as record:
        record.write(json.dumps([name, args, kwargs]) + "\n")
