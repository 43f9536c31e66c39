"""Counts with a graphics card, where there is one; and what is said where there is none."""

from __future__ import annotations

import subprocess
import sys

import nengo
import pytest
import tensorflow as tf

import nengo_spikecost as nsc
from tests.tools import ROOT, tool

BENCHMARK = ROOT / "benchmarks" / "graphics_card.py"
CARDS = tf.config.list_physical_devices("GPU")
with_card = pytest.mark.skipif(not CARDS, reason="TensorFlow finds no graphics card here")


@with_card
@pytest.mark.parametrize("case", ["digits", "keras_on_chip", "learning"])
def test_counts_are_those_of_a_processor(case):
    """Those that were recorded without a card."""
    recorded_counts = tool("recorded_counts")
    assert recorded_counts.differences(recorded_counts.counted([case])) == []


@pytest.mark.parametrize("simulator", ["nengo_dl", "nengo_dl_probes"])
def test_products_are_not_rounded_to_ten_bits(simulator):
    """As cards of late do by default (TensorFloat-32): the setting is put back afterwards."""
    setting = tf.config.experimental

    def seen(t, x):
        return float(setting.tensor_float_32_execution_enabled())

    with nengo.Network(seed=0) as net:
        given = nengo.Node([0.0], label="given")
        node = nengo.Node(seen, size_in=1)
        ensemble = nengo.Ensemble(5, 1)
        nengo.Connection(given, node)
        nengo.Connection(node, ensemble)
        nengo.Probe(node, synapse=None, label="seen")
    for enabled in (True, False):
        setting.enable_tensor_float_32_execution(enabled)
        try:
            found = nsc.measure(net, [[1.0]], 3, simulator=simulator, progress=False)
            assert found.outputs["seen"].mean == 0
            assert setting.tensor_float_32_execution_enabled() == enabled
        finally:
            setting.enable_tensor_float_32_execution(True)


@with_card
@pytest.mark.slow
def test_the_benchmark_prints_its_gain():
    said = benchmark("--images=100", "--steps=10", "--repeats=1")
    assert said.returncode == 0
    assert "times faster" in said.stdout and "counts differ" in said.stdout


def benchmark(*arguments):
    return subprocess.run(
        [sys.executable, str(BENCHMARK), *arguments], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "" if not CARDS else "0"},
    )  # fmt: skip


@pytest.mark.skipif(bool(CARDS), reason="there is a graphics card")
def test_without_a_card_the_benchmark_says_so():
    said = benchmark()
    assert said.returncode == 1
    assert said.stdout == ""
    assert said.stderr.splitlines()[-1] == (
        "There is no graphics card here that TensorFlow can use: nothing was measured."
    )
