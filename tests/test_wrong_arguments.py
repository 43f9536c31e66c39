"""Arguments of a wrong type: one sentence of the package, with the name of the argument."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import energy, loihi
from nengo_spikecost.errors import SpikeCostError

CYCLIC: list = []
CYCLIC.append(CYCLIC)
CYCLIC_DICT: dict = {}
CYCLIC_DICT["a"] = CYCLIC_DICT
VALUES = {
    "3": 3, "-1": -1, "nan": float("nan"), "huge": 10**30, "text": "x", "list": ["x"],
    "dict": {"x": "x"}, "object": object(), "bytes": b"x", "complex": 1j, "a type": int,
    "cyclic list": CYCLIC, "cyclic dict": CYCLIC_DICT, "no axes": np.array(None),
}  # fmt: skip


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
    "to_json(path)": lambda t, v: t["energy"].to_json(v) if not isinstance(v, str) else 1 / 0,
}


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
@pytest.mark.parametrize("call", CALLS.items(), ids=list(CALLS))
def test_wrong_types_are_refused_in_words(things, call, value, tmp_path, monkeypatch):
    name, function = call
    monkeypatch.chdir(tmp_path)
    fits = {"measure(checkpoint)", "to_json(path)"} if isinstance(value, str) else set()
    if name in fits:
        return  # a text is a path
    with pytest.raises(SpikeCostError) as caught:
        function(things, value)
    argument = name.split("(")[1][:-1]
    words = str(caught.value)
    assert argument.rstrip("s").replace("_", " ") in words.replace("_", " ").lower()
    assert len(words) < 500 and "\n" not in words
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dt", [None, "x", 0, -1, float("nan"), float("inf"), [], {}, 1j, 10**400])
def test_steps_of_no_time(things, dt):
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
