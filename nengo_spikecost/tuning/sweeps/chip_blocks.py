"""Block shapes of a network, for all networks that are converted alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ...errors import EmulationWarning
from ...warned import warn


@dataclass(frozen=True)
class LayerBlocks:
    """How the neurons of one Ensemble are cut into blocks.

    Attributes
    ----------
    name : str
        The layer.
    ensemble : int
        Place of the Ensemble in the network.
    tile, full : tuple of int
        Shapes of a block and of the layer: rows, columns and channels, in their order.
    """

    name: str
    ensemble: int
    tile: tuple[int, ...]
    full: tuple[int, ...]


@dataclass(frozen=True)
class ChipBlocks:
    """The block shapes that all settings of a sweep are run with.

    A core holds so many neurons, synapses and axons, whatever the weights are. Scales change
    weights and biases only, so that one search of shapes serves for all.

    Attributes
    ----------
    layers : tuple of LayerBlocks
        Of each Ensemble on the chip.
    pop_types : tuple of (int, int)
        Of each convolution: the place of its Connection in the network, and its axon type.
    n_cores : int
        Cores of all blocks.
    """

    layers: tuple[LayerBlocks, ...]
    pop_types: tuple[tuple[int, int], ...] = field(repr=False)
    n_cores: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of the blocks of each layer, as `nengo_spikecost.loihi.deploy` takes them."""
        return {layer.name: layer.tile for layer in self.layers}

    def on(self, conversion: Any) -> AppliedBlocks:
        """These shapes for a network that is converted alike."""
        return AppliedBlocks(self, conversion)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def of_dict(cls, values: Mapping[str, Any]) -> ChipBlocks:
        """From what `to_dict` gave, by way of JSON or not."""
        layers = tuple(LayerBlocks(v["name"], v["ensemble"], tuple(v["tile"]), tuple(v["full"]))
                       for v in values["layers"])  # fmt: skip
        pop_types = _pairs(values["pop_types"])
        return cls(layers, pop_types, int(values["n_cores"]))


class AppliedBlocks:
    """Block shapes for one network, in the place of a BlockFit.

    Parameters
    ----------
    blocks : ChipBlocks
    conversion : Conversion
        Converted as the network that they were found for.
    """

    def __init__(self, blocks: ChipBlocks, conversion: Any):
        self.given, self.network = conversion, conversion.net
        self._blocks = blocks
        ensembles = self.network.all_ensembles
        self._tilings = {ensembles[layer.ensemble]: layer for layer in blocks.layers}

    @property
    def shapes(self) -> dict[Any, Any]:
        """A nengo_loihi.BlockShape for each Ensemble on the chip."""
        from ... import stack

        shape = stack.nengo_loihi().BlockShape
        return {ensemble: shape(own.tile, own.full) for ensemble, own in self._tilings.items()}

    def apply(self) -> None:
        """Write shapes and axon types into the network's config."""
        from ...loihi.blocks.block_fit import write_blocks

        connections = self.network.all_connections
        pop_types = {connections[number]: kind for number, kind in self._blocks.pop_types}
        write_blocks(self.network, self.shapes, pop_types)


def found_blocks(conversion: Any, dt: float) -> ChipBlocks:
    """Block shapes with the fewest cores.

    Raises
    ------
    LoihiError
        If NengoLoihi can't run the network, or a layer fits at no shape.
    """
    from ...loihi import fit_blocks, raise_unsupported

    raise_unsupported(conversion, dt=dt)
    fit = fit_blocks(conversion, dt=dt, progress=False).unless_interrupted()
    ensembles = list(fit.network.all_ensembles)
    connections = list(fit.network.all_connections)
    layers = tuple(
        LayerBlocks(
            layer.name, ensembles.index(layer.use.ensemble), tuple(map(int, layer.use.tiling.tile)),
            tuple(map(int, layer.use.tiling.full)),
        )
        for layer in fit.layers
        if layer.use.ensemble is not None
    )  # fmt: skip
    pop_types = _pairs((connections.index(c), kind) for c, kind in fit.pop_types.items())
    return ChipBlocks(layers, pop_types, int(fit.n_cores))


def warn_of_short_times(conversion: Any, times: Sequence[int]) -> None:
    """Say at which presentation times nothing of an image can reach the output of the chip."""
    from ...loihi import first_steps

    found = first_steps(conversion)
    short = [n for n in times if found.too_late(n)]
    if short:
        first = max(step for step in found.outputs.values() if step is not None)
        words = (
            f"n_steps={', '.join(map(str, short))}: nothing of an image reaches the output by "
            f"then. On the chip a spike of the input can be read from step {first} on."
        )
        warn(words, EmulationWarning)


def _pairs(values: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(first), int(second)) for first, second in values)
