"""A RabbitMQ for one test run: the one AMQP_URL names, else a private one.

The private broker listens on loopback, on ports nobody else has, keeps all
its files in one directory, and ends with the run.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
HOW_TO_GET_ONE = (
    "no RabbitMQ: set AMQP_URL to a broker kept for tests, install Debian's "
    "rabbitmq-server, or run as root where apt-get can install it"
)
START_DEADLINE = 120


class NoBroker(Exception):
    """There is no broker and none could be started."""


@contextlib.contextmanager
def broker(directory, log):
    """The URL of a running broker, for as long as the block runs."""
    if os.environ.get("AMQP_URL"):
        yield os.environ["AMQP_URL"]
        return
    if not os.path.exists(SERVER):
        install_server(log)
    with private_broker(directory) as url:
        yield url


def install_server(log):
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoBroker(HOW_TO_GET_ONE)
    log("installing rabbitmq-server with apt-get")
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends"]
    with service_start_forbidden():
        if not apt_get([*install, "rabbitmq-server"]):
            apt_get(["apt-get", "update", "-qq"])
            apt_get([*install, "rabbitmq-server"])
    if not os.path.exists(SERVER):
        raise NoBroker(HOW_TO_GET_ONE)


def apt_get(command):
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return done.returncode == 0


@contextlib.contextmanager
def service_start_forbidden(policy="/usr/sbin/policy-rc.d"):
    """Debian starts a server it installs, unless this script says no."""
    if os.path.exists(policy):
        yield
        return
    with open(policy, "w") as script:
        script.write("#!/bin/sh\nexit 101\n")
    os.chmod(policy, 0o755)
    try:
        yield
    finally:
        os.remove(policy)


@contextlib.contextmanager
def private_broker(directory):
    directory = str(directory)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    amqp, dist, epmd = free_ports(3)
    environment = server_environment(directory, amqp, dist, epmd)
    with open(os.path.join(directory, "environment.json"), "w") as kept:
        json.dump(environment, kept)
    log = open(os.path.join(directory, "output"), "wb")
    started = []

    def start(*command):
        started.append(
            subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )
        return started[-1]

    try:
        start("epmd", "-port", str(epmd), "-address", "127.0.0.1")
        wait_until_ready(start(SERVER), amqp, log.name)
        yield "amqp://guest:guest@127.0.0.1:{}/%2F".format(amqp)
    finally:
        for process in reversed(started):
            end(process)
        log.close()


def queue_names(directory):
    """The queues of the private broker that runs in a directory."""
    with open(os.path.join(directory, "environment.json")) as kept:
        environment = json.load(kept)
    control = SERVER.replace("rabbitmq-server", "rabbitmqctl")
    command = [control, "-q", "list_queues", "--no-table-headers", "name"]
    return set(
        subprocess.check_output(command, env=environment).decode().split()
    )


def server_environment(directory, amqp, dist, epmd):
    plugins = os.path.join(directory, "enabled_plugins")
    with open(plugins, "w") as no_plugins:
        no_plugins.write("[].\n")
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": directory,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd),
        "RABBITMQ_NODENAME": "live{}@localhost".format(amqp),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(amqp),
        "RABBITMQ_DIST_PORT": str(dist),
        "RABBITMQ_MNESIA_BASE": os.path.join(directory, "mnesia"),
        "RABBITMQ_LOG_BASE": os.path.join(directory, "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": plugins,
        "RABBITMQ_PID_FILE": os.path.join(directory, "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1"
        ),
    }


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_until_ready(server, port, log):
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        if answers_amqp(port):
            return
        time.sleep(0.2)
    raise NoBroker("rabbitmq-server did not start, see {}".format(log))


def answers_amqp(port):
    """A ready broker answers the greeting with a method frame: type 1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            peer.sendall(b"AMQP\x00\x00\x09\x01")
            return peer.recv(1) == b"\x01"
    except OSError:
        return False


def end(process):
    """End the process and the children it started in its own session."""
    for signal in (15, 9):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal)
        try:
            process.wait(timeout=20)
            return
        except subprocess.TimeoutExpired:
            continue
