"""The listener's rules, asked of a wired service in its own Python and Celery.

Run in the service's directory as `listener_test.py LISTENER_MODULE`, with
`listener_handlers.py` appended to its handlers module. Python 2.7 and 3 alike.
"""

import importlib
import logging
import sys
import unittest

LISTENER = importlib.import_module(sys.argv.pop())
HANDLERS = LISTENER.microservice_events
FIELDS = {
    "task_id": "t-1",
    "resource_type": "Order",
    "resource_id": 7,
    "user_id": 9,
}


class Records(logging.Handler):
    def __init__(self):
        logging.Handler.__init__(self)
        self.records = []

    def emit(self, record):
        self.records.append(record)


class ListenerTest(unittest.TestCase):
    def setUp(self):
        del HANDLERS.CALLS[:]
        self.log = Records()
        LISTENER.logger.addHandler(self.log)
        LISTENER.logger.setLevel(logging.INFO)

    def tearDown(self):
        LISTENER.logger.removeHandler(self.log)

    def send(self, *args, **kwargs):
        LISTENER.microservice_event.run(*args, **kwargs)
        return self.log.records[-1].getMessage()

    def assert_ignored(self, *args, **kwargs):
        before = dict(vars(HANDLERS))
        message = self.send(*args, **kwargs)
        self.assertTrue("MICROSERVICE_EVENT::IGNORED: " in message, message)
        self.assertEqual(HANDLERS.CALLS, [])
        self.assertEqual(dict(vars(HANDLERS)), before)

    def test_task_is_registered_under_the_name_the_bus_uses(self):
        task = LISTENER.microservice_event
        self.assertEqual(task.name, "microservice.event")
        self.assertTrue(task.ignore_result)
        self.assertFalse(task.acks_late)

    def test_handlers_of_every_kind_get_the_arguments_once(self):
        for name in ("plain", "wrapped", "task", "bound_task"):
            del HANDLERS.CALLS[:]
            self.send(name, 1, "two", three=3)
            call = (name, (1, "two"), {"three": 3})
            self.assertEqual(HANDLERS.CALLS, [call])

    def test_listed_import_is_a_handler(self):
        self.assertTrue("::PROCESSED: " in self.send("listed_import"))

    def test_log_line_keeps_its_words_and_fields(self):
        tail = "Received [{}:t-1] event for object (Order:7) and user 9"
        for name, word in (("plain", "PROCESSED"), ("nobody", "IGNORED")):
            self.assertEqual(
                self.send(name, **FIELDS),
                "MICROSERVICE_EVENT::{}: ".format(word) + tail.format(name),
            )

    def test_log_line_is_formatted_lazily(self):
        self.send("nobody")
        record = self.log.records[-1]
        self.assertTrue("nobody" in record.args)
        self.assertFalse("nobody" in record.msg)

    def test_what_is_not_a_handler_is_ignored(self):
        for name in (
            "nobody",
            "",
            "_private",
            "_listed_private",
            "__setattr__",
            "__class__",
            "__name__",
            "__dict__",
            "__builtins__",
            "system",
            "os",
            "app",
            "borrowed",
            "functools",
            "OrderedDict",
            "PublicClass",
            "OldStyleClass",
            "ListedClass",
            "CALLS",
            "NOT_CALLABLE",
            "plain.__call__",
        ):
            self.assert_ignored(name, "plain", None)

    def test_odd_event_types_are_ignored(self):
        snowman = b"\xe2\x98\x83"
        for event_type in (
            None,
            0,
            1.5,
            True,
            [],
            ["plain"],
            {},
            {"plain": 1},
            ("plain",),
            snowman,
            snowman.decode("utf-8"),
            b"_private",
            b"_private".decode("utf-8"),
        ):
            self.assert_ignored(event_type)

    def test_no_arguments_are_ignored(self):
        self.assert_ignored()
        self.assert_ignored(event_type="plain")

    def test_event_type_in_the_payload_reaches_the_handler(self):
        self.send("plain", event_type="inner")
        call = ("plain", (), {"event_type": "inner"})
        self.assertEqual(HANDLERS.CALLS, [call])

    def test_unicode_name_finds_the_handler(self):
        self.send(b"plain".decode("utf-8"))
        self.assertEqual(HANDLERS.CALLS, [("plain", (), {})])

    def test_error_of_a_handler_propagates(self):
        self.assertRaises(ZeroDivisionError, self.send, "failing")


if __name__ == "__main__":
    unittest.main()
