"""What a file holds, told without Keras: whether it is a model, and what wrote it."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import check
from ..errors import ConversionError
from ..files import LFS_POINTER, is_lfs_pointer

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
_SAVE_ALL = "save it whole, with model.save('model.keras')"
_MAKE_ANEW = "load it with what made it, and save it as a Keras model, or build a nengo.Network"


@dataclass(frozen=True)
class ModelFile:
    """A file that holds a model.

    Attributes
    ----------
    path : str
    kind : {"h5", "keras", "folder", "nir"}
        HDF5, the zip archive of today's Keras, a SavedModel, or a NIR graph.
    keras : {2, 3, 0}
        The Keras that wrote it; 0 of a NIR graph.
    config : dict
        Its layers, as Keras wrote them: class names and their arguments. Empty for a folder,
        whose configuration only TensorFlow can read. Of a NIR graph, the names of its nodes.
    """

    path: str
    kind: str
    keras: int
    config: Mapping[str, Any]


def check_model_file(path: str | os.PathLike[str]) -> None:
    """Raise `ConversionError` if ``path`` plainly holds no model; imports nothing heavy."""
    read_model_file(path)


def read_model_file(path: str | os.PathLike[str]) -> ModelFile:
    """The kind, the Keras and the layers of a model's file.

    Raises
    ------
    ConversionError
        If there is no such file or it holds no model; it says what it holds instead.
    """
    name = check.path("path", path, ConversionError)
    file = Path(name)
    if not file.exists():
        raise ConversionError(f"There is no model {name}.")
    if file.is_dir():
        return _folder(name)
    if not file.is_file():
        raise ConversionError(f"{name} is a device or a pipe, not a file: save the model to one.")
    try:
        with file.open("rb") as stream:
            start = stream.read(64)
    except OSError as error:
        raise ConversionError(f"{name} can't be read: {error.strerror or error}.") from error
    if start.startswith(_HDF5):
        return _hdf5(name)
    if start.startswith(_ZIP) or zipfile.is_zipfile(name):
        return _archive(name)
    raise ConversionError(f"{name} {_other_file(file, start)}.")


def stored_layer_names(file: ModelFile) -> tuple[str, ...]:
    """Names of the layers in a model's file, those of nested models as ``outer/inner``.

    Empty where only a Keras can tell them: for folders.
    """
    if file.kind == "nir":
        return tuple(file.config["nodes"])
    return tuple(_names_in(file.config, ""))


def _names_in(model: Mapping[str, Any], prefix: str) -> Iterator[str]:
    config = model.get("config")
    layers = config.get("layers") if isinstance(config, Mapping) else config
    for layer in layers if isinstance(layers, list) else ():
        own = layer.get("config")
        name = layer.get("name") or (own.get("name") if isinstance(own, Mapping) else None)
        if name:
            yield f"{prefix}{name}"
            yield from _names_in(layer, f"{prefix}{name}/")


def _folder(name: str) -> ModelFile:
    holds = {entry.name for entry in Path(name).iterdir()}
    if "keras_metadata.pb" in holds:
        return ModelFile(name, "folder", 2, {})
    if {"config.json", "model.weights.h5"} <= holds:
        problem = "it is a .keras file that was unpacked: zip its files again, as model.keras"
    elif "saved_model.pb" in holds:
        problem = (
            "keras_metadata.pb is missing (model.export() leaves the layers out; use model.save())"
        )
    elif "checkpoint" in holds or any(entry.endswith(".index") for entry in holds):
        problem = f"it has weights only; build the model, load them, and {_SAVE_ALL}"
    else:
        problem = "give the file of the model, or a folder with saved_model.pb"
    raise ConversionError(f"Folder {name} holds no Keras SavedModel: {problem}.")


def _hdf5(name: str) -> ModelFile:
    import h5py

    try:
        with h5py.File(name, "r") as file:
            attributes = {key: _text(file.attrs[key]) for key in file.attrs}
            node = file["node"] if isinstance(file.get("node"), h5py.Group) else {}
            groups = {*file, *node}
            nodes = list(node["nodes"]) if isinstance(node.get("nodes"), h5py.Group) else []
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise ConversionError(
            f"{name} can't be read: it is an HDF5 file that is cut off or damaged ({reason}); "
            "copy or save it again."
        ) from error
    if "model_config" in attributes:
        config = _json(name, attributes["model_config"])
        return ModelFile(name, "h5", _keras_of(attributes.get("keras_version"), config), config)
    if {"node", "nodes"} <= groups:
        return ModelFile(name, "nir", 0, {"nodes": nodes})
    if {"node", "type"} <= groups:
        raise ConversionError(
            f"{name} is a NIR graph without nodes: write it anew, with nir.write."
        )
    if "layer_names" in attributes or groups & {"layers", "_layer_checkpoint_dependencies", "vars"}:
        raise ConversionError(
            f"{name} has the weights of a model without its layers: build the model in Python, "
            f"model.load_weights({Path(name).name!r}), and {_SAVE_ALL}."
        )
    raise ConversionError(
        f"{name} is an HDF5 file without a Keras model (no model_config) or a NIR graph (no node)."
    )


def _archive(name: str) -> ModelFile:
    try:
        with zipfile.ZipFile(name) as archive:
            members = archive.namelist()
            if "config.json" in members:
                config = _json(name, archive.read("config.json"))
                info = _json(name, archive.read("metadata.json")) if _META in members else {}
                return ModelFile(
                    name, "keras", _keras_of(info.get("keras_version"), config), config
                )
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ConversionError(
            f"{name} can't be read: it is a zip archive that is cut off or damaged ({error}); "
            "copy or save it again."
        ) from error
    if any(member.endswith("data.pkl") for member in members):
        problem = f"is a file of PyTorch, not of Keras: {_MAKE_ANEW}"
    elif members and all(member.endswith(".npy") for member in members):
        problem = "holds arrays (.npz), not a model: give it as data"
    else:
        problem = "is a zip archive without a Keras model (no config.json)"
    raise ConversionError(f"{name} {problem}.")


_META = "metadata.json"

#: Endings of other tools' models, whose files begin with nothing that tells.
_ENDINGS = {
    ".onnx": "an ONNX model", ".pt": "a file of PyTorch", ".pth": "a file of PyTorch",
    ".pb": "a TensorFlow graph without layers", ".mlmodel": "a Core ML model",
    ".safetensors": "a file of weights without layers", ".index": "part of a checkpoint",
    ".bin": "a file of weights without layers",
}  # fmt: skip


def _other_file(file: Path, start: bytes) -> str:
    """What a file holds that is neither HDF5 nor zip, as the rest of a sentence."""
    ending = file.suffix.lower()
    if not start:
        return "is empty: save the model again"
    if is_lfs_pointer(start):
        return LFS_POINTER
    if ending == ".nir":
        return "is no NIR graph, which is an HDF5 file: write it anew, with nir.write"
    if start[4:8] == b"TFL3":
        return "is a TensorFlow Lite model, whose layers are gone: give the Keras model behind it"
    if start.startswith(b"\x93NUMPY"):
        return "holds an array (.npy), not a model: give it as data"
    if start[:1] == b"\x80" and ending not in _ENDINGS:
        return f"is a Python pickle, which is not read here, as it can run any code: {_SAVE_ALL}"
    if ending in _ENDINGS:
        return f"is {_ENDINGS[ending]}, not a Keras model: {_MAKE_ANEW}"
    if start.lstrip()[:1] in (b"{", b"[") or ending in (".json", ".yaml", ".yml"):
        return (
            "has text, such as the layers of a model without its weights: build the model in "
            f"Python, load its weights, and {_SAVE_ALL}"
        )
    return (
        "can't be read as a Keras model: it is neither HDF5 (.h5), nor a .keras archive, nor a "
        "SavedModel folder"
    )


def _keras_of(version: Any, config: Mapping[str, Any]) -> int:
    """2 or 3: by the version that was written, or else by what only Keras 3 writes."""
    number = _text(version).split(".")[0] if version is not None else ""
    if number.isdigit():
        return 3 if int(number) >= 3 else 2
    return 3 if '"batch_shape"' in json.dumps(config) else 2


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _json(name: str, text: str | bytes) -> Mapping[str, Any]:
    try:
        config = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConversionError(
            f"{name} can't be read: the configuration of its model is damaged ({error})."
        ) from error
    if not isinstance(config, Mapping):
        raise ConversionError(f"{name} can't be read: the configuration of its model is damaged.")
    return config
