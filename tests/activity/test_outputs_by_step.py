"""Outputs at every step of one run: those of as many shorter runs, in every simulator."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.errors import DataError, MeasurementError
from nengo_spikecost.loihi.simulators.batched_emulation import LoihiEmulatorBackend
from tests.activity.test_loihi_simulators import converted, images

N_STEPS = 34
SIMULATORS = ("nengo_dl", "nengo_dl_probes", "compiled", "nengo", "loihi", "nengo_loihi")


def measured(network, n_steps=N_STEPS, **options):
    options = {"presentation": "fresh", "progress": False, **options}
    return nsc.measure(network, images(3), n_steps, **options)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_are_what_shorter_runs_end_with(simulator):
    conversion = converted("conv_with_bias")
    found = measured(conversion, simulator=simulator, by_step=True)
    plain = measured(conversion, simulator=simulator)
    (name,) = found.outputs
    output, expected = found.outputs[name], plain.outputs[name]
    assert output.steps.shape == (3, N_STEPS, output.last.shape[1])
    assert output.steps.dtype == np.float32
    np.testing.assert_array_equal(output.last, expected.last)
    np.testing.assert_array_equal(output.steps[:, -1], output.last)
    for population, record in plain.populations.items():
        np.testing.assert_array_equal(found.populations[population].counts, record.counts)
    assert expected.steps is None
    for k in (1, 31):
        short = measured(conversion, k, simulator=simulator).outputs[name]
        # products of some steps at once may be summed in another order
        np.testing.assert_allclose(output.until()[:, k - 1], short.last, rtol=1e-5, atol=1e-6)
        at = output.until("mean")[:, k - 1]
        np.testing.assert_allclose(at, short.mean, rtol=1e-5, atol=1e-6)
    assert np.ptp(output.steps, axis=1).max() > 0


@pytest.mark.parametrize("simulator", ["nengo_dl", "compiled", "loihi", "nengo"])
def test_run_on_in_a_continuous_presentation(simulator):
    conversion = converted("dense")
    options = {"simulator": simulator, "presentation": "continuous"}
    found = measured(conversion, by_step=True, batch_size=1, **options).outputs
    plain = measured(conversion, batch_size=1, **options).outputs
    for name, output in plain.items():
        np.testing.assert_array_equal(found[name].steps[:, -1], output.last)
        means = found[name].steps.astype(float).mean(axis=1)
        np.testing.assert_allclose(means, output.mean, rtol=1e-5, atol=1e-6)


def test_of_nengo_itself():
    with nengo.Network(seed=1) as network:
        given = nengo.Node([0.0])
        ensemble = nengo.Ensemble(20, 1, neuron_type=nengo.SpikingRectifiedLinear())
        nengo.Connection(given, ensemble)
        probe = nengo.Probe(ensemble, synapse=0.01)
        sampled = nengo.Probe(ensemble, synapse=0.01, sample_every=0.002)
    found = {
        simulator: nsc.measure(
            network, np.array([[0.5], [-0.2]]), 12, simulator=simulator, by_step=True,
            progress=False,
        ).outputs
        for simulator in ("nengo_dl", "compiled", "nengo")
    }  # fmt: skip
    given.output = [0.5]
    with nengo.Simulator(network, progress_bar=False) as simulator:
        simulator.run_steps(12)
    names = list(found["nengo"])
    for outputs in found.values():
        steps = outputs[names[0]].steps
        np.testing.assert_allclose(steps[0], simulator.data[probe], rtol=1e-4, atol=1e-5)
        # a Probe that samples has no value at every step
        assert outputs[names[1]].steps is None
    with pytest.raises(MeasurementError, match="without sample_every"):
        found["nengo"][names[1]].until()
    assert sampled is not None


def test_accuracy_of_each_step_is_that_of_a_run_as_long():
    conversion, y = converted("dense"), np.array([0, 1, 2])
    activity = measured(conversion, simulator="compiled", by_step=True)
    for readout in ("last", "mean"):
        expected = [
            measured(conversion, k + 1, simulator="compiled").accuracy(y, readout=readout)
            for k in range(N_STEPS)
        ]
        np.testing.assert_array_equal(activity.accuracy_by_step(y, readout=readout), expected)
    with pytest.raises(DataError, match="pass y"):
        activity.accuracy_by_step()
    with pytest.raises(MeasurementError, match="readout must be"):
        activity.accuracy_by_step(y, readout="sum")
    with pytest.raises(MeasurementError, match="by_step=True"):
        measured(conversion, simulator="compiled").accuracy_by_step(y)


@pytest.mark.parametrize("simulator", ["compiled", "loihi"])
def test_are_kept_in_a_checkpoint(simulator, tmp_path):
    conversion = converted("dense")
    options = {"simulator": simulator, "by_step": True, "batch_size": 2}
    first = measured(conversion, checkpoint=tmp_path / "kept", **options)
    again = measured(conversion, checkpoint=tmp_path / "kept", **options)
    for name, output in measured(conversion, **options).outputs.items():
        np.testing.assert_array_equal(first.outputs[name].steps, output.steps)
        np.testing.assert_array_equal(again.outputs[name].steps, output.steps)


def test_a_network_that_only_nengo_dl_runs():
    nengo_dl = pytest.importorskip("nengo_dl")
    import tensorflow as tf

    with nengo.Network(seed=0) as network:
        given = nengo.Node(np.zeros(2))
        ensemble = nengo.Ensemble(5, 2, neuron_type=nengo.SpikingRectifiedLinear())
        layer = nengo_dl.Layer(tf.keras.layers.Dense(3))(given)
        nengo.Connection(given, ensemble)
        nengo.Probe(layer)
    activity = nsc.measure(
        network, np.ones((2, 2)), 4, simulator="compiled", by_step=True, progress=False
    )
    (output,) = activity.outputs.values()
    assert output.steps.shape == (2, 4, 3)


def test_what_has_no_room_is_refused_before_it_is_simulated():
    conversion = converted("dense")
    options = {"simulator": "compiled", "by_step": True, "memory": "400 MB"}
    nsc.measure(conversion, images(3), 50, progress=False, **options)
    with pytest.raises(MeasurementError, match=r"3 samples of 90,000,000 steps \(by_step=True\)"):
        nsc.measure(conversion, images(3), 90_000_000, progress=False, **options)


def test_batches_that_have_no_room_are_refused_after_the_first(monkeypatch):
    conversion, runs = converted("dense"), []
    own = LoihiEmulatorBackend.run

    def run(backend, inputs):
        runs.append(own(backend, inputs))
        # room for some samples with the counts of all their cores, not for 40
        steps = runs[0].chip.by_step
        size = 2 * 10 * (steps.spikes.nbytes + steps.active.nbytes)
        monkeypatch.setattr("nengo_spikecost.memory.free_bytes", lambda: size)
        return runs[-1]

    monkeypatch.setattr(LoihiEmulatorBackend, "run", run)
    options = {"simulator": "loihi", "presentation": "fresh", "batch_size": 1, "by_step": True}
    with pytest.raises(MeasurementError, match=r"Keeping 40 samples .* leave by_step out"):
        nsc.measure(conversion, images(40), 20, progress=False, **options)
    assert len(runs) == 1


def test_a_simulator_that_keeps_none_is_refused():
    from nengo_spikecost.activity.backend import Backend, BatchCounts
    from nengo_spikecost.activity.simulator_spec import BACKENDS, register_backend

    class Forgets(Backend):
        def __init__(self, setup):
            self.setup = setup

        def run(self, inputs):
            n = self.setup.batch_size
            outputs = {
                name: (np.zeros((n, probe.size_in)),) * 2
                for name, probe in self.setup.outputs.items()
            }
            counts = {p.name: np.zeros((n, p.n_neurons)) for p in self.setup.populations}
            return BatchCounts(counts, outputs)

        def close(self):
            pass

    register_backend("forgets", options=("by_step",))(Forgets)
    try:
        measured(converted("dense"), simulator="forgets")
        with pytest.raises(MeasurementError, match=r"run returned steps of output .* None"):
            measured(converted("dense"), simulator="forgets", by_step=True)
    finally:
        del BACKENDS["forgets"]
