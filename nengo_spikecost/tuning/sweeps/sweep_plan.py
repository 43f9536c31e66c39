"""What a sweep is made with, and what follows from that before anything is tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...conversion import Conversion, convert
from ..rates import activation_rule
from ..rescaling import RescalableNetwork
from . import fingerprint
from .chip_engine import ChipEngine
from .engine import NetworkEngine
from .evaluation import Engine, Rules, stages_of
from .rule_scales import tuned_scales
from .search import Search
from .space import RULE_HZ, Space, global_scales, starts
from .study import Study
from .sweep_arguments import CHIP, checked_scales, keras_outcomes
from .sweep_pricing import Pricing


@dataclass(frozen=True)
class Plan:
    """The arguments of a sweep, checked.

    Attributes
    ----------
    model, x, labels
        What is tuned, and on what.
    about : mapping
        Names of device, cost model, simulator and neurons; dt and the confidence of intervals.
    n_steps, synapses, losses, one_scale, given, reference, first_images, explore, seed
        See `sweep`.
    simulation : mapping
        Arguments of `RescalableNetwork`, but for the synapse and those of `convert`.
    conversion : mapping
        Arguments of `convert`, but for the neurons, the scales, the synapse and the seed.
    pricing : Pricing
        Device, cost model and readout.
    """

    model: Any
    x: np.ndarray
    labels: np.ndarray
    about: Mapping[str, Any]
    neuron_type: Any
    n_steps: tuple[int, ...]
    synapses: tuple[float | None, ...]
    losses: tuple[float, ...]
    one_scale: tuple[float, ...] | None
    given: tuple[Mapping[str, float], ...]
    reference: Any
    first_images: int
    explore: float
    seed: int
    simulation: Mapping[str, Any]
    conversion: Mapping[str, Any]
    pricing: Pricing

    def fingerprint(self) -> dict[str, str]:
        """What the results depend on, by the names of the arguments."""
        return {
            "model": fingerprint.of_model(self.model),
            "x": fingerprint.of_arrays(self.x),
            "y": fingerprint.of_arrays(self.labels),
            "n_steps": str(self.n_steps),
            "synapses": str(self.synapses),
            "accuracy_losses": str(self.losses),
            "global_scales": str(self.one_scale),
            "start_from": str([dict(scales) for scales in self.given]),
            "reference": fingerprint.of_reference(self.reference),
            "first_images": str(self.first_images),
            "explore": str(self.explore),
            "seed": str(self.seed),
            "readout": str(self.pricing.readout),
            **{name: str(value) for name, value in self.about.items()},
            "constants of the device": fingerprint.of_text(self.pricing.device),
            **fingerprint.of_options(self.pricing.cost_model),
            **{name: str(value) for name, value in self.simulation.items()},
            **{name: str(value) for name, value in sorted(self.conversion.items())},
        }

    def network(self, synapse: float | None) -> RescalableNetwork:
        """The network with that synapse."""
        return RescalableNetwork(
            self.model, neuron_type=self.neuron_type, synapse=synapse, seed=self.seed,
            network_seed=self.seed, **self.simulation, **self.conversion,
        )  # fmt: skip

    def converted(self, scales: Any, synapse: float | None) -> Conversion:
        """A network of its own with these scales and that synapse."""
        return convert(
            self.model, neuron_type=self.neuron_type, scale_firing_rates=scales,
            synapse=synapse, seed=self.seed, **self.conversion,
        )  # fmt: skip

    def engine(self) -> SweepEngine:
        """What simulates the settings."""
        if self.about["simulator"] == CHIP:
            return ChipEngine(
                self.converted, self.network, *self.ordered(), n_steps=self.n_steps,
                pricing=self.pricing, synapse=self.synapses[0], seed=self.seed, **self.simulation,
            )  # fmt: skip
        return NetworkEngine(
            self.network, *self.ordered(), n_steps=self.n_steps, pricing=self.pricing
        )

    def reference_outcomes(self, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """What losses are against: whether it classifies each image rightly."""
        return keras_outcomes(self.model if self.reference is None else self.reference, x, labels)

    def ordered(self) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels in the order they are seen."""
        # data are often sorted by class: the first images should be like all
        order = np.random.default_rng(self.seed).permutation(len(self.x))
        return self.x[order], self.labels[order]


class SweepEngine(Engine, Protocol):
    """An engine, and what a sweep asks of it before the first setting."""

    def facts(self) -> dict[str, Any]:
        """What all settings are simulated with: found out once for a study, and kept in it."""

    def recall(self, facts: Mapping[str, Any]) -> None:
        """Take up what `facts` gave, maybe in another process."""

    def network(self, synapse: float | None) -> RescalableNetwork:
        """The network in NengoDL, in which the search finds where it starts."""

    def close(self) -> None:
        """Free what the simulations hold."""


def prepared(plan: Plan, file: Study, engine: SweepEngine) -> tuple[Search, Rules]:
    """What the search follows from: found out once for a study, and kept in it.

    Raises
    ------
    TuningError
        If the study was made with something else.
    LoihiError
        If the settings are for a chip, and it can't run the network.
    """
    facts, now = file.facts(), plan.fingerprint()
    if "made_with" in facts:
        # studies from before there was a choice do not name it
        made_with = {"simulator": "nengo_dl", **facts["made_with"]}
        fingerprint.check(file.path, made_with, now)
    else:
        of_engine = engine.facts()
        x, labels = plan.ordered()
        network = engine.network(plan.synapses[0])
        layers = network.layers
        checked_scales(plan.given, layers, "start_from")
        reference = plan.reference_outcomes(x, labels)
        rule = activation_rule(network, x[: plan.first_images], RULE_HZ)
        space = Space(rule, plan.synapses, plan.n_steps, plan.losses)
        middle = plan.n_steps[len(plan.n_steps) // 2]
        facts = {
            "made_with": now,
            "about": plan.about,
            "space": space.to_dict(),
            "tuned": tuned_scales(network, x[: plan.first_images], middle),
            **of_engine,
        }
        file.remember(facts, {"reference": reference})
    engine.recall(file.facts())
    reference, space = file.arrays()["reference"], Space.of_dict(facts["space"])
    given = checked_scales(plan.given, space.layers, "start_from")
    one_scale = plan.one_scale or global_scales(space.rule)
    search = Search(
        space=space,
        starts=tuple(starts(space, one_scale, facts["tuned"], given)),
        reference=float(reference.mean()),
        seed=plan.seed,
        explore=plan.explore,
    )
    stages = stages_of(len(reference), plan.first_images)
    return search, Rules(stages, reference, space.worst_loss)
