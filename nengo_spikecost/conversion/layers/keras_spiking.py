"""The layers of KerasSpiking: spiking activations, and filters.

A step of the Keras model is a step of the network, which is simulated with the ``dt`` of these
layers (`Conversion.dt`). It may be another than at first, after training with a ``DtScheduler``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo
import numpy as np
import tensorflow as tf
from nengo_dl import compat

from ...errors import ConversionError
from ..filter_node import FilterNode, alpha_filter, lowpass_filter
from ..lookup import neuron_layer
from .base import LayerConverter
from .converter_registry import register_layer_converter

#: Relative difference up to which numbers are the same in float32.
_SAME = 1e-6

_ACTIVATION_LAYERS = (
    tf.keras.layers.ReLU, tf.keras.layers.LeakyReLU, tf.keras.layers.PReLU, tf.keras.layers.ELU,
    compat.SpikingActivation,
)  # fmt: skip


def step_of(layer: Any) -> float:
    """The ``dt`` of a layer as it is now, in s: it may be a variable that was scheduled."""
    # float32 has other digits behind 0.001
    return float(f"{float(tf.keras.backend.get_value(layer.dt)):.6g}")


def own_step(layers: Mapping[str, Any]) -> float | None:
    """The ``dt`` of the layers of KerasSpiking among these, in s; None if there are none.

    Parameters
    ----------
    layers : mapping from str to Keras layer

    Raises
    ------
    ConversionError
        If they have several.
    """
    kinds = (compat.SpikingActivation, compat.Lowpass, compat.Alpha)
    steps = {name: step_of(layer) for name, layer in layers.items() if isinstance(layer, kinds)}
    if len(set(steps.values())) > 1:
        said = ", ".join(f"{name!r} dt={dt:g}" for name, dt in steps.items())
        raise ConversionError(
            f"Layers of KerasSpiking were made for steps of several lengths ({said}), and a "
            "network has one. Give all of them the same dt; a step of the model is a step of each."
        )
    return next(iter(steps.values()), None)


class KerasSpikingConverter(LayerConverter):
    """Base class of all layers of KerasSpiking."""

    unsupported_args: ClassVar[list[Any]] = [
        ("return_state", False), ("return_sequences", True), ("time_major", False),
    ]  # fmt: skip
    allow_fallback = False

    @property
    def dt(self) -> float:
        """The layer's ``dt`` as it is now, in s."""
        return step_of(self.layer)


@register_layer_converter(compat.SpikingActivation)
class ConvertSpikingActivation(KerasSpikingConverter):
    """Neurons that sum the rates of an activation and spike at every whole number they pass."""

    unsupported_training_args: ClassVar[list[Any]] = [("spiking_aware_training", False)]

    def convert(self, node_id: int) -> Any:
        """One Ensemble of regular spiking neurons; ``swap_activations`` leaves them alone."""
        rate_type = self.activation_map.get(self.layer.activation)
        if rate_type is None:
            name = getattr(self.layer.activation, "__name__", self.layer.activation)
            raise self.refused(f"no neuron type has the curve of its activation {name!r}")
        cell = self.layer.layer.cell
        voltage = tf.keras.backend.get_value(cell.get_initial_state(batch_size=1, dtype="float32"))
        neurons = nengo.RegularSpiking(rate_type, initial_state={"voltage": np.ravel(voltage[0])})
        output = self.add_neurons(node_id, neurons)
        self.connect(self.get_input_obj(node_id), output)
        return output


@register_layer_converter(compat.Lowpass, compat.Alpha)
class ConvertFilter(KerasSpikingConverter):
    """Filters with a time constant of their own for each element.

    Where only an output follows, or the network is not lowered, a `FilterNode`, which
    answers within the step as the layer does. Before neurons of a chip, if all elements are
    filtered alike, the synapse that the chip has: it answers one step later.
    """

    @classmethod
    def problem(cls, layer: Any, converter: Any) -> str | None:
        """Time constants and levels can't be trained in NengoDL."""
        if not converter.inference_only and layer.trainable:
            return "its time constants need inference_only=True, or layer.trainable=False"
        return None

    def convert(self, node_id: int) -> Any:
        """A Node, with the filter in it or in the Connection to it."""
        tau, level = self._parameters(node_id)
        is_alpha = isinstance(self.layer, compat.Alpha)
        alike = np.ptp(tau) <= _SAME * np.abs(tau).max() and not level.any()
        pre = self.get_input_obj(node_id)
        if alike and self.converter.chip_synapses and leads_to_neurons(self.layer):
            one = float(tau[0])
            synapse = nengo.Alpha(one) if is_alpha else nengo.Lowpass(one)
            output = self.add_relay(node_id)
            conn = nengo.Connection(pre, output, synapse=synapse)
            self.set_trainable(conn, False)
            self.converter.note(self.layer, "a synapse, which answers one step later", exact=False)
            return output
        make = alpha_filter if is_alpha else lowpass_filter
        output = FilterNode(make(tau, level, self.dt), label=self.label(node_id))
        conn = nengo.Connection(pre, output, synapse=None)
        self.set_trainable(conn, False)
        self.converter.note(self.layer, "a filter on the host", exact=True, on_host=True)
        return output

    def _parameters(self, node_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Time constants in s and initial levels, one an element."""
        cell = self.layer.layer.cell
        return tuple(
            np.ravel(tf.keras.backend.get_value(x)).astype(np.float64)
            for x in (cell.tau, cell.initial_level)
        )  # type: ignore[return-value]


def leads_to_neurons(layer: Any) -> bool:
    """Whether any layer behind this one, in the same model, becomes neurons."""
    waiting, seen = [layer], set()
    while waiting:
        for node in waiting.pop().outbound_nodes:
            follower = node.outbound_layer
            if id(follower) not in seen:
                seen.add(id(follower))
                if _makes_neurons(follower):
                    return True
                waiting.append(follower)
    return False


def _makes_neurons(layer: Any) -> bool:
    layer = neuron_layer(layer)
    if isinstance(layer, tf.keras.Model):
        return any(_makes_neurons(inner) for inner in layer.layers)
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return isinstance(layer, _ACTIVATION_LAYERS) or name not in ("linear", "softmax")
