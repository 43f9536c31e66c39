"""Objects of a network that a reader of NIR has no form of, said by name and all at once."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ConversionError
from ..refusals import by_reason, listed


def refuse(refused: Iterable[tuple[str, str]], by: str = "NIR", nearly: bool = False) -> None:
    """Raise `ConversionError` with all names and reasons, if there are any.

    Parameters
    ----------
    refused : iterable of (str, str)
        Names, and reasons as clauses that follow them.
    by : str
        Who has no form of them: NIR, or a tool.
    nearly : bool
        Whether these are neurons that may be written approximately.
    """
    lines = named_lines(refused)
    if not lines:
        return
    if nearly:
        advice = (
            "With approximate=True (--approximate) they are written nevertheless, and each "
            "difference is a warning."
        )
        words = f"The network has neurons that {by} has only nearly"
        raise ConversionError(listed(words, lines, advice))
    raise ConversionError(listed(f"The network has objects that {by} has no form of", lines))


def named_lines(named: Iterable[tuple[str, str]]) -> list[str]:
    """A line for each reason, with all names that it is said of."""
    return by_reason(((repr(name), "", reason) for name, reason in named), predicates=True)
