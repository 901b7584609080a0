from clinic.celery import app


@app.task
def remind(patient):
    return patient
