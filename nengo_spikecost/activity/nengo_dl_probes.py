"""Spikes counted through NengoDL's public interface only.

An integrating synapse on a Probe without history does the adding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import nengo_dl
import numpy as np

from ..deadlines import in_time
from ..graph import SpikeSource
from ..stack.cancellation import cancellable
from .backend import Backend, BatchCounts, Setup, amplitude
from .gathered import sampled, saw_nothing
from .nengo_dl_network import (
    build_simulator,
    checks_in_words,
    lane_calls,
    whole_products,
    with_probes,
)
from .nengo_dl_noise import separate_processes


class ProbingBackend(Backend):
    """NengoDL through its public interface only.

    A Probe whose synapse integrates, and which keeps no history, holds the sum over all
    steps but the last (a synapse lags one step); a plain one holds the last step. Signed
    outputs can't be summed so: for these the whole history is kept, as it is in a
    continuous presentation, where an integral would run on from sample to sample.

    Parameters
    ----------
    setup : Setup
        What to simulate.
    """

    def __init__(self, setup: Setup):
        self.setup = setup
        self._started, self._n_steps_done = False, 0
        network, self._probes = with_probes(setup)
        self._integrals: dict[str, nengo.Probe] = {}
        with network:
            for population, probe in zip(setup.populations, self._probes):
                if setup.continuous or not population.spiking or _may_be_negative(population):
                    continue
                network.config[probe].keep_history = False
                integral = nengo.Probe(
                    population.spikes_of, synapse=nengo.LinearFilter([1], [1, 0])
                )
                network.config[integral].keep_history = False
                self._integrals[population.name] = integral
        self._calls = lane_calls(setup)
        with self._calls.replaced():
            self._calls.reset()
            self._sim = build_simulator(nengo_dl.Simulator, network, setup)
        separate_processes(self._sim.tensor_graph)

    def run(self, inputs: Mapping[str, np.ndarray]) -> BatchCounts:
        setup = self.setup
        # a reset draws new noise: not before the first batch, as in the streaming loop
        if self._started and not setup.continuous:
            self._calls.reset()
            self._sim.reset(include_trainable=False)
            separate_processes(self._sim.tensor_graph)
        self._started = True
        # NengoDL takes constant inputs step by step
        data = {
            spec.node: np.broadcast_to(
                inputs[spec.name], (setup.batch_size, setup.n_steps, spec.size)
            )
            for spec in setup.inputs
        }
        n_steps = None if data else setup.n_steps
        with self._calls.watched(), checks_in_words(), whole_products():
            read = in_time(
                *cancellable(
                    lambda: self._sim.predict_on_batch(
                        data or None, n_steps=n_steps, stateful=setup.continuous
                    )
                )
            )
        counts = {
            population.name: self._counts(population, probe, read)
            for population, probe in zip(setup.populations, self._probes)
        }
        outputs, kept = {}, {}
        for name, probe in setup.outputs.items():
            steps = read[probe].reshape(setup.batch_size, len(read[probe][0]), -1)
            # NengoDL samples in run(), and not in predict
            steps = steps[:, sampled(probe, setup.dt, self._n_steps_done, setup.n_steps)]
            if not steps.shape[1]:
                raise saw_nothing(name)
            outputs[name] = (steps[:, -1], steps.mean(axis=1, dtype=np.float64).astype("f4"))
            if name in setup.kept_by_step:
                kept[name] = steps
        if setup.continuous:
            self._n_steps_done += setup.n_steps
        return BatchCounts(counts, outputs, steps=kept)

    def close(self) -> None:
        self._sim.close()

    def _counts(self, population: SpikeSource, probe: nengo.Probe, read: Any) -> np.ndarray:
        per_spike = self.setup.dt / amplitude(population)
        steps = np.abs(read[probe].astype(np.float64)) * per_spike
        if population.spiking:
            steps = np.rint(steps)
        totals = steps.sum(axis=1)
        if population.name in self._integrals:
            # the integral of spikes of height amplitude/dt
            integral = read[self._integrals[population.name]][:, -1]
            totals += np.rint(integral.astype(np.float64) / amplitude(population))
        return totals


def _may_be_negative(population: SpikeSource) -> bool:
    """Whether a spike of this population can have a negative sign."""
    neuron_type = population.neuron_type
    return bool(getattr(neuron_type, "negative", True)) or hasattr(neuron_type, "negative_slope")
