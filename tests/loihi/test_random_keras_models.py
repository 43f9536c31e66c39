"""Random Keras models on NengoLoihi's emulator: they run, or it is said why before."""

from __future__ import annotations

import numpy as np
import pytest
from nengo.exceptions import NengoException

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.loihi import check_support
from tests.properties.keras_models import ON_CHIP, random_model

N_MODELS, N_QUICK = 80, 20
N_ON_NENGO_DL = 10
STEPS = 5

pytestmark = [
    pytest.mark.filterwarnings("ignore:These layers are computed exactly, on the host"),
    pytest.mark.filterwarnings("ignore:Lost .* extra bits in weight rounding"),
]


def spiking(seed, activations):
    """A random model of neurons that the chip has, as far as it has any of the kind."""
    return nsc.convert(
        random_model(seed, activations),
        neuron_type="LoihiSpikingRectifiedLinear",
        scale_firing_rates=200,
        synapse=0.005,
        max_pooling="average",
    )


def run_on_the_emulator(conversion):
    with stack.nengo_loihi().Simulator(conversion.net, target="sim", progress_bar=False) as sim:
        sim.run_steps(STEPS)
        for probe in conversion.outputs.values():
            assert sim.data[probe].shape[0] == STEPS
            assert np.all(np.isfinite(sim.data[probe]))


@pytest.mark.parametrize("seeds", [
    range(N_QUICK), pytest.param(range(N_QUICK, N_MODELS), marks=pytest.mark.slow),
], ids=["some", "all others"])  # fmt: skip
def test_random_models_run_or_are_refused_before(seeds):
    n_run = 0
    for seed in seeds:
        conversion = spiking(seed, ON_CHIP)
        problems = check_support(conversion)
        names = {p.name for p in nsc.NetworkGraph(conversion).populations}
        try:
            if not any(problem.refused for problem in problems):
                run_on_the_emulator(conversion)
                n_run += 1
                continue
            for problem in problems:
                # a population, two joined by an arrow, or the network as a whole
                assert problem.name == f"seed_{seed}" or names & set(problem.name.split(" -> "))
                assert problem.reason
            with pytest.raises((NengoException, NotImplementedError, AssertionError)):
                run_on_the_emulator(conversion)
        except Exception as error:
            raise AssertionError(f"random_model({seed}, {ON_CHIP}): {error}") from error
    assert n_run >= len(seeds) / 2


@pytest.mark.parametrize("seed", range(N_ON_NENGO_DL))
def test_random_models_run_on_nengo_dl(seed):
    conversion = spiking(seed, ON_CHIP)
    inputs = {
        node: np.random.RandomState(seed).uniform(0, 1, (1, 1, node.size_out)).astype("f4")
        for node in conversion.input_nodes
    }
    simulator = stack.nengo_dl().Simulator
    with simulator(conversion.net, progress_bar=False, seed=0) as sim:
        data = {node: np.repeat(values, STEPS, axis=1) for node, values in inputs.items()}
        found = sim.predict_on_batch(data)
    for probe in conversion.outputs.values():
        assert found[probe].shape[1] == STEPS
        assert np.all(np.isfinite(found[probe]))
