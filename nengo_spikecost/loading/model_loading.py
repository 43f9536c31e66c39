"""`load_model`: a model from its file, by the Keras that wrote it, once its contents are known."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import stack
from ..errors import ConversionError
from ..options import named_arguments
from ..refusals import by_reason, listed
from .custom_objects import checked_objects, installed_objects, remedy
from .file_contents import Stranger, strangers
from .model_files import ModelFile, read_model_file


@named_arguments
def load_model(
    path: str | os.PathLike[str], *, custom_objects: Mapping[str, Any] | None = None,
    trust: bool = False,
) -> Any:  # fmt: skip
    """A Keras model from an ``.h5`` or ``.keras`` file or a SavedModel folder.

    Files written by Keras 2 and by Keras 3 can be read. The configuration in the file is looked at
    before anything is made of it: without ``trust`` no code from the file runs, no module is
    imported because the file names it, and of a SavedModel only layers and weights are taken, not
    its graph.

    Parameters
    ----------
    path : path
        The file, or the folder of a SavedModel.
    custom_objects : dict, optional
        Classes and functions by name that the model has and Keras has not, as
        ``tf.keras.models.load_model`` takes them. Layers of QKeras and KerasSpiking are found
        without, and so is all that is registered (``register_keras_serializable``).
    trust : bool
        Whether the file may run code: Python functions of Lambda layers, modules that it names,
        the graph of a SavedModel. Whoever made the file can then do all that you can do.

    Returns
    -------
    tf.keras.Model
        Of Keras 2, whichever Keras wrote the file.

    Raises
    ------
    ConversionError
        If there is no such file or no model in it, or it has code or classes that are not known.
    """
    if not isinstance(trust, bool):
        raise ConversionError(f"trust must be True or False, not {trust!r}.")
    given = checked_objects(custom_objects)
    file = read_model_file(path)
    if file.kind == "nir":
        raise ConversionError(
            f"{file.path} is a NIR graph, not a Keras model: from_nir({file.path!r}) makes a "
            "network of it, which profile, deploy and others take."
        )
    keras = _keras_that_wrote(file)
    config = _folder_config(file) if file.kind == "folder" else file.config
    inner = config.get("config")
    if not isinstance(inner, list) and "layers" not in (inner or {}):
        raise ConversionError(
            f"{file.path} holds a subclassed model ({config.get('class_name')}); only Functional "
            "and Sequential models show their layers to a converter."
        )
    try:
        found = strangers(config, _Names(keras, file.keras, given))
    except RecursionError as error:
        raise ConversionError(
            f"{file.path} can't be read: its configuration is nested without end."
        ) from error
    given = {**installed_objects(found, file.keras), **given}
    found = strangers(config, _Names(keras, file.keras, given))
    if found and not trust:
        raise _refused(file, found)
    try:
        return _read(file, config, given, trust)
    except ConversionError:
        raise
    except Exception as error:
        unknown = [stranger for stranger in found if not stranger.code]
        if unknown:  # the likely reason, in better words
            raise _refused(file, unknown) from error
        if type(error).__name__ == "ResourceExhaustedError":  # of TensorFlow
            raise ConversionError(
                f"{file.path} can't be read: its layers need more memory than there is."
            ) from error
        raise ConversionError(
            f"{file.path} can't be read by Keras {file.keras}, which wrote it: {_reason(error)}."
        ) from error


def _read(file: ModelFile, config: Mapping[str, Any], given: dict[str, Any], trust: bool) -> Any:
    keras = stack.keras()
    if file.kind == "folder" and not trust:
        model = keras.models.model_from_config(config, custom_objects=given)
        weights = model.load_weights(os.path.join(file.path, "variables", "variables"))
        weights.assert_existing_objects_matched()
        return model
    with _named_as_keras_expects(file) as path:
        if file.keras == 3:
            from ..conversion.keras3 import load_keras_3

            return load_keras_3(path, custom_objects=given, safe_mode=not trust)
        safety = {"safe_mode": not trust} if file.kind == "keras" else {}
        return keras.models.load_model(path, custom_objects=given, compile=False, **safety)


class _Names:
    """The names that a Keras and its user know."""

    def __init__(self, keras: Any, number: int, custom_objects: Mapping[str, Any]):
        self._custom, self._keras = dict(custom_objects), keras
        self._saving = keras.saving if number == 3 else keras.utils
        parts = (
            "activations", "constraints", "initializers", "layers", "losses", "metrics",
            "mixed_precision", "models", "optimizers", "quantizers", "random", "regularizers",
        )  # fmt: skip
        self._parts = [getattr(keras, part) for part in parts if hasattr(keras, part)]
        # Keras 2 looks layers up in a table of its own, where they have their old names, too
        table = sys.modules[keras.layers.deserialize.__module__]
        if hasattr(table, "populate_deserializable_objects"):
            table.populate_deserializable_objects()
        self._table = getattr(getattr(table, "LOCAL", None), "ALL_OBJECTS", None) or {}

    def given(self, name: str) -> bool:
        return self._saving.get_registered_object(name, self._custom) is not None

    def own(self, name: str) -> bool:
        known = name in self._table or name in ("Functional", "function")
        return known or any(hasattr(part, name) for part in self._parts) or self._activates(name)

    def _activates(self, name: str) -> bool:
        """Whether Keras has an activation of that name, which it may not show: relu6 is one."""
        try:
            return callable(self._keras.activations.get(name))
        except (ValueError, TypeError, KeyError, AttributeError):
            return False


def _keras_that_wrote(file: ModelFile) -> Any:
    if file.keras == 2:
        return stack.keras()
    stack.require()
    keras = importlib.import_module("keras")
    if keras.__version__.startswith("2."):
        raise ConversionError(
            f"{file.path} was written by Keras 3, and here is Keras {keras.__version__}: save the "
            "model with Keras 2, or load it where Keras 3 is (Python 3.11 and later)."
        )
    return keras


def _folder_config(file: ModelFile) -> Mapping[str, Any]:
    """The layers of a SavedModel, from the text that Keras keeps beside the graph."""
    messages = importlib.import_module(
        stack.keras().Model.__module__.split(".")[0] + ".protobuf.saved_metadata_pb2"
    )
    metadata = messages.SavedMetadata()
    try:
        metadata.ParseFromString((Path(file.path) / "keras_metadata.pb").read_bytes())
        root = next(node for node in metadata.nodes if node.node_path == "root")
        model = json.loads(root.metadata, object_hook=_plain)
        config = {"class_name": model["class_name"], "config": model["config"]}
    except Exception as error:  # of protobuf, whose classes differ, of JSON, or a missing entry
        raise ConversionError(
            f"{file.path} can't be read: its keras_metadata.pb is damaged ({_reason(error)})."
        ) from error
    return config


def _plain(entry: dict[str, Any]) -> Any:
    """Tuples and shapes, which JSON has not, as Keras writes them into a SavedModel."""
    if entry.get("class_name") in ("__tuple__", "TensorShape") and "items" in entry:
        return tuple(entry["items"])
    return ... if entry.get("class_name") == "__ellipsis__" else entry


@contextlib.contextmanager
def _named_as_keras_expects(file: ModelFile) -> Iterator[str]:
    """The path, or a link to the file with the ending that Keras tells its kind by."""
    ending = {"h5": (".h5", ".hdf5"), "keras": (".keras",), "folder": ("",)}[file.kind]
    if file.path.endswith(ending):
        yield file.path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = os.path.join(folder, f"model{ending[0]}")
        try:
            os.symlink(os.path.abspath(file.path), link)
        except OSError:  # a system without
            shutil.copyfile(file.path, link)
        yield link


def _refused(file: ModelFile, found: Sequence[Stranger]) -> ConversionError:
    """All that is not known, or would run, at once."""
    found = list({_what(stranger): stranger for stranger in reversed(found)}.values())[::-1]
    errors = [_refusal(file, stranger) for stranger in found]
    if len(errors) == 1:
        return errors[0]
    code = _CODE + (_TRUST if file.keras == 2 else "")
    named = [
        (_what(stranger), "", code if stranger.code else remedy(stranger, file.keras))
        for stranger in found
    ]
    words = f"{file.path} has parts that Keras itself does not have"
    return ConversionError(
        listed(words, by_reason(named)), layer=errors[0].layer, problems=tuple(errors)
    )


_CODE = "it is code that was not run; write it with layers or operators of Keras"
_TRUST = ", or allow it with trust=True (--trust), if you trust whoever made the file"


def _what(stranger: Stranger) -> str:
    """A part of a model that is not known, with the layer that has it."""
    layer = f"layer {stranger.layer!r}" if stranger.layer else "the model"
    if stranger.code:
        return f"{stranger.code} in {layer}"
    origin = f" of {stranger.module}" if stranger.module else ""
    name = f"{stranger.name}{origin}"
    return f"{layer} of type {name}" if stranger.is_layer else f"{name} in {layer}"


def _refusal(file: ModelFile, stranger: Stranger) -> ConversionError:
    layer = f"layer {stranger.layer!r}" if stranger.layer else "the model"
    if stranger.code:
        kind = f" ({stranger.name})" if stranger.is_layer else ""
        message = (
            f"{file.path} brings code of its own, which was not run: {layer}{kind} holds "
            f"{stranger.code}. Write it with layers or operators of Keras, which can be converted"
        )
        if file.keras == 2:
            message += (
                "; or, if you trust whoever made the file, allow it with trust=True (--trust), "
                "and it may at best run as it is (allow_fallback=True)"
            )
        return ConversionError(f"{message}.", layer=stranger.layer or None)
    return ConversionError(
        f"{file.path} has {_what(stranger)}, which Keras itself does not have: "
        f"{remedy(stranger, file.keras)}.", layer=stranger.layer or None,
    )  # fmt: skip


def _reason(error: Exception) -> str:
    """The innermost reason in an error of Keras, without its advice and what it quotes."""
    text = str(error).strip() or type(error).__name__
    text = text.rpartition("Exception encountered:")[2].strip() or text
    text = (
        re.split(r"\n|\.\s+(Make sure|Please|If they|Full object|See )", text)[0]
        .strip()
        .rstrip(".")
    )
    return text if len(text) <= 300 else f"{text[:300]} ..."
