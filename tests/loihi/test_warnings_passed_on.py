"""What the chip runs otherwise than it is written is said by every entry, and once a kind.

What has to be said: `check_support`'s own words on the converted network, and the warning that
NengoLoihi itself gives when it builds it.
"""

from __future__ import annotations

import importlib.util
import inspect
import warnings

import numpy as np
import pytest
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import cli, loihi, stack
from nengo_spikecost.errors import EmulationWarning
from nengo_spikecost.loihi.sana_fe import record_spikes, sana_fe_check

X = np.random.RandomState(0).uniform(0.2, 1, (6, 4)).astype("f4")
Y = np.arange(6) % 2
SWEEP = {
    "n_steps": (4,), "n_trials": 1, "explore": 0, "synapses": (0.005,), "accuracy_losses": (1.0,),
    "simulator": "loihi", "neuron_type": "AdaptiveLIF", "progress": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    keras = stack.keras()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    hidden = [layers.Dense(3, "relu", kernel_initializer="ones", name=n) for n in ("one", "two")]
    return keras.Sequential([keras.Input((4,)), *hidden, layers.Dense(2, name="out")])


def reasons(said):
    """The warnings of the chip, each without the names of the layers that it is about."""
    return [str(w.message) for w in said if issubclass(w.category, EmulationWarning)]


def recorded(call):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        made = call()
    return made, reasons(said)


def held_against_check_support(said, conversion):
    """Each remedy of check_support is one warning, with its reason; there are no others of ours."""
    differences = [p for p in loihi.check_support(conversion) if not p.refused]
    own = [text for text in said if "Not as it is written on the chip" in text]
    assert len(own) == len(set(own)) == len({p.remedy for p in differences}) > 0
    for problem in differences:
        assert any(problem.reason in text and problem.name in text for text in own)


@pytest.fixture(scope="module")
def conversion(model):
    return nsc.convert(model, neuron_type="AdaptiveLIF", scale_firing_rates=100, synapse=0.005)


def test_recordings(conversion):
    recording, said = recorded(lambda: record_spikes(conversion, X[:1], 3))
    held_against_check_support(said, conversion)
    if importlib.util.find_spec("sanafe"):
        _, said = recorded(lambda: sana_fe_check(recording))
        assert not said  # it builds nothing: of what was recorded it was said before


def test_a_sweep_and_what_it_confirms(model, conversion):
    swept, said = recorded(lambda: nsc.sweep(model, X, Y, **SWEEP))
    held_against_check_support(said, conversion)
    _, said = recorded(lambda: swept.confirm(X, Y, [swept.points[0]], progress=False))
    held_against_check_support(said, conversion)


@pytest.mark.parametrize(
    "command",
    [
        ("deploy", "net.h5", "--data", "data.npz", "--steps", "4", "--scale", "100"),
        ("fit", "net.h5", "--data", "data.npz", "--steps", "4", "--scale", "100"),
        ("sweep", "net.h5", "--data", "data.npz", "--steps", "4", "--trials", "1", "--study",
         "study.sqlite", "--simulator", "loihi",  "--losses", "1.0"),
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_lines_of_the_command_line(command, model, conversion, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model.save("net.h5")
    np.savez("data.npz", x=X, y=Y)
    separate = "mix_stderr" in inspect.signature(CliRunner).parameters
    runner = CliRunner(**({"mix_stderr": False} if separate else {}))
    done = runner.invoke(cli.main, [*command, "--neuron", "AdaptiveLIF"])
    assert done.exit_code == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("Warning: ")]
    held_against_check_support(lines, conversion)
    assert "Warning" not in done.stdout
