"""The command line, run within the process of the tests."""

from __future__ import annotations

import inspect

from click.testing import CliRunner

from nengo_spikecost import cli


def runner_in(folder, monkeypatch):
    """A function that runs a command in a folder, from its arguments."""
    monkeypatch.chdir(folder)
    # click before 8.2 mixes the two streams unless told not to, and later has no such option
    separate = "mix_stderr" in inspect.signature(CliRunner).parameters
    runner = CliRunner(**({"mix_stderr": False} if separate else {}))
    return lambda *args: runner.invoke(cli.main, [str(a) for a in args])
