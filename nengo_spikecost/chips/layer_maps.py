"""The layers of a network as chips for images take them: a convolution, and neurons behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.transforms import Convolution, ConvolutionTranspose, Dense, NoTransform, Sparse
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
    window_pools, whole_pools : tuple of tuple of int
        Windows of the poolings in front of it: those that are parts of an image, and whole ones.
    first : bool
        Whether values come in from outside, and no spikes.
    outside : bool
        Whether what it follows is outside the chip, be it values or spikes.
    same : bool
        Whether a convolution's image keeps its size but for the steps.
    groups : bool
        Whether a convolution has groups, and weighs no other channels.
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
    window_pools: tuple[tuple[int, ...], ...] = ()
    whole_pools: tuple[tuple[int, ...], ...] = ()
    first: bool = False
    outside: bool = False
    same: bool = True
    groups: bool = False

    @property
    def pools(self) -> tuple[tuple[int, ...], ...]:
        """Windows of all poolings in front of it, in their order: behind a whole one is a point."""
        return (*self.window_pools, *self.whole_pools)

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
    ways = {name: Way.of(pathways[0]) for name, pathways in into.items() if pathways}
    images = {name: way.image_out for name, way in ways.items()}
    within = {p.name for p in parts.neurons}
    return tuple(
        _map(name, ways[name], pathways, images.get(pathways[0].pre.name), name in biased,
             pathways[0].pre.name not in within)
        for name, pathways in into.items()
        if pathways
    )  # fmt: skip


KINDS = (
    (NoTransform, "one to one"), (Dense, "dense"), (Sparse, "sparse"),
    (Convolution, "convolution"), (ConvolutionTranspose, "transposed convolution"),
)  # fmt: skip
"""Transforms by type, and what a layer of them is called."""


@dataclass(frozen=True)
class Way:
    """The transforms on the way into a layer: poolings, and then what weighs.

    What scales every channel by a number of its own, as a normalization does, is none of them: the
    weights of the layer take it in.

    Attributes
    ----------
    pools : tuple of Convolution
    weighs : object or None
    layers : tuple
        All but poolings: more than one, if it is no single layer.
    points : Convolution, optional
        Of a separable convolution the one of single points, behind that of single channels.
    """

    pools: tuple[Any, ...]
    weighs: Any
    layers: tuple[Any, ...] = ()
    points: Any = None

    @classmethod
    def of(cls, pathway: Pathway) -> Way:
        """What a pathway passes."""
        all_of = _without_scales([c.transform for c in pathway.connections])
        own = [t for t in all_of if has_own_weights(t)] or all_of[-1:]
        weighs = own[0] if own else None
        weighing = {id(t) for t in own}
        pools = tuple(t for t in all_of if id(t) not in weighing and isinstance(t, Convolution))
        layers = tuple(t for t in all_of if not any(t is pool for pool in pools))
        if len(layers) == 2 and _is_separable(*layers):
            return cls(pools, layers[0], layers, layers[1])
        return cls(pools, weighs, layers)

    @property
    def single(self) -> bool:
        """Whether it is one layer of weights, with poolings in front."""
        return len(self.layers) < 2 or self.points is not None

    @property
    def kind(self) -> str:
        """What a layer of it is called; of several they stand one after the other."""
        if self.points is not None:
            return "separable convolution"
        return " then ".join(dict.fromkeys(map(kind_of, self.layers))) or "one to one"

    @property
    def image_out(self) -> Image | None:
        """The image that comes out; None if it is no image."""
        last = self.weighs if self.points is None else self.points
        return _image_of(last) if isinstance(last, Convolution) else None


def kind_of(transform: Any) -> str:
    """What a layer of this transform is called."""
    return next((n for t, n in KINDS if type(transform) is t), type(transform).__name__)


def _without_scales(transforms: Sequence[Any]) -> list[Any]:
    """Transforms but those that the weights of others take in."""
    passed = [t for t in transforms if not isinstance(t, NoTransform)]
    convolutions = [t for t in passed if isinstance(t, Convolution)]
    images = [image for t in convolutions for image in (t.output_shape, t.input_shape)]
    left = [t for t in passed if not (_is_scale(t) and _is_by_channel(t, images))]
    return left or passed[-1:]


def _is_scale(transform: Any) -> bool:
    """Whether every value stays where it is, times a number."""
    init = getattr(transform, "init", None)
    return isinstance(transform, Dense) and isinstance(init, np.ndarray) and init.ndim < 2


def _is_by_channel(scale: Any, images: Sequence[Any]) -> bool:
    """Whether all places of an image have the same number of each channel; without images, yes."""
    values = np.asarray(scale.init)
    if not images or values.ndim == 0 or (values == values[:1]).all():
        return True
    own = next((image for image in images if image.size == len(values)), None)
    if own is None:
        return True  # of the values behind a dense layer
    placed = values.reshape(own.shape)
    placed = placed if own.channels_last else np.moveaxis(placed, 0, -1)
    flat = placed.reshape(-1, own.n_channels)
    return bool((flat == flat[:1]).all())


def _is_separable(first: Any, second: Any) -> bool:
    """Whether two convolutions are one of single channels, and one of single points."""
    if not (isinstance(first, Convolution) and isinstance(second, Convolution)):
        return False
    points = all(size == 1 for size in second.kernel_size) and second.groups == 1
    return points and first.groups == first.input_shape.n_channels


def _image_of(convolution: Convolution) -> Image:
    shape = convolution.output_shape
    return Image(tuple(shape.spatial_shape), shape.n_channels)


def _is_whole(pool: Convolution) -> bool:
    """Whether a pooling takes a whole image at once."""
    return tuple(pool.kernel_size) == tuple(pool.input_shape.spatial_shape)


def _map(
    name: str, way: Way, pathways: Sequence[Pathway], before: Image | None, has_bias: bool,
    outside: bool,
) -> LayerMap:  # fmt: skip
    pathway = pathways[0]
    population = getattr(pathway.post, "ensemble", None)
    biases: Any = [] if population is None else _numbers(population.bias)
    has_bias = has_bias or bool(np.any(np.asarray(biases) != 0))
    windows, whole = (
        tuple(tuple(pool.kernel_size) for pool in way.pools if _is_whole(pool) == is_whole)
        for is_whole in (False, True)
    )
    sources, weighs = len({p.pre.name for p in pathways}), way.weighs
    first = isinstance(pathway.pre, Source) and pathway.pre.kind == "input"
    if way.single and isinstance(weighs, Convolution):
        last = weighs if way.points is None else way.points
        same = weighs.padding == "same" or all(size == 1 for size in weighs.kernel_size)
        return LayerMap(
            name, sources, tuple(weighs.kernel_size), tuple(weighs.strides),
            tuple(last.output_shape.spatial_shape), weighs.input_shape.n_channels,
            last.n_filters, tuple(weighs.input_shape.spatial_shape), has_bias, True,
            pathway.pre.size, windows, whole, first, outside, same,
            weighs.groups != 1 and way.points is None,
        )  # fmt: skip
    image = _image_of(way.pools[-1]) if way.pools else before
    image = image or Image((1, 1), pathway.pre.size)
    ones = (1,) * len(image.space)
    return LayerMap(
        name, sources, image.space, ones, ones, image.channels, pathway.post.size, image.space,
        has_bias, False, pathway.pre.size, windows, whole, first, outside,
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
