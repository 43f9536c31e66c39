"""Cases of docs/compatibility.md: networks of Nengo and of the packages around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nengo
import numpy as np
from compatibility_case import Case, inputs_of

import nengo_spikecost as nsc
from nengo_spikecost import stack


def _counted(
    network: Any, by_hand: Callable[[Any], int], n_steps: int = 200, **options: Any
) -> str:
    """What is counted of a network, beside what it is by hand.

    Parameters
    ----------
    network : nengo.Network
        Nothing is fed to it.
    by_hand : callable
        Synops, of the spikes of each Ensemble by name.
    n_steps : int
    **options
        For `measure`.
    """
    options.setdefault("simulator", "nengo")
    activity = nsc.measure(network, None, n_steps, progress=False, **options)
    workload = nsc.NetworkEnergy(network, activity).workload()
    synops = sum(int(p.synops.sum()) for p in workload.pathways if p.synops is not None)
    spikes = {name: int(p.counts.sum()) for name, p in activity.populations.items() if p.spiking}
    expected = by_hand(spikes)
    as_expected = "as by hand" if synops == expected else f"by hand {expected:,}"
    left_out = "; ".join(f"{u.name} {u.reason}" for u in workload.uncounted)
    words = (
        f"Counted: {sum(spikes.values()):,} spikes and {synops:,} synops in {n_steps} steps, "
        f"{as_expected}."
    )
    return f"{words} Uncounted: {left_out}." if left_out else words


def ensemble_array() -> str:
    with nengo.Network(seed=0) as network:
        given = nengo.Node([0.5, -0.5])
        array = nengo.networks.EnsembleArray(20, 2, seed=1)
        other = nengo.Ensemble(30, 2, seed=2, label="other")
        nengo.Connection(given, array.input)
        nengo.Connection(array.output, other)
    # every spike of the array has a weight to each of the 30 neurons
    return _counted(network, lambda spikes: 30 * (sum(spikes.values()) - spikes["other"]))


def learning() -> str:
    with nengo.Network(seed=0) as network:
        a, b, error = (
            nengo.Ensemble(20, 1, seed=k, label=n) for k, n in enumerate(("a", "b", "e"))
        )
        rule = nengo.PES()
        learned = nengo.Connection(a, b, learning_rule_type=rule)
        nengo.Connection(error, learned.learning_rule)
    # NengoLoihi runs the target of a learned Connection and the error on its host (HostChipSplit).
    # What a spike of the source meets on the chip are decoders, in compartments that do not spike
    return _counted(network, lambda spikes: 0)


def adaptive_on_chip() -> str:
    with nengo.Network(seed=0) as network:
        neurons = nengo.AdaptiveLIF(tau_n=0.1, inc_n=0.1)
        a = nengo.Ensemble(3, 1, neuron_type=neurons, gain=np.ones(3), bias=np.array([2, 5, 12]))
        nengo.Probe(a.neurons)
    activity = nsc.measure(network, None, 500, simulator="nengo_loihi", progress=False)
    counts = next(iter(activity.populations.values())).counts[0]
    return f"Measured: {counts.tolist()} spikes."


def relay_subclass() -> str:
    class Relay(nengo.Node):
        pass

    with nengo.Network(seed=0) as network:
        a, b = (nengo.Ensemble(20, 1, seed=k, label=name) for k, name in enumerate("ab"))
        relay = Relay(size_in=1)
        nengo.Connection(a, relay)
        nengo.Connection(relay, b)
    return _counted(network, lambda spikes: 20 * spikes["a"])


def converter_network() -> str:
    import nengo_dl

    keras = stack.keras()
    keras.utils.set_random_seed(0)
    inp = keras.Input((6,))
    x = keras.layers.Dense(5, activation="relu")(inp)
    model = keras.Model(inp, keras.layers.Dense(3)(x))
    converter = nengo_dl.Converter(
        model, swap_activations={keras.activations.relu: nengo.SpikingRectifiedLinear()},
        scale_firing_rates=100,
    )  # fmt: skip
    data = {converter.inputs[model.inputs[0]]: inputs_of(model)[0]}
    activity = nsc.measure(converter.net, data, 50, progress=False)
    workload = nsc.NetworkEnergy(converter.net, activity).workload()
    events = sum(int(p.events.sum()) for p in workload.pathways if p.events is not None)
    spikes = sum(int(p.spikes.sum()) for p in workload.populations if p.spikes is not None)
    same = "as by hand" if events == 3 * spikes else f"by hand {3 * spikes}"
    return f"Counted: {spikes:,} spikes, which meet {events:,} weights of the readout, {same}."


def swap_tf_relu() -> str:
    import tensorflow as tf

    keras = stack.keras()
    keras.utils.set_random_seed(0)
    inp = keras.Input((6,))
    x = keras.layers.Dense(5, activation=tf.nn.relu, name="hidden")(inp)
    model = keras.Model(inp, keras.layers.Dense(3)(x))
    conversion = nsc.convert(model, swap_activations={tf.nn.relu: nengo.LIF()})
    kinds = {type(p.neuron_type).__name__ for p in nsc.NetworkGraph(conversion).populations}
    return f"Converted; the neurons are {', '.join(sorted(kinds))}."


def tensor_node() -> str:
    import nengo_dl
    import tensorflow as tf

    with nengo.Network(seed=0) as network:
        given = nengo.Node(np.ones(4))
        a = nengo.Ensemble(10, 4, seed=1)
        nengo.Connection(given, a)
        x = nengo_dl.Layer(tf.tanh)(a, synapse=0.01)
        nengo.Probe(x)
    activity = nsc.measure(network, None, 50, progress=False)
    workload = nsc.NetworkEnergy(network, activity).workload()
    return "Uncounted: " + "; ".join(f"{u.name} {u.reason}" for u in workload.uncounted) + "."


def soft_lif() -> str:
    from nengo_extras.neurons import SoftLIFRate

    keras = stack.keras()
    keras.utils.set_random_seed(0)
    inp = keras.Input((6,))
    x = keras.layers.Dense(5, activation="relu", name="hidden")(inp)
    model = keras.Model(inp, keras.layers.Dense(3)(x))
    conversion = nsc.convert(model, neuron_type=SoftLIFRate(sigma=0.02))
    activity = nsc.measure(conversion, inputs_of(model)[0], 10, progress=False)
    graded = [name for name, record in activity.populations.items() if not record.spiking]
    return f"Converted; {', '.join(graded)} has graded neurons, which make no spikes to count."


def spa_state() -> str:
    import nengo_spa as spa

    with spa.Network(seed=0) as network:
        a, b = (spa.State(16, subdimensions=16, represent_cc_identity=False) for _ in range(2))
        nengo.Connection(a.output, b.input)
        nengo.Connection(nengo.Node(np.eye(16)[0]), a.input)
    n_neurons = b.n_neurons
    # both have one Ensemble: the first that is counted is that of a
    return _counted(network, lambda spikes: n_neurons * next(iter(spikes.values())), 50)


def spa_transcode() -> str:
    import nengo_spa as spa

    with spa.Network(seed=0) as network:
        words = spa.Vocabulary(16, pointer_gen=np.random.RandomState(0))
        words.populate("A; B")
        relay = spa.Transcode(input_vocab=words, output_vocab=words)
        options = {"subdimensions": 16, "represent_cc_identity": False}
        a, b = (spa.State(words, **options) for _ in range(2))
        stimuli = [spa.Transcode(lambda t, x=x: x, output_vocab=words) for x in ("A", "A * B")]
        _ = stimuli[0] >> a, stimuli[1] >> b, a >> relay, relay >> b
    n_neurons = b.n_neurons
    return _counted(
        network, lambda spikes: n_neurons * next(iter(spikes.values())), 30, simulator="nengo_dl"
    )


def spa_function() -> str:
    import nengo_spa as spa

    with spa.Network(seed=0) as network:
        options = {"subdimensions": 16, "represent_cc_identity": False}
        a, b = (spa.State(16, label=label, **options) for label in "ab")
        half = spa.Transcode(lambda t, x: x / 2, size_in=16, output_vocab=16)
        _ = a >> b
        nengo.Connection(a.output, half.input)
        nengo.Connection(half.output, b.input)
    # those of the one pathway from neurons to neurons: what the function gives is no spikes
    n_neurons = b.n_neurons
    return _counted(network, lambda spikes: n_neurons * next(iter(spikes.values())), 50)


def array_functions() -> str:
    with nengo.Network(seed=0) as network:
        array = nengo.networks.EnsembleArray(20, 2, label="ea")
        squares = array.add_output("square", np.square)
        spikes = array.add_neuron_output()
        other = nengo.Ensemble(30, 2, seed=2, label="other")
        weights = np.random.RandomState(0).uniform(0, 1e-4, (30, 40))
        nengo.Connection(nengo.Node([0.5, -0.5]), array.input)
        nengo.Connection(squares, other)
        nengo.Connection(spikes, other.neurons, transform=weights)
    # two ways from each of its spikes to each of the 30 neurons
    return _counted(network, lambda spikes: 60 * (sum(spikes.values()) - spikes["other"]))


def extras_learning() -> str:
    from nengo_extras.learning_rules import AML, DeltaRule

    with nengo.Network(seed=0) as network:
        a, b = (nengo.Ensemble(20, 2, label=label) for label in "ab")
        aml = nengo.Connection(a, b, function=lambda x: [0, 0], learning_rule_type=AML(2))
        delta = nengo.Connection(
            a.neurons, b.neurons, transform=np.zeros((20, 20)), learning_rule_type=DeltaRule()
        )
        nengo.Connection(nengo.Node([1, 1, 0.5, 0.5]), aml.learning_rule)
        nengo.Connection(nengo.Node(np.ones(20)), delta.learning_rule)
    activity = nsc.measure(network, None, 50, simulator="nengo", progress=False)
    rows = nsc.NetworkEnergy(network, activity).workload().learning
    said = ", ".join(f"{row.name} {row.updates:,}" for row in rows)
    by_hand = [50 * 2 * 20, 50 * 20 * 20]
    same = "as by hand" if [row.updates for row in rows] == by_hand else f"by hand {by_hand}"
    return f"Counted: weights changed in 50 steps, {said}, {same}."


def fast_lif() -> str:
    from nengo_extras.neurons import FastLIF

    with nengo.Network(seed=0) as network:
        given = nengo.Node([0.5])
        rest = {"voltage": nengo.dists.Choice([0])}
        a = nengo.Ensemble(20, 1, neuron_type=FastLIF(initial_state=rest), label="a")
        nengo.Connection(given, a)
    counts = [
        int(nsc.measure(network, None, 100, simulator=name, progress=False)
            .populations["a"].counts.sum())
        for name in ("nengo", "compiled", "nengo_loihi")
    ]  # fmt: skip
    places = ("in Nengo", "in compiled code", "on the chip")
    return f"Measured: {', '.join(f'{n} spikes {at}' for n, at in zip(counts, places))}."


def neural_lmu() -> str:
    order, theta, tau = 4, 0.1, 0.05
    row, column = np.indices((order, order))
    scale = (2 * row[:, :1] + 1) / theta
    a = scale * np.where(row < column, -1.0, -((-1.0) ** (row - column)))
    b = scale * (-1.0) ** row[:, :1]
    with nengo.Network(seed=0) as network:
        given = nengo.Node([0.5])
        memory = nengo.networks.EnsembleArray(20, order, label="m")
        nengo.Connection(given, memory.input, transform=tau * b, synapse=tau)
        feedback = tau * a + np.eye(order)
        nengo.Connection(memory.output, memory.input, transform=feedback, synapse=tau)
    # a spike reaches the 20 neurons of each state that its own state's column leads to
    reached = 20 * np.count_nonzero(feedback, axis=0)
    return _counted(
        network, lambda spikes: sum(int(reached[k]) * spikes[f"m_{k}"] for k in range(order)), 100
    )


def nir_file() -> str:
    import nir

    def lif(n: int) -> Any:  # which fires by its leak
        return nir.LIF(np.full(n, 0.01), np.ones(n), np.full(n, 2.0), np.ones(n))

    graph = nir.NIRGraph.from_list(
        nir.Input(np.array([4])), nir.Affine(np.ones((3, 4)), np.zeros(3)), lif(3),
        nir.Affine(np.ones((2, 3)), np.zeros(2)), lif(2), nir.Output(np.array([2])),
    )  # fmt: skip
    nir.write("network.nir", graph)
    return _counted(nsc.from_nir("network.nir", dt=0.001), lambda spikes: 2 * spikes["lif"])


def two_chips_agree() -> str:
    with nengo.Network(seed=0) as network:
        given = nengo.Node([0.5])
        a, b = (nengo.Ensemble(20, 1, seed=k, label=name) for k, name in enumerate("ab"))
        nengo.Connection(given, a)
        nengo.Connection(a, b, function=np.square)
    found = [
        nsc.measure(network, None, 100, simulator=name, progress=False)
        for name in ("loihi", "nengo_loihi")
    ]
    same = all(
        np.array_equal(record.counts, found[1].populations[name].counts)
        for name, record in found[0].populations.items()
    )
    n = sum(int(record.counts.sum()) for record in found[1].populations.values())
    return f"Emulated: {n:,} spikes, {'the same' if same else 'others'} in our emulator."


def _cases() -> Iterator[Case]:
    of_nengo: Any = {"package": "Nengo", "distributions": ("nengo",)}
    yield Case(
        "nengo array", right="as by hand",
        brings="an EnsembleArray", see=ensemble_array,
        theirs="passthrough Nodes that take no step of their own (nengo/networks)",
        test="tests/native/test_synops.py", **of_nengo,
    )  # fmt: skip
    yield Case(
        "nengo array functions", right="as by hand",
        brings="`add_output` with a function, and `add_neuron_output`, of an EnsembleArray",
        see=array_functions,
        theirs="a Connection of each Ensemble to one Node; of its neurons to another",
        test="tests/native/test_modules.py", **of_nengo,
    )  # fmt: skip
    yield Case(
        "nengo lmu", right="as by hand",
        brings="a Legendre memory in neurons (NEF)", see=neural_lmu,
        theirs="an EnsembleArray that leads back to itself through a matrix",
        test="tests/native/test_modules.py", **of_nengo,
    )  # fmt: skip
    yield Case(
        "nengo learning", right="as by hand",
        brings="a Connection with PES into an Ensemble", see=learning,
        theirs="decoders change at every step. NengoLoihi has only the source on the chip, target "
        "and error on its host (splitter.py): spikes of the source meet the learned decoders in "
        "compartments that do not spike, a readout, and no neurons, so that there are no synops",
        test="tests/native/test_synops.py"
        "::test_spikes_of_a_learned_connection_meet_no_neurons_on_the_chip",
        **of_nengo,
    )  # fmt: skip
    yield Case(
        "nengo relay", right="as by hand",
        brings="a subclass of `nengo.Node` without an output", see=relay_subclass,
        theirs="a passthrough like any other", **of_nengo,
    )  # fmt: skip
    of_dl: Any = {"package": "NengoDL", "distributions": ("nengo-dl", "tensorflow")}
    yield Case(
        "nengo_dl converter", right="as by hand",
        brings="the network of `nengo_dl.Converter`", see=converter_network,
        theirs="bias Nodes, and Ensembles with gain 1 and bias 0", **of_dl,
    )  # fmt: skip
    yield Case(
        "nengo_dl swap", right="neurons are LIF",
        brings="`swap_activations={tf.nn.relu: nengo.LIF()}`", see=swap_tf_relu,
        theirs="the idiom of its tutorials: keys are looked up by identity", **of_dl,
    )  # fmt: skip
    yield Case(
        "nengo_dl tensor node", right="Uncounted: tensornode",
        brings="a TensorNode", see=tensor_node,
        theirs="any function of TensorFlow", **of_dl,
    )  # fmt: skip
    of_loihi: Any = {"package": "NengoLoihi", "distributions": ("nengo-loihi", "nengo")}
    yield Case(
        "nengo_loihi emulator", right="the same in our",
        brings="Ensembles with decoded Connections", see=two_chips_agree,
        theirs="neurons of its own carry decoded values", test="tests/loihi/test_emulation.py",
        **of_loihi,
    )  # fmt: skip
    yield Case(
        "nengo_loihi adaptive", right="(^Refused|Warns): .*[Aa]dapt",
        brings="AdaptiveLIF neurons on the chip", see=adaptive_on_chip,
        theirs="runs them as LIF, without adaptation: 31, 71 and 125 spikes, where Nengo has 7, 21 "
        "and 53 (builder/neurons.py)",
        **of_loihi,
    )  # fmt: skip
    yield Case(
        "nengo_extras softlif", "nengo-extras", "SoftLIFRate neurons", "rates, for training",
        soft_lif, "graded neurons", ("nengo-extras", "nengo-dl"),
    )  # fmt: skip
    of_extras: Any = {"package": "nengo-extras", "distributions": ("nengo-extras", "nengo")}
    yield Case(
        "nengo_extras learning", right="as by hand",
        brings="the learning rules `AML` and `DeltaRule`", see=extras_learning,
        theirs="all decoders of a Connection, all its weights, at every step",
        test="tests/native/test_synops.py", **of_extras,
    )  # fmt: skip
    yield Case(
        "nengo_extras fastlif",
        right="(\\d+) spikes in Nengo, \\1 spikes in compiled code.*runs as LIF",
        brings="FastLIF neurons", see=fast_lif,
        theirs="LIF with spikes at the end of a step, and a refractory time of whole steps",
        **of_extras,
    )  # fmt: skip
    yield Case(
        "nengo_spa state", "nengo_spa", "two `State`s of 16 dimensions, one into the other",
        "its inputs and outputs are a subclass of `nengo.Node`", spa_state, "as by hand",
        ("nengo-spa", "nengo"),
    )  # fmt: skip
    of_spa: Any = {"package": "nengo_spa", "distributions": ("nengo-spa", "nengo")}
    yield Case(
        "nengo_spa transcode", right="^Counted: .*as by hand.$",
        brings="Transcodes: two stimuli of one vocabulary, and one without a function",
        see=spa_transcode,
        theirs="functions that parse in the vocabulary they share; without one, a Node that hands "
        "on its input", test="tests/native/test_modules.py", **of_spa,
    )  # fmt: skip
    yield Case(
        "nengo_spa function", right="as by hand. Uncounted: node computes on the host",
        brings="a Transcode with a function of its input", see=spa_function,
        theirs="a Node that may compute anything", test="tests/native/test_modules.py", **of_spa,
    )  # fmt: skip
    yield Case(
        "nir file", "NIR", "a `.nir` file", "HDF5: a graph of neuron models, without Keras layers",
        nir_file, "as by hand", ("nir",), test="tests/nir/test_recordings.py",
    )  # fmt: skip


NENGO_CASES = tuple(_cases())
