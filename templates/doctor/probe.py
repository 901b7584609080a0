"""What a service's real Celery app comes to, told as JSON.

`scaffold-events doctor` runs this in the service's own Python, 2.7 or 3. Its
last argument says what to load: {"root", "paths", "module", "variable",
"task"}, and "live" for what live.py does. It sends nothing itself
and says only what is so: the program judges.
"""

import ast
import importlib
import inspect
import json
import logging
import os
import sys
import textwrap
import traceback


def main():
    request = json.loads(sys.argv[-1])
    answer = keep_answer_apart()
    sys.argv = ["celery"]
    json.dump(answer_for(request), answer)
    answer.flush()
    os._exit(0)  # threads of the service do not keep us


def keep_answer_apart():
    """Our own output is the answer; what the service prints goes aside."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answer


def answer_for(request):
    sys.dont_write_bytecode = True
    os.chdir(request["paths"][0])
    sys.path[:0] = request["paths"]
    try:
        watch_definitions(request["task"])
        app = load(request["module"], request["variable"])
        if request.get("live"):
            return live(app, request["live"])  # noqa: F821 (of live.py)
        return resolved(app, request["task"], request["root"])
    except BaseException:
        return {"python": python(), "error": failure(request["root"])}


def python():
    return {"version": sys.version.split()[0], "path": sys.executable}


def failure(root):
    """The last line of the traceback, and the service's last file in it."""
    kind, value, trace = sys.exc_info()
    frames = [frame[:2] for frame in traceback.extract_tb(trace)]
    if isinstance(value, SyntaxError) and value.filename:
        frames.append((value.filename, value.lineno))
    own = [
        {"file": below(root, file), "line": number}
        for file, number in frames
        if "site-packages" not in file
        and not below(root, file).startswith("/")
    ]
    line = last_line()
    missing = getattr(value, "name", None) or line.split()[-1].strip("'")
    return {
        "line": line,
        "place": own[-1] if own else None,
        "missing": missing if isinstance(value, ImportError) else None,
    }


def below(root, file):
    """The file's path in the service, or the whole one elsewhere."""
    root = os.path.join(os.path.realpath(root), "")
    file = os.path.realpath(file)
    return file[len(root) :] if file.startswith(root) else file


def load(module, variable):
    app = importlib.import_module(module)
    for name in variable.split("."):
        app = getattr(app, name)
    app.finalize()
    app.loader.import_default_modules()
    return app


DEFINED = []  # modules that asked for a task of the event's name


def watch_definitions(task):
    import celery.app.base

    original = celery.app.base.Celery._task_from_fun

    def task_from_fun(app, function, *args, **options):
        if (options.get("name") or (args[0] if args else None)) == task:
            DEFINED.append(function.__module__)
        return original(app, function, *args, **options)

    celery.app.base.Celery._task_from_fun = task_from_fun


def resolved(app, event, root):
    watch_publishing()
    queues = consumed(app)
    names = ordinary_tasks(app, event)
    return {
        "python": python(),
        "versions": versions(),
        "consumed": dict((q.name, described(q)) for q in queues),
        "default_queue": app.conf.get("task_default_queue")
        or app.conf.get("CELERY_DEFAULT_QUEUE"),
        "routes": dict((name, route(app, name)) for name in names),
        "asked": dict(asked(app, names)),
        "answers": dict(several_answers(app, names)),
        "event": {
            "defined": DEFINED,
            "registered": module_of(app.tasks.get(event)),
            "route": route(app, event) if event in app.tasks else None,
            "listener": listener(app.tasks.get(event), root),
        },
        "imports": sorted(modules_to_import(app)),
        "accepted": list(app.conf.get("accept_content") or accepted(app)),
        "unread": unread(app),
        "broker": brokers(app),
        "django": django_settings(),
    }


def consumed(app):
    queues = app.amqp.queues.consume_from
    return (queues() if callable(queues) else queues).values()


def ordinary_tasks(app, event):
    return [
        name
        for name in sorted(app.tasks)
        if not name.startswith("celery.") and name != event
    ]


def described(queue):
    return {
        "exchange": queue.exchange.name,
        "type": queue.exchange.type,
        "key": queue.routing_key,
        "arguments": queue.queue_arguments or {},
        "binding": queue.binding_arguments or {},
        "bindings": sorted(map(repr, queue.bindings)),
        "durable": [queue.durable, queue.exchange.durable],
        "passing": [queue.exclusive, queue.auto_delete],
    }


def module_of(task):
    return task and type(task).__module__ and task.__module__


def modules_to_import(app):
    conf = app.conf
    found = set()
    for name in ("imports", "include", "CELERY_IMPORTS", "CELERY_INCLUDE"):
        value = conf.get(name) or ()
        found.update([value] if hasattr(value, "split") else value)
    return found | set(app.loader.builtin_modules)


PUBLISHED = []  # [exchange, routing key] of what was sent


def watch_publishing():
    """Nothing leaves: a virtual channel notes where a message would go."""
    import kombu.transport.memory
    import kombu.transport.virtual

    def basic_publish(channel, message, exchange, routing_key, **kwargs):
        PUBLISHED.append([exchange, routing_key])

    kombu.transport.virtual.Channel.basic_publish = basic_publish
    kombu.transport.memory.Channel.basic_publish = basic_publish


def route(app, name, queue=None):
    """Where a call of this task is published: [exchange, routing key]."""
    import kombu

    del PUBLISHED[:]
    task = app.tasks[name]
    task.typing = False
    app.conf.task_always_eager = app.conf.CELERY_ALWAYS_EAGER = False
    chosen = {"queue": queue} if queue else {}
    with kombu.Connection("memory://") as connection:
        try:
            task.apply_async(
                (), {}, connection=connection, ignore_result=True, **chosen
            )
        except Exception:
            return ["error", last_line()]
    return PUBLISHED[-1]


def last_line():
    kind, value = sys.exc_info()[:2]
    text = traceback.format_exception_only(kind, value)[-1].strip()
    return text if isinstance(text, str) else text.encode("utf-8")


def asked(app, names):
    """The queue that a task names for itself."""
    for name in names:
        queue = getattr(app.tasks[name], "queue", None)
        if queue:
            yield name, getattr(queue, "name", queue)


def several_answers(app, names):
    """What routers say of a task, where more than one answers."""
    from kombu.utils.functional import maybe_evaluate

    routers = [maybe_evaluate(each) for each in app.amqp.router.routes or ()]
    for name in names:
        answers = []
        for router in routers:
            says = answer_of(router, app.tasks[name])
            if says:
                answers.append({"router": router_name(router), "says": says})
        if len(answers) > 1:
            yield name, answers


def answer_of(router, task):
    try:
        if hasattr(router, "route_for_task"):
            answer = router.route_for_task(task.name, (), {})
        else:
            answer = router(task.name, (), {}, {}, task=task)
    except Exception:
        return None
    if isinstance(answer, dict):
        return repr(sorted(answer.items()))
    return answer and repr(answer)


def router_name(router):
    kind = router if inspect.isfunction(router) else type(router)
    if kind.__module__.startswith("celery."):
        return "dict"  # a dict of routes, as Celery wraps it
    return "{}.{}".format(kind.__module__, kind.__name__)


def listener(task, root):
    """The function behind the event's task, and what it reads and lacks."""
    if task is None:
        return None
    function = (
        inspect.unwrap(task.run) if sys.version_info > (3,) else task.run
    )
    function = getattr(function, "__func__", function)
    try:
        lines, first = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function)
    except (TypeError, IOError):
        return None
    return {
        "file": below(root, file),
        "line": first,
        "undefined": undefined(function),
        "dispatch": look_ups("".join(lines)),
    }


def look_ups(source):
    """Look-ups by a name that is not written there: getattr(handlers, name).

    A name that the function compares with those it knows is no look-up of
    whatever a sender likes.
    """
    tree = ast.parse(textwrap.dedent(source))
    known = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name):
            if isinstance(node.ops[0], (ast.In, ast.NotIn)):
                known.add(node.left.id)
    return [
        "getattr({}, {})".format(spelled(node.args[0]), node.args[1].id)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Name)
        and node.args[1].id not in known
    ]


def spelled(node):
    if isinstance(node, ast.Attribute):
        return "{}.{}".format(spelled(node.value), node.attr)
    return node.id if isinstance(node, ast.Name) else "..."


def undefined(function):
    """Names that the function reads from its module, which lacks them."""
    import dis

    code = function.__code__
    names = function.__globals__
    builtin = names.get("__builtins__", {})
    builtin = builtin if isinstance(builtin, dict) else vars(builtin)
    if sys.version_info < (3, 4):
        read = set(code.co_names) & set(globals_read(code))
    else:
        read = set(
            each.argval
            for each in dis.get_instructions(code)
            if each.opname in ("LOAD_GLOBAL", "LOAD_NAME")
        )
    return sorted(
        each for each in read if each not in names and each not in builtin
    )


def globals_read(code):
    """The same of Python 2.7's bytecode, which `dis` only prints."""
    import dis

    at, text = 0, code.co_code
    while at < len(text):
        operation = ord(text[at])
        if operation >= dis.HAVE_ARGUMENT:
            argument = ord(text[at + 1]) + ord(text[at + 2]) * 256
            if dis.opname[operation] == "LOAD_GLOBAL":
                yield code.co_names[argument]
            at += 3
        else:
            at += 1


def versions():
    found = {}
    for name in (
        "celery",
        "kombu",
        "pika",
        "django",
        "zc_common",
        "zc_events",
    ):
        try:
            module = importlib.import_module(name)
        except Exception:
            continue
        version = getattr(module, "__version__", None)
        found[name] = version or distribution(name) or "unknown"
    return found


def distribution(name):
    try:
        from importlib.metadata import version
    except ImportError:
        try:
            from pkg_resources import get_distribution
        except ImportError:
            return None
        return get_distribution(name).version
    return version(name)


def accepted(app):
    return app.conf.get("CELERY_ACCEPT_CONTENT") or ()


SETTINGS = {
    "task_queues": "CELERY_QUEUES",
    "task_routes": "CELERY_ROUTES",
    "imports": "CELERY_IMPORTS",
    "broker_url": "BROKER_URL",
    "task_default_queue": "CELERY_DEFAULT_QUEUE",
}


def unread(app):
    """[name, setting] that the settings bind and Celery does not read."""
    source = settings_object(app)
    if source is None:
        return []
    found = []
    for lower, old in sorted(SETTINGS.items()):
        new = lower.upper()
        for name in (lower, old, "CELERY_" + new):
            value = value_of(source, name)
            if value and not is_read(app, lower, old, value):
                found.append([name, lower])
    return found


def settings_object(app):
    source = getattr(app, "_config_source", None)
    if isinstance(source, str) or hasattr(source, "split"):
        from celery.utils.imports import symbol_by_name

        source = symbol_by_name(source)
    return source


def value_of(source, name):
    if isinstance(source, dict):
        return source.get(name)
    return getattr(source, name, None)


def is_read(app, lower, old, value):
    read = [app.conf.get(lower), app.conf.get(old)]
    return any(each is value or each == value for each in read)


def brokers(app):
    """As kombu reads the URL; the environment's beats the settings' one."""
    connection = app.connection()
    return [parts_of(url) for url in connection.alt or []] or [
        [
            connection.transport_cls,
            connection.hostname,
            connection.port,
            connection.virtual_host or "/",
        ]
    ]


def parts_of(url):
    from kombu.utils.url import parse_url

    parts = parse_url(url)
    vhost = parts["virtual_host"] or "/"
    return [parts["transport"], parts["hostname"], parts["port"], vhost]


def django_settings():
    try:
        from django.conf import settings
    except ImportError:
        return None
    if not (settings.configured or "DJANGO_SETTINGS_MODULE" in os.environ):
        return None
    names = ("BROKER_URL", "SERVICE_NAME", "DEFAULT_QUEUE_NAME")
    return dict((name, getattr(settings, name, None)) for name in names)


if __name__ == "__main__":
    logging.raiseExceptions = False
    main()
