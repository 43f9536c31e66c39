"""``cost_model="average"``: mean rate times number of synapses, of the spikes that were measured.

That is what most tools count. It is `per_operation` with these synops in place of exact ones, so
that the difference between the two is that of the counts alone. Devices without spikes are
priced as they are there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..workload.workload_record import Workload
from .cost_models import Counter
from .per_operation import PER_OPERATION


def with_average(workload: Workload) -> Workload:
    """A workload whose synops are mean rate times number of synapses, of the same spikes.

    Weights in factors stay as they are counted, unless they are the synapses themselves.
    """
    operations = sum(float(np.sum(w.operations)) for w in workload.factored)
    synops = sum(float(np.sum(p.synops)) for p in workload.pathways if p.synops is not None)
    return replace(
        workload,
        pathways=tuple(replace(p, synops=p.average_synops) for p in workload.pathways),
        factored=() if operations == synops else workload.factored,
    )


@dataclass(frozen=True)
class MeanRateCounter:
    """A network counted exactly, whose workloads have averages in place of the exact synops."""

    exact: Counter

    def workload(self, n_steps: int | None = None, dt: float | None = None) -> Workload:
        """The work per inference of ``n_steps`` steps of ``dt`` seconds."""
        return with_average(self.exact.workload(n_steps, dt))

    def layer_name(self, layer: Any) -> str:
        """The row of a layer, given by name or as an object."""
        return self.exact.layer_name(layer)


def mean_rate_counter(network: Any, activity: Any, example_data: Any) -> Counter:
    """Count a network with the activity that was measured on it."""
    return MeanRateCounter(PER_OPERATION.counter(network, activity, example_data))


AVERAGE = replace(
    PER_OPERATION, name="average", counter=mean_rate_counter, counts_from="mean rates",
    can_price=lambda device: device.spiking,
)  # fmt: skip
