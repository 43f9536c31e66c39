"""Random Keras models, and what is made of them."""

from __future__ import annotations

from functools import cached_property
from types import ModuleType
from typing import Any

import nengo
import numpy as np
import tensorflow as tf

import nengo_spikecost as nsc
from tests.properties.keras_models import ON_CHIP
from tests.soak.registry import LeftOut, kind
from tests.soak.wide_models import ACTIVATIONS, wide_model

SPIKING = (
    "SpikingRectifiedLinear", "LIF", "LoihiSpikingRectifiedLinear", "LoihiLIF", "RegularSpiking",
)  # fmt: skip
N_SAMPLES = 3
N_STEPS = 12


class KerasNetwork:
    """A Keras model with its networks, each converted when it is first asked for.

    Parameters
    ----------
    seed : int
    keras : module
        Of Keras 2 or 3.
    form : str
        As `wide_model` has it.
    activations : sequence of str or None
    """

    n_steps = N_STEPS
    #: Two runs have the same spikes.
    again = True

    def __init__(
        self, seed: int, keras: ModuleType, form: str = "model", activations: Any = ACTIVATIONS
    ):
        self.seed = seed
        self.rng = np.random.RandomState(seed)
        self.keras = keras
        self.form = form
        self.model = wide_model(seed, keras, form, activations)
        self.temporal = form == "model_in_time"
        self.spiking_type = SPIKING[self.rng.randint(len(SPIKING))]
        self.synapse = (None, 0.005, 0.002)[self.rng.randint(3)]
        self.scale = float(self.rng.choice([1, 40]))

    def prepare(self) -> None:
        """Convert: what is refused is refused here, once."""
        _ = self.rates, self.spiking

    def __str__(self) -> str:
        layers = [type(layer).__name__ for layer in self.model.layers]
        return f"{len(layers)} layers: {', '.join(dict.fromkeys(layers))}"

    # -- networks -------------------------------------------------------------------------

    @cached_property
    def rates(self) -> Any:
        """The conversion to neurons that keep rates, lowered."""
        return nsc.convert(
            self.model, neuron_type="RectifiedLinear", scale_firing_rates=self.scale, lower=True
        )

    @cached_property
    def spiking(self) -> Any:
        """The conversion to neurons that spike, lowered or not."""
        neuron_type: Any = self.spiking_type
        if neuron_type == "RegularSpiking":
            neuron_type = nengo.RegularSpiking(nengo.RectifiedLinear())
        return nsc.convert(
            self.model, neuron_type=neuron_type, scale_firing_rates=150, synapse=self.synapse,
            lower=self.seed % 3 > 0, max_pooling=("average", "exact")[self.seed % 2],
        )  # fmt: skip

    @property
    def net(self) -> nengo.Network:
        """The network of spikes."""
        return self.spiking.net

    # -- inputs and outputs ---------------------------------------------------------------

    @cached_property
    def inputs(self) -> list[np.ndarray]:
        """Standard normal numbers for every input, (samples, [steps,] *shape)."""
        steps = (N_STEPS,) if self.temporal else ()
        shapes = [x.shape[2:] if self.temporal else x.shape[1:] for x in self.model.inputs]
        return [self.rng.normal(size=(N_SAMPLES, *steps, *s)).astype("f4") for s in shapes]

    def given(self, conversion: Any) -> dict[str, np.ndarray]:
        """The inputs by their names, as `measure` takes them."""
        return dict(zip(conversion.inputs, self.inputs))

    @cached_property
    def expected(self) -> list[np.ndarray]:
        """What Keras computes, one array an output."""
        given: Any = list(self.inputs)
        if isinstance(self.model.input, dict):
            names = [x.name.split(":")[0] for x in self.model.inputs]
            given = dict(zip(names, given))
        elif len(given) == 1:
            (given,) = given
        model = self.model
        if self.form == "volume_model":
            # TensorFlow pools volumes of float64 on processors in compiled code only
            model = tf.function(model, jit_compile=True)
        outputs = model(given, training=False)
        flatten = tf.nest.flatten if self.keras is tf.keras else self.keras.tree.flatten
        return [np.asarray(x) for x in flatten(outputs)]


def keras_3() -> ModuleType:
    """Keras 3, where this stack has it."""
    import keras

    if keras.__version__.startswith("2."):
        raise LeftOut("this stack has no Keras 3")
    return keras


@kind("Keras 2", share=22)
def keras_2_model(seed: int) -> KerasNetwork:
    """Images, lines and vectors through branches, residuals and models within models."""
    return KerasNetwork(seed, tf.keras)


@kind("Keras 3", share=8)
def keras_3_model(seed: int) -> KerasNetwork:
    """The same of Keras 3."""
    return KerasNetwork(seed, keras_3())


@kind("Keras, dicts", share=4)
def model_of_dicts(seed: int) -> KerasNetwork:
    """Inputs and outputs by name, of Keras 2 or 3."""
    return KerasNetwork(seed, keras_3() if seed % 2 else tf.keras, "model_of_dicts")


@kind("Keras, in time", share=4)
def model_in_time(seed: int) -> KerasNetwork:
    """Sequences: TimeDistributed and other layers of every step."""
    return KerasNetwork(seed, tf.keras, "model_in_time")


@kind("Keras, volumes", share=3)
def model_of_volumes(seed: int) -> KerasNetwork:
    """Convolutions and pools of three axes, which only NengoDL runs."""
    return KerasNetwork(seed, tf.keras, "volume_model")


@kind("Keras, on Loihi", share=12)
def model_on_loihi(seed: int) -> KerasNetwork:
    """Neurons that the chip has."""
    made = KerasNetwork(seed, tf.keras, activations=ON_CHIP)
    made.spiking_type, made.synapse = "LoihiSpikingRectifiedLinear", 0.005
    return made
