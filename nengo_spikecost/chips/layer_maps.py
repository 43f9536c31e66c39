"""The layers of a network as chips for images take them: a convolution, and neurons behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.transforms import Convolution, NoTransform
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

from ..graph.pathways import Pathway
from .network_parts import NetworkParts


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
        Whether it is a convolution or a dense layer, and nothing else.
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


def layer_maps(parts: NetworkParts) -> list[LayerMap]:
    """All layers of a network that weigh something, in the order of their neurons."""
    into: dict[str, list[Pathway]] = {p.name: [] for p in parts.neurons}
    for pathway in (*parts.into, *parts.within, *parts.out):
        into.setdefault(pathway.post.name, []).append(pathway)
    images = {name: _convolution(pathways[0]) for name, pathways in into.items() if pathways}
    shapes = {
        name: (tuple(made.output_shape.spatial_shape), made.n_filters)
        for name, made in images.items()
        if made is not None
    }
    biased = {p.post.name for p in parts.graph.pathways if p.kind == "bias"}
    return [_map(name, own, shapes, name in biased) for name, own in into.items() if own]


def _convolution(pathway: Pathway) -> Any:
    """The convolution that a pathway is; None if it is something else."""
    weighing = _weighing(pathway)
    return weighing[0] if len(weighing) == 1 and isinstance(weighing[0], Convolution) else None


def _weighing(pathway: Pathway) -> list[Any]:
    """The transforms of a pathway that do not pass on what comes."""
    transforms = [c.transform for c in pathway.connections]
    return [t for t in transforms if not isinstance(t, NoTransform)]


def _map(
    name: str, pathways: Sequence[Pathway], shapes: Mapping[str, Any], has_bias: bool
) -> LayerMap:
    pathway = pathways[0]
    population = getattr(pathway.post, "ensemble", None)
    biases: Any = [] if population is None else np.atleast_1d(_numbers(population.bias))
    has_bias = has_bias or any(b != 0 for b in biases)
    sources = len({p.pre.name for p in pathways})
    convolution, weighing = _convolution(pathway), _weighing(pathway)
    if convolution is not None:
        return LayerMap(
            name, sources, tuple(convolution.kernel_size), tuple(convolution.strides),
            tuple(convolution.output_shape.spatial_shape), convolution.input_shape.n_channels,
            convolution.n_filters, tuple(convolution.input_shape.spatial_shape), has_bias, True,
        )  # fmt: skip
    space, channels = shapes.get(pathway.pre.name, ((1, 1), pathway.pre.size))
    ones = (1,) * len(space)
    dense = len(weighing) == 1 and type(weighing[0]).__name__ == "Dense"
    return LayerMap(
        name, sources, space, ones, ones, channels, pathway.post.size, space, has_bias, dense
    )


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
