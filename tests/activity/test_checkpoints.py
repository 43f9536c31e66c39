"""Long measurements that stop and go on: equal to those that never stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.activity import BACKENDS, Activity
from nengo_spikecost.activity.network_digests import network_digest
from nengo_spikecost.chip.chip_activity import chip_arrays
from nengo_spikecost.errors import DataError, MeasurementError
from tests.loihi.test_emulation import IMAGES, spiking_network

STEPS = 12
ROOT = Path(__file__).parents[2]


class Stopped(Exception):
    """What ends a run before its time."""


def stopping(x, y, after):
    """Samples one by one, and then the process ends."""
    for i in range(after):
        yield x[i : i + 1], y[i : i + 1]
    raise Stopped("killed")


def network():
    return spiking_network(IMAGES[0]).net


def run(net, x, y, folder=None, **options):
    options = {"n_steps": STEPS, "batch_size": 2, "seed": 3, "progress": False, **options}
    data = ({"input": x}, y) if isinstance(x, np.ndarray) else x
    return nsc.measure(net, data, checkpoint=folder, **options)


def assert_equal(found: Activity, expected: Activity):
    assert found.protocol == expected.protocol
    for name, record in expected.populations.items():
        np.testing.assert_array_equal(found.populations[name].counts, record.counts)
        assert found.populations[name].counts.dtype == record.counts.dtype
    for name, output in expected.outputs.items():
        np.testing.assert_array_equal(found.outputs[name].last, output.last)
        np.testing.assert_array_equal(found.outputs[name].mean, output.mean)
    np.testing.assert_array_equal(found.targets, expected.targets)
    assert (found.chip is None) == (expected.chip is None)
    if expected.chip is not None:
        arrays = chip_arrays(found.chip)
        for name, values in chip_arrays(expected.chip).items():
            np.testing.assert_array_equal(arrays[name], values, err_msg=name)


X = np.concatenate([IMAGES, IMAGES[::-1]])
Y = np.arange(10) % 4


@pytest.fixture
def unused(monkeypatch):
    """Simulators that fail when they are built."""

    def refuse(setup):
        raise AssertionError("simulated again")

    def block():
        for name in list(BACKENDS):
            monkeypatch.setitem(BACKENDS, name, refuse)

    return block


@pytest.mark.parametrize(
    "simulator, options",
    [
        ("nengo_dl", {}),
        ("nengo", {"batch_size": 3}),
        ("nengo_loihi", {"presentation": "fresh", "batch_size": 3}),
        ("loihi", {"presentation": "fresh", "by_step": True}),
        ("loihi", {"batch_size": 1}),
        ("loihi", {"batch_size": 3}),
        ("compiled", {"batch_size": 3}),
        ("compiled", {"presentation": "continuous", "batch_size": 1}),
        ("compiled", {"presentation": "continuous", "batch_size": 3, "dtype": "float64"}),
    ],
)
def test_goes_on_where_it_stopped(simulator, options, tmp_path, unused):
    folder = tmp_path / "run"
    options = {"simulator": simulator, **options}
    expected = run(network(), X, Y, **options)
    batch_size = options.get("batch_size", 2)
    broken = (({"input": x}, y) for x, y in stopping(X, Y, 2 * batch_size))
    with pytest.raises(MeasurementError, match=f"after {2 * batch_size} samples: killed"):
        run(network(), broken, None, folder, **options)
    kept = sorted(os.listdir(folder))
    assert kept[:3] == ["arguments.json", "batch-000000.npz", "batch-000001.npz"]
    # the last state only
    assert len([name for name in kept if name.startswith("state")]) == (
        expected.protocol.presentation == "continuous"
    )
    assert_equal(run(network(), X, Y, folder, **options), expected)
    unused()  # complete: nothing is simulated any more
    assert_equal(run(network(), X, Y, folder, **options), expected)


def remembering():
    """All that a sample may leave behind: signals, functions, random numbers, weights."""
    kept = [0.0]

    def leaks(t, x):
        kept[0] = 0.9 * kept[0] + float(x[0])
        return [kept[0], t]

    with nengo.Network(seed=3) as net:
        given = nengo.Node([0.0] * X.shape[1], label="input")
        slow = nengo.Node(leaks, size_in=1)
        noise = nengo.processes.FilteredNoise(nengo.Alpha(0.01), seed=2)
        kind = nengo.PoissonSpiking(nengo.LIFRate())
        first = nengo.Ensemble(20, 2, neuron_type=kind, label="a", noise=noise)
        second = nengo.Ensemble(15, 1, label="b", neuron_type=nengo.AdaptiveLIF())
        nengo.Connection(given[0], slow, synapse=nengo.Alpha(0.01))
        nengo.Connection(slow, first)
        nengo.Connection(slow[1], first[0], synapse=nengo.synapses.Triangle(0.005))
        learned = nengo.Connection(
            first, second, transform=[[1, 1]], learning_rule_type=nengo.PES(1e-3)
        )
        nengo.Connection(second, learned.learning_rule)
        nengo.Probe(second, synapse=0.02, label="out", sample_every=0.0035)
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_code_takes_up_all_that_a_sample_leaves(dtype, tmp_path):
    """As a run that never stopped, which is Nengo's in float64 but for what is drawn."""
    options = {
        "simulator": "compiled", "presentation": "continuous", "batch_size": 2, "dtype": dtype
    }  # fmt: skip
    expected = run(remembering(), X, Y, **options)
    broken = (({"input": x}, y) for x, y in stopping(X, Y, 6))
    with pytest.raises(MeasurementError, match="after 6 samples: killed"):
        run(remembering(), broken, None, tmp_path, **options)
    assert_equal(run(remembering(), X, Y, tmp_path, **options), expected)


def test_compiled_code_refuses_what_can_not_be_taken_up(tmp_path):
    nengo_dl = pytest.importorskip("nengo_dl")

    def net(output):
        with nengo.Network(seed=1) as made:
            given = nengo.Node([0.0], label="input")
            node = output() if callable(output) else nengo.Node(output)
            ensemble = nengo.Ensemble(5, 1, label="a")
            nengo.Connection(given, ensemble)
            nengo.Connection(node, ensemble)
        return made

    options = {"simulator": "compiled", "presentation": "continuous", "batch_size": 1}
    x = np.ones((2, 1), "f4")
    steps = (k / 10 for k in range(99))
    iterator = net(lambda: nengo.Node(lambda t: next(steps)))
    with pytest.raises(MeasurementError, match=r"can't be kept.*generator.*Leave checkpoint out"):
        run(iterator, x, Y[:2], tmp_path / "a", **options)
    tensors = net(lambda: nengo_dl.TensorNode(lambda t: np.ones((1, 1), "f4"), shape_out=(1,)))
    with pytest.raises(MeasurementError, match=r"run by NengoDL.*TensorNode.*Leave checkpoint out"):
        run(tensors, x, Y[:2], tmp_path / "b", **options)


def test_a_file_half_written_does_no_harm(tmp_path):
    expected = run(network(), X, Y, tmp_path, simulator="loihi")
    (tmp_path / "batch-000009.npz.0123.tmp").write_bytes(b"PK half")
    for number in (7, 8, 9):
        (tmp_path / f"batch-{number:06d}.npz").unlink(missing_ok=True)
    (tmp_path / "batch-000004.npz").unlink()
    with pytest.raises(MeasurementError, match=r"state-000004\.npz can't be read"):
        run(network(), X, Y, tmp_path, simulator="loihi")
    fresh = {"simulator": "loihi", "presentation": "fresh"}
    folder = tmp_path / "fresh"
    expected = run(network(), X, Y, folder, **fresh)
    (folder / "batch-000002.npz").unlink()
    assert_equal(run(network(), X, Y, folder, **fresh), expected)
    (folder / "batch-000001.npz").write_bytes(b"PK half")
    with pytest.raises(MeasurementError, match=r"batch-000001\.npz can't be read"):
        run(network(), X, Y, folder, **fresh)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"n_steps": 13}, "n_steps=12, not 13"),
        ({"dt": 0.002}, r"dt=0.001, not 0.002"),
        ({"batch_size": 5}, "batch_size=2, not 5"),
        ({"seed": 4}, "seed=3, not 4"),
        ({"presentation": "continuous"}, "presentation='fresh', not 'continuous'"),
        ({"by_step": True}, "by_step=None, not 'True'"),
        ({"simulator": "nengo_dl"}, "simulator='loihi', not 'nengo_dl'"),
    ],
)
def test_other_arguments_are_refused_by_name(changed, message, tmp_path):
    fresh = {"simulator": "loihi", "presentation": "fresh"}
    run(network(), X[:4], Y[:4], tmp_path, **fresh)
    with pytest.raises(DataError, match=message):
        run(network(), X[:4], Y[:4], tmp_path, **{**fresh, **changed})


def test_other_data_and_networks_are_refused(tmp_path):
    fresh = {"simulator": "loihi", "presentation": "fresh"}
    run(network(), X[:4], Y[:4], tmp_path / "a", **fresh)
    other = X[:4].copy()
    other[2, 0] += 1
    with pytest.raises(MeasurementError, match="other data: batch 1"):
        run(network(), other, Y[:4], tmp_path / "a", **fresh)
    with pytest.raises(DataError, match="other data: batch 0"):
        run(network(), X[:4], Y[:4] + 1, tmp_path / "a", **fresh)
    changed = network()
    changed.all_connections[-1].synapse = 0.01
    with pytest.raises(DataError, match="another network"):
        run(changed, X[:4], Y[:4], tmp_path / "a", **fresh)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").write_text("all my work")
    with pytest.raises(DataError, match=r"other files \(thesis.tex"):
        run(network(), X[:4], Y[:4], tmp_path / "b", **fresh)
    (tmp_path / "a" / "arguments.json").write_text("{")
    with pytest.raises(DataError, match=r"arguments\.json"):
        run(network(), X[:4], Y[:4], tmp_path / "a", **fresh)


def test_what_can_not_be_taken_up_is_refused():
    continuous = {"simulator": "nengo_dl", "presentation": "continuous"}
    with pytest.raises(MeasurementError, match=r"does not give its state.*'loihi'"):
        run(network(), X, Y, "never", **continuous)
    with nengo.Network() as net:
        x = nengo.Node([0.0], label="input")
        a = nengo.Ensemble(5, 1, label="a", neuron_type=nengo.PoissonSpiking(nengo.LIFRate()))
        nengo.Connection(x, a)
    with pytest.raises(MeasurementError, match="neurons of a draw random numbers"):
        nsc.measure(net, {"input": np.ones((2, 1))}, 5, simulator="nengo_dl", checkpoint="never")
    assert not os.path.exists("never")


def test_digests_of_networks():
    def make(weight=1.0, seed=1, synapse=0.01, function=None, on_chip=True, probe=True):
        from nengo_spikecost.loihi import mark_off_chip

        with nengo.Network(seed=seed) as net:
            node = nengo.Node(lambda t: t, label="x")
            with nengo.Network(label="inner"):
                a = nengo.Ensemble(5, 1, gain=np.full(5, 2.0), bias=np.zeros(5))
            b = nengo.Ensemble(4, 2, neuron_type=nengo.LIF(tau_rc=0.03))
            nengo.Connection(node, a.neurons, transform=np.full((5, 1), weight))
            nengo.Connection(a, b[1], synapse=synapse, function=function)
            if probe:
                nengo.Probe(b)
        if not on_chip:
            mark_off_chip(net, [a])
        return network_digest(net)

    same = make()
    assert same == make() and len(same) == 64
    others = [
        make(weight=1.5), make(seed=2), make(synapse=nengo.Alpha(0.01)), make(function=np.square),
        make(function=lambda x: x + 1), make(function=lambda x: x + 2), make(on_chip=False),
        make(probe=False),
    ]  # fmt: skip
    assert len({same, *others}) == 1 + len(others)
    assert json.dumps(same)


class Wave(nengo.Process):
    """A process that keeps a number of its own."""

    def __init__(self, height):
        super().__init__(default_size_in=0, default_size_out=1, seed=1)
        self.height = height

    def make_step(self, shape_in, shape_out, dt, rng, state):
        return lambda t: np.array([self.height * np.sin(t)])


class Source:
    def __init__(self, value):
        self.value = value
        self.again = self.output  # refers to itself

    def output(self, t):
        return self.value


def around(value):
    def function(t):
        return value if t < 1 else function(t - 1)

    return function


def test_digests_of_functions_and_processes():
    """What they keep, and what they call, not only their code."""

    def digest(output):
        with nengo.Network(seed=1) as net:
            nengo.Node(output)
        return network_digest(net)

    makers = [
        lambda k: Wave(k),
        lambda k: Source(k).output,
        around,
        lambda k: lambda t, height=k: height,
        lambda k: lambda t: sum(height + k for height in [1]),
        lambda k: [lambda t: np.sin(t), lambda t: np.cos(t)][int(k)],
    ]
    found = [digest(make(value)) for make in makers for value in (0.0, 1.0)]
    assert len(set(found)) == len(found)
    assert found == [digest(make(value)) for make in makers for value in (0.0, 1.0)]


def edited(path, change):
    """Write a file of a checkpoint again with other arrays."""
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    with open(path, "wb") as file:
        np.savez(file, **arrays)


def _nan(arrays):
    arrays["counts 0"] = np.full(arrays["counts 0"].shape, np.nan)


def _fewer(arrays):
    for name in ("counts 0", "last 0", "mean 0"):
        arrays[name] = arrays[name][:1]


CHANGES = {
    "a missing key": lambda arrays: arrays.pop("counts 0"),
    "wrong rows": _fewer,
    "NaN counts": _nan,
    "another count": lambda arrays: arrays.update({"counts 0": arrays["counts 0"] + 1}),
    "another number of samples": lambda arrays: arrays.update(n=np.array(1)),
    "no digest": lambda arrays: arrays.pop("digest"),
    "nothing": lambda arrays: arrays.clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("name", ["batch-000000.npz", "batch-000001.npz"])
def test_edited_results_are_refused(change, name, tmp_path):
    """Before, they were returned as if they had been measured, or ended in a KeyError."""
    fresh = {"simulator": "loihi", "presentation": "fresh"}
    run(network(), X[:4], Y[:4], tmp_path, **fresh)
    edited(tmp_path / name, change)
    told = rf"{name} was damaged or edited after it was written: remove its folder"
    with pytest.raises((DataError, MeasurementError), match=told):
        run(network(), X[:4], Y[:4], tmp_path, **fresh)


def test_an_edited_state_is_refused(tmp_path):
    run(network(), X, Y, tmp_path, simulator="loihi")
    (tmp_path / "batch-000004.npz").unlink()
    (tmp_path / "state-000005.npz").rename(tmp_path / "state-000004.npz")
    edited(tmp_path / "state-000004.npz", lambda arrays: arrays.pop("n_steps"))
    with pytest.raises(MeasurementError, match=r"state-000004\.npz was damaged or edited"):
        run(network(), X, Y, tmp_path, simulator="loihi")


@pytest.mark.parametrize("text", ["[]", "3", "[" * 100_000, '{"format": 1}', "\0"])
def test_arguments_that_are_none(text, tmp_path):
    fresh = {"simulator": "loihi", "presentation": "fresh"}
    run(network(), X[:2], Y[:2], tmp_path, **fresh)
    (tmp_path / "arguments.json").write_text(text)
    with pytest.raises(DataError, match=r"arguments\.json can't be read|format=1, not 'nengo"):
        run(network(), X[:2], Y[:2], tmp_path, **fresh)


LIMITED = """
import resource, sys
import nengo_spikecost as nsc
from nengo_spikecost.errors import MeasurementError
from tests.activity.test_checkpoints import X, Y, nengo, network, run
nengo.rc.set("decoder_cache", "enabled", "False")  # its files are limited too
net = network()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    run(net, X, Y, sys.argv[1], simulator="nengo", n_steps=3)
except nsc.errors.SpikeCostError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize("limit", [10, pytest.param(1500, marks=pytest.mark.slow)])
def test_a_full_disk(tmp_path, limit):
    """The system refuses files that are longer, as a full disk or a quota does."""
    folder = tmp_path / "run"
    command = [sys.executable, "-c", LIMITED, str(folder), str(limit)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "Cannot write" in said.stdout and "File too large" in said.stdout
    assert not list(folder.glob("*.tmp"))
    expected = run(network(), X, Y, simulator="nengo", n_steps=3)
    assert_equal(run(network(), X, Y, folder, simulator="nengo", n_steps=3), expected)
