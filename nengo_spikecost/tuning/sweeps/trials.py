"""Settings, readings, trials and points: the records of a sweep; and the space of its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Optional

import numpy as np

from .joint_sums import Agreement

Key = tuple[tuple[float, ...], Optional[float]]

ROUNDING = 1e-12
"""A loss that is larger by no more than this is not larger: shares of images are rounded."""


@dataclass(frozen=True)
class Setting:
    """Firing-rate scales and the synapse of one simulation.

    Attributes
    ----------
    scales : mapping from str to float
        ``scale_firing_rates`` by layer.
    synapse : float or None
        Time constant of the lowpass filter behind all neurons, in s.
    """

    scales: Mapping[str, float]
    synapse: float | None

    @property
    def key(self) -> Key:
        """The same for settings that differ by rounding only."""
        return tuple(float(f"{s:.6g}") for s in self.scales.values()), self.synapse

    def scaled(self, factors: Mapping[str, float]) -> Setting:
        """The same with the scales of some layers multiplied."""
        return Setting({n: s * factors.get(n, 1.0) for n, s in self.scales.items()}, self.synapse)


@dataclass(frozen=True)
class Proposal:
    """A setting to be tried, and where it comes from.

    Attributes
    ----------
    setting : Setting
        The setting to simulate.
    origin : str
        In words: ``"one scale of 100"``, ``"200 Hz rule"``, ``"local"``, ``"sampler"``, ...
    baseline : bool
        Whether it is one of the global scales, which are never stopped early.
    parent : int, optional
        For a local move, the trial that it starts from.
    """

    setting: Setting
    origin: str
    baseline: bool = False
    parent: int | None = None


@dataclass(frozen=True)
class Reading:
    """Outcomes and energy of images at one presentation time.

    Attributes
    ----------
    n_steps : int
        Steps from the start.
    correct : ndarray, shape (n_seen,)
        How good the output was for each image (`Labels.outcomes`), in the sweep's order of
        images: for classes bool, whether it was right.
    energy_J : ndarray of float64, shape (n_seen,)
        Energy per inference of each.
    synops : float
        Mean synaptic operations per inference; NaN where the cost model counts none.
    layer_synops : mapping from str to float
        Synops made by the spikes of each layer, mean per inference: 0 only if it never spiked.
        Layers that spike and make none are left out.
    agreement : Agreement, optional
        Of the outputs of a regression with the targets; none in studies of before it was kept.
    at_least : bool
        As it was priced, whether the energy may be more: see `Sweep`, which keeps it for all.
    """

    n_steps: int
    correct: np.ndarray
    energy_J: np.ndarray
    synops: float
    layer_synops: Mapping[str, float] = field(default_factory=dict)
    agreement: Agreement | None = None
    at_least: bool = field(default=False, compare=False)

    @property
    def n_seen(self) -> int:
        """Images that it was read for."""
        return len(self.correct)

    @property
    def accuracy(self) -> float:
        """Share of images classified rightly; R² of a regression."""
        return float(self.correct.mean())

    @property
    def correlation(self) -> float | None:
        """Of a regression: Pearson's, over all values; NaN where all outputs are the same."""
        return None if self.agreement is None else self.agreement.correlation

    @property
    def mean_J(self) -> float:
        """Mean energy per inference."""
        return float(self.energy_J.mean())

    def joined(self, other: Reading) -> Reading:
        """These images and then those of another reading at the same time."""
        n, more = self.n_seen, other.n_seen

        def mean(first: float, second: float) -> float:
            return (n * first + more * second) / (n + more)

        return Reading(
            self.n_steps, np.concatenate([self.correct, other.correct]),
            np.concatenate([self.energy_J, other.energy_J]), mean(self.synops, other.synops),
            {
                k: mean(v, other.layer_synops[k]) for k, v in self.layer_synops.items()
                if k in other.layer_synops
            },
            self.agreement.joined(other.agreement) if self.agreement and other.agreement else None,
            self.at_least or other.at_least,
        )  # fmt: skip


def with_more(readings: Sequence[Reading], new: Sequence[Reading]) -> list[Reading]:
    """Readings at every presentation time with those of more images; of none: the new ones."""
    return [a.joined(b) for a, b in zip(readings, new)] if readings else list(new)


@dataclass(frozen=True)
class Trial:
    """A proposal that was tried, and its readings.

    Attributes
    ----------
    number : int
        From 0, in the order tried.
    proposal : Proposal
        The setting that was tried, and its origin.
    state : {"complete", "stopped", "failed"}
        Seen with all images; given up on some of them as hopeless; or ended by an error.
    readings : tuple of Reading
        One for each presentation time, of all images or those seen before it was stopped.
    reason : str
        Why it was stopped, or the error.
    seconds : float
        Time it took.
    """

    number: int
    proposal: Proposal
    state: str
    readings: tuple[Reading, ...] = ()
    reason: str = ""
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether all images were seen, so that it can be compared with the others."""
        return self.state == "complete"

    @property
    def scales(self) -> Mapping[str, float]:
        """``scale_firing_rates`` by layer."""
        return self.proposal.setting.scales


@dataclass(frozen=True)
class Searched:
    """What the search saw of a point whose figures are of another simulator.

    Attributes
    ----------
    accuracy, energy_J, synops : float
        As of a `Point`.
    """

    accuracy: float
    energy_J: float
    synops: float


@dataclass(frozen=True)
class Point:
    """One setting at one presentation time, seen with all images of the sweep.

    Attributes
    ----------
    trial : int
        Number of the trial.
    origin : str
        Where the setting comes from.
    baseline : bool
        Whether all layers have one scale.
    scale_firing_rates : dict from str to float
        As ``convert`` takes them, and ``nengo_dl.Converter`` by layer.
    synapse : float or None
        In s.
    n_steps : int
        Steps per inference.
    latency_s : float
        Presentation time, ``n_steps * dt``.
    energy_J : float
        Mean energy per inference on the sweep's device.
    synops : float
        Mean synaptic operations per inference.
    accuracy : float
        Share of the images that are right; R² of a regression.
    interval : tuple of float
        Interval for it: Wilson's of a share, the normal one of R².
    loss : float
        Accuracy of the Keras model minus that of the spiking network, on the same images.
    loss_interval : tuple of float
        Interval for the loss, of the paired outcomes.
    correct : ndarray, shape (n_images,)
        Outcome image by image (`Labels.outcomes`).
    rmse, correlation : float, optional
        Of a regression, against the targets. The correlation is NaN where all outputs are the same,
        and None in studies of before it was kept.
    simulator : str
        Of all figures.
    searched : Searched, optional
        What the search saw, if it ran in another simulator.
    updates : int, optional
        Neuron updates per inference; not known in studies of before they were kept.
    """

    trial: int
    origin: str
    baseline: bool
    scale_firing_rates: dict[str, float]
    synapse: float | None
    n_steps: int
    latency_s: float
    energy_J: float
    synops: float
    accuracy: float
    interval: tuple[float, float]
    loss: float
    loss_interval: tuple[float, float]
    correct: np.ndarray = field(repr=False, compare=False)
    rmse: float | None = None
    simulator: str = "nengo_dl"
    searched: Searched | None = None
    correlation: float | None = field(default=None, compare=False)  # NaN equals nothing
    updates: int | None = None

    def code(self) -> str:
        """Python that sets it, to paste."""
        scales = "\n".join(f"    {n!r}: {s:.6g}," for n, s in self.scale_firing_rates.items())
        return (
            f"scale_firing_rates = {{\n{scales}\n}}\nsynapse = {self.synapse!r}\n"
            f"n_steps = {self.n_steps}\n"
        )


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
