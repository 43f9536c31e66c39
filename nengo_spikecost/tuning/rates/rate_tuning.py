"""`RateTuning`: firing-rate scales, and the rate of every layer with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...activity import Activity
from ...conversion import Conversion
from ...conversion.lookup import walk_layers
from ...conversion.scales import neuron_layer
from ...layout import Result

#: From so large a share, or so large a factor, a layer has a flag.
FLAG_SHARE, FLAG_FACTOR = 0.02, 1.25

#: What each flag means.
FLAGS = {
    "saturated": "share of active neurons that fire as often as they can, or at every step: on "
    "Loihi a neuron fires once a step at most, and larger values are lost",
    "dead": "not one of its neurons fired for any sample: a larger scale may wake it (--scale)",
    "silent": "share of the neurons that ReLUs use for these samples, and that never fired",
    "excess": "spikes for each that a ReLU's output times the scale stands for: the layer hands on "
    "larger values than the model's",
    "skewed": "rate of the tenth with the strongest inputs, as a factor on what is "
    "proportional to that of all",
    "rising": "rate in the second half of the time over that in the first: filters still fill",
}


@dataclass(frozen=True)
class LayerRates:
    """One layer of a tuned network.

    Attributes
    ----------
    layer : str
    scale : float
        Its firing-rate scale.
    target_hz : float or None
        None for a layer that was not to be tuned.
    allowed_hz : float
        How far from the target is within the tolerance; 0 without a target.
    ceiling_hz : float or None
        The rate that its neurons can't exceed, whatever their input; None if there is none.
    rate_hz : float
        Measured at that scale, by the statistic of the tuning.
    reached : bool
        Whether that is within the tolerance.
    reason : str
        Why not.
    mean_hz, max_hz : float
        Mean over all neurons and samples, and the largest rate of a neuron for a sample.
    active : float
        Share of neurons and samples with a spike.
    silent : float
        Share of the neurons that ReLUs use for these samples, and that never fired.
    saturated : float
        Share of active neurons and samples with neurons that, in the second half of the time,
        fired as often as their type can, or at every step. On Loihi a neuron fires once a
        step at most: what is more is lost.
    linearity : float
        Spikes that were made, for each that a ReLU's output times the scale stands for: 1 for
        neurons whose rate is proportional to their input.
    skew : float
        The same for the tenth with the strongest inputs, divided by that of all: below 1, the
        curve of the neurons holds large values back more than small ones.
    first_half_hz, second_half_hz : float
        The rate in the two halves of the counted time: they differ while filters fill.
    searched_hz : float, optional
        The rate that the search saw, if it ran in another simulator than the result's.
    """

    layer: str
    scale: float
    target_hz: float | None
    allowed_hz: float
    ceiling_hz: float | None
    rate_hz: float
    reached: bool
    reason: str
    mean_hz: float
    max_hz: float
    active: float
    silent: float
    saturated: float
    linearity: float
    skew: float
    first_half_hz: float
    second_half_hz: float
    searched_hz: float | None = None

    @property
    def error(self) -> float | None:
        """Distance from the target, as a share of it."""
        return None if self.target_hz is None else self.rate_hz / self.target_hz - 1

    @property
    def flags(self) -> tuple[str, ...]:
        """Findings that deserve a look, one short phrase each; `FLAGS` says what they mean."""
        skewed = self.skew > 0 and not 1 / FLAG_FACTOR < self.skew < FLAG_FACTOR
        first, second = self.first_half_hz, self.second_half_hz
        raised = {
            "dead": self.max_hz == 0,
            f"saturated {self.saturated:.0%}": self.saturated > FLAG_SHARE,
            f"silent {self.silent:.0%}": self.silent > FLAG_SHARE,
            f"excess x{self.linearity:.3g}": self.linearity > FLAG_FACTOR,
            f"skewed x{self.skew:.2f}": skewed,
            f"rising x{second / (first or 1):.1f}": first and second > FLAG_FACTOR * first,
        }
        return tuple(flag for flag, is_raised in raised.items() if is_raised)


@dataclass(frozen=True)
class RateStep:
    """One simulation of the tuning.

    Attributes
    ----------
    scales, rates_hz : mapping from str to float
        By layer: the scales that were tried, and the rates that came of them.
    n_reached : int
        Layers within the tolerance.
    """

    scales: Mapping[str, float]
    rates_hz: Mapping[str, float]
    n_reached: int


@dataclass(frozen=True)
class RateTuning(Result):
    """Firing-rate scales with which every layer fires at its target.

    All figures are those of one simulation of the network that `conversion` returns: the best of
    the search, or if that was in compiled code, one with its scales in NengoDL.

    Attributes
    ----------
    layers : tuple of LayerRates
    scale_firing_rates : dict from Keras layer, or name, to float
        What ``nengo_dl.Converter(scale_firing_rates=...)`` and `convert` take. A layer within a
        TimeDistributed wrapper stands for it: NengoDL's Converter passes over a wrapper. Names
        where ``spike_input`` puts neurons in front, and the model becomes a part of another.
    history : tuple of RateStep
        Every simulation, in order.
    seconds : float
        Time that the tuning took.
    statistic : str
        What is meant by the rate of a layer.
    tolerance : float
        Share of the target.
    n_steps, skip_steps : int
        Steps of the presentation, and how many of them were not counted.
    activity : Activity
        Counts and outputs of the best simulation, of all steps.
    counts : dict from str to ndarray of shape (n_samples, n_neurons)
        By layer: spikes in that simulation in the steps that were counted.
    in_place : bool
        Whether one build was enough for all simulations of the search.
    searched_in : str
        The simulator of the search; that of the figures is ``activity.protocol.simulator``.
    searched_because : str
        Why it was not in compiled code, if only NengoDL can run the network.
    files : tuple of (str, str)
        Names of model and data in the commands that the verdict suggests.
    typed : str
        The command that made it, if one did.
    """

    layers: tuple[LayerRates, ...]
    scale_firing_rates: dict[Any, float]
    history: tuple[RateStep, ...]
    seconds: float
    statistic: str
    tolerance: float
    n_steps: int
    skip_steps: int
    activity: Activity = field(repr=False)
    counts: Mapping[str, np.ndarray] = field(repr=False, compare=False)
    in_place: bool = True
    searched_in: str = "nengo_dl"
    searched_because: str = ""
    base: Conversion | None = field(default=None, repr=False, compare=False)
    files: tuple[str, str] = field(default=("MODEL", "DATA"), repr=False, compare=False)
    typed: str = field(default="", repr=False, compare=False)

    @property
    def n_simulations(self) -> int:
        """Number of simulations."""
        return len(self.history)

    @property
    def judged_in(self) -> str | None:
        """The simulator that measured what another had found; None if the search did."""
        simulator = self.activity.protocol.simulator
        return None if simulator == self.searched_in else simulator

    @property
    def counted_seconds(self) -> float:
        """Simulated seconds of a presentation that were counted."""
        return (self.n_steps - self.skip_steps) * self.activity.protocol.dt

    @property
    def counted(self) -> str:
        """The steps that were counted, in words."""
        return f"steps {self.skip_steps + 1} to {self.n_steps}"

    @property
    def reached(self) -> bool:
        """Whether every layer is within the tolerance of its target."""
        return all(layer.reached for layer in self.layers)

    @property
    def scales(self) -> dict[str, float]:
        """The scales by name of the layer."""
        return {layer.layer: layer.scale for layer in self.layers}

    def conversion(self) -> Conversion:
        """The network with these scales."""
        assert self.base is not None
        return self.base.rescaled(self.scales)

    def code(self) -> str:
        """The scales as Python, to paste: a dict by layer of ``model``."""
        assert self.base is not None
        layers = dict(walk_layers(self.base.options["model"]))
        keys = {n: _layer_code(n, layers[n]) if n in layers else repr(n) for n in self.scales}
        lines = [f"    {keys[name]}: {scale!r}," for name, scale in self.scales.items()]
        return "\n".join(["scale_firing_rates = {", *lines, "}"])


def _layer_code(name: str, layer: Any) -> str:
    """Python that gets a layer of ``model``, through nested models and wrappers too."""
    code = "model" + "".join(f".get_layer({part!r})" for part in name.split("/"))
    while neuron_layer(layer) is not layer:
        code, layer = f"{code}.layer", layer.layer
    return code
