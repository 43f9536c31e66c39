"""Ctrl-C: heard at once, and said in a sentence with what is kept.

Python hears of a signal between two of its instructions only. A call into TensorFlow may run for
many seconds between them, and taking down a process with a large model takes seconds more. Every
file is written whole or not at all, and a study or a checkpoint after each part that is done: a
process may end wherever it is.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, NoReturn

from ..deadlines import is_one_left

#: Key of a context's ``meta``: what the command keeps when it is interrupted, in a sentence.
KEPT = "nengo_spikecost.kept"

#: Seconds after which a process that does not hear a signal is ended by the thread that watches.
PATIENCE_S = 1.5

#: Exit code of a command that Ctrl-C ended, by the convention of shells.
EXIT_CODE = 128 + 2


def what_is_kept(params: Mapping[str, Any]) -> str:
    """What is said of a command's results when it is interrupted.

    Parameters
    ----------
    params : mapping from str to object
        The command's options. A study keeps the settings that are done, a checkpoint the batches
        or epochs.
    """
    study, checkpoint = params.get("study"), params.get("checkpoint")
    if study is not None:
        return f"{study} keeps the settings that are done: the same command goes on with them."
    if checkpoint is not None:
        return f"{checkpoint} keeps what is done: the same command goes on with it."
    if "checkpoint" in params:
        return "With --checkpoint PATH, what is done would have been kept."
    return ""


def sentence(meta: Mapping[str, Any]) -> str:
    """What is said after Ctrl-C."""
    return " ".join(filter(None, ["Interrupted.", meta.get(KEPT)]))


@contextlib.contextmanager
def watched(meta: Mapping[str, Any]) -> Iterator[None]:
    """Let Ctrl-C end the process soon, whatever the main thread is in.

    It raises ``KeyboardInterrupt`` in the main thread, so that a search can return the best so
    far. If that has not happened after `PATIENCE_S`, or at a second Ctrl-C, the process ends.
    Nothing is done outside the main thread, or where SIGINT is handled by somebody else.

    Parameters
    ----------
    meta : mapping
        Of the context; what it holds under `KEPT` is said.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    heard = threading.Event()
    waker, woken = socket.socketpair()
    waker.setblocking(False)

    def hear(_number: int, _frame: FrameType | None) -> NoReturn:
        if heard.is_set():
            _end_now(meta)
        heard.set()
        raise KeyboardInterrupt

    def watch() -> None:
        # a byte for every signal, written by the C part of Python's handler; none at the end
        if woken.recv(1) and not heard.wait(PATIENCE_S):
            _end_now(meta)

    thread = threading.Thread(target=watch, name="watching for Ctrl-C", daemon=True)
    before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, hear)
    thread.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(before)
        waker.close()
        thread.join(PATIENCE_S)
        woken.close()


def end_by_signal(meta: Mapping[str, Any]) -> NoReturn:
    """Say what is kept and end as Ctrl-C ends a process, so that a shell's loop ends, too."""
    _say(meta)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    os._exit(EXIT_CODE)  # where signals are no signals


def end_at_once(code: Any) -> None:
    """End a command that is done, if something was left to itself that the process would wait for.

    TensorFlow waits at the end of a process for a call that has begun, however long it takes. What
    is done at the end of Python is done here.
    """
    if not is_one_left():
        return
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):  # whoever read it has gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _end_now(meta: Mapping[str, Any]) -> NoReturn:
    _say(meta)
    os._exit(EXIT_CODE)


def _say(meta: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError, ValueError):  # whoever read it has gone
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(2, f"\n{sentence(meta)}\n".encode())
