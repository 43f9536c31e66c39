"""The stack layer: what is refused and how, the import hook, and each patch by itself."""

from __future__ import annotations

import configparser
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import types
from contextlib import contextmanager
from pathlib import Path

import nengo
import numpy as np
import pytest
from packaging.requirements import Requirement

import nengo_spikecost
from nengo_spikecost import stack
from nengo_spikecost.errors import SpikeCostError, StackError
from nengo_spikecost.stack import nengo_dl_patches, patches, quick_imports, versions
from nengo_spikecost.stack.import_hook import HookedFinder

ROOT = Path(__file__).resolve().parent.parent
on_tf_keras = pytest.mark.skipif(
    not versions.tf_keras_is_separate(), reason="this TensorFlow's tf.keras is Keras 2 anyway"
)


def run_script(script: str, **environment: str) -> str:
    """Run Python code in a process of its own; its standard output."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **environment}
    if "TF_USE_LEGACY_KERAS" not in environment:
        env.pop("TF_USE_LEGACY_KERAS", None)  # set by our own import in this process
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow  # test_import.py has the same order, and one that converts
def test_nengo_loihi_may_come_first():
    """It imports NengoDL, which fails halfway without the patches, and says nothing."""
    said = run_script(
        "import nengo_loihi, tensorflow as tf, nengo_spikecost as nsc\n"
        "layer = tf.keras.layers.Dense(3, activation='relu', input_shape=(4,))\n"
        "model = tf.keras.Sequential([layer])\n"
        "print(nsc.convert(model, neuron_type='LoihiLIF').net.n_neurons)"
    )
    assert said.split()[-1] == "3"


# ---------------------------------------------------------------- the packages


def test_accessors_give_the_patched_packages():
    stack.install()
    assert sum(isinstance(f, HookedFinder) for f in sys.meta_path) == 1
    assert stack.keras().Model is stack.tensorflow().keras.Model
    assert "engine" in stack.keras().Model.__module__  # Keras 3 has no such package
    assert stack.nengo_dl().Converter is not None
    loihi = stack.nengo_loihi()
    stack.nengo_dl()
    loihi.neurons.install_dl_builders()
    builders = stack.nengo_dl().neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL
    assert loihi.LoihiLIF in builders
    assert stack.keras_spiking().SpikingActivation is not None
    assert stack.tensorflow() is sys.modules["tensorflow"]


def test_report_names_versions_and_patches():
    stack.nengo_dl()
    report = stack.report()
    assert report.problem is None
    assert report.versions["nengo-dl"].startswith("3.6")
    assert report.versions["numpy"] == np.__version__
    assert any(patch.startswith("P6") for patch in report.patches)
    assert report.as_dict()["patches"] == list(report.patches)
    assert "nengo-dl 3.6" in str(report)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("python", [(3, 11), (3, 12), (3, 13)])
def test_main_stack_is_accepted(python):
    assert versions._matrix_problem(python, (2, 21), (2, 3)) is None


@pytest.mark.parametrize("python", [(3, 9), (3, 10), (3, 11)])
def test_second_stack_is_accepted(python):
    assert versions._matrix_problem(python, (2, 12), (1, 24)) is None


@pytest.mark.parametrize(
    "python, tf_version, numpy, expected",
    [
        ((3, 8), (2, 12), (1, 24), "Python 3.8 is not supported: use Python 3.11"),
        ((3, 14), (2, 21), (2, 3), "Python 3.14 is not supported"),
        ((3, 12), (2, 12), (1, 24), 'install "tensorflow==2.21.*"'),
        ((3, 9), (2, 21), (1, 24), 'install "tensorflow==2.12.*"'),
        ((3, 11), (2, 15), (1, 24), '"tensorflow==2.21.*" or "tensorflow==2.12.*"'),
        ((3, 12), (2, 21), (2, 4), 'install "numpy>=2.0,<2.4"'),
        ((3, 11), (2, 12), (2, 0), 'install "numpy>=1.22,<1.25"'),
    ],
)
def test_stack_outside_the_matrix_is_one_sentence(monkeypatch, python, tf_version, numpy, expected):
    sentence = versions._matrix_problem(python, tf_version, numpy)
    assert expected in sentence
    assert "\n" not in sentence and sentence.endswith(".")
    monkeypatch.setenv(versions.UNTESTED_VARIABLE, "1")
    assert versions._matrix_problem(python, tf_version, numpy) is None


@pytest.mark.parametrize(
    "absent, expected",
    [("nengo_dl", "nengo-dl is missing"), ("tensorflow", "TensorFlow is missing")],
)
def test_missing_package_is_a_stack_error(monkeypatch, absent, expected):
    find_spec = importlib.util.find_spec
    installed = versions.installed
    gone = {"nengo_dl": ("nengo-dl",), "tensorflow": versions.TENSORFLOW_NAMES}[absent]
    monkeypatch.delitem(sys.modules, absent, raising=False)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == absent else find_spec(n, *a)
    )
    monkeypatch.setattr(versions, "installed", lambda d: None if d in gone else installed(d))
    with pytest.raises(StackError, match=f"^{expected}: install it with pip install"):
        stack.nengo_dl()
    assert stack.report().problem.startswith(expected)


def test_missing_tf_keras_is_a_stack_error(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == "tf_keras" else find_spec(n, *a)
    )
    monkeypatch.setattr(versions, "tensorflow_version", lambda: (2, 21))
    assert versions.keras_problem() == (
        'NengoDL needs Keras 2: install it with pip install "tf_keras==2.21.*".'
    )


def test_missing_optional_package_is_a_stack_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_spiking", None)
    with pytest.raises(StackError, match="keras-spiking is missing"):
        stack.keras_spiking()


def test_stack_error_is_ours_and_an_import_error():
    assert issubclass(StackError, SpikeCostError) and issubclass(StackError, ImportError)


@on_tf_keras
def test_keras_3_chosen_in_the_environment_is_respected_and_named():
    script = "from nengo_spikecost import stack; print(stack.report().problem)"
    problem = run_script(script, TF_USE_LEGACY_KERAS="0")
    assert "TF_USE_LEGACY_KERAS is '0': unset it or set it to 1." in problem


@on_tf_keras
def test_tf_keras_already_bound_to_keras_3():
    script = """
import tensorflow as tf
assert tf.keras.Model.__module__.startswith("keras.")
import nengo_spikecost  # must not raise: counting a finished Activity needs no Keras
try:
    import nengo_dl
except nengo_spikecost.errors.StackError as err:
    print(err)
"""
    assert "import nengo_spikecost before tf.keras is used" in run_script(script)


# ---------------------------------------------------------------- the import hook


@pytest.fixture
def hooked(tmp_path, monkeypatch):
    """A module file ``hooked_module.py``, a finder that hooks it, and what was called."""
    (tmp_path / "hooked_module.py").write_text("import sys\nevents = ['run']\n")
    calls = []

    @contextmanager
    def around():
        calls.append("enter")
        yield
        calls.append("leave")

    finder = HookedFinder(
        around={"hooked_module": around},
        after={"hooked_module": lambda module: calls.append(("after", module.events))},
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    yield finder, calls
    sys.modules.pop("hooked_module", None)


def test_hook_runs_around_and_after_the_import(hooked):
    finder, calls = hooked
    module = importlib.import_module("hooked_module")
    assert calls == ["enter", "leave", ("after", ["run"])]
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert module.__spec__.loader is module.__loader__
    finder.patch_loaded()
    assert calls[3:] == [("after", ["run"])]


def test_hook_runs_again_on_reload_and_not_on_find(hooked):
    _, calls = hooked
    spec = importlib.util.find_spec("hooked_module")
    assert spec.loader.get_source("hooked_module").startswith("import sys")
    assert calls == []
    importlib.reload(importlib.import_module("hooked_module"))
    assert len(calls) == 6


def test_hook_leaves_other_and_absent_modules_alone(hooked):
    finder, _ = hooked
    assert finder.find_spec("json", None) is None
    absent = HookedFinder(around={}, after={"no_such_module_anywhere": print})
    assert absent.find_spec("no_such_module_anywhere", None) is None


# ---------------------------------------------------------------- the patches


def test_numpy_view_copies_only_if_needed():
    """P4, P5: NumPy 1's meaning of ``copy=False``, and every other name unchanged."""
    module = types.ModuleType("nengo_loihi.some_module")
    module.np = np
    patches.numpy_1_view(module)
    if not versions.at_least("numpy", (2, 0)):
        assert module.np is np
        return
    x = np.arange(3.0)
    assert module.np.array(x, copy=False) is x
    assert module.np.array([1, 2], copy=False, dtype=float, ndmin=2).shape == (1, 2)
    assert module.np.array(x) is not x
    assert module.np.asfarray([1, 2]).dtype == np.float64
    assert module.np.linalg is np.linalg
    view = module.np
    patches.numpy_1_view(module)
    assert module.np is view
    assert not hasattr(np, "asfarray")


@pytest.mark.parametrize(
    "synapse",
    [
        nengo.LinearFilter([0.5], [1.0]),  # a gain: feedthrough and no state
        nengo.LinearFilter([0.002, 1.0], [0.005, 1.0]),  # feedthrough and one state
        nengo.LinearFilter([1e-5, 0.002, 1.0], [2e-5, 0.005, 1.0]),  # and two states
    ],
    ids=["gain", "first order", "second order"],
)
def test_linear_filter_with_passthrough_agrees_with_nengo(synapse):
    """P6: without it nengo-dl cannot even build these."""
    analog = nengo.LinearFilter(synapse.num, synapse.den, analog=True)
    with nengo.Network(seed=0) as net:
        source = nengo.Node(lambda t: [np.sin(20 * t), np.cos(30 * t)])
        target = nengo.Node(size_in=2)
        nengo.Connection(source, target, synapse=analog)
        probe = nengo.Probe(target)
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(50)
    with stack.nengo_dl().Simulator(net, progress_bar=False) as sim:
        sim.run_steps(50, progress_bar=False)
        found = np.array(sim.data[probe]).reshape(50, 2)
    # nengo-dl computes in float32, 50 recursive steps of values near 1
    np.testing.assert_allclose(found, reference.data[probe], atol=1e-5)


def test_patch_p6_is_applied_once():
    stack.nengo_dl()
    module = sys.modules["nengo_dl.process_builders"]
    builder = module.LinearFilterBuilder
    nengo_dl_patches.flat_feedthrough(module)
    assert module.LinearFilterBuilder is builder
    assert builder in module.SimProcessBuilder.TF_PROCESS_IMPL.values()


def test_patch_p9_is_applied_once_wherever_the_function_is_used():
    stack.nengo_loihi()
    conv = sys.modules["nengo_loihi.conv"]
    connection = sys.modules["nengo_loihi.builder.connection"]
    blocks = sys.modules["nengo_loihi.builder.split_blocks"]
    for module in (conv, connection):
        patched = module.conv2d_loihi_weights
        assert patches.is_patched(patched, "P9")
        patches.convolution_synapses(module)
        assert module.conv2d_loihi_weights is patched
    split = blocks.split_synapse, blocks.split_axon
    patches.convolution_blocks(blocks)
    assert (blocks.split_synapse, blocks.split_axon) == split
    assert {"P9 " + conv.__name__, "P9 " + blocks.__name__} <= set(stack.report().patches)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolutions_of_one_input_agree_with_nengo(groups):
    """P10: without it nengo-dl merges those with groups, and fails at the first step."""
    rng = np.random.RandomState(0)
    with nengo.Network(seed=0) as net:  # the planner is NengoDL's default
        image = nengo.Node(rng.uniform(size=64))
        probes = []
        for _ in range(2):
            kernel = rng.uniform(size=(3, 3, 4 // groups, 8))
            conv = nengo.Convolution(8, (4, 4, 4), groups=groups, init=kernel)
            target = nengo.Node(size_in=conv.size_out)
            nengo.Connection(image, target, transform=conv, synapse=None)
            probes.append(nengo.Probe(target))
    with nengo.Simulator(net, progress_bar=False) as reference:
        reference.run_steps(1)
    with stack.nengo_dl().Simulator(net, progress_bar=False) as sim:
        sim.run_steps(1, progress_bar=False)
        plan = sim.tensor_graph.plan
    n_planned = [len(ops) for ops in plan if type(ops[0]).__name__.startswith("Conv")]
    assert n_planned == ([2] if groups == 1 else [1, 1])
    for probe in probes:
        # sums of 36 products below 1, in float32
        found = np.ravel(sim.data[probe])
        np.testing.assert_allclose(found, np.ravel(reference.data[probe]), rtol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("shape", [(2, 3, 2, 4), (3, 4, 4), (4, 4)])
def test_grouped_convolutions_of_any_number_of_axes(shape, groups, padding):
    """P20, of three axes: TensorFlow has no such operation on a CPU; Keras compiles its own."""
    rng = np.random.RandomState(groups)
    axes = len(shape) - 1
    sizes, strides = (2, 1, 2)[:axes], (1, 2, 1)[:axes]
    kernel = rng.uniform(-1, 1, size=(*sizes, 4 // groups, 8))
    conv = nengo.Convolution(8, shape, sizes, strides, padding, groups=groups, init=kernel)
    given = rng.uniform(size=conv.size_in)
    with nengo.Network(seed=0) as net:
        image, target = nengo.Node(given), nengo.Node(size_in=conv.size_out)
        nengo.Connection(image, target, transform=conv, synapse=None)
        probe = nengo.Probe(target)
    with stack.nengo_dl().Simulator(net, progress_bar=False) as sim:
        sim.run_steps(2, progress_bar=False)
    keras = stack.keras()
    layer = getattr(keras.layers, f"Conv{axes}D")(
        8, sizes, strides, padding, groups=groups, use_bias=False, input_shape=shape
    )
    model = keras.Sequential([layer])
    model.set_weights([kernel])
    expected = model.predict_on_batch(given.reshape(1, *shape))
    # sums of at most 16 products below 1, in float32
    found = sim.data[probe].reshape(2, *expected.shape[1:])
    np.testing.assert_allclose(found, np.repeat(expected, 2, axis=0), rtol=1e-5, atol=1e-6)


def test_patches_of_convolutions_are_applied_once():
    stack.nengo_dl()
    module = sys.modules["nengo_dl.transform_builders"]
    patched = module.ConvIncBuilder.mergeable, module.ConvIncBuilder.build_step
    nengo_dl_patches.grouped_convolutions(module)
    assert (module.ConvIncBuilder.mergeable, module.ConvIncBuilder.build_step) == patched
    assert {f"{key} {module.__name__}" for key in ("P10", "P20")} <= set(stack.report().patches)


def test_a_network_that_cant_be_built_leaves_nengo_precise():
    """P11: without it nengo-dl leaves ``nengo.rc`` at 32 bits, and Nengo in float32."""
    import nengo
    import nengo_dl

    class Unknown(nengo.neurons.RectifiedLinear):
        """Neurons for which NengoDL has no builder, nor Nengo a step."""

        def step(self, dt, J, output):
            output[...] = J

        def make_state(self, n_neurons, rng, dtype=None):
            raise ArithmeticError("not today")

    with nengo.Network() as net:
        nengo.Ensemble(2, 1, neuron_type=Unknown())
    before = nengo.rc.get("precision", "bits")
    with pytest.raises(ArithmeticError):
        nengo_dl.Simulator(net, progress_bar=False)
    assert nengo.rc.get("precision", "bits") == before == "64"


def test_events_of_a_dvs_camera_reach_the_chip(tmp_path):
    """P14: without it NengoLoihi dies of ``np.fromstring`` with NumPy 2.3.

    The file is written here, in the format that ``EventsFileIO`` of NengoLoihi 1.1.0 reads: 8
    bytes an event, little-endian: y << 2 | polarity << 1 | trigger, x << 1, and the time in us.
    """
    loihi = stack.nengo_loihi()
    events = [(1, 2, 0, 500), (0, 3, 1, 1_500), (1, 2, 1, 1_900), (1, 2, 1, 4_200)]
    raw = np.array([(y << 2 | p << 1, x << 1, t) for y, x, p, t in events], dtype="<u2, <u2, <u4")
    path = tmp_path / "seen.events"
    path.write_bytes(raw.tobytes())
    read = loihi.dvs.DVSEvents.from_file(str(path)).events
    assert [(int(e["y"]), int(e["x"]), int(e["p"]), int(e["t"])) for e in read] == events

    with nengo.Network(seed=0) as net:
        camera = nengo.Node(loihi.dvs.DVSFileChipProcess(str(path), dvs_height=2, dvs_width=4))
        seen = nengo.Probe(camera)
        relu = loihi.neurons.LoihiSpikingRectifiedLinear()
        cells = nengo.Ensemble(16, 1, neuron_type=relu, gain=np.ones(16), bias=np.zeros(16))
        nengo.Connection(camera, cells.neurons, transform=2, synapse=None)
        fired = nengo.Probe(cells.neurons)
    pixels = [(y * 4 + x) * 2 + p for y, x, p, _ in events]  # channels last
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(8)
    steps, places = np.nonzero(sim.data[seen])
    # an event at t us is in the frame of step floor(t / 1000) + 1
    assert (steps.tolist(), places.tolist()) == ([t // 1000 for *_, t in events], pixels)
    net.probes.remove(seen)  # NengoLoihi can't record a Node on the chip
    with loihi.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(8)
    # each event, with a weight of 2, makes one spike
    assert np.nonzero(sim.data[fired])[1].tolist() == pixels


@pytest.mark.parametrize("name", ["dvs", "passthrough"])
def test_patches_p13_and_p14_are_applied_once(name):
    module = importlib.import_module(f"nengo_loihi.{name}")
    patch = {"dvs": patches.events_read_as_bytes, "passthrough": patches.relays_merged_whole}[name]
    before = dict(vars(module)), dict(vars(getattr(module, "Cluster", object)))
    patch(module)
    assert before == (dict(vars(module)), dict(vars(getattr(module, "Cluster", object))))
    if name == "passthrough" or versions.at_least("numpy", (2, 3)):
        number = {"dvs": "P14", "passthrough": "P13"}[name]
        assert f"{number} {module.__name__}" in stack.report().patches


def test_patch_p21_is_applied_once():
    module = importlib.import_module("nengo_loihi.hardware.nxsdk_objects")
    patched = module.Core.add_synapse
    patches.axons_without_weights_last(module)
    assert module.Core.add_synapse is patched
    assert f"P21 {module.__name__}" in stack.report().patches


def test_numbers_as_text_are_read_as_numpy_reads_them():
    """P14 replaces what NumPy 2.3 refuses only."""
    module = importlib.import_module("nengo_loihi.dvs")
    assert module.np.fromstring("1 2", sep=" ").tolist() == [1.0, 2.0]
    assert module.np.fromstring(b"\x01\x02", np.uint8).tolist() == [1, 2]


@pytest.fixture
def without_cards(monkeypatch):
    """A machine that can have no graphics card, by a build of TensorFlow for none."""
    import tensorflow as tf

    build = {"is_cuda_build": False, "is_rocm_build": False}
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: build)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(quick_imports, "_has_plugins", lambda: False)
    monkeypatch.setattr(patches, "applied", [])
    return build


ASKS_FOR_CARDS = [sys.executable, "-c", "tf.config.list_physical_devices('GPU')"]


def test_no_process_looks_for_a_card_that_cant_be_there(without_cards, monkeypatch):
    """P16: NengoDL learns that there is none, and every other process starts as before."""
    started = []
    monkeypatch.setattr(subprocess, "call", lambda command, **options: started.append(command) or 7)
    with quick_imports.no_search_for_cards():
        assert subprocess.call(ASKS_FOR_CARDS) == 1
        assert subprocess.call(["ls"], shell=False) == 7
        assert subprocess.call("list_physical_devices('GPU')") == 7
    assert started == [["ls"], "list_physical_devices('GPU')"]
    assert patches.applied == ["P16 nengo_dl.utils"]
    assert subprocess.call(ASKS_FOR_CARDS) == 7


@pytest.mark.parametrize(
    "build, variable, driver, platform, plugins, expected",
    [
        ("cuda", None, True, "linux", False, True),
        ("cuda", "0", True, "linux", False, True),
        ("cuda", "", True, "linux", False, False),
        ("cuda", "-1", True, "linux", False, False),
        ("cuda", None, False, "linux", False, False),
        ("cuda", None, False, "linux", True, True),
        ("cuda", None, False, "darwin", False, True),
        ("rocm", None, False, "linux", False, True),
        ("neither", None, True, "linux", False, False),
        ("neither", None, True, "linux", True, True),
        ("unknown", None, False, "linux", False, True),
    ],
)
def test_cards_are_ruled_out_only_where_there_can_be_none(
    without_cards, monkeypatch, build, variable, driver, platform, plugins, expected
):
    def load(name):
        assert name == "libcuda.so.1"
        if not driver:
            raise OSError("no such file")

    without_cards.update(is_cuda_build=build == "cuda", is_rocm_build=build == "rocm")
    if build == "unknown":
        without_cards.clear()
    if variable is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    monkeypatch.setattr(quick_imports.ctypes, "CDLL", load)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(quick_imports, "_has_plugins", lambda: plugins)
    assert quick_imports.graphics_card_possible() is expected


def test_what_tensorflow_says_of_its_cards_is_what_nengo_dl_learns():
    said = run_script(
        "import nengo_spikecost, nengo_dl.utils, tensorflow as tf\n"
        "print(nengo_dl.utils.tf_gpu_installed, bool(tf.config.list_physical_devices('GPU')))"
    )
    learnt, seen = said.split()[-2:]
    assert learnt == seen


LOOKS = (
    "import sys, nengo_extras.reqs as reqs\n"
    "print(*(n for n in sorted(vars(reqs)) if n.startswith('HAS_') and vars(reqs)[n]))\n"
)


def test_packages_are_looked_up_and_work_afterwards():
    """P17: nengo_extras says the same of what is there; nothing of what it looked at stays."""
    imported = run_script("import nengo_spikecost, nengo_loihi\n" + LOOKS)
    said = run_script(
        "from nengo_spikecost import stack\n"
        "stack.nengo_dl(), stack.nengo_loihi()\n" + LOOKS + "print('scipy.stats' in sys.modules)\n"
        "import numba.extending, scipy.stats, scipy.cluster.hierarchy\n"
        "print(scipy.stats.binomtest(3, 5).k, numba.njit(lambda: 7)())\n"
        "from nengo_spikecost.stack import patches\n"
        "print('P17 nengo_extras.reqs' in patches.applied)\n"
    ).splitlines()
    assert said[-4:] == [imported.splitlines()[-1], "False", "3 7", "True"]
    assert "HAS_NUMBA" in said[-4]


def test_what_is_to_be_done_when_a_module_is_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(stack._FINDER, "after", dict(stack._FINDER.after))
    (tmp_path / "made_for_this_test.py").write_text("answer = 42\n")
    seen = []
    stack.when_imported("made_for_this_test", lambda module: seen.append(module.answer))
    assert seen == []
    import made_for_this_test

    assert seen == [42]
    stack.when_imported("made_for_this_test", lambda module: seen.append(module))
    assert seen == [42, made_for_this_test]
    monkeypatch.delitem(sys.modules, "made_for_this_test")


# ---------------------------------------------------------------- pins and set-up


@pytest.fixture
def setup_venv():
    path = ROOT / "tools" / "setup_venv.py"
    if not path.exists():
        pytest.skip("tools/ is not part of an installed package")
    spec = importlib.util.spec_from_file_location("setup_venv", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_set_up_and_package_support_the_same_stacks(setup_venv):
    for row in versions.SUPPORTED:
        name = "tf" + ".".join(map(str, row.tensorflow))
        first, last = row.first_python[1], row.last_python[1]
        assert setup_venv.STACKS[name] == tuple((3, minor) for minor in range(first, last + 1))
    assert len(setup_venv.STACKS) == len(versions.SUPPORTED)


@pytest.mark.parametrize(
    "python, wanted, expected",
    [
        ((3, 9), None, "tf2.12"),
        ((3, 11), None, "tf2.21"),
        ((3, 11), "tf2.12", "tf2.12"),
        ((3, 13), None, "tf2.21"),
    ],
)
def test_stack_is_chosen_by_python(setup_venv, python, wanted, expected):
    assert setup_venv.choose_stack(python, wanted) == expected


@pytest.mark.parametrize(
    "python, wanted, expected",
    [
        ((3, 8), None, "Python 3.8 is not supported: use Python 3.11"),
        ((3, 14), None, "Python 3.14 is not supported"),
        ((3, 12), "tf2.12", "STACK=tf2.12 needs Python 3.9, 3.10, 3.11, this is 3.12."),
        ((3, 12), "tf1", "There is no stack 'tf1'"),
    ],
)
def test_wrong_python_gets_one_line(setup_venv, python, wanted, expected):
    with pytest.raises(SystemExit) as stop:
        setup_venv.choose_stack(python, wanted)
    assert str(stop.value).startswith(expected)
    assert "\n" not in str(stop.value)


def pins_for(stack_name: str, python: str) -> dict[str, str]:
    pins = {}
    for line in (ROOT / "constraints" / f"{stack_name}.txt").read_text().splitlines():
        if not line.startswith("#"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(
                {"python_version": python}
            ):
                name = re.sub("[-_.]+", "-", requirement.name).lower()
                assert name not in pins, f"{name} is pinned twice on Python {python}"
                pins[name] = str(requirement.specifier).lstrip("=")
    return pins


def test_pins_satisfy_setup_cfg(setup_venv):
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    text = config["options"]["install_requires"] + config["options.extras_require"]["dev"]
    wanted = [Requirement(x) for x in text.splitlines() if x.strip() and not x.startswith("#")]
    # On 3.11 setup.cfg can only name the first stack; the second is installed from its pins
    chosen = {"tensorflow", "tf-keras", "numpy"}
    for name, pythons in setup_venv.STACKS.items():
        for python in (".".join(map(str, version)) for version in pythons):
            pins = pins_for(name, python)
            for requirement in wanted:
                key = re.sub("[-_.]+", "-", requirement.name).lower()
                applies = requirement.marker is None or requirement.marker.evaluate(
                    {"python_version": python}
                )
                if not applies or (key in chosen and (name, python) == ("tf2.12", "3.11")):
                    continue
                assert requirement.specifier.contains(pins[key]), (name, python, requirement)


# ---------------------------------------------------------------- the public names


def test_public_names_are_lazy_and_listed():
    assert set(nengo_spikecost.__all__) <= set(dir(nengo_spikecost))
    assert nengo_spikecost.errors.StackError is StackError
    with pytest.raises(AttributeError, match="no_such_name"):
        nengo_spikecost.no_such_name  # noqa: B018
