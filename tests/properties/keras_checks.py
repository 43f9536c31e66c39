"""What random Keras models are held against: Keras, Nengo, and matrices multiplied out."""

from __future__ import annotations

import numpy as np

import nengo_spikecost as nsc
from nengo_spikecost.conversion.host_node import HostNode
from tests.conversion.agreement import assert_owned_and_counted, random_inputs, with_nengo
from tests.lowering.comparison import assert_same_rates
from tests.properties.dense_paths import (
    assert_counts_are_brute_force,
    assert_lowered_counts,
    matrices,
)
from tests.properties.keras_models import random_model

#: Both compute in float64, in another order.
TOLERANCE = 1e-6


def check(seed, may_be_silent=False):
    """Convert one random model, and check all there is to check about it."""
    try:
        model = random_model(seed)
        scale = 1 if seed % 2 else 40
        conversion = nsc.convert(
            model, neuron_type="RectifiedLinear", scale_firing_rates=scale, lower=True
        )
        check_outputs(model, conversion, may_be_silent)
        check_counts(conversion)
        if seed % 4 == 0:
            # filters keep paths apart that are merged without
            filtered = nsc.convert(model, neuron_type="RectifiedLinear", synapse=0.005, lower=True)
            unlowered = filtered.unlowered
            assert_same_rates(
                unlowered.net, filtered.lowering, unlowered.input_nodes, 8, ["nengo"],
                may_be_silent,
            )  # fmt: skip
    except Exception as error:
        raise AssertionError(f"random_model({seed}): {error}") from error


def check_outputs(model, conversion, may_be_silent=False):
    """The network computes what Keras does; lowered, every neuron and output is the same."""
    unlowered = conversion.unlowered
    assert_same_rates(
        unlowered.net, conversion.lowering, unlowered.input_nodes, 1, ["nengo"], may_be_silent
    )
    inputs = random_inputs(model, n_samples=2)
    expected = model(inputs, training=False)
    expected = expected if isinstance(expected, list) else [expected]
    assert_close(with_nengo(unlowered, inputs), expected)


def assert_close(found, expected):
    """Outputs of a network, one array each, are those of Keras but for rounding in float64."""
    assert len(found) == len(expected)
    for values, wanted in zip(found, expected):
        wanted = np.reshape(wanted, (len(values), -1))
        error = np.abs(values - wanted).max() / max(np.abs(wanted).max(), 1e-6)
        assert error < TOLERANCE, f"outputs are {error:.2e} off"


def check_counts(conversion):
    """Synapses before and after lowering are those of dense matrices; nothing has no count."""
    found = {}
    for made in (conversion.unlowered, conversion):
        assert_owned_and_counted(made)
        graph = nsc.NetworkGraph(made)
        assert graph.uncounted == ()
        found[made.net] = matrices(made.net)
        assert_counts_are_brute_force(graph, found[made.net])
        # what neurons can't compute is on the host, with a number of operations
        functions = [part for part in graph.host if part.role == "function"]
        host_nodes = [node for node in made.net.all_nodes if isinstance(node, HostNode)]
        assert sum(part.operations for part in functions) == sum(
            node.operations for node in host_nodes
        )
        assert all(node.operations > 0 for node in host_nodes)
    assert_lowered_counts(conversion, found[conversion.net], found[conversion.unlowered.net])
