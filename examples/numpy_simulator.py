"""A simulator of one's own: dense networks of SpikingRectifiedLinear neurons in plain NumPy.

With ``nengo-spikecost --plugin numpy_simulator.py`` it stands in the command line; in Python,
``import numpy_simulator`` registers it.
"""

import nengo
import numpy as np

from nengo_spikecost.activity import Backend, BatchCounts, SimulatorSpec, register_simulator_spec


class NumpyBackend(Backend):
    any_size = True  # the last batch may be smaller; False: it is filled up to batch_size

    def __init__(self, setup):
        self.setup, self.arriving = setup, {}
        with nengo.Simulator(setup.network, dt=setup.dt, progress_bar=False) as simulator:
            self.built = simulator.data  # gains, biases, weights and first voltages are Nengo's
            at = {p.ensemble: simulator.model.sig[p.ensemble.neurons] for p in setup.populations}
            self.start = {ens: simulator.signals[own["voltage"]] * 1 for ens, own in at.items()}
        for c in setup.network.all_connections:
            weights = self.built[c].weights
            weights = np.eye(c.size_out) if weights is None else weights
            self.arriving.setdefault(owner(c.post_obj), []).append((owner(c.pre_obj), weights.T))
        self.voltage = dict(self.start)

    def run(self, inputs):
        counts, outputs = {}, {name: [] for name in self.setup.outputs}
        self.voltage = self.voltage if self.setup.continuous else dict(self.start)
        for step in range(self.setup.n_steps):
            fed = {spec.node: inputs[spec.name] for spec in self.setup.inputs}
            self.values = {node: x[:, step % x.shape[1]] for node, x in fed.items()}
            for p in self.setup.populations:
                spikes = self.value(p.ensemble) * self.setup.dt / p.neuron_type.amplitude
                counts[p.name] = counts.get(p.name, 0) + spikes
            for name, probe in self.setup.outputs.items():
                outputs[name].append(self.value(owner(probe.target)))
        return BatchCounts(counts, {k: (v[-1], np.mean(v, axis=0)) for k, v in outputs.items()})

    def value(self, obj):
        """Output of a Node or of neurons at this step, (n_samples, size)."""
        if obj not in self.values and obj not in self.arriving:
            return np.atleast_2d(obj.output)  # a constant Node
        if obj not in self.values:
            x = sum(self.value(pre) @ weights for pre, weights in self.arriving[obj])
            if isinstance(obj, nengo.Ensemble):
                current = self.built[obj].gain * x + self.built[obj].bias
                voltage = self.voltage[obj] + np.maximum(current, 0) * self.setup.dt
                self.voltage[obj] = voltage % 1
                x = np.floor(voltage) * obj.neuron_type.amplitude / self.setup.dt
            self.values[obj] = x
        return self.values[obj]

    def state(self):  # from where a continuous run is resumed
        return {p.name: self.voltage[p.ensemble] for p in self.setup.populations}

    def restore(self, state):
        self.voltage = {p.ensemble: state[p.name] for p in self.setup.populations}

    def close(self):
        self.voltage = {}


def owner(obj):
    return getattr(obj, "ensemble", obj)  # of neurons, their Ensemble


SPEC = SimulatorSpec("numpy", NumpyBackend, resumable=True)
register_simulator_spec(SPEC)
