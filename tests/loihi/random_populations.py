"""Random networks of populations on the chip, some of which NengoLoihi refuses."""

from __future__ import annotations

import nengo
import numpy as np
import scipy.sparse

from .networks import Layers

SIDE, CHANNELS = 3, 2
SIZE = SIDE * SIDE * CHANNELS


def random_transform(rng):
    """A transform from SIZE to SIZE elements, of any kind."""
    kernel = rng.uniform(0.2, 1.5, (1, 1, CHANNELS, CHANNELS))
    image = (SIDE, SIDE, CHANNELS)
    vector = (SIZE // CHANNELS, CHANNELS)
    makers = {
        "none": lambda: None,
        "scalar": lambda: nengo.Dense((SIZE, SIZE), init=rng.uniform(1, 3)),
        "vector": lambda: nengo.Dense((SIZE, SIZE), init=rng.uniform(1, 3, SIZE)),
        "matrix": lambda: nengo.Dense((SIZE, SIZE), init=rng.uniform(-0.1, 0.3, (SIZE, SIZE))),
        "drawn": lambda: nengo.Dense((SIZE, SIZE), init=nengo.dists.Uniform(0, 0.3)),
        "sparse": lambda: nengo.Sparse(
            (SIZE, SIZE), init=scipy.sparse.random(SIZE, SIZE, 0.2, "csr", random_state=rng) * 2
        ),
        "convolution": lambda: nengo.Convolution(CHANNELS, image, kernel_size=(1, 1), init=kernel),
        "grouped": lambda: nengo.Convolution(
            CHANNELS,
            image,
            kernel_size=(3, 3),
            padding="same",
            groups=2,
            init=rng.uniform(0, 0.5, (3, 3, 1, CHANNELS)),
        ),
        "transposed": lambda: nengo.ConvolutionTranspose(
            CHANNELS, image, kernel_size=(1, 1), init=kernel
        ),
        "1d": lambda: nengo.Convolution(
            CHANNELS, vector, kernel_size=(1,), strides=(1,), init=kernel[0]
        ),
    }
    return makers[
        rng.choice(list(makers), p=[0.15, 0.1, 0.06, 0.2, 0.08, 0.15, 0.1, 0.06, 0.06, 0.04])
    ]()


def random_synapse(rng):
    return rng.choice(
        np.array([0.005, 0.02, None, nengo.Alpha(0.005)], dtype=object), p=[0.85, 0.05, 0.06, 0.04]
    )


def random_network(seed):
    """Two to four populations behind the encoder, joined at random, through Nodes or not."""
    layers = Layers(SIZE, seed=seed)
    rng = layers.rng
    populations = [layers.encoder]
    for number in range(rng.randint(2, 5)):
        gain = rng.uniform(1, 2, SIZE) if rng.rand() < 0.15 else 1.5
        post = layers.population(SIZE, f"p{number}", rng.rand() < 0.85, gain)
        layers.probe(post)
        for _ in range(rng.choice([1, 2], p=[0.8, 0.2])):
            pre = populations[rng.randint(len(populations))]
            if rng.rand() < 0.75:
                layers.connect(pre, post, random_transform(rng), random_synapse(rng))
            else:
                connect_through_node(layers, pre, post)
        populations.append(post)
    return layers


def connect_through_node(layers, pre, post):
    """A way through one or two Nodes, which perhaps compute something or are probed."""
    rng = layers.rng
    before, after = random_transform(rng), random_transform(rng)
    with layers.net:
        kind = rng.choice(["relay", "probed", "function", "parts"])
        function = (lambda t, x: 1.1 * x) if kind == "function" else None
        node = nengo.Node(function, size_in=SIZE)
        if kind == "parts":
            half = SIZE // 2
            nengo.Connection(pre.neurons[:half], node[half:], synapse=None)
            nengo.Connection(pre.neurons[half:], node[:half], synapse=None)
        else:
            nengo.Connection(pre.neurons, node, transform=before, synapse=None)
        nengo.Connection(node, post.neurons, transform=after, synapse=random_synapse(rng))
        if kind == "probed":
            nengo.Probe(node)
