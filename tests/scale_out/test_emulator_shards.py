"""Emulation on workers against one process, bit for bit."""

from __future__ import annotations

import dataclasses
import os

import nengo
import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.errors import DataError, MeasurementError, ScaleOutError
from nengo_spikecost.loihi.emulation import Emulator
from tests.loihi.emulated import nef_network, spiking_network
from tests.scale_out.on_workers import kills_once

STEPS = 12


def records(run):
    """All arrays of a run, by name."""
    arrays = {
        f.name: getattr(run, f.name)
        for f in dataclasses.fields(run)
        if isinstance(getattr(run, f.name), np.ndarray)
    }
    for k, output in enumerate(run.outputs.values()):
        arrays |= {f"output {k} {name}": x for name, x in vars(output).items() if x is not None}
    for k, counts in enumerate(run.host_counts.values()):
        arrays[f"host {k}"] = counts
    return arrays


def assert_same(run, expected):
    own, others = records(run), records(expected)
    assert own.keys() == others.keys()
    for name, values in others.items():
        assert own[name].dtype == values.dtype, name
        assert own[name].tobytes() == values.tobytes(), name


def layered():
    layers = spiking_network(np.full(50, 100.0))
    return layers.net, layers.input


IMAGES = np.random.default_rng(0).integers(0, 400, (23, 50)).astype(np.uint16)


@pytest.mark.parametrize("shard_size", [1, 5, 11, None, 100])
def test_any_shard_size_gives_the_same(client, shard_size):
    net, node = layered()
    with Emulator(net, batch_size=4) as emulator:
        expected = emulator.run({node: IMAGES}, STEPS, readout="all")
        run = emulator.run(
            {node: IMAGES}, STEPS, readout="all", client=client, shard_size=shard_size
        )
    assert run.n_samples == 23 and run.spikes.sum() > 0
    assert_same(run, expected)


def test_one_step_at_a_time_and_counts_by_step(client):
    net, node = layered()
    moving = np.random.default_rng(1).uniform(0, 400, (7, STEPS, 50))
    with Emulator(net, batch_size=2) as emulator:
        expected = emulator.run({node: moving}, STEPS, by_step=True)
        run = emulator.run({node: moving}, STEPS, by_step=True, client=client, shard_size=2)
    assert_same(run, expected)
    for name, counts in vars(expected.by_step).items():
        if isinstance(counts, np.ndarray):
            np.testing.assert_array_equal(getattr(run.by_step, name), counts)


#: On NumPy 1, decoders are rounded otherwise with several threads, and Dask's workers have one.
rounds_alike = pytest.mark.skipif(
    np.__version__.startswith("1.") and os.environ.get("OMP_NUM_THREADS") != "1",
    reason="NumPy 1 solves for decoders otherwise with several threads: run with OMP_NUM_THREADS=1",
)


def unseeded(noise):
    """A network that every build makes otherwise, with random numbers while it runs."""
    net = nef_network()
    net.seed = None
    with net:
        process = nengo.processes.WhiteNoise(seed=None if noise else 1)
        random = nengo.Node(process, size_out=2, label="random")
        nengo.Connection(random, net.ensembles[0])
        fed = nengo.Node([0.0], label="fed")
        nengo.Connection(fed, net.ensembles[2])
    return net, fed


@rounds_alike
@pytest.mark.parametrize("noise", [False, True])
def test_a_network_without_seeds_is_built_with_those_it_got(client, noise):
    net, fed = unseeded(noise)
    values = np.linspace(-1, 1, 9)[:, None]
    with Emulator(net, batch_size=2, seed=5) as emulator:
        expected = emulator.run({fed: values}, STEPS)
        run = emulator.run({fed: values}, STEPS, client=client, shard_size=4)
    assert run.spikes.sum() > 0
    assert_same(run, expected)


@rounds_alike
def test_without_inputs(client):
    with Emulator(nef_network()) as emulator:
        assert_same(emulator.run(None, STEPS, client=client), emulator.run(None, STEPS))


def test_a_conversion_and_images_of_any_package(client):
    keras = stack.keras()
    import nengo_spikecost as nsc
    from tests.models import conv_net, images

    network = nsc.convert(
        conv_net(keras), neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=100
    )
    x = images(9)
    with Emulator(network, batch_size=4) as emulator:
        expected = emulator.run(x, STEPS)
        given = (x, x.tolist(), stack.tensorflow().constant(x))
        for values in given:
            assert_same(emulator.run(values, STEPS, client=client, shard_size=4), expected)


def test_images_that_workers_read_and_a_worker_that_dies(client, tmp_path):
    np.save(tmp_path / "x.npy", IMAGES)
    net, node = layered()
    with Emulator(net, batch_size=4) as emulator:
        expected = emulator.run({node: IMAGES}, STEPS)
        for values in (str(tmp_path / "x.npy"), lambda: IMAGES, kills_once(tmp_path, IMAGES)):
            run = emulator.run({node: values}, STEPS, client=client, shard_size=4)
            assert_same(run, expected)
    assert (tmp_path / "died").exists()


def test_a_checkpoint_goes_on_with_and_without_a_cluster(client, tmp_path):
    net, node = layered()
    np.save(tmp_path / "x.npy", IMAGES)
    with Emulator(net, batch_size=4) as emulator:
        expected = emulator.run({node: IMAGES}, STEPS, checkpoint=tmp_path / "a")
        for lost in (1, 3, 4):
            (tmp_path / "a" / f"batch-{lost:06d}.npz").unlink()
        run = emulator.run({node: IMAGES}, STEPS, checkpoint=tmp_path / "a", client=client)
        assert_same(run, expected)
        assert len(list((tmp_path / "a").glob("batch-*"))) == 6
        assert_same(emulator.run({node: IMAGES}, STEPS, checkpoint=tmp_path / "a"), expected)
        other = IMAGES + 1
        with pytest.raises(DataError, match="holds a run with another input of Node"):
            emulator.run({node: other}, STEPS, checkpoint=tmp_path / "a", client=client)
        # read by workers, it is known by what is in the file
        for _ in range(2):
            run = emulator.run(
                {node: str(tmp_path / "x.npy")}, STEPS, checkpoint=tmp_path / "b", client=client
            )
            assert_same(run, expected)
        np.save(tmp_path / "x.npy", other)
        with pytest.raises(DataError, match="holds a run with another input of Node"):
            emulator.run(
                {node: str(tmp_path / "x.npy")}, STEPS, checkpoint=tmp_path / "b", client=client
            )


def test_what_cannot_be_shared_is_refused(client):
    net, node = layered()
    with Emulator(net) as emulator, pytest.raises(MeasurementError, match=r"client: presentation="):
        emulator.run({node: IMAGES}, STEPS, presentation="continuous", client=client)
    refused = pytest.raises(MeasurementError, match=r"input.* \(shared\) remember something")
    with Emulator(net, shared=[node]) as emulator, refused:
        emulator.run({node: IMAGES}, STEPS, client=client)


@pytest.mark.parametrize(
    "values, words",
    [
        (IMAGES[:, :3], "have shape"),
        (np.full((3, 50), np.nan), "NaN or infinite"),
        (np.zeros((0, 50)), "expected at least one sample"),
        (3.0, r"have shape \(\): expected at least one sample"),
        ("images.npz", r"workers read \.npy files"),
        ("there/is/no.npy", "can't be read on a worker"),
    ],
)
def test_wrong_data_are_refused_as_in_one_process(client, values, words):
    net, node = layered()
    with Emulator(net) as emulator, pytest.raises(DataError, match=words):
        emulator.run({node: values}, STEPS, client=client)


def test_another_chip_is_refused(client, monkeypatch):
    net, node = layered()
    with Emulator(net) as emulator:
        monkeypatch.setattr(emulator, "built_digest", "0" * 64)
        with pytest.raises(ScaleOutError, match=r"built another chip.*OMP_NUM_THREADS=1"):
            emulator.run({node: IMAGES}, STEPS, client=client)


def test_an_error_of_a_node_is_said(client):
    net, node = layered()
    with net:
        broken = nengo.Node(lambda t: 1 / (t < 0.005), label="broken")
        nengo.Probe(broken)
    refused = pytest.raises(ScaleOutError, match="failed with ZeroDivisionError: division by zero")
    with Emulator(net) as emulator, refused:
        emulator.run({node: IMAGES}, STEPS, client=client)
