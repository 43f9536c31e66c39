"""The memory that an emulation takes, told before it takes it.

1. Of a network that is not built yet (`emulator_need`), as of every simulator's: a sum over the
   network, fitted to how processes grew (memory_needs.py).
2. Of the lanes of a network that NengoLoihi has built (`lanes_need`): its arrays, as they will be.
3. Of the results of a run (`results_need`), which are kept for all samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import nengo
import numpy as np

from ...activity import batched_steps
from ...activity.memory_needs import network_sizes
from ...activity.side_by_side import side_by_side
from ...activity.subject import network_of
from ...errors import MeasurementError
from ...memory import Need, memory_bytes
from ...words import counted
from .chip import Chip
from .presenting import BYTES_AT_ONCE
from .results import Asked

#: Compiled code, threads, what NengoLoihi and Nengo hold however small a network is; and steps
#: that are run at once.
_LEAST = 60 * 10**6 + BYTES_AT_ONCE

#: Samples side by side by default; more do not make it faster.
_USUAL_BATCH = 32
_EMULATING = "Emulating"

#: Bytes of a weight: Nengo's, NengoLoihi's before and after it makes whole numbers of them, with
#: the places where they go; and twice as the emulation lays them out.
_PER_WEIGHT = 160
#: Bytes of a neuron: its parameters at NengoLoihi, and an entry for each block that it reaches.
_PER_NEURON = 600
#: Bytes of a neuron, or of a value of a Connection, in each lane.
_PER_VALUE = 30


def emulator_need(network: nengo.Network) -> Need:
    """For the emulation of a network that is not built yet."""
    sizes = network_sizes(network)
    fixed = _LEAST + _PER_WEIGHT * sizes.n_weights + _PER_NEURON * sizes.n_neurons + sizes.solving
    return Need(fixed, _PER_VALUE * sizes.n_values)


def lanes_need(model: Any, chip: Chip) -> Need:
    """For lanes of a network that is built, on chip and host.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
    chip : Chip
    """
    n_inputs = chip.n_sources - chip.n_compartments
    # current, voltage, rest and spikes of four bytes, one flag; see ChipLanes
    on_chip = 17 * chip.n_compartments + 9 * n_inputs
    counts = 2 * 8 * (len(chip.blocks) + 2 * len(chip.routes))
    written = {
        signal.base
        for part in (model.host_pre, model.host)
        for op in part.operators
        for signal in batched_steps.written(op)
    }
    # what a step computes is there twice, before it is written
    on_host = 2 * sum(base.initial_value.nbytes for base in written)
    return Need(BYTES_AT_ONCE, on_chip + counts + on_host)


def results_need(chip: Chip, sizes: Iterable[int], asked: Asked) -> Need:
    """For what a run hands back, of each sample: joined at the end, when it is there twice.

    Parameters
    ----------
    chip : Chip
    sizes : iterable of int
        Of what each Probe records.
    asked : Asked
    """
    n_values = sum(sizes)
    spikes = np.min_scalar_type(asked.n_steps).itemsize * chip.n_sources
    counts = 8 * (2 * len(chip.routes) + 2 * len(chip.blocks))
    outputs = 2 * 8 * n_values
    if asked.readout == "all":
        outputs += 8 * n_values * asked.n_steps
    steps = 0
    if asked.by_step:
        senders, blocks = len(chip.blocks) + len(chip.inputs), len(chip.blocks)
        # LaneSteps, and what StepCounts makes of it
        steps = 8 * asked.n_steps * (2 * senders + 2 * len(chip.synapses) + 8 * blocks)
    return Need(0, 2 * (spikes + counts + outputs + steps))


class EmulatorMemory:
    """What one emulator may take.

    Parameters
    ----------
    memory : int, float or str, optional
        As `Emulator` takes it.

    Raises
    ------
    MeasurementError
        If it is no amount of memory; from all methods, if something has no room in it.
    """

    def __init__(self, memory: Any):
        self.given = memory_bytes(memory, MeasurementError)
        #: Of what may be taken, what the network that is built has taken; no more of it is free.
        self._built = 0

    def check_network(self, given: Any, batch_size: int | None, model: Any) -> None:
        """Refuse a network that can't be built, or whose samples have no room."""
        network = network_of(given)
        if network is None:
            return  # it is refused where it is read
        need = emulator_need(network)
        if model is None:
            side_by_side(need, batch_size, 1, self.given, what=_EMULATING)
        if self.given is not None:
            self._built = need.fixed_bytes

    def batch_size(self, model: Any, chip: Chip, asked: int | None) -> int:
        """Samples side by side: those asked for, or the usual ones if there is room for them."""
        need = self._with_built(lanes_need(model, chip))
        return side_by_side(need, asked, _USUAL_BATCH, self.given, what=_EMULATING)

    def _with_built(self, need: Need) -> Need:
        return Need(self._built + need.fixed_bytes, need.bytes_per_sample)

    def check_results(
        self, chip: Chip, probes: Iterable[Any], n_samples: int, asked: Asked
    ) -> None:
        """Refuse a run whose results have no room."""
        need = self._with_built(results_need(chip, (p.size_in for p in probes), asked))
        what, remedy = _results_words(asked, n_samples)
        need.check(what, self.given, MeasurementError, n_samples, remedy)


def _results_words(asked: Asked, n_samples: int) -> tuple[str, str]:
    """What takes the memory of the results, and what to do."""
    asking = [
        f'{name}={value}' for name, value, is_asked in (
            ('readout', '"all"', asked.readout == "all"), ('by_step', 'True', asked.by_step),
        ) if is_asked
    ]  # fmt: skip
    what = (
        f"Keeping the results of {counted(n_samples, 'sample')} of {counted(asked.n_steps, 'step')}"
    )
    if asking:
        return f"{what} ({', '.join(asking)})", (
            f"leave {' and '.join(a.partition('=')[0] for a in asking)} out, present fewer samples "
            "at a time, or give more memory (memory=)"
        )
    return what, "present fewer samples at a time, or give more memory (memory=)"
