"""The space of settings, and where the search starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .trials import Proposal, Setting

RULE_HZ = 200.0
"""The target of NengoLoihi's Keras-to-Loihi tutorial for the mean rate of active neurons."""

RULE_FACTORS = (1.0, 0.5, 0.25)
"""Multiples of the rule's scales that the search starts from."""

LOWEST, HIGHEST = 1 / 50, 20.0
"""Bounds of a layer's scale, as multiples of the rule's: 4 Hz, and well past one spike a step."""

_N_GLOBAL = 7


@dataclass(frozen=True)
class Space:
    """The settings that can be tried, and the presentation times read of each.

    Attributes
    ----------
    rule : mapping from str to float
        Scale by layer with which the mean rate of its active neurons is 200 Hz, as long as
        rates are scale times activation.
    synapses : tuple of float or None
        Time constants in s.
    n_steps : tuple of int
        Presentation times, ascending.
    losses : tuple of float
        Losses of accuracy, ascending, within which energy is lowered; beyond the largest
        nothing is looked for.
    """

    rule: Mapping[str, float]
    synapses: tuple[float | None, ...]
    n_steps: tuple[int, ...]
    losses: tuple[float, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers with a scale, from input to output."""
        return tuple(self.rule)

    @property
    def worst_loss(self) -> float:
        """The largest loss of interest."""
        return self.losses[-1]

    def bounds(self, layer: str) -> tuple[float, float]:
        """Lowest and highest scale of a layer."""
        return LOWEST * self.rule[layer], HIGHEST * self.rule[layer]

    def clipped(self, setting: Setting) -> Setting:
        """The setting moved within bounds, scales to six digits, as they are pasted."""
        scales = {n: float(f"{min(max(s, self.bounds(n)[0]), self.bounds(n)[1]):.6g}")
                  for n, s in setting.scales.items()}  # fmt: skip
        return Setting(scales, setting.synapse)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def of_dict(cls, values: Mapping[str, Any]) -> Space:
        """From what `to_dict` gave, by way of JSON or not."""
        return cls(values["rule"], *(tuple(values[n]) for n in ("synapses", "n_steps", "losses")))


def global_scales(rule: Mapping[str, float]) -> tuple[float, ...]:
    """Scales for all layers alike, from a tenth of the least of the rule's to twice the largest.

    Rounded to two digits, with 100, the tutorial's, among them.
    """
    low, high = min(rule.values()) / 10, 2 * max(rule.values())
    ladder = {float(f"{s:.2g}") for s in np.geomspace(low, high, _N_GLOBAL)}
    return tuple(sorted({*ladder, 100.0}))


def starts(
    space: Space, one_scale: Sequence[float], tuned: Mapping[str, Mapping[str, float]],
    given: Sequence[Mapping[str, float]] = (),
) -> list[Proposal]:  # fmt: skip
    """The settings that are tried before the search begins, in this order.

    The user's own settings, the 200 Hz rule and the tuned scales, then the baseline of global
    scales, each with every synapse.
    """
    proposals = []
    for synapse in space.synapses:
        for i, scales in enumerate(given):
            proposals.append(Proposal(Setting(dict(scales), synapse), f"given {i}"))
        for factor in RULE_FACTORS:
            scales = {n: factor * s for n, s in space.rule.items()}
            setting = space.clipped(Setting(scales, synapse))
            proposals.append(Proposal(setting, f"{factor * RULE_HZ:g} Hz rule"))
        for name, scales in tuned.items():
            proposals.append(Proposal(space.clipped(Setting(scales, synapse)), name))
    for synapse in space.synapses:
        for scale in one_scale:
            setting = Setting(dict.fromkeys(space.layers, float(scale)), synapse)
            proposals.append(Proposal(setting, f"one scale of {scale:g}", baseline=True))
    return proposals
