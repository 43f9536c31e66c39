"""Random networks for Loihi."""

from __future__ import annotations

import nengo
import numpy as np

from nengo_spikecost import stack
from tests.loihi.block_networks import probed_blocks
from tests.loihi.random_populations import random_network
from tests.soak.native_kinds import NativeNetwork
from tests.soak.registry import kind


@kind("Loihi, populations", share=12)
def populations(seed: int) -> NativeNetwork:
    """Populations joined by all transforms, through Nodes or not; many are refused."""
    return NativeNetwork(seed, random_network(seed).net, 20)


@kind("Loihi, blocks", share=10)
def blocks(seed: int) -> NativeNetwork:
    """Populations of many blocks of any shape, fed by neurons off the chip."""
    return NativeNetwork(seed, probed_blocks(seed).net, 12)


@kind("Loihi, values", share=10)
def values(seed: int) -> NativeNetwork:
    """Ensembles that stand for values, on the chip and off it, with loops over the host."""
    return NativeNetwork(seed, random_values(seed), 25)


def random_values(seed: int) -> nengo.Network:
    """Two to five Ensembles joined by decoded values."""
    rng = np.random.RandomState(seed)
    loihi = stack.nengo_loihi()
    kinds = (
        nengo.LIF(), nengo.LIF(tau_ref=0.003), loihi.LoihiLIF(tau_rc=0.03),
        nengo.SpikingRectifiedLinear(amplitude=0.7), loihi.LoihiSpikingRectifiedLinear(),
    )  # fmt: skip
    net = nengo.Network(seed=seed)
    loihi.add_params(net)
    with net:
        size = rng.randint(1, 4)
        sources = [nengo.Node(lambda t, n=size: np.sin(20 * t + np.arange(n)), label="values")]
        for number in range(rng.randint(2, 6)):
            dimensions = rng.randint(1, 4)
            post = nengo.Ensemble(
                rng.randint(20, 80), dimensions, radius=rng.uniform(0.8, 2),
                max_rates=nengo.dists.Uniform(100, 240),
                neuron_type=kinds[rng.randint(len(kinds))], label=f"e{number}",
            )  # fmt: skip
            if rng.rand() < 0.2:
                net.config[post].on_chip = False
            for _ in range(rng.randint(1, 3)):
                _join(rng, sources[rng.randint(len(sources))], post)
            sources.append(post)
            if rng.rand() < 0.3:
                _join(rng, post, post)
            if rng.rand() < 0.2:
                sources.append(_function(rng, post))
            nengo.Probe(post, synapse=(None, 0.01)[rng.randint(2)])
            nengo.Probe(post.neurons)
        if rng.rand() < 0.25:
            _learned(rng, sources)
    return net


def _join(rng: np.random.RandomState, pre: nengo.base.NengoObject, post: nengo.Ensemble) -> None:
    """A Connection of values: all or one of them, by weights or a function of them."""
    start = pre[rng.randint(pre.size_out)] if rng.rand() < 0.3 else pre
    options: dict[str, object] = {"synapse": (0.005, 0.01, 0.1)[rng.randint(3)]}
    size = start.size_out
    if isinstance(pre, nengo.Ensemble):
        if rng.rand() < 0.3:
            options["function"] = np.square
        if rng.rand() < 0.25:
            options["solver"] = nengo.solvers.LstsqL2(weights=True)
    weights = rng.normal(size=(post.size_in, size)) * (rng.rand(post.size_in, size) < 0.8)
    nengo.Connection(start, post, transform=weights, **options)


def _function(rng: np.random.RandomState, pre: nengo.Ensemble) -> nengo.Node:
    """A Node on the host that computes something of an Ensemble."""
    node = nengo.Node(lambda t, x: 0.8 * x, size_in=pre.size_out)
    nengo.Connection(pre, node, synapse=0.01)
    return node


def _learned(rng: np.random.RandomState, sources: list[nengo.base.NengoObject]) -> None:
    """A Connection whose decoders are learned by an error."""
    ensembles = [obj for obj in sources if isinstance(obj, nengo.Ensemble)]
    pre = ensembles[rng.randint(len(ensembles))]
    node = nengo.Node(size_in=1, label="learned")
    conn = nengo.Connection(
        pre, node, function=lambda x: [0.0], learning_rule_type=nengo.PES(1e-3), synapse=0.01
    )
    error = nengo.Node(lambda t, x: x - 0.3, size_in=1, label="error")
    nengo.Connection(node, error, synapse=0.01)
    nengo.Connection(error, conn.learning_rule)
    nengo.Probe(node, synapse=0.01)
