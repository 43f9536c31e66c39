"""Measurements on workers against one process, bit for bit."""

from __future__ import annotations

import inspect
import pickle

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import (
    DataError,
    LoihiError,
    MeasurementError,
    MeasurementWarning,
    ScaleOutError,
)
from tests.models import conv_net, images
from tests.scale_out.on_workers import kills_once

STEPS = 8
X, Y = images(23), np.arange(23) % 3


def assert_same(activity, expected):
    assert activity.protocol == expected.protocol
    for name, population in expected.populations.items():
        own = activity.populations[name].counts
        assert own.dtype == population.counts.dtype
        assert own.tobytes() == population.counts.tobytes(), name
    for name, output in expected.outputs.items():
        own = activity.outputs[name]
        assert own.last.tobytes() == output.last.tobytes()
        assert own.mean.tobytes() == output.mean.tobytes()
        np.testing.assert_equal(own.steps, output.steps)
    np.testing.assert_equal(activity.targets, expected.targets)
    assert (activity.chip is None) == (expected.chip is None)
    if expected.chip is not None:
        for name, counts in vars(expected.chip).items():
            found = getattr(activity.chip, name)
            if name == "by_step" and counts is not None:
                found, counts = vars(found), vars(counts)
            np.testing.assert_equal(found, counts)


@pytest.fixture(scope="module")
def conversion():
    return nsc.convert(
        conv_net(stack.keras()), neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=200,
        synapse=0.005,
    )  # fmt: skip


@pytest.mark.parametrize("simulator", ["compiled", "nengo_dl", "nengo", "loihi", "nengo_loihi"])
def test_every_simulator(client, conversion, simulator):
    n = 23 if simulator in ("compiled", "nengo_dl", "loihi") else 4
    options = {"simulator": simulator, "presentation": "fresh", "batch_size": min(n, 4)}
    expected = nsc.measure(conversion, (X[:n], Y[:n]), STEPS, **options)
    assert sum(p.counts.sum() for p in expected.populations.values()) > 0
    activity = nsc.measure(
        conversion, (X[:n], Y[:n]), STEPS, client=client, shard_size=5, **options
    )
    assert_same(activity, expected)
    assert activity.accuracy() == expected.accuracy()


@pytest.mark.parametrize("simulator", ["compiled", "loihi"])
def test_outputs_at_every_step(client, conversion, simulator):
    options = {
        "simulator": simulator, "presentation": "fresh", "batch_size": 4, "by_step": True,
    }  # fmt: skip
    expected = nsc.measure(conversion, (X[:10], Y[:10]), STEPS, **options)
    activity = nsc.measure(
        conversion, (X[:10], Y[:10]), STEPS, client=client, shard_size=4, **options
    )
    assert_same(activity, expected)
    (output,) = activity.outputs.values()
    assert output.steps.shape[:2] == (10, STEPS)


@pytest.mark.parametrize("shard_size", [1, 9, None, 1000])
def test_any_shard_size_gives_the_same(client, conversion, shard_size):
    expected = nsc.measure(conversion, X, STEPS, simulator="compiled", batch_size=3)
    activity = nsc.measure(
        conversion, X, STEPS, simulator="compiled", batch_size=3, client=client,
        shard_size=shard_size,
    )  # fmt: skip
    assert_same(activity, expected)


def batches_of(x, y):
    def data():
        tf = stack.tensorflow()
        return tf.data.Dataset.from_tensor_slices((x, y)).batch(5)

    return data


def test_data_that_workers_read(client, conversion, tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    options = {"simulator": "compiled", "batch_size": 4}
    expected = nsc.measure(conversion, (X, Y), STEPS, **options)
    for data in (
        (str(tmp_path / "x.npy"), tmp_path / "y.npy"),
        (str(tmp_path / "x.npy"), Y),
        ({"image": str(tmp_path / "x.npy")}, Y),
        lambda: (X, Y),
        lambda: ({"image": X}, Y),
        batches_of(X, Y),
    ):
        activity = nsc.measure(conversion, data, STEPS, client=client, shard_size=8, **options)
        assert_same(activity, expected)
    moving = np.repeat(X[:, None], 3, axis=1) * np.linspace(0, 1, 3)[:, None, None, None]
    np.save(tmp_path / "moving.npy", moving)
    expected = nsc.measure(conversion, moving, **options)
    path = str(tmp_path / "moving.npy")
    assert_same(nsc.measure(conversion, path, client=client, **options), expected)


SUMS = """
class Sums:
    total = 0.0

    def __call__(self, t, x):
        self.total += x[0]
        return self.total
"""


def learning_network():
    """Noise, neurons that learn, and a Node that remembers, all without seeds of their own."""
    script = {"__name__": "__main__"}  # where users define classes, which workers have not
    exec(SUMS, script)
    with nengo.Network() as net:
        given = nengo.Node([0.0], label="given")
        noise = nengo.Node(nengo.processes.WhiteNoise(), label="noise")
        a = nengo.Ensemble(30, 1, label="a")
        b = nengo.Ensemble(20, 1, label="b")
        nengo.Connection(given, a)
        nengo.Connection(noise, a)
        learned = nengo.Connection(a, b, learning_rule_type=nengo.PES())
        nengo.Connection(given, learned.learning_rule)
        nengo.Probe(nengo.Node(script["Sums"](), size_in=1, label="sums"), label="sums")
        nengo.Connection(b, net.nodes[-1])
    return net


@pytest.mark.parametrize("simulator", ["nengo", "compiled"])
def test_networks_that_learn_and_remember(client, simulator):
    net = learning_network()
    x = {"given": np.linspace(-1, 1, 7)[:, None]}
    options = {"simulator": simulator, "presentation": "fresh", "batch_size": 2, "seed": 3}
    expected = nsc.measure(net, x, STEPS, **options)
    assert_same(nsc.measure(net, x, STEPS, client=client, shard_size=2, **options), expected)


@pytest.mark.parametrize("simulator", ["nengo_dl", "nengo"])
def test_noise_without_a_seed_is_that_of_one_process(client, simulator):
    """NengoDL seeds it sample by sample, and Nengo has neurons draw on from sample to sample."""
    kinds = {"nengo_dl": nengo.LIF(), "nengo": nengo.PoissonSpiking(nengo.LIFRate())}
    noise = nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 5), scale=False)
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.0])
        a = nengo.Ensemble(30, 1, neuron_type=kinds[simulator], noise=noise, label="a")
        b = nengo.Ensemble(30, 1, noise=noise, label="b")
        nengo.Connection(node, a)
        nengo.Connection(a, b)
    x = np.linspace(-1, 1, 7)[:, None]
    options = {"simulator": simulator, "progress": False}
    alone = nsc.measure(net, x, 30, **options)
    shared = nsc.measure(net, x, 30, client=client, shard_size=2, **options)
    for name, record in alone.populations.items():
        np.testing.assert_array_equal(shared.populations[name].counts, record.counts)


def test_a_checkpoint_goes_on_with_and_without_a_cluster(client, conversion, tmp_path):
    np.save(tmp_path / "x.npy", X)
    path = str(tmp_path / "x.npy")
    options = {"simulator": "compiled", "batch_size": 4, "checkpoint": tmp_path / "kept"}
    expected = nsc.measure(conversion, X, STEPS, **options)
    for data in (X, path):
        for lost in (2, 4):
            (tmp_path / "kept" / f"batch-{lost:06d}.npz").unlink()
        assert_same(nsc.measure(conversion, data, STEPS, client=client, **options), expected)
        assert len(list((tmp_path / "kept").glob("batch-*"))) == 6
    assert_same(nsc.measure(conversion, X, STEPS, **options), expected)
    other = X.copy()
    other[5] = 0
    np.save(tmp_path / "x.npy", other)
    for data in (other, path):
        with pytest.raises(MeasurementError, match="batch 1 was of other samples"):
            nsc.measure(conversion, data, STEPS, client=client, **options)


def test_a_worker_that_dies_changes_nothing(client, conversion, tmp_path):
    options = {"simulator": "compiled", "batch_size": 4}
    expected = nsc.measure(conversion, X, STEPS, **options)
    activity = nsc.measure(conversion, kills_once(tmp_path, X), STEPS, client=client, **options)
    assert (tmp_path / "died").exists()
    assert_same(activity, expected)


def test_what_cannot_be_shared_is_refused(client, conversion):
    for options in ({"simulator": "loihi"}, {"presentation": "continuous"}):
        with pytest.raises(MeasurementError, match=r"^client: presentation='continuous' can't be"):
            nsc.measure(conversion, X, STEPS, client=client, **options)
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.0])
        ens = nengo.Ensemble(9, 1, neuron_type=nengo.PoissonSpiking(nengo.LIFRate()), label="p")
        nengo.Connection(node, ens)
    with pytest.raises(MeasurementError, match=r"^client: neurons of p draw .* can't be shared"):
        nsc.measure(net, np.zeros((3, 1)), STEPS, simulator="nengo_dl", client=client)
    with pytest.raises(DataError, match=r"^client: data is a generator, which only this"):
        nsc.measure(conversion, (X[k : k + 2] for k in range(3)), STEPS, client=client)
    with pytest.raises(ScaleOutError, match="client must be a dask"):
        nsc.measure(conversion, X, STEPS, client="tcp://127.0.0.1:1")
    with pytest.raises(MeasurementError, match="shard_size must be a whole number"):
        nsc.measure(conversion, X, STEPS, client=client, shard_size=0)


class Odd:
    """Can be sent, and not be copied."""

    def __call__(self, t):
        return 0.0

    def __reduce__(self):
        if "lane_memory" in {frame.filename.split("/")[-1][:-3] for frame in inspect.stack()}:
            raise TypeError("not here")
        return Odd, ()


def test_functions_that_samples_would_share_are_refused(client):
    with nengo.Network(seed=0) as net:
        given = nengo.Node([0.0], label="given")
        nengo.Connection(given, nengo.Ensemble(9, 1))
        nengo.Connection(nengo.Node(Odd(), label="odd"), net.ensembles[0])
    data = {"given": np.zeros((4, 1))}
    with pytest.warns(MeasurementWarning, match="samples mix, and counts depend on their order"):
        nsc.measure(net, data, STEPS, simulator="nengo")
    with pytest.raises(MeasurementError, match=r"client: <Node 'odd'>: its function keeps"):
        nsc.measure(net, data, STEPS, simulator="nengo", client=client)


def test_without_data_this_process_runs_it(client):
    with nengo.Network(seed=0) as net:
        nengo.Connection(nengo.Node([0.5]), nengo.Ensemble(9, 1))
    options = {"simulator": "nengo"}
    assert_same(
        nsc.measure(net, None, 9, client=client, **options), nsc.measure(net, None, 9, **options)
    )


def test_an_error_keeps_what_was_measured(client):
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.0], label="given")
        nengo.Connection(node, nengo.Ensemble(9, 1))
        odd = nengo.Node(lambda t, x: 1 / (x[0] < 5), size_in=1, label="odd")
        nengo.Connection(node, odd, synapse=None)
        nengo.Probe(odd)
    values = np.arange(8.0)[:, None]
    told = []
    for given in ({}, {"client": client, "shard_size": 1}):
        with pytest.raises(MeasurementError, match=r"^The measurement stopped after 5") as e:
            nsc.measure(net, values, STEPS, simulator="nengo", **given)
        told.append(e.value)
    assert str(told[0]) == str(told[1])
    assert_same(told[1].activity, told[0].activity)


def test_block_shapes_go_with_the_network(client, conversion):
    cloudpickle = pytest.importorskip("cloudpickle")
    fit = nsc.loihi.fit_blocks(conversion, progress=False)
    options = {"simulator": "loihi", "presentation": "fresh", "batch_size": 4}
    expected = nsc.measure(fit, X, STEPS, **options)
    assert len(expected.chip.cores) == fit.n_cores
    assert_same(nsc.measure(fit, X, STEPS, client=client, **options), expected)
    read = pickle.loads(cloudpickle.dumps(fit))
    assert read.code() == fit.code()
    with pytest.raises(LoihiError, match="This fit was pickled"):
        read.pareto()
