"""A converted network in NengoDL, trained batch by batch."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf

from ...conversion import Conversion
from ..fine_tune_options import FineTuneOptions
from .penalties import Penalties
from .spiking_aware import spiking_aware_training
from .tasks import Task
from .trainee import Outputs, Trainee
from .weights import WeightMap, trainable_parameters


class NengoTrainee(Trainee):
    """A network in NengoDL, its losses and its optimizer.

    Parameters
    ----------
    conversion : Conversion
        Made with ``inference_only=False``; its network is changed.
    weights : WeightMap
    task : Task
    penalties : Penalties
    options : FineTuneOptions
    optimizer : tf.keras.optimizers.Optimizer
    """

    def __init__(
        self, conversion: Conversion, weights: WeightMap, task: Task, penalties: Penalties,
        options: FineTuneOptions, optimizer: Any,
    ):  # fmt: skip
        super().__init__(task, penalties, options, optimizer)
        self.weights = weights
        # rates of constant samples are the same at every step
        self.n_steps = options.n_steps if options.spikes or conversion.temporal else 1
        net = conversion.net
        self.parameters = tuple(trainable_parameters(net))
        for parameter, trains in zip(self.parameters, weights.trains):
            if not trains:
                parameter.freeze()
        with net:
            nengo_dl.configure_settings(stateful=False, keep_history=True)
            probes = {p.name: nengo.Probe(p.ensemble.neurons) for p in penalties.populations}
        # NengoDL's own builders train rates
        building = spiking_aware_training() if options.spikes else contextlib.nullcontext()
        with building, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No GPU support detected")
            self.sim = nengo_dl.Simulator(
                net, dt=options.dt, minibatch_size=options.batch_size, seed=options.seed,
                progress_bar=False,
            )  # fmt: skip
        order = {probe: i for i, probe in enumerate(self.sim.model.probes)}
        self._outputs = {name: order[probe] for name, probe in conversion.outputs.items()}
        self._populations = {name: order[probe] for name, probe in probes.items()}
        self._fed = dict(zip(conversion.input_nodes, conversion.inputs))

    @property
    def variables(self) -> list[Any]:
        """The variables that training changes."""
        return self.sim.keras_model.trainable_variables

    def keras_weights(self) -> list[np.ndarray]:
        """The Keras model's weights, as they are trained now."""
        return self.weights.collect([p.trained(self.sim) for p in self.parameters])

    def close(self) -> None:
        """Free the simulator."""
        self.sim.close()

    def simulated(self, inputs: Any) -> tuple[Outputs, Outputs]:
        """Outputs of a batch, and what Probes on populations read."""
        read = self.sim.keras_model([*self._inputs(inputs)], training=True)
        outputs = {name: read[i] for name, i in self._outputs.items()}
        return outputs, {name: read[i] for name, i in self._populations.items()}

    def _inputs(self, inputs: Any) -> Iterator[tf.Tensor]:
        """Values of every Node without input, in the order of the simulator, and the steps."""
        for node in self.sim.node_inputs:
            if node in self._fed:
                values = inputs[self._fed[node]]
                if values.shape[1] == 1 and self.n_steps > 1:
                    values = tf.tile(values, [1, self.n_steps, 1])
            else:
                shape = (self.batch_size, self.n_steps, node.size_out)
                values = tf.broadcast_to(tf.constant(node.output, tf.float32), shape)
            yield values
        yield tf.fill((self.batch_size, 1), self.n_steps)
