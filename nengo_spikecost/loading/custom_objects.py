"""Classes and functions that Keras itself does not have: the user's and other packages'."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from .. import stack
from ..errors import ConversionError, StackError
from .file_contents import Stranger

#: Packages whose layers are converted, and what their layers, quantizers and so on are called.
_PACKAGES = {
    "keras_spiking": re.compile(r"(Lowpass|Alpha|Spiking)\w*|(Percentile)?Mean|Percentile"),
    "qkeras": re.compile(r"Q[A-Z]\w*|quantized_\w+|(stochastic_)?(binary|ternary)|bernoulli|Clip"),
    "quantizeml": re.compile(
        r"(Custom>)?(Quantized[A-Z]\w*|(Input|Output|(Aligned)?Weight)Quantizer|Dequantizer)"
    ),
}

#: The same of packages for Keras 3.
_PACKAGES_OF_KERAS_3 = {
    "keras_lmu": re.compile(r"(keras-lmu>)?LMU(Cell|FFT|Feedforward)?"),
    "qkeras": re.compile(rf"(qkeras>)?({_PACKAGES['qkeras'].pattern})"),
}

#: What a module may import for its own use.
_NOT_CUSTOM = {"builtins", "keras", "numpy", "tensorflow", "tf_keras", "typing"}

#: By the package that a layer is from: what to do, as the rest of a sentence.
_REMEDIES = {
    "keras_lmu": (
        "LMUs of Keras 2 are not converted: make the model with Keras 3 and keras-lmu 0.9.0, whose "
        "are, or build the network in Nengo, and measure that"
    ),
    "quantizeml": (
        "install quantizeml 1.2.5, whose layers are converted, or give the model as it was before "
        "quantizeml.models.quantize"
    ),
    "tensorflow_model_optimization": (
        "take the wrappers off with strip_pruning or strip_clustering of "
        "tensorflow_model_optimization, or give the model as it was before quantize_model"
    ),
    "qkeras": (
        "install QKeras 0.9.0, which is read by itself: pip install 'nengo-spikecost[qkeras]'"
    ),
}
#: Layers whose files don't name a package, by their class.
_FAMILIAR = {
    "keras_lmu": re.compile(r"(keras-lmu|nengo)>.*|LMU(Cell|FFT|Feedforward)?"),
    "quantizeml": _PACKAGES["quantizeml"],
    "tensorflow_model_optimization": re.compile(
        r"PruneLowMagnitude|Quantize(Wrapper\w*|Layer|Annotate)|ClusterWeights"
    ),
    "qkeras": _PACKAGES["qkeras"],
}


def objects_of(module: ModuleType) -> dict[str, Any]:
    """The public classes and functions of a module by name, but those of Keras itself."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and (value.__module__ or "").split(".")[0] not in _NOT_CUSTOM
    }


def checked_objects(objects: Mapping[str, Any] | None) -> dict[str, Any]:
    """Raise `ConversionError` unless these are classes and functions by name."""
    if objects is None:
        return {}
    if not isinstance(objects, Mapping) or not all(
        isinstance(name, str) and callable(value) for name, value in objects.items()
    ):
        raise ConversionError(
            "custom_objects must be a dict from name to class or function, as Keras takes it, "
            f"not {objects!r}."
        )
    return dict(objects)


def installed_objects(found: Iterable[Stranger], keras: int) -> dict[str, Any]:
    """What is missing, from packages that are installed and converted here.

    Parameters
    ----------
    found : iterable of Stranger
    keras : {2, 3}
        The Keras that wrote the file. ``qkeras`` is QKeras, of Keras 2, or qkeras-v3, of Keras 3,
        whichever was installed last.
    """
    objects: dict[str, Any] = {}
    for package, names in (_PACKAGES if keras == 2 else _PACKAGES_OF_KERAS_3).items():
        wanted = [s for s in found if not s.code]
        if any(_package(s) == package or names.fullmatch(s.name) for s in wanted):
            module = _imported(package)
            if module is not None:
                parts = objects_of(module)
                for part in ("layers", "constraints"):  # of keras_spiking
                    parts.update(objects_of(getattr(module, part, module)))
                if keras == 2:
                    parts = {k: v for k, v in parts.items() if _is_of_keras_2(v)}
                elif package != "qkeras":
                    parts = {k: v for k, v in parts.items() if not _is_of_keras_2(v)}
                elif _is_of_keras_2(parts.get("QDense")):
                    parts = {}  # its quantizers are plain classes in either
                objects.update(parts)
    return objects


def _imported(package: str) -> ModuleType | None:
    if package not in sys.modules and importlib.util.find_spec(package) is None:
        return None
    try:
        stack.require()
        return importlib.import_module(package)
    except (ImportError, StackError, AttributeError):
        return None  # without one of its own requirements: then it is not known, and said to be


def _is_of_keras_2(value: Any) -> bool:
    """Whether a class is not one of Keras 3, which today's qkeras-v3 has under the same names."""
    bases = inspect.getmro(value) if inspect.isclass(value) else ()
    return not any(base.__module__.split(".")[:2] == ["keras", "src"] for base in bases) or any(
        base.__module__.startswith(stack.keras().layers.Layer.__module__.split(".")[0])
        for base in bases
    )


def _package(stranger: Stranger) -> str:
    """Where it is from: its module, or else the package that it is registered for."""
    registered_for = stranger.name.rpartition(">")[0].replace("-", "_")
    return stranger.module.split(".")[0] or ("" if registered_for == "Custom" else registered_for)


def remedy(stranger: Stranger, keras: int) -> str:
    """What the user can do about a class that is not known, as the rest of a sentence."""
    package = _package(stranger)
    if package not in _REMEDIES:
        matches = [name for name, words in _FAMILIAR.items() if words.fullmatch(stranger.name)]
        package = matches[0] if matches and not package else package
    if package == "qkeras" and keras == 3:
        return (
            "install qkeras-v3 1.2.1, which is read by itself: pip install qkeras-v3==1.2.1, in an "
            "environment without QKeras, as both are one folder"
        )
    if package == "keras_lmu" and keras == 3:
        return "install keras-lmu 0.9.0, whose LMUs are converted: pip install keras-lmu"
    if package in _REMEDIES:
        return _REMEDIES[package]
    if keras == 3:
        return (
            "a model of Keras 3 can be converted if all that is in it is Keras' own: replace it by "
            "layers and functions of Keras"
        )
    module = stranger.module if stranger.module not in ("", "__main__") else "MODULE"
    return (
        f"give the module that has it (--custom-objects {module}; in Python custom_objects=), or "
        "decorate it with @tf.keras.utils.register_keras_serializable(), save the model again, and "
        "import it first (--plugin FILE); a new kind of layer needs a converter, too "
        "(register_layer_converter)"
    )
