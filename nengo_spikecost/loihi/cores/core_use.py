"""`core_use`: how full each core gets with any block shapes, without a build for each.

The prediction is exact: every block of it equals one of NengoLoihi's build in compartments,
input axons, output axons and synapse bits (held by tests over random networks).

Reference: nengo-loihi 1.1.0, builder/split_blocks.py, block.py (``utilization``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import check
from ...errors import LoihiError
from ...options import named_arguments
from ...words import counted
from .core_layers import Layer, Layers
from .layer_reading import read_layers
from .network_use import LayerUse, NetworkUse
from .tiling import Tiling


@named_arguments
def core_use(
    network: Any, shapes: Mapping[Any, Any] | None = None, *, dt: float | None = None
) -> NetworkUse:
    """Predict the resources that every block of a network uses of its core.

    Parameters
    ----------
    network : nengo.Network, Conversion, Layers, or any object with a Network as ``.net``
        It is not changed. `read_layers` gives `Layers`, which can be asked again for other
        shapes without the network being read anew.
    shapes : mapping from nengo.Ensemble to BlockShape or tuple of int, optional
        For Ensembles that are not in it, the BlockShape of the network's config is taken,
        and where there is none either, NengoLoihi's own split. A tuple is the shape of the
        blocks, over the layer's rows, columns and channels in their order.
    dt : float, optional
        Time step in s. Default: that of the network's neurons, or 1 ms.

    Returns
    -------
    NetworkUse

    Raises
    ------
    LoihiError
        If NengoLoihi can't build the network, or a shape does not suit its Ensemble.
    """
    layers = network if isinstance(network, Layers) else read_layers(network, dt)
    return use_of(layers, tilings_of(layers, {} if shapes is None else shapes))


def tilings_of(layers: Layers, shapes: Mapping[Any, Any]) -> tuple[Tiling, ...]:
    """How each layer is cut by these shapes, the network's config, or by default."""
    words = "a mapping from Ensembles to their block shapes"
    check.kind("shapes", shapes, Mapping, LoihiError, words)
    known = [layer.ensemble for layer in layers.layers if layer.ensemble is not None]
    for ensemble in shapes:
        if not any(ensemble is own for own in known):
            raise LoihiError(
                f"A block shape is given for {ensemble}, which is no Ensemble on the chip."
            )
    return tuple(_tiling(layer, shapes) for layer in layers.layers)


def _tiling(layer: Layer, shapes: Mapping[Any, Any]) -> Tiling:
    shape = None if layer.ensemble is None else shapes.get(layer.ensemble)
    if shape is None:
        return layer.given or layer.default_tiling()
    try:
        if isinstance(shape, Tiling):
            tiling = shape
        elif hasattr(shape, "ensemble_shape"):
            tiling = Tiling.of(shape)
        else:
            words = "whole numbers, the sides of a block, or a nengo_loihi.BlockShape"
            name = f"The block shape of {layer.name}"
            tile = tuple(check.several(name, shape, LoihiError, words))
            if not all(map(check.is_whole, tile)):
                raise LoihiError(f"{name} must be {words}, not {check.shown(shape)}.")
            flat = len(tile) != len(layer.shape)
            tiling = Tiling((layer.n_neurons,) if flat else layer.shape, tile)
    except ValueError as err:
        raise LoihiError(f"{layer.name}: {err}") from err
    if tiling.n_neurons != layer.n_neurons:
        raise LoihiError(
            f"{layer.name} has {counted(layer.n_neurons, 'neuron')}, and its block shape is over "
            f"{tiling.full}."
        )
    return tiling


def use_of(layers: Layers, tilings: tuple[Tiling, ...]) -> NetworkUse:
    """The use of all layers, each cut as given.

    Parameters
    ----------
    layers : Layers
    tilings : tuple of Tiling
        In the order of the layers.
    """
    return NetworkUse(
        tuple(_layer_use(layer, tiling, tilings) for layer, tiling in zip(layers.layers, tilings))
    )


def _layer_use(layer: Layer, tiling: Tiling, tilings: tuple[Tiling, ...]) -> LayerUse:
    axons, bits, output = np.zeros((3, tiling.n_tiles), dtype=np.int64)
    for synapses in layer.synapses:
        used = synapses.use(tiling)
        axons += used.axons
        bits += used.bits
    for out in layer.outputs:
        output += out.output_slots(tiling, tilings[out.target])
    allowed = all(synapses.bases_allowed(tiling) for synapses in layer.synapses)
    return LayerUse(layer.name, layer.ensemble, tiling, tiling.sizes, axons, output, bits, allowed)
