"""Neurons in front of a model, which make spikes of the values that it is given.

A chip takes spikes. Where the first layers have neurons, these make them on the host; but of a
model with one such layer nothing would be left for the chip. Neurons in front that hand on what
they get, positive and negative values in two populations, leave all of the model's to the chip.
"""

from __future__ import annotations

import tensorflow as tf

from ..spiking.defaults import IN_FRONT


def with_spike_input(model: tf.keras.Model) -> tf.keras.Model:
    """The same model behind a layer of neurons for each of its inputs.

    Parameters
    ----------
    model : tf.keras.Model
        It is not changed; its layers are shared.
    """
    # as a leaky ReLU that leaks all: relu(x) - relu(-x) = x
    taken = {layer.name for layer in model.layers}
    inputs, spikes = [], []
    for tensor, name in zip(model.inputs, model.input_names):
        own = IN_FRONT if len(model.inputs) == 1 else f"{IN_FRONT}-{name}"
        while own in taken:
            own += "-"
        given = tf.keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        inputs.append(given)
        spikes.append(tf.keras.layers.LeakyReLU(1.0, name=own)(given))
    outputs = model(spikes if len(spikes) > 1 else spikes[0])
    return tf.keras.Model(inputs, outputs, name=f"{model.name}-of-spikes")
