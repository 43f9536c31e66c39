"""Record what SANA-FE says of the networks of ``scoreboard_given.py`` that a chip was loaded with.

    python tools/scoreboard_sana_fe.py       # needs pip install 'nengo-spikecost[sanafe]'

Networks are handed over as NengoLoihi built them, and replayed spike by spike, by
`nengo_spikecost.loihi.sana_fe`. Where only counts are published there is nothing to hand over,
but for the nearest neighbours: cores of 20 neurons that all spikes reach, a chip of them.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scoreboard_given import all_given
from scoreboard_recordings import record
from validation_networks import scaling

from nengo_spikecost import stack
from nengo_spikecost.loihi import place, record_spikes
from nengo_spikecost.loihi.sana_fe import SanaFeRun, replay, to_sana_fe

PER_CORE, CORES, CHIPS = 20, 120, 32


def joules(run: SanaFeRun) -> float:
    """Of all steps."""
    return float((run.soma_J + run.synapse_J + run.network_J).sum())


def neighbours() -> SanaFeRun:
    """The nearest neighbours on one of the chips."""
    import nengo

    given = all_given()["nearest neighbours"]
    spikes = given.layers[0].spikes_in
    loihi = stack.nengo_loihi()
    plain = {"gain": nengo.dists.Choice([1]), "bias": nengo.dists.Choice([0])}
    n_in, n_neurons = spikes.shape[1], CORES * PER_CORE
    with nengo.Network(seed=0) as network:
        loihi.add_params(network)
        frame = nengo.Node(np.zeros(n_in))
        senders = nengo.Ensemble(
            n_in, 1, label="senders", neuron_type=nengo.SpikingRectifiedLinear(), **plain
        )
        network.config[senders].on_chip = False
        nengo.Connection(frame, senders.neurons, synapse=None)
        receivers = nengo.Ensemble(
            n_neurons, 1, label="receivers",
            neuron_type=loihi.neurons.LoihiSpikingRectifiedLinear(), **plain,
        )  # fmt: skip
        shape = loihi.BlockShape((PER_CORE,), (n_neurons,))
        network.config[receivers].block_shape = shape
        weights = np.full((n_neurons, n_in), 1e-4)
        nengo.Connection(senders.neurons, receivers.neurons, transform=weights, synapse=None)
    recording = record_spikes(network, spikes[None] * 1000.0, len(spikes))
    mapping = place(network, model=recording.built.model)
    run = replay(to_sana_fe(mapping, recording))
    if run.synops.sum() * CHIPS != given.synops() or recording.chip.spikes.any():
        raise SystemExit("These are not the nearest neighbours that the other tools are given.")
    return run


def main() -> None:
    """Run SANA-FE on all networks that are known."""
    runs: dict[str, Any] = {}
    run = neighbours()
    runs["nearest neighbours"] = {
        "J": joules(run) * CHIPS / all_given()["nearest neighbours"].share,
        "step_s": float(run.step_s.mean()),
    }
    print(runs)
    totals, steps = [], []
    for copies in range(3):
        emulated = scaling(copies)
        run = replay(to_sana_fe(emulated.mapping, emulated.recording))
        totals.append(joules(run))
        steps.append(float(run.step_s.mean()))
        print(copies, totals[-1], steps[-1])
    runs["no copies"] = {"J": totals[0], "step_s": steps[0]}
    runs["one copy"] = {"J": totals[1], "step_s": steps[1]}
    runs["a further copy"] = {"J": totals[2] - totals[1], "step_s": steps[2]}
    record("SANA-FE", {"version": metadata.version("sanafe"), "runs": runs})


if __name__ == "__main__":
    main()
