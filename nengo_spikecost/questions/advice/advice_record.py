"""`Advice`: changes of a network that were predicted, made, and measured again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...layout import Result

#: Where a prediction comes from.
COUNTS, FIRST = "counts", "first samples"


@dataclass(frozen=True)
class Advised:
    """One change.

    Attributes
    ----------
    kind : {"steps", "rate", "prune", "blocks", "host", "chip"}
    layer : str
        Which layer is changed; empty: the whole network.
    words : str
        What was done: ``"conv0: 8 of 32 channels pruned"``.
    arguments : mapping from str to object
        Arguments of `deploy` or `convert` that do it, where there are such.
    basis : {"counts", "first samples"}
        What the prediction was made from.
    n_first : int
        Samples that the prediction is from; 0: from counts.
    before, predicted, realised : float
        Energy in J or time in s per inference: of the network as it is, predicted, and measured
        with the change. Means over all samples.
    accuracy : float, optional
        With the change; None: there are no labels that are classes.
    """

    kind: str
    layer: str
    words: str
    arguments: dict[str, Any]
    basis: str
    n_first: int
    before: float
    predicted: float
    realised: float
    accuracy: float | None = None

    @property
    def predicted_saving(self) -> float:
        """In J or s."""
        return self.before - self.predicted

    @property
    def saving(self) -> float:
        """Realised, in J or s; negative if it costs more."""
        return self.before - self.realised

    @property
    def error(self) -> float:
        """Of the predicted saving, as a share of the realised one."""
        return self.predicted_saving / self.saving - 1 if self.saving else float("inf")


@dataclass(frozen=True)
class Untried:
    """A change that was not made, and why."""

    kind: str
    layer: str
    reason: str


@dataclass(frozen=True)
class Advice(Result):
    """The changes that save most, the largest realised saving first.

    Attributes
    ----------
    name : str
        Of the network.
    save : {"energy", "time"}
    boundary : str
        Of which energy.
    host : str, optional
        The processor whose work is in every energy.
    before : float
        Energy in J or time in s of an inference as the network is.
    accuracy : float, optional
        As it is.
    changes : tuple of Advised
    untried : tuple of Untried
        Changes that could not be made.
    n_considered : int
        Changes whose saving was predicted; those that save least were not made.
    n_samples, n_steps : int
        Samples, and steps of an inference.
    deployment : Deployment
        The network as it is.
    typed : str
        The command that gives the network as it is.
    """

    name: str
    save: str
    boundary: str
    host: str | None
    before: float
    accuracy: float | None
    changes: tuple[Advised, ...]
    untried: tuple[Untried, ...]
    n_considered: int
    n_samples: int
    n_steps: int
    deployment: Any = field(repr=False)
    typed: str = field(default="", repr=False)

    @property
    def unit(self) -> str:
        """``"J"`` or ``"s"``."""
        return "J" if self.save == "energy" else "s"

    @property
    def best(self) -> Advised | None:
        """The one that saves most without losing a point of accuracy; None: none does."""
        saving = [change for change in self.changes if change.saving > 0 and self.keeps(change)]
        return saving[0] if saving else None

    def keeps(self, change: Advised) -> bool:
        """Whether no more than a point of accuracy is lost; without labels it is not known: no."""
        from ...layout.verdict import POINTS, points

        if self.accuracy is None or change.accuracy is None:
            return False
        return points(self.accuracy, change.accuracy) <= POINTS
