"""Which neurons of a conversion run beside the chip."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import nengo

from ..errors import ConversionError, ConversionWarning
from ..graph import NetworkGraph, Population
from ..graph.off_chip import mark_off_chip
from ..refusals import names_in_order
from .conversion_record import Conversion
from .converter import RecordingConverter
from .host_node import HostNode

#: What max pooling becomes by default where neurons spike.
AVERAGE = "average pooling"


def place(conversion: Conversion, off_chip: Iterable[Any] | None) -> None:
    """Mark Ensembles of a conversion's network as off the chip.

    Parameters
    ----------
    conversion : Conversion
    off_chip : iterable of layers or layer names, optional
        Default: layers whose neurons spike but get values that are no spikes (pixels, or values
        computed by the host). A chip takes spikes only: these neurons make them.

    Raises
    ------
    ConversionError
        If one of them is no layer with neurons.
    """
    if off_chip is None:
        ensembles = _fed_with_values(conversion)
    else:
        ensembles = [e for layer in off_chip for e in _ensembles(conversion, layer)]
    if ensembles:
        mark_off_chip(conversion.net, ensembles)


def _fed_with_values(conversion: Conversion) -> list[nengo.Ensemble]:
    fed = {
        pathway.post.ensemble: None
        for pathway in NetworkGraph(conversion).pathways
        if pathway.kind in ("input", "host") and isinstance(pathway.post, Population)
    }
    return [e for e in fed if getattr(e.neuron_type, "spiking", False)]


def _ensembles(conversion: Conversion, layer: Any) -> list[nengo.Ensemble]:
    name = layer if isinstance(layer, str) else getattr(layer, "name", str(layer))
    owners = {e: o for e, o in conversion.layer_names.items() if isinstance(e, nengo.Ensemble)}
    ensembles = [ensemble for ensemble, owner in owners.items() if owner == name]
    if not ensembles:
        raise ConversionError(
            f"off_chip names {name!r}, which is no layer with neurons; there are "
            f"{', '.join(sorted(set(owners.values()))) or 'none'}."
        )
    return ensembles


def warn_of_host_layers(converter: RecordingConverter) -> None:
    """Name the layers inside the network that don't run on the chip."""
    leads_on = {conn.pre_obj for conn in converter.net.all_connections}
    inside = {converter.owners[obj] for obj in leads_on if isinstance(obj, HostNode)}
    pooling = {c.layer for c in converter.choices if c.on_host and "max pooling" in c.choice}
    host = [c.layer for c in converter.choices if c.on_host and c.layer in inside | pooling]
    if not host:
        return
    advice = ""
    if not inside.isdisjoint(host):
        advice = ", and so are neurons that take their values"
    if pooling:
        advice += "; max_pooling='average' (--max-pooling average) takes the average of each window"
        advice += f"{_strided(converter, pooling)} instead"
    words = f"These layers are computed exactly, on the host: {names_in_order(host)}{advice}."
    warnings.warn(words, ConversionWarning, stacklevel=4)


def warn_of_averages(converter: RecordingConverter) -> None:
    """Name the layers of max pooling that nobody asked to be averages."""
    averages = [c.layer for c in converter.choices if c.choice == AVERAGE]
    if not averages:
        return
    first = names_in_order(dict.fromkeys(averages))
    warnings.warn(
        f"Max pooling became average pooling, as synapses only add: {first}. Outputs differ from "
        "the model's, and measured accuracy says how much. max_pooling='exact' (--max-pooling "
        "exact) computes the maximum on the host, where the neurons behind it run as well"
        f"{_strided(converter, averages)}.",
        ConversionWarning, stacklevel=4,
    )  # fmt: skip


def _strided(converter: RecordingConverter, names: Iterable[str]) -> str:
    """The third form of max pooling, if a layer has windows: of a whole image it is a corner."""
    windows = {c.layer for c in converter.choices if not c.layer_type.startswith("Global")}
    if windows.isdisjoint(names):
        return ""
    return ", or max_pooling='strided' (--max-pooling strided) the first element of each window"
