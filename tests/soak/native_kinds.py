"""Random networks of Nengo, without Keras."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from tests.activity import random_networks
from tests.lowering import chains
from tests.native import networks, random_modules
from tests.native.random_spa import random_spa
from tests.soak.registry import kind

N_SAMPLES = 3


class NativeNetwork:
    """A network, and what its Nodes are fed.

    Parameters
    ----------
    seed : int
    net : nengo.Network
    n_steps : int
    data : dict from str to ndarray, optional
        Values by the label of the Node. Default: the network gives itself what it needs.
    again : bool
        Whether a second run has the same spikes: nothing draws at every step, or remembers runs.
    """

    temporal = False

    def __init__(
        self, seed: int, net: nengo.Network, n_steps: int, data: Any = None, again: bool = True
    ):
        self.seed = seed
        self.net = self.spiking = net
        self.n_steps = n_steps
        self.data = data
        self.again = again

    def __str__(self) -> str:
        net = self.net
        neurons = sorted({type(e.neuron_type).__name__ for e in net.all_ensembles})
        return (
            f"{len(net.all_ensembles)} Ensembles of {', '.join(neurons)}, {len(net.all_nodes)} "
            f"Nodes, {len(net.all_connections)} Connections"
        )

    def given(self, network: Any) -> Any:
        """The data, as `measure` takes them."""
        return self.data


@kind("Nengo, all objects", share=14)
def all_objects(seed: int) -> NativeNetwork:
    """All neuron types, synapses, transforms, Nodes and learning rules."""
    drawn = random_networks.Drawn(seed)
    data = drawn.samples(N_SAMPLES)
    again = not (drawn.draws or drawn.remembers)
    return NativeNetwork(seed, drawn.net, random_networks.N_STEPS, data, again)


@kind("Nengo, ensembles", share=14)
def ensembles(seed: int) -> NativeNetwork:
    """Ensembles, passthrough Nodes and all sorts of Connections, some of which learn."""
    return NativeNetwork(seed, networks.random_network(seed, learning=seed % 2 == 0), 15)


@kind("Nengo, modules", share=5)
def modules(seed: int) -> NativeNetwork:
    """EnsembleArrays, products, circular convolutions, memories."""
    return NativeNetwork(seed, random_modules.random_network(seed), 8)


@kind("Nengo, SPA", share=2)
def spa(seed: int) -> NativeNetwork:
    """Modules of nengo_spa."""
    return NativeNetwork(seed, random_spa(seed), 8)


@kind("Nengo, linear ways", share=8)
def linear_ways(seed: int) -> NativeNetwork:
    """Two populations, and any linear layers between them."""
    rng = np.random.RandomState(seed)
    kinds = [str(rng.choice(chains.KINDS)) for _ in range(rng.randint(1, 8))]
    return NativeNetwork(seed, chains.random_network(seed, kinds), 5)
