"""Random networks of nengo_spa: states, bindings, memories and actions of one vocabulary."""

from __future__ import annotations

import warnings

import nengo
import numpy as np

from .module_networks import N, small_states, state, vocabulary

KEYS = ("A", "B", "C")


def random_spa(seed):
    """Two to five modules, each fed by pointers and by what is made of those before it."""
    import nengo_spa as spa

    rng = np.random.RandomState(seed)
    dimensions = (4, 8)[rng.randint(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pointers that are much alike
        words = vocabulary(dimensions)
    net = spa.Network(seed=rng.randint(100))
    small_states(net)
    with net, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = state(words)
        _ = getattr(spa.sym, KEYS[rng.randint(3)]) >> first
        sources = [first]
        for _ in range(rng.randint(1, 5)):
            make = MODULES[rng.randint(len(MODULES))]
            sinks, source = make(rng, words)
            for sink in sinks:
                _ = _pointer(rng, sources) >> sink
            sources.append(source)
        if rng.rand() < 0.3:
            score = spa.Scalar(12)
            _ = spa.dot(sources[rng.randint(len(sources))], spa.sym.A) >> score
        if rng.rand() < 0.25:
            with spa.ActionSelection():
                for key in KEYS[: rng.randint(2, 4)]:
                    pre, post = (sources[rng.randint(len(sources))] for _ in range(2))
                    utility = spa.dot(pre, getattr(spa.sym, key))
                    spa.ifmax(utility, spa.sym.B >> _sink(post, first))
        nengo.Probe(sources[-1].output, synapse=0.01)
    return net


def _sink(module, otherwise):
    return module if hasattr(module, "input") and hasattr(module, "vocab") else otherwise


def _pointer(rng, sources):
    """A source, or something made of it."""
    import nengo_spa as spa

    source = sources[rng.randint(len(sources))]
    kind = rng.randint(6)
    if kind == 0:
        return 0.5 * source
    if kind == 1:
        return getattr(spa.sym, KEYS[rng.randint(3)]) * source
    if kind == 2:
        return source + spa.sym.B
    if kind == 3:
        return ~source
    if kind == 4:
        return source - 0.3 * sources[rng.randint(len(sources))]
    return source


def _state(rng, words):
    options = {"feedback": 0.7} if rng.rand() < 0.4 else {}
    made = state(words, represent_cc_identity=bool(rng.randint(2)), **options)
    return [made], made


def _bound(rng, words):
    import nengo_spa as spa

    side = ({}, {"unbind_left": True}, {"unbind_right": True})[rng.randint(3)]
    made = spa.Bind(words, neurons_per_dimension=4, **side)
    return [made.input_left, made.input_right], made


def _sum(rng, words):
    import nengo_spa as spa

    made = spa.Superposition(rng.randint(2, 4), vocab=words, neurons_per_dimension=N)
    return list(made.inputs), made


def _memory(rng, words):
    import nengo_spa as spa

    kind = rng.randint(3)
    if kind == 0:
        made = spa.IAAssocMem(words, mapping=KEYS, n_neurons=10)
    elif kind == 1:
        made = spa.WTAAssocMem(0.3, words, mapping={"A": "B", "B": "C"}, n_neurons=10)
    else:
        made = spa.ThresholdingAssocMem(0.3, words, mapping=KEYS, n_neurons=10)
    return [made], made


def _transcoded(rng, words):
    import nengo_spa as spa

    made = spa.Transcode(input_vocab=words, output_vocab=words)
    return [made], made


MODULES = (_state, _state, _bound, _sum, _memory, _transcoded)
