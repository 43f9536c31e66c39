"""What can't be converted, said at once: a line for each reason, with all names that it is said of.

A layer that can't be converted is noted, and something of the shape of its output stands in its
place, so that the layers behind it are looked at too. What stands there is never run: `joined`
is raised when all layers have been seen. Parts of a Network and nodes of a graph that have no form
on the other side are said in the same way (`listed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .errors import ConversionError

#: Names that a message lists.
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
    # a message of another form is a line of its own
    named = [(repr(e.layer), e.kind, e.reason) if e.reason else ("", "", str(e)) for e in different]
    layers = len({error.layer for error in different})
    return ConversionError(
        listed(f"{layers} layers can't be converted", by_reason(named)),
        layer=different[0].layer, kind=different[0].kind, reason=different[0].reason,
        problems=tuple(different),
    )  # fmt: skip


def by_reason(named: Iterable[tuple[str, str, str]], predicates: bool = False) -> list[str]:
    """A line for each reason, in the order in which they are met, without a full stop.

    Parameters
    ----------
    named : iterable of (str, str, str)
        Name, kind and reason of each; an empty name leaves a line as its reason is, an empty kind
        is left out.
    predicates : bool
        Whether a reason is what is said of its name ("has noise"), so that one name needs no colon.
    """
    lines: dict[str, list[tuple[str, str]]] = {}
    for name, kind, reason in named:
        lines.setdefault(reason.removesuffix("."), []).append((name, kind))
    said = []
    for reason, who in lines.items():
        names = [name for name in dict.fromkeys(name for name, _ in who) if name]
        kinds = ", ".join(dict.fromkeys(kind for _, kind in who if kind))
        colon = "" if not names or (predicates and len(names) == 1) else ":"
        subject = f"{names_in_order(names)}{f' ({kinds})' if kinds else ''}{colon} "
        said.append((subject if names else "") + reason)
    return said


def listed(words: str, lines: Sequence[str], advice: str = "") -> str:
    """A message: one line in the sentence itself, several below it.

    Parameters
    ----------
    words : str
        What is said of all, a clause without its colon.
    lines : sequence of str
        As `by_reason` gives them.
    advice : str
        A sentence to end with.
    """
    if len(lines) == 1:
        return f"{words}: {lines[0]}." + (f" {advice}" if advice else "")
    ends = [advice] if advice else []
    return "\n".join([f"{words}:", *(f"  {line}." for line in lines), *ends])


def names_in_order(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    rest = list(names)
    more = f" and {len(rest) - MAX_NAMES} more" if len(rest) > MAX_NAMES else ""
    return ", ".join(rest[:MAX_NAMES]) + more
