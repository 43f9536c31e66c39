"""Networks whose spikes are given: inputs that repeat them, and neurons that do."""

from __future__ import annotations

import nengo
import numpy as np

NEURONS = nengo.SpikingRectifiedLinear()


def chain(weights, layers, synapse=0.005, neuron_type=NEURONS):
    """The network of Xylo's weights: "input", "hidden" and "readout", hidden neurons in layers."""
    inner = {key: np.asarray(value) for key, value in weights.items()}
    starts = np.concatenate([[0], np.cumsum(layers)])
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].neuron_type = neuron_type
        net.config[nengo.Ensemble].gain = nengo.dists.Choice([1])
        net.config[nengo.Ensemble].bias = nengo.dists.Choice([0])
        net.stimulus = nengo.Node(np.zeros(len(inner["input"])), label="input")
        net.layers = [nengo.Ensemble(n, 1, label=f"layer{k}") for k, n in enumerate(layers)]
        net.last = nengo.Ensemble(inner["readout"].shape[1], 1, label="output")
        parts = [slice(a, b) for a, b in zip(starts, starts[1:])]

        def join(pre, post, matrix):
            if matrix.any():
                nengo.Connection(pre, post.neurons, transform=matrix.T, synapse=synapse)

        for k, there in enumerate(parts):
            join(net.stimulus, net.layers[k], inner["input"][:, there])
            join(net.layers[k].neurons, net.last, inner["readout"][there])
            for j, also in enumerate(parts):
                join(net.layers[j].neurons, net.layers[k], inner["hidden"][also, there])
        nengo.Probe(net.last.neurons)
    return net
