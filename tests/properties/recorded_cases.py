"""Small networks whose counts are the same on every machine: what is counted, by case and way.

A case takes no argument and gives whole numbers, by the name of the way they were counted:
``{"compiled": [array, ...]}``. ``tools/recorded_counts.py`` writes what they give.
"""

from __future__ import annotations

from typing import Any, Callable

import nengo
import numpy as np

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.loihi import fit_blocks, place
from tests.models import conv_net, images

Counted = dict[str, list[np.ndarray]]

STEPS = 30


def counts(activity: Any) -> list[np.ndarray]:
    """Counts of all populations of an activity, in their order."""
    return [record.counts for record in activity.populations.values()]


def measured(network: Any, x: Any, simulator: str, **options: Any) -> Any:
    """An activity, every sample from its start."""
    return nsc.measure(
        network, x, STEPS, simulator=simulator, presentation="fresh", progress=False, **options
    )


def digits() -> Counted:
    """The tutorial's trained network on the shipped digits: a million weights from a file."""
    from nengo_spikecost.demo import demo_data, demo_model

    conversion = nsc.convert(demo_model(), scale_firing_rates=200, synapse=0.005)
    x = demo_data().x_test[:6]
    found = {}
    for simulator in ("nengo_dl", "compiled"):
        activity = measured(conversion, x, simulator)
        work = nsc.NetworkEnergy(conversion, activity).workload()
        synops = [path.synops for path in work.pathways if path.synops is not None]
        found[simulator] = [*counts(activity), *synops]
    return found


def keras_on_chip() -> Counted:
    """A converted network in every simulator; its cores, and where these are."""
    conversion = nsc.convert(
        conv_net(stack.keras()), neuron_type="LoihiLIF", scale_firing_rates=200, synapse=0.005
    )
    x = images(6)
    found = {}
    for simulator in ("nengo_dl", "nengo", "compiled"):
        found[simulator] = counts(measured(conversion, x, simulator))
    activity = measured(conversion, x, "loihi")
    chip = activity.chip
    found["chip"] = [
        *counts(activity), chip.spikes, chip.with_input, *chip.synops.values(), chip.axon_events,
        chip.messages_out, chip.messages_between, chip.host_to_chip, chip.chip_to_host,
    ]  # fmt: skip
    fit = fit_blocks(conversion, progress=False)
    mapping = place(conversion, fit=fit)
    blocks = [(block.chip, block.core) for block in mapping.blocks]
    shapes = [np.array(layer.use.tiling.tile) for layer in fit.layers]
    found["cores"] = [np.array(blocks), *shapes]
    return found


def learning() -> Counted:
    """Ensembles of Nengo: decoders that are solved for, feedback, noise, a rule that learns."""
    with nengo.Network(seed=5) as net:
        given = nengo.Node([0.0, 0.0], label="given")
        noise = nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 0.1))
        a = nengo.Ensemble(60, 2, neuron_type=nengo.LIF(), noise=noise, label="a")
        b = nengo.Ensemble(40, 1, neuron_type=nengo.AdaptiveLIF(), label="b")
        nengo.Connection(given, a)
        nengo.Connection(a, a, synapse=0.1, transform=0.5)
        learned = nengo.Connection(
            a, b, function=np.prod, learning_rule_type=nengo.PES(1e-4), synapse=nengo.Alpha(0.01)
        )
        nengo.Connection(b, learned.learning_rule, transform=-1)
        nengo.Probe(b, synapse=0.02, label="out")
    x = np.random.RandomState(0).uniform(-1, 1, (4, 2))
    found = {name: counts(measured(net, x, name)) for name in ("nengo", "nengo_dl", "compiled")}
    found["float64"] = counts(measured(net, x, "compiled", dtype="float64"))
    return found


def drawn() -> Counted:
    """Neurons that draw random numbers at every step."""
    with nengo.Network(seed=2) as net:
        given = nengo.Node([0.0], label="given")
        a = nengo.Ensemble(30, 1, neuron_type=nengo.PoissonSpiking(nengo.LIFRate()), label="a")
        b = nengo.Ensemble(
            20, 1, neuron_type=nengo.StochasticSpiking(nengo.RectifiedLinear()), label="b"
        )
        nengo.Connection(given, a)
        nengo.Connection(a, b, synapse=0.01)
    x = np.linspace(-1, 1, 4)[:, None]
    return {name: counts(measured(net, x, name)) for name in ("nengo", "compiled")}


def searched() -> Counted:
    """The settings that a sweep tries one after another, and what it reads of each."""
    model, x = conv_net(stack.keras()), images(40)
    y = np.arange(40) % 3
    found = nsc.sweep(
        model, x, y, n_steps=(10, 20), accuracy_losses=(0.2,), first_images=20, n_trials=8,
        simulator="compiled", progress=False,
    )  # fmt: skip
    readings = [
        np.array([reading.n_steps, *reading.correct, round(40 * reading.synops)])
        for trial in found.trials
        for reading in trial.readings
    ]
    return {"compiled": readings}


CASES: dict[str, Callable[[], Counted]] = {
    function.__name__: function for function in (digits, keras_on_chip, learning, drawn, searched)
}
