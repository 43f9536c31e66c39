"""What a model's configuration names that Keras itself does not have, and code that it brings.

A configuration is a tree of dictionaries with a ``class_name``. Keras makes an object of each; for
some it runs code from the file, or imports a module that the file names. Only what is known to do
neither passes: everything here is a list of what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Stranger:
    """Something in a model's configuration that Keras itself does not have, or that is code.

    Attributes
    ----------
    name : str
        Of its class or function.
    layer : str
        The innermost layer that it is or that has it; empty outside of layers.
    module : str
        Where the file says that it is from; empty if it does not.
    is_layer : bool
        Whether it is a layer itself.
    code : str
        What would run, as a clause; empty for a class that is only not known.
    """

    name: str
    layer: str
    module: str
    is_layer: bool
    code: str = ""


#: Classes of Keras that hold Python code, or run a program, from a file.
_PROGRAMS = {
    "__lambda__": "a Python function that is stored in the file",
    "Lambda": "a Python function that is stored in the file",
    "ClassMethod": "a method that the file names", "FlaxLayer": "a JAX program",
    "JaxLayer": "a JAX program",
    "TFSMLayer": "a TensorFlow program from another folder",
    "TensorFlowOpLayer": "an operation of TensorFlow that is stored in the file",
    "TorchModuleWrapper": "a pickled module of PyTorch",
}  # fmt: skip

#: Entries that stand for values.
_VALUES = {
    "__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__",
    "__tuple__", "TensorShape", "tuple", "DType", "TypeSpec",
}  # fmt: skip

#: Modules of Keras whose classes are parts of models: no files, downloads or processes in them.
_PARTS = (
    "activations|constraints|dtype_policies|engine|initializers|layers|losses|"
    "metrics|mixed_precision|models|ops|optimizers|quantizers|random|regularizers"
)
_MODULE = re.compile(rf"(tf_)?keras(\.src)?(\.(api|_legacy))?\.(?P<part>{_PARTS})(\..*)?")
_OF_KERAS_ITSELF = re.compile(r"\w*DTypePolicy(Map)?|Functional|InputSpec|Model|Sequential")

#: TensorFlow's operations that models are made of: numbers in, numbers out.
_OPERATION = re.compile(
    r"(__operators__|math|nn|linalg|image|signal|random|keras\.(activations|backend))\.\w+"
    r"|(compat\.v1\.)?(abs|add|add_n|argmax|argmin|broadcast_to|cast|ceil|clip_by_value|concat|"
    r"convert_to_tensor|cos|cumsum|divide|einsum|equal|exp|expand_dims|eye|fill|floor|gather|"
    r"gather_nd|greater|greater_equal|identity|less|less_equal|linspace|logical_and|logical_not|"
    r"logical_or|matmul|maximum|meshgrid|minimum|multiply|negative|norm|not_equal|one_hot|ones|"
    r"ones_like|pad|pow|range|rank|realdiv|reduce_\w+|repeat|reshape|reverse|roll|round|shape|sigmoid|"
    r"sign|sin|size|slice|sort|split|sqrt|square|squeeze|stack|stop_gradient|strided_slice|"
    r"subtract|tan|tanh|tensordot|tile|transpose|truediv|unstack|where|zeros|zeros_like)"
)
#: Arguments that may be functions by name.
_ACTIVATIONS = ("activation", "recurrent_activation")
_OPERATION_LAYERS = {"TFOpLambda", "SlicingOpLambda"}


class Names(Protocol):
    """Names that need no import."""

    def given(self, name: str) -> bool:
        """Whether the user has given or registered an object of that name."""

    def own(self, name: str) -> bool:
        """Whether Keras itself has a class or function of that name for models."""


def strangers(config: Mapping[str, Any], names: Names) -> list[Stranger]:
    """Everything in a model's configuration that may not be made without asking.

    Parameters
    ----------
    config : mapping
        Of a whole model, as read from its file.
    names : Names
        What Keras will find without importing anything.

    Returns
    -------
    list of Stranger
        In the order of the file, each once.
    """
    # a model is loaded without what it was trained with
    inner = {key: value for key, value in config.items() if key != "compile_config"}
    return list(dict.fromkeys(_walk(inner, names, "", False)))


def _walk(entry: Any, names: Names, layer: str, is_layer: bool) -> Iterator[Stranger]:
    if isinstance(entry, Mapping):
        if "class_name" in entry:
            layer = _layer_name(entry, layer)
            stranger = _judged(entry, names, layer, is_layer)
            if stranger is not None:
                yield stranger
        for key, value in entry.items():
            is_name = key in _ACTIVATIONS and _is_name(value)
            if is_name and not names.given(value) and not names.own(value):
                yield Stranger(value, layer, "", False)
            if key in _ACTIVATIONS and isinstance(value, Mapping) and "class_name" not in value:
                yield Stranger(key, layer, "", False, _PROGRAMS["__lambda__"])
            # layers are the entries of a model's list, and those within a wrapper
            listed = key == "config" and isinstance(value, (list, tuple))  # by Keras before 2.3
            yield from _walk(value, names, layer, key in ("layers", "layer") or listed)
    elif isinstance(entry, (list, tuple)):
        for value in entry:
            yield from _walk(value, names, layer, is_layer)


def _is_name(value: Any) -> bool:
    """Whether a function is named; other texts are for a quantizer to read (``"po2(4)"``)."""
    return isinstance(value, str) and (value.isidentifier() or value == "<lambda>")


def _layer_name(entry: Mapping[str, Any], outside: str) -> str:
    settings = entry.get("config")
    name = settings.get("name") if isinstance(settings, Mapping) else None
    return name if isinstance(name, str) else outside


def _judged(entry: Mapping[str, Any], names: Names, layer: str, is_layer: bool) -> Stranger | None:
    kind, module, settings = str(entry["class_name"]), entry.get("module"), entry.get("config")
    if kind in _VALUES:
        return None
    if kind in _PROGRAMS:
        return Stranger(kind, layer, str(module or ""), is_layer, _PROGRAMS[kind])
    if kind == "__typespec__":
        plain = str(module).startswith("tensorflow.")
        return None if plain else Stranger(str(entry.get("spec_name")), layer, str(module), False)
    if kind in _OPERATION_LAYERS:
        function = settings.get("function") if isinstance(settings, Mapping) else None
        if _OPERATION.fullmatch(str(function)):
            return None
        return Stranger(kind, layer, "", is_layer, f"tf.{function}, which is no mathematics")
    name = str(settings) if kind == "function" else kind
    # as Keras looks it up: what the user has registered goes before what the file names
    if names.given(name if kind == "function" else str(entry.get("registered_name") or kind)):
        return None
    if module in (None, "", "builtins"):
        return None if names.own(name) else Stranger(name, layer, "", is_layer)
    if _is_of_keras(str(module), name, names):
        return None
    return Stranger(name, layer, str(module), is_layer)


def _is_of_keras(module: str, name: str, names: Names) -> bool:
    if _OF_KERAS_ITSELF.fullmatch(name):
        return module.split(".")[0] in ("keras", "tf_keras")
    part = _MODULE.fullmatch(module)
    # operations are many, and Keras 3 takes nothing from there but its own classes of them
    return part is not None and (names.own(name) or part["part"] == "ops")
