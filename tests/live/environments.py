"""The Pythons this machine has, and environments made from them, kept.

An environment's directory is named after a hash of its Python and its pins:
a changed pin makes a new one, an unchanged one is used again.
"""

import configparser
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
CACHE = HERE.parents[1] / "target" / "live" / "environments"
# Debian's Python 3 comes without ensurepip: no environment can be made of it.
VERSION = """
import sys
if sys.version_info > (3,):
    import ensurepip
print("{}.{}".format(*sys.version_info))
"""


class Missing(Exception):
    """This machine lacks something that a check needs."""


@functools.lru_cache(maxsize=None)
def find_python(version):
    """The path of a Python of exactly this `major.minor` version."""
    for path in candidates(version):
        # A pyenv shim is there for versions that are not chosen, too.
        if output_of(path, "-c", VERSION) == version:
            return path
    raise Missing("python{}: not found".format(version))


def candidates(version):
    root = os.environ.get("PYENV_ROOT", "~/.pyenv")
    versions = pathlib.Path(root).expanduser() / "versions"
    yield from sorted(versions.glob("{}.*/bin/python".format(version)))
    for name in ("python" + version, "python3", "python2", "python"):
        if shutil.which(name):
            yield shutil.which(name)


def output_of(*command):
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    return done.stdout.strip() if done.returncode == 0 else None


def environment(name, packages=None):
    """The Python of an environment with these packages, or the pinned ones."""
    pins = read_pins()[name]
    python, version = first_found(pins["python"].split())
    packages = (packages or pins["packages"]).split()
    digest = hashlib.sha256("\n".join([version, *packages]).encode())
    directory = CACHE / "{}-{}".format(name, digest.hexdigest()[:12])
    if not (directory / "complete").exists():
        make(directory, python, version, packages)
    return directory / "bin" / "python"


@functools.lru_cache(maxsize=None)
def read_pins():
    pins = configparser.ConfigParser(
        interpolation=configparser.ExtendedInterpolation()
    )
    pins.read(str(HERE / "pins.ini"))
    return pins


def first_found(versions):
    for version in versions:
        try:
            return find_python(version), version
        except Missing:
            continue
    raise Missing("python{}: not found".format(versions[0]))


def make(directory, python, version, packages):
    shutil.rmtree(str(directory), ignore_errors=True)
    directory.parent.mkdir(parents=True, exist_ok=True)
    if version == "2.7":
        virtualenv = [environment("virtualenv"), "-m", "virtualenv"]
        call(*virtualenv, "--quiet", "--python", python, directory)
    else:
        call(python, "-m", "venv", directory)
    pip = [directory / "bin" / "python", "-m", "pip", "install", "--quiet"]
    call(*pip, "--disable-pip-version-check", *packages)
    (directory / "complete").touch()


def call(*command):
    command = [str(part) for part in command]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        raise RuntimeError("{}\n{}".format(" ".join(command), done.stdout))
