"""``nengo_dl.Converter`` with our layer converters, and a record of its choices."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo_dl import graph_optimizer

from ..errors import ConversionError, ConversionWarning
from ..layers.layer_info import kind_of
from ..refusals import joined
from .heads import head_layers
from .layers import converters
from .layers.converter_registry import nearest_known
from .layers.swaps import Swaps
from .reasons import JOINS_STEPS, NO_OBJECT, WRAPS_A_MODEL, layer_error

#: Warnings of nengo_dl that are no news to a caller of `convert`.
_EXPECTED_WARNINGS = ("Converting sequential model",)

#: One that the caller of `run_converter` raises as an error, in its own words.
_SAID_BY_US = ("swap_activations contained",)


@dataclass(frozen=True)
class LayerChoice:
    """The form that was chosen for a layer that has several.

    Attributes
    ----------
    layer : str
        Name of the layer.
    layer_type : str
        Name of its Keras type.
    choice : str
        The form it has now: ``"average pooling"``, ``"softmax on the host"``.
    exact : bool
        Whether it computes the same as the Keras layer.
    on_host : bool
        Whether it runs on the host, not in neurons or synapses.
    """

    layer: str
    layer_type: str
    choice: str
    exact: bool
    on_host: bool


class RecordingConverter(nengo_dl.Converter):
    """A Converter that uses our layer converters, and whose errors name the layer.

    Parameters
    ----------
    model : tf.keras.Model
    max_pooling : {"exact", "average", "strided"}
        The form of max pooling layers.
    swaps : Swaps
        The user's replacements of activations and neuron types.
    layer_names : mapping from int to str
        Name of each layer of ``model``, by ``id``.
    chip_synapses : bool
        Whether filters before neurons become synapses, as hardware has them, one step later.
    rounds : bool
        Whether the rounding of quantized activations is computed; spikes round in their own way.
    **options
        Handed on to ``nengo_dl.Converter``.

    Attributes
    ----------
    owners : dict from Nengo object to str
        Name of the layer that made each Ensemble and Node.
    choices : list of LayerChoice
    in_float64 : bool
        Whether NengoDL has to compute in float64: a layer converter sets it.
    refusals : list of ConversionError
        Of each layer that can't be converted: a Node stands in its place, so that the layers
        behind it are looked at too, and `run_converter` raises all of them in one.
    """

    # NengoDL looks here by the type of a layer. Only this class does: a nengo_dl.Converter
    # works as if this package was not there.
    converters = converters

    def __init__(
        self, model: tf.keras.Model, *, max_pooling: str, swaps: Swaps,
        layer_names: Mapping[int, str], chip_synapses: bool = False, rounds: bool = False,
        **options: Any,
    ):  # fmt: skip
        self.swaps, self._layer_names = swaps, layer_names
        self._heads = head_layers(model)
        self.max_pooling, self.chip_synapses, self.rounds = max_pooling, chip_synapses, rounds
        self.owners: dict[Any, str] = {}
        self.choices: list[LayerChoice] = []
        self.in_float64 = False
        self.refusals: list[ConversionError] = []
        self._path: list[str] = []
        self._wrapped: set[int] = set()
        super().__init__(model, swap_activations=swaps, **options)
        with self.net:
            # NengoDL's default planner merges all neurons into one array and then writes with
            # a scatter: with a synapse, 4 to 10 times slower for the same outputs.
            nengo_dl.configure_settings(planner=graph_optimizer.noop_planner)
            if self.in_float64:
                nengo_dl.configure_settings(dtype="float64")

    def note(self, layer: Any, choice: str, *, exact: bool, on_host: bool = False) -> None:
        """Record the form that was chosen for a layer."""
        name = "".join(self._path) + layer.name
        made = LayerChoice(name, kind_of(layer), choice, exact, on_host)
        if made not in self.choices:  # a layer that is applied several times
            self.choices.append(made)

    def swapped(self, layer: Any, activation: Any) -> Any:
        """What the user wants for the activation of a layer, by that layer's name."""
        return self.swaps.of_layer(self._layer_names.get(id(layer), ""), activation)

    def is_head(self, layer: Any) -> bool:
        """Whether nothing behind a layer needs neurons: see `head_layers`."""
        return id(layer) in self._heads

    def get_converter(self, layer: Any) -> Any:
        """The converter of a layer, which records its objects and names the layer in errors."""
        try:
            if wraps_a_model(layer):
                raise ValueError(WRAPS_A_MODEL)
            converter = super().get_converter(layer)
        except Exception as error:
            self._refuse(layer, _named(layer, error, *nearest_known(type(layer))))
            converter = self._layer_converters[layer] = _StandIn(layer, self)
        # get_converter returns the same instance for every application of a layer
        if id(converter) not in self._wrapped:
            self._wrapped.add(id(converter))
            converter.convert = self._recording(layer, converter.convert)
        return converter

    def _refuse(self, layer: Any, error: ConversionError) -> None:
        """Note a layer that can't be converted; raise all of them if nothing can stand for it."""
        self.refusals.append(error)
        if not _StandIn.possible(layer, self.temporal_model):
            raise joined(self.refusals) from error

    def _recording(self, layer: Any, convert: Any) -> Any:
        is_model = isinstance(layer, tf.keras.Model)

        def convert_and_record(node_id: Any, *args: Any, **kwargs: Any) -> Any:
            nested = is_model and node_id is not None
            if nested:
                self._path.append(layer.name + "/")
            before = _objects_here()
            try:
                in_time = self.temporal_model and not is_model and node_id is not None
                if in_time and joins_steps(layer, node_id):
                    raise ValueError(JOINS_STEPS)
                result = convert(node_id, *args, **kwargs)
                if result is None and node_id is not None and not is_model:
                    raise ValueError(NO_OBJECT)
            except Exception as error:
                if is_model and isinstance(error, ConversionError):
                    raise
                self._refuse(layer, _named(layer, error, type(layer)))
                result = _StandIn(layer, self).convert(node_id)
            finally:
                if nested:
                    self._path.pop()
            if not is_model:
                name = "".join(self._path) + layer.name
                # a wrapper such as TimeDistributed takes over from the layer it wraps
                self.owners.update((obj, name) for obj in _objects_here() if obj not in before)
            return result

        return convert_and_record


class _StandIn(nengo_dl.converter.LayerConverter):
    """A Node with the output of a layer that can't be converted; it is never run."""

    @staticmethod
    def possible(layer: Any, temporal: bool) -> bool:
        """Whether the layer has one output of a known size in all of its applications."""
        if isinstance(layer, tf.keras.Model):
            return False
        shapes = [_shapes(node.output_tensors) for node in layer.inbound_nodes]
        first = 2 if temporal else 1
        return bool(shapes) and all(len(s) == 1 and None not in s[0][first:] for s in shapes)

    def convert(self, node_id: int) -> Any:
        """A Node without anything before it."""
        return nengo.Node(size_in=int(np.prod(self.output_shape(node_id))))


def _named(
    layer: Any, error: Exception, known: type = object, replaced: tuple[str, ...] = ()
) -> ConversionError:
    """An error that names the layer: this one, or one in its place."""
    if isinstance(error, ConversionError):
        return error
    said = layer_error(layer, error, known, replaced)
    said.__cause__ = error
    return said


def _objects_here() -> dict[Any, None]:
    """Ensembles and Nodes of the network that is being made, without those nested in it."""
    if not nengo.Network.context:
        return {}
    network = nengo.Network.context[-1]
    return dict.fromkeys((*network.ensembles, *network.nodes))


def run_converter(model: tf.keras.Model, **options: Any) -> RecordingConverter:
    """Convert, and pass on nengo_dl's warnings under our own category."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        converter = RecordingConverter(model, **options)
    if converter.refusals:
        raise joined(converter.refusals) from converter.refusals[0].__cause__
    for note in caught:
        message = str(note.message)
        if "nengo_dl" not in note.filename:
            warnings.warn_explicit(note.message, note.category, note.filename, note.lineno)
        elif not message.startswith(_EXPECTED_WARNINGS + _SAID_BY_US):
            warnings.warn(message, ConversionWarning, stacklevel=4)
    return converter


def is_temporal(model: tf.keras.Model, layers: Iterable[Any]) -> bool:
    """Whether axis 1 of a model's inputs is time, by its layers or by its inputs' shapes."""
    time_distributed = tf.keras.layers.TimeDistributed
    if any(isinstance(layer, time_distributed) or _of_keras_spiking(layer) for layer in layers):
        return True
    return any(len(x.shape) > 2 and x.shape[1] is None for x in model.inputs)


def joins_steps(layer: Any, node_id: int) -> bool:
    """Whether an application of a layer works along axis 1: a network has no other step at hand.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        A layer of a temporal model.
    node_id : int
        Which application of it.
    """
    if isinstance(layer, tf.keras.layers.InputLayer) or _of_keras_spiking(layer):
        return False
    inputs = _shapes(layer.inbound_nodes[node_id].input_tensors)
    outputs = _shapes(layer.inbound_nodes[node_id].output_tensors)
    if len({shape[1:2] for shape in inputs + outputs}) != 1:
        return True
    window = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    return window is not None and any(len(s) == np.size(window) + 2 for s in inputs)


def wraps_a_model(layer: Any) -> bool:
    """Whether a layer is TimeDistributed around a model, not a layer."""
    wrapped = getattr(layer, "layer", None)
    is_wrapper = isinstance(layer, tf.keras.layers.TimeDistributed)
    return is_wrapper and isinstance(wrapped, tf.keras.Model)


def _shapes(tensors: Any) -> list[tuple[int | None, ...]]:
    return [tuple(tensor.shape) for tensor in tf.nest.flatten(tensors)]


def _of_keras_spiking(layer: Any) -> bool:
    classes = type(layer).__mro__
    return any(cls.__module__.split(".")[0] == "keras_spiking" for cls in classes)
