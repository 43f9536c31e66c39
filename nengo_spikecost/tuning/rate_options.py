"""`RateOptions`: the options of `tune_firing_rates`, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import check
from ..errors import TuningError
from ..memory import memory_bytes
from ..options import Options, option
from ..spiking import defaults


def check_targets(target: Any) -> None:
    """Raise `TuningError` unless each target is a rate in Hz."""
    for layer, hz in target.items() if isinstance(target, Mapping) else [("", target)]:
        if not check.is_number(hz) or hz <= 0:
            of_layer = f" of layer {getattr(layer, 'name', layer)!r}" if layer != "" else ""
            raise TuningError(f"target{of_layer} must be a rate in Hz, not {hz!r}.")


STATISTICS = ("mean_active", "mean", "percentile", "max")


@dataclass(frozen=True)
class RateStatistic:
    """A way to say the rate of a layer in one number.

    Attributes
    ----------
    name : {"mean_active", "mean", "percentile", "max"}
        ``"mean_active"``: the mean over all neurons and samples that fired, each neuron taken
        for a sample in which it fired. ``"mean"``: over all. ``"percentile"``: of the
        neurons' rates, each averaged over the samples. ``"max"``: the most spikes of one neuron
        for one sample.
    percentile : float
        Which percentile.
    """

    name: str = "mean_active"
    percentile: float = 99.0

    def __post_init__(self) -> None:
        check.choice("statistic", self.name, STATISTICS, TuningError)
        if not check.is_number(self.percentile) or not 0 < self.percentile <= 100:
            raise TuningError(
                f"percentile must be above 0 and at most 100, not {self.percentile!r}."
            )

    def of(self, counts: np.ndarray, seconds: float) -> float:
        """The rate in Hz of counts of shape (n_samples, n_neurons) in so many seconds."""
        if self.name == "mean_active":
            fired = np.count_nonzero(counts)
            return float(counts.sum(dtype=np.float64) / fired) / seconds if fired else 0.0
        if self.name == "mean":
            return float(counts.mean(dtype=np.float64)) / seconds
        if self.name == "percentile":
            means = counts.mean(axis=0, dtype=np.float64)
            return float(np.percentile(means, self.percentile)) / seconds
        return float(counts.max(initial=0)) / seconds

    def slack_hz(self, seconds: float) -> float:
        """How far a rate may be off because spikes are whole: half of one, for a maximum."""
        return 0.5 / seconds if self.name == "max" else 0.0

    def lowest_hz(self, seconds: float) -> float:
        """The least that is not zero: neurons that fired have fired once."""
        return 1 / seconds if self.name in ("mean_active", "max") else 0.0

    def __str__(self) -> str:
        words = {
            "mean_active": "mean rate of active neurons", "mean": "mean rate",
            "percentile": f"{self.percentile:g}th percentile of neurons' rates",
            "max": "largest rate",
        }  # fmt: skip
        return words[self.name]


@dataclass(frozen=True)
class RateOptions(Options):
    """The rates that layers are brought to, and how they are measured.

    Attributes
    ----------
    target : float or dict
        Rate in Hz, of all layers or by layer (or its name); layers left out keep the scale
        they have, which is 1 of a Keras model.
    statistic : {"mean_active", "mean", "percentile", "max"}
        What is meant by the rate of a layer: see `RateStatistic`.
    percentile : float
        Which one.
    tolerance : float
        Share of the target that a rate may be off.
    neuron_type : nengo.neurons.NeuronType or type or str
        Neurons in place of every ReLU: an instance, a class or a name.
    synapse : float or nengo.synapses.Synapse, optional
        Filter on the output of all neurons; a number is a time constant in s.
    n_steps, skip_steps : int
        Steps of a presentation, and how many of the first are not counted, for rates without
        the time in which filters fill.
    max_simulations : int
        Most simulations.
    simulator : {"compiled", "nengo_dl"}
        What searches. Compiled code is several times faster; it rounds otherwise, so that single
        neurons may fire a step later. Where only NengoDL can run the network, it searches.
    judged : bool
        Whether NengoDL measures the scales that compiled code found: the result is that of
        NengoDL then, and `LayerRates.searched_hz` has the rates of the search.
    batch_size : int, optional
        Samples simulated side by side. Default: as many as memory allows, or 1 if continuous.
    memory : int, float or str, optional
        Memory that simulating may take, in bytes or as ``"4 GB"``: see `measure`. What can't fit is
        refused. Default: 70% of what is free.
    dt : float
        Length of a step in s.
    presentation : {"fresh", "continuous"}
        Start every sample from the network's initial state, or let it run on from the one before.
    seed : int
        Seed of the run, and of the network.
    progress : bool
        Show a progress bar with the time left, if standard error is a terminal, or in a notebook.
    """

    target: Any = 200.0
    statistic: str = option(
        "mean_active", help="What is meant by the rate of a layer.", choices=STATISTICS
    )
    percentile: float = option(99.0, help="Which percentile.")
    tolerance: float = option(0.05, help="Share of the target that a rate may be off.")
    neuron_type: Any = defaults.neuron_type(defaults.CHIP_NEURONS)
    synapse: Any = defaults.synapse()
    n_steps: int = defaults.n_steps()
    skip_steps: int = option(0, help="Steps that are not counted, while filters fill.")
    max_simulations: int = 20
    simulator: str = option(
        "compiled", choices=("compiled", "nengo_dl"),
        help="Searches; scales that compiled code found are measured in NengoDL.",
    )  # fmt: skip
    judged: bool = True
    batch_size: int | None = None
    memory: int | float | str | None = defaults.memory()
    dt: float = defaults.dt()
    presentation: str = defaults.presentation("fresh")
    seed: int = 0
    progress: bool = option(True, decides=False)

    def __post_init__(self) -> None:
        from ..spiking.conversion_values import check_spiking

        self.check_flags(TuningError)
        check.choice("simulator", self.simulator, ("compiled", "nengo_dl"), TuningError)
        if not check.is_number(self.tolerance) or not 0 < self.tolerance < 1:
            raise TuningError(f"tolerance must be a share between 0 and 1, not {self.tolerance!r}.")
        for name, least in (("n_steps", 1), ("skip_steps", 0), ("max_simulations", 1)):
            check.whole(name, getattr(self, name), TuningError, least)
        if self.skip_steps >= self.n_steps:
            raise TuningError(
                f"skip_steps must be less than n_steps, {self.n_steps}, not {self.skip_steps}."
            )
        if self.skip_steps and self.presentation == "continuous":
            raise TuningError(
                "skip_steps is for presentation='fresh': a continuous one has no start."
            )
        memory_bytes(self.memory, TuningError)
        check_targets(self.target)
        check_spiking(self.neuron_type, synapse=self.synapse)
        self.put(tolerance=float(self.tolerance))
        self.rate  # noqa: B018  (checks the statistic)

    @property
    def rate(self) -> RateStatistic:
        """The statistic that the rate of a layer is."""
        return RateStatistic(self.statistic, self.percentile)
