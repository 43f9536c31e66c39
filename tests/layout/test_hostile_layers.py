"""Layers of a Keras 3 model called as HTML tags or as rich's markup: shown as they are, everywhere.

Right is the text itself: what a browser shows of the HTML (read by Python's own parser), and what
stands in tables, holds the names letter by letter.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import cli, loihi, stack
from nengo_spikecost.tuning import fine_tune, tune_firing_rates

from .test_hostile_names import Tags

NAMES = ("<script>", "[red]", "[bold]<img src=x onerror=y>", "[green]out")
X = np.random.RandomState(0).uniform(0.2, 1, (8, 6)).astype("f4")
Y = np.arange(8) % 2


@pytest.fixture(scope="module")
def model():
    import keras  # of release 3

    keras.utils.set_random_seed(0)
    hidden = [
        keras.layers.Dense(5, "relu", kernel_initializer="ones", name=name) for name in NAMES[:3]
    ]
    return keras.Sequential([keras.Input((6,)), *hidden, keras.layers.Dense(2, name=NAMES[3])])


@pytest.fixture(scope="module")
def results(model):
    conversion = nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=50
    )
    of_chip = nsc.measure(conversion, X[:2], 5, simulator="loihi", progress=False)
    energy = nsc.NetworkEnergy(conversion, of_chip)
    devices = ["loihi", "gpu"]
    made = [
        conversion, of_chip, energy, energy.workload(), energy.estimate("loihi"),
        nsc.NetworkGraph(conversion), nsc.lower(conversion.net),
        nsc.break_even(conversion, of_chip), nsc.compare(conversion, of_chip, devices=devices),
        nsc.profile(model, X, Y, n_steps=5, devices=devices, progress=False,
                    simulator="compiled"),
        loihi.fit_blocks(conversion), loihi.place(conversion), loihi.core_use(conversion),
        loihi.chip_cost(of_chip), loihi.Emulator(conversion).run(X[:1], 5),
        loihi.deploy(model, X[:2], Y[:2], n_steps=5),
        tune_firing_rates(conversion, X, n_steps=5, max_simulations=2, progress=False),
    ]  # fmt: skip
    return made


def shown_as_they_are(results):
    """How many results show the names of all hidden layers, in HTML and in tables."""
    with_names = 0
    for result in results:
        tags = Tags(result._repr_html_())
        assert not {"script", "img", "red"} & tags.seen, type(result)
        text = result.summary_string(line_length=130)
        for name in NAMES:
            assert (name in text) <= (name in tags.text), (type(result), name)
        with_names += all(name in tags.text and name in text for name in NAMES[:3])
    return with_names


def test_every_result(results):
    assert shown_as_they_are(results) > 8


def test_results_of_tuning(model):
    swept = nsc.sweep(
        model, X, Y, n_steps=(5,), n_trials=2, synapses=(0.005,), accuracy_losses=(1.0,),
        explore=0, simulator="compiled", progress=False,
    )  # fmt: skip
    tuned = fine_tune(
        model, X, Y, n_steps=5, forward="rates", epochs=1, batch_size=4, progress=False
    )
    confirmed = swept.confirm(X, Y, [swept.points[0]], progress=False)
    assert shown_as_they_are([swept, confirmed, tuned]) > 0


@pytest.mark.parametrize("release", [2, 3])
def test_nested_layers(release):
    """Right is what the same model gives with names that TensorFlow takes."""
    import keras as keras_3

    keras = stack.keras() if release == 2 else keras_3
    outputs = []
    # Keras 2 itself takes no blank or < in the name of a layer, unless it was patched
    hostile = ("a>", "b>", "in>", "out>") if release == 2 else ("<a>", "<b> c>", "in>", "out>")
    for names in (hostile, "abcd"):
        keras.utils.set_random_seed(0)
        one, two, inner, out = names
        within = keras.Sequential(
            [keras.Input((5,)), keras.layers.Dense(4, "relu", name=two)], name=inner
        )
        inp = keras.Input((6,))
        x = within(keras.layers.Dense(5, "relu", name=one)(inp))
        nested = keras.Model(inp, keras.layers.Dense(2, name=out)(x))
        before = [layer.name for layer in (*nested.layers, *within.layers)]
        profile = nsc.profile(
            nested, X, Y, n_steps=5, neuron_type="RectifiedLinear", devices=["gpu"],
            simulator="compiled", progress=False,
        )  # fmt: skip
        assert [layer.name for layer in (*nested.layers, *within.layers)] == before
        (record,) = profile.activity.outputs.values()
        outputs.append(record.last)
        assert f"{inner}/{two}" in profile.summary_string()
    np.testing.assert_array_equal(*outputs)


@pytest.mark.parametrize("command", ["report", "deploy"])
def test_tables_of_the_command_line(command, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model.save("net.keras")
    np.savez("data.npz", x=X, y=Y)
    separate = "mix_stderr" in inspect.signature(CliRunner).parameters
    runner = CliRunner(**({"mix_stderr": False} if separate else {}))
    done = runner.invoke(
        cli.main,
        [command, "net.keras", "--data", "data.npz", "--steps", "5", "--samples", "2",
         "--neuron", "LoihiSpikingRectifiedLinear", "--scale", "50"],
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    for word in " ".join(NAMES[:3]).split():  # a long name may be wrapped between its words
        assert word in done.stdout
