from orders.celery import app


@app.task
def send_invoice(order_id):
    return order_id
