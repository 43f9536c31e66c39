"""Ways of different lengths on the chip: what NengoLoihi does, and `check_support` says of it."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.loihi import check_support, mark_off_chip
from nengo_spikecost.nir import DiscreteLIF, EventInput

loihi = stack.nengo_loihi()
DT, N_STEPS, START = 0.001, 24, 3


def relay(label, kind=None):
    """A neuron that fires in the step in which a spike arrives."""
    return nengo.Ensemble(
        1, 1, gain=[1.0], bias=[0.0], encoders=nengo.dists.Choice([[1]]), label=label,
        neuron_type=kind or DiscreteLIF(0.0, 0.5, amplitude=DT),
    )  # fmt: skip


def network(edges, on_host, synapses):
    """Relays by the names in edges, of which "in" fires once."""
    with nengo.Network(seed=0) as net:
        event = nengo.Node(lambda t: float(round(t / DT) == START), label="event")
        names = dict.fromkeys(("in", *(end for edge in edges for end in edge)))
        parts = {name: relay(name, EventInput(DT) if name == "in" else None) for name in names}
        nengo.Connection(event, parts["in"].neurons, synapse=None)
        for pre, post in edges:
            synapse = synapses.get((pre, post), synapses.get("all"))
            nengo.Connection(parts[pre].neurons, parts[post].neurons, synapse=synapse)
        probes = {name: nengo.Probe(part.neurons) for name, part in parts.items()}
    mark_off_chip(net, [parts[name] for name in ("in", *on_host)])
    return net, probes


def fired(net, probes, simulator, **options):
    """The steps in which each relay fires."""
    with simulator(net, dt=DT, progress_bar=False, **options) as sim:
        sim.run_steps(N_STEPS)
    return {
        name: set((np.flatnonzero(sim.data[p][:, 0]) + 1).tolist()) for name, p in probes.items()
    }


def on_chip(net, probes):
    return fired(net, probes, loihi.Simulator, target="sim")


SKIP = [("in", "a"), ("a", "b"), ("b", "join"), ("in", "join")]


def test_a_skip_connection_comes_apart_on_the_chip_and_is_named():
    net, probes = network(SKIP, (), {})
    assert fired(net, probes, nengo.Simulator)["join"] == {3}
    assert on_chip(net, probes)["join"] == {4, 6}
    emulated = nsc.measure(net, None, N_STEPS, simulator="loihi", progress=False)
    assert emulated.populations["join"].counts.sum() == 2
    (problem,) = check_support(net)
    assert problem.name == "join" and not problem.refused
    assert problem.reason == (
        "is reached by ways that the chip shifts against each other by 2 steps: what comes from in "
        "1 step later than in Nengo, what comes from b 3 steps later than in Nengo"
    )
    assert "as many populations on each way" in problem.remedy


@pytest.mark.parametrize(
    "remedied", [(SKIP, {"all": 0}), ([*SKIP[:3], ("in", "c"), ("c", "d"), ("d", "join")], {})]
)
def test_the_remedies(remedied):
    """With synapses Nengo is apart by as much; with as many populations nothing is."""
    edges, synapses = remedied
    net, probes = network(edges, (), synapses)
    assert check_support(net) == ()
    shift = 0 if synapses else 3
    nengos, chips = fired(net, probes, nengo.Simulator), on_chip(net, probes)
    assert chips["join"] == {step + shift for step in nengos["join"]}


def test_what_leaves_the_chip_takes_one_step_more():
    edges = [("in", "a"), ("a", "join"), ("in", "join")]
    net, probes = network(edges, ("join",), {"all": 0})
    assert fired(net, probes, nengo.Simulator)["join"] == {4, 5}
    assert on_chip(net, probes)["join"] == {4, 6}
    (problem,) = check_support(net)
    assert "by 1 step: what comes from in as in Nengo, what comes from a 1 step later" in str(
        problem
    )
    assert "delay what does not come from it" in problem.remedy
    late = nengo.LinearFilter([1], [1, 0, 0], analog=False)
    net, probes = network(edges, ("join",), {"all": 0, ("in", "join"): late})
    assert on_chip(net, probes)["join"] == {5, 6}  # Nengo's 4 and 5, one step later
    # a filter that is longer than the shift hides it
    assert check_support(network(edges, ("join",), {"all": 0.005})[0]) == ()


@pytest.mark.parametrize("seed", range(25))
def test_where_nothing_is_said_every_spike_has_one_delay(seed):
    """Random ways between populations on chip and host: each is as in Nengo, some steps later."""
    rng = np.random.default_rng(seed)
    names = ["in", *"abcdef"]
    edges = [
        (pre, post)
        for k, post in enumerate(names[1:], 1)
        for pre in rng.choice(names[:k], size=rng.integers(1, 3))
    ]
    on_host = [name for name in names[1:] if rng.random() < 0.25]
    synapses = {edge: 0 if rng.random() < 0.4 else None for edge in edges}
    edges = list(dict.fromkeys(edges))
    net, probes = network(edges, on_host, synapses)
    if set(on_host) == set(names[1:]):
        pytest.skip("nothing is on the chip")
    nengos, chips = fired(net, probes, nengo.Simulator), on_chip(net, probes)
    said = {problem.name for problem in check_support(net)}
    shifted = set()
    for name in names[1:]:
        shifts = [
            delay for delay in range(N_STEPS) if {s + delay for s in nengos[name]} == chips[name]
        ]
        if not shifts:
            shifted.add(name)
    sources = {name: {name} for name in names}
    for pre, post in edges:
        sources[post] |= sources[pre]
    for name in shifted:  # what is apart is so from a place on that is named
        assert sources[name] & said, (name, edges, on_host)


def test_constants_and_values_are_not_late():
    """A bias is there at all steps, and encoders spread values over steps anyway."""
    net, _ = network([("in", "a"), ("a", "b")], ("b",), {})
    with net:
        one = nengo.Node([0.25], label="one")
        relayed = nengo.Node(size_in=1, label="relayed")
        value = nengo.Node(lambda t: 0.0, label="value")
        parts = {e.label: e for e in net.all_ensembles}
        nengo.Connection(one, relayed, synapse=None)
        nengo.Connection(relayed, parts["b"].neurons, synapse=None)
    assert check_support(net) == ()
    with net:
        nengo.Connection(value, parts["b"].neurons, synapse=None)
    assert [problem.name for problem in check_support(net)] == ["b"]


def test_a_loop_beside_a_skip_connection():
    """What closes a loop is the matter of another rule."""
    net, _ = network([*SKIP, ("join", "join")], (), {("join", "join"): 0})
    assert [problem.name for problem in check_support(net)] == ["join"]


def test_layers_of_a_residual_network_are_named():
    """A Keras model without filters; with those that deploy has, Nengo is apart by as much."""
    layers = stack.keras().layers
    inp = layers.Input(6, name="image")
    first = layers.Dense(5, activation="relu", name="first")(inp)
    x = layers.Dense(5, activation="relu", name="second")(first)
    x = layers.Dense(5, activation="relu", name="third")(x)
    x = layers.Add(name="add")([first, x])
    x = layers.Dense(4, activation="relu", name="last")(x)
    model = stack.keras().Model(inp, layers.Dense(3, name="out")(x), name="model")
    options = {"neuron_type": "LoihiSpikingRectifiedLinear", "scale_firing_rates": 100}
    problems = check_support(nsc.convert(model, synapse=None, spike_input=True, **options))
    ways = [problem for problem in problems if "shifts against each other" in problem.reason]
    assert [problem.name for problem in ways] == ["model/last"]  # spike_input puts a layer before
    assert "by 2 steps" in ways[0].reason
    assert "model/first 2 steps later" in ways[0].reason
    assert "model/third 4 steps later" in ways[0].reason
    filtered = check_support(nsc.convert(model, synapse=0.005, spike_input=True, **options))
    assert not [problem for problem in filtered if "shifts" in problem.reason]
    preflight = nsc.loihi.preflight(model, synapse=None, spike_input=True, time_limit=1)
    assert [p.name for p in preflight.problems if "shifts" in p.reason] == ["model/last"]
