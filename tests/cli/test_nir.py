"""``nengo-spikecost nir``: models as NIR graphs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nengo_spikecost import stack
from nengo_spikecost.cli import nir_command
from nengo_spikecost.nir import READERS
from tests.commands import runner_in

nir = pytest.importorskip("nir", reason="nir needs Python 3.10")

RECORDINGS = Path(__file__).resolve().parents[1] / "nir" / "recordings"


@pytest.fixture()
def run(tmp_path, monkeypatch):
    return runner_in(tmp_path, monkeypatch)


def test_choices_are_the_readers():
    (option,) = [p for p in nir_command.nir.params if p.name == "reader"]
    shown = option.type.get_metavar(option)
    assert shown == f"[{'|'.join(READERS)}]"
    assert [option.type.convert(name, option, None) for name in READERS] == list(READERS)


def test_model_as_a_graph(run, tmp_path):
    keras = stack.keras()
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu", name="conv"),
        layers.Flatten(), layers.Dense(3, bias_initializer="ones", name="out"),
    ])  # fmt: skip
    model.save(tmp_path / "model.keras")
    done = run("nir", "model.keras", "--out", "model.nir", "--for", "norse")
    assert done.exit_code == 0, done.output
    assert "NIR graph for norse: 1 Input, 1 IF, 1 Conv2d, 1 Flatten, 1 Affine" in done.output
    assert "Written: model.nir" in done.output
    graph = nir.read(tmp_path / "model.nir")
    assert graph.nodes["conv"].v_threshold.shape == (2, 4, 4)


def test_graph_for_another_tool(run):
    graph = RECORDINGS / "snntorch_conv.nir"
    done = run("nir", graph, "--convention", "snntorch", "--out", "b.nir", "--for", "norse")
    assert done.exit_code == 2
    assert "only nearly" in done.stderr and "--approximate" in done.stderr
    flags = ("--out", "b.nir", "--for", "norse", "--approximate")
    done = run("nir", graph, "--convention", "snntorch", *flags)
    assert done.exit_code == 0, done.stderr
    assert "subtracting the threshold" in done.stderr


def test_said_before_anything_slow(run):
    assert "has to end in .nir" in run("nir", "model.h5", "--out", "model.onnx").stderr
    assert "There is no model" in run("nir", "model.h5", "--out", "model.nir").stderr
