"""What chips for images limit of layers: kernels, steps, channels, images, and memories of cores.

See `nengo_spikecost.chips.quantities`, which has what all chips limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..graph.connection_chain import is_decoded
from ..graph.pathways import Pathway
from .layer_maps import LayerMap, Way, layer_maps, without_core
from .network_parts import NetworkParts
from .quantities import Need, in_words, largest, quantity


@quantity("layers")
def layers(parts: NetworkParts) -> Need:
    """Layers that weigh something, a readout included."""
    return Need(len(layer_maps(parts)))


@quantity("side of a kernel")
def kernel_side(parts: NetworkParts) -> Need:
    """Of a dense layer behind an image the side of the image."""
    return largest((own.name, max(own.kernel, default=1)) for own in layer_maps(parts))


@quantity("convolutions of spikes")
def convolutions(parts: NetworkParts) -> Need:
    """Kernels and steps of those behind other layers, such as ``"3x3 by 2"``."""
    return in_words((own.name, _words(own)) for own in _convolving(parts) if not own.first)


@quantity("convolutions of the input")
def first_convolutions(parts: NetworkParts) -> Need:
    """Kernels and steps of those that values from outside go into."""
    return in_words((own.name, _words(own)) for own in _convolving(parts) if own.first)


def _convolving(parts: NetworkParts) -> list[LayerMap]:
    return [own for own in layer_maps(parts) if own.convolves]


def _words(own: LayerMap) -> str:
    """Kernel and steps; one step where all are the same."""
    steps = sorted(set(own.strides)) if len(set(own.strides)) == 1 else own.strides
    return f"{'x'.join(map(str, own.kernel))} by {'x'.join(map(str, steps))}"


@quantity("steps of convolutions")
def strides(parts: NetworkParts) -> Need:
    """Their steps along an axis."""
    return in_words((own.name, str(step)) for own in _convolving(parts) for step in own.strides)


@quantity("sides of poolings")
def pools(parts: NetworkParts) -> Need:
    """Lengths of their windows along an axis, where they are not part of a convolution."""
    return in_words(
        (own.name, str(side)) for own in layer_maps(parts) for pool in own.pools for side in pool
    )


@quantity("sides of poolings of windows")
def window_pools(parts: NetworkParts) -> Need:
    """Of those that are not of a whole image."""
    return in_words(
        (own.name, str(side))
        for own in layer_maps(parts)
        for pool in own.window_pools
        for side in pool
    )


@quantity("side of a pooling of a whole image")
def whole_pools(parts: NetworkParts) -> Need:
    """Length of the longest axis of an image that becomes one value of each channel."""
    return largest((own.name, max(pool)) for own in layer_maps(parts) for pool in own.whole_pools)


@quantity("poolings in front of a dense layer")
def pools_before_dense(parts: NetworkParts) -> Need:
    """Of windows, behind a layer on the chip."""
    found = [
        own.name
        for own in layer_maps(parts)
        for _ in own.window_pools
        if not (own.convolves or own.outside)
    ]
    return Need(len(found), ", ".join(dict.fromkeys(found)))


@quantity("edges of convolutions of spikes")
def paddings(parts: NetworkParts) -> Need:
    """Whether an image keeps its size ("same"), or loses its edges ("valid")."""
    return in_words(
        (own.name, "same" if own.same else "valid") for own in _convolving(parts) if not own.first
    )


@quantity("convolutions with groups")
def grouped_convolutions(parts: NetworkParts) -> Need:
    """That weigh some channels only, as depthwise ones do, and are no part of a separable one."""
    found = [own.name for own in _convolving(parts) if own.groups]
    return Need(len(found), ", ".join(found))


@quantity("kinds of layers")
def layer_kinds(parts: NetworkParts) -> Need:
    """What joins neurons: dense, convolution, sparse, one to one, decoded, or a type's name."""
    return in_words((p.name, _kind(p)) for p in (*parts.into, *parts.within, *parts.out))


def _kind(pathway: Pathway) -> str:
    if any(is_decoded(connection) for connection in pathway.connections):
        return "decoded"
    return Way.of(pathway).kind


@quantity("channels of a layer")
def channels(parts: NetworkParts) -> Need:
    """Behind a convolution; of a dense layer its neurons."""
    return largest((own.name, own.channels) for own in layer_maps(parts))


@quantity("channels into a convolution")
def channels_in(parts: NetworkParts) -> Need:
    """Of the image in front of it."""
    return largest((own.name, own.channels_in) for own in _convolving(parts))


@quantity("values into a dense layer")
def dense_inputs(parts: NetworkParts) -> Need:
    """Of a dense layer behind an image all its values."""
    return largest((own.name, own.size_in) for own in layer_maps(parts) if not own.convolves)


@quantity("side of an image going in")
def side_in(parts: NetworkParts) -> Need:
    """Length of the longest axis in front of a layer."""
    return largest((own.name, max(own.space_in, default=1)) for own in layer_maps(parts))


@quantity("side of an image coming out")
def side_out(parts: NetworkParts) -> Need:
    """Length of the longest axis of a layer's neurons."""
    return largest((own.name, max(own.space, default=1)) for own in layer_maps(parts))


@quantity("layers that follow one")
def layer_targets(parts: NetworkParts) -> Need:
    """Layers that one layer sends spikes to, at most."""
    pairs = {(p.pre.name, p.post.name) for p in (*parts.within, *parts.out)}
    return largest(Counter(pre for pre, _ in pairs).items())


@quantity("layers that lead into one")
def layer_sources(parts: NetworkParts) -> Need:
    """Layers and inputs with weights of their own that lead into one layer, at most."""
    return largest((own.name, own.sources) for own in layer_maps(parts))


@quantity("layers without a core", of_cores=True)
def layers_without_core(parts: NetworkParts, cores: Sequence[Sequence[int]]) -> Need:
    """Left over when as many layers as possible have a core of their own."""
    left = without_core(layer_maps(parts), cores)
    return Need(len(left), ", ".join(left))
