# Appended to the handlers module of a running service, whatever its contract:
# zc-events@3 hands over a request, the others what was sent.
import json
import os
from os import system


def order_placed(*args, **kwargs):
    _record("order_placed", args[0].data if args else kwargs)


def _record(name, sent):
    with open(os.environ["RECORD"], "a") as record:
        record.write(json.dumps([name, [], sent]) + "\n")
