"""Writes the service that a cell of the matrix describes."""

import cells
from environments import HERE, read_pins

PINNED = ("celery", "Django", "pika", "ujson", "zc_common")
# What the spelling of Celery 3 is, where it is not the new one's in capitals.
OLD_NAMES = {
    "broker_url": "BROKER_URL",
    "task_default_queue": "CELERY_DEFAULT_QUEUE",
    "task_queues": "CELERY_QUEUES",
    "task_routes": "CELERY_ROUTES",
}
BROKER = 'os.environ.get("BROKER_URL", "amqp://localhost//")'


class Generated:
    """The files of a cell's service, and how to address it."""

    def __init__(self, cell):
        self.cell = cell
        nested = cell.layout == cells.NESTED
        self.home = "config" if nested else "shop"
        self.app_module = self.home + (".celery_app" if nested else ".celery")
        package = cell.layout == cells.PACKAGE
        self.listener_package = "shop.tasks" if package else "shop"
        self.tasks_module = {
            cells.PACKAGE: "shop.tasks.mail",
            cells.NESTED: "shop.orders.tasks",
        }.get(cell.layout, "shop.tasks")

    @property
    def default_queue(self):
        return "shop-main" if "default" in self.cell.has else "celery"

    @property
    def app(self):
        return self.app_module + ":app"

    def write(self, directory):
        for name, text in self.files().items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def files(self):
        files = {"requirements.txt": self.requirements()}
        files[path_of(self.app_module)] = self.app_file()
        files[path_of(self.tasks_module)] = self.tasks_file()
        files[self.home + "/__init__.py"] = export_of(self.app_module)
        packages = {"shop", self.tasks_module.rpartition(".")[0]}
        for package in sorted(packages - {self.home}):
            files[package.replace(".", "/") + "/__init__.py"] = ""
        if self.cell.layout == cells.PACKAGE:
            files["shop/tasks/__init__.py"] = (
                ABSOLUTE + "from shop.tasks import mail\n\n"
                '__all__ = ("mail",)\n'
            )
        files.update(self.settings_files())
        return files

    def requirements(self):
        pins = read_pins()[self.cell.generation]["packages"].split()
        return "".join(
            pin + "\n" for pin in pins if pin.split("==")[0] in PINNED
        )

    def tasks_file(self):
        head = ABSOLUTE + "from {} import app\n\n\n".format(self.app_module)
        return head + (HERE / "live_task.py").read_text()

    # The app.

    def app_file(self):
        cell, django = self.cell, self.cell.dialect in cells.DJANGO
        own, body = [], []
        if django:
            default = '"DJANGO_SETTINGS_MODULE", "{}"'
            default = default.format(self.settings_module)
            body.append("os.environ.setdefault({})\n".format(default))
        body.append('app = Celery("shop")')
        third_party = ["from celery import Celery"]
        if cell.dialect == cells.DICT:
            third_party.append("from django.conf import settings")
        if cell.dialect == cells.CLASS:
            name = "Production" if cell.layout == cells.SPLIT else "Config"
            own = ["from {} import {}".format(self.settings_module, name)]
            body.append("app.config_from_object({})".format(name))
        elif cell.dialect == cells.CONF:
            third_party += self.kombu_import()
            body.append(self.conf_update())
        else:
            body.append(self.config_from_object())
        if "imports" not in cell.has:
            package = self.tasks_module.rpartition(".")[0]
            if cell.layout == cells.PACKAGE:
                package = "shop"
            body.append('app.autodiscover_tasks(["{}"])'.format(package))
        needs_os = django or cell.dialect == cells.CONF
        blocks = [["import os"] if needs_os else [], third_party, own]
        head = "\n\n".join("\n".join(block) for block in blocks if block)
        return ABSOLUTE + head + "\n\n" + "\n".join(body) + "\n"

    def config_from_object(self):
        return {
            cells.OLD: 'app.config_from_object("django.conf:settings")',
            cells.NAMESPACE: (
                'app.config_from_object("django.conf:settings", '
                'namespace="CELERY")'
            ),
            cells.DICT: "app.config_from_object(settings.CELERY)",
            cells.CELERYCONFIG: 'app.config_from_object("{}")'.format(
                self.settings_module
            ),
        }[self.cell.dialect]

    def conf_update(self):
        lines = ["    {}={},".format(*each) for each in self.spelled()]
        return "\n".join(["app.conf.update(", *lines, ")"])

    # The settings.

    @property
    def settings_module(self):
        name = "settings"
        if self.cell.dialect not in cells.DJANGO:
            name = "celeryconfig"
        if self.cell.layout == cells.SPLIT:
            name += ".production"
        return "{}.{}".format(self.home, name)

    def settings_files(self):
        if self.cell.dialect == cells.CONF:
            return {}
        path = path_of(self.settings_module)
        if self.cell.layout != cells.SPLIT:
            return {path: self.settings_file()}
        base = self.settings_module.replace("production", "base")
        package = path_of(base.rpartition(".")[0] + ".__init__")
        return {
            package: "",
            path_of(base): self.settings_file(),
            path: self.production_file(),
        }

    def settings_file(self):
        head = "\n\n".join(["import os", *self.kombu_import()]) + "\n\n"
        if self.cell.dialect in cells.DJANGO:
            head += 'SECRET_KEY = "for tests"\nINSTALLED_APPS = ["shop"]\n\n'
        if self.cell.dialect == cells.DICT:
            return head + self.as_dict()
        if self.cell.dialect == cells.CLASS:
            return head + self.as_class()
        return head + self.as_module()

    def as_module(self):
        return "".join("{} = {}\n".format(*each) for each in self.spelled())

    def as_dict(self):
        lines = ['    "{}": {},\n'.format(*each) for each in self.spelled()]
        return "CELERY = {\n" + "".join(lines) + "}\n"

    def as_class(self):
        lines = ["    {} = {}\n".format(*each) for each in self.spelled()]
        return "\nclass Config:\n" + "".join(lines)

    def production_file(self):
        """In production only the environment says which broker it is."""
        name, names = self.spell("broker_url"), "*"
        line = name + " = "
        if self.cell.dialect == cells.DICT:
            line = 'CELERY["{}"] = '.format(name)
        line += 'os.environ["BROKER_URL"]'
        if self.cell.dialect == cells.CLASS:
            names = "Config\n"
            line = "class Production(Config):\n    " + line
        head = "# flake8: noqa: F401,F403,F405\nimport os\n\n"
        return head + "from .base import {}\n\n{}\n".format(names, line)

    def kombu_import(self):
        if "queues" in self.cell.has:
            return ["from kombu import Exchange, Queue"]
        return []

    def spelled(self):
        return [(self.spell(name), text) for name, text in self.values()]

    def spell(self, name):
        cell = self.cell
        if cell.dialect == cells.OLD or cell.celery < (4,):
            return OLD_NAMES.get(name, "CELERY_" + name.upper())
        if cell.dialect == cells.NAMESPACE:
            return "CELERY_" + name.upper()
        return name

    def values(self):
        """Celery's settings by their new names, as Python text."""
        has = self.cell.has
        default = self.default_queue
        yield "broker_url", BROKER
        yield "accept_content", '["json"]'
        yield "task_serializer", '"json"'
        if "imports" in has:
            yield "imports", '("{}",)'.format(self.tasks_module)
        if "default" in has:
            yield "task_default_queue", '"{}"'.format(default)
        if "quorum" in has:
            yield "task_default_queue_type", '"quorum"'
            yield "broker_transport_options", '{"confirm_publish": True}'
        if "queues" in has:
            indent = self.indentation()
            queue = '    Queue("{0}", Exchange("{0}"), routing_key="{0}"),\n'
            lines = [queue.format(name) for name in (default, "shop-slow")]
            text = "".join(indent + line for line in lines)
            yield "task_queues", "(\n" + text + indent + ")"
        if "dict" in has or "tuple" in has:
            route = '{{"{}.record_slowly": {{"queue": "shop-slow"}}}}'
            route = route.format(self.tasks_module)
            text = route if "dict" in has else "({},)".format(route)
            yield "task_routes", text

    def indentation(self):
        inside = (cells.DICT, cells.CLASS, cells.CONF)
        return "    " if self.cell.dialect in inside else ""


ABSOLUTE = "from __future__ import absolute_import\n\n"


def export_of(app_module):
    text = 'from {} import app as celery_app\n\n__all__ = ("celery_app",)\n'
    return ABSOLUTE + text.format(app_module)


def path_of(module):
    return module.replace(".", "/") + ".py"
