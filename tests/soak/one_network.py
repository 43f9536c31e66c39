"""All checks of one network."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

import numpy as np

from nengo_spikecost.errors import SpikeCostError
from tests.soak import (  # noqa: F401  the modules register kinds and checks
    chip_checks,
    chip_kinds,
    keras_checks,
    keras_kinds,
    native_checks,
    native_kinds,
    run_checks,
)
from tests.soak.registry import LeftOut, Refused, checks_of, kind_of

#: What is done before all checks: the network is made, and a Keras model converted.
MADE = "made and converted"

#: Characters of a value that a failure shows.
MOST = 300

#: The folder of the machine that the run was made on: left out of what is recorded.
_FOLDER = f"{Path(__file__).resolve().parents[2]}/"


def look_at(
    seed: int, only: Iterable[str] = (), begin: Callable[[str], None] = lambda check: None
) -> dict[str, Any]:
    """Make the network of a seed, and do its checks, whatever comes of them.

    Parameters
    ----------
    seed : int
    only : iterable of str
        Names of checks. Default: all.
    begin : function, optional
        Is told the name of every check before it begins.

    Returns
    -------
    dict
        ``seed``, ``kind``, ``seconds`` of processor time, ``network`` in words, and ``checks``: for
        each its ``outcome`` ("done", "refused", "left out", "failed") and what is ``said``.
    """
    kind = kind_of(seed)
    started = time.process_time()
    record: dict[str, Any] = {"seed": seed, "kind": kind.name, "network": "", "checks": {}}
    np.random.seed(seed % 2**32)  # noqa: NPY002  whatever draws without a seed draws the same
    made: list[Any] = []
    begin(MADE)

    def make() -> None:
        made.append(kind.make(seed))
        if hasattr(made[0], "prepare"):
            made[0].prepare()

    record["checks"][MADE] = outcome = _outcome(make)
    if made:
        record["network"] = str(made[0])
    if outcome["outcome"] == "done":
        wanted = set(only)
        for check in checks_of(kind.name):
            if wanted and check.name not in wanted:
                continue
            begin(check.name)
            record["checks"][check.name] = _outcome(lambda run=check.run: run(made[0]))
    record["seconds"] = round(time.process_time() - started, 2)
    return record


def _outcome(act: Callable[[], None]) -> dict[str, Any]:
    """What comes of something: our own sentences are refusals, any other error is a failure."""
    started = time.process_time()
    said = where = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            act()
            outcome = "done"
        except LeftOut as error:
            outcome, said = "left out", str(error)
        except Refused as error:
            outcome, said = "refused", str(error)
        except SpikeCostError as error:
            outcome, said = "refused", str(error)
        except Exception as error:
            outcome, said = "failed", f"{type(error).__name__}: {error}"
            where = _told(error)
    seconds = round(time.process_time() - started, 3)
    said, where = (text.replace(_FOLDER, "") for text in (said, where))
    return {"outcome": outcome, "seconds": seconds, "said": said, "where": where}


def _told(error: Exception) -> str:
    """The end of the traceback, with the values where a check gave up."""
    told = traceback.TracebackException.from_exception(error)
    lines = list(told.format())[-12:]
    frame = error.__traceback__
    inner = None
    while frame is not None:
        if "/tests/" in frame.tb_frame.f_code.co_filename:
            inner = frame
        frame = frame.tb_next
    if inner is not None:
        lines.append(f"Values in {inner.tb_frame.f_code.co_name}:\n")
        for name, value in inner.tb_frame.f_locals.items():
            try:
                text = repr(value)
            except Exception as broken:  # of an object half made
                text = f"<{type(broken).__name__} in its repr>"
            lines.append(f"  {name} = {text[:MOST]}\n")
    return "".join(lines)
