"""`LayerConverter`: the base class of all our layer converters."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nengo
import nengo_dl
import numpy as np
from nengo.ensemble import Neurons

from ...errors import ConversionWarning
from ...spiking.amplitudes import with_amplitude_divided
from ..host_node import HostFunction, HostNode
from ..reasons import FALLBACK
from .activation_keys import activation_keys
from .curves import CURVELESS, HEADS, HostCurve, PiecewiseLinear, form_of
from .linear import LinearConverter
from .rounded import Round, Rounded


@dataclass(frozen=True)
class Stage:
    """An activation as Nengo objects.

    Attributes
    ----------
    input, output : nengo.Node, nengo.ensemble.Neurons or nengo_dl.TensorNode
        Where the layer's linear part goes, and where the layer's output comes from.
    """

    input: Any
    output: Any


class LayerConverter(LinearConverter):
    """Base class of layer converters, with the methods that most of them need.

    A subclass defines ``convert(node_id)``, which makes Nengo objects for one application
    of ``self.layer`` and returns the one that its output comes from; where some layers of the type
    can't be converted, ``problem``; and, for prices without a conversion, the static methods
    ``shape`` and ``count`` (see `register_layer_converter`).

    See ``nengo_dl.converter.LayerConverter`` for ``add_connection``, ``get_input_obj``,
    ``input_shape`` and ``output_shape``.
    """

    # -- activations ----------------------------------------------------------------------

    def add_stage(
        self, node_id: int, activation: Any = None, biases: np.ndarray | None = None,
        channel_axis: int = -1,
    ) -> Stage:  # fmt: skip
        """The objects that add biases and apply an activation.

        Parameters
        ----------
        node_id : int
        activation : optional
            A Keras or TensorFlow function, a Keras layer that is an activation, a Nengo
            neuron type, a `PiecewiseLinear` or a `Rounded` curve; default: linear.
        biases : ndarray of shape (n_channels,), optional
            One bias a channel of the output.
        channel_axis : {-1, 0}
            The axis of one sample that holds the channels.

        Raises
        ------
        ConversionError
            If there are no neurons of that activation.
        """
        wanted = self.converter.swapped(self.layer, activation)
        rounded = getattr(self.converter.swaps.replaced(wanted), "rounded", wanted)
        if isinstance(rounded, Rounded):
            return self._add_rounded(node_id, rounded, biases, channel_axis)
        if wanted is not activation and isinstance(wanted, nengo.neurons.NeuronType):
            form = self.converter.swaps.chain(wanted)
        else:
            activation = wanted
            form = form_of(activation, self.converter.swaps, self.activation_map)
        if self.converter.is_head(self.layer) and any(
            form is neurons for neurons in self.activation_map.values()
        ):
            # a curve that has rates only, behind which there is nothing that needs neurons
            form = HEADS.get(activation_keys(activation)[0], form)
        shape = self.output_shape(node_id)
        if biases is not None:
            per_axis = [1] * len(shape)
            per_axis[channel_axis] = len(biases)
            full = np.ravel(np.broadcast_to(np.reshape(biases, per_axis), shape))
            # A parameter that many neurons share can't be trained in their biases.
            shared = not self.inference_only and len(biases) < len(full)
        in_neurons = biases is not None and not shared

        if isinstance(form, nengo.neurons.NeuronType):
            neurons = self.add_neurons(node_id, form, full if in_neurons else None)
            stage = Stage(neurons, neurons)
        elif isinstance(form, PiecewiseLinear):
            in_neurons = in_neurons and self.inference_only
            stage = self._add_populations(node_id, form, full if in_neurons else None)
        else:
            in_neurons = False
            obj = self._add_node(node_id, form, activation)
            stage = Stage(obj, obj)
        if biases is not None and not in_neurons:
            if self.inference_only:
                self.add_constant(node_id, stage.input, full)
            else:
                self._add_trainable_biases(node_id, stage.input, biases, per_axis, shape)
        return stage

    def _add_rounded(
        self, node_id: int, rounded: Rounded, biases: np.ndarray | None, channel_axis: int
    ) -> Stage:
        """The objects of the curve; of rates, and a Node that rounds them."""
        rounds = self.converter.rounds
        self.converter.note(self.layer, rounded.choice(rounds), exact=rounds)
        stage = self.add_stage(node_id, rounded.curve, biases, channel_axis)
        if not rounds:
            return stage
        function = Round(self.output_shape(node_id), rounded)
        node = HostNode(function, label=self.label(node_id, "rounded"))
        self.connect(stage.output, node)
        return Stage(stage.input, node)

    def add_neurons(
        self, node_id: int, neuron_type: Any, biases: Any = None, part: str | None = None,
        trainable: bool = True,
    ) -> Neurons:  # fmt: skip
        """An Ensemble of one neuron an element, with the layer's firing rates scaled.

        Parameters
        ----------
        node_id : int
        neuron_type : nengo.neurons.NeuronType
        biases : float or ndarray of shape (size,), optional
            In units of the layer's values: the scale is applied here.
        part : str, optional
            Says which population of the layer this is.
        trainable : bool
            Whether NengoDL may train the biases.
        """
        size = math.prod(self.output_shape(node_id))
        scale = self._scale(neuron_type)
        if scale != 1:
            neuron_type = with_amplitude_divided(neuron_type, scale)
        zero = biases is None
        neurons = nengo.Ensemble(
            int(size), 1, neuron_type=neuron_type, gain=nengo.dists.Choice([scale]),
            bias=nengo.dists.Choice([0]) if zero else np.broadcast_to(biases, size) * scale,
            label=self.label(node_id, part),
        ).neurons  # fmt: skip
        if zero or not trainable:
            self.set_trainable(neurons, False)
        return neurons

    def add_extremum(self, node_id: int, parts: Sequence[Any], largest: bool) -> Any:
        """The largest or smallest of several objects, element by element.

        ``max(a, b) = a + relu(b - a)`` and ``min(a, b) = a - relu(a - b)``: exact for rates, with
        neurons that any chip has. Of more objects, each is held against the largest before it.

        Parameters
        ----------
        node_id : int
        parts : sequence of Nengo objects, or slices of them
            Each of the size of the layer's output.
        largest : bool
        """
        sign = 1 if largest else -1
        relu = self.converter.swaps[nengo.RectifiedLinear()]
        found = parts[0]
        for number, part in enumerate(parts[1:], start=1):
            last = number == len(parts) - 1
            beyond = self.add_neurons(node_id, relu, part=f"beyond{number}", trainable=False)
            self.connect(part, beyond, sign)
            self.connect(found, beyond, -sign)
            output = self.add_relay(node_id, part=None if last else f"of{number + 1}")
            self.connect(found, output)
            self.connect(beyond, output, sign)
            found = output
        return found

    def add_host_node(self, node_id: int, function: HostFunction, choice: str) -> HostNode:
        """A Node that computes on the host, noted among the choices of the conversion."""
        self.converter.note(self.layer, choice, exact=True, on_host=True)
        return HostNode(function, label=self.label(node_id))

    def _add_populations(
        self, node_id: int, curve: PiecewiseLinear, biases: np.ndarray | None
    ) -> Stage:
        relu = self.converter.swaps[nengo.RectifiedLinear()]
        stage = Stage(self.add_relay(node_id, part="in"), self.add_relay(node_id))
        for term in curve.terms:
            bias: Any = self._per_element(node_id, term.shift)
            if biases is not None:
                bias = bias + term.slope * biases
            neurons = self.add_neurons(node_id, relu, bias, term.name, trainable=False)
            self.connect(stage.input, neurons, term.slope)
            self.connect(neurons, stage.output, self._per_element(node_id, term.weight))
        if curve.offset:
            self.add_constant(node_id, stage.output, np.full(stage.output.size_in, curve.offset))
        return stage

    def _per_element(self, node_id: int, value: Any) -> np.ndarray:
        """A number as it is; an array, one for each element of the output."""
        array = np.asarray(value, dtype=np.float64)
        return np.ravel(np.broadcast_to(array, self.output_shape(node_id))) if array.ndim else array

    def _add_node(self, node_id: int, form: Any, activation: Any) -> Any:
        """The object of an activation without neurons."""
        if form is None:
            return self.add_relay(node_id)
        if isinstance(form, HostCurve):
            return self.add_host_node(node_id, form.make(self.output_shape(node_id)), form.choice)
        if self.converter.allow_fallback and form is CURVELESS:
            words = f"its activation {_name(activation)} falls back to a TensorNode."
            warnings.warn(f"Layer {self.layer.name!r}: {words}", ConversionWarning, stacklevel=2)
            return nengo_dl.TensorNode(
                activation, shape_in=self.output_shape(node_id), pass_time=False,
                label=self.label(node_id),
            )  # fmt: skip
        name = _name(activation)
        raise self.refused(
            f"no neuron type has the curve of its activation {name!r}; train it with relu, put "
            "another in its place, which computes something else "
            f"(swap_activations={{{name!r}: 'relu'}}, --swap {name}=relu), or {FALLBACK}"
        )

    def _add_trainable_biases(
        self, node_id: int, obj: Any, biases: np.ndarray, per_axis: Sequence[int],
        shape: Sequence[int],
    ) -> None:  # fmt: skip
        """One trainable weight a channel, handed to all elements of that channel."""
        node = nengo.Node([1], label=self.label(node_id, "bias"))
        if len(biases) == math.prod(shape):
            self.connect(node, obj, biases[:, None], trainable=True)
            return
        relay = self.add_relay(node_id, len(biases), "bias_relay")
        self.connect(node, relay, biases[:, None], trainable=True)
        channels = np.ravel(np.broadcast_to(np.arange(len(biases)).reshape(per_axis), shape))
        indices = list(zip(range(len(channels)), channels))
        spread = nengo.Sparse((len(channels), len(biases)), indices=indices)
        self.connect(relay, obj, spread)

    def _scale(self, neuron_type: Any) -> float:
        """Scale of the layer's firing rates, 1 for neurons whose output can't be scaled back."""
        scales = self.converter.scale_firing_rates
        if isinstance(scales, dict):
            scales = scales.get(self.layer)
        if scales is None or scales == 1:
            return 1
        if not hasattr(neuron_type, "amplitude"):
            words = (
                f"Layer {self.layer.name!r}: scale_firing_rates has no effect on "
                f"{type(neuron_type).__name__} neurons, which have no amplitude to divide."
            )
            warnings.warn(words, ConversionWarning, stacklevel=2)
            return 1
        return scales


def _name(activation: Any) -> str:
    activation = getattr(activation, "quantizer", activation)
    return getattr(activation, "__name__", None) or type(activation).__name__
