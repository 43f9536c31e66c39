"""What an emulated chip did: outputs, and exact counts of each sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...chip.chip_activity import StepCounts
from ...errors import MeasurementError
from ...layout import Result
from .chip import Route, Synapses

#: Where numbers can be too large for the chip, as NengoLoihi's warnings call it.
OVERFLOWS = ("q0", "current", "u2")


@dataclass(frozen=True)
class EmulatedOutput:
    """What one Probe saw.

    Attributes
    ----------
    last, mean : ndarray of shape (n_samples, size)
        At the last step, and averaged over the steps of the presentation.
    steps : ndarray of shape (n_samples, n_steps, size), optional
        At every step, if it was asked for.
    """

    last: np.ndarray
    mean: np.ndarray
    steps: np.ndarray | None = None


@dataclass(frozen=True)
class EmulatedRun(Result):
    """Outputs and exact counts of each sample.

    Spikes are counted when they are fired; messages, axon events and synops when they are
    delivered, one step later: what is fired at the last step of a sample is delivered
    within the next sample if the presentation is continuous, and never if it is fresh.

    Attributes
    ----------
    n_samples, n_steps : int
        Samples, and steps of each.
    dt : float
        Time step in s.
    presentation : {"fresh", "continuous"}
    outputs : mapping from nengo.Probe to EmulatedOutput
    block_names, input_names : tuple of str
        The layer that each block has neurons of, numbered where it has several blocks, and
        the layer that each of the host's inputs to the chip comes from.
    block_of, input_of : tuple of slice
        Which columns of ``spikes`` are theirs.
    spikes : ndarray of unsigned int, shape (n_samples, n_sources)
        Fired by each compartment, then by each neuron of the host that sends to the chip.
    synapses : tuple of Synapses
    axon_events, synops : ndarray of int64, shape (n_samples, n_synapses)
        Spikes that arrived at each set of synapses, and the weights that they met.
    routes : tuple of Route
    messages : ndarray of int64, shape (n_samples, n_routes)
        Spikes delivered from one block or input to one set of synapses.
    with_input, idle : ndarray of int64, shape (n_samples, n_blocks)
        Updates of compartments that a weight arrived at in that step, and of those that
        neither received one nor fired.
    chip_to_host : ndarray of int64, shape (n_samples,)
        Spikes that the host reads: one for each Connection to the host they take.
    ensembles : mapping from nengo.Ensemble to ndarray of int64
        Of each Ensemble on the chip: the sources that are its neurons, in its order.
    host_counts : mapping from nengo.Ensemble to ndarray of shape (n_samples, n_neurons)
        Of each Ensemble that runs on the host, whether it sends to the chip or not. Spiking:
        spikes fired, unsigned int, where several in one step all count, though the chip gets
        one of them. Graded: the sum over steps of ``abs(output) * dt / amplitude``, float64.
    overflows : ndarray of bool, shape (n_samples, n_blocks, 3)
        Whether numbers were too large for the chip at any step: inputs, currents, and
        currents with bias, `OVERFLOWS`.
    by_step : StepCounts, optional
        Counts of each step, if they were asked for.
    """

    n_samples: int
    n_steps: int
    dt: float
    presentation: str
    outputs: Mapping[Any, EmulatedOutput] = field(repr=False)
    block_names: tuple[str, ...] = field(repr=False)
    input_names: tuple[str, ...] = field(repr=False)
    block_of: tuple[slice, ...] = field(repr=False)
    input_of: tuple[slice, ...] = field(repr=False)
    spikes: np.ndarray = field(repr=False)
    synapses: tuple[Synapses, ...] = field(repr=False)
    axon_events: np.ndarray = field(repr=False)
    synops: np.ndarray = field(repr=False)
    routes: tuple[Route, ...] = field(repr=False)
    messages: np.ndarray = field(repr=False)
    with_input: np.ndarray = field(repr=False)
    idle: np.ndarray = field(repr=False)
    chip_to_host: np.ndarray = field(repr=False)
    ensembles: Mapping[Any, np.ndarray] = field(repr=False)
    host_counts: Mapping[Any, np.ndarray] = field(repr=False)
    overflows: np.ndarray = field(repr=False)
    by_step: StepCounts | None = field(default=None, repr=False)

    def spikes_of(self, ensemble: Any) -> np.ndarray:
        """Spikes of each neuron of an Ensemble on the chip, (n_samples, n_neurons)."""
        try:
            return self.spikes[:, self.ensembles[ensemble]]
        except KeyError:
            raise MeasurementError(
                f"{ensemble} has no compartments on the chip; those that do are "
                f"{', '.join(str(e) for e in self.ensembles)}."
            ) from None

    def block_spikes(self) -> np.ndarray:
        """Spikes fired by each block, int64, (n_samples, n_blocks)."""
        return _summed(self.spikes, self.block_of)

    def updates(self) -> np.ndarray:
        """Updates of the compartments of each block in one sample, int64, (n_blocks,)."""
        return np.array([(s.stop - s.start) * self.n_steps for s in self.block_of])

    def host_to_chip(self) -> np.ndarray:
        """Spikes fired by the neurons of each input from the host, (n_samples, n_inputs)."""
        return _summed(self.spikes, self.input_of)

    def messages_to(self) -> np.ndarray:
        """Messages delivered to each block, from the host too, (n_samples, n_blocks)."""
        found = np.zeros((self.n_samples, len(self.block_of)), dtype=np.int64)
        for route, counts in zip(self.routes, self.messages.T):
            found[:, self.synapses[route.synapses].block] += counts
        return found

    def messages_from(self) -> np.ndarray:
        """Messages of each block that were delivered, int64, (n_samples, n_blocks)."""
        found = np.zeros((self.n_samples, len(self.block_of)), dtype=np.int64)
        for route, counts in zip(self.routes, self.messages.T):
            if route.sender < len(self.block_of):  # the others come from the host
                found[:, route.sender] += counts
        return found

    def block_synops(self) -> dict[str, np.ndarray]:
        """Synaptic operations of each block by `Synapses.kind`, int64, (n_samples, n_blocks)."""
        found: dict[str, np.ndarray] = {}
        for synapses, counts in zip(self.synapses, self.synops.T):
            if synapses.kind not in found:
                shape = (self.n_samples, len(self.block_of))
                found[synapses.kind] = np.zeros(shape, dtype=np.int64)
            found[synapses.kind][:, synapses.block] += counts
        return found

    def messages_between(self) -> np.ndarray:
        """Messages of all samples from each block, then from each input, to each block.

        int64, shape (n_blocks + n_inputs, n_blocks).
        """
        n_blocks, n_inputs = len(self.block_of), len(self.input_of)
        found = np.zeros((n_blocks + n_inputs, n_blocks), dtype=np.int64)
        for route, counts in zip(self.routes, self.messages.T):
            found[route.sender, self.synapses[route.synapses].block] += counts.sum()
        return found

    def synops_by_format(self) -> dict[str, np.ndarray]:
        """Synaptic operations by the format of the synapses, int64, (n_samples,) each."""
        found: dict[str, np.ndarray] = {}
        for synapses, counts in zip(self.synapses, self.synops.T):
            found[synapses.format] = found.get(synapses.format, 0) + counts
        return found


def _summed(values: np.ndarray, parts: tuple[slice, ...]) -> np.ndarray:
    columns = [values[:, part].sum(axis=1, dtype=np.int64) for part in parts]
    return np.stack(columns, axis=1) if columns else np.zeros((len(values), 0), dtype=np.int64)
