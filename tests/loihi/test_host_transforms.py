"""Every transform on the host of the emulated chip, against NengoLoihi's own host."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
import scipy.sparse

from .emulated import assert_equal
from .networks import Layers

INDICES = [(0, 1), (3, 2), (3, 2), (1, 0)]
N = 4

TRANSFORMS = {
    "dense": nengo.Dense((N, N), init=np.arange(16.0).reshape(N, N)),
    "vector": nengo.Dense((N, N), init=np.arange(4.0)),
    # by the soak, seed 100150: Nengo keeps these in a type of its own until it simulates
    "sparse by indices": nengo.Sparse((N, N), indices=INDICES, init=[0.3, 2, 3, 4]),
    "sparse by one number": nengo.Sparse((N, N), indices=INDICES[:2], init=0.5),
    "sparse, drawn": nengo.Sparse((N, N), indices=INDICES, init=nengo.dists.Uniform(0.5, 1)),
    "sparse of SciPy": nengo.Sparse((N, N), init=scipy.sparse.eye(N).tocsr() * 2.0),
    "convolution": nengo.Convolution(1, (2, 2, 1), (1, 1), init=np.full((1, 1, 1, 1), 0.7)),
    "transposed": nengo.ConvolutionTranspose(
        1, (2, 2, 1), kernel_size=(1, 1), init=np.full((1, 1, 1, 1), 0.7)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("given", [[100.0, 250, 50, 300], lambda t: 200 + 100 * np.sin(t * 90)])
def test_values_pass_it_before_the_chip_and_behind(name, given):
    if callable(given):
        wave, given = given, lambda t: np.full(N, wave(t))
    layers = Layers(N, seed=1)
    layers.input.output = given
    a = layers.population(N, "a")
    layers.connect(layers.encoder, a, layers.weights(N, N).T)
    layers.probe(a)
    with layers.net:
        before, behind, last = (nengo.Node(size_in=N, label=name) for name in "abc")
        nengo.Connection(layers.input, before, transform=TRANSFORMS[name], synapse=None)
        nengo.Connection(before, layers.encoder.neurons, synapse=None)
        nengo.Connection(a.neurons, behind, synapse=0.005)
        nengo.Connection(behind, last, transform=TRANSFORMS[name], synapse=0.01)
        for node in (before, behind, last):
            nengo.Probe(node)
    run, _ = assert_equal(layers.net)
    assert run.block_spikes().sum() > 0
