@app.task(bind=True)
def record(self, *args):
    write("record", args, self.request.delivery_info)


@app.task(bind=True)
def record_slowly(self, *args):
    write("record_slowly", args, self.request.delivery_info)


def write(name, args, delivery_info):
    import json
    import os

    where = [delivery_info["exchange"], delivery_info["routing_key"]]
    with open(os.environ["RECORD"], "a") as lines:
        lines.write(json.dumps([name, args, where]) + "\n")
