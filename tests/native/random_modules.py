"""Networks put together at random of the modules that Nengo and nengo_spa ship."""

from __future__ import annotations

import nengo
import numpy as np

D = 2
"""Dimensions that every module takes and gives."""


def array(rng):
    made = nengo.networks.EnsembleArray(rng.randint(6, 12), D)
    if rng.rand() < 0.5:
        return made.input, made.add_output("f", [np.square, np.sin] if rng.rand() < 0.5 else np.abs)
    return made.input, made.output


def product(rng):
    made = nengo.networks.Product(rng.randint(4, 8) * 2, D)
    relay = nengo.Node(size_in=D)
    nengo.Connection(relay, made.input_a, synapse=None)
    # not [::-1], which Nengo's optimizer takes apart: findings/nengo_optimizer_reversed.sh
    nengo.Connection(relay[[1, 0]], made.input_b, transform=rng.randn(D, D), synapse=None)
    return relay, made.output


def bound(rng):
    made = nengo.networks.CircularConvolution(rng.randint(4, 6), D)
    relay = nengo.Node(size_in=D)
    nengo.Connection(relay, made.input_a, synapse=None)
    nengo.Connection(relay, made.input_b, synapse=None)
    return relay, made.output


def memory(rng):
    made = nengo.networks.EnsembleArray(rng.randint(6, 12), D)
    feedback = rng.randn(D, D) * (rng.rand(D, D) < 0.7)
    nengo.Connection(made.output, made.input, transform=feedback, synapse=0.1)
    return made.input, made.output


def ensemble(rng):
    made = nengo.Ensemble(rng.randint(8, 15), D)
    return made, made


def selected(rng):
    """A module of nengo_spa that has no vocabulary."""
    from nengo_spa.networks.selection import WTA

    made = WTA(rng.randint(6, 10), D, threshold=0.1)
    return made.input, made.output


MODULES = (array, product, bound, memory, ensemble, selected)


def random_network(seed):
    """Two to five modules, each fed by some of those before it, through weights or Nodes."""
    rng = np.random.RandomState(seed)
    with nengo.Network(seed=rng.randint(100)) as net:
        # a neuron that no evaluation point makes fire has decoders of zero
        net.config[nengo.Ensemble].intercepts = nengo.dists.Uniform(-1, 0.1)
        ends = [MODULES[rng.randint(len(MODULES))](rng) for _ in range(rng.randint(2, 5))]
        nengo.Connection(nengo.Node(rng.uniform(-1, 1, D), label="given"), ends[0][0])
        for number in range(1, len(ends)):
            for _ in range(rng.randint(1, 3)):
                source = ends[rng.randint(number)][1]
                weights = rng.randn(D, D) * (rng.rand(D, D) < 0.7)
                if rng.rand() < 0.3:  # through one more Node, or a part of one
                    relay = nengo.Node(size_in=2 * D)
                    nengo.Connection(source, relay[:D], transform=weights)
                    nengo.Connection(relay[rng.choice(2 * D, D)], ends[number][0], synapse=None)
                else:
                    nengo.Connection(source, ends[number][0], transform=weights)
    return net
