"""Networks made of the modules of nengo_spa, nengo.networks and nengo_extras, by name; small."""

from __future__ import annotations

import warnings

import nengo
import numpy as np

RNG = np.random.RandomState
N = 5
"""Neurons for each dimension of a module."""


def vocabulary(dimensions=8, **options):
    import nengo_spa as spa

    words = spa.Vocabulary(dimensions, pointer_gen=RNG(7), **options)
    words.populate("A; B; C; U.unitary()")
    return words


def state(words, **options):
    import nengo_spa as spa

    return spa.State(words, subdimensions=4, neurons_per_dimension=N, **options)


def small_states(net):
    """Have those that nengo_spa makes itself, to route through, be small as well."""
    import nengo_spa as spa

    net.config[spa.State].subdimensions = 4
    net.config[spa.State].neurons_per_dimension = N


def drive(size):
    return nengo.Node(lambda t: np.sin(20 * t + np.arange(size)), label="drive")


# -- nengo_spa ------------------------------------------------------------------------------


def transcode():
    import nengo_spa as spa

    words = vocabulary()
    stimulus = spa.Transcode(lambda t: "A" if t < 0.01 else "B", output_vocab=words)
    relay = spa.Transcode(input_vocab=words, output_vocab=words)
    a, b = state(words), state(words, feedback=0.8, represent_cc_identity=False)
    half = spa.Transcode(lambda t, pointer: pointer.v / 2, input_vocab=words, output_vocab=words)
    _ = stimulus >> a, a >> relay, relay >> b, a >> half, half >> b


def superposition():
    import nengo_spa as spa

    words = vocabulary()
    both = spa.Superposition(2, vocab=words, neurons_per_dimension=N)
    a, b = state(words), state(words)
    _ = spa.sym.A >> a, spa.sym.B >> b, a >> both.inputs[0], b >> both.inputs[1], both >> b


def bind():
    """Circular convolution, with a unitary pointer on the other side."""
    import nengo_spa as spa

    words = vocabulary(4)
    bound = spa.Bind(words, neurons_per_dimension=4, unbind_right=True)
    a = state(words)
    _ = spa.sym.A >> bound.input_left, spa.sym.U >> bound.input_right, bound >> a


def compare():
    import nengo_spa as spa

    words = vocabulary()
    a, likeness, score = state(words), spa.Compare(words, neurons_per_dimension=N), spa.Scalar(20)
    _ = spa.sym.A >> a, a >> likeness.input_a, spa.sym.B >> likeness.input_b, likeness >> score
    _ = spa.dot(a, spa.sym.B) >> score


def product():
    import nengo_spa as spa

    a, b, c = (spa.Scalar(20) for _ in range(3))
    times = spa.Product(10)
    nengo.Connection(drive(1), a.input)
    _ = a >> times.input_a, b >> times.input_b, times >> c, c >> b, a * b >> c


def memories():
    """Cleanups of the three kinds, and pointers of one vocabulary in another."""
    import nengo_spa as spa

    words, other = vocabulary(), vocabulary(16)
    a, b, c = state(words), state(words), state(other)
    keys = ("A", "B", "C")
    independent = spa.IAAssocMem(words, mapping=keys, n_neurons=10)
    best = spa.WTAAssocMem(0.3, words, other, mapping={"A": "B", "B": "C"}, n_neurons=10)
    over = spa.ThresholdingAssocMem(0.3, words, mapping=keys, n_neurons=10)
    _ = spa.sym.A >> a, a >> independent, independent >> b, a >> best, best >> c
    _ = b >> over, over >> b, spa.translate(a, other) >> c


def action_selection():
    import nengo_spa as spa

    words = vocabulary()
    a, b = state(words), state(words)
    _ = spa.sym.A >> a
    with spa.ActionSelection() as actions:
        spa.ifmax("one", spa.dot(a, spa.sym.A), spa.sym.B >> a)
        spa.ifmax("two", spa.dot(a, spa.sym.B), spa.sym.C >> a, a >> b)
    return actions


# -- nengo.networks and nengo_extras --------------------------------------------------------


def arrays():
    """Outputs with a function for all, one for each, and of two values; neurons from outside."""
    source, sink = nengo.networks.EnsembleArray(12, 4, label="ea"), nengo.Ensemble(20, 4)
    squares = source.add_output("square", np.square)
    each = source.add_output("each", [np.sin, np.cos, np.tan, np.exp])
    powers = source.add_output("powers", lambda x: [x, x**2])
    spikes, currents = source.add_neuron_output(), source.add_neuron_input()
    other = nengo.networks.EnsembleArray(12, 4, label="other")
    nengo.Connection(drive(4), source.input)
    nengo.Connection(squares, other.input)
    nengo.Connection(each, sink)
    nengo.Connection(powers[::2], sink)
    nengo.Connection(spikes, sink.neurons, transform=RNG(0).randn(20, 48) / 1000)
    nengo.Connection(sink, currents, transform=-np.ones((48, 4)))
    nengo.Connection(spikes, currents, transform=-0.001)


def convolution():
    bound = nengo.networks.CircularConvolution(6, 4)
    nengo.Connection(drive(4), bound.input_a)
    nengo.Connection(drive(4), bound.input_b)
    nengo.Connection(bound.output, nengo.networks.EnsembleArray(6, 4).input)


def basal_ganglia():
    ganglia = nengo.networks.BasalGanglia(3, n_neurons_per_ensemble=12)
    thalamus = nengo.networks.Thalamus(3, n_neurons_per_ensemble=12)
    nengo.Connection(drive(3), ganglia.input)
    nengo.Connection(ganglia.output, thalamus.input)
    nengo.Connection(thalamus.output, nengo.Ensemble(15, 3))


def gated_memory():
    memory = nengo.networks.InputGatedMemory(15, 2)
    given = drive(3)
    nengo.Connection(given[:2], memory.input)
    nengo.Connection(given[2], memory.gate)
    nengo.Connection(given[2], memory.reset)
    nengo.Connection(memory.output, nengo.Ensemble(15, 2))


def associative_memory():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which nengo.networks moved to nengo_spa
        memory = nengo.networks.AssociativeMemory(np.eye(6)[:3], n_neurons=12)
    memory.add_wta_network()
    memory.add_threshold_to_outputs()
    memory.add_default_output_vector(np.eye(6)[4])
    nengo.Connection(drive(6), memory.input)
    nengo.Connection(memory.output, nengo.Ensemble(15, 6))


def matrix_product():
    from nengo_extras.networks import MatrixMult

    times = MatrixMult(10, (2, 2), (2, 1))
    nengo.Connection(drive(4), times.input_left)
    nengo.Connection(drive(2), times.input_right)
    nengo.Connection(times.output, nengo.networks.EnsembleArray(10, 2).input)


# -- Legendre memories ----------------------------------------------------------------------


def legendre(order, theta):
    """The matrices A and B of a window of ``theta`` s, in continuous time."""
    row, column = np.indices((order, order))
    signs = np.where(row < column, -1.0, -((-1.0) ** (row - column)))
    scale = (2 * row[:, :1] + 1) / theta
    return scale * signs, scale * (-1.0) ** row[:, :1]


def neural_lmu():
    """The memory in neurons, by the principle 3 of the NEF: as the example of Nengo has it."""
    (a, b), tau = legendre(4, 0.1), 0.05
    memory = nengo.networks.EnsembleArray(15, 4, label="memory")
    nengo.Connection(drive(1), memory.input, transform=tau * b, synapse=tau)
    nengo.Connection(memory.output, memory.input, transform=tau * a + np.eye(4), synapse=tau)
    hidden = nengo.Ensemble(20, 4, label="hidden")
    nengo.Connection(memory.output, hidden)
    nengo.Connection(hidden, nengo.Node(size_in=1, label="out"), function=lambda x: x.sum())


SPA = (transcode, superposition, bind, compare, product, memories, action_selection)
PLAIN = (
    arrays, convolution, basal_ganglia, gated_memory, associative_memory, matrix_product,
    neural_lmu,
)  # fmt: skip
MODULES = {make.__name__: make for make in (*SPA, *PLAIN)}


def build(name):
    """A new network of that name."""
    if MODULES[name] in SPA:
        import nengo_spa as spa

        net = spa.Network(seed=4, label=name)
        small_states(net)
    else:
        net = nengo.Network(seed=4, label=name)
    with net:
        MODULES[name]()
    return net
