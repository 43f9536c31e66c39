"""The same network with the channels of its images first, or last.

The order of a layer's neurons decides how far apart the targets of an axon are, and so how
many sets of weights pixels can share. It can't be set in a config: the network has to be
built so (``channels_last`` of its convolutions, and the order of weights between images and
vectors). How much it would save can be computed beforehand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ... import check
from ...errors import LoihiError
from ..cores.core_layers import Axons, Layer, Layers
from ..cores.population_synapses import ConvolutionSynapses
from ..cores.synapses import Synapses
from ..cores.tiling import Tiling

ORDERS = ("last", "first")


def in_channel_order(layers: Layers, order: str) -> tuple[Layers, bool]:
    """The layers as if the channels of all images were first, or last.

    Parameters
    ----------
    layers : Layers
        They are not changed.
    order : {"last", "first"}

    Returns
    -------
    layers : Layers
    changed : bool
        Whether any of them had another order.

    Raises
    ------
    LoihiError
        If `order` is neither.
    """
    if not isinstance(order, str) or order not in ORDERS:
        raise LoihiError(
            f"channel_order must be one of {ORDERS}, or None, not {check.shown(order)}."
        )
    last = order == "last"
    orders = [_neurons_in_order(layer, last) for layer in layers.layers]
    if all(neurons is None for neurons in orders):
        return layers, False
    pairs = [(s, own) for layer, own in zip(layers.layers, orders) for s in layer.synapses]
    synapses = {s: _reordered(s, neurons, last) for s, neurons in pairs}

    def axons_of(axons: Axons) -> Axons:
        neurons = orders[axons.source] if axons.source >= 0 else None
        changed = replace(axons, synapses=synapses[axons.synapses])
        if neurons is not None:
            changed.axon_of = axons.axon_of[neurons]
            changed.atom_of = None if axons.atom_of is None else axons.atom_of[neurons]
            changed.neurons = neurons
        return changed

    reordered = []
    for layer, neurons in zip(layers.layers, orders):
        given, shape = layer.given, layer.shape
        if neurons is not None:
            shape = _moved(shape, last)
            if given is not None and len(given.full) == 3:
                given = Tiling(_moved(given.full, last), _moved(given.tile, last))
        own = tuple(synapses[s] for s in layer.synapses)
        outputs = tuple(axons_of(axons) for axons in layer.outputs)
        reordered.append(replace(layer, shape=shape, given=given, synapses=own, outputs=outputs))
    inputs = tuple(axons_of(axons) for axons in layers.inputs)
    return replace(layers, layers=tuple(reordered), inputs=inputs), True


def _moved(shape: tuple[int, ...], last: bool) -> tuple[int, ...]:
    return (*shape[1:], shape[0]) if last else (shape[-1], *shape[:-1])


def _neurons_in_order(layer: Layer, last: bool) -> np.ndarray | None:
    """The neurons of an image in the order asked for, or None if they are in it."""
    for synapses in layer.synapses:
        if isinstance(synapses, ConvolutionSynapses) and synapses.output_shape == layer.shape:
            if synapses.channels_last == last:
                return None
            neurons = np.arange(layer.n_neurons).reshape(layer.shape)
            return np.moveaxis(neurons, *((0, 2) if last else (2, 0))).ravel()
    return None


def _reordered(synapses: Synapses, neurons: np.ndarray | None, last: bool) -> Any:
    if isinstance(synapses, ConvolutionSynapses):
        return synapses.in_order(last)
    return synapses if neurons is None else synapses.permuted(neurons)
