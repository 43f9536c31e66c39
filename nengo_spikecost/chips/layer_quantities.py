"""What chips for images limit of layers: kernels, steps, channels, images, and memories of cores.

See `nengo_spikecost.chips.quantities`, which has what all chips limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .layer_maps import layer_maps, without_core
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


@quantity("kernels of convolutions")
def kernels(parts: NetworkParts) -> Need:
    """Their shapes, such as 3x3."""
    return _shapes((own.name, own.kernel) for own in layer_maps(parts) if _is_image(own.space_in))


@quantity("steps of convolutions")
def strides(parts: NetworkParts) -> Need:
    """Their steps along each axis, such as 2x2."""
    return _shapes((own.name, own.strides) for own in layer_maps(parts) if _is_image(own.space_in))


@quantity("channels of a layer")
def channels(parts: NetworkParts) -> Need:
    """Behind a convolution; of a dense layer its neurons."""
    return largest((own.name, own.channels) for own in layer_maps(parts))


@quantity("channels into a layer")
def channels_in(parts: NetworkParts) -> Need:
    """In front of a convolution; of a dense layer what it reads."""
    return largest((own.name, own.channels_in) for own in layer_maps(parts))


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


@quantity("layers that no core has room for", of_cores=True)
def layers_without_core(parts: NetworkParts, cores: Sequence[Sequence[int]]) -> Need:
    """Left over when as many layers as possible have a core of their own."""
    left = without_core(layer_maps(parts), cores)
    return Need(len(left), ", ".join(left))


def _is_image(space: Sequence[int]) -> bool:
    return max(space, default=1) > 1


def _shapes(shapes: Iterable[tuple[str, Sequence[int]]]) -> Need:
    return in_words((name, "x".join(map(str, shape))) for name, shape in shapes)
