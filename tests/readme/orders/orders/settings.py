import os

SECRET_KEY = os.environ['SECRET_KEY']
INSTALLED_APPS = ['orders']

CELERY_BROKER_URL = os.getenv('BROKER_URL', 'amqp://guest:guest@rabbitmq:5672//')
CELERY_IMPORTS = 'orders.reports'
