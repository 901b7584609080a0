from press.celery import app


@app.task
def proof(page):
    return page
