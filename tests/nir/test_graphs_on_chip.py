"""NIR graphs on Loihi: what of them the chip computes, and what is said of the rest."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import LoihiError
from nengo_spikecost.loihi import check_support, core_use, deploy, fit_blocks
from nengo_spikecost.nir import Convention, DiscreteLIF
from tests.loihi.emulated import Reference, assert_equal

from .graphs_by_hand import affine, conv2d, cuba_lif, graph, integrate, li, lif

loihi = stack.nengo_loihi()
RNG = np.random.RandomState(0)
STEPS, DT = 40, 1e-3
pytestmark = pytest.mark.filterwarnings("ignore::nengo_spikecost.errors.ConversionWarning")


def events(size, p=0.2, samples=1):
    return (np.random.RandomState(1).rand(samples, STEPS, size) < p).astype(float)


def fed(network, values):
    """The network with its input driven by one sample."""
    (node,) = network.input_nodes
    node.output = lambda t: values[round(t / network.dt) - 1]
    return network


def spikes_of(network, simulator):
    """Spikes of all populations, step by step."""
    with network:
        probes = {e: nengo.Probe(e.neurons) for e in network.all_ensembles}
    with simulator(network, dt=network.dt, progress_bar=False) as sim:
        sim.run_steps(STEPS)
    found = {e.label: sim.data[p] * network.dt / e.neuron_type.amplitude for e, p in probes.items()}
    network.probes[:] = [p for p in network.probes if p not in probes.values()]
    return found


CONVOLUTIONAL = graph(
    ("input", (2, 8, 8)), c=conv2d(RNG.randn(4, 2, 3, 3) * 0.4, RNG.randn(4) * 0.05),
    n1=lif((4, 6, 6)), w=affine(RNG.randn(10, 144) * 0.15), n2=lif((10,)),
)  # fmt: skip
DENSE = graph(
    ("input", (12,)), w1=affine(RNG.randn(30, 12) * 0.4, RNG.randn(30) * 0.05), n1=lif((30,)),
    w2=affine(RNG.randn(20, 30) * 0.3), n2=lif((20,)), w3=affine(RNG.randn(4, 20)), n3=li((4,)),
)  # fmt: skip


def recurrent(neurons, scale=0.15):
    made = graph(
        ("input", (12,)), w1=affine(RNG.randn(30, 12) * 0.4), n1=neurons,
        w2=affine(RNG.randn(4, 30) * 0.3), n2=lif((4,)), wr=affine(RNG.randn(30, 30) * scale),
    )  # fmt: skip
    made.edges = [e for e in made.edges if "wr" not in e]
    made.edges += [("n1", "wr"), ("wr", "n1"), ("n2", "output")]
    return made


NETWORKS = {
    "convolutional": (CONVOLUTIONAL, True), "dense": (DENSE, False),
    "recurrent": (recurrent(lif((30,))), True), "CubaLIF": (recurrent(cuba_lif((30,))), True),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_emulation_is_that_of_nengo_loihi(name):
    """Spikes, synops and what is read, of every core and step; nothing has to be warned of."""
    made, spikes = NETWORKS[name]
    network = nsc.from_nir(made, spikes=spikes, dt=DT)
    assert check_support(network) == ()
    values = events(network.input_nodes[0].size_out)[0]
    assert_equal(fed(network, values), STEPS)


def test_compartments_hold_the_graphs_numbers():
    """By the equations of the module's docstring, for weights of which the largest is 1."""
    made = graph(("input", (2,)), w=affine(np.eye(2)), n=lif((2,), tau=0.01, threshold=2.5))
    network = fed(nsc.from_nir(made, spikes=True, dt=DT), events(2)[0])
    (block,) = Reference(network, 1, dt=DT).blocks
    c = block.compartment
    # 0.1 of 4096 is 409.6; a current keeps (4096 - 1 - 4095) / 4096, which is nothing
    assert (c.decay_v == 410).all() and (c.decay_u == 4095).all()
    # a weight of 1 is 255 * 64, and the threshold in steps of 64 is that times 2.5
    assert (c.vth == 638 * 64).all()
    assert (c.refract_delay == 1).all() and c.vmin == -(2**23) + 1
    made = graph(("input", (2,)), w=affine(np.eye(2)), n=cuba_lif((2,), tau_syn=0.005))
    network = fed(nsc.from_nir(made, spikes=True, dt=DT), events(2)[0])
    c = Reference(network, 1, dt=DT).blocks[0].compartment
    # a current that loses 0.2 a step: 819.2 of 4096, of which the chip adds 1 itself
    assert (c.decay_v == 410).all() and (c.decay_u == 818).all()


def whole_numbers(shape, recurrent=False):
    """Weights of a few quarters, which the chip holds exactly beside a threshold of 1.125."""
    return np.random.RandomState(7).randint(-2, 4, shape) / 4


def test_exact_graphs_spike_as_in_nengo():
    """Weights and thresholds without rounding: every spike, one step later for each layer."""
    made = graph(
        ("input", (12,)), w1=affine(whole_numbers((30, 12))), n1=integrate((30,), 1.125),
        w2=affine(whole_numbers((20, 30))), n2=integrate((20,), 1.125),
    )  # fmt: skip
    network = fed(nsc.from_nir(made, spikes=True, dt=DT), events(12)[0])
    nengos, chips = spikes_of(network, nengo.Simulator), spikes_of(network, loihi.Simulator)
    assert nengos["n2"].sum() > 100
    for later, name in ((1, "n1"), (2, "n2")):
        np.testing.assert_array_equal(chips[name][later:], nengos[name][:-later])


def test_loops_keep_their_step():
    """What a layer fires comes back to it in the next step, on the chip as in Nengo."""
    made = graph(
        ("input", (12,)), w1=affine(whole_numbers((30, 12))), n1=integrate((30,), 1.125),
        wr=affine(whole_numbers((30, 30)) - 0.25),
    )  # fmt: skip
    made.edges = [("input", "w1"), ("w1", "n1"), ("n1", "wr"), ("wr", "n1"), ("n1", "output")]
    network = fed(nsc.from_nir(made, spikes=True, dt=DT), events(12)[0])
    nengos, chips = spikes_of(network, nengo.Simulator), spikes_of(network, loihi.Simulator)
    assert nengos["n1"].sum() > 100
    np.testing.assert_array_equal(chips["n1"][1:], nengos["n1"][:-1])


def test_longer_loops_are_said_to_take_longer():
    made = graph(
        ("input", (4,)), w1=affine(np.eye(4)), n1=integrate((4,)), w2=affine(np.eye(4)),
        n2=integrate((4,)), back=affine(np.eye(4)),
    )  # fmt: skip
    made.edges = [e for e in made.edges if "back" not in e]
    made.edges += [("n2", "back"), ("back", "n1"), ("n2", "output")]
    (problem,) = check_support(nsc.from_nir(made, spikes=True, dt=DT))
    assert not problem.refused and problem.name == "n1 -> n2"
    assert "comes back a step later" in problem.reason


def test_inhibited_neurons_never_fire():
    """Patch P15: NengoLoihi's own lowest voltage is -2**31 + 1, and behind it sums overflow.

    100 weights of -255 * 64 are -1.6 million a step: 2**31 after 1,316 steps. As nengo-loihi 1.1.0
    rounds it, the neuron fires then.
    """
    weights = np.repeat([[-8.0], [0.1]], 100, axis=1)
    made = graph(("input", (100,)), w=affine(weights), n=integrate((2,)))
    network = nsc.from_nir(made, spikes=True, dt=DT)
    (node,) = network.input_nodes
    node.output = np.ones(100)
    run = Reference(network, 1400, dt=DT)
    assert run.counts[0] == 0 and run.counts[1] > 0


def test_values_make_spikes_on_the_host():
    """Layers that are fed with values run beside the chip, and the reading says so."""
    network = nsc.from_nir(DENSE, dt=DT)
    became = {node.name: node.became for node in network.reading.nodes}
    assert became["n1"] == "30 DiscreteLIF, on the host of a chip"
    assert became["n2"] == "20 DiscreteLIF"
    assert [layer.name for layer in core_use(network).layers] == ["n2"]
    # all that is left for a chip stays on it
    alone = graph(("input", (4,)), w=affine(np.eye(4)), n=lif((4,)))
    assert "host" not in {n.name: n.became for n in nsc.from_nir(alone, dt=DT).reading.nodes}["n"]


@pytest.mark.parametrize("name", ["convolutional", "dense"])
def test_deployed_in_steps_of_its_own(name):
    made, spikes = NETWORKS[name]
    network = nsc.from_nir(made, spikes=spikes, dt=DT, step_s=2e-4)
    data = events(network.input_nodes[0].size_out, samples=2)
    fit = fit_blocks(network)
    deployment = deploy(fit, data, n_steps=STEPS)
    assert deployment.activity.protocol.dt == deployment.options.dt == 2e-4
    counts = nsc.measure(network, data, STEPS, simulator="nengo").populations
    on_chip = deployment.activity.populations
    first = "input" if spikes else "n1"
    (first,) = [key for key in counts if key.startswith(first)]
    # samples follow one another on the chip, so that membranes do not start at 0
    assert on_chip[first].counts.sum() == pytest.approx(counts[first].counts.sum(), rel=0.05)
    # rounded weights and thresholds besides, and a step or two less for the last layers
    assert on_chip["n2"].counts.sum() == pytest.approx(counts["n2"].counts.sum(), rel=0.15)


OWN = Convention("own", dt=DT, several=True, at_threshold=True, reset="subtract")
#: Neurons, convention, what is said, and whether it is refused.
SAID = {
    "subtraction": (lif((3,)), Convention("own", dt=DT, reset="subtract"),
                    ["are reset by subtraction, and the chip resets them to 0 at once"], False),
    "delayed": (lif((3,)), "snntorch", ["subtraction, in the step after a spike"], False),
    "several": (lif((3,)), OWN, ["by subtraction", "at their threshold", "several spikes"], False),
    "reset to": (lif((3,), v_reset=np.full(3, -0.5)), "nir", ["reset to -0.5, and"], False),
    "slow": (lif((3,), tau=0.51), "nir", [], None),
    "slower": (lif((3,), tau=1.7), "nir", ["2/4096: their time constant is 20.5% longer"], False),
    "slowest": (lif((3,), tau=60.0), "nir", ["on the chip they lose nothing"], False),
    "threshold": (lif((3,), threshold=-1.0), "nir", ["only thresholds above 0"], True),
    "thresholds": (lif((9,), threshold=np.arange(1, 10)), "nir", ["9 different thresholds"], False),
    "decays": (lif((40,), tau=np.linspace(2e-3, 9e-3, 40)), "nir",
               ["40 different pairs of decays"], False),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_the_chip_does_otherwise_is_said(name):
    neurons, convention, words, refused = SAID[name]
    n = np.size(neurons.v_threshold)
    made = graph(("input", (n,)), w=affine(np.eye(n)), layer=neurons)
    dt = {} if isinstance(convention, Convention) else {"dt": DT}
    network = nsc.from_nir(made, spikes=True, convention=convention, **dt)
    problems = check_support(network)
    if refused is None:  # less than what is worth a word
        assert problems == ()
        return
    said = sorted((p.name, p.reason) for p in problems)
    assert [name for name, _ in said] == ["layer"] * len(words), said
    for (_, reason), expected in zip(said, words):
        assert expected in reason
    assert all(problem.refused is refused for problem in problems)
    if refused:
        with pytest.raises(LoihiError, match=r"layer has neurons with a threshold of -1"):
            fit_blocks(network)


def test_filters_beside_a_current_of_their_own():
    """A compartment has one current."""
    with nengo.Network(seed=0) as net:
        neurons = [
            nengo.Ensemble(
                2, 1, neuron_type=DiscreteLIF(0.9, current_decay=decay, amplitude=DT),
                gain=np.ones(2), bias=np.zeros(2),
            )
            for decay in (0.0, 0.5)
        ]  # fmt: skip
        nengo.Connection(neurons[0].neurons, neurons[1].neurons, synapse=0.005)
    with pytest.raises(LoihiError, match=r"a filter of 0\.005 s"):
        fit_blocks(net)
