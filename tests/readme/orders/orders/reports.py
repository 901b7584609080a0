from orders.celery import app


@app.task
def yearly_report(year):
    return year
