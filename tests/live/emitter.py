"""Sends events by the library's own client: `emitter.py SETTINGS`.

Reads one JSON object: `emit`, legacy events; `post`, requests without an
answer, which the library has from 0.3.8 on. Python 2.7 and 3 alike.
"""

import json
import os
import sys


def main():
    os.environ["DJANGO_SETTINGS_MODULE"] = sys.argv[1]
    from zc_events import EventClient

    client = EventClient()
    work = json.load(sys.stdin)
    for event_type, sent in work.get("emit", ()):
        assert client.emit_microservice_event(event_type, **sent)
    for event_type, sent in work.get("post", ()):
        client.post_no_wait(event_type, data=sent)


if __name__ == "__main__":
    main()
