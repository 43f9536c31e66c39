"""Native networks of the kinds that Nengo's users build, by name."""

from __future__ import annotations

import nengo
import numpy as np
from hypothesis import strategies as st
from nengo_extras.learning_rules import AML, DeltaRule

RNG = np.random.RandomState
FULL = nengo.solvers.LstsqL2(weights=True)


def wave(t):
    return np.sin(20 * t), np.cos(20 * t)


def communication_channel():
    stimulus = nengo.Node(wave, label="stimulus")
    a, b = nengo.Ensemble(40, 2, label="a"), nengo.Ensemble(30, 2, label="b")
    nengo.Connection(stimulus, a)
    nengo.Connection(a, b)
    return a, b


def functions_and_transforms():
    a, b = communication_channel()
    c = nengo.Ensemble(20, 3, label="c", radius=2)
    nengo.Connection(a, c, function=lambda x: x[0] * x[1], transform=[[1], [0.5], [-2]])
    nengo.Connection(b, c, transform=[[1, 2], [0, 0], [0, 1]], synapse=nengo.Alpha(0.01))
    nengo.Connection(a, c[1], function=lambda x: x[0] ** 2, synapse=None)
    nengo.Connection(b, c[[2, 0]], synapse=nengo.Triangle(0.01))
    nengo.Connection(c, c, solver=FULL, synapse=0.1)


def integrator():
    stimulus = nengo.Node(lambda t: float(t < 0.05), label="stimulus")
    ens = nengo.Ensemble(60, 1, label="integrator")
    nengo.Connection(ens, ens, synapse=0.1)
    nengo.Connection(stimulus, ens, transform=0.1, synapse=0.1)


def product():
    stimulus = nengo.Node(lambda t: [0.5, -0.5, np.sin(20 * t)], label="stimulus")
    net = nengo.networks.Product(25, 3, label="product")
    readout = nengo.Ensemble(30, 3, label="readout")
    nengo.Connection(stimulus, net.input_a)
    nengo.Connection(stimulus[::-1], net.input_b)
    nengo.Connection(net.output, readout)


def circular_convolution():
    stimulus = nengo.Node(lambda t: np.sin(20 * t + np.arange(4)), label="stimulus")
    net = nengo.networks.CircularConvolution(20, 4)
    memory = nengo.networks.EnsembleArray(20, 4, label="memory")
    nengo.Connection(stimulus, net.input_a)
    nengo.Connection(stimulus, net.input_b)
    nengo.Connection(net.output, memory.input)
    nengo.Connection(memory.output, memory.input, synapse=0.1)


def spa_like():
    """Vocabularies, a gate that inhibits, and a cleanup, in nested networks."""
    rng = RNG(5)
    words = rng.randn(3, 8) / 3

    with nengo.Network(label="vision") as vision:
        state = nengo.networks.EnsembleArray(15, 4, ens_dimensions=2, label="state")
        nengo.Connection(nengo.Node(lambda t: words[int(40 * t) % 3]), state.input)
    with nengo.Network(label="memory") as memory:
        state_m = nengo.networks.EnsembleArray(15, 4, ens_dimensions=2, label="state")
        nengo.Connection(state_m.output, state_m.input, synapse=0.1)
        with nengo.Network(label="cleanup"):
            scores = nengo.networks.EnsembleArray(12, 3, label="scores")
            nengo.Connection(state_m.output, scores.input, transform=words)
            inhibition = -np.ones((3, 3)) + np.eye(3)
            nengo.Connection(scores.output, scores.input, transform=inhibition)
    nengo.Connection(vision.networks[0].output, state_m.input)
    gate = nengo.Ensemble(10, 1, label="gate")
    for ens in memory.networks[0].ea_ensembles:
        nengo.Connection(gate, ens.neurons, transform=[[-1]] * 15)


def neurons_and_slices():
    rng = RNG(2)
    stimulus = nengo.Node(wave, label="stimulus")
    a = nengo.Ensemble(20, 2, label="a")
    b = nengo.Ensemble(10, 1, label="b", gain=rng.uniform(2, 4, 10), bias=np.zeros(10))
    image = nengo.Ensemble(25, 1, label="image")
    feature = nengo.Ensemble(18, 1, label="feature", neuron_type=nengo.SpikingRectifiedLinear())
    relay = nengo.Node(size_in=4, label="relay")
    nengo.Connection(stimulus[1], a[0])
    nengo.Connection(a.neurons, b.neurons, transform=rng.randn(10, 20))
    nengo.Connection(a.neurons[::2], b.neurons[[3, 1, 4, 0]], transform=rng.randn(4, 10))
    nengo.Connection(a[1], b.neurons[:5], transform=rng.randn(5, 1))
    nengo.Connection(b.neurons, b.neurons, transform=0.1)
    nengo.Connection(b.neurons[2:6], a.neurons[5:9])
    nengo.Connection(a.neurons[:8], relay, transform=rng.randn(4, 8))
    nengo.Connection(relay[[0, 2]], a[[1, 0]])
    nengo.Connection(b, image.neurons, transform=rng.randn(25, 1))
    kernel = nengo.Convolution(2, (5, 5, 1), init=rng.randn(3, 3, 1, 2))
    nengo.Connection(image.neurons, feature.neurons, transform=kernel)
    sparse = nengo.Sparse((10, 18), indices=[(i, (3 * i) % 18) for i in range(10)], init=0.3)
    nengo.Connection(feature.neurons, b.neurons, transform=sparse)


def node_functions():
    stimulus = nengo.Node(nengo.processes.WhiteSignal(0.1, high=50, seed=1), label="stimulus")
    a, b = nengo.Ensemble(30, 2, label="a"), nengo.Ensemble(30, 2, label="b")
    squared = nengo.Node(lambda t, x: x**2, size_in=2, label="squared")
    log = nengo.Node(lambda t, x: None, size_in=2, label="log")
    nengo.Connection(stimulus, a[0], function=np.tanh)
    nengo.Connection(a, b)
    nengo.Connection(a, squared)
    nengo.Connection(squared, b, transform=0.5)
    nengo.Connection(a, log)
    direct = nengo.Ensemble(1, 2, neuron_type=nengo.Direct(), label="direct")
    nengo.Connection(b, direct)
    nengo.Connection(direct, a, transform=0.1)


def driven():
    """Neurons that are always active, so that every weight changes at every step."""
    net = nengo.Network.context[-1]
    net.config[nengo.Ensemble].intercepts = nengo.dists.Uniform(-1, -0.95)
    pre = nengo.Ensemble(12, 2, label="pre")
    post = nengo.Ensemble(9, 3, label="post")
    error = nengo.Ensemble(10, 3, label="error")
    nengo.Connection(nengo.Node([0.1, 0.2], label="stimulus"), pre)
    nengo.Connection(nengo.Node([0.3, 0.2, 0.1]), post, synapse=None)
    return pre, post, error


def pes():
    pre, post, error = driven()
    nengo.Connection(post, error)
    learned = nengo.Connection(
        pre, post, function=lambda x: x[0] * x[1], transform=[[1], [2], [3]],
        learning_rule_type=nengo.PES(1e-3),
    )  # fmt: skip
    nengo.Connection(error, learned.learning_rule, transform=-1)
    relay = nengo.Node(size_in=3, label="relay")
    nengo.Connection(error[::-1], relay)
    full = nengo.Connection(pre, post[:2], solver=FULL, learning_rule_type=nengo.PES(1e-3))
    nengo.Connection(relay[:2], full.learning_rule)
    neurons = nengo.Connection(
        pre.neurons, post.neurons, transform=np.full((9, 12), 1e-4), learning_rule_type=nengo.PES()
    )
    nengo.Connection(relay, neurons.learning_rule)


def voja():
    pre, post, error = driven()
    learned = nengo.Connection(pre, post[:2], learning_rule_type=nengo.Voja(learning_rate=1e-3))
    nengo.Connection(nengo.Node([1.0]), learned.learning_rule)
    nengo.Connection(error, post)


def bcm_and_oja():
    pre, post, error = driven()
    weights = RNG(1).uniform(1e-5, 1e-4, (9, 12))
    nengo.Connection(
        pre.neurons, post.neurons, transform=weights,
        learning_rule_type=[nengo.BCM(learning_rate=1e-12), nengo.Oja(learning_rate=1e-10)],
    )  # fmt: skip
    nengo.Connection(
        pre, error, solver=FULL, transform=np.ones((3, 2)),
        learning_rule_type={"oja": nengo.Oja(learning_rate=1e-10)},
    )  # fmt: skip


def rls():
    pre, post, error = driven()
    nengo.Connection(post, error)
    learned = nengo.Connection(
        pre, post, function=lambda x: [1, 0, 0], learning_rule_type=nengo.RLS()
    )
    nengo.Connection(error, learned.learning_rule)


def aml():
    """nengo_extras' association of a cue with a target, decaying."""
    pre, post, _ = driven()
    learned = nengo.Connection(pre, post, function=lambda x: [1, 0.5, 2], learning_rule_type=AML(3))
    # factors of the learning rate and of all that was learned before, and the target
    nengo.Connection(nengo.Node([1, 0.99, 0.3, 0.2, -0.1]), learned.learning_rule, synapse=None)


def delta_rule():
    pre, post, _ = driven()
    rule = DeltaRule(1e-9, post_fn=lambda u: 1 + abs(u), post_tau=0.005)
    weights = RNG(1).uniform(1e-5, 1e-4, (9, 12))
    learned = nengo.Connection(
        pre.neurons, post.neurons, transform=weights, learning_rule_type=rule
    )
    nengo.Connection(nengo.Node(np.linspace(1, 2, 9)), learned.learning_rule, synapse=None)


NETWORKS = {
    make.__name__: make
    for make in (
        communication_channel, functions_and_transforms, integrator, product,
        circular_convolution, spa_like, neurons_and_slices, node_functions, pes, voja,
        bcm_and_oja, rls, aml, delta_rule,
    )
}  # fmt: skip
LEARNING = ("pes", "voja", "bcm_and_oja", "rls", "aml", "delta_rule")


def build(name):
    """A new network of that name."""
    with nengo.Network(seed=4, label=name) as net:
        NETWORKS[name]()
    return net


@st.composite
def random_networks(draw, learning=True):
    """A `random_network`."""
    return random_network(draw(st.integers(0, 10**6)), learning)


def random_network(seed, learning=True):
    """Ensembles, passthrough Nodes and Connections of every kind between them."""
    rng = np.random.RandomState(seed)
    with nengo.Network(seed=rng.randint(100)) as net:
        # a neuron that no evaluation point makes fire has decoders of zero: see below
        net.config[nengo.Ensemble].intercepts = nengo.dists.Uniform(-1, 0.2)
        stimulus = nengo.Node(rng.uniform(-1, 1, 2), label="stimulus")
        ensembles = [
            nengo.Ensemble(rng.randint(15, 25), rng.randint(1, 4)) for _ in range(rng.randint(1, 4))
        ]
        relay = nengo.Node(size_in=2, label="relay")
        starts = [stimulus, relay, *ensembles, *(e.neurons for e in ensembles)]
        ends = [relay, *ensembles, *(e.neurons for e in ensembles)]
        for _ in range(rng.randint(1, 9)):
            pre, post = starts[rng.randint(len(starts))], ends[rng.randint(len(ends))]
            if pre is relay and post is relay:
                continue
            kwargs = {"synapse": [None, 0.01][rng.randint(2)] if pre is stimulus else 0.01}
            weights = rng.randn(post.size_in, pre.size_out)
            weights[rng.uniform(size=weights.shape) < 0.2] = 0
            kwargs["transform"] = weights
            if pre in ensembles and post in ensembles:
                kwargs["solver"] = nengo.solvers.LstsqL2(weights=bool(rng.randint(2)))
                if learning and rng.randint(3) == 0:
                    kwargs["learning_rule_type"] = nengo.PES()
                elif learning and rng.randint(3) == 0 and not kwargs["solver"].weights:
                    kwargs["learning_rule_type"] = nengo.Voja()
            nengo.Connection(pre, post, **kwargs)
    return net
