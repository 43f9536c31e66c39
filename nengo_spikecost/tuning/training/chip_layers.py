"""Layers with the numbers of the chip: weights of 8 bits, whole thresholds, biases and voltages.

Forward, a layer does what NengoLoihi's emulator does with the block, or blocks, that hold its
neurons (`nengo_spikecost.loihi.emulation.kernels`), in whole numbers that float32 holds exactly.
Backward, rounding is left out: the gradient of a rounded weight is that of the weight
(*straight-through*). The units of a block follow from its largest weight ``w_max``::

    unit      =  255 / w_max                         (1) of weights
    weight    =  2**7 * round(w * unit / 2)          (2) at most 127 either way: one bit is the sign
    threshold =  2**6 * round(1/dt * unit * c)       (3) c: what a decaying current adds up to
    bias      =  2**e * round(b * 64 * unit * c / 2**e)   with 12 bits          (4)

all of them divided by ``2**k``, the smallest for which thresholds and biases are in their range.

Sources
-------
Whole numbers: nengo-loihi 1.1.0, builder/discretize.py. Straight-through gradients: Bengio et al.
2013, https://arxiv.org/abs/1308.3432.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ...errors import TuningError
from .neuron_steps import loihi_rectified, spikes
from .spiking_aware import spikes_with_gradient_of as with_gradient_of
from .unrolled_layers import Spiking

#: Largest threshold and bias, and largest exponent by which units are divided.
_VTH_MAX, _BIAS_MAN_MAX, _BIAS_EXP_MAX, _MOST_HALVINGS = (2**17 - 1) * 2**6, 2**12 - 1, 2**3 - 1, 7
#: Weights have no smaller exponent, whatever thresholds and biases have.
_MOST_HALVINGS_OF_WEIGHTS = 6
#: A weight that NengoLoihi takes for none.
_NO_WEIGHT = 1e-8
#: Largest voltage.
_HIGHEST = 2.0**23 - 1
#: Bits of what arrives in a step, and of currents, sign included: more are lost.
_INPUT_BITS, _CURRENT_BITS = 22, 24


class ChipNumbers(NamedTuple):
    """What the chip holds of a layer, each with the gradient of what it stands for.

    Attributes
    ----------
    weights : tf.Tensor
        Of the kernel's shape.
    threshold, bias : tf.Tensor of shape (n_channels,)
    fits : tf.Tensor of bool, shape (n_parts,)
        Whether a ``k`` brings those of a part into their range; if none does, they mean nothing.
    """

    weights: tf.Tensor
    threshold: tf.Tensor
    bias: tf.Tensor
    fits: tf.Tensor


class OnChip(Spiking):
    """A layer whose neurons are on the chip.

    Attributes
    ----------
    sender : Spiking
        The layer whose spikes it gets.
    fits : tf.Tensor of bool
        Whether the chip can hold the numbers that it was last computed with.
    """

    def place(self, sender: Spiking, blocks: Sequence[np.ndarray]) -> None:
        """Say where its spikes come from, and which of its neurons share a block.

        Parameters
        ----------
        sender : Spiking
        blocks : sequence of ndarray of int
            Neurons of each block.

        Raises
        ------
        TuningError
            If its weights are not one kernel with channels last, or a block has part of a
            channel's weights only.
        """
        from nengo_loihi.builder.discretize import decay_magnitude

        self.sender = sender
        if self._steps is not loihi_rectified:
            kind = type(self.neurons.type).__name__
            raise self._refused(f"neurons have to be LoihiSpikingRectifiedLinear, not {kind}")
        form = getattr(self.layer, "data_format", "channels_last"), getattr(self.layer, "groups", 1)
        if type(self.layer) not in _KERNELS or form != ("channels_last", 1):
            raise self._refused(
                "only layers Dense, Conv1D and Conv2D that have their activation themselves, with "
                "channels last and in one group, are quantized"
            )
        self._operation = _KERNELS[type(self.layer)]
        # 4095 and 4094 of 4096 stand for no filter: 1 / 4096 of a current is kept for a step
        self._adds_up = float(decay_magnitude(np.array([4094]), offset=1)[0])
        self._part_of, self._masks = self._parts(blocks)

    def _parts(self, blocks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The part that each channel belongs to, and the weights that each part holds."""
        n_channels = int(self.layer.output_shape[-1])
        part_of = np.full(n_channels, -1)
        masks: list[np.ndarray] = []
        shape = (1, *self.layer.output_shape[1:])
        kernel = tf.constant(tf.ones_like(self.layer.kernel))
        given = tf.ones((1, *self.layer.input_shape[1:]))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(kernel)
            outputs = self._operation(self.layer, given, kernel)
            sums = []
            for block in blocks:
                chosen = np.zeros(np.prod(shape), np.float32)
                chosen[block] = 1
                sums.append(tf.reduce_sum(outputs * chosen.reshape(shape)))
        for block, total in zip(blocks, sums):
            channels = np.unique(np.asarray(block) % n_channels)
            mask = tape.gradient(total, kernel).numpy() > 0
            known = np.unique(part_of[channels])
            if len(known) > 1 or (known[0] >= 0 and (masks[known[0]] != mask).any()):
                raise self._refused(
                    "its blocks hold different weights of the same channel; give other block shapes"
                )
            if known[0] < 0:
                part_of[channels] = len(masks)
                masks.append(mask)
        return part_of, np.stack(masks)

    def check(self, blocks: Sequence[Any]) -> None:
        """Hold its numbers against those of the blocks that NengoLoihi built.

        Parameters
        ----------
        blocks : sequence of (ndarray, nengo_loihi.block.LoihiBlock)
            Neurons of each block, and the block.

        Raises
        ------
        TuningError
            If they differ, as they do where other layers with weights are in between.
        """
        weights, threshold, bias = (tensor.numpy() for tensor in self.numbers()[:3])
        for neurons, block in blocks:
            channels = np.asarray(neurons) % len(threshold)
            mask = self._masks[self._part_of[channels[0]]]
            if not weights[mask].any():
                raise self._refused("its weights, or those of one of its blocks, are all 0")
            held = np.unique(np.concatenate([w.ravel() for s in block.synapses for w in s.weights]))
            if not (
                np.array_equal(block.compartment.vth, threshold[channels])
                and np.array_equal(block.compartment.bias, bias[channels])
                and np.array_equal(held, np.unique(weights[mask]))
            ):
                raise self._refused(
                    "on the chip its neurons have other weights than its kernel, as normalization "
                    "or pooling in between gives them"
                )

    def misfit(self) -> str | None:
        """Why the chip can't hold its weights as they are now, a clause; None if it can."""
        weights, bias = self._scaled()
        largest, biases = self._largest_weights(weights).numpy(), self._largest_biases(bias).numpy()
        fits = self.numbers().fits.numpy()
        if fits.all() or not np.isfinite([*largest, *biases]).all():
            return None
        part = int(np.argmin(fits))
        if largest[part] <= _NO_WEIGHT:
            return f"the weights of layer {self.layer.name!r}, or of one of its blocks, are all 0"
        return (
            f"the chip has no numbers for the weights of layer {self.layer.name!r}: a spike moves "
            f"a voltage by {largest[part] * self.neurons.dt:.2g} at most, too little beside a "
            f"threshold of 1 and a bias of {biases[part] * self.neurons.dt:.2g} a step"
        )

    def _refused(self, why: str) -> TuningError:
        kind = type(self.layer).__name__
        return TuningError(f"Layer {self.layer.name!r} ({kind}) can't be quantized: {why}.")

    def numbers(self) -> ChipNumbers:
        """What the chip holds of the layer's weights as they are now."""
        dt, wide = self.neurons.dt, tf.float64
        weights, bias = self._scaled()
        unit = tf.cast(255 / tf.maximum(self._largest_weights(weights), _NO_WEIGHT), tf.float32)
        per_voltage = self._adds_up * tf.cast(unit, wide) * 2.0**6
        halvings, fits = self._halvings(per_voltage, bias)
        shrink = 2.0**-halvings

        of_channel = self._part_of
        unit_c, shrink_c = tf.gather(unit, of_channel), tf.gather(shrink, of_channel)
        per_voltage_c = tf.gather(per_voltage * shrink, of_channel)
        shrink_c = tf.cast(shrink_c, tf.float32)
        whole = tf.clip_by_value(tf.round(weights * unit_c / 2), -127, 127)
        # what is shifted out is rounded; of 127, which 128 is cut to, it is cut off, downwards
        of_weights = tf.maximum(shrink_c, 2.0**-_MOST_HALVINGS_OF_WEIGHTS)
        fewest = tf.minimum(2 * of_weights, 1.0)
        rounded = tf.clip_by_value(tf.round(whole * fewest) / fewest, -127, 127)
        whole = tf.floor(rounded * fewest) / fewest
        whole *= 2.0**7 * of_weights
        real = weights * unit_c * (2.0**6 * of_weights)
        real_bias = tf.cast(bias, wide) * per_voltage_c
        threshold = tf.round(tf.round(per_voltage_c / dt) / 2.0**6) * 2.0**6
        return ChipNumbers(
            with_gradient_of(whole, real), tf.cast(tf.stop_gradient(threshold), tf.float32),
            with_gradient_of(tf.cast(_rounded_bias(real_bias), tf.float32),
                             tf.cast(real_bias, tf.float32)),
            fits,
        )  # fmt: skip

    def _scaled(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Weights of a spike, and biases, times the scale; float32."""
        kernel = self.layer.kernel
        bias = self.layer.bias if self.layer.use_bias else tf.zeros(kernel.shape[-1])
        if self.log_gain.trainable:
            kernel, bias = kernel * tf.exp(self.log_gain), bias * tf.exp(self.log_gain)
        wide = tf.float64
        amplitude = self.sender.amplitude / tf.cast(self.sender.scale_now(), wide)
        scale = self.scale_now()
        weights = tf.cast(kernel, wide) * (1 / self.neurons.dt) * amplitude * tf.cast(scale, wide)
        return tf.cast(weights, tf.float32), bias * tf.cast(scale, tf.float32)

    def _largest_weights(self, weights: tf.Tensor) -> tf.Tensor:
        """The largest weight of each part."""
        held = tf.abs(weights) * tf.cast(self._masks, tf.float32)
        return tf.stop_gradient(tf.reduce_max(held, axis=list(range(1, self._masks.ndim))))

    def _largest_biases(self, bias: tf.Tensor) -> tf.Tensor:
        """The largest bias of each part, float64."""
        part = tf.one_hot(self._part_of, len(self._masks), dtype=tf.float64)
        return tf.reduce_max(tf.abs(tf.cast(bias, tf.float64))[:, None] * part, axis=0)

    def _halvings(self, per_voltage: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """How often the units of each part are halved until all is in its range; if it ever is."""
        most = self._largest_biases(bias)
        powers = 2.0 ** -tf.range(_MOST_HALVINGS + 1, dtype=tf.float64)[:, None]
        fits = (tf.round(per_voltage * powers / self.neurons.dt) <= _VTH_MAX) & (
            tf.round(most * per_voltage * powers) <= _BIAS_MAN_MAX * 2**_BIAS_EXP_MAX
        )
        first = tf.argmax(tf.cast(fits, tf.int32), axis=0)
        return tf.stop_gradient(tf.cast(first, tf.float64)), tf.reduce_any(fits, axis=0)

    def spikes(self, *args: Any, **kwargs: Any) -> tuple[int, list[tf.Tensor]]:
        """Spikes of the steps at which there may be some, as the emulated chip makes them."""
        time, numbers = self.presentation, self.numbers()
        self.fits = tf.reduce_all(numbers.fits)
        received = _spikes_of(args[0], tf.cast(self.sender.height(), tf.float32))
        span = time.span(args[0])
        inputs = time.put(self._operation(self.layer, received, numbers.weights), span)
        # 1 / 4096 of the last current is there for one step more
        start, stop = span.start, min(span.stop + 1, time.n_steps)
        if self.layer.use_bias:
            start, stop = 0, time.n_steps
        return start, fired_on_chip(
            time.steps(inputs, start, stop), numbers.bias, numbers.threshold,
            self.neurons.surrogate,
        )  # fmt: skip


def fired_on_chip(
    inputs: Sequence[tf.Tensor], bias: tf.Tensor, threshold: tf.Tensor, surrogate: str
) -> list[tf.Tensor]:
    """Spikes of compartments without leak and filter, step by step, in the chip's units.

    Parameters
    ----------
    inputs : sequence of tf.Tensor of shape (batch, ..., n_channels)
        Weights of the spikes that arrive, one tensor a step.
    bias, threshold : tf.Tensor of shape (n_channels,)
    surrogate : str
    """
    current = voltage = tf.zeros_like(inputs[0])
    fired = []
    for arrived in inputs:
        # a whole number, cut off towards 0
        kept = tf.cast(tf.cast(current * 2.0**-12, tf.int32), current.dtype)
        arrived = _wrapped(arrived, _INPUT_BITS)
        current = _wrapped(arrived + tf.stop_gradient(kept), _CURRENT_BITS)
        voltage += _wrapped(current + bias, _CURRENT_BITS)
        fired.append(spikes(voltage, surrogate, threshold))
        lasting = tf.minimum(tf.nn.relu(voltage), _HIGHEST)
        voltage = lasting * (1 - tf.stop_gradient(fired[-1]))
    return fired


def _wrapped(x: tf.Tensor, bits: int) -> tf.Tensor:
    """The lowest bits of whole numbers, the highest of which is the sign; its gradient is 1."""
    turn = 2.0**bits
    return x - tf.stop_gradient(turn * tf.floor(x / turn + 0.5))


def _rounded_bias(bias: tf.Tensor) -> tf.Tensor:
    """Whole numbers of 12 bits, times a power of two."""
    bias = tf.round(bias)
    bits = tf.math.log(tf.maximum(tf.abs(bias) / _BIAS_MAN_MAX, 1)) / np.log(2.0)
    power = 2.0 ** tf.math.ceil(bits)
    return tf.round(bias / power) * power


@tf.custom_gradient
def _spikes_of(values: tf.Tensor, height: tf.Tensor) -> Any:
    """1 for each value that is a spike of some height."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        return upstream / height, None

    return tf.cast(values > height / 2, values.dtype), gradient


def _dense(layer: Any, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.tensordot(x, kernel, 1)


def _convolved(layer: Any, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return layer.convolution_op(x, kernel)


#: What a layer of each type does with its input and a kernel.
_KERNELS: dict[type, Any] = {
    tf.keras.layers.Dense: _dense, tf.keras.layers.Conv1D: _convolved,
    tf.keras.layers.Conv2D: _convolved,
}  # fmt: skip
