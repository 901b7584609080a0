import os

from kombu import Queue

SECRET_KEY = "for tests"

CELERY_BROKER_URL = os.environ.get("BROKER_URL", "amqp://localhost")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_IMPORTS = ["press.tasks.print"]
CELERY_TASK_DEFAULT_QUEUE = "press-main"
CELERY_TASK_QUEUES = (
    Queue("press-main", routing_key="press-main"),
    Queue("press-slow", routing_key="press-slow"),
)
CELERY_TASK_ROUTES = {"press.tasks.print.record": {"queue": "press-slow"}}
