"""A Keras model whose layers compute all steps of a presentation at once.

Time is folded into the batch: a tensor has ``n_steps * batch_size`` rows, those of the first step
first. So a layer without a memory of its own, a convolution or a sum, is one operation for all
steps; only neurons go through the steps one by one (neuron_steps.py). What does not change from
step to step, such as what a layer makes of an image, has ``batch_size`` rows, and is computed once.

A spike is as high as in the Nengo network, ``amplitude / (scale * dt)``; a current is multiplied by
the scale. What arrives later (a delay, a filter) is delayed where it leaves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from .neuron_steps import Neurons, steps_of


@dataclass(frozen=True)
class Presentation:
    """How samples are shown, and how spikes travel.

    Attributes
    ----------
    n_steps, batch_size : int
    layer_delay : int
        Steps from a spike to where it arrives.
    tau_s : float, optional
        Time constant of the filter that it passes, which takes a step, too.
    dt : float
        Length of a step in s.
    """

    n_steps: int
    batch_size: int
    layer_delay: int
    tau_s: float | None
    dt: float

    def by_step(self, x: tf.Tensor) -> list[tf.Tensor]:
        """The rows of each step."""
        if self.is_constant(x):
            return [x] * self.n_steps
        return tf.split(x, self.n_steps)

    def is_constant(self, x: tf.Tensor) -> bool:
        """Whether a tensor is the same at all steps."""
        return x.shape[0] == self.batch_size and self.n_steps > 1

    def alike(self, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
        """Tensors that one layer takes together, each with all steps if one of them has."""
        if all(map(self.is_constant, tensors)):
            return tensors
        return [tf.concat(self.by_step(x), 0) if self.is_constant(x) else x for x in tensors]

    def arriving(self, sent: list[tf.Tensor], read_by_host: bool) -> list[tf.Tensor]:
        """What arrives at each step, of what was sent at each step.

        Parameters
        ----------
        sent : list of tf.Tensor
        read_by_host : bool
            Whether a chip sends it to its host, which reads the first step's spikes in its first
            step already, and again in the second: NengoLoihi fills the queue before.
        """
        if self.layer_delay and read_by_host:
            return [sent[0], *sent[:-1]]
        nothing = tf.zeros_like(sent[0])
        late = self.layer_delay if self.tau_s is None else 1
        arrived = [nothing] * min(late, len(sent)) + sent[: len(sent) - late]
        if self.tau_s is None:
            return arrived
        keep = math.exp(-self.dt / self.tau_s) if self.tau_s else 0.0
        filtered = [nothing]
        for value in arrived:
            filtered.append(keep * filtered[-1] + (1 - keep) * value)
        return filtered[1:]


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
        """What the layer computes."""
        flat = tf.nest.flatten((args, kwargs))
        places = [i for i, part in enumerate(flat) if tf.is_tensor(part)]
        if flat and all(flat[i].shape[0] is not None for i in places):
            for i, tensor in zip(places, self.presentation.alike([flat[i] for i in places])):
                flat[i] = tensor
        args, kwargs = tf.nest.pack_sequence_as((args, kwargs), flat)
        if getattr(self.layer, "_expects_training_arg", False):
            kwargs["training"] = False
        return self.layer(*args, **kwargs)


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
        Spikes of each step, when it was called last.
    drive : tf.Tensor
        What its neurons were given when they gave rates last, without the scale.
    log_scale, log_gain : tf.Variable
        Logarithms of the scale, and of the gain of each channel.
    rates : bool
        Whether neurons give their rate in place of spikes.
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
        self.neurons, self.rates, self.read_by_host = neurons, False, False
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
        if args[0].shape[0] is None:
            return self.linear(*args, **kwargs)  # while the model is put together
        if self.rates:
            self.drive = self.linear(*args, **kwargs)
            return tf.nn.relu(self.drive) * self.amplitude
        self.fired = self.spikes(*args, **kwargs)
        arriving = tf.concat(self.presentation.arriving(self.fired, self.read_by_host), 0)
        return arriving * tf.cast(self.height(), arriving.dtype)

    def linear(self, *args: Any, **kwargs: Any) -> tf.Tensor:
        """What comes before the neurons."""
        if isinstance(self.layer, tf.keras.layers.ReLU):
            return args[0]
        return super().call(*args, **kwargs)

    def spikes(self, *args: Any, **kwargs: Any) -> list[tf.Tensor]:
        """Spikes of each step."""
        gain = self.scale_now()
        if self.log_gain.trainable:
            gain = gain * tf.exp(self.log_gain)
        drive = self.linear(*args, **kwargs)
        currents = self.presentation.by_step(drive * tf.cast(gain, drive.dtype))
        return self._steps(self.neurons, currents)

    def scale_now(self) -> Any:
        """The scale, with a gradient if it is trained."""
        # a logarithm rounds: a scale that is not trained is the one given
        return tf.exp(self.log_scale) if self.log_scale.trainable else self._scale

    def height(self) -> Any:
        """Of a spike."""
        return self.amplitude / self.neurons.dt / self.scale_now()

    def sent(self) -> list[tf.Tensor]:
        """What its neurons gave at each step, when it was called last."""
        return [fired * tf.cast(self.height(), fired.dtype) for fired in self.fired]

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
