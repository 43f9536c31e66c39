"""What `deploy` is given and would not use is refused."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.errors import ArgumentError, LoihiError
from nengo_spikecost.loihi import deploy

loihi = stack.nengo_loihi()


def network():
    with nengo.Network(seed=1) as net:
        a = nengo.Ensemble(10, 1)
        nengo.Connection(nengo.Node([0.0]), a)
        nengo.Probe(a)
    return net


@pytest.mark.parametrize(
    "ignored",
    [
        {"scale_firing_rates": 800},
        {"neuron_type": nengo.LIF()},
        {"synapse": None},
        {"max_pooling": "exact"},
        {"swap_activations": {}},
    ],
    ids=lambda ignored: next(iter(ignored)),
)
def test_how_to_convert_a_network_is_refused(ignored):
    name = next(iter(ignored))
    with pytest.raises(LoihiError, match=f"{name}: for Keras models only; Network is a network"):
        deploy(network(), np.ones((1, 1)), n_steps=3, progress=False, **ignored)
    deploy(network(), np.ones((1, 1)), n_steps=3, progress=False, seed=3)


def test_unknown_arguments_are_refused_by_name():
    with pytest.raises(ArgumentError, match="deploy has no argument 'steps'; did you mean n_steps"):
        deploy("a model", np.ones((1, 1)), n_steps=3, steps=3)


@pytest.mark.parametrize("dt", [0, -0.001, "1 ms", float("nan")])
def test_steps_without_length_are_refused(dt):
    with pytest.raises(LoihiError, match="dt must be a positive time"):
        deploy(network(), np.ones((1, 1)), n_steps=3, dt=dt)
