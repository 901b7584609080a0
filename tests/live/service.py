"""A service on disk: wired by the program, run by its own Celery."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from environments import HERE

DEADLINE = 90


class Service:
    """A service's directory, its environment's Python, and its broker."""

    def __init__(self, directory, python, broker_url):
        self.directory = directory
        self.python = python
        self.record = directory.with_name(directory.name + ".record")
        self.log = directory.with_name(directory.name + ".log")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "TMPDIR": tempfile.gettempdir(),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(directory),
            "BROKER_URL": broker_url,
            "RECORD": str(self.record),
        }
        for left_over in (self.record, self.log):
            left_over.write_text("")

    def run_python(self, *arguments, **options):
        """Output of a script of ours in the service's own environment."""
        return output_of(
            [self.python, *arguments],
            cwd=str(self.directory),
            env=self.environment,
            **options,
        )

    def send(self, app, tasks, steps):
        text = json.dumps(steps)
        self.run_python(HERE / "sender.py", app, tasks, input=text)

    @contextlib.contextmanager
    def worker(self, app):
        """A worker, ready; it is stopped as an operator stops one."""
        starts = self.starts()
        module = app.split(":")[0]
        command = [self.python, "-m", "celery", "-A", module, "worker"]
        command += ["-c", "1", "-l", "INFO", "-n", "live@localhost"]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=str(self.directory),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            if not self.wait_for(lambda: self.starts() > starts, process):
                raise AssertionError("no worker:\n" + self.log_text())
            yield process
        finally:
            stop(process)

    def starts(self):
        return self.log_text().count(" ready.")

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def calls(self):
        """The recorded calls, each [name, args, kwargs], in order."""
        return [json.loads(line) for line in self.record.open()]

    def wait_for(self, condition, process):
        """Whether it came true while the worker lived, and in time."""
        deadline = time.monotonic() + DEADLINE
        while process.poll() is None and time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.2)
        return False


def kill(process):
    """As a machine kills it that is out of memory: with its children."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stop(process):
    """Warm shutdown, then an end to whatever the worker left behind."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=30)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def output_of(command, **options):
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        **options,
    )
    if done.returncode != 0:
        raise AssertionError(
            "exit {}: {}\n{}".format(
                done.returncode,
                " ".join(map(str, command)),
                done.stdout,
            )
        )
    return done.stdout


def fresh_copy(source, directory):
    shutil.rmtree(str(directory), ignore_errors=True)
    directory.parent.mkdir(parents=True, exist_ok=True)
    if source:
        shutil.copytree(str(source), str(directory))


def append(path, code):
    """Add code at the end of a Python file, as black would set it off."""
    with pathlib.Path(path).open("a") as file:
        file.write("\n\n" + code)
