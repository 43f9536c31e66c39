"""What lowering makes of linear ways that no Keras layer drew."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_spikecost.lowering import lower
from tests.lowering.chains import simulated_matrix
from tests.soak.registry import check


@check(
    "lowered, the same inputs of neurons",
    "nengo.Simulator before and after",
    ("Nengo, linear ways",),
)
def lowered(network: Any) -> None:
    """For every neuron that spikes, and for none."""
    net = network.net
    lowering = lower(net)
    source, target = net.ensembles
    new = lowering.objects
    before = simulated_matrix(net, source, target)
    after = simulated_matrix(lowering.network, new[source], new[target])
    # The bias of a million that keeps neurons linear leaves ten digits after the point.
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-7 * max(1, np.ptp(before)))
    assert len(lowering.network.all_connections) <= 2
