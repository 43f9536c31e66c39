"""`GraphReading`: what became of every node of a NIR graph, and what was assumed."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import ConversionError
from ..layout import Result
from ..refusals import by_reason, listed
from .conventions import Convention

#: ``"read"`` as it is written; ``"approximated"``; ``"refused"``; or ``"unused"``, as nothing of it
#: reaches an output or neurons.
STATES = ("read", "approximated", "refused", "unused")


@dataclass(frozen=True)
class NodeReading:
    """What became of one node.

    Attributes
    ----------
    name, kind : str
        As in the graph.
    shape : tuple of int, optional
        Of what it gives, channels first; None if it is refused.
    state : str
        One of `STATES`.
    became : str
        Its form in Nengo, in a few words.
    notes : tuple of str
        Differences and reasons, as clauses that follow the node's name.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None
    state: str
    became: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GraphReading(Result):
    """What of a NIR graph is read, approximated and refused, and under which convention.

    Attributes
    ----------
    label : str
        Where the graph is from.
    nodes : tuple of NodeReading
        In the order of the graph.
    convention : Convention
        How its neurons are stepped.
    dt : float
        Length of a step in the unit of the graph's time constants.
    step_s : float
        Length of a step in s.
    notes : tuple of str
        What had to be understood otherwise than it is written, and hints.
    """

    label: str
    nodes: tuple[NodeReading, ...]
    convention: Convention
    dt: float
    step_s: float
    notes: tuple[str, ...] = field(default=())

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was assumed of the graph, and all that is not as it is written."""
        own = (
            f"a NIR graph, stepped as {self.convention.name} does: {self.convention.words}, "
            f"dt {self.dt:g}"
        )
        more = (f"{n.name} {note}" for n in self.nodes if n.state != "unused" for note in n.notes)
        return (own, *more, *self.notes)

    @property
    def refused(self) -> tuple[NodeReading, ...]:
        """Nodes that have no form in Nengo."""
        return tuple(node for node in self.nodes if node.state == "refused")

    def raise_if_refused(self) -> None:
        """Raise `ConversionError` with all nodes that are refused, if there are any."""
        if not self.refused:
            return
        named = ((repr(n.name), n.kind, ", ".join(n.notes)) for n in self.refused)
        words = "The graph has nodes that can't become part of a network"
        raise ConversionError(
            listed(words, by_reason(named, predicates=True)), layer=self.refused[0].name
        )
