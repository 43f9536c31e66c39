"""Random linear networks, lowered: what arrives is what Nengo says arrives without lowering."""

from __future__ import annotations

import nengo
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nengo_spikecost.lowering import lower

from .chains import KINDS, random_network, simulated_matrix


@settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.integers(0, 2**16), st.lists(st.sampled_from(KINDS), min_size=1, max_size=6))
def test_same_inputs(seed, kinds):
    net = random_network(seed, kinds)
    lowering = lower(net)
    source, target = net.ensembles
    new = lowering.objects
    assert not [node for node in lowering.network.all_nodes if node.size_in]
    before = simulated_matrix(net, source, target)
    after = simulated_matrix(lowering.network, new[source], new[target])
    # The bias of a million that keeps neurons linear leaves ten digits after the point.
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-7 * max(1, np.ptp(before)))
    assert len(lowering.network.all_connections) <= 2
    assert {type(n) for n in lowering.network.all_objects} <= {nengo.Ensemble, nengo.Connection}
