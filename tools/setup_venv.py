"""Create or renew ``.venv`` with the pinned stack for the Python that runs this.

    python3 tools/setup_venv.py [--stack tf2.12]

The Makefile calls it before everything else. When nothing has changed it only compares a
checksum. It runs on any Python 3, so that an unsupported one gets a sentence and not a
SyntaxError: keep it free of newer syntax.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "nengo-spikecost-stamp.txt")

# Stack to the versions of Python it is pinned for; the first that fits is the default.
STACKS = {
    "tf2.21": ((3, 11), (3, 12), (3, 13)),
    "tf2.12": ((3, 9), (3, 10), (3, 11)),
}
USE = (
    "use Python 3.11, 3.12 or 3.13 (or 3.9 or 3.10, with TensorFlow 2.12), for example "
    "with PYTHON=python3.12 after make"
)


def pinned(stack):
    # type: (str) -> str
    """Path of the file of pins of a stack."""
    return os.path.join(ROOT, "constraints", stack + ".txt")


def choose_stack(python, wanted):
    # type: (tuple[int, int], str | None) -> str
    """Name of the stack for this Python; exits with one line if there is none."""
    number = "{}.{}".format(*python)
    if wanted and wanted not in STACKS:
        names = " or ".join(sorted(STACKS))
        sys.exit("There is no stack {!r}: STACK is {}.".format(wanted, names))
    for name in [wanted] if wanted else sorted(STACKS, reverse=True):
        if python in STACKS[name]:
            return name
    if wanted:
        pythons = ", ".join("{}.{}".format(*v) for v in STACKS[wanted])
        sys.exit("STACK={} needs Python {}, this is {}.".format(wanted, pythons, number))
    sys.exit("Python {} is not supported: {}.".format(number, USE))


def header(stack):
    # type: (str) -> str
    """First line of the stamp: what the environment is for."""
    return "python {}.{} stack {}".format(sys.version_info[0], sys.version_info[1], stack)


def checksum(stack):
    # type: (str) -> str
    """Checksum of all that decides what is installed."""
    digest = hashlib.sha256()
    for path in (pinned(stack), os.path.join(ROOT, "setup.cfg"), os.path.abspath(__file__)):
        with open(path, "rb") as content:
            digest.update(content.read())
    return digest.hexdigest()


def read_stamp():
    # type: () -> list[str]
    """The two lines of the stamp, header and checksum; empty if there is none."""
    if not os.path.exists(STAMP):
        return []
    with open(STAMP) as stamp:
        return stamp.read().splitlines()


def write_stamp(*lines):
    # type: (str) -> None
    with open(STAMP, "w") as stamp:
        stamp.write("\n".join(lines) + "\n")


def create(stack):
    # type: (str) -> None
    """Make an empty virtual environment, in place of an older one of ours."""
    # the interpreter may be the one in the .venv that is about to go
    base = os.path.realpath(sys.executable) if sys.prefix != sys.base_prefix else sys.executable
    if os.path.exists(VENV):
        shutil.rmtree(VENV)
    os.makedirs(VENV)
    write_stamp("unfinished")  # so that an interrupted set-up starts again next time
    if subprocess.call([base, "-m", "venv", VENV]) != 0:
        sys.exit("Could not create .venv: on Debian and Ubuntu install python3-venv first.")
    write_stamp(header(stack))


def install(stack):
    # type: (str) -> None
    """Install the pins, then the project itself.

    nengo-dl comes as source only and asks for a setuptools that cannot run on Python
    3.12: so install setuptools first and build without isolation. The project goes in
    without its dependencies, because on Python 3.11 setup.cfg can name one stack only.
    """
    pip = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pins = pinned(stack)
    steps = [
        pip + ["-c", pins, "setuptools", "wheel"],
        pip + ["--no-build-isolation", "-r", pins],
        pip + ["--no-build-isolation", "--no-deps", "-e", ROOT],
    ]
    for step in steps:
        if subprocess.call(step) != 0:
            sys.exit("The installation into .venv failed: see pip's message above.")


def main():
    # type: () -> None
    parser = argparse.ArgumentParser(description="Create or renew .venv.")
    parser.add_argument("--stack", default=None, help="tf2.21 or tf2.12; default: by Python")
    wanted = parser.parse_args().stack or None
    stamp = read_stamp()
    in_venv = bool(stamp) and os.path.realpath(sys.prefix) == os.path.realpath(VENV)
    if in_venv and not wanted and stamp[:1] != ["unfinished"]:
        wanted = stamp[0].split()[-1]
    stack = choose_stack(sys.version_info[:2], wanted)
    if stamp == [header(stack), checksum(stack)] and os.path.exists(VENV_PYTHON):
        return
    if os.path.exists(VENV) and not stamp:
        sys.exit("There is a .venv that this project did not make: move it away first.")
    print("Installing the {} stack into .venv: 1 to 3 minutes, about 2.5 GB.".format(stack))
    sys.stdout.flush()
    if stamp[:1] != [header(stack)] or not os.path.exists(VENV_PYTHON):
        create(stack)
    install(stack)
    write_stamp(header(stack), checksum(stack))


if __name__ == "__main__":
    main()
