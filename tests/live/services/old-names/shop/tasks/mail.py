from __future__ import absolute_import

from shop.celery import app


@app.task
def greet(name):
    return "Hello, {}!".format(name)
