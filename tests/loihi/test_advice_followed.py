"""Advice that leads somewhere: what messages say to do is done here, and works."""

from __future__ import annotations

import inspect
import re
import warnings

import nengo
import numpy as np
import pytest
from click.testing import CliRunner

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.cli import main
from nengo_spikecost.errors import ConversionWarning, LoihiError
from nengo_spikecost.loihi import (
    check_fit,
    check_support,
    core_use,
    deploy,
    fit_blocks,
    mark_off_chip,
)
from nengo_spikecost.loihi.deploy_options import DeployOptions

keras = stack.keras()
layers = keras.layers
ADDRESS = re.compile(r"0x[0-9a-f]{6}|<Ensemble|<Node|<Connection|<Neurons")


def sequential(*inside, shape=(8, 8, 1)):
    return keras.Sequential([keras.Input(shape), *inside])


def pooled():
    return sequential(
        layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2, name="pool"),
        layers.Conv2D(4, 2, activation="relu"), layers.Flatten(), layers.Dense(3),
    )  # fmt: skip


def data(n=3, shape=(8, 8, 1)):
    return np.random.RandomState(0).uniform(0, 1, (n, *shape)).astype("f4")


# ---------------------------------------------------------------- max pooling


def test_max_pooling_is_one_thing_everywhere():
    run = {"n_steps": 5, "progress": False}
    with pytest.warns(ConversionWarning, match="Max pooling became average pooling.*: pool"):
        conversion = nsc.convert(pooled())
    with pytest.warns(ConversionWarning, match="--max-pooling strided"):
        profile = nsc.profile(pooled(), data(), devices=["loihi"], **run)
    with pytest.warns(ConversionWarning, match="max_pooling='exact'"):
        done = deploy(pooled(), data(), scale_firing_rates=100, **run)
    for network in (conversion, profile.network, done.network):
        assert [(c.layer, c.choice) for c in network.choices] == [("pool", "average pooling")]
    for result in (profile, done):
        top = result.summary_string().splitlines()[:4]
        assert any(re.match("changed +pool: average pooling$", line) for line in top)
    # the chip has work then, and all of it is as the average says
    assert profile.energy.estimate("loihi").mean_J > 0
    assert DeployOptions().max_pooling is inspect.signature(nsc.convert).parameters[
        "max_pooling"
    ].default is None  # fmt: skip


def test_max_pooling_as_asked_for_is_no_surprise():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConversionWarning)
        for how in ("average", "strided"):
            nsc.convert(pooled(), max_pooling=how)


def test_networks_of_rates_keep_the_maximum():
    model = pooled()
    conversion = nsc.convert(model, neuron_type="RectifiedLinear")
    activity = nsc.measure(conversion, data(), 2, progress=False)
    found = activity.outputs[next(iter(activity.outputs))].last
    np.testing.assert_allclose(found, model.predict_on_batch(data()), rtol=1e-4, atol=1e-5)


def test_strided_is_not_named_where_it_is_a_corner():
    model = sequential(
        layers.Conv2D(4, 3, activation="relu"), layers.GlobalMaxPooling2D(name="top"),
        layers.Dense(3),
    )  # fmt: skip
    with pytest.warns(ConversionWarning, match="became average pooling") as caught:
        nsc.convert(model)
    (words,) = [str(w.message) for w in caught if w.category is ConversionWarning]
    assert "strided" not in words and "max_pooling='exact'" in words


def test_a_hundred_layers_are_one_warning():
    inside = [layers.MaxPooling2D(2, 1, "same", name=f"pool{k}") for k in range(120)]
    with pytest.warns(ConversionWarning, match="became average") as caught:
        nsc.convert(sequential(layers.Conv2D(1, 1, activation="relu"), *inside))
    (warning,) = [w for w in caught if w.category is ConversionWarning]
    assert "pool0, pool1" in str(warning.message) and "and 112 more" in str(warning.message)


# ---------------------------------------------------------------- one layer of neurons


def one_layer():
    return sequential(layers.Dense(6, activation="relu"), layers.Dense(3), shape=(5,))


def test_one_layer_of_neurons_runs_on_the_chip_behind_neurons_that_spike():
    model, x = one_layer(), data(2, (5,)) - 0.3
    with pytest.raises(LoihiError, match="spike_input=True \\(--spike-input\\)"):
        deploy(model, x, n_steps=5, progress=False)
    # positive and negative inputs are handed on: with rates, the outputs of Keras
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", spike_input=True)
    activity = nsc.measure(conversion, x, 2, progress=False)
    found = activity.outputs[next(iter(activity.outputs))].last
    np.testing.assert_allclose(found, model.predict_on_batch(x), rtol=1e-4, atol=1e-5)
    done = deploy(model, x, n_steps=60, spike_input=True, scale_firing_rates=200, progress=False)
    places = {row["layer"]: row["place"] for row in done.layers()}
    assert places["dense"] if "dense" in places else list(places.values()).count("chip") == 1
    assert "chip" in places.values() and "host" in places.values()


def test_the_option_of_the_command_line_works(tmp_path):
    path, samples = str(tmp_path / "m.h5"), str(tmp_path / "x.npy")
    one_layer().save(path)
    np.save(samples, data(2, (5,)))
    command = ["deploy", path, "--data", samples, "--steps", "5"]
    plain = CliRunner().invoke(main, command)
    assert plain.exit_code and "--spike-input" in plain.output
    helped = CliRunner().invoke(main, [*command, "--spike-input"])
    assert helped.exit_code == 0, helped.output


# ---------------------------------------------------------------- activations without neurons


def curved():
    return sequential(
        layers.Dense(6, activation="relu"), layers.Dense(6, activation="elu"), layers.Dense(3),
        shape=(5,),
    )  # fmt: skip


def saved(tmp_path, model, x):
    path, samples = str(tmp_path / "m.keras"), str(tmp_path / "x.npy")
    model.save(path)
    np.save(samples, x)
    return [path, "--data", samples, "--steps", "5"]


@pytest.mark.parametrize("command", ["report", "deploy"])
def test_what_is_said_of_elu_can_be_typed(tmp_path, command):
    given = saved(tmp_path, curved(), data(2, (5,)))
    plain = CliRunner().invoke(main, [command, *given])
    (typed,) = re.findall(r"--swap (\S+=relu)\)", plain.output)
    assert plain.exit_code == 2 and typed == "elu=relu"
    done = CliRunner().invoke(main, [command, *given, "--swap", typed])
    assert done.exit_code == 0, done.output
    wrong = CliRunner().invoke(main, [command, *given, "--swap", "elu"])
    assert wrong.exit_code == 2 and "expected OLD=NEW" in wrong.output
    if command == "report":
        assert "--allow-fallback of report" in plain.output
        fallen = CliRunner().invoke(main, [command, *given, "--allow-fallback"])
        assert fallen.exit_code == 0 and "falls back to a TensorNode" in fallen.output


def test_what_is_said_of_elu_works_in_python():
    """With ReLU in its place the network is that of the model with ReLU, weight for weight."""
    model = curved()
    with pytest.raises(nsc.errors.ConversionError, match=r"swap_activations=\{'elu': 'relu'\}"):
        nsc.convert(model)
    conversion = nsc.convert(model, neuron_type="RectifiedLinear", swap_activations={"elu": "relu"})
    other = sequential(
        layers.Dense(6, activation="relu"), layers.Dense(6, activation="relu"), layers.Dense(3),
        shape=(5,),
    )  # fmt: skip
    other.set_weights(model.get_weights())
    x = data(3, (5,))
    activity = nsc.measure(conversion, x, 2, progress=False)
    found = activity.outputs[next(iter(activity.outputs))].last
    np.testing.assert_allclose(found, other.predict_on_batch(x), rtol=1e-4, atol=1e-5)


def test_a_native_network_of_one_population():
    def network(in_front):
        with nengo.Network(seed=0) as net:
            node = nengo.Node([0.5])
            only = nengo.Ensemble(
                10, 1, neuron_type=nengo.SpikingRectifiedLinear(), gain=np.ones(10),
                bias=np.zeros(10), label="only",
            )  # fmt: skip
            source = node
            if in_front:
                front = nengo.Ensemble(
                    1, 1, neuron_type=nengo.SpikingRectifiedLinear(), gain=[100], bias=[0],
                    label="front",
                )  # fmt: skip
                nengo.Connection(node, front.neurons)
                source = front.neurons
            nengo.Connection(source, only.neurons, transform=np.ones((10, 1)))
        return net, only

    net, only = network(False)
    remedies = [problem.remedy for problem in check_support(net)]
    between = "Put a population between them and mark that one off chip"
    assert any(remedy.startswith(between) for remedy in remedies), remedies
    mark_off_chip(net, [only])
    remedies = [problem.remedy for problem in check_support(net)]
    in_front = "Put a population in front of those that are fed with values"
    assert any(remedy.startswith(in_front) for remedy in remedies), remedies
    net, only = network(True)
    mark_off_chip(net, [net.all_ensembles[1]])
    assert not any(problem.refused for problem in check_support(net))
    assert fit_blocks(net).n_cores == 1


# ---------------------------------------------------------------- names


def unlabelled(dimensions=2):
    with nengo.Network(seed=0) as net:
        a, b = (nengo.Ensemble(100, dimensions) for _ in range(2))
        nengo.Connection(nengo.Node(np.zeros(dimensions)), a)
        nengo.Connection(a, b)
        nengo.Connection(b, a, synapse=0.1)
    return net


def test_objects_are_called_by_their_names():
    net = unlabelled()
    fit = fit_blocks(net)
    names = [layer.name for layer in fit.layers]
    assert names == [
        "ensemble", "ensemble #2", "decoding ensemble -> ensemble #2",
        "decoding ensemble #2 -> ensemble",
    ]  # fmt: skip
    for text in (fit.summary_string(), str(core_use(net)), fit.to_json()):
        assert not ADDRESS.search(text)


def test_what_does_not_fit_or_build_is_called_by_its_name():
    misfits = check_fit(unlabelled(120), {})
    with nengo.Network(seed=0) as part:
        a, b = (nengo.Ensemble(50, 2) for _ in range(2))
        nengo.Connection(a.neurons, b.neurons[:30], transform=np.ones((30, 50)))
    with nengo.Network(seed=0) as sigmoid:
        nengo.Ensemble(50, 2, neuron_type=nengo.Sigmoid())
    said = [str(misfit) for misfit in misfits]
    for net in (part, sigmoid):
        with pytest.raises(LoihiError) as caught:
            fit_blocks(net)
        said.append(str(caught.value))
    assert any("ensemble" in text for text in said)
    for text in said:
        assert not ADDRESS.search(text), text
