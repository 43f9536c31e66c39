"""`Advice`: changes of a network that were predicted, made, and measured again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...layout import Result
from ...layout.verdict import POINTS, points

#: Where a prediction comes from.
COUNTS, FIRST = "counts", "first samples"

#: Standard error of a predicted saving, as a share of it, above which more samples are taken.
UNSURE = 0.015


@dataclass(frozen=True)
class Advised:
    """One change, or several together.

    Attributes
    ----------
    kind : {"steps", "rate", "prune", "blocks", "host", "chip", "together"}
    layer : str
        Which layer is changed; empty: the whole network.
    words : str
        What was done: ``"conv0: 8 of 32 channels pruned"``.
    arguments : mapping from str to object
        What does it: arguments of `deploy`, `convert` and `changed_network`, and with ``without``
        those of `prune`.
    basis : {"counts", "first samples"}
        What the prediction was made from.
    n_first : int
        Samples that the prediction is from; 0: from counts.
    unsure : float
        Standard error of the predicted saving, as a share of it: 0 from counts, infinite of one
        sample.
    before, predicted, realised : float
        Energy in J or time in s per inference: of the network as it is, predicted, and measured
        with the change. Means over all samples.
    accuracy : float, optional
        With the change; None: there are no labels that are classes.
    code : str
        The line of Python that does it, for ``model`` (or ``network``, ``conversion``), ``x`` and
        ``y`` as they were given.
    flags : tuple of str, optional
        Of ``nengo-spikecost deploy``, to do it there; None: it has none for it.
    parts : tuple of str
        Of several together, the words of each.
    alone : float
        Of several together, the sum of what each saves by itself, in J or s.
    at_least : bool
        Whether ``realised`` may be more, by what a host does besides: see `Advice.at_least`.
    """

    kind: str
    layer: str
    words: str
    arguments: dict[str, Any]
    basis: str
    n_first: int
    unsure: float
    before: float
    predicted: float
    realised: float
    accuracy: float | None = None
    code: str = ""
    flags: tuple[str, ...] | None = None
    parts: tuple[str, ...] = ()
    alone: float = 0.0
    at_least: bool = False

    @property
    def predicted_saving(self) -> float:
        """In J or s."""
        return self.before - self.predicted

    @property
    def saving(self) -> float:
        """Realised, in J or s; negative if it costs more."""
        return self.before - self.realised

    @property
    def overlap(self) -> float:
        """Of several together, what they save less than each by itself in sum; negative: more."""
        return self.alone - self.saving if self.parts else 0.0

    @property
    def error(self) -> float:
        """Of the predicted saving, as a share of the realised one."""
        return self.predicted_saving / self.saving - 1 if self.saving else float("inf")


@dataclass(frozen=True)
class Weighed:
    """A change that was predicted and not made: others save more, or it saves next to nothing.

    Attributes
    ----------
    kind, layer, words : str
        As of `Advised`.
    saving : float
        Predicted, in J or s per inference; negative if it would cost more.
    basis : {"counts", "first samples"}
        What that was predicted from. Of a change that fires other spikes counts say how it ranks,
        and no more.
    """

    kind: str
    layer: str
    words: str
    saving: float
    basis: str


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
        Each by itself.
    together : tuple of Advised
        Several in one network, as they were tried: the last is the one that keeps accuracy, if one
        does.
    weighed : tuple of Weighed
        Changes that were predicted and not made, the largest predicted saving first.
    untried : tuple of Untried
        Changes that could not be made.
    n_considered : int
        Changes whose saving was predicted, those in ``weighed`` among them.
    n_samples, n_steps : int
        Samples, and steps of an inference.
    deployment : Deployment
        The network as it is.
    files : tuple of (str, str)
        Names of model and data in the commands that are suggested.
    typed : str
        The command that gives this advice.
    at_least : bool
        Whether ``before`` may be more, since a host does more in a step than is counted
        (`ChipCost.host_does_more`). Savings are then of what is counted.
    """

    name: str
    save: str
    boundary: str
    host: str | None
    before: float
    accuracy: float | None
    changes: tuple[Advised, ...]
    together: tuple[Advised, ...]
    weighed: tuple[Weighed, ...]
    untried: tuple[Untried, ...]
    n_considered: int
    n_samples: int
    n_steps: int
    deployment: Any = field(repr=False)
    files: tuple[str, str] = field(default=("MODEL", "DATA"), repr=False)
    typed: str = field(default="", repr=False)
    at_least: bool = False

    @property
    def of_counted(self) -> bool:
        """Whether savings are only of what is counted, as a host does more."""
        return self.at_least or any(change.at_least for change in self.all_changes)

    @property
    def unit(self) -> str:
        """``"J"`` or ``"s"``."""
        return "J" if self.save == "energy" else "s"

    @property
    def best(self) -> Advised | None:
        """What saves most and loses no point of accuracy, one or several; None: nothing does."""
        saving = [change for change in self.all_changes if change.saving > 0 and self.keeps(change)]
        return max(saving, key=lambda change: change.saving, default=None)

    @property
    def all_changes(self) -> tuple[Advised, ...]:
        """Those together, and each by itself."""
        return (*self.together, *self.changes)

    def keeps(self, change: Advised) -> bool:
        """Whether no more than a point of accuracy is lost; without labels it is not known: no.

        Parameters
        ----------
        change : Advised
            One of ``all_changes``.
        """
        return self.accuracy is not None and loses_none(self.accuracy, change.accuracy)


def loses_none(before: float, after: float | None) -> bool:
    """Whether no more than a point of accuracy is lost."""
    return after is not None and points(before, after) <= POINTS
