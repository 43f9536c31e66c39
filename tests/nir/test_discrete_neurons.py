"""`DiscreteLIF`, `DiscreteLI` and `EventInput`, neuron by neuron and in every simulator."""

from __future__ import annotations

import itertools
import math

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.activity.compiled.compiled_network import CompiledNetwork
from nengo_spikecost.errors import DataError, MeasurementError, TuningError
from nengo_spikecost.nir import DiscreteLI, DiscreteLIF, EventInput
from nengo_spikecost.nir.discrete_neurons import RESETS
from nengo_spikecost.plots import activation_profile
from nengo_spikecost.tuning import spiking_aware_training
from nengo_spikecost.workload.neuron_costs import has_bias, is_leaky, updates_per_step

N, STEPS, DT = 37, 40, 0.001
RNG = np.random.RandomState(0)
#: Multiples of 1/64, so that thresholds are reached exactly, and float32 rounds nothing for long.
INPUT = np.round(RNG.uniform(-1, 2, (2, STEPS, N)) * 64) / 64


def some(low, high):
    """An array of parameters."""
    return np.random.RandomState(N).randint(low * 16, high * 16 + 1, N) / 16


LIF = [
    DiscreteLIF(0.75, 1.0, reset, 0.125, at_threshold=at, several=several, amplitude=DT)
    for reset, at, several in itertools.product(RESETS, (False, True), (False, True))
] + [
    DiscreteLIF(0.5, 0.75, "subtract", current_decay=0.25, current_gain=0.5, leak=0.0625),
    DiscreteLIF(
        some(0, 1), some(1, 2), "value", some(-1, 0.5), current_decay=some(0, 1),
        current_gain=some(0.5, 1), leak=some(-0.25, 0.25), amplitude=DT,
    ),
    DiscreteLIF(some(0, 1), some(1, 2), "subtract_later", several=True, amplitude=0.25),
    DiscreteLIF(0.0, 0.5),
    DiscreteLIF(1.0, 1.0, lowest=-0.5), DiscreteLIF(0.5, 0.75, "subtract_owed", lowest=-0.25),
    DiscreteLIF(0.5, 1.0, initial_state={"voltage": nengo.dists.Choice([0.75])}),
]  # fmt: skip
LI = [DiscreteLI(0.5), DiscreteLI(some(0, 1), current_decay=0.5, current_gain=0.25, leak=0.5)]


def by_hand(neurons, inputs):
    """Spikes (or membranes) of one sample, written down neuron by neuron: float64, plain Python."""
    start = neurons.make_state(N, rng=np.random.RandomState(0))["voltage"]
    out = np.zeros((STEPS, N))
    for k in range(N):
        own = lambda name, k=k: float(np.broadcast_to(getattr(neurons, name), N)[k])  # noqa: E731
        v, i, rests, owed, still_above = float(start[k]), 0.0, False, 0.0, False
        for t in range(STEPS):
            i = own("current_decay") * i + inputs[t, k]
            v = own("decay") * v + own("current_gain") * i + own("leak")
            if isinstance(neurons, DiscreteLI):
                out[t, k] = v
                continue
            threshold = own("threshold")
            v -= owed
            v = own("reset_value") if rests else v
            judged = v - threshold * still_above  # of subtract_owed alone
            fires = judged >= threshold if neurons.at_threshold else judged > threshold
            n = max(math.floor(judged / threshold), 1) * fires if neurons.several else int(fires)
            out[t, k] = n
            if neurons.reset == "value" and fires:
                v = own("reset_value")
            elif neurons.reset in ("subtract", "subtract_owed"):
                v -= n * threshold
            v = max(v, neurons.lowest)
            above = v >= threshold if neurons.at_threshold else v > threshold
            still_above = neurons.reset == "subtract_owed" and above
            rests = neurons.reset == "value_skip" and fires
            owed = threshold if neurons.reset == "subtract_later" and fires else 0.0
    return out


def network(neurons):
    """Neurons that are fed one by one."""
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.zeros(N))
        ensemble = nengo.Ensemble(N, 1, neuron_type=neurons, gain=np.ones(N), bias=np.zeros(N))
        nengo.Connection(node, ensemble.neurons, synapse=None)
        nengo.Probe(ensemble.neurons)
    return net


@pytest.mark.parametrize("neurons", [*LIF, *LI], ids=lambda n: f"{type(n).__name__}")
def test_steps_are_those_by_hand(neurons):
    net = network(neurons)
    net.nodes[0].output = lambda t: INPUT[0, round(t / DT) - 1]
    with nengo.Simulator(net, dt=DT, progress_bar=False, optimize=False) as sim:
        sim.run_steps(STEPS)
    height = neurons.amplitude / DT if isinstance(neurons, DiscreteLIF) else 1.0
    np.testing.assert_array_equal(sim.data[net.probes[0]], by_hand(neurons, INPUT[0]) * height)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize(
    "options", [{}, {"simulator": "compiled"}, {"simulator": "compiled", "dtype": "float64"}],
    ids=["nengo_dl", "compiled", "float64"],
)  # fmt: skip
def test_simulators_step_alike(options, monkeypatch):
    """Types of all kinds at once; NengoDL and the compiled engine leave none to Python.

    That NengoDL does would be a UserWarning.
    """
    by_python = []
    present = CompiledNetwork.present

    def noted(self, *args, **given):
        by_python.append(self.by_python)
        return present(self, *args, **given)

    monkeypatch.setattr(CompiledNetwork, "present", noted)
    # every reset, every way to fire, and numbers of each neuron
    chosen = [*LIF[:: 5 if not options else 1], *LIF[len(LIF) - 6 :], *LI]
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.zeros(N))
        for k, neurons in enumerate(chosen):
            ensemble = nengo.Ensemble(
                N, 1, neuron_type=neurons, gain=np.ones(N), bias=np.zeros(N), label=f"n{k}"
            )
            nengo.Connection(node, ensemble.neurons, synapse=None)
            nengo.Probe(ensemble.neurons, label=f"o{k}")
    activity = nsc.measure(net, INPUT, STEPS, dt=DT, **options)
    assert by_python == ([[]] if options else [])
    for k, neurons in enumerate(chosen):
        steps = np.stack([by_hand(neurons, sample) for sample in INPUT])
        height = neurons.amplitude / DT if isinstance(neurons, DiscreteLIF) else 1.0
        last = activity.outputs[f"o{k}"].last
        if neurons.spiking:
            counts = activity.populations[f"n{k}"].counts
            np.testing.assert_array_equal(counts, steps.sum(axis=1), err_msg=f"{k} {neurons}")
            np.testing.assert_array_equal(last, steps[:, -1] * np.float32(height))
        else:  # float32 rounds the sixteenths of a decay again and again
            np.testing.assert_allclose(last, steps[:, -1], atol=1e-6)


@pytest.mark.parametrize("simulator", ["nengo", "nengo_dl", "compiled"])
def test_events_are_handed_on_or_refused(simulator):
    net, events = network(EventInput(DT)), np.random.RandomState(1).poisson(0.5, (2, STEPS, N))
    activity = nsc.measure(net, events, STEPS, dt=DT, simulator=simulator)
    (record,) = activity.populations.values()
    np.testing.assert_array_equal(record.counts, events.sum(axis=1))
    for wrong in (-1, 0.5):
        values = events.astype(float)
        values[1, 7, 3] = wrong
        with pytest.raises(MeasurementError, match="no whole numbers from 0: give numbers of"):
            nsc.measure(net, values, STEPS, dt=DT, simulator=simulator)
    with pytest.raises(DataError, match="NaN"):
        nsc.measure(net, events * np.nan, STEPS, dt=DT, simulator=simulator)


def test_all_arguments_are_in_the_repr():
    """Studies tell types of neurons apart by it."""
    start = {"voltage": nengo.dists.Choice([1])}
    given = DiscreteLIF(0.9, current_gain=0.001, several=True, initial_state=start)
    assert repr(given) == (
        "DiscreteLIF(decay=0.9, several=True, current_gain=0.001, "
        "initial_state={'voltage': Choice(options=array([1.]))})"
    )
    assert repr(DiscreteLI()) == "DiscreteLI()"
    one, two = np.ones(5000), np.ones(5000)
    one[0], two[0] = 0.5, 0.5
    assert repr(DiscreteLIF(leak=one)) == repr(DiscreteLIF(leak=two))
    two[2500] = 0.5
    assert repr(DiscreteLIF(leak=one)) != repr(DiscreteLIF(leak=two))
    assert repr(DiscreteLIF(leak=one)).startswith("DiscreteLIF(leak=<5000 values, ")


def test_what_costs_are_counted_by():
    """A leak of the membrane or of a current multiplies; a sensor's events need no update."""
    for neurons, leaky, biased, updates in (
        (DiscreteLIF(0.9), True, False, 1), (DiscreteLIF(1.0), False, False, 1),
        (DiscreteLIF(1.0, current_decay=0.5), True, False, 1),
        (DiscreteLIF(1.0, leak=0.1), False, True, 1), (DiscreteLI(0.9, leak=1), True, True, 1),
        (EventInput(), False, False, 0), (nengo.LIF(), True, False, 1),
    ):  # fmt: skip
        ensemble = nengo.Ensemble(
            2, 1, neuron_type=neurons, gain=np.ones(2), bias=np.zeros(2), add_to_container=False
        )
        found = is_leaky(neurons), has_bias(ensemble), updates_per_step(neurons)
        assert found == (leaky, biased, updates), neurons


def test_rates_at_constant_inputs():
    """A membrane that keeps all fires once in threshold / input steps, rounded up."""
    rates = DiscreteLIF(1.0, 1.0, amplitude=1.0).rates(
        [0.0, 0.3, 0.6, 2.0], np.ones(1), np.zeros(1)
    )
    # above the threshold after 4, 2 and 1 steps of 1 ms
    np.testing.assert_allclose(np.ravel(rates), [0, 250, 500, 1000])
    axes = activation_profile(DiscreteLIF(0.9), most=3)
    assert axes.lines[0].get_ydata().max() == pytest.approx(1000)
    of_membrane = DiscreteLI(0.5).rates([1.0], np.ones(1), np.zeros(1))
    np.testing.assert_allclose(np.ravel(of_membrane), [2.0])


def test_training_on_spikes_is_refused():
    """They have no rate curve: NengoDL would train through steps without a gradient."""
    nengo_dl = stack.nengo_dl()
    with spiking_aware_training(), pytest.raises(TuningError, match="no rate curve"):
        nengo_dl.Simulator(network(DiscreteLIF()), progress_bar=False)


def test_populations_with_equal_parameters_by_neuron():
    """Nengo's optimizer steps populations of equal types as one operator of twice the neurons."""
    kind = DiscreteLIF(0.9, threshold=[0.5, 1.0, 2.0], amplitude=0.001)
    outputs = []
    for optimize in (False, True):
        with nengo.Network(seed=0) as net:
            inp = nengo.Node(np.full(3, 0.4))
            probes = []
            for _ in range(2):
                ens = nengo.Ensemble(3, 1, neuron_type=kind, gain=np.ones(3), bias=np.zeros(3))
                nengo.Connection(inp, ens.neurons, synapse=None)
                probes.append(nengo.Probe(ens.neurons))
        with nengo.Simulator(net, progress_bar=False, optimize=optimize) as sim:
            sim.run_steps(20)
        outputs.append([sim.data[probe] for probe in probes])
    assert outputs[0][0].any()
    np.testing.assert_array_equal(outputs[0], outputs[1])
