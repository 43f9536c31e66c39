"""NIR graphs on the command line: the same commands, and what is said of flags and files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nengo_spikecost import from_nir, measure

from ..commands import runner_in
from .plain_graphs import graph, lif, node, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A graph that takes spikes, one whose step is not known, and samples with labels."""
    folder = tmp_path_factory.mktemp("graphs")
    rng = np.random.default_rng(0)
    nodes = {
        "input": node("Input", shape=np.array([6])),
        "fc1": node("Affine", weight=rng.normal(0.4, 1, (8, 6)), bias=np.zeros(8)),
        "hidden": lif(8, dt=1e-3), "fc2": node("Linear", weight=rng.normal(0.3, 1, (3, 8))),
        "out": lif(3, dt=1e-3), "output": node("Output", shape=np.array([3])),
    }  # fmt: skip
    write(folder / "net.nir", graph(nodes))
    slow = {
        name: lif(n, tau=np.full(n, 20.0), r=np.ones(n)) for name, n in (("hidden", 8), ("out", 3))
    }
    write(folder / "unknown.nir", graph({**nodes, **slow}))
    odd = {**nodes, "hidden": node("Izhikevich", a=np.ones(8))}
    write(folder / "odd.nir", graph(odd))
    x = rng.integers(0, 2, size=(4, 15, 6))
    np.savez(folder / "spikes.npz", x_test=x, y_test=np.array([0, 1, 2, 0]))
    np.savez(folder / "values.npz", x_test=x + 0.25, y_test=np.array([0, 1, 2, 0]))
    return folder


@pytest.fixture
def run(folder, monkeypatch):
    return runner_in(folder, monkeypatch)


def test_report_counts_what_the_function_counts(run, folder):
    done = run("report", "net.nir", "--data", "spikes.npz", "--json", "net.json", "--no-try", "-q")
    assert done.exit_code == 0, done.stderr
    content = json.loads((folder / "net.json").read_text())
    assert content["nir"]["convention"] == "nir" and content["conversion"] is None
    network = from_nir(folder / "net.nir", spikes=True)  # told by whole numbers at every step
    x = np.load(folder / "spikes.npz")["x_test"]
    activity = measure(network, x, progress=False)
    spikes = {name: own.counts.sum() / 4 for name, own in activity.populations.items()}
    rows = {row["layer"]: row for row in content["layers"]}
    assert rows["hidden"]["spikes"] == pytest.approx(spikes["hidden"])
    assert rows["fc1"]["synops"] == pytest.approx(8 * x.sum() / 4)
    assert content["presentation"]["n_steps"] == 15


def test_values_are_not_taken_for_spikes(run, folder):
    done = run("report", "net.nir", "--data", "values.npz", "--json", "-", "--no-try")
    assert done.exit_code == 0, done.stderr
    rows = {row["layer"]: row for row in json.loads(done.stdout)["layers"]}
    assert not rows["fc1"]["synops"]
    done = run("report", "net.nir", "--data", "values.npz", "--spikes", "yes")
    assert done.exit_code == 2
    assert "were said to be numbers of spikes, and hold" in done.stderr


def test_check_shows_every_node(run):
    done = run("check", "net.nir")
    assert done.exit_code == 0, done.stderr
    assert "fc1 Affine 8 weights of Connections read" in " ".join(done.stdout.split())
    done = run("check", "odd.nir")
    assert done.exit_code == 2
    assert "Node" in done.stdout and "refused" in done.stdout
    assert "'hidden' (Izhikevich) is of a kind that is not known here" in done.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["net.nir", "--neuron", "LIF"], "--neuron: for Keras models only"),
        (["net.nir", "--scale", "100"], "--scale: for Keras models only"),
        (["net.nir", "--max-pooling", "average"], "--max-pooling: for Keras models only"),
        (["unknown.nir"], "time constants are 20: give dt= (--graph-dt)"),
        (["net.nir", "--graph-dt", "-1"], "dt must be"),
        (["net.nir", "--spikes", "perhaps"], "expected yes or no, not 'perhaps'"),
        (["net.nir", "--input-shape", "a,b"], "expected numbers with commas"),
        (["odd.nir"], "'hidden' (Izhikevich)"),
    ],
)
def test_what_is_wrong_is_a_sentence(run, arguments, words):
    done = run("report", *arguments, "--data", "spikes.npz")
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr


def test_a_convention_is_no_option_of_a_keras_model(run, folder):
    import h5py

    with h5py.File(folder / "model.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {}})
        file.attrs["keras_version"] = "2.15.0"
    done = run("report", "model.h5", "--data", "spikes.npz", "--convention", "norse")
    assert done.exit_code == 2 and "--convention: for NIR graphs only" in done.stderr
