"""Random networks of compiled code against ``nengo.Simulator``, every count of them.

In float64 all counts are Nengo's. In float32 nearly all are, and where one is not, a rounding
decided: `assert_ties` shows it with Nengo's own numbers.
"""

from __future__ import annotations

import re

import nengo
import numpy as np

import nengo_spikecost as nsc
from nengo_spikecost.errors import MeasurementError
from tests.activity.random_networks import N_STEPS, Drawn
from tests.activity.ties import assert_ties
from tests.conversion.agreement import random_inputs
from tests.properties.keras_models import random_model

N_SAMPLES = 3

#: What Nengo can't do with some of the networks that are drawn.
REFUSED = "has cycles|Max rates must be|more than 16,777,216|incompatible with shape|Building <"


def measured(net, x, simulator, n_steps=N_STEPS, **options):
    return nsc.measure(net, x, n_steps, simulator=simulator, progress=False, **options)


def reference(drawn, x, presentation):
    """Counts and outputs of Nengo.

    Neurons that draw random numbers go on with them in the next sample of one simulator: then
    each sample has a new one.
    """
    if not drawn.draws:
        return [measured(drawn.net, x, "nengo", presentation=presentation)]
    return [
        measured(drawn.net, {name: v[k : k + 1] for name, v in x.items()}, "nengo")
        for k in range(N_SAMPLES)
    ]


def joined(runs, of):
    return np.concatenate([of(run) for run in runs])


def check(seed):
    """One network in float64 and float32; gives (equal, all) single counts of float32."""
    drawn = Drawn(seed)
    x = drawn.samples(N_SAMPLES)
    presentation = "continuous" if seed % 3 == 0 and not drawn.draws else "fresh"
    try:
        expected = reference(drawn, x, presentation)
    except MeasurementError as error:
        assert re.search(REFUSED, str(error)), (seed, error)
        return 0, 0
    own = {
        dtype: measured(
            drawn.net, x, "compiled", presentation=presentation, dtype=dtype,
            batch_size=1 if presentation == "continuous" else 2,
        )
        for dtype in ("float64", "float32")
    }  # fmt: skip
    ensembles = drawn.net.all_ensembles
    chaotic = any(isinstance(e.neuron_type, nengo.Izhikevich) for e in ensembles)
    equal = total = 0
    for dtype, tolerance in (("float64", 1e-7), ("float32", 5e-3)):
        if chaotic and dtype == "float32":
            continue  # their Euler step multiplies every rounding, step by step
        tied = False
        for name, population in own[dtype].populations.items():
            wanted = joined(expected, lambda run, name=name: run.populations[name].counts)
            if not population.spiking:
                np.testing.assert_allclose(
                    population.counts, wanted, rtol=tolerance, atol=tolerance, err_msg=str(seed)
                )
                continue
            same = population.counts == wanted
            tied |= not same.all()
            if dtype == "float32":
                equal, total = equal + int(same.sum()), total + same.size
        if tied:
            assert not drawn.draws, seed
            n_steps = N_STEPS if presentation == "fresh" else N_SAMPLES * N_STEPS
            as_one = x if presentation == "fresh" else one_after_the_other(x)
            assert_ties(Drawn(seed).net, as_one, n_steps, dtype)
            continue
        for name, output in own[dtype].outputs.items():
            for value in ("last", "mean"):
                wanted = joined(expected, lambda run, n=name, v=value: getattr(run.outputs[n], v))
                scale = 1 + np.abs(wanted).max()
                error = np.abs(getattr(output, value) - wanted).max()
                assert error <= max(tolerance, 1e-5) * scale, (seed, dtype, name, value)
    return equal, total


def one_after_the_other(x):
    """Samples of a continuous presentation as one long one."""
    steps = {k: v if v.ndim == 3 else np.repeat(v[:, None], N_STEPS, 1) for k, v in x.items()}
    return {k: v.reshape(1, N_SAMPLES * N_STEPS, -1) for k, v in steps.items()}


def check_keras(seed, neuron_type):
    """A Keras model with all that it lowers to."""
    model = random_model(seed, ("relu", "relu", None))
    conversion = nsc.convert(
        model, neuron_type=neuron_type, scale_firing_rates=150, synapse=0.004, lower=True
    )
    x = dict(zip(model.input_names, random_inputs(model, n_samples=2)))
    expected = measured(conversion, x, "nengo")
    equal = total = 0
    for dtype in ("float64", "float32"):
        own = measured(conversion, x, "compiled", dtype=dtype)
        tied = False
        for name, population in own.populations.items():
            same = population.counts == expected.populations[name].counts
            tied |= not same.all()
            if dtype == "float32":
                equal, total = equal + int(same.sum()), total + same.size
        if tied:
            flat = {n: v.reshape(len(v), -1) for n, v in x.items()}
            net = conversion.net
            for (name, node), values in zip(conversion.inputs.items(), flat.values()):
                assert node.size_out == values.shape[1], name
            labelled = {node.label: flat[name] for name, node in conversion.inputs.items()}
            assert_ties(net, labelled, N_STEPS, dtype)
    return equal, total
