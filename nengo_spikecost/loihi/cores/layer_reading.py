"""`read_layers`: the blocks that NengoLoihi would build of a network, described."""

from __future__ import annotations

from functools import partial
from typing import Any

import nengo
import numpy as np
import scipy.sparse

from ... import stack
from ...deadlines import check_time
from ...graph.naming import in_names, numbered, unique_names
from ..support.unsupported import chip_step, network_and_names
from .core_layers import Axons, Layer, Layers
from .population_synapses import ConvolutionSynapses
from .synapses import DenseSynapses, SparseSynapses, Synapses
from .tiling import Tiling
from .unsplit import CONVOLUTIONS, Noted, Unsplit, build_unsplit


def read_layers(network: Any, dt: float | None = None) -> Layers:
    """Read the blocks of a network, their synapses and their axons.

    Parameters
    ----------
    network : nengo.Network, Conversion, or any object with a Network as ``.net``
        It is not changed.
    dt : float, optional
        Time step in s. Default: that of the network's neurons, or 1 ms.

    Raises
    ------
    LoihiError
        If NengoLoihi can't build it.
    """
    net, layer_names = network_and_names(network)
    dt = chip_step(network, dt)
    reader = _Reader(net, build_unsplit(net, dt, network), layer_names, dt)
    return Layers(reader.read(), tuple(reader.inputs), net, network)


class _Reader:
    def __init__(self, net: nengo.Network, unsplit: Unsplit, layer_names: Any, dt: float):
        self.net, self.unsplit, self.dt = net, unsplit, dt
        self.model = unsplit.model
        names = unique_names(net, (*net.all_ensembles, *net.all_nodes), layer_names)
        self.blocks = list(self.model.blocks)
        self.number = {block: k for k, block in enumerate(self.blocks)}
        own = ((self.model.objs.get(e, {}).get("in"), e) for e in net.all_ensembles)
        self.ensembles = {_only(block): e for block, e in own if block is not None}
        self.names = numbered({
            block: names[self.ensembles[block]]
            if block in self.ensembles
            else f"decoding {in_names(str(block.label), names)}"
            for block in self.blocks
        })  # fmt: skip
        self.host_names = names
        self.synapses: dict[Any, list[Synapses]] = {block: [] for block in self.blocks}
        self.outputs: dict[Any, list[Axons]] = {block: [] for block in self.blocks}
        self.inputs: list[Axons] = []
        self.built: dict[Any, tuple[Synapses, Any]] = {}
        self.shapes: dict[Any, tuple[int, ...]] = {}

    def read(self) -> tuple[Layer, ...]:
        for block in self.blocks:
            check_time()
            self._read_built(block)
        for noted in self.unsplit.noted:
            check_time()
            self._read_noted(noted)
        self._read_built_axons()
        shapes = self.unsplit.block_shapes.items()
        given = {block: Tiling.of(shape) for block, shape in shapes if shape is not None}
        return tuple(
            Layer(
                self.names[block], self.ensembles.get(block), block.n_neurons,
                self.shapes.get(block, (block.n_neurons,)), given.get(block),
                tuple(self.synapses[block]), tuple(self.outputs[block]), block.compartment,
            )
            for block in self.blocks
        )  # fmt: skip

    # ------------------------------------------------------------ noted

    def _read_noted(self, noted: Noted) -> None:
        conn = noted.connection
        on_chip = noted.source in self.number
        positions = np.arange(noted.n_source)
        sliced = positions[conn.pre_slice] if on_chip else positions
        axon_of = np.full(noted.n_source, -1)
        atom_of = None
        synapses: Synapses
        if isinstance(conn.transform, CONVOLUTIONS):
            kernel = partial(self._kernel, noted)
            synapses = ConvolutionSynapses(conn.transform, noted.pop_type, kernel)
            pixels, channels = _pixels_and_channels(synapses)
            axon_of[sliced] = pixels
            atom_of = np.zeros(noted.n_source, dtype=np.int64)
            atom_of[sliced] = channels
            n_unsplit = synapses.n_axons
            # Connections into a block tell its shape better than those out of it
            self.shapes[noted.target] = synapses.output_shape
            if on_chip and len(sliced) == noted.n_source:
                self.shapes.setdefault(noted.source, synapses.input_shape)
        else:
            synapses = self._matrix(noted)
            axon_of[sliced] = np.arange(len(sliced))
            n_unsplit = noted.n_source
        self.synapses[noted.target].append(synapses)
        ensemble = conn.pre_obj.ensemble
        source, target = self.number.get(noted.source, -1), self.number[noted.target]
        name = self.host_names.get(ensemble, str(ensemble))
        axons = Axons(source, target, name, synapses, axon_of, atom_of, n_unsplit, ensemble, conn)
        (self.outputs[noted.source] if on_chip else self.inputs).append(axons)

    def _matrix(self, noted: Noted) -> Synapses:
        """Synapses of a Connection that is no convolution."""
        transform = noted.connection.transform
        shape = (noted.connection.size_in, noted.target.n_neurons)
        if isinstance(transform, nengo.Dense) and len(transform.init_shape) == 2:
            return DenseSynapses(*shape, partial(self._dense_weights, noted))
        return SparseSynapses(self._weights(noted))

    def _dense_weights(self, noted: Noted, targets: np.ndarray) -> np.ndarray:
        return np.asarray(self._weights(noted, targets), dtype=np.float32)

    def _weights(self, noted: Noted, targets: np.ndarray | None = None) -> Any:
        """Weights (axons, neurons) as NengoLoihi computes them before it rounds them."""
        loihi, conn = stack.nengo_loihi(), noted.connection
        scale = loihi.builder.sparse_matrix.scale_matrix
        weights = loihi.compat.sample_transform(conn, rng=self._rng(conn))
        gain = self._gain(conn)
        if targets is not None:
            weights, gain = weights[targets], gain[targets]
        else:
            expand = loihi.builder.sparse_matrix.expand_matrix
            weights = expand(weights, shape=(conn.post.size_in, conn.pre.size_out))
        weights = scale(weights, 1.0 / self.dt)
        neuron_type = conn.pre_obj.ensemble.neuron_type
        if hasattr(neuron_type, "amplitude"):
            weights = scale(weights, neuron_type.amplitude)
        weights = weights.astype(nengo.rc.float_dtype)
        return scale(weights.T, gain)

    def _kernel(self, noted: Noted) -> np.ndarray:
        """The kernel as NengoLoihi computes it before it rounds it."""
        conn = noted.connection
        kernel = conn.transform.sample(rng=self._rng(conn)) / self.dt
        neuron_type = conn.pre_obj.ensemble.neuron_type
        if hasattr(neuron_type, "amplitude"):
            kernel = kernel * neuron_type.amplitude
        kernel = (kernel * self._gain(conn)[0]).astype(nengo.rc.float_dtype)
        return kernel.astype(np.float32)

    def _rng(self, conn: Any) -> np.random.RandomState:
        return np.random.RandomState(self.model.seeds[conn])

    def _gain(self, conn: Any) -> np.ndarray:
        return self.model.params[conn.post_obj.ensemble].gain

    # ------------------------------------------------------------ built by NengoLoihi

    def _read_built(self, block: Any) -> None:
        """Synapses that NengoLoihi made: decoders, encoders, full weights."""
        for synapse in block.synapses:
            described = _matrix_synapses(synapse, block.n_neurons)
            described.learning = bool(synapse.learning)
            self.built[synapse] = (described, block)
            self.synapses[block].append(described)

    def _read_built_axons(self) -> None:
        sources = [(block, block.n_neurons, self.names[block]) for block in self.blocks]
        sources += [(i, i.n_neurons, str(i.label)) for i in self.model.inputs]
        for source, n_neurons, name in sources:
            for axon in source.axons:
                synapses, target = self.built[axon.target]
                axon_of = np.asarray(axon.map_axon(np.arange(n_neurons)), dtype=np.int64)
                number, n_axons = self.number.get(source, -1), int(axon.n_axons)
                ends, ensemble = (number, self.number[target], name), self.ensembles.get(source)
                axons = Axons(*ends, synapses, axon_of, None, n_axons, ensemble)
                (self.outputs[source] if number >= 0 else self.inputs).append(axons)


def _only(block: Any) -> Any:
    return block[0] if isinstance(block, list) else block


def _pixels_and_channels(synapses: ConvolutionSynapses) -> tuple[np.ndarray, np.ndarray]:
    number = np.arange(synapses.n_axons * synapses.n_channels)
    if synapses.channels_last:
        return np.divmod(number, synapses.n_channels)
    channel, pixel = np.divmod(number, synapses.n_axons)
    return pixel, channel


def _matrix_synapses(synapse: Any, n_targets: int) -> Synapses:
    """A synapse of NengoLoihi, which is dense if every row reaches every neuron."""
    if all(w.shape == (1, n_targets) for w in synapse.weights):
        rows = list(synapse.weights)
        return DenseSynapses(synapse.n_axons, n_targets, lambda own: np.concatenate(rows)[:, own])
    lengths = [w.shape[1] for w in synapse.weights]
    values = np.concatenate([w[0] for w in synapse.weights])
    columns = np.concatenate([i[0] for i in synapse.indices])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    shape = (synapse.n_axons, n_targets)
    return SparseSynapses(scipy.sparse.csr_matrix((values, columns, starts), shape=shape))
