"""Which neurons of a network share a block of the chip, for layers that are quantized."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...conversion import Conversion
from ...errors import TuningError
from ...graph import NetworkGraph, Population
from .chip_layers import OnChip
from .unrolled_layers import Spiking


def place_layers(conversion: Conversion, spiking: Mapping[str, Spiking], dt: float) -> None:
    """Say to each layer on the chip where its spikes come from, and which neurons share a block.

    Blocks are those of the network's config, or, as in `deploy`, those that `fit_blocks` finds.

    Parameters
    ----------
    conversion : Conversion
    spiking : mapping from str to Spiking
        By name of the population.
    dt : float
        Length of a step in s.

    Raises
    ------
    TuningError
        If a layer can't be quantized.
    LoihiError
        If the network does not fit on the chip.
    """
    from ...loihi.blocks.fit_blocks import fit_blocks
    from ...loihi.cores.built import built_network
    from ...loihi.cores.layer_reading import read_layers

    layers = read_layers(conversion, dt)
    found: Any = conversion
    if all(layer.given is None for layer in layers.layers):
        found = fit_blocks(layers, progress=False).unless_interrupted()
    built = built_network(found, dt=dt)
    graph = NetworkGraph(conversion)
    for population in graph.populations:
        layer = spiking[population.name]
        if not isinstance(layer, OnChip):
            continue
        senders = [p.pre for p in graph.pathways if p.post is population and p.kind != "bias"]
        if not senders:
            raise TuningError(
                f"Layer {population.layer!r} can't be quantized: its weights are all 0, so that no "
                "spikes reach it."
            )
        if len(senders) != 1 or not isinstance(senders[0], Population):
            raise TuningError(
                f"Layer {population.layer!r} can't be quantized: it gets its spikes from "
                f"{len(senders)} populations, and only those that get them from one are."
            )
        parts = [part for part in built.blocks if part.source.owner is population.ensemble]
        layer.place(spiking[senders[0].name], [part.neurons for part in parts])
        layer.check([(part.neurons, part.obj) for part in parts])
