"""`Result`: the methods that every result has."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..files import write_text
from .panels import checked_axes, plain_labels
from .presenter import Part, Presenter, presenters

if TYPE_CHECKING:
    import pandas


class Result:
    """A result that can be printed, drawn, and handed on as a data frame, CSV, JSON or HTML.

    A mixin for records. What one shows is said by the `Presenter` that is registered for its
    type; a record whose summary has options of its own overrides `summary_string` with their
    names, and hands them on.
    """

    def summary_string(self, line_length: int = 80) -> str:
        """The result as text, no line longer than ``line_length``."""
        return self._text(line_length)

    def summary(self, line_length: int = 80, **options: Any) -> None:
        """Print `summary_string`, which has the same arguments."""
        print(self.summary_string(line_length, **options))

    def __init_subclass__(cls, **others: Any) -> None:
        """A record with a `summary_string` of its own has a `summary` with the same arguments."""
        super().__init_subclass__(**others)
        if "summary_string" in vars(cls):
            cls.summary = _printing(cls.summary_string)  # type: ignore[method-assign]

    def __str__(self) -> str:
        return self.summary_string()

    def to_frame(self) -> pandas.DataFrame:
        """The rows of the result as a ``pandas.DataFrame``."""
        return self._frame()

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The rows as CSV text, written to ``path`` (whole or not at all) if one is given."""
        return self._csv(path)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain dicts, lists, strings and numbers."""
        return self._content()

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """`to_dict` as JSON text, written to ``path`` (whole or not at all) if one is given."""
        return self._json(path)

    def to_html(self, path: str | os.PathLike[str] | None = None, command: str = "") -> str:
        """A page that can be sent: verdict, charts, tables, and what was assumed.

        Parameters
        ----------
        path : str or path, optional
            Where it is written, whole or not at all.
        command : str
            What made the result, shown at the end of the page.

        Returns
        -------
        str
            One HTML document that needs no network and no other file; names are escaped.
        """
        return self._page(path, command)

    def _repr_html_(self) -> str:
        return self._html()

    def plot(self, axes: Any = None) -> Any:
        """Draw the result.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure. Results that are drawn in several panels take
            as many Axes, as ``pyplot.subplots(1, 3)`` returns them.

        Raises
        ------
        EnergyError
            If ``axes`` are not as many Axes as the plot has panels.
        """
        return self._draw(axes)

    # What the methods above do once their own options have been named.

    def _text(self, line_length: int, **options: Any) -> str:
        from .text import to_text

        return to_text(self._parts(**options), line_length)

    def _parts(self, **options: Any) -> Iterator[Part]:
        """The verdict, if there is one, and the summary below it."""
        presenter = presenter_of(self)
        verdict = presenter.verdict(self)
        if verdict is not None:
            yield verdict
            yield ""
        yield from presenter.summary(self, **options)

    def _frame(self, **options: Any) -> pandas.DataFrame:
        import pandas

        presenter = presenter_of(self)
        records = presenter.records(self, **options)
        return pandas.DataFrame.from_records(records, index=presenter.index)

    def _content(self, **options: Any) -> dict[str, Any]:
        presenter = presenter_of(self)
        heading = {"format": presenter.format} if presenter.format else {}
        verdict = presenter.verdict(self)
        first = {} if verdict is None else {"verdict": verdict.to_dict()}
        return {**heading, **first, **presenter.content(self, **options)}

    def _json(self, path: str | os.PathLike[str] | None, **options: Any) -> str:
        return _written(path, json_text(self._content(**options)))

    def _csv(self, path: str | os.PathLike[str] | None, **options: Any) -> str:
        presenter = presenter_of(self)
        return _written(path, csv_text(presenter.records(self, **options), presenter.nested))

    def _html(self, **options: Any) -> str:
        from .html import to_html

        presenter = presenter_of(self)
        chart = next(iter(presenter.charts(self)), None)
        return to_html(self._parts(**options), presenter.details(self, **options), chart)

    def _page(
        self, path: str | os.PathLike[str] | None, command: str = "", **options: Any
    ) -> str:  # fmt: skip
        from .page import to_page

        return _written(path, to_page(self, presenter_of(self), command, **options))

    def _draw(self, axes: Any, **options: Any) -> Any:
        presenter = presenter_of(self)
        if axes is None:
            from matplotlib import pyplot

            size = presenter.size(self)
            _, axes = pyplot.subplots(1, presenter.panels, figsize=size, layout="constrained")
        else:
            axes = checked_axes(axes, presenter.panels)
        presenter.draw(self, axes, **options)
        plain_labels(axes)
        return axes


def _printing(summary_string: Callable[..., str]) -> Callable[..., None]:
    @functools.wraps(summary_string)
    def summary(self: Any, *args: Any, **options: Any) -> None:
        print(summary_string(self, *args, **options))

    summary.__name__ = "summary"
    return summary


def presenter_of(result: Any) -> Presenter:
    """The presenter of a result's type, or of its nearest base class that has one.

    Raises
    ------
    TypeError
        If none is registered: a result class of the package, or of a plug-in, forgot it.
    """
    presenter = presenters.find(result)
    if presenter is None:
        raise TypeError(
            f"No presenter is registered for {type(result).__name__}: decorate one with "
            "nengo_spikecost.layout.presents."
        )
    return presenter


def json_text(content: Any) -> str:
    """JSON that people can read; what is no number or not finite is an error, not "NaN"."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def identifier(name: str) -> str:
    """A key for a name of several words: ``"core dynamic"`` becomes ``"core_dynamic"``."""
    return re.sub(r"\W+", "_", name).strip("_")


def csv_text(records: Sequence[Mapping[str, Any]], left_out: Collection[str] = ()) -> str:
    """Records as CSV with a header line; what is not known (None, NaN) is left empty.

    Written without pandas, which would make 12 of a column with gaps 12.0.
    """
    keys = dict.fromkeys(key for record in records for key in record if key not in left_out)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(keys)
    for record in records:
        values = [record.get(key) for key in keys]
        writer.writerow(["" if value is None or value != value else value for value in values])
    return out.getvalue()


def _written(path: str | os.PathLike[str] | None, text: str) -> str:
    if path is not None:
        write_text(path, text)
    return text
