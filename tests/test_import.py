"""Importing the package is light, and afterwards nengo_dl imports in any order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nengo_spikecost.stack import versions

ROOT = Path(__file__).resolve().parent.parent
LIMIT_s = 0.5
HEAVY = ("tensorflow", "keras", "tf_keras", "nengo", "nengo_dl", "nengo_loihi", "matplotlib")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a user would: without what our own import has put into os.environ."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    env.pop("TF_USE_LEGACY_KERAS", None)
    done = subprocess.run(
        [sys.executable, *arguments], env=env, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def best_time_s(*arguments: str) -> float:
    """Shortest processor time of three runs; others on the machine can't make that long.

    A clock shows little more where nothing else runs.
    """
    times = []
    for _ in range(3):
        before = os.times()
        python(*arguments)
        after = os.times()
        user = after.children_user - before.children_user
        times.append(user + after.children_system - before.children_system)
    return min(times)


def loaded_after(statement: str) -> list[str]:
    script = f"import sys\n{statement}\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    return python("-c", script).stdout.strip().splitlines()[-1:]


def test_import_loads_nothing_heavy():
    assert loaded_after("import nengo_spikecost") == ["[]"]


def test_import_is_fast():
    # the time of a bare interpreter is included, about 0.02 s
    assert best_time_s("-c", "import nengo_spikecost") < LIMIT_s


def test_help_is_light_and_fast():
    script = (
        "import sys; sys.argv = ['nengo-spikecost', '--help']\n"
        "from nengo_spikecost.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
    )
    assert loaded_after(script) == ["[]"]
    assert best_time_s("-c", script) < LIMIT_s


CHECK = """
import importlib, json, sys, warnings
{imports}
warnings.simplefilter("ignore")
import nengo, nengo_dl, nengo_loihi, numpy as np, tensorflow as tf
from nengo_extras.neurons import rates_isi
from nengo_extras.plot_spikes import cluster
import nengo_spikecost

aliases = [m for m in ("keras.engine", "keras.engine.functional") if m in sys.modules]
t = np.arange(100) * 1e-3
spikes = (np.random.RandomState(0).rand(100, 8) < 0.1) / 1e-3
rates_isi(t, spikes)
cluster(t, spikes, 0.005)

nengo_loihi.neurons.install_dl_builders()
with nengo.Network(seed=0) as net:
    source = nengo.Node([1.0])
    ens = nengo.Ensemble(20, 1, neuron_type=nengo_loihi.neurons.LoihiLIF(), seed=1)
    nengo.Connection(source, ens)
    probe = nengo.Probe(ens.neurons)
with nengo_dl.Simulator(net, progress_bar=False) as sim:
    sim.run_steps(20, progress_bar=False)
    spiked = int((np.asarray(sim.data[probe]) > 0).sum())
with nengo_loihi.Simulator(net, target="sim", progress_bar=False) as sim:
    sim.run_steps(20)

import keras
import keras.layers
print(json.dumps(dict(
    aliases=aliases,
    attribute=tf.keras.Model.__module__,
    imported=importlib.import_module("tensorflow.keras.layers").Dense.__module__,
    spiked=spiked,
    keras=keras.__version__,
    keras_layer=keras.layers.Dense.__module__,
    patches=nengo_spikecost.stack.report().patches,
)))
"""

ORDERS = {
    "ours first": "import nengo_spikecost, nengo_dl, nengo_loihi, keras_spiking",
    "tensorflow first": "import tensorflow, nengo_spikecost, keras_spiking, nengo_dl",
    "nengo_loihi first": "import nengo_loihi, nengo_spikecost",
    "keras first": "import keras, nengo, nengo_spikecost, nengo_loihi, keras_spiking",
}


@pytest.mark.parametrize(
    "order", [*list(ORDERS)[:3], pytest.param("keras first", marks=pytest.mark.slow)]
)
def test_packages_work_in_any_order_of_imports(order):
    done = python("-W", "always", "-c", CHECK.format(imports=ORDERS[order]))
    found = json.loads(done.stdout.splitlines()[-1])
    if order == "ours first":
        # nengo-dl and nengo-loihi warn of every Nengo above 3.2; these are what we test with
        assert "has not been tested" not in done.stderr
    assert found["spiked"] > 0
    if versions.tf_keras_is_separate():
        # Keras 3 stays what it is in the same process, and our aliases are gone
        assert found["keras"].startswith("3.")
        assert found["keras_layer"].startswith("keras.")
        assert found["attribute"].startswith("tf_keras.")
        assert found["imported"].startswith("tf_keras.")
        assert found["aliases"] == []
        assert ("P7 nengo_loihi" in found["patches"]) == (order == "nengo_loihi first")
        # `import keras` and `import nengo_loihi` import TensorFlow, too
        assert ("P2 tensorflow" in found["patches"]) == (order != "ours first")


def test_spawned_processes_can_import_nengo_dl(tmp_path):
    script = tmp_path / "main_script.py"
    script.write_text(
        "import nengo_spikecost\n"
        "import multiprocessing\n\n"
        "def version(_):\n"
        "    import nengo_dl\n"
        "    return nengo_dl.__version__\n\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(version, [0])[0])\n"
    )
    assert python(str(script)).stdout.strip().endswith("3.6.0")
