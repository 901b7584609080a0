import os

SECRET_KEY = "for tests"
INSTALLED_APPS = ["clinic"]

CELERY_BROKER_URL = os.environ.get("BROKER_URL", "amqp://localhost//")
