"""Advice: predicted savings against those that the changed network really has."""

from __future__ import annotations

import json
from dataclasses import replace

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import demo, loihi, stack
from nengo_spikecost.chip.changed_work import Share, first_steps, thinned
from nengo_spikecost.energy.loihi_chip import price_chip
from nengo_spikecost.errors import ArgumentError, DataError, EnergyError
from nengo_spikecost.questions.advice.recipe import Recipe
from nengo_spikecost.workload.measured_chip import chip_work

from ..json_files import check_json

#: Of a predicted saving, as a share of the realised one.
WITHIN = 0.05

RUN = {
    "n_steps": 30, "progress": False, "presentation": "fresh", "scale_firing_rates": 500,
}  # fmt: skip


def random_model(seed: int):
    """A small network that fires, with a channel that never does."""
    keras = stack.keras()
    rng = np.random.RandomState(seed)
    n_filters, n_units = rng.randint(4, 9), rng.randint(8, 20)
    model = keras.Sequential(
        [
            keras.layers.Conv2D(
                2, 1, activation="relu", use_bias=False, input_shape=(8, 8, 1), name="spikes"
            ),
            keras.layers.Conv2D(n_filters, 3, strides=2, activation="relu", name="conv"),
            keras.layers.Flatten(),
            keras.layers.Dense(n_units, activation="relu", name="dense"),
            keras.layers.Dense(4, name="out"),
        ],
        name=f"random_{seed}",
    )
    weights = [rng.uniform(-0.15, 0.35, w.shape) if w.ndim > 1 else w for w in model.get_weights()]
    weights[0] = np.abs(weights[0]) + 0.3
    weights[1][..., 0] = -0.5  # never fires
    model.set_weights(weights)
    x = rng.uniform(0, 1, (40, 8, 8, 1)).astype(np.float32)
    return model, x, rng.randint(0, 4, 40)


@pytest.fixture(scope="module", params=[0, 1])
def advised(request):
    model, x, y = random_model(request.param)
    advice = nsc.advise(model, x, y, host=None, prune_share=0.5, **RUN)
    return model, x, y, advice


def test_realised_savings_are_the_predicted_ones(advised):
    *_, advice = advised
    assert 3 <= len(advice.changes) <= 5
    kinds = {change.kind for change in advice.changes}
    assert {"steps", "prune"} <= kinds
    for change in advice.changes:
        assert change.before == advice.before > 0
        assert abs(change.error) < WITHIN, change
    savings = [change.saving for change in advice.changes]
    assert savings == sorted(savings, reverse=True)
    assert all(change.basis == "counts" for change in advice.changes if change.kind == "steps")


def test_what_is_realised_is_what_a_deployment_by_hand_takes(advised):
    model, x, y, advice = advised
    by_hand = loihi.deploy(model, x, y, by_step=True, try_out=False, **RUN)
    assert advice.before == by_hand.cost().energy_J("core dynamic").nominal
    assert advice.accuracy == by_hand.accuracy
    change = next(change for change in advice.changes if change.kind == "steps")
    fewer = loihi.deploy(model, x, y, by_step=True, try_out=False, **{**RUN, **change.arguments})
    assert change.realised == pytest.approx(fewer.cost().energy_J("core dynamic").nominal, rel=1e-9)
    assert change.accuracy == fewer.accuracy


def test_what_is_shown(advised):
    *_, advice = advised
    text = str(advice)
    for change in advice.all_changes:
        assert change.words.split(":")[0] in text
        assert f"{change.error:+.1%}".replace("-0.0%", "+0.0%") in text
    content = json.loads(json.dumps(advice.to_dict()))
    check_json(content)
    assert [row["saving"] for row in content["changes"]] == [c.saving for c in advice.changes]
    assert [row["saving"] for row in content["together"]] == [c.saving for c in advice.together]
    assert len(advice.to_frame()) == len(advice.all_changes)
    assert "Realised" in advice._repr_html_()


def test_the_best_change_loses_no_point(advised):
    *_, advice = advised
    kept = [
        c for c in advice.all_changes if c.saving > 0 and advice.accuracy - c.accuracy <= 0.0101
    ]
    assert advice.best == (max(kept, key=lambda c: c.saving) if kept else None)


def test_time_is_saved_where_it_is_spent():
    model, x, y = random_model(2)
    advice = nsc.advise(model, x, y, save="time", host_io="none", n_changes=3, **RUN)
    assert advice.unit == "s" and advice.changes
    for change in advice.changes:
        assert abs(change.error) < WITHIN, change
    work = chip_work(advice.deployment.activity)
    assert advice.before == pytest.approx(price_chip(work, host_io="none").latency_s.nominal)


def test_the_hosts_work_is_counted():
    """Moving a layer to a processor only saves if the processor's work is left out."""
    model, x, y = random_model(0)
    advice = nsc.advise(model, x, y, n_changes=2, **RUN)
    deployed, energy = advice.deployment, 0.0
    found = nsc.NetworkEnergy(deployed.network, deployed.activity).estimate("loihi")
    energy = deployed.cost().energy_J("core dynamic").nominal + found.host_J
    assert advice.host == "cpu" and advice.before == pytest.approx(energy)
    for change in advice.changes:
        assert abs(change.error) < WITHIN, change
        assert change.kind != "host"


def test_a_line_of_python_does_what_was_measured(advised):
    model, x, y, advice = advised
    kinds = {change.kind for change in advice.all_changes}
    assert {"steps", "prune", "rate", "together"} <= kinds
    for change in advice.all_changes:
        done = eval(change.code, {"nsc": nsc, "model": model, "x": x, "y": y})
        assert done.cost().energy_J("core dynamic").nominal == pytest.approx(
            change.realised, rel=1e-12
        ), change.code
        assert done.accuracy == change.accuracy
        assert change.flags is not None


def test_those_that_go_together_are_tried_together(advised):
    *_, advice = advised
    last = advice.together[-1]
    words = [change.words for change in advice.changes]
    assert len(last.parts) > 1 and set(last.parts) <= set(words)
    parts = [change for change in advice.changes if change.words in last.parts]
    assert last.alone == pytest.approx(sum(change.saving for change in parts))
    assert last.overlap == pytest.approx(last.alone - last.saving)
    for change in advice.together:
        assert abs(change.error) < WITHIN, change
    assert last.saving > max(change.saving for change in parts)
    if advice.keeps(last):
        assert advice.best == last
    for one in advice.together[:-1]:  # fewer after each, as accuracy was lost
        assert not advice.keeps(one) and len(one.parts) > len(last.parts)
    # of one layer's channels the fewest are taken out, or the silent ones
    pruned = [part for part in last.parts if part.startswith("conv: without")]
    assert len(pruned) <= 1
    text = str(advice)
    assert "together" in text and "adds up to" in text


def test_constants_are_given_by_name():
    model, x, y = random_model(0)
    with pytest.raises(ArgumentError, match="takes network, data, y without a name"):
        nsc.advise(model, x, y, "davies2018")


def test_nothing_is_combined_if_nobody_wants_it():
    model, x, y = random_model(0)
    advice = nsc.advise(model, x[:8], y[:8], host=None, n_changes=2, combine=False, **RUN)
    assert advice.together == () and len(advice.changes) == 2


@pytest.mark.parametrize("a, b, together", [
    (Recipe(n_steps=3), Recipe(n_steps=4), False),
    (Recipe(n_steps=3), Recipe(rates={"a": 0.5}), True),
    (Recipe(rates={"a": 0.5}), Recipe(rates={"b": 0.5}), True),
    (Recipe(rates={"a": 0.5}), Recipe(rates={"a": 0.5}), False),
    (Recipe(without={"a": (1,)}), Recipe(without={"a": (1, 2)}), False),
    (Recipe(without={"a": (1,)}), Recipe(rates={"a": 0.5}), True),
    (Recipe(without={"a": (1,)}), Recipe(off_chip=("a",)), False),
    (Recipe(off_chip=("a",)), Recipe(rates={"a": 0.5}), False),
    (Recipe(off_chip=("a",)), Recipe(off_chip=("b",)), True),
    (Recipe(off_chip=("a",)), Recipe(spike_input=True), False),
    (Recipe(objective="traffic"), Recipe(objective="latency"), False),
    (Recipe(objective="traffic"), Recipe(without={"a": (1,)}), True),
])  # fmt: skip
def test_what_goes_together(a, b, together):
    assert a.goes_with(b) is b.goes_with(a) is together
    both, same = a.along_with(b), b.along_with(a)
    assert replace(both, off_chip=()) == replace(same, off_chip=()) or not together
    assert {*both.off_chip} == {*same.off_chip} == {*a.off_chip, *b.off_chip}


def test_fewer_steps_of_a_continuous_run_are_fewer():
    """They do not follow from counts, and are run on the first samples before they are on all."""
    model, x, y = random_model(0)
    run = {**RUN, "presentation": "continuous"}
    advice = nsc.advise(model, x, y, host=None, **run)
    (change,) = [change for change in advice.changes if change.kind == "steps"]
    by_hand = loihi.deploy(
        model, x, y, by_step=True, try_out=False, **{**run, "n_steps": change.arguments["n_steps"]}
    )
    assert change.basis == "first samples" and abs(change.error) < WITHIN
    assert change.realised == by_hand.cost().energy_J("core dynamic").nominal


def test_scales_of_one_are_lowered_too():
    model, x, _ = random_model(0)
    model.set_weights([w * 8 for w in model.get_weights()])
    advice = nsc.advise(model, 20 * x[:8], host=None, **{**RUN, "scale_firing_rates": 1})
    assert [change for change in advice.changes if change.kind == "rate"]


def network_and_data(n=40, seed=0):
    model, x, _ = random_model(seed)
    conversion = nsc.convert(
        model, neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=500
    )
    x = x[:n]
    return conversion.net, {conversion.input_nodes[0]: x.reshape(len(x), -1)}


PLAIN = {name: value for name, value in RUN.items() if name != "scale_firing_rates"}


def test_a_network_has_the_same_changes_as_a_model():
    net, data = network_and_data()
    advice = nsc.advise(net, data, host=None, n_changes=8, **PLAIN)
    kinds = {change.kind for change in advice.changes}
    assert kinds >= {"steps", "rate", "prune"}
    assert {one.kind for one in advice.untried} >= {"host", "chip"}
    assert advice.accuracy is None and advice.best is None
    assert advice.together[-1].kind == "together"
    for change in advice.all_changes:
        assert abs(change.error) < WITHIN, change
        by_name = {"spikes_input": next(iter(data.values()))}
        done = eval(change.code, {"nsc": nsc, "network": net, "x": by_name})
        energy = done.cost().energy_J("core dynamic").nominal
        assert energy == pytest.approx(change.realised, rel=1e-12)
    assert "nsc.changed_network(network, " in " ".join(str(advice).split())
    # the network itself is as it was
    again = loihi.deploy(net, data, by_step=True, try_out=False, **PLAIN)
    assert again.cost().energy_J("core dynamic").nominal == advice.before


def test_a_layer_of_a_network_moves_to_the_host():
    net, data = network_and_data(10)
    # with so little to do that a layer costs less on a processor, and no spikes to send it
    advice = nsc.advise(net, data, boundary="board", host="gpu", n_changes=20, **PLAIN)
    moved = [change for change in advice.changes if change.kind == "host"]
    assert moved and all(abs(change.error) < WITHIN for change in moved)
    done = eval(
        moved[0].code, {"nsc": nsc, "network": net, "x": {"spikes_input": data.popitem()[1]}}
    )
    assert not [p for p in nsc.NetworkGraph(done.network).populations
                if p.layer == moved[0].layer and p.on_chip]  # fmt: skip


def test_what_a_network_can_not_have_is_said_by_layer():
    net, data = network_and_data(6)
    a = next(e for e in net.all_ensembles if e.label == "conv.0")
    with net:
        nengo.Probe(a.neurons)
    advice = nsc.advise(net, data, host=None, n_changes=1, **PLAIN)
    reasons = {(one.kind, one.layer): one.reason for one in advice.untried}
    assert "is probed" in reasons["prune", "conv.0"]


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"save": "money"}, EnergyError, "save"),
        ({"boundary": "room"}, EnergyError, "boundary"),
        ({"n_changes": 0}, ArgumentError, "n_changes"),
        ({"first_samples": 0}, ArgumentError, "first_samples"),
        ({"keep_steps": 1.0}, ArgumentError, "keep_steps is 1"),
        ({"prune_share": 0.0}, ArgumentError, "prune_share is 0"),
        ({"target": "board"}, EnergyError, "target='emulator'"),
        ({"host": "loihi"}, EnergyError, "host must be a processor"),
        ({"host_io": "usb"}, EnergyError, "host_io must be 'x86'"),
        ({"board": "kapoho"}, EnergyError, "board must be 'nahuku32'"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(options, error, words):
    with pytest.raises(error, match=words):
        nsc.advise(None, None, **options)


def test_a_network_without_inputs_is_advised_on():
    """What it takes with a change is what the changed network takes that is deployed by hand."""
    relu = {"neuron_type": nengo.SpikingRectifiedLinear(), "gain": np.ones(30)}
    with nengo.Network(seed=0) as net:
        first = nengo.Ensemble(30, 1, bias=np.linspace(0, 300, 30), label="first", **relu)
        second = nengo.Ensemble(30, 1, bias=np.zeros(30), label="second", **relu)
        weights = np.random.RandomState(0).uniform(-0.2, 0.5, (30, 30))
        nengo.Connection(first.neurons, second.neurons, transform=weights, synapse=0.005)
        nengo.Probe(second.neurons)
    run = {"n_steps": 40, "presentation": "fresh", "progress": False}
    advice = nsc.advise(net, None, host=None, **run)
    assert advice.n_samples == 1 and {"steps", "rate", "prune"} <= {c.kind for c in advice.changes}
    assert all(abs(change.error) < WITHIN for change in advice.changes)
    rate = next(change for change in advice.changes if change.kind == "rate")
    changed = nsc.changed_network(net, rates={rate.layer: 0.5})
    by_hand = loihi.deploy(changed, None, by_step=True, **run).cost()
    assert rate.realised == pytest.approx(by_hand.energy_J("core dynamic").nominal, rel=1e-12)


def test_a_stream_is_refused():
    model, x, _ = random_model(0)
    with pytest.raises(DataError, match="a stream can be read once only"):
        nsc.advise(model, iter(x), **RUN)


def test_checkpoints_and_block_shapes_are_those_of_the_network_as_it_is(tmp_path):
    model, x, y = random_model(0)
    shapes = {"conv": (3, 3, 1), "dense": (4,)}
    more = {"checkpoint": tmp_path / "kept", "block_shapes": shapes, "n_changes": 2}
    advice = nsc.advise(model, x[:8], y[:8], host=None, first_samples=4, **RUN, **more)
    assert advice.deployment.shapes == shapes and advice.changes
    again = nsc.advise(model, x[:8], y[:8], host=None, first_samples=4, **RUN, **more)
    assert [c.realised for c in again.changes] == [c.realised for c in advice.changes]


@pytest.fixture(scope="module")
def measured():
    model, x, _ = random_model(3)
    return model, x, loihi.deploy(model, x[:8], by_step=True, try_out=False, **RUN)


def counts(work):
    names = ("spikes", "active", "messages_out", "axon_events", "host_to_chip")
    return {**{n: getattr(work, n) for n in names}, **work.synops}


def test_the_first_steps_are_those_of_a_shorter_run(measured):
    model, x, long = measured
    short = loihi.deploy(model, x[:8], by_step=True, try_out=False, **{**RUN, "n_steps": 11})
    found, expected = first_steps(chip_work(long.activity), 11), chip_work(short.activity)
    for name, value in counts(expected).items():
        np.testing.assert_allclose(counts(found)[name], value, err_msg=name)
    assert found.n_steps == expected.n_steps == found.by_step.n_steps


def test_steps_that_were_not_counted_are_refused(measured):
    work = chip_work(measured[2].activity)
    for n_steps in (0, work.n_steps + 1):
        with pytest.raises(EnergyError, match=f"this work has {work.n_steps} steps"):
            first_steps(work, n_steps)
    with pytest.raises(EnergyError, match="no counts by step"):
        first_steps(work.with_spikes(0.5), 3)


def test_thinned_layers_by_brute_force(measured):
    work = chip_work(measured[2].activity)
    found = thinned(work, {"conv": Share(0.5, 0.25, 0.75, 0.125)}, host_spikes=0.5)
    for core, layer in enumerate(work.layers):
        neurons, spikes, synops, axons = (0.5, 0.25, 0.75, 0.125) if layer == "conv" else [1.0] * 4
        np.testing.assert_allclose(found.spikes[:, core], work.spikes[:, core] * spikes)
        np.testing.assert_allclose(found.messages_out[:, core], work.messages_out[:, core] * spikes)
        np.testing.assert_allclose(found.axon_events[:, core], work.axon_events[:, core] * axons)
        assert found.compartments[core] == work.compartments[core] * neurons
        for kind, own in work.synops.items():
            np.testing.assert_allclose(found.synops[kind][:, core], own[:, core] * synops)
        by_step = found.by_step.spikes[:, :, core].sum(axis=1)
        np.testing.assert_allclose(by_step, found.spikes[:, core])
    np.testing.assert_allclose(found.host_to_chip, work.host_to_chip * 0.5)


@pytest.mark.slow
def test_the_digits():
    """The demo's network: five changes, each within a twentieth of what was predicted."""
    data = demo.demo_data()
    advice = nsc.advise(
        demo.demo_model(), data.x_test[:40], data.y_test[:40], host=None, progress=False
    )
    assert len(advice.changes) == 5
    assert {change.kind for change in advice.changes} >= {"steps", "prune", "rate"}
    for change in advice.changes:
        assert abs(change.error) < WITHIN, change
    assert advice.best is not None and advice.best.accuracy >= advice.accuracy - 0.01
