"""Arguments of a wrong type: one sentence of the package, with the name of the argument."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import energy, loihi, stack, tuning
from nengo_spikecost.errors import ArgumentError, SpikeCostError

CYCLIC: list = []
CYCLIC.append(CYCLIC)
CYCLIC_DICT: dict = {}
CYCLIC_DICT["a"] = CYCLIC_DICT
VALUES = {
    "3": 3, "-1": -1, "nan": float("nan"), "huge": 10**30, "text": "x", "list": ["x"],
    "dict": {"x": "x"}, "object": object(), "bytes": b"x", "complex": 1j, "a type": int,
    "cyclic list": CYCLIC, "cyclic dict": CYCLIC_DICT, "no axes": np.array(None),
}  # fmt: skip


def small_model():
    keras = stack.keras()
    layers = keras.layers
    hidden = [layers.Dense(4, activation="relu", name=name) for name in ("first", "second")]
    return keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(2)])


@pytest.fixture(scope="module")
def things():
    with nengo.Network(seed=0) as network:
        given = nengo.Node([0.5, 0.5], label="given")
        a = nengo.Ensemble(6, 2, label="a", seed=0)
        b = nengo.Ensemble(5, 1, label="b", seed=1)
        nengo.Connection(given, a)
        nengo.Connection(a.neurons, b.neurons, transform=np.full((5, 6), 0.01))
        nengo.Probe(b)
    activity = nsc.measure(network, np.ones((2, 2)), 4, simulator="nengo", progress=False)
    return {
        "network": network, "activity": activity, "mapping": loihi.place(network),
        "fit": loihi.fit_blocks(network), "energy": nsc.NetworkEnergy(network, activity),
        "cost": loihi.chip_cost(nsc.measure(network, np.ones((2, 2)), 4, simulator="loihi")),
        "deployment": loihi.deploy(network, np.ones((2, 2)), n_steps=4, progress=False),
        "model": small_model(),
    }  # fmt: skip


CALLS = {
    "NetworkEnergy(activity)": lambda t, v: nsc.NetworkEnergy(t["network"], v),
    "break_even(activity)": lambda t, v: nsc.break_even(t["network"], v),
    "compare(activity)": lambda t, v: nsc.compare(t["network"], v),
    "compare(cost_models)": lambda t, v: nsc.compare(t["network"], t["activity"], cost_models=v),
    "break_even(cost_model)": lambda t, v: nsc.break_even(
        t["network"], t["activity"], cost_model=v
    ),
    "compare(devices)": lambda t, v: nsc.compare(t["network"], t["activity"], devices=v),
    "profile(devices)": lambda t, v: nsc.profile(t["network"], None, devices=v),
    "measure(checkpoint)": lambda t, v: nsc.measure(
        t["network"], np.ones((2, 2)), 3, checkpoint=v, simulator="nengo", progress=False
    ),
    "lower(keep)": lambda t, v: nsc.lower(t["network"], keep=v),
    "mark_off_chip(network)": lambda t, v: loihi.mark_off_chip(v, []),
    "mark_off_chip(ensembles)": lambda t, v: loihi.mark_off_chip(t["network"].copy(), v),
    "core_use(shapes)": lambda t, v: loihi.core_use(t["network"], v),
    "fit_blocks(pop_types)": lambda t, v: loihi.fit_blocks(t["network"], pop_types=v),
    "place(mesh)": lambda t, v: loihi.place(t["network"], mesh=v),
    "place(allocator)": lambda t, v: loihi.place(t["network"], allocator=v),
    "Emulator(shared)": lambda t, v: loihi.Emulator(t["network"], shared=v),
    "sana_fe_check(recording)": lambda t, v: loihi.sana_fe_check(v),
    "hop_cost(costs)": lambda t, v: t["mapping"].hop_cost(v),
    "register_cost_model(model)": lambda t, v: energy.register_cost_model(v),
    "constants_string(line_length)": lambda t, v: t["cost"].constants_string(v),
    "activation_rule(target)": lambda t, v: tuning.activation_rule(
        t["model"], np.ones((2, 3)), target=v
    ),
    "optimised(time_limit_s)": lambda t, v: t["mapping"].optimised(time_limit_s=v),
    "optimised(max_moves)": lambda t, v: t["mapping"].optimised(max_moves=v),
    "optimised(free_cores)": lambda t, v: t["mapping"].optimised(free_cores=v),
    "moved(chip)": lambda t, v: t["mapping"].moved(v, np.zeros(3, dtype=int)),
    "per_inference(messages)": lambda t, v: t["mapping"].per_inference(v),
    "per_step(messages)": lambda t, v: t["mapping"].per_step(v),
    "deploy(block_shapes)": lambda t, v: loihi.deploy(
        t["network"], np.ones((2, 2)), n_steps=3, block_shapes=v
    ),
    "deploy(block_shape of a)": lambda t, v: loihi.deploy(
        t["network"], np.ones((2, 2)), n_steps=3, block_shapes={"a": v}
    ),
    "times(factor)": lambda t, v: t["energy"].estimate("loihi").times(v),
    "layer(layer)": lambda t, v: t["energy"].estimate("loihi").layer(v),
    "pathway(pathway)": lambda t, v: nsc.NetworkGraph(t["network"]).pathway(v),
    "price(workload)": lambda t, v: t["energy"].price(v, "loihi"),
    "row(cost_model)": lambda t, v: nsc.compare(t["network"], t["activity"]).row(v, "loihi"),
    "summary_string(print_warnings)": lambda t, v: t["energy"].summary_string(print_warnings=v),
    "summary_string(cores)": lambda t, v: t["cost"].summary_string(cores=v),
    "to_frame(rows)": lambda t, v: t["cost"].to_frame(rows=v),
    "measure(by_step)": lambda t, v: nsc.measure(
        t["network"], np.ones((2, 2)), 3, simulator="loihi", by_step=v
    ),
    "convert(spike_input)": lambda t, v: nsc.convert(t["model"], spike_input=v),
    "convert(off_chip)": lambda t, v: nsc.convert(t["model"], off_chip=v),
    "load_model(path)": lambda t, v: nsc.load_model(v),
    "load_data(path)": lambda t, v: nsc.load_data(v),
    "SynopLoss(pathways)": lambda t, v: tuning.SynopLoss(v),
    "Percentile(percentile)": lambda t, v: tuning.Percentile(v),
    "RangedRegularizer(regularizer)": lambda t, v: tuning.RangedRegularizer(0, v),
    "to_json(path)": lambda t, v: t["energy"].to_json(v) if not isinstance(v, str) else 1 / 0,
}


def _is_right(name, value):
    """Whether a value that is wrong elsewhere is right here."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and "messages" in name:
        return True
    if name in ("optimised(time_limit_s)", "activation_rule(target)", "optimised(max_moves)"):
        return number and value > 0
    if name in ("times(factor)", "Percentile(percentile)"):
        return number and 0 <= value <= 1e30
    return name == "constants_string(line_length)" and number and value > 9


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
@pytest.mark.parametrize("call", CALLS.items(), ids=list(CALLS))
def test_wrong_types_are_refused_in_words(things, call, value, tmp_path, monkeypatch):
    name, function = call
    monkeypatch.chdir(tmp_path)
    paths = {"measure(checkpoint)", "to_json(path)", "load_model(path)", "load_data(path)"}
    if (isinstance(value, str) and name in paths) or _is_right(name, value):
        return  # a text is a path, and a number a number of messages
    with pytest.raises(SpikeCostError) as caught:
        function(things, value)
    argument = name.split("(")[1][:-1]
    words = str(caught.value)
    assert argument.rstrip("s").replace("_", " ") in words.replace("_", " ").lower()
    assert len(words) < 500 and "\n" not in words
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dt", ["x", 0, -1, float("nan"), float("inf"), [], {}, 1j, 10**400])
def test_steps_of_no_time(things, dt):
    # None is the step that the network is made for
    net = things["network"]
    functions = (
        loihi.core_use, loihi.check_fit, loihi.fit_blocks, loihi.place, loihi.read_layers,
        loihi.check_support, loihi.record_spikes,
    )  # fmt: skip
    for function in functions:
        with pytest.raises(SpikeCostError, match="dt must be a positive time in s"):
            function(net, dt=dt)
    with pytest.raises(SpikeCostError, match="dt must be a positive time in s"):
        things["fit"].verify(dt=dt)


def test_steps_that_nengo_loihi_can_not_use(things):
    """It fails in an exponential of a matrix: said as what it is."""
    with pytest.raises(SpikeCostError, match="NengoLoihi can't build this network: ValueError"):
        loihi.place(things["network"], dt=1.5)


@pytest.mark.parametrize("seed", [-1, 2**32, 2**64, 10**30, 1.5, True])
def test_seeds(things, seed):
    import tensorflow as tf

    from tests.models import conv_net

    with pytest.raises(SpikeCostError, match="seed must be a whole number from 0"):
        nsc.convert(conv_net(tf.keras), seed=seed)
    with pytest.raises(SpikeCostError, match="seed must be a whole number from 0"):
        nsc.measure(things["network"], np.ones((1, 2)), 2, seed=seed)


@pytest.mark.parametrize("inputs", [3, "x", object(), CYCLIC, CYCLIC_DICT, {3: 4}, {"x": CYCLIC}])
def test_inputs_of_emulated_chips(things, inputs):
    with pytest.raises(SpikeCostError, match="input"):
        loihi.record_spikes(things["network"], inputs, 3)
    with loihi.Emulator(things["network"]) as emulator, pytest.raises(SpikeCostError):
        emulator.run(inputs, 3)


def test_what_sana_fe_check_asks_for_can_be_had(things):
    x = np.ones((2, 2))
    deployment = loihi.deploy(things["network"], x, n_steps=4, progress=False)
    with pytest.raises(SpikeCostError, match=r"record_spikes\(deployment\.fit, x\[:1\], n_steps"):
        loihi.sana_fe_check(deployment)
    assert loihi.record_spikes(deployment.fit, x[:1], 4).n_steps == 4


RESULTS = {
    "activity": lambda t: t["activity"], "mapping": lambda t: t["mapping"],
    "fit": lambda t: t["fit"], "energy": lambda t: t["energy"], "cost": lambda t: t["cost"],
    "deployment": lambda t: t["deployment"], "workload": lambda t: t["energy"].workload(),
    "estimate": lambda t: t["energy"].estimate("loihi"),
    "break_even": lambda t: nsc.break_even(t["network"], t["activity"]),
    "comparison": lambda t: nsc.compare(t["network"], t["activity"]),
    "graph": lambda t: nsc.NetworkGraph(t["network"]),
    "lowering": lambda t: nsc.lower(t["network"]),
    "use": lambda t: loihi.core_use(t["network"]),
    "conversion": lambda t: nsc.convert(t["model"]),
}  # fmt: skip


@pytest.mark.parametrize("result", RESULTS.values(), ids=list(RESULTS))
def test_axes_that_are_none(things, result):
    """Panels: one Axes, or as many as `Presenter.panels` says; what is right is drawn on."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    record = result(things)
    for value in (*VALUES.values(), [pyplot.figure().add_subplot()] * 4, True, ()):
        with pytest.raises(SpikeCostError, match="axes must be") as caught:
            record.plot(axes=value)
        assert "pyplot.subplots(" in str(caught.value) and "\n" not in str(caught.value)
    panels = np.ravel(record.plot())
    _, own = pyplot.subplots(1, len(panels))
    drawn = record.plot(axes=own)
    assert list(np.ravel(drawn)) == list(np.ravel(own))
    assert [p.has_data() for p in np.ravel(own)] == [p.has_data() for p in panels]
    record.plot(axes=list(np.ravel(own)))
    pyplot.close("all")


def test_arguments_that_there_are_not(things):
    """Named as those of the function that was called, and not of one that it calls."""
    net, x, model = things["network"], np.ones((2, 2)), things["model"]
    rescalable = tuning.RescalableNetwork(model)
    calls = {
        "profile": lambda **o: nsc.profile(net, x, n_steps=3, **o),
        "deploy": lambda **o: loihi.deploy(net, x, n_steps=3, **o),
        "global_scale": lambda **o: tuning.global_scale(rescalable, **o),
        "activation_rule": lambda **o: tuning.activation_rule(model, np.ones((2, 3)), **o),
        "RescalableNetwork": lambda **o: tuning.RescalableNetwork(model, **o),
        "NetworkEnergy": lambda **o: nsc.NetworkEnergy(net, things["activity"], **o),
        "Emulator": lambda **o: loihi.Emulator(net, **o),
        "place": lambda **o: loihi.place(net, **o),
        "break_even": lambda **o: nsc.break_even(net, things["activity"], **o),
    }
    for name, call in calls.items():
        with pytest.raises(ArgumentError, match=f"^{name} has no argument 'foo'"):
            call(foo=1)
    with pytest.raises(SpikeCostError, match="max_pooling: for Keras models only"):
        calls["profile"](max_pooling="exact")
    with pytest.raises(SpikeCostError, match="max_pooling: a RescalableNetwork has its own"):
        calls["global_scale"](max_pooling="exact")
