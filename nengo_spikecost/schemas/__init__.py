"""JSON Schemas of the files that the package writes: one a kind of file, named as its format.

Every file says in ``format`` what it is: ``"nengo-spikecost/sweep/1"`` is of the kind ``sweep``,
version 1. New keys come without a new version, so readers pass over keys that they don't know; a
key that goes, or means something else, makes a new version.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import check
from ..errors import DataError

__all__ = ["check_readable", "json_schema", "kinds"]

_FOLDER = Path(__file__).parent


def kinds() -> list[str]:
    """Kinds of files that there are schemas of: ``["activity", "block-fit", ...]``."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a kind of file.

    Parameters
    ----------
    kind : str
        One of `kinds`, or the whole text that a file has as its ``format``.

    Returns
    -------
    dict
        It needs no other schema.

    Raises
    ------
    DataError
        If there is no such kind, or not in that version.
    """
    name = kind.split("/")[1] if kind.count("/") == 2 else kind
    check.choice("kind", name, kinds(), DataError)
    schema: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    if kind not in (name, schema["title"]):
        raise DataError(f"The schema is of {schema['title']}, and there is none of {kind}.")
    return schema


def check_readable(path: str, name: str) -> None:
    """Raise `DataError` if a file is of a later version of its format than this package knows.

    Parameters
    ----------
    path : str
        Of the file, for the message.
    name : str
        Its ``format``; earlier versions are read.
    """
    kind, _, version = name.rpartition("/")
    newest = json_schema(kind.rpartition("/")[2])["title"]
    if not version.isdigit() or int(version) > int(newest.rpartition("/")[2]):
        raise DataError(
            f"{path} is of format {name}, and this version of nengo-spikecost reads {newest} and "
            "earlier: use the version that wrote it, or a later one."
        )
