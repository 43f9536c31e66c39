"""`record_spikes`: which neuron fired at which step, of a network on the emulated chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import reduce
from typing import Any

import numpy as np

from ... import check
from ...activity.activity_record import Protocol
from ...activity.given_arrays import one_array
from ...chip.chip_activity import ChipActivity, StepCounts, continued_chip
from ...errors import DataError, MeasurementError
from ...options import named_arguments
from ..cores.built import BuiltNetwork
from ..emulation import EmulatedRun, Emulator


@dataclass(frozen=True)
class Recording:
    """One sample on the emulated chip, step by step.

    Attributes
    ----------
    network : nengo.Network, Conversion, or another object with names of layers
        As it was given; with ``built.model`` it can be handed to `place`.
    built : BuiltNetwork
        The network that ran.
    spikes : ndarray of bool, shape (n_steps, n_sources)
        Fired at each step by the compartments of every block, then by the neurons of the
        host that send to the chip, in the order of ``built``.
    charged : ndarray of bool, shape (n_steps, n_compartments)
        Whether the voltage of a compartment was not 0 when the step began.
    chip : ChipActivity
        What each core did, with ``by_step``.
    protocol : Protocol
        How the sample was presented; `chip_work` needs it and ``chip``.
    formats : mapping from int to str
        Of each set of synapses of the blocks, by the `id` of NengoLoihi's object: "dense",
        "sparse" or "conv".
    """

    network: Any = field(repr=False)
    built: BuiltNetwork = field(repr=False)
    spikes: np.ndarray = field(repr=False)
    charged: np.ndarray = field(repr=False)
    chip: ChipActivity = field(repr=False)
    protocol: Protocol
    formats: Mapping[int, str] = field(repr=False)

    @property
    def n_steps(self) -> int:
        """Steps of the sample."""
        return len(self.spikes)


@named_arguments
def record_spikes(
    network: Any, inputs: Any = None, n_steps: int = 100, *, warm_up: int = 0, model: Any = None,
    dt: float | None = None,
) -> Recording:  # fmt: skip
    """Run one sample on the emulated chip and keep every spike of every step.

    Parameters
    ----------
    network : nengo.Network, Conversion, or any object with one of these as ``.network``
        As `Emulator` takes it.
    inputs : mapping from nengo.Node to ndarray, or ndarray, optional
        As `Emulator.run` takes them, of one sample: ``(1, size)``, or
        ``(1, warm_up + n_steps, size)``.
    n_steps : int
        Steps that are recorded.
    warm_up : int
        Steps before these.
    model : nengo_loihi.Simulator or nengo_loihi.builder.Model, optional
        Built of this network already.
    dt : float, optional
        Time step in s, if it has to be built. Default: that of the network's neurons, or 1 ms.

    Raises
    ------
    DataError
        If there is more than one sample.
    LoihiError
        If the network can't be emulated.
    """
    check.whole("n_steps", n_steps, MeasurementError, 1, MOST_STEPS)
    check.whole("warm_up", warm_up, MeasurementError, 0, MOST_STEPS)
    samples = _samples(inputs)
    with Emulator(network, batch_size=1, model=model, dt=dt) as emulator:
        runs, charged = [], [np.zeros(emulator.chip.n_compartments, dtype=bool)]
        for step in range(warm_up + n_steps):
            # one step at a time, so that counts and spikes are those of the step
            given = _at_step(samples, step, warm_up + n_steps)
            runs.append(emulator.run(given, 1, presentation="continuous"))
            charged.append(emulator.voltages()[0] != 0)
        runs, charged = runs[warm_up:], charged[warm_up:-1]
        synapses = [s for block in emulator.chip.blocks for s in block.synapses]
        formats = {id(synapse): own.kind for synapse, own in zip(synapses, emulator.chip.synapses)}
        # of a BlockFit the network behind it: the model has its block shapes already
        given = getattr(network, "given", network) if hasattr(network, "shapes") else network
        spikes = np.concatenate([run.spikes for run in runs]).astype(bool)
        presentation = "continuous" if warm_up else "fresh"
        protocol = Protocol("loihi", presentation, n_steps, emulator.dt, batch_size=1, seed=0)
        chip = _chip_activity(runs, emulator.built)
        charges = np.stack(charged)
        return Recording(given, emulator.built, spikes, charges, chip, protocol, formats)


#: Every step is kept, so that more would fill the memory.
MOST_STEPS = 10**6


def _samples(inputs: Any) -> Any:
    """What is given to each Node, or to the only one, as arrays."""
    if inputs is None:
        return None
    if isinstance(inputs, Mapping):
        return {node: _sample(f"inputs[{node}]", values) for node, values in inputs.items()}
    return _sample("inputs", inputs)


def _sample(name: str, values: Any) -> np.ndarray:
    array = one_array(values, name)
    if array.ndim not in (2, 3) or array.dtype.kind not in "buif":
        raise DataError(
            f"{name} must be numbers, of shape (1, size) or (1, n_steps, size), not "
            f"{array.dtype} of shape {array.shape}."
        )
    return array


def _at_step(inputs: Any, step: int, n_steps: int) -> Any:
    if inputs is None:
        return None
    if isinstance(inputs, Mapping):
        return {node: _at_step(values, step, n_steps) for node, values in inputs.items()}
    values = inputs
    if len(values) != 1:
        raise DataError(
            f"inputs hold {len(values)} samples (shape {values.shape}); expected one, of shape "
            f"(1, size) or (1, {n_steps}, size)."
        )
    if values.ndim == 3 and values.shape[1] == n_steps:
        return values[:, step]
    return values


def _chip_activity(runs: list[EmulatedRun], built: BuiltNetwork) -> ChipActivity:
    """The counts of runs of one step each, as those of one sample."""
    cores, layers = zip(*((part.name, part.source.layer) for part in built.blocks))
    inputs = tuple(part.name for part in built.inputs)
    steps = [run.chip_activity(cores, layers, inputs) for run in runs]
    counts = {f.name: _stacked([getattr(x, f.name) for x in steps]) for f in fields(StepCounts)}
    return replace(reduce(continued_chip, steps), by_step=StepCounts(**counts))


def _stacked(values: Sequence[Any]) -> Any:
    """Counts of every step, (1, ...) each, as int64 of shape (1, n_steps, ...)."""
    if isinstance(values[0], Mapping):
        return {key: _stacked([v[key] for v in values]) for key in values[0]}
    return np.stack(values, axis=1).astype(np.int64)
