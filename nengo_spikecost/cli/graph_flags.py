"""NIR graphs on the command line: their flags, and what they have not got."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
import numpy as np

from ..errors import ArgumentError
from ..progress import doing
from .carried import was_typed
from .option_flags import Decorator
from .printing import is_quiet

#: Options that say how a Keras model is converted: the neurons of a graph are what they are.
_OF_KERAS = (
    "neuron_type", "scale_firing_rates", "synapse", "max_pooling", "swap_activations",
    "spike_input", "off_chip", "allow_fallback", "custom_objects",
)  # fmt: skip
#: Before the names of a graph's options, of which a command has others too: ``dt``.
_PREFIX = "graph_"


def graph_flags() -> Decorator:
    """Flags for a model that is a NIR graph."""
    from ..nir import GraphOptions
    from .option_flags import flags

    return flags(GraphOptions, prefix=_PREFIX)


def taken_out(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a graph, taken out of those of a command."""
    names = [name for name in options if name.startswith(_PREFIX)]
    return {name[len(_PREFIX) :]: options.pop(name) for name in names}


def refuse_flags(is_graph: bool, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a command without those that its kind of model has not got.

    Raises
    ------
    ArgumentError
        If one of them was typed.
    """
    context = click.get_current_context()
    typed = [
        parameter.opts[0]
        for parameter in context.command.get_params(context)
        if _is_of_others(str(parameter.name), is_graph) and was_typed(str(parameter.name))
    ]
    if typed and is_graph:
        raise ArgumentError(
            f"{', '.join(typed)}: for Keras models only; the neurons and weights of a NIR graph "
            "are as they are."
        )
    if typed:
        raise ArgumentError(f"{', '.join(typed)}: for NIR graphs only, and this is a Keras model.")
    return {name: value for name, value in options.items() if not _is_of_others(name, is_graph)}


def _is_of_others(name: str, is_graph: bool) -> bool:
    """Whether an option is of Keras models, where the model is a graph; or the other way round."""
    return name in _OF_KERAS if is_graph else name.startswith(_PREFIX)


def loaded_graph(path: str, options: dict[str, Any], x: Any = None) -> Any:
    """The network of a graph.

    Parameters
    ----------
    path : str
    options : dict
        As `taken_out` gave them.
    x : array or dict of array, optional
        Samples. If they are whole numbers at every step, and nothing else was said, they are taken
        for spikes.
    """
    from ..nir import from_nir, read_nir

    with doing(f"Reading {path}", not is_quiet()):
        if options.get("spikes") is None and x is not None:
            reading = read_nir(path, **options)
            shapes = [node.shape for node in reading.nodes if node.kind == "Input" and node.shape]
            arrays = list(x.values()) if isinstance(x, dict) else [x]
            options = {**options, "spikes": are_spikes(arrays, shapes)}
        return from_nir(path, **options)


def are_spikes(arrays: Iterable[Any], shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether samples have a time axis, and are whole numbers from 0 on."""
    axes = {len(shape) for shape in shapes}
    given = [np.asarray(array) for array in arrays]
    if not given or any(array.dtype.kind not in "biuf" for array in given):
        return False
    timed = all(array.ndim - 2 in axes or (array.ndim == 3 and axes) for array in given)
    return timed and all(bool((a >= 0).all() and (a == np.rint(a)).all()) for a in given)
