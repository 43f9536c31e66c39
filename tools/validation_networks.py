"""Networks that stand in for those that were measured, run on the emulated chip.

Blouw et al.'s scaling network: a layer of 256 neurons on the host, copies of ten layers of
256 neurons each, all to all with weights uniform in -0.05 to 0.05, and an output layer.
LIF neurons are those of NengoLoihi's keyword-spotting notebook. Gains and biases of the
neurons, which decide how often they fire, are not published.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from nengo_spikecost import stack
from nengo_spikecost.chip.chip_work import ChipWork
from nengo_spikecost.loihi import Mapping, place, record_spikes
from nengo_spikecost.loihi.sana_fe import Recording
from nengo_spikecost.workload.measured_chip import chip_work

WIDTH, N_INPUTS, N_LAYERS = 256, 390, 10
STEPS_PER_INFERENCE = 10
WARM_UP, N_INFERENCES = 5, 25

#: How neurons may have been set: as Nengo does if nothing is said; just below threshold; and
#: with nothing to drive them but their weights.
SETTINGS = ("nengo's defaults", "gain 1, bias 1", "gain 1, bias 0")


@dataclass(frozen=True)
class Emulated:
    """A network that ran: its work per inference, and what it did."""

    work: ChipWork
    rate_hz: float
    recording: Recording
    mapping: Mapping


@cache
def scaling(n_copies: int, setting: str = SETTINGS[0], seed: int = 0) -> Emulated:
    """The scaling network with so many copies, emulated with random frames."""
    network = _scaling_network(n_copies, setting, seed)
    rng = np.random.RandomState(seed + 1)
    frames = rng.normal(0, 1, (1, WARM_UP + N_INFERENCES, N_INPUTS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recording = record_spikes(
            network,
            frames.repeat(STEPS_PER_INFERENCE, axis=1),
            N_INFERENCES * STEPS_PER_INFERENCE,
            warm_up=WARM_UP * STEPS_PER_INFERENCE,
        )
        mapping = place(network, model=recording.built.model)
    activity: Any = recording  # has what is asked of an Activity
    work = chip_work(activity, mapping)
    spikes = recording.chip.spikes.sum()
    neurons = recording.chip.compartments.sum()
    return Emulated(work, float(spikes / neurons / (recording.n_steps * 1e-3)), recording, mapping)


def _scaling_network(n_copies: int, setting: str, seed: int) -> Any:
    import nengo

    loihi = stack.nengo_loihi()
    rng = np.random.RandomState(seed)
    neurons = {"neuron_type": nengo.LIF(tau_rc=0.02, tau_ref=0.001, amplitude=0.005)}
    if setting != SETTINGS[0]:
        bias = 1 if setting == SETTINGS[1] else 0
        neurons.update(gain=nengo.dists.Choice([1]), bias=nengo.dists.Choice([bias]))

    def layer(label: str) -> Any:
        return nengo.Ensemble(WIDTH, 1, label=label, **neurons)

    def connect(pre: Any, post: Any, size: int = WIDTH) -> None:
        weights = rng.uniform(-0.05, 0.05, (WIDTH, size))
        nengo.Connection(pre, post.neurons, transform=weights, synapse=None)

    with nengo.Network(seed=seed) as network:
        loihi.add_params(network)
        frame = nengo.Node(np.zeros(N_INPUTS))
        first = layer("input")
        network.config[first].on_chip = False
        connect(frame, first, N_INPUTS)
        ends = []
        for copy in range(n_copies):
            ends.append(first)
            for depth in range(N_LAYERS):
                after = layer(f"copy_{copy}_layer_{depth}")
                connect(ends[-1].neurons, after)
                ends[-1] = after
        out = layer("output")
        for end in ends or [first]:
            connect(end.neurons, out)
        nengo.Probe(out.neurons)
    return network
