"""`to_sana_fe`: a network on its cores, with the spikes it fired, for SANA-FE.

Every block becomes a group of neurons on the core that it is placed on. A compartment is a
neuron of SANA-FE's Loihi that fires when its bias is set, so that it fires when ours fired, and
whose potential is not 0 when our voltage is not 0: that is what SANA-FE updates and charges a
neuron for, input or none. Weights are 0. Neurons of the host are SANA-FE's
inputs, which cost nothing, on cores that no block is on. So SANA-FE sees the same spikes,
and prices them with its own constants.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import check
from ...chip.limits import MAX_COMPARTMENTS
from ...errors import LoihiError
from ...options import named_arguments
from ..cores.built import Part
from ..mapping.mapping import Mapping
from .architecture import HOST, NEURONS, SYNAPSES, Constants, read_constants, sanafe
from .recording import Recording

#: Potential of a neuron whose voltage is not 0. Half of the threshold, so that it does not fire.
CHARGED = 0.25


@dataclass(frozen=True)
class SanaFeNetwork:
    """A network on SANA-FE's Loihi, and the spikes to replay.

    Attributes
    ----------
    network, architecture : sanafe.Network, sanafe.Architecture
        SANA-FE's own objects.
    constants : Constants
        What the architecture costs.
    blocks, inputs : tuple of str
        Groups of neurons of ``network``: one a block, and one a piece of the host's inputs.
    positions : ndarray of int64, shape (n_blocks,)
        Core of every block.
    n_tiles : int
        Tiles with blocks or inputs; ``n_block_tiles`` with blocks.
    spikes : ndarray of bool, shape (n_steps, n_sources)
    charged : ndarray of bool, shape (n_steps, n_compartments)
        As `Recording` has it.
    synapses : int
        Connections from neuron to neuron.
    """

    network: Any = field(repr=False)
    architecture: Any = field(repr=False)
    constants: Constants
    blocks: tuple[str, ...]
    inputs: tuple[str, ...]
    positions: np.ndarray = field(repr=False)
    n_tiles: int
    n_block_tiles: int
    spikes: np.ndarray = field(repr=False)
    charged: np.ndarray = field(repr=False)
    synapses: int


@named_arguments
def to_sana_fe(
    mapping: Mapping, recording: Recording, *, architecture: str | os.PathLike[str] | None = None
) -> SanaFeNetwork:
    """Hand a placed network and its recorded spikes to SANA-FE.

    Parameters
    ----------
    mapping : Mapping
        Where the blocks are, as `nengo_spikecost.loihi.place` returns it.
    recording : Recording
        What they did, as `record_spikes` returns it, of the same built model.
    architecture : str or path, optional
        A description of Loihi for SANA-FE. Default: the one that comes with it.

    Raises
    ------
    LoihiError
        If SANA-FE is not installed; for a network of more than one chip, a mesh other than
        the architecture's, or a recording of another model.
    """
    words = "a Mapping, as nengo_spikecost.loihi.place returns it"
    check.kind("mapping", mapping, Mapping, LoihiError, words)
    words = "a Recording, as nengo_spikecost.loihi.record_spikes returns it"
    check.kind("recording", recording, Recording, LoihiError, words)
    if architecture is not None:
        check.path("architecture", architecture, LoihiError)
    constants = read_constants(architecture)
    _check(mapping, recording, constants)
    return _Export(mapping, recording, constants).exported()


def _check(mapping: Mapping, recording: Recording, constants: Constants) -> None:
    if mapping.built.model is not recording.built.model:
        raise LoihiError(
            "The mapping and the recording are of two models, whose blocks may be in another "
            "order: pass model=recording.built.model to place()."
        )
    if mapping.n_chips > 1:
        raise LoihiError(
            f"The network is on {mapping.n_chips} chips, and SANA-FE's Loihi is one chip."
        )
    ours, theirs = ((m.width, m.height, m.cores_per_tile) for m in (mapping.mesh, constants))
    if ours != theirs:
        raise LoihiError(
            f"The mapping is on a mesh of {ours} (columns, rows, cores a tile), and "
            f"{constants.path} has {theirs}: place the network on such a Mesh."
        )


class _Export:
    """Builds SANA-FE's objects."""

    def __init__(self, mapping: Mapping, recording: Recording, constants: Constants):
        self.recording, self.constants = recording, constants
        self.built = recording.built
        self.positions = mapping.positions
        package = sanafe()
        self.architecture = package.load_arch(str(constants.path))
        self.cores = self.architecture.cores()
        self.network = package.Network()
        sizes = [len(part.neurons) for part in (*self.built.blocks, *self.built.inputs)]
        stops = np.cumsum(sizes)
        self.slices = [slice(int(e - n), int(e)) for e, n in zip(stops, sizes)]
        self.synapses = 0

    def exported(self) -> SanaFeNetwork:
        blocks = [self._block(k) for k in range(len(self.built.blocks))]
        inputs, input_of, host_cores = self._inputs()
        for k, part in enumerate(self.built.blocks):
            self._connect(part, [(blocks[k], 0, len(part.neurons))], blocks)
        self._connect_inputs(inputs, input_of, blocks)
        n_tiles, n_block_tiles = (
            len(np.unique(np.array(cores) // self.constants.cores_per_tile))
            for cores in ([*self.positions, *host_cores], self.positions)
        )
        return SanaFeNetwork(
            network=self.network, architecture=self.architecture, constants=self.constants,
            blocks=tuple(group.get_name() for group in blocks),
            inputs=tuple(group.get_name() for group in inputs),
            positions=self.positions, n_tiles=n_tiles, n_block_tiles=n_block_tiles,
            spikes=self.recording.spikes, charged=self.recording.charged, synapses=self.synapses,
        )  # fmt: skip

    def _block(self, number: int) -> Any:
        part = self.built.blocks[number]
        # a potential stays as it is set (`CHARGED`, below the threshold); a bias makes it fire
        attributes = {"threshold": 2 * CHARGED, "leak_decay": 1.0}
        group = self.network.create_neuron_group(
            f"block_{number}", len(part.neurons), model_attributes=attributes, soma_hw_name=NEURONS
        )
        bias = np.broadcast_to(part.obj.compartment.bias, len(group))
        for neuron in np.flatnonzero(bias):
            # SANA-FE updates neurons with a bias at every step
            group[int(neuron)].set_attributes(model_attributes={"force_update": True})
        group.map_to_core(self.cores[int(self.positions[number])])
        return group

    def _inputs(self) -> tuple[list[Any], list[slice], list[int]]:
        """Neurons of the host on cores without blocks, at most a core's each."""
        groups: list[Any] = []
        columns: list[slice] = []
        cores = self._free_cores()
        for sources in self.slices[len(self.built.blocks) :]:
            for first in range(sources.start, sources.stop, MAX_COMPARTMENTS):
                if len(groups) == len(cores):
                    raise LoihiError(
                        "SANA-FE needs a core of its own for every 1,024 neurons of the host, and "
                        f"the {self.constants.n_cores} of its chip are used up."
                    )
                columns.append(slice(first, min(first + MAX_COMPARTMENTS, sources.stop)))
                groups.append(self._input_group(len(groups), columns[-1], cores[len(groups)]))
        return groups, columns, cores[: len(groups)]

    def _free_cores(self) -> list[int]:
        """Cores without a block, those of tiles in use first: ending a step waits for tiles."""
        size = self.constants.cores_per_tile
        tiles = {int(p) // size for p in self.positions}
        free = sorted(set(range(self.constants.n_cores)) - set(self.positions.tolist()))
        return sorted(free, key=lambda core: core // size not in tiles)

    def _input_group(self, number: int, columns: slice, core: int) -> Any:
        spikes = self.recording.spikes[:, columns]
        group = self.network.create_neuron_group(f"host_{number}", spikes.shape[1])
        for neuron, train in zip(group, spikes.T):
            neuron.set_attributes(
                soma_hw_name=f"{HOST}[{neuron.get_id()}]",
                model_attributes={"spikes": train.tolist()},
            )
        group.map_to_core(self.cores[core])
        return group

    def _connect_inputs(self, groups: list[Any], columns: list[slice], blocks: list[Any]) -> None:
        for part, own in zip(self.built.inputs, self.slices[len(blocks) :]):
            pieces = [
                (group, piece.start - own.start, piece.stop - own.start)
                for group, piece in zip(groups, columns)
                if own.start <= piece.start < own.stop
            ]
            self._connect(part, pieces, blocks)

    def _connect(self, part: Part, pieces: list[tuple[Any, int, int]], blocks: list[Any]) -> None:
        """Every weight that a spike of a neuron meets, as NengoLoihi's blocks say."""
        number = {
            id(synapse): k for k, b in enumerate(self.built.blocks) for synapse in b.obj.synapses
        }
        for axon in part.obj.axons:
            target = blocks[number[id(axon.target)]]
            unit = SYNAPSES[self.recording.formats[id(axon.target)]]
            for neuron in target:  # the unit that connections made from now on use
                neuron.set_attributes(default_synapse_hw_name=unit)
            for group, first, last in pieces:
                pairs = list(_pairs(axon, first, last))
                if pairs:
                    group.connect_neurons_sparse(target, {"weight": [0.0] * len(pairs)}, pairs)
                self.synapses += len(pairs)


def _pairs(axon: Any, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Neuron, counted from ``first``, and compartment of every weight behind an axon group."""
    synapse = axon.target
    neurons = np.arange(first, last)
    axons, atoms = axon.map_axon(neurons), axon.map_atoms(neurons)
    for neuron, (index, atom) in enumerate(zip(np.asarray(axons), np.asarray(atoms))):
        base = synapse.axon_compartment_base(index) if index >= 0 else None
        if base is None:
            continue
        _, places = synapse.axon_weights_indices(index, atom=atom)
        yield from ((neuron, int(base + place)) for place in places)
