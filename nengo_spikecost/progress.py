"""Progress bars with the time left, on standard error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Callable


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
        Show nothing if False, or if standard error is no terminal.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
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
