"""The files that a command writes: checked before the work, written after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ..errors import DataError
from ..files import check_writable, is_address, is_same_file, write_text
from .commands import COMMAND
from .plugins import PLUGINS
from .printing import JSON_ONLY

#: Options of commands that name a file to write.
_FLAGS = {
    "study": "--study", "plot_file": "--plot", "json_file": "--json", "csv_file": "--csv",
    "html_file": "--html", "model_file": "--out",
}  # fmt: skip
FILES = tuple(_FLAGS)

#: The name of a file that stands for standard output.
STANDARD_OUTPUT = "-"


def output_files(options: Mapping[str, Any], *inputs: str | None) -> list[str]:
    """The files that a command will write; raises unless all can be, and none is another one.

    Results should not be lost to a mistyped folder, nor a model to results. A study is read, too,
    so its own name is not among the inputs, but no other file may be written over it.

    Parameters
    ----------
    options : mapping
        Of the command, by the names in `FILES`.
    *inputs : str or None
        Files that the command reads.
    """
    files = {name: options[name] for name in FILES if options.get(name) is not None}
    if files.get("json_file") == STANDARD_OUTPUT:
        del files["json_file"]
        click.get_current_context().meta[JSON_ONLY] = True
    plugins = click.get_current_context().meta.get(PLUGINS, ())
    taken = [(path, "which is read") for path in (*inputs, *plugins) if path is not None]
    for name, path in files.items():
        if name == "study" and is_address(path):
            continue
        check_writable(path)
        for other, why in taken:
            if is_same_file(path, other):
                raise DataError(
                    f"{_FLAGS[name]} {path} would be written over {other}, {why}: give another "
                    "name."
                )
        taken.append((path, f"which {_FLAGS[name]} writes"))
    return [path for name, path in files.items() if not (name == "study" and is_address(path))]


def write_json(path: str | None, text: str) -> None:
    """Write JSON to a file or, for ``-``, to standard output; not at all for None."""
    if path == STANDARD_OUTPUT:
        click.echo(text, nl=False)
    elif path is not None:
        write_text(path, text)


def write_results(
    result: Any, json_file: str | None = None, csv_file: str | None = None,
    html_file: str | None = None,
) -> None:  # fmt: skip
    """Write a result to the files of `file_options`."""
    write_json(json_file, result.to_json() if json_file is not None else "")
    if csv_file is not None:
        result.to_csv(csv_file)
    if html_file is not None:
        result.to_html(html_file, command=click.get_current_context().meta.get(COMMAND, ""))
