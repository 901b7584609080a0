import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "press.settings")

app = Celery("press")
app.config_from_object("django.conf:settings", namespace="CELERY")
