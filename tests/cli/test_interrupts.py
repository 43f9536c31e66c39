"""Ctrl-C: how soon a command ends, what it says and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from nengo_spikecost.cli import interrupts

from ..commands import runner_in

SLOW = """
import hashlib, time
import click

def wait(how):
    print("ready", flush=True)
    if how == "python":
        time.sleep(60)
    elif how == "deaf":  # minutes in C, without the interpreter's lock, and no look at signals
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
    elif how == "stubborn":
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            print("heard", flush=True)
            time.sleep(60)
    elif how == "best so far":
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            print("the best so far")

@click.command()
@click.argument("how")
@click.option("--study")
@click.option("--checkpoint")
def slow(how, study, checkpoint):
    wait(how)
"""

needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")


@pytest.fixture
def start(tmp_path):
    """Start the command above and wait until it is in the middle of it."""
    (tmp_path / "slow_plugin.py").write_text(SLOW)
    running = []

    def begin(*arguments):
        command = [
            sys.executable,
            "-m",
            "nengo_spikecost.cli",
            "--plugin",
            "slow_plugin.py",
            "slow",
        ]
        process = subprocess.Popen(
            [*command, *arguments], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()},
            # what runs in the background of a shell has it ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def press_ctrl_c(process):
    """Interrupt it, half a second after the line that it prints before it is slow."""
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    return time.monotonic()


def interrupted(process):
    """Seconds until it has ended after Ctrl-C, and what it said."""
    began = press_ctrl_c(process)
    out, err = process.communicate(timeout=20)
    return time.monotonic() - began, out, err


@needs_signals
@pytest.mark.parametrize("how", ["python", "deaf"])
@pytest.mark.parametrize(
    "options, words",
    [
        ((), "Interrupted. With --checkpoint PATH, what is done would have been kept."),
        (("--checkpoint", "a b"), "Interrupted. a b keeps what is done: "),
        (("--study", "s.db"), "Interrupted. s.db keeps the settings that are done: "),
    ],
)
def test_ctrl_c_ends_a_command_in_two_seconds(start, how, options, words):
    seconds, out, err = interrupted(process := start(how, *options))
    # half a second for a busy machine
    assert seconds < 2.5
    assert err.strip().startswith(words) and err.count("\n") == 2
    assert out == ""
    # by the signal where Python heard it: a shell's loop then ends, too
    assert process.returncode == {"python": -signal.SIGINT, "deaf": 130}[how]


@needs_signals
def test_second_ctrl_c_ends_what_goes_on_after_the_first(start):
    press_ctrl_c(process := start("stubborn"))
    assert process.stdout.readline() == "heard\n"
    seconds, _, err = interrupted(process)
    assert seconds < 1 and err.startswith("\nInterrupted.") and process.returncode == 130


@needs_signals
def test_a_command_may_end_with_the_best_so_far(start):
    _, out, err = interrupted(process := start("best so far"))
    assert (out, err, process.returncode) == ("the best so far\n", "", 0)


def test_interrupted_within_another_program(tmp_path, monkeypatch):
    """A program that calls the command line is not ended, and gets its own handler back."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT), signal.set_wakeup_fd(-1)
    monkeypatch.setattr("nengo_spikecost.cli.devices_command.devices.callback", interrupt)
    done = runner_in(tmp_path, monkeypatch)("devices")
    assert done.exit_code == 130 and done.stderr == "\nInterrupted.\n"
    assert (signal.getsignal(signal.SIGINT), signal.set_wakeup_fd(-1)) == before


def test_handler_of_another_program_stays(monkeypatch):
    mine = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.watched({}):
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, mine)


LEAVES = """
import atexit, contextlib
import click

@click.command()
@click.argument("code", type=int)
@click.pass_context
def leaves(ctx, code):
    import tensorflow as tf
    from nengo_spikecost.deadlines import Clock, in_time

    given = tf.random.normal((2500, 2500))
    with contextlib.suppress(BaseException), Clock(1).governs():
        in_time(lambda: tf.linalg.svd(given))
    atexit.register(lambda: print("at the end", flush=True))
    print("not flushed", end=" ")
    ctx.exit(code)
"""


def test_a_command_waits_for_nothing_that_was_left_to_itself(tmp_path, code=2):
    """A call of TensorFlow, for which the process would wait at its end."""
    (tmp_path / "leaves_plugin.py").write_text(LEAVES)
    command = [
        sys.executable,
        "-m",
        "nengo_spikecost.cli",
        "--plugin",
        "leaves_plugin.py",
        "leaves",
    ]
    with subprocess.Popen(
        [*command, str(code)], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:  # fmt: skip
        try:
            assert process.stdout.readline() == "not flushed at the end\n"
            assert process.wait(5) == code  # it was half a minute
        finally:
            process.kill()
