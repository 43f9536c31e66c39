"""The layers of a network as chips for images take them: a convolution, and neurons behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.transforms import Convolution, NoTransform
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

from ..graph.image import Image
from ..graph.pathways import Pathway, Source
from ..graph.routes import has_own_weights
from .network_parts import NetworkParts, kept


@dataclass(frozen=True)
class LayerMap:
    """What leads into a layer.

    Attributes
    ----------
    name : str
        The neurons, or the readout, that it leads to.
    sources : int
        Layers and inputs that it comes from.
    kernel, strides, space : tuple of int
        Kernel and steps along each axis; and size of what comes out. Of a dense layer behind an
        image the kernel is the image.
    channels_in, channels : int
        Before and behind.
    space_in : tuple of int
        Size of what comes in.
    has_bias : bool
        Whether neurons have a bias of their own; it takes a word a channel.
    convolves : bool
        Whether it is a convolution; a dense layer is one to an image of one pixel.
    size_in : int
        Values that go in.
    pools : tuple of tuple of int
        Windows of the poolings in front of it.
    first : bool
        Whether values come in from outside, and no spikes.
    """

    name: str
    sources: int
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    space: tuple[int, ...]
    channels_in: int
    channels: int
    space_in: tuple[int, ...]
    has_bias: bool
    convolves: bool
    size_in: int
    pools: tuple[tuple[int, ...], ...] = ()
    first: bool = False

    @property
    def kernel_words(self) -> int:
        """Words of weight memory that a core of SynSense's DYNAP-CNN takes for it."""
        return self.channels_in * 2 ** (_bits(math.prod(self.kernel)) + _bits(self.channels))

    @property
    def neuron_words(self) -> int:
        """Words of neuron memory that such a core takes for it."""
        return self.channels * 2 ** sum(_bits(size) for size in self.space)

    @property
    def bias_words(self) -> int:
        """Words of bias memory that such a core takes for it."""
        return self.channels if self.has_bias else 0


def _bits(number: int) -> int:
    """Bits of an address among so many."""
    return (number - 1).bit_length() if number > 0 else 0


@kept
def layer_maps(parts: NetworkParts) -> tuple[LayerMap, ...]:
    """All layers of a network that weigh something, in the order of their neurons."""
    into: dict[str, list[Pathway]] = {p.name: [] for p in parts.neurons}
    for pathway in (*parts.into, *parts.within, *parts.out):
        into.setdefault(pathway.post.name, []).append(pathway)
    biased = {p.post.name for p in parts.graph.pathways if p.kind == "bias"}
    ways = {name: _Way.of(pathways[0]) for name, pathways in into.items() if pathways}
    images = {name: way.image_out for name, way in ways.items()}
    return tuple(
        _map(name, ways[name], pathways, images.get(pathways[0].pre.name), name in biased)
        for name, pathways in into.items()
        if pathways
    )


@dataclass(frozen=True)
class _Way:
    """The transforms on the way into a layer: poolings, and then what weighs."""

    pools: tuple[Any, ...]
    weighs: Any
    single: bool

    @classmethod
    def of(cls, pathway: Pathway) -> _Way:
        passed = [c.transform for c in pathway.connections]
        all_of = [t for t in passed if not isinstance(t, NoTransform)]
        own = [t for t in all_of if has_own_weights(t)] or all_of[-1:]
        weighs = own[0] if own else None
        pools = tuple(t for t in all_of if t is not weighs and isinstance(t, Convolution))
        return cls(pools, weighs, len(pools) + len(own) == len(all_of) and len(own) == 1)

    @property
    def image_out(self) -> Image | None:
        """The image that comes out; None if it is no image."""
        return _image_of(self.weighs) if isinstance(self.weighs, Convolution) else None


def _image_of(convolution: Convolution) -> Image:
    shape = convolution.output_shape
    return Image(tuple(shape.spatial_shape), shape.n_channels)


def _map(
    name: str, way: _Way, pathways: Sequence[Pathway], before: Image | None, has_bias: bool
) -> LayerMap:
    pathway = pathways[0]
    population = getattr(pathway.post, "ensemble", None)
    biases: Any = [] if population is None else _numbers(population.bias)
    has_bias = has_bias or bool(np.any(np.asarray(biases) != 0))
    pools = tuple(tuple(pool.kernel_size) for pool in way.pools)
    sources, weighs = len({p.pre.name for p in pathways}), way.weighs
    first = isinstance(pathway.pre, Source) and pathway.pre.kind == "input"
    if way.single and isinstance(weighs, Convolution):
        return LayerMap(
            name, sources, tuple(weighs.kernel_size), tuple(weighs.strides),
            tuple(weighs.output_shape.spatial_shape), weighs.input_shape.n_channels,
            weighs.n_filters, tuple(weighs.input_shape.spatial_shape), has_bias, True,
            pathway.pre.size, pools, first,
        )  # fmt: skip
    image = _image_of(way.pools[-1]) if way.pools else before
    image = image or Image((1, 1), pathway.pre.size)
    ones = (1,) * len(image.space)
    return LayerMap(
        name, sources, image.space, ones, ones, image.channels, pathway.post.size, image.space,
        has_bias, False, pathway.pre.size, pools, first,
    )  # fmt: skip


def _numbers(values: Any) -> Any:
    """Values that are given, and none of those that are still to be drawn."""
    return values if isinstance(values, (np.ndarray, float, int, list, tuple)) else []


def without_core(maps: Iterable[LayerMap], cores: Sequence[Sequence[int]]) -> list[str]:
    """Layers that are left over when as many as possible have a core of their own.

    Parameters
    ----------
    maps : iterable of LayerMap
    cores : sequence of (int, int, int)
        Of each core words of weight, neuron and bias memory.
    """
    maps = list(maps)
    if not maps:
        return []
    fits = [
        [
            own.kernel_words <= kernel and own.neuron_words <= neuron and own.bias_words <= bias
            for kernel, neuron, bias in cores
        ]
        for own in maps
    ]
    taken = maximum_bipartite_matching(sparse.csr_matrix(np.array(fits, dtype=np.int8)), "column")
    return [own.name for own, core in zip(maps, taken) if core < 0]


def layer_sizes(parts: NetworkParts) -> list[tuple[int, int]]:
    """Of each layer the values that go in, from all its sources, and those that come out."""
    into: dict[str, dict[str, int]] = {}
    out: dict[str, int] = {}
    for pathway in (*parts.into, *parts.within, *parts.out):
        into.setdefault(pathway.post.name, {})[pathway.pre.name] = pathway.pre.size
        out[pathway.post.name] = pathway.post.size
    return [(sum(sizes.values()), out[name]) for name, sizes in into.items()]
