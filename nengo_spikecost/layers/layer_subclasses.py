"""What a subclass of a Keras layer is: its base, or something of its own."""

from __future__ import annotations

from typing import Any

from ..inheritance import overridden

#: Methods that describe or train layers and models, and compute no output.
_DESCRIBING = frozenset((
    "get_config", "from_config", "get_build_config", "build_from_config", "get_compile_config",
    "compile_from_config", "compile", "compute_output_shape", "compute_output_spec",
    "compute_output_signature", "count_params", "summary", "fit", "evaluate", "predict",
    "train_step", "test_step", "predict_step", "compute_loss", "compute_metrics", "metrics",
    "save", "get_quantizers", "get_quantization_config", "_keras_api_names",
    "_keras_api_names_v1",
))  # fmt: skip


def replaced_of_layer(layer_type: type, base: type) -> tuple[str, ...]:
    """What a type of layers replaces of its base, such as ``call``, by name; sorted.

    A layer that replaces anything may compute anything. Its ``__init__`` and configuration are
    no replacement.
    """
    return overridden(layer_type, base, _DESCRIBING)


def differs_from_known(layer: Any, base: type) -> tuple[str, ...]:
    """What a layer of somebody else's class replaces of a base that has a rule.

    The subclasses that the library of the base has itself were known to who wrote the rule.
    """
    library = _library(base)
    for cls in type(layer).__mro__:
        if cls is base or _library(cls) == library:
            # what the library's own class is of the base is the rule's business
            return replaced_of_layer(type(layer), cls)
    return ()


def _library(cls: type) -> str:
    root = cls.__module__.partition(".")[0]
    return "keras" if root in ("keras", "tf_keras", "tensorflow") else root
