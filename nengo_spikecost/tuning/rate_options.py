"""`RateOptions`: the options of `tune_firing_rates`, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import check
from ..errors import TuningError
from ..options import Options, option
from .rate_statistics import STATISTICS, RateStatistic


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
    neuron_type, synapse
        As in `convert`.
    n_steps, skip_steps : int
        Steps of a presentation, and how many of the first are not counted, for rates without
        the time in which filters fill.
    max_simulations : int
        Most simulations.
    batch_size, dt, presentation, seed
        As in `measure`.
    progress : bool
        Show a progress bar with the time left, if standard error is a terminal.
    """

    target: Any = 200.0
    statistic: str = option(
        "mean_active", help="What is meant by the rate of a layer.", choices=STATISTICS
    )
    percentile: float = option(99.0, help="Which percentile.")
    tolerance: float = option(0.05, help="Share of the target that a rate may be off.")
    neuron_type: Any = option(
        "LoihiSpikingRectifiedLinear", help="Neuron type that the ReLUs become.", flag="--neuron",
        metavar="TYPE",
    )  # fmt: skip
    synapse: Any = option(
        0.005, help="Time constant in s of the filter behind the neurons; 0 for none."
    )
    n_steps: int = option(
        100, help="Steps of 1 ms for which a sample is presented.", flag="--steps"
    )
    skip_steps: int = option(0, help="Steps that are not counted, while filters fill.")
    max_simulations: int = 20
    batch_size: int | None = None
    dt: float = 0.001
    presentation: str = option(
        "fresh", help="Start every sample afresh, or run on as a board does.",
        choices=("fresh", "continuous"),
    )  # fmt: skip
    seed: int = 0
    progress: bool = option(True, decides=False)

    def __post_init__(self) -> None:
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
        self.put(tolerance=float(self.tolerance))
        self.rate  # noqa: B018  (checks the statistic)

    @property
    def rate(self) -> RateStatistic:
        """The statistic that the rate of a layer is."""
        return RateStatistic(self.statistic, self.percentile)
