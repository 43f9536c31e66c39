"""Weights kept in factors: the operations of a spike, and those of every step.

The synapses of a `Pathway` are the full-weight form: decoders, transforms and encoders of all
Connections on the way multiplied out, one weight for each pair of neurons, used when a spike
comes. A chip may keep the factors instead, as Nengo does. A spike then passes the first
of them only, from its neuron to the decoded dimensions (or to the elements of a passthrough
Node). The next factor gets no spike any more but a sum of spikes, which is there at every step and
has to be multiplied at every step, whether neurons spike or not.

Neither form is the cheaper one as such. Between Ensembles of 1000 neurons and 2 dimensions, a
spike makes 1000 synops in the full form and 2 in factors, which take 2000
multiply-accumulates a step; in a network that is silent most of the time, the full form wins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import nengo
import numpy as np

from .connection_chain import encoder_macs, is_decoded, stored_weights
from .connectivity import Placement
from .naming import ensemble_of
from .network_graph import NetworkGraph
from .pathways import SpikeSource, Weights
from .spike_synops import spike_synops


@dataclass(frozen=True)
class FactoredForm:
    """The weights of one Connection, or of one Ensemble's encoders, used in factored form.

    Those that several pathways share are there once: the sum over the forms of a network is the
    work of a device that shares as much as it can.

    Attributes
    ----------
    name, layer : str
        Those of the `Weights`.
    pre : Population, optional
        Whose spikes come to the weights; None where graded values do: from data, from graded
        neurons, from sums of other forms.
    weights : Weights
    """

    name: str
    layer: str
    pre: SpikeSource | None
    weights: Weights = field(repr=False)

    @cached_property
    def per_spike(self) -> np.ndarray | None:
        """Synaptic operations that a spike of each neuron of ``pre`` makes.

        ndarray of shape (pre.n_neurons,), int64; or None without ``pre``.
        """
        if self.pre is None:
            return None
        conn = self.weights.obj
        stored = stored_weights(conn, self.weights.count_zeros)
        if is_decoded(conn):
            return stored[0].out_degree
        indices = np.arange(conn.pre_obj.size_out)[conn.pre_slice]
        # without a transform a spike is added where it arrives, as in any other synapse
        out_degree = stored[0].out_degree if stored else np.ones(len(indices), dtype=np.int64)
        onto = Placement(indices, conn.pre_obj.size_out)
        return onto.forward(out_degree).astype(np.int64)

    @cached_property
    def per_step(self) -> int:
        """Multiply-accumulates at every step."""
        obj = self.weights.obj
        if isinstance(obj, nengo.Ensemble):
            return encoder_macs(obj, self.weights.count_zeros)
        later = stored_weights(obj, self.weights.count_zeros)
        if self.pre is not None:
            later = later[1:]
        return sum(pattern.n_synapses for pattern in later)

    def operations(self, counts: np.ndarray, n_steps: int) -> np.ndarray:
        """Operations of each sample: synops of its spikes, and the work of its steps.

        Parameters
        ----------
        counts : ndarray of int, shape (n_samples, pre.n_neurons)
            Spikes of the neurons of ``pre``; without ``pre`` only their number of samples
            matters.
        n_steps : int

        Returns
        -------
        ndarray of int64, shape (n_samples,)
        """
        steps = np.full(len(counts), n_steps * self.per_step, dtype=np.int64)
        if self.per_spike is None:
            return steps
        return spike_synops(counts, self.per_spike) + steps


def factored_forms(graph: NetworkGraph) -> tuple[FactoredForm, ...]:
    """The factored form of all weights of a network, in the order of ``graph.weights``.

    Made once for a graph: what a spike makes in each does not depend on the spikes.
    """
    if graph not in _FORMS:
        _FORMS[graph] = _forms(graph)
    return _FORMS[graph]


_FORMS: WeakKeyDictionary[NetworkGraph, tuple[FactoredForm, ...]] = WeakKeyDictionary()


def _forms(graph: NetworkGraph) -> tuple[FactoredForm, ...]:
    spiking = {p.obj: p for p in graph.spike_sources if p.spiking}
    forms = []
    for weights in graph.weights:
        of_connection = isinstance(weights.obj, nengo.Connection)
        pre = spiking.get(ensemble_of(weights.obj.pre_obj)) if of_connection else None
        forms.append(FactoredForm(weights.name, weights.layer, pre, weights))
    return tuple(forms)
