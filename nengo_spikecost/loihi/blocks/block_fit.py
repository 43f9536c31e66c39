"""`BlockFit`: block shapes for a network, their cost, and how to use them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import nengo

from ... import stack
from ...errors import LoihiError
from ...layout import Result
from ..cores.building import building
from ..cores.network_use import LayerUse, NetworkUse
from ..support.unsupported import chip_step, network_and_names


def write_blocks(
    network: nengo.Network, shapes: Mapping[Any, Any], pop_types: Mapping[Any, int]
) -> None:
    """Write block shapes by Ensemble and axon types by Connection into a network's config."""
    stack.nengo_loihi().add_params(network)
    for ensemble, shape in shapes.items():
        network.config[ensemble].block_shape = shape
    for connection, pop_type in pop_types.items():
        network.config[connection].pop_type = pop_type


def block_shapes(use: NetworkUse) -> dict[Any, Any]:
    """A nengo_loihi.BlockShape for each Ensemble on the chip."""
    shape, layers = stack.nengo_loihi().BlockShape, use.layers
    known = [layer for layer in layers if layer.ensemble is not None]
    return {layer.ensemble: shape(layer.tiling.tile, layer.tiling.full) for layer in known}


@dataclass(frozen=True)
class LayerFit:
    """One layer of a fit.

    Attributes
    ----------
    use : LayerUse
        Its tiling, and the use of each of its blocks.
    load_ns : float
        Modelled time of a step on its busiest core in ns (see `tile_choices`).
    """

    use: LayerUse
    load_ns: float

    @property
    def name(self) -> str:
        """The layer, or the object's name in its network."""
        return self.use.name


@dataclass(frozen=True)
class Verification:
    """A fit compared with the blocks that NengoLoihi really builds.

    Attributes
    ----------
    n_blocks : int
        Blocks that were compared.
    differences : tuple of str
        Empty if every block is as predicted.
    seconds : float
        Time that NengoLoihi took to build.
    """

    n_blocks: int
    differences: tuple[str, ...]
    seconds: float

    def __bool__(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        said = "all as predicted" if self else "; ".join(self.differences)
        return f"{self.n_blocks} blocks built by NengoLoihi in {self.seconds:.1f} s: {said}"


@dataclass(frozen=True)
class BlockFit(Result):
    """Block shapes with which a network fits on Loihi.

    Shapes change what the network computes, a little: NengoLoihi rounds weights, biases and
    thresholds block by block. Measure again what you report.

    Attributes
    ----------
    layers : tuple of LayerFit
    pop_types : mapping from nengo.Connection to int
        Axon type of each convolution.
    objective : str
    lower_bound : int
        No block shapes of these layers take fewer cores.
    host_messages, chip_messages : float
        Spikes per step that the host sends to blocks, and blocks to blocks.
    cores_per_chip : int
    rates_known : bool
        Whether spikes were given; if not, every neuron is taken to fire at 100 Hz.
    reordered : bool
        Whether it is for the network with its channels in another order than it has; then it
        can't be applied.
    ended : {"complete", "time", "interrupt"}
        Why the search ended: it was done, its time was over, or Ctrl-C. Then the shapes fit, and
        there may be better ones.
    seconds : float
        Time that the search took.
    network : nengo.Network
        The network that the shapes are for.
    given : nengo.Network or Conversion
        The same, or the Conversion that knows the names of its layers and inputs.
    files : tuple of (str, str)
        Names of model and data in the commands that the verdict suggests.
    json_file : str
        Where it is written, in these commands.
    typed : str
        The command that made it, if one did.
    """

    layers: tuple[LayerFit, ...]
    pop_types: dict[Any, int] = field(repr=False)
    objective: str
    lower_bound: int
    host_messages: float
    chip_messages: float
    cores_per_chip: int
    rates_known: bool
    reordered: bool
    ended: str
    seconds: float = field(compare=False)
    network: nengo.Network = field(repr=False, compare=False)
    given: Any = field(repr=False, compare=False)
    search: Any = field(repr=False, compare=False)
    files: tuple[str, str] = field(default=("MODEL", "DATA"), repr=False, compare=False)
    json_file: str = field(default="fit.json", repr=False, compare=False)
    typed: str = field(default="", repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Without what NengoLoihi built for the search, which can't be pickled."""
        return {**vars(self), "search": None}

    @property
    def use(self) -> NetworkUse:
        """The use of every block."""
        return NetworkUse(tuple(layer.use for layer in self.layers))

    @property
    def shapes(self) -> dict[Any, Any]:
        """A nengo_loihi.BlockShape for each Ensemble on the chip."""
        return block_shapes(self.use)

    @property
    def n_cores(self) -> int:
        """Cores of all blocks."""
        return self.use.n_cores

    @property
    def n_chips(self) -> int:
        """Fewest chips that hold all cores."""
        return -(-self.n_cores // self.cores_per_chip)

    @property
    def is_optimal(self) -> bool:
        """Whether fewer cores are impossible."""
        return self.n_cores <= self.lower_bound

    @property
    def busiest_ns(self) -> float:
        """Modelled time of a step on the busiest core in ns."""
        return max((layer.load_ns for layer in self.layers), default=0.0)

    # ------------------------------------------------------------ using it

    def unless_interrupted(self) -> BlockFit:
        """This fit; what needs it, and would go on with it, ends with Ctrl-C as the search did.

        Raises
        ------
        KeyboardInterrupt
            If the search was interrupted.
        """
        if self.ended == "interrupt":
            raise KeyboardInterrupt
        return self

    def apply(self, network: Any = None) -> None:
        """Write the shapes and axon types into a network's config.

        Parameters
        ----------
        network : nengo.Network or Conversion, optional
            The network that was fitted, which is the default.

        Raises
        ------
        LoihiError
            If it is another one, or its channels are in another order.
        """
        self._require_same_order()
        net = self.network if network is None else network_and_names(network)[0]
        if not self.shapes.keys() <= {*net.all_ensembles}:
            raise LoihiError("These block shapes were found for another network: fit this one.")
        write_blocks(net, self.shapes, self.pop_types)

    def verify(self, dt: float | None = None) -> Verification:
        """Build the network once with NengoLoihi, and compare its blocks; nothing is changed.

        Parameters
        ----------
        dt : float, optional
            Length of a step in s. Default: that of the network's neurons, or 1 ms.

        Raises
        ------
        LoihiError
            If NengoLoihi can't build it.
        """
        dt = chip_step(self.given, dt)
        self._require_same_order()
        loihi = stack.nengo_loihi()
        model = loihi.builder.Model(dt=dt)
        started = time.monotonic()
        with building(self.network, named=self.given, dt=dt):
            self.apply()
            model.build(self.network)
        seconds = time.monotonic() - started
        return Verification(len(model.blocks), tuple(self._differences(model)), seconds)

    def _require_same_order(self) -> None:
        if self.reordered:
            raise LoihiError(
                "These block shapes are for images with their channels in the other order. Build "
                "the network so (channels_last of its convolutions, and of the shapes they read), "
                "and fit that one."
            )

    def _differences(self, model: Any) -> Iterator[str]:
        others = set(model.blocks)
        decoding = []
        for layer in self.layers:
            predicted = [tuple(n for _, n, _ in block.limits) for block in layer.use.blocks]
            if layer.use.ensemble is None:
                decoding += predicted
                continue
            blocks = model.objs[layer.use.ensemble]["in"]
            blocks = blocks if isinstance(blocks, list) else [blocks]
            others -= set(blocks)
            if [_built(block) for block in blocks] != predicted:
                yield f"{layer.name} is built otherwise"
        if sorted(decoding) != sorted(_built(block) for block in others):
            yield "decoding neurons are built otherwise"

    def pareto(self) -> tuple[BlockFit, ...]:
        """Fits of which none is worse than another in cores, busiest core and messages.

        Raises
        ------
        LoihiError
            If the fit was read from a pickle, which does not hold the search.
        """
        if self.search is None:
            raise LoihiError("This fit was pickled, which leaves its search out: fit_blocks again.")
        return self.search.pareto()

    def code(self, network: str = "net") -> str:
        """Python that applies this fit to the network of that name, built the same way.

        Parameters
        ----------
        network : str
            The name that the network has in that code.

        Raises
        ------
        LoihiError
            If the shapes are for images with their channels in the other order.
        """
        self._require_same_order()
        ensembles = list(self.network.all_ensembles)
        connections = list(self.network.all_connections)
        lines = ["import nengo_loihi", "", f"nengo_loihi.add_params({network})"]
        lines += [f"ensembles = {network}.all_ensembles"]
        for use in [use for use in self.use.layers if use.ensemble is not None]:
            lines += [
                f"{network}.config[ensembles[{ensembles.index(use.ensemble)}]].block_shape = "
                f"nengo_loihi.BlockShape({use.tiling.tile}, {use.tiling.full})  # {use.name}"
            ]
        if self.pop_types:
            lines += [f"connections = {network}.all_connections"]
        for conn, pop_type in self.pop_types.items():
            number = connections.index(conn)
            lines += [f"{network}.config[connections[{number}]].pop_type = {pop_type}"]
        return "\n".join(lines) + "\n"


def _built(block: Any) -> tuple[int, ...]:
    return tuple(int(used) for used, _ in block.utilization().values())
