"""A Keras model as the network that it becomes, all steps unrolled, trained batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
import tensorflow as tf

from ...conversion import Conversion
from ...errors import TuningError
from ...graph import NetworkGraph, Population
from ...loihi.support.first_steps import first_steps
from ..fine_tune_options import FineTuneOptions
from .chip_layers import OnChip
from .chip_placing import place_layers
from .folded_steps import Presentation, Span
from .penalties import Penalties
from .tasks import Task
from .trainee import Outputs, Scores, Trainee
from .unrolled_layers import Spiking
from .unrolled_model import start_scales, unrolled_model

#: Samples that the scales at the start go by.
_START_SAMPLES = 500


class UnrolledTrainee(Trainee):
    """A Keras model whose neurons spike for exactly ``n_steps`` steps.

    Parameters
    ----------
    model : tf.keras.Model
        A copy (`training_copy`): its weights are trained, and layers with neurons lose their
        activations.
    conversion : Conversion
        Of it, as it is in inference; with all scales that the options say.
    task : Task
    penalties : Penalties
    options : FineTuneOptions
    optimizer : tf.keras.optimizers.Optimizer

    Attributes
    ----------
    spiking : dict from str to Spiking
        The layer of each population, by the population's name.

    Raises
    ------
    TuningError
        If a layer can't be unrolled, or spikes would not arrive as they do on a chip.
    """

    def __init__(
        self, model: tf.keras.Model, conversion: Conversion, task: Task, penalties: Penalties,
        options: FineTuneOptions, optimizer: Any,
    ):  # fmt: skip
        super().__init__(task, penalties, options, optimizer)
        if options.layer_delay:
            _refuse_same_step(conversion)
            _refuse_too_few_steps(conversion, options.n_steps)
        self.n_steps, self._copy = options.n_steps, model
        self._n_shown = options.n_steps if options.n_shown is None else options.n_shown
        self.presentation = Presentation(
            options.n_steps, options.batch_size, options.layer_delay,
            _time_constant(conversion.synapse, options), options.dt,
        )  # fmt: skip
        self._shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
        self._input_names = tuple(conversion.inputs)
        self._output_names = tuple(conversion.outputs)
        self._model, self.spiking = unrolled_model(
            model, conversion, self.presentation, options.surrogate, options.learn_scales,
            options.quantize,
        )  # fmt: skip
        if options.quantize:
            place_layers(conversion, self.spiking, options.dt)
        self._fired_last = _spiking_outputs(self._model, self.spiking)
        self._layers = {p.name: p.layer for p in NetworkGraph(conversion).populations}

    def start(self, inputs: Mapping[str, np.ndarray], rate: float) -> None:
        """Set the scales that training begins with: see `start_scales`.

        Parameters
        ----------
        inputs : dict from str to ndarray of shape (n, 1 or n_steps, size)
        rate : float
            Spikes a step.
        """
        means = [inputs[name][:_START_SAMPLES].mean(axis=1) for name in self._input_names]
        shaped = [x.reshape(-1, *shape) for x, shape in zip(means, self._shapes)]
        start_scales(self._model, self.spiking, [tf.constant(x) for x in shaped], rate)
        misfit = self.misfit()
        if misfit is not None:
            raise TuningError(
                f"start_rate={rate:g} gives scales for which {misfit}. Give scale_firing_rates."
            )

    def misfit(self) -> str | None:
        """Which layer the chip can't hold as it is now, and why; None if it can hold all."""
        return next(filter(None, (layer.misfit() for layer in self._on_chip())), None)

    def scored(self, inputs: Any, targets: Any) -> tuple[Scores, Outputs]:
        """Scores of a batch; the loss is no number where the chip has none for the weights."""
        scores, neurons = super().scored(inputs, targets)
        fits = [layer.fits for layer in self._on_chip()]
        if fits:
            scores = scores._replace(loss=tf.where(tf.reduce_all(fits), scores.loss, np.nan))
        return scores, neurons

    def _on_chip(self) -> list[OnChip]:
        return [layer for layer in self.spiking.values() if isinstance(layer, OnChip)]

    @property
    def variables(self) -> list[Any]:
        """Weights, and scales or gains of channels if they are trained."""
        return [*self._copy.trainable_weights, *self._scale_variables()]

    @property
    def frozen(self) -> tuple[str, ...]:
        """Weights that are not trained."""
        trained = {id(w) for w in self._copy.trainable_weights}
        return tuple(w.name for w in self._copy.weights if id(w) not in trained)

    def keras_weights(self) -> list[np.ndarray]:
        """The copy's weights, with the gains of channels folded in."""
        folded = {}
        for layer in self.spiking.values():
            for i, values in layer.folded_weights().items():
                folded[id(layer.layer.weights[i])] = values
        return [folded.get(id(w), w.numpy()) for w in self._copy.weights]

    def scales(self) -> dict[str, float]:
        """Firing-rate scales by layer."""
        return {self._layers[name]: layer.scale for name, layer in self.spiking.items()}

    def simulated(self, inputs: Any) -> tuple[Outputs, Outputs]:
        """Outputs of a batch at all steps, and the mean of each neuron's, as if in one step."""
        self.presentation.begin()
        shown = [
            self._shown(tf.cast(inputs[name], given.dtype), tuple(given.shape[1:]))
            for name, given in zip(self._input_names, self._copy.inputs)
        ]
        computed = tf.nest.flatten(self._model(shown if len(shown) > 1 else shown[0]))
        outputs = {}
        for name, output, last in zip(self._output_names, computed, self._fired_last):
            steps = self.presentation.by_step(output)
            if last is not None and self.presentation.tau_s is None:
                steps = last.sent()  # a Probe on neurons has their filter, but no delay
            flat = [tf.reshape(step, (self.batch_size, -1)) for step in steps]
            outputs[name] = tf.cast(tf.stack(flat, axis=1), tf.float32)
        neurons = {}
        for population in self.penalties.populations:
            height = self.penalties.amplitudes[population.name] / self.presentation.dt
            counts = tf.cast(self.spiking[population.name].counts(), tf.float32)
            neurons[population.name] = counts[:, None] * (height / self.n_steps)
        return outputs, neurons

    def _shown(self, x: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """Samples as the model takes them, the steps shown one after another."""
        in_order = tf.transpose(x[:, : self._n_shown], (1, 0, 2))  # one, if all are the same
        rows = tf.reshape(in_order, (in_order.shape[0] * self.batch_size, *shape))
        return self.presentation.put(rows, Span(0, self._n_shown))

    def _scale_variables(self) -> list[tf.Variable]:
        both = [v for layer in self.spiking.values() for v in (layer.log_scale, layer.log_gain)]
        return [variable for variable in both if variable.trainable]


def _refuse_same_step(conversion: Conversion) -> None:
    """Raise an error if a spike of the host stays on the host, where it takes no step."""
    for pathway in NetworkGraph(conversion).pathways:
        pre, post = pathway.pre, pathway.post
        on_host = isinstance(pre, Population) and not pre.on_chip
        if on_host and not getattr(post, "on_chip", False):
            raise TuningError(
                f"layer_delay=1 is for spikes that go to a chip or come from it; those of layer "
                f"{pre.layer!r} stay on the host. Leave layer_delay out."
            )


def _refuse_too_few_steps(conversion: Conversion, n_steps: int) -> None:
    """Raise an error if no spike of the input can be read in so many steps on a chip."""
    for name, first in first_steps(conversion).outputs.items():
        if first is not None and first > n_steps:
            raise TuningError(
                f"n_steps={n_steps} are too few to train with layer_delay=1: a spike of the input "
                f"is read from {name!r} in step {first} at the earliest. Give at least {first}."
            )


def _time_constant(synapse: Any, options: FineTuneOptions) -> float | None:
    """Of the filter in s; None without one.

    Raises
    ------
    TuningError
        If it is another filter, or one that arrives later than in Nengo.
    """
    if synapse is None:
        return None
    if options.layer_delay:
        raise TuningError(
            "layer_delay=1 needs synapse=None: a filter takes a step itself, and spikes that come "
            "from a chip are filtered another step later."
        )
    if type(synapse) is nengo.Lowpass:
        return float(synapse.tau)
    if isinstance(synapse, nengo.synapses.Synapse):
        raise TuningError(
            f"forward='steps' filters spikes with a Lowpass or not at all, not with {synapse}. "
            "Give synapse=None."
        )
    return float(synapse)


def _spiking_outputs(model: Any, spiking: Mapping[str, Spiking]) -> list[Spiking | None]:
    """For each output its layer of neurons, if it comes from one."""
    own = {id(layer): layer for layer in spiking.values()}
    return [own.get(id(tensor._keras_history.layer)) for tensor in model.outputs]
