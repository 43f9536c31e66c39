"""The arguments of `convert`, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
import tensorflow as tf

from .. import check
from ..errors import ConversionError
from .lookup import walk_layers


def check_model(model: Any) -> dict[str, Any]:
    """The layers of a Keras 2 model by name; raises `ConversionError` if they can't be read."""
    if isinstance(model, nengo.Network):
        raise ConversionError(
            "model is already a Nengo network: measure() and NetworkGraph() take it as it is."
        )
    if not isinstance(model, tf.keras.Model):
        raise ConversionError(f"model must be a tf.keras.Model, not {type(model).__name__}.")
    if isinstance(model, tf.keras.Sequential) and (not model.built or not model.inputs):
        raise ConversionError(
            f"Sequential model {model.name!r} has no known input shape: give its first "
            "layer input_shape=, or build it."
        )
    if not getattr(model, "_is_graph_network", False):
        raise ConversionError(
            f"Model {model.name!r} ({type(model).__name__}) is a subclassed model; "
            "only Functional and Sequential models show their layers to a converter."
        )
    layers = dict(walk_layers(model))
    for name, layer in layers.items():
        if hasattr(layer, "layers"):  # a nested model: its layers are listed too
            continue
        if not all(np.isfinite(weights).all() for weights in layer.get_weights()):
            raise ConversionError(
                f"Layer {name!r} has weights that are NaN or infinite.", layer=name
            )
    return layers


def check_options(
    *, lower: Any, off_chip: Any, seed: Any, swap_activations: Any, **flags: Any
) -> None:
    """Raise `ConversionError` for options of `convert` that are of the wrong type."""
    for name, value in flags.items():
        check.flag(name, value, ConversionError)
    if lower is not None and not isinstance(lower, (bool, np.bool_)):
        raise ConversionError(f"lower must be True, False or None, not {lower!r}.")
    if off_chip is not None:
        words = "a list of layers or layer names"
        if isinstance(off_chip, str):
            name = check.shown(off_chip)
            raise ConversionError(
                f"off_chip must be {words}, not {name}; for one layer write [{name}]."
            )
        check.several("off_chip", off_chip, ConversionError, words)
    if seed is not None:
        check.seed("seed", seed, ConversionError)
    if swap_activations is not None and not isinstance(swap_activations, Mapping):
        raise ConversionError(
            "swap_activations must be a dict from activation to what it becomes, "
            f"not {type(swap_activations).__name__}."
        )
