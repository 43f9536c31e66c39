"""`Presenter`: the text, rows, JSON and plot of one type of result.

`Result` calls it in this order:

1. ``verdict(result)``, then ``summary(result)`` when the result is printed, or shown as HTML:
   what to make of it, then lines of text and tables. For HTML, ``details(result)`` are folded
   away below them; in a page that can be sent, ``charts(result)`` are between.
2. ``records(result)`` for a data frame or a CSV file: one flat dict a row.
3. ``content(result)`` for JSON: everything, as plain dicts, lists, strings and numbers.
4. ``draw(result, axes)`` for a plot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Generic, TypeVar, Union

from ..registry import TypeRegistry
from .charts import Chart, Drawing
from .table import Table
from .verdict import Verdict

R = TypeVar("R")
Part = Union[str, Table, Verdict]


@dataclass(frozen=True)
class Details:
    """A list that HTML folds away under a heading.

    Attributes
    ----------
    heading : str
    items : tuple of str
    """

    heading: str
    items: tuple[str, ...]


class Presenter(Generic[R]):
    """The text, rows, JSON and plot of one type of result.

    Subclass it and decorate the class with `presents`.
    """

    format: ClassVar[str] = ""
    """Name and version of the JSON: ``"nengo-spikecost/energy/1"``."""

    index: ClassVar[Any] = None
    """Keys of the records that a data frame has as its index."""

    nested: ClassVar[tuple[str, ...]] = ()
    """Keys of records that are no plain values, and so have no column in CSV."""

    panels: ClassVar[int] = 1
    """Axes that a plot has side by side."""

    def title(self, result: R, /) -> str:
        """Heading of the page: what kind of result it is, and of which network."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(result).__name__)
        return words[:1] + words[1:].lower()

    def about(self, result: R, /) -> str:
        """A sentence below the heading: what was measured, and how."""
        return ""

    def verdict(self, result: R, /) -> Verdict | None:
        """What a person can act on, before any table; None where there is no question."""
        return None

    def charts(self, result: R, /) -> Iterable[Chart]:
        """What a page shows in pictures. Default: the plot."""
        if type(self).draw is not Presenter.draw:

            def draw(axes: Any) -> None:
                self.draw(result, axes)

            yield Drawing("", draw, self.size(result), self.panels, self.title(result))

    def summary(self, result: R, /, *args: Any, **options: Any) -> Iterable[Part]:
        """Lines of text and tables. Lines that begin with ``"* "`` are notes."""
        raise self._missing("summary", result)

    def details(self, result: R, /, *args: Any, **options: Any) -> Iterable[Details]:
        """Lists that HTML folds away below the summary, such as constants and their sources."""
        return ()

    def records(self, result: R, /, *args: Any, **options: Any) -> Sequence[dict[str, Any]]:
        """One flat dict a row."""
        raise self._missing("records", result)

    def content(self, result: R, /, *args: Any, **options: Any) -> dict[str, Any]:
        """Everything as plain dicts, lists, strings and numbers."""
        return {"rows": list(self.records(result, *args, **options))}

    def size(self, result: R, /) -> tuple[float, float]:
        """Width and height in inches of a plot that can be read."""
        return 7.6, 4.8

    def draw(self, result: R, axes: Any, /, *args: Any, **options: Any) -> None:
        """Draw the result on Axes of matplotlib: one, or an array of `panels` of them."""
        raise self._missing("draw", result)

    def _missing(self, method: str, result: R) -> NotImplementedError:
        names = type(self).__name__, type(result).__name__
        return NotImplementedError(f"{names[0]} has no {method}, which a {names[1]} needs here.")


presenters: TypeRegistry[Presenter] = TypeRegistry("presenter")
"""Presenters by the type of the result."""


def presents(*result_types: type) -> Callable[[type[Presenter]], type[Presenter]]:
    """Class decorator that makes a `Presenter` that of one or more types of results."""

    def decorator(presenter: type[Presenter]) -> type[Presenter]:
        presenters.register(*result_types)(presenter())
        return presenter

    return decorator
