"""Simulators of users and of plug-ins can do what the package's own can."""

import sys

import nengo
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nengo_spikecost as nsc
from nengo_spikecost.activity import (
    BACKENDS,
    Backend,
    SimulatorSpec,
    register_backend,
    register_simulator,
    register_simulator_spec,
    simulators,
)
from nengo_spikecost.activity.backend import BatchCounts
from nengo_spikecost.errors import DataError, MeasurementError, OverwriteWarning

X = np.arange(6.0).reshape(6, 1)

#: What `Adder` was built and run with.
runs = []


class Adder(Backend):
    """One neuron that spikes as often as all its inputs so far add up to."""

    def __init__(self, setup):
        self.setup = setup
        self.total = np.zeros(1)

    def run(self, inputs):
        (values,) = inputs.values()
        runs.append((values[:, 0].ravel().tolist(), dict(self.setup.options)))
        counts = self.total + np.cumsum(values[:, 0], axis=0)
        if self.setup.continuous:
            self.total = counts[-1]
        names = [population.name for population in self.setup.populations]
        return BatchCounts(dict.fromkeys(names, counts), {})

    def close(self):
        pass

    def state(self):
        return {"total": self.total}

    def restore(self, state):
        self.total = state["total"]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """The simulators that a test registers are forgotten after it."""
    runs.clear()
    monkeypatch.setattr(simulators, "_specs", dict(simulators._specs))


def network():
    with nengo.Network(seed=0) as net:
        source = nengo.Node([0.0], label="x")
        neuron = nengo.Ensemble(1, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="a")
        nengo.Connection(source, neuron)
    return net


def spikes(x=None, **options):
    x = {"x": X} if x is None else x
    activity = nsc.measure(network(), x, 1, progress=False, **options)
    return activity.populations["a"].counts.ravel().tolist()


def test_a_registered_simulator_takes_up_a_continuous_presentation(tmp_path):
    register_backend("adder", minibatch=False, continuous=True, resumable=True)(Adder)
    folder = tmp_path / "kept"

    def breaking():
        yield from ({"x": X[i : i + 1]} for i in range(3))
        raise RuntimeError("power cut")

    with pytest.raises(MeasurementError, match="stopped after 3 samples"):
        spikes(breaking(), simulator="adder", checkpoint=folder)
    runs.clear()
    assert spikes(simulator="adder", checkpoint=folder) == [0, 1, 3, 6, 10, 15]
    assert [values for values, _ in runs] == [[3.0], [4.0], [5.0]]
    with pytest.raises(DataError, match="dt"):
        spikes(simulator="adder", checkpoint=folder, dt=0.01)


def test_what_a_registered_simulator_can_not_do_is_refused(tmp_path):
    register_simulator_spec(SimulatorSpec("adder", Adder, options=("target",)))
    with pytest.raises(MeasurementError, match=r"adder can't.*='compiled' or 'loihi'"):
        spikes(simulator="adder", presentation="continuous", checkpoint=tmp_path / "kept")
    with pytest.raises(
        MeasurementError, match=r"by_step is for simulator .*'loihi'.*; 'adder' has no"
    ):
        spikes(simulator="adder", by_step=True)
    with pytest.raises(MeasurementError, match="target is for simulator 'nengo_loihi' or 'adder'"):
        spikes(simulator="nengo_dl", target="sim")


def test_abilities_decide_how_samples_are_presented(tmp_path):
    register_backend("side by side", options=["target"])(Adder)
    register_backend("runs on", continuous=True, minibatch=False)(Adder)
    assert spikes(simulator="side by side", target="sim") == [0, 1, 3, 6, 10, 15]
    assert runs == [(X.ravel().tolist(), {"target": "sim"})]
    assert spikes(simulator="runs on") == [0, 1, 3, 6, 10, 15]
    assert spikes(simulator="runs on", presentation="fresh") == X.ravel().tolist()


@pytest.mark.parametrize("starts_anew", [True, False])
def test_random_draws_that_start_anew_can_be_taken_up(tmp_path, starts_anew):
    net = network()
    net.ensembles[0].neuron_type = nengo.PoissonSpiking(nengo.RectifiedLinear())
    options = {"simulator": "board", "checkpoint": tmp_path / "kept", "progress": False}
    register_simulator("board", nengo.Simulator, starts_anew=starts_anew)
    if starts_anew:
        nsc.measure(net, {"x": X}, 3, **options)
    else:
        with pytest.raises(MeasurementError, match="draw random numbers as they run"):
            nsc.measure(net, {"x": X}, 3, **options)


def test_registered_options_reach_a_simulator_with_the_interface_of_nengo():
    seen = []

    def simulator(net, target="none", **arguments):
        seen.append(target)
        return nengo.Simulator(net, **arguments)

    register_simulator("board", simulator, options=["target"], optimize=False)
    nsc.measure(network(), {"x": X}, 2, simulator="board", target="sim", progress=False)
    assert seen == ["sim"]


def test_every_simulator_of_the_package_is_where_its_spec_says():
    for name in ("nengo_dl", "nengo_dl_probes", "nengo", "loihi", "nengo_loihi"):
        spec = simulators.get(name)
        assert spec.name == name and BACKENDS[name] is spec
    assert simulators.those(lambda spec: spec.counts_chip) == ("loihi",)
    with pytest.raises(MeasurementError, match=r"must be one of nengo_dl, .*, not 'abacus'"):
        simulators.get("abacus")
    assert "abacus" not in BACKENDS and BACKENDS.get("abacus") is None


def test_a_function_put_under_a_known_name_keeps_what_the_simulator_can_do(monkeypatch):
    before = BACKENDS["loihi"]
    monkeypatch.setitem(BACKENDS, "loihi", Adder)
    assert simulators.get("loihi").resumable and simulators.get("loihi").backend is Adder
    monkeypatch.undo()
    assert simulators.get("loihi") == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"name": ""}, "needs a name"),
        ({"backend": "no colon"}, "package.module:function"),
        ({"sweep_engine": 3}, "package.module:function"),
        ({"options": ["batch"]}, "options of a simulator must be one of target"),
    ],
)
def test_wrong_specs_are_refused(arguments, message):
    with pytest.raises(MeasurementError, match=message):
        SimulatorSpec(**{"name": "adder", "backend": Adder, **arguments})


PLUG_IN = """
from nengo_spikecost.activity import SimulatorSpec
SPEC = SimulatorSpec("adder", "tests.activity.test_simulator_spec:Adder", continuous=True)
OTHER = 3
"""


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """An installed package that declares simulators."""
    info = tmp_path / "adders-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: adders\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[nengo_spikecost.simulators]\nplugged = adders_of_mine:SPEC\n"
        "wrong = adders_of_mine:OTHER\ngone = adders_of_yours:SPEC\n"
    )
    (tmp_path / "adders_of_mine.py").write_text(PLUG_IN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("adders_of_mine", None)


def test_plug_ins_are_found_by_their_entry_points(plug_in):
    assert simulators.names()[-3:] == ("plugged", "wrong", "gone")
    assert "adders_of_mine" not in sys.modules  # known by name, and imported when it is used
    activity = nsc.measure(network(), {"x": X}, 1, simulator="plugged", progress=False)
    assert activity.protocol.simulator == "plugged"
    assert activity.protocol.presentation == "continuous"
    assert_array_equal(activity.populations["a"].counts.ravel(), [0, 1, 3, 6, 10, 15])


def test_broken_plug_ins_are_named(plug_in):
    with pytest.raises(MeasurementError, match="'gone' is in a plug-in that can't be imported"):
        spikes(simulator="gone")
    with pytest.raises(MeasurementError, match="adders_of_mine:OTHER must be a SimulatorSpec"):
        spikes(simulator="wrong")
    assert simulators.those(lambda spec: spec.continuous)[-1] == "plugged"


def test_a_name_that_is_taken_warns():
    register_backend("adder")(Adder)
    with pytest.warns(OverwriteWarning, match="a simulator 'adder' already"):
        register_backend("adder")(Adder)
