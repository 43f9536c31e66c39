"""``nengo_dl.Converter`` with our layer converters, and a record of its choices."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import nengo
import nengo_dl
import tensorflow as tf
from nengo_dl import graph_optimizer

from ..errors import ConversionError, ConversionWarning
from .layers import converters
from .reasons import JOINS_STEPS, WRAPS_A_MODEL, layer_error
from .temporal import joins_steps, wraps_a_model

#: Warnings of nengo_dl that are no news to a caller of `convert`.
_EXPECTED_WARNINGS = ("Converting sequential model", "swap_activations contained")


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
    chip_synapses : bool
        Whether filters before neurons become synapses, as hardware has them, one step later.
    **options
        As in ``nengo_dl.Converter``.

    Attributes
    ----------
    owners : dict from Nengo object to str
        Name of the layer that made each Ensemble and Node.
    choices : list of LayerChoice
    """

    # NengoDL looks here by the type of a layer. Only this class does: a nengo_dl.Converter
    # works as if this package was not there.
    converters = converters

    def __init__(
        self, model: tf.keras.Model, *, max_pooling: str, chip_synapses: bool = False,
        **options: Any,
    ):  # fmt: skip
        self.max_pooling, self.chip_synapses = max_pooling, chip_synapses
        self.owners: dict[Any, str] = {}
        self.choices: list[LayerChoice] = []
        self._path: list[str] = []
        self._wrapped: set[int] = set()
        super().__init__(model, **options)
        with self.net:
            # NengoDL's default planner merges all neurons into one array and then writes with
            # a scatter: with a synapse, 4 to 10 times slower for the same outputs.
            nengo_dl.configure_settings(planner=graph_optimizer.noop_planner)

    def note(self, layer: Any, choice: str, *, exact: bool, on_host: bool = False) -> None:
        """Record the form that was chosen for a layer."""
        name = "".join(self._path) + layer.name
        made = LayerChoice(name, type(layer).__name__, choice, exact, on_host)
        if made not in self.choices:  # a layer that is applied several times
            self.choices.append(made)

    def get_converter(self, layer: Any) -> Any:
        """The converter of a layer, which records its objects and names the layer in errors."""
        try:
            if wraps_a_model(layer):
                raise ValueError(WRAPS_A_MODEL)
            converter = super().get_converter(layer)
        except ConversionError:
            raise
        except Exception as error:
            raise layer_error(layer, error) from error
        # get_converter returns the same instance for every application of a layer
        if id(converter) not in self._wrapped:
            self._wrapped.add(id(converter))
            converter.convert = self._recording(layer, converter.convert)
        return converter

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
            except ConversionError:
                raise
            except Exception as error:
                raise layer_error(layer, error) from error
            finally:
                if nested:
                    self._path.pop()
            if not is_model:
                name = "".join(self._path) + layer.name
                # a wrapper such as TimeDistributed takes over from the layer it wraps
                self.owners.update((obj, name) for obj in _objects_here() if obj not in before)
            return result

        return convert_and_record


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
    for warning in caught:
        message = str(warning.message)
        if "nengo_dl" not in warning.filename:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        elif not message.startswith(_EXPECTED_WARNINGS):
            warnings.warn(message, ConversionWarning, stacklevel=3)
    return converter
