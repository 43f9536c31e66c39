"""All layers that keep a model from being converted, said at once.

A layer that can't be converted is noted, and something of the shape of its output stands in its
place, so that the layers behind it are looked at too. What stands there is never run: `joined`
is raised when all layers have been seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import ConversionError

#: Names of layers that a message lists.
MAX_NAMES = 8


def joined(problems: Sequence[ConversionError]) -> ConversionError:
    """One error that says all of several; one alone is itself.

    Layers with one reason share a line. ``problems`` of the error has each of them.

    Parameters
    ----------
    problems : sequence of ConversionError
        At least one, in the order of the layers.
    """
    different = list({(error.layer, str(error)): error for error in problems}.values())
    if len(different) == 1:
        return different[0]
    lines: dict[str, list[ConversionError]] = {}
    for error in different:  # a message of another form is a line of its own
        lines.setdefault(error.reason or str(error), []).append(error)
    said = []
    for reason, errors in lines.items():
        names = names_in_order([repr(error.layer) for error in errors])
        kinds = ", ".join(dict.fromkeys(error.kind for error in errors))
        said.append(f"{names} ({kinds}): {reason}." if kinds else reason)
    layers = len({error.layer for error in different})
    return ConversionError(
        "\n".join([f"{layers} layers can't be converted:", *(f"  {words}" for words in said)]),
        layer=different[0].layer, kind=different[0].kind, reason=different[0].reason,
        problems=tuple(different),
    )  # fmt: skip


def names_in_order(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - MAX_NAMES} more" if len(listed) > MAX_NAMES else ""
    return ", ".join(listed[:MAX_NAMES]) + more
