# Appended to the handlers module for listener_test.py: handlers of every kind,
# and what such a module may hold or see besides.
import functools
import os
from collections import OrderedDict
from os import getcwd as listed_import
from os import system

from APP_MODULE import APP_VARIABLE as app

__all__ = ["listed_import", "ListedClass", "_listed_private"]

CALLS = []
NOT_CALLABLE = "text"
borrowed = functools.partial(CALLS.append, "borrowed")


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def plain(*args, **kwargs):
    CALLS.append(("plain", args, kwargs))


@logged
def wrapped(*args, **kwargs):
    CALLS.append(("wrapped", args, kwargs))


@app.task
def task(*args, **kwargs):
    CALLS.append(("task", args, kwargs))


@app.task(bind=True, name="another.name")
def bound_task(self, *args, **kwargs):
    CALLS.append(("bound_task", args, kwargs))


def failing(*args, **kwargs):
    raise ZeroDivisionError("a handler's own error")


def _private(*args, **kwargs):
    CALLS.append(("_private", args, kwargs))


_listed_private = _private


class PublicClass(object):
    def __init__(self, *args, **kwargs):
        CALLS.append(("PublicClass", args, kwargs))


class OldStyleClass:
    def __init__(self, *args, **kwargs):
        CALLS.append(("OldStyleClass", args, kwargs))


class ListedClass(PublicClass):
    pass
