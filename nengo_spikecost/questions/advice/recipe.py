"""`Recipe`: how a network is changed, apart from what that may save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...trying.network_changes import changed_network
from ...trying.pruning import prune
from .advised_network import Subject


@dataclass(frozen=True)
class Recipe:
    """Changes of one network.

    Attributes
    ----------
    n_steps : int, optional
        Steps that samples are shown for; None: as they are.
    objective : str
        Of other block shapes; empty: as they are.
    rates : mapping from str to float
        By layer, the factor on its rates.
    without : mapping from str to tuple of int
        By layer, the units or channels that are taken out.
    off_chip : tuple of str
        Layers that the host computes.
    spike_input : bool
        Whether a model's inputs become spikes.
    """

    n_steps: int | None = None
    objective: str = ""
    rates: Mapping[str, float] = field(default_factory=dict)
    without: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    off_chip: tuple[str, ...] = ()
    spike_input: bool = False

    def goes_with(self, other: Recipe) -> bool:
        """Whether both can be done to one network, each as it is by itself."""
        alone = (
            (self.n_steps, other.n_steps), (self.objective, other.objective),
            (self.spike_input, other.spike_input), (self.spike_input, other.off_chip),
            (self.off_chip, other.spike_input),
        )  # fmt: skip
        if any(a and b for a, b in alone):
            return False
        pairs = ((self, other), (other, self))
        moved = any(set(a.off_chip) & {*b.rates, *b.without, *b.off_chip} for a, b in pairs)
        shared = (
            self.rates.keys() & other.rates.keys() or self.without.keys() & other.without.keys()
        )
        return not (moved or shared)

    def along_with(self, other: Recipe) -> Recipe:
        """Both."""
        return Recipe(
            self.n_steps or other.n_steps, self.objective or other.objective,
            {**self.rates, **other.rates}, {**self.without, **other.without},
            (*self.off_chip, *other.off_chip), self.spike_input or other.spike_input,
        )  # fmt: skip

    @property
    def changes_network(self) -> bool:
        """Whether it is another network, not the same one run otherwise."""
        return bool(self.rates or self.changes_layers)

    @property
    def changes_layers(self) -> bool:
        """Whether layers on the chip are others, or of another size."""
        return bool(self.without or self.off_chip or self.spike_input)

    def running(self) -> dict[str, Any]:
        """Arguments of `deploy` that say how the network is run."""
        steps = {} if self.n_steps is None else {"n_steps": self.n_steps}
        return {**steps, **({"objective": self.objective} if self.objective else {})}

    def converting(self, subject: Subject) -> dict[str, Any]:
        """Arguments of `convert` that make another network of the same Keras model."""
        given: dict[str, Any] = {}
        if self.rates:
            own = subject.scales
            faster = {layer: own[layer] * factor for layer, factor in self.rates.items()}
            given["scale_firing_rates"] = {**own, **faster}
        if self.off_chip:
            given["off_chip"] = [*subject.layers_off_chip, *self.off_chip]
        return {**given, **({"spike_input": True} if self.spike_input else {})}

    def altering(self) -> dict[str, Any]:
        """Arguments of `changed_network` that make another network of one without a model."""
        given: dict[str, Any] = {"rates": dict(self.rates), "without": dict(self.without)}
        given["off_chip"] = list(self.off_chip)
        return {name: value for name, value in given.items() if value}

    def arguments(self, subject: Subject) -> dict[str, Any]:
        """All of it by name: arguments of `deploy`, of `convert` or `changed_network`."""
        if subject.conversion is None:
            return {**self.running(), **self.altering()}
        without = {"without": dict(self.without)} if self.without else {}
        return {**self.running(), **self.converting(subject), **without}

    def made(self, subject: Subject) -> tuple[Any, dict[str, Any]]:
        """The changed network, and further arguments of `deploy`.

        Raises
        ------
        SpikeCostError
            If it can't be made.
        """
        given, conversion = self.running(), subject.conversion
        fit = subject.deployment.fit
        if not self.changes_network:
            # a deployment has block shapes, and keeps them
            return subject.deployment.network if self.objective else subject.deployment, given
        if not (self.changes_layers or self.objective or fit is None):
            given["block_shapes"] = fit
        if conversion is None:
            return changed_network(subject.deployment.network, **self.altering()), given
        changes = self.converting(subject)
        if self.without:
            changes["model"] = prune(subject.model, self.without)
        return conversion.remade(**changes), given
