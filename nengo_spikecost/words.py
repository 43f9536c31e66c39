"""Numbers of things, and their names, in words."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, word: str) -> str:
    """A number of things in words.

    Examples
    --------
    >>> counted(1, "core"), counted(1024, "core")
    ('1 core', '1,024 cores')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def in_words(names: Sequence[str]) -> str:
    """``"a"``, ``"a and b"``, ``"a, b and c"``."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
