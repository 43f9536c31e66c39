"""Progress bars with the time left: on standard error if it is a terminal, and in notebooks."""

from __future__ import annotations

import contextlib
import html
import sys
import time
from collections.abc import Iterator
from typing import Any, Callable

#: Seconds between two updates of a bar in a notebook, each of which is a message to the browser.
_EVERY_S = 0.3


@contextlib.contextmanager
def doing(what: str, enabled: bool = True) -> Iterator[None]:
    """Say on standard error what is being done, if it is a terminal; gone when it is done.

    One line of plain text, which stays even where a long import lets nothing else run.
    """
    stream = sys.stderr
    if not (enabled and stream.isatty()):
        yield
        return
    stream.write(f"{what} ...")
    stream.flush()
    try:
        yield
    finally:
        stream.write("\r\x1b[K")
        stream.flush()


@contextlib.contextmanager
def progress_bar(
    description: str, total: int | None, enabled: bool = True
) -> Iterator[Callable[[int], None]]:
    """Show how far a loop is; gives a function to call with each advance.

    Parameters
    ----------
    description : str
        What is being done.
    total : int, optional
        How many units there are; None if that is not known beforehand.
    enabled : bool
        Show nothing if False, or where standard error is no terminal and this is no notebook.
    """
    if enabled and _in_notebook():
        with _bar_in_notebook(description, total) as advance:
            yield advance
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, force_jupyter=False)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (enabled and console.is_terminal),
    ) as bar:
        task = bar.add_task(description, total=total)
        yield lambda advance: bar.update(task, advance=advance)


def _in_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter; IPython in a terminal has none."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


@contextlib.contextmanager
def _bar_in_notebook(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar of HTML below the cell, which goes away at the end.

    By IPython alone: rich and tqdm need ipywidgets, and the browser its extension.
    """
    from IPython.display import display

    started, done, shown_at = time.monotonic(), 0, 0.0

    def bar() -> dict[str, str]:
        text = progress_words(description, done, total, time.monotonic() - started)
        value = "" if not total else f' value="{done}" max="{total}"'
        return {
            "text/html": f"<progress{value}></progress> {html.escape(text)}", "text/plain": text,
        }  # fmt: skip

    handle: Any = display(bar(), raw=True, display_id=True)

    def advance(units: int) -> None:
        nonlocal done, shown_at
        done += units
        if time.monotonic() > shown_at + _EVERY_S:
            shown_at = time.monotonic()
            handle.update(bar(), raw=True)

    try:
        yield advance
    finally:
        handle.update({"text/html": "", "text/plain": ""}, raw=True)


def progress_words(description: str, done: int, total: int | None, elapsed_s: float) -> str:
    """How far a loop is, and the time left if it goes on as until now.

    Examples
    --------
    >>> progress_words("Simulating", 20, 100, 15.0)
    'Simulating 20/100, elapsed 0:15, left 1:00'
    """
    words = f"{description} {done:,}" + (f"/{total:,}" if total else "")
    words += f", elapsed {_clock(elapsed_s)}"
    if total and done:
        words += f", left {_clock(elapsed_s * max(0, total - done) / done)}"
    return words


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
