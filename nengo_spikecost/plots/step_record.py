"""What a converted network does in each step of one sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import check
from ..conversion import Conversion
from ..errors import MeasurementError
from ..tuning.rescaling import RescalableNetwork


@dataclass(frozen=True)
class StepRecord:
    """Spikes and outputs of one sample, step by step.

    Attributes
    ----------
    spikes : mapping from str to ndarray of int64, shape (n_steps, n_neurons)
        By population: how often each neuron spiked in each step.
    outputs : mapping from str to ndarray, shape (n_steps, size)
        By name of the output: its values at the end of each step.
    dt : float
        Length of a step in s.
    sample : ndarray
        What was presented.
    """

    spikes: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]
    dt: float = 0.001
    sample: Any = field(default=None, repr=False, compare=False)

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return len(next(iter((*self.spikes.values(), *self.outputs.values()))))


def record_steps(
    conversion: Conversion, x: Any, n_steps: int, *, simulator: str = "compiled", seed: int = 0
) -> StepRecord:
    """Simulate one sample, and keep what every step did.

    Parameters
    ----------
    conversion : Conversion
        As `convert` returns it. Of a network of your own, Nengo's simulators have the same in
        ``sim.data[probe]``, and the plots take such arrays.
    x : array
        One sample, in the shape of the model's input or with one more dimension in front.
    n_steps : int
        Steps for which it is presented.
    simulator : {"compiled", "nengo_dl"}
        What simulates it; see `measure`.
    seed : int
        Of the run, as in `measure`.

    Returns
    -------
    StepRecord

    Raises
    ------
    MeasurementError
        If ``conversion`` is none, or ``n_steps`` no number of steps.
    """
    check.kind("conversion", conversion, Conversion, MeasurementError, "a Conversion (convert())")
    check.whole("n_steps", n_steps, MeasurementError, 1)
    shape = conversion.model.input_shape[1:]
    sample = np.asarray(x)
    if sample.size != np.prod(shape):
        raise MeasurementError(
            f"x must be one sample of shape {tuple(shape)}, not an array of {sample.shape}: give "
            "x[0], say."
        )
    with RescalableNetwork(conversion, simulator=simulator, seed=seed) as network:
        until = network.run(sample.reshape(1, *shape), range(1, n_steps + 1))
    # counts until each step; their differences are what the steps did
    spikes = {
        name: np.diff([a.populations[name].counts[0] for a in until.values()], axis=0, prepend=0)
        for name, population in until[n_steps].populations.items()
        if population.spiking
    }
    outputs = {
        name: np.stack([activity.outputs[name].last[0] for activity in until.values()])
        for name in until[n_steps].outputs
    }
    return StepRecord(spikes, outputs, until[n_steps].protocol.dt, sample.reshape(shape))
