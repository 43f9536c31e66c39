"""What `Emulator` is given: told apart in a checkpoint, and refused in words if it is wrong."""

from __future__ import annotations

import subprocess
import sys

import nengo
import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.errors import DataError, LoihiError, MeasurementError
from nengo_spikecost.loihi.emulation import Emulator

loihi = stack.nengo_loihi()


class Wave(nengo.Process):
    def __init__(self, height):
        super().__init__(default_size_in=0, default_size_out=1, seed=1)
        self.height = height

    def make_step(self, shape_in, shape_out, dt, rng, state):
        return lambda t: np.array([self.height * np.sin(30 * t)])


def network(output=np.sin, given=0.005, read=0.005, seen=0.01):
    with nengo.Network(seed=1) as net:
        loihi.add_params(net)
        a, host = (nengo.Ensemble(n, 1, label=f"of {n}") for n in (50, 20))
        net.config[host].on_chip = False
        nengo.Connection(nengo.Node(output), a, synapse=given)
        nengo.Connection(a, host, synapse=read)
        nengo.Probe(a, synapse=seen)
    return net


@pytest.mark.parametrize(
    "other",
    [
        {"output": lambda t: 1 - t},
        {"output": Wave(0.5)},
        {"given": 0.1},
        {"read": 0.1},
        {"seen": nengo.Alpha(0.01)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_checkpoint_of_another_network_is_refused(other, tmp_path):
    """Also where only the host differs, and in nothing that is an array."""
    first = {"output": Wave(0.2)} if isinstance(other.get("output"), Wave) else {}
    Emulator(network(**first)).run(None, 20, checkpoint=tmp_path)
    Emulator(network(**first)).run(None, 20, checkpoint=tmp_path)
    with pytest.raises(DataError, match="another network"):
        Emulator(network(**other)).run(None, 20, checkpoint=tmp_path)


RUNS = """
import sys, numpy as np, nengo
from nengo_spikecost.loihi import Emulator
with nengo.Network(seed=1) as net:
    node = nengo.Node([0.0])
    a = nengo.Ensemble(10, 1)
    nengo.Connection(node, a)
Emulator(net, batch_size=2).run({node: np.ones((3, 1))}, 5, checkpoint=sys.argv[1])
"""


@pytest.mark.slow
def test_a_checkpoint_goes_on_in_another_process_without_labels(tmp_path):
    """An unlabeled Node calls itself by its address, which is another in each process."""
    for _ in range(2):
        subprocess.run([sys.executable, "-c", RUNS, str(tmp_path)], check=True, timeout=120)
        (tmp_path / "batch-000001.npz").unlink()


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": "a"},
        {"batch_size": 1.5},
        {"n_threads": "two"},
        {"dt": 0},
        {"dt": "1 ms"},
        {"dt": float("nan")},
        {"seed": -1},
        {"seed": "x"},
        {"seed": 2**32},
        {"shared": [3]},
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_by_name(wrong):
    name, value = next(iter(wrong.items()))
    with pytest.raises(MeasurementError, match=f"{name} must .*{value!r}".replace("[", r"\[")):
        Emulator(network(), **wrong)


@pytest.fixture(scope="module")
def emulator():
    with nengo.Network(seed=1) as net:
        node = nengo.Node([0.0], label="given")
        a = nengo.Ensemble(10, 1)
        nengo.Connection(node, a)
    return Emulator(net)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"n_steps": "x"}, "n_steps must .*'x'"),
        ({"presentation": "x"}, "presentation must .*'x'"),
        ({"readout": "mean"}, "readout must .*'mean'"),
        ({"inputs": np.full((2, 1), np.nan)}, "given.*NaN"),
        ({"inputs": {3: np.ones((2, 1))}}, "3.*not a Node"),
        ({"inputs": "abc"}, "given.*numbers"),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_wrong_arguments_of_run_are_refused_by_name(emulator, arguments, said):
    with pytest.raises((DataError, MeasurementError), match=said):
        emulator.run(**arguments)


def test_what_is_no_state_is_refused(emulator):
    with pytest.raises(LoihiError, match="state"):
        emulator.restore({})


def _pickled(emulator):
    emulator.run(np.ones((2, 1)), 3, presentation="continuous")
    return emulator.state()


WRONG_STATES = {
    "None": lambda state: None,
    "a list": lambda state: list(state),
    "of something else": lambda state: {"voltage": np.zeros(3)},
    "a missing key": lambda state: {k: v for k, v in state.items() if k != "n_steps"},
    "no memory": lambda state: {k: v for k, v in state.items() if k != "memory"},
    "another shape": lambda state: {**state, "chip voltage": state["chip voltage"][:1]},
    "other values": lambda state: {**state, "chip voltage": state["chip voltage"] + 1},
    "other lanes": lambda state: {**state, "lanes": np.array(1.5)},
    "objects": lambda state: {**state, "fed": np.array([None], dtype=object)},
}


@pytest.mark.parametrize("change", WRONG_STATES.values(), ids=list(WRONG_STATES))
def test_a_wrong_state_is_refused_and_does_no_harm(emulator, change):
    state = _pickled(emulator)
    expected = emulator.run(np.ones((2, 1)), 3, presentation="continuous").spikes
    with pytest.raises(LoihiError, match=r"no state of an Emulator|damaged or edited"):
        emulator.restore(change(state))
    emulator.restore(state)
    found = emulator.run(np.ones((2, 1)), 3, presentation="continuous").spikes
    np.testing.assert_array_equal(found, expected)
    emulator.reset()
