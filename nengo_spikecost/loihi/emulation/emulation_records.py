"""An emulated run: outputs, and exact counts of each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...chip.chip_activity import ChipActivity, StepCounts
from ...errors import MeasurementError
from ...layout import Result
from .chip import Route, Synapses

#: Where numbers can be too large for the chip, as NengoLoihi's warnings call it.
OVERFLOWS = ("q0", "current", "u2")


@dataclass(frozen=True)
class EmulatedOutput:
    """The values of one Probe.

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
    delivered, one step later. A spike of the last step of a sample is delivered within the next
    sample if the presentation is continuous, and never if it is fresh.

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
    with_input, active : ndarray of int64, shape (n_samples, n_blocks)
        Updates of compartments that a weight arrived at in that step; and active updates: of
        those, and of compartments whose current, voltage or bias is not 0 when the step begins.
        All others are idle: nothing in them changes.
    biased : ndarray of int64, shape (n_blocks,)
        Compartments with a bias, whose updates are all active.
    chip_to_host : ndarray of int64, shape (n_samples,)
        Spikes that the host reads, one for each Connection to the host that they take.
    ensembles : mapping from nengo.Ensemble to ndarray of int64
        Of each Ensemble on the chip: the sources that are its neurons, in its order.
    host_counts : mapping from nengo.Ensemble to ndarray of shape (n_samples, n_neurons)
        Of each Ensemble that runs on the host, whether it sends to the chip or not. Spiking:
        spikes fired, unsigned int, where several in one step all count, though the chip gets
        one of them. Graded: the sum over steps of ``abs(output) * dt / amplitude``, float64.
    overflows : ndarray of bool, shape (n_samples, n_blocks, 3)
        Whether numbers were too large for the chip at any step: inputs, currents, and
        currents with bias (`OVERFLOWS`).
    unsent : ndarray of int64, shape (n_samples, n_inputs)
        Spikes that neurons of the host fired beside another one in the same step: the chip
        gets one of them.
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
    active: np.ndarray = field(repr=False)
    biased: np.ndarray = field(repr=False)
    chip_to_host: np.ndarray = field(repr=False)
    ensembles: Mapping[Any, np.ndarray] = field(repr=False)
    host_counts: Mapping[Any, np.ndarray] = field(repr=False)
    overflows: np.ndarray = field(repr=False)
    unsent: np.ndarray = field(repr=False)
    by_step: StepCounts | None = field(default=None, repr=False)

    def spikes_of(self, ensemble: Any) -> np.ndarray:
        """Spikes of each neuron of an Ensemble on the chip, (n_samples, n_neurons).

        Parameters
        ----------
        ensemble : nengo.Ensemble

        Raises
        ------
        MeasurementError
            If it has no compartments on the chip.
        """
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
        """Spikes that each input of the host sends, (n_samples, n_inputs).

        Those that reach no weight, as of pixels at a border that no stride gets to, have no axon
        and are not sent.
        """
        sent = np.zeros((self.n_samples, len(self.input_of)), dtype=np.int64)
        for number, part in enumerate(self.input_of):
            reaches = np.zeros(part.stop - part.start, dtype=bool)
            for route in self.routes:
                if route.sender == len(self.block_of) + number:
                    reaches |= route.messages > 0
            sent[:, number] = self.spikes[:, part][:, reaches].sum(axis=1, dtype=np.int64)
        return sent

    def messages_to(self) -> np.ndarray:
        """Messages delivered to each block, from the host too, int64, (n_samples, n_blocks)."""
        return self._by_block(self.messages, self._receivers())

    def messages_from(self) -> np.ndarray:
        """Messages of each block that were delivered, int64, (n_samples, n_blocks)."""
        # inputs from the host have the numbers after those of the blocks, and are left out
        return self._by_block(self.messages, [route.sender for route in self.routes])

    def messages_between(self) -> np.ndarray:
        """Messages of all samples from each block, then from each input, to each block.

        int64, shape (n_blocks + n_inputs, n_blocks).
        """
        n_blocks, n_inputs = len(self.block_of), len(self.input_of)
        between = np.zeros((n_blocks + n_inputs, n_blocks), dtype=np.int64)
        for route, receiver, n in zip(self.routes, self._receivers(), self.messages.sum(axis=0)):
            between[route.sender, receiver] += n
        return between

    def block_synops(self) -> dict[str, np.ndarray]:
        """Synaptic operations of each block by `Synapses.kind`, int64, (n_samples, n_blocks)."""
        return {
            kind: self._by_block(self.synops[:, own], [self.synapses[k].block for k in own])
            for kind, own in self._numbers("kind").items()
        }

    def synops_by_format(self) -> dict[str, np.ndarray]:
        """Synaptic operations by the format of the synapses, int64, (n_samples,) each."""
        return {f: self.synops[:, own].sum(axis=1) for f, own in self._numbers("format").items()}

    def chip_activity(
        self, cores: tuple[str, ...], layers: tuple[str, ...], inputs: tuple[str, ...]
    ) -> ChipActivity:
        """The counts of each core, under these names of cores, their layers, and inputs."""
        compartments = np.array([s.stop - s.start for s in self.block_of], dtype=np.int64)
        host_to_chip = self.host_to_chip().sum(axis=1, dtype=np.int64)
        return ChipActivity(
            cores, layers, inputs, compartments, self.biased, self.block_spikes(),
            self.with_input, self.active, self.block_synops(), self.messages_to(),
            self.messages_from(),
            self.messages_between(), host_to_chip, self.chip_to_host, self.by_step,
        )  # fmt: skip

    def _numbers(self, attribute: str) -> dict[str, list[int]]:
        """Numbers of the sets of synapses, by one of their attributes."""
        numbers: dict[str, list[int]] = {}
        for k, synapses in enumerate(self.synapses):
            numbers.setdefault(getattr(synapses, attribute), []).append(k)
        return numbers

    def _receivers(self) -> list[int]:
        return [self.synapses[route.synapses].block for route in self.routes]

    def _by_block(self, counts: np.ndarray, blocks: Sequence[int]) -> np.ndarray:
        return added_up(counts, blocks, len(self.block_of))


def added_up(counts: np.ndarray, where: Sequence[int], size: int) -> np.ndarray:
    """Columns of counts (n, k) added up into ``size`` others, int64 (n, size).

    ``where`` says for each column which one it is added to; beyond ``size``, to none.
    """
    sums = np.zeros((len(counts), size), dtype=np.int64)
    for number, column in zip(where, counts.T):
        if number < size:
            sums[:, number] += column
    return sums


def _summed(values: np.ndarray, parts: tuple[slice, ...]) -> np.ndarray:
    columns = [values[:, part].sum(axis=1, dtype=np.int64) for part in parts]
    return np.stack(columns, axis=1) if columns else np.zeros((len(values), 0), dtype=np.int64)
