import os

SECRET_KEY = "for tests"

BROKER_URL = os.environ.get("BROKER_URL", "amqp://guest:guest@localhost//")
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_IMPORTS = ("shop.tasks.mail",)
