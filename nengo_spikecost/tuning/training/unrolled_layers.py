"""A Keras model whose layers compute all steps of a presentation at once.

Time is folded into the batch (folded_steps.py). So a layer without a memory of its own, a
convolution or a sum, is one operation for all steps; only neurons go through the steps one by one
(neuron_steps.py).

A spike is as high as in the Nengo network, ``amplitude / (scale * dt)``; a current is multiplied by
the scale. What arrives later (a delay, a filter) is delayed where it leaves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from .folded_steps import Presentation, Span
from .neuron_steps import Neurons, rests, steps_of


class Folded(tf.keras.layers.Layer):
    """A layer of the model, of all steps at once.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
    presentation : Presentation
    """

    def __init__(self, layer: Any, presentation: Presentation):
        super().__init__(name=layer.name, dtype=layer.dtype_policy, dynamic=False)
        self.layer, self.presentation = layer, presentation

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes, with the steps that it is of."""
        time, flat = self.presentation, tf.nest.flatten((args, kwargs))
        places = [i for i, part in enumerate(flat) if tf.is_tensor(part)]
        given = [flat[i] for i in places]

        def computed(tensors: list[tf.Tensor]) -> Any:
            for i, tensor in zip(places, tensors):
                flat[i] = tensor
            own_args, own_kwargs = tf.nest.pack_sequence_as((args, kwargs), flat)
            if getattr(self.layer, "_expects_training_arg", False):
                own_kwargs["training"] = False
            return self.layer(*own_args, **own_kwargs)

        if time.rates or not given or given[0].shape[0] is None:
            return computed(given)
        together, start, stop = time.together(given)
        inside = computed(together)
        if (start, stop) == (0, time.n_steps):
            return inside  # there is no step outside
        outside = tf.nest.map_structure(lambda _: None, inside)
        if not (keeps_zero(self.layer) and all(time.span(x).outside is None for x in given)):
            outside = computed([time.outside(x) for x in given])
        for x, other in zip(tf.nest.flatten(inside), tf.nest.flatten(outside)):
            time.put(x, Span(start, stop, other))
        return inside


class Spiking(Folded):
    """A layer with neurons: its linear part, and then their steps.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        Its activation is replaced by none.
    presentation : Presentation
    neurons : Neurons
    scale : float
        Of its firing rates.
    learns : {None, "layer", "channel"}
        Whether its scale is trained, or a gain for each channel.

    Attributes
    ----------
    fired : list of tf.Tensor
        Spikes of the steps at which it may have some, when it was called last.
    start : int
        The first of these steps.
    drive : tf.Tensor
        What its neurons were given when they gave rates last, without the scale.
    log_scale, log_gain : tf.Variable
        Logarithms of the scale, and of the gain of each channel.
    read_by_host : bool
        Whether it is on a chip, and all its spikes go to the host.
    """

    def __init__(
        self, layer: Any, presentation: Presentation, neurons: Neurons, scale: float,
        learns: str | None,
    ):  # fmt: skip
        super().__init__(layer, presentation)
        if hasattr(layer, "activation"):
            layer.activation = tf.keras.activations.linear
        self.neurons, self.read_by_host, self.start = neurons, False, 0
        self._steps = steps_of(neurons.type, layer.name)
        self.fired: list[tf.Tensor] = []
        self.drive: Any = None
        self._scale = scale
        #: Of the neurons, without the scale, which the type's is divided by.
        self.amplitude = float(neurons.type.amplitude) * scale
        self.log_scale = tf.Variable(
            math.log(scale), trainable=learns == "layer", dtype=tf.float32, name="log_scale"
        )
        by_channel = learns == "channel" and fold_of(layer) is not None
        n_channels = int(layer.output_shape[-1]) if by_channel else 1
        self.log_gain = tf.Variable(
            tf.zeros(n_channels), trainable=by_channel, dtype=tf.float32, name="log_gain"
        )

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the neurons hand on."""
        time = self.presentation
        if args[0].shape[0] is None:
            return self.linear(*args, **kwargs)  # while the model is put together
        if time.rates:
            self.drive = self.linear(*args, **kwargs)
            return tf.nn.relu(self.drive) * self.amplitude
        self.start, self.fired = self.spikes(*args, **kwargs)
        arriving = time.arriving(self.fired, self.start, self.read_by_host)
        high = arriving * tf.cast(self.height(), arriving.dtype)
        return time.put(high, time.span(arriving))

    def linear(self, *args: Any, **kwargs: Any) -> tf.Tensor:
        """What comes before the neurons."""
        if isinstance(self.layer, tf.keras.layers.ReLU):
            return args[0]
        return super().call(*args, **kwargs)

    def spikes(self, *args: Any, **kwargs: Any) -> tuple[int, list[tf.Tensor]]:
        """The first step at which neurons may spike, and the spikes of as many as they may."""
        time, gain = self.presentation, self.scale_now()
        if self.log_gain.trainable:
            gain = gain * tf.exp(self.log_gain)
        drive = self.linear(*args, **kwargs)
        span = time.span(drive)
        start, stop = span.start, span.stop
        if span.outside is not None or not rests(self.neurons):
            start, stop = 0, time.n_steps
        gain = tf.cast(gain, drive.dtype)
        if time.is_constant(drive) and span.outside is None and (start, stop) == span[:2]:
            return start, self._steps(self.neurons, [drive * gain] * (stop - start))
        currents = [step * gain for step in time.steps(drive, start, stop)]
        return start, self._steps(self.neurons, currents)

    def scale_now(self) -> Any:
        """The scale, with a gradient if it is trained."""
        # a logarithm rounds: a scale that is not trained is the one given
        return tf.exp(self.log_scale) if self.log_scale.trainable else self._scale

    def height(self) -> Any:
        """Of a spike."""
        return self.amplitude / self.neurons.dt / self.scale_now()

    def sent(self) -> list[tf.Tensor]:
        """What its neurons gave at each step, when it was called last."""
        return [fired * tf.cast(self.height(), fired.dtype) for fired in self.all_fired()]

    def all_fired(self) -> list[tf.Tensor]:
        """Spikes of each step, when it was called last."""
        nothing = tf.zeros_like(self.fired[0])
        after = self.presentation.n_steps - self.start - len(self.fired)
        return [nothing] * self.start + self.fired + [nothing] * after

    @property
    def scale(self) -> float:
        """The scale of its firing rates, as it is now."""
        return math.exp(float(self.log_scale.numpy())) if self.log_scale.trainable else self._scale

    @scale.setter
    def scale(self, scale: float) -> None:
        self._scale = scale
        self.log_scale.assign(math.log(scale))

    def counts(self) -> tf.Tensor:
        """Spikes of each sample and neuron, shape (batch_size, n_neurons)."""
        return tf.reshape(tf.add_n(self.fired), (self.presentation.batch_size, -1))

    def folded_weights(self) -> dict[int, np.ndarray]:
        """Weights of the layer that the gains of channels are folded into, by position."""
        fold = fold_of(self.layer) if self.log_gain.trainable else None
        return {} if fold is None else fold(self.layer, np.exp(self.log_gain.numpy()))


def keeps_zero(layer: Any) -> bool:
    """Whether a layer is known to make zeros of zeros."""
    if layer.weights:
        return any(isinstance(layer, kind) for kind in _FOLDS) and not layer.use_bias
    linear = getattr(layer, "activation", tf.keras.activations.linear)
    return isinstance(layer, _WITHOUT_WEIGHTS) and linear is tf.keras.activations.linear


def fold_of(layer: Any) -> Any:
    """The function that folds gains of channels into a layer's weights, if it has some."""
    for kind, fold in _FOLDS.items():
        if isinstance(layer, kind) and getattr(layer, "data_format", "") != "channels_first":
            return fold
    return None


def _fold_last(layer: Any, gain: np.ndarray) -> dict[int, np.ndarray]:
    """Kernels whose last axis is that of the channels, and biases."""
    return dict(enumerate(w * gain for w in layer.get_weights()))


def _fold_depthwise(layer: Any, gain: np.ndarray) -> dict[int, np.ndarray]:
    kernel, *bias = layer.get_weights()
    folded = kernel * gain.reshape(kernel.shape[-2:])
    return dict(enumerate([folded, *(b * gain for b in bias)]))


def _fold_separable(layer: Any, gain: np.ndarray) -> dict[int, np.ndarray]:
    _, *rest = layer.get_weights()
    return dict(enumerate((w * gain for w in rest), start=1))


def _fold_transposed(layer: Any, gain: np.ndarray) -> dict[int, np.ndarray]:
    kernel, *bias = layer.get_weights()
    return dict(enumerate([kernel * gain[:, None], *(b * gain for b in bias)]))


_layers = tf.keras.layers
#: The first that a layer is an instance of.
_FOLDS: Mapping[type, Any] = {
    _layers.DepthwiseConv1D: _fold_depthwise, _layers.DepthwiseConv2D: _fold_depthwise,
    _layers.SeparableConv1D: _fold_separable, _layers.SeparableConv2D: _fold_separable,
    _layers.Conv1DTranspose: _fold_transposed, _layers.Conv2DTranspose: _fold_transposed,
    _layers.Conv3DTranspose: _fold_transposed, _layers.Dense: _fold_last,
    _layers.Conv1D: _fold_last, _layers.Conv2D: _fold_last, _layers.Conv3D: _fold_last,
}  # fmt: skip

#: Layers without weights that make zeros of zeros.
_WITHOUT_WEIGHTS = (
    _layers.Activation, _layers.Flatten, _layers.Reshape, _layers.Permute, _layers.Add,
    _layers.Subtract, _layers.Average, _layers.Concatenate, _layers.ZeroPadding1D,
    _layers.ZeroPadding2D, _layers.Cropping1D, _layers.Cropping2D, _layers.UpSampling1D,
    _layers.UpSampling2D, _layers.AvgPool1D, _layers.AvgPool2D, _layers.GlobalAvgPool1D,
    _layers.GlobalAvgPool2D,
)  # fmt: skip
