"""`deploy`, against the Keras-to-Loihi tutorial done by hand with NengoLoihi."""

from __future__ import annotations

import json

import nengo
import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.errors import DataError, LoihiError, MeasurementError, MissingActivityError
from nengo_spikecost.loihi import Deployment, deploy, fit_blocks, place

from . import register_board
from .networks import emulate
from .test_architectures import ARCHITECTURES, SCALE, make_model
from .test_emulation import nef_network, recurrent_network

loihi = stack.nengo_loihi()
layers = stack.keras().layers
STEPS = 25


def images(n):
    return np.random.RandomState(0).uniform(0.2, 1, (n, 6, 6, 1))


@pytest.fixture(scope="module")
def model():
    return make_model(ARCHITECTURES["conv_with_bias"])


@pytest.fixture(scope="module")
def deployment(model):
    labels = np.array([0, 1, 2, 1])
    return deploy(model, images(4), labels, n_steps=STEPS, scale_firing_rates=SCALE, progress=False)


def test_is_the_tutorial_done_by_hand(model, deployment):
    """Convert, lower, put a layer beside the chip, set block shapes, present, probe, run."""
    conversion = nsc.convert(
        model,
        neuron_type="LoihiSpikingRectifiedLinear",
        scale_firing_rates=SCALE,
        synapse=0.005,
        max_pooling="average",
    )
    net, (node,) = conversion.net, conversion.input_nodes
    loihi.add_params(net)
    for layer, shape in deployment.shapes.items():
        ensemble = conversion.layers[layer].ensemble
        full = deployment.use[layer].tiling.full
        net.config[ensemble].block_shape = loihi.BlockShape(shape, full)
    node.output = nengo.processes.PresentInput(images(4).reshape(4, -1), STEPS * 0.001)
    with net:
        probes = {
            name: nengo.Probe(conversion.layers[name].ensemble.neurons)
            for name in ("first", *deployment.shapes)
        }
    sim = emulate(net, 4 * STEPS)
    for name, probe in probes.items():
        spikes = np.round(sim.data[probe] * 0.001 * SCALE).reshape(4, STEPS, -1).sum(axis=1)
        np.testing.assert_array_equal(deployment.activity.populations[name].counts, spikes)
    (output,) = conversion.outputs.values()
    values = sim.data[output].reshape(4, STEPS, -1)
    found = next(iter(deployment.activity.outputs.values()))
    # sums of the same numbers, in matrices of other heights; float32
    np.testing.assert_allclose(found.last, values[:, -1], rtol=1e-6)
    np.testing.assert_allclose(found.mean, values.mean(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(deployment.predictions, values[:, -1].argmax(axis=1))
    assert deployment.accuracy == np.mean(deployment.predictions == [0, 1, 2, 1])
    # one core a block
    assert len(sim.model.blocks) == deployment.n_cores == deployment.activity.chip.n_cores


def test_says_what_happened(deployment):
    text = str(deployment)
    assert "4 samples of 25 steps of 1 ms, without a pause, on the emulated chip: 3 cores" in text
    assert f"accuracy {deployment.accuracy:.2%}" in text and "read at the last step" in text
    rows = {row["layer"]: row for row in deployment.layers()}
    chip = deployment.activity.chip
    assert rows["first"]["place"] == "host" and rows["first"]["cores"] == 0
    assert sum(row.get("synops", 0) for row in rows.values()) == pytest.approx(
        chip.total_synops().sum() / 4
    )
    assert sum(row["spikes"] for row in rows.values() if row["cores"]) * 4 == chip.spikes.sum()
    saved = json.loads(deployment.to_json())
    assert saved["cores"] == 3 and len(saved["predictions"]) == 4
    assert saved["protocol"]["presentation"] == "continuous"
    assert isinstance(deployment, Deployment)


def test_cost_and_mapping(deployment):
    mapping = deployment.mapping()
    assert [block.name for block in mapping.blocks] == list(deployment.activity.chip.cores)
    by_hand = place(deployment.fit, activity=deployment.activity)
    np.testing.assert_array_equal(mapping.between_cores, by_hand.between_cores)
    cost = deployment.cost(mapping=mapping)
    assert {layer.name for layer in cost.layers} >= set(deployment.shapes)


def test_other_simulators_run_the_same(model, deployment):
    other = deploy(deployment.fit, images(4), n_steps=STEPS, target="nengo_loihi", progress=False)
    for name, record in deployment.activity.populations.items():
        np.testing.assert_array_equal(other.activity.populations[name].counts, record.counts)
    np.testing.assert_array_equal(other.predictions, deployment.predictions)
    assert other.accuracy is None and other.activity.chip is None
    assert "counted by target='emulator' only" in str(other)
    with pytest.raises(MissingActivityError):
        other.cost()
    with pytest.raises(MeasurementError, match="NxSDK"):
        deploy(deployment.fit, images(1), n_steps=5, target="board", progress=False)


def test_a_board_runs_the_same(deployment, monkeypatch):
    """With NxSDK and the board behind a stand-in that computes from registers."""
    boards = register_board.install(monkeypatch, loihi)
    found = deploy(deployment.fit, images(2), n_steps=STEPS, target="board", progress=False)
    for name, record in deployment.activity.populations.items():
        np.testing.assert_array_equal(found.activity.populations[name].counts, record.counts[:2])
    assert boards[0].t == 2 * STEPS and "without a pause, on a board: 3 cores" in str(found)


def test_goes_on_from_a_checkpoint(deployment, tmp_path):
    run = {"n_steps": STEPS, "progress": False, "checkpoint": tmp_path}
    first, again = (deploy(deployment.fit, images(2), **run) for _ in range(2))
    np.testing.assert_array_equal(again.predictions, first.predictions)
    with pytest.raises(DataError, match="block_shapes"):
        deploy(deployment.network, images(2), block_shapes="as_it_is", **run)


def test_block_shapes_of_every_kind(deployment):
    conversion = deployment.network
    run = {"n_steps": 5, "progress": False}
    conv, second, dense = deployment.shapes
    given = {conv: (2, 2, 3), dense: (4,)}
    by_name = deploy(conversion, images(1), block_shapes=given, **run)
    assert by_name.shapes == {conv: (2, 2, 3), second: (3,), dense: (4,)}
    assert by_name.n_cores == 4 + 1 + 2 == by_name.activity.chip.n_cores
    by_layer = deploy(
        conversion,
        images(1),
        block_shapes={
            conversion.model.get_layer(conv): loihi.BlockShape((2, 2, 3), (4, 4, 3)),
            conversion.layers[dense].ensemble: (4,),
        },
        **run,
    )
    assert by_layer.shapes == by_name.shapes
    for fit in (by_name.fit, fit_blocks(conversion)):
        assert deploy(conversion, images(1), block_shapes=fit, **run).fit is fit
    assert by_name.mapping().n_cores == 7
    with pytest.raises(LoihiError, match=f"no layer on the chip; there are {conv}"):
        deploy(conversion, images(1), block_shapes={"first": (4,)}, **run)
    with pytest.raises(LoihiError, match="tile"):
        deploy(conversion, images(1), block_shapes={conv: (4, 0, 3)}, **run)
    for wrong in ("best", 3):
        with pytest.raises(LoihiError, match="block_shapes has to be 'auto'"):
            deploy(conversion, images(1), block_shapes=wrong, **run)
    with pytest.raises(LoihiError, match="leave block_shapes out"):
        deploy(by_name.fit.given and fit_blocks(conversion), images(1), block_shapes=given, **run)
    # nothing of it stays in the network's config
    assert conversion.net.config[conversion.layers[dense].ensemble].block_shape is None


def test_shapes_in_the_config_are_kept_and_what_does_not_fit_is_named():
    net = nengo.Network(seed=0)
    loihi.add_params(net)
    with net:
        a = nengo.Ensemble(1500, 1, label="a")
        nengo.Connection(a, a)
    net.config[a].block_shape = loihi.BlockShape((500,), (1500,))
    kept = deploy(net, None, n_steps=5, progress=False)
    assert kept.fit is None and kept.shapes["a"] == (500,)
    assert sum(row["cores"] for row in kept.layers()) == kept.n_cores
    net.config[a].block_shape = loihi.BlockShape((1500,), (1500,))
    with pytest.raises(LoihiError, match="does not fit with its block shapes:\n- a"):
        deploy(net, None, n_steps=5, progress=False)


@pytest.mark.parametrize("make", [nef_network, lambda: recurrent_network(nengo.LIF())])
def test_native_networks(make):
    net = make()
    found = deploy(net, None, n_steps=30, block_shapes="as_it_is", progress=False)
    expected = deploy(
        net, None, n_steps=30, block_shapes="as_it_is", target="nengo_loihi", progress=False
    )
    for name, record in expected.activity.populations.items():
        np.testing.assert_array_equal(found.activity.populations[name].counts, record.counts)
    # every core's work is in some row
    rows = found.layers()
    chip = found.activity.chip
    assert sum(row["cores"] for row in rows) == chip.n_cores
    assert sum(row.get("synops", 0) for row in rows) == chip.total_synops().sum()


def test_several_outputs_and_labels():
    model = make_model(ARCHITECTURES["several_outputs"])
    x, y = images(3), np.array([0, 1, 0])
    name = model.output_names[0]
    many = deploy(model, x, y, n_steps=5, progress=False, output=name, readout="mean")
    assert 0 <= many.accuracy <= 1 and "the mean over steps" in str(many)
    together = deploy(many.network, (x, y), n_steps=5, progress=False, output=name)
    assert together.accuracy is not None and together.labels is None
    unread = deploy(many.network, (x, y), n_steps=5, progress=False)
    saved = unread.to_dict()
    assert saved["predictions"] is None and saved["accuracy"] is None
    assert "accuracy" not in str(unread)
    with pytest.raises(MeasurementError, match="say which one with output="):
        _ = unread.predictions
    with pytest.raises(MeasurementError, match="says the class with output="):
        deploy(many.network, x, y, n_steps=5, progress=False)
    with pytest.raises(MeasurementError, match="no output 'dense_x'"):
        deploy(many.network, x, n_steps=5, progress=False, output="dense_x")


def test_wrong_arguments(deployment):
    with pytest.raises(LoihiError, match="target must be one of emulator, nengo_loihi, board"):
        deploy(deployment.network, images(1), n_steps=5, target="loihi")
    with pytest.raises(DataError, match="labels"):
        deploy(deployment.network, images(2), [0, 1, 2], n_steps=5, progress=False)
    refused = stack.keras().Sequential([layers.Input((6, 6, 1)), layers.Lambda(lambda x: x)])
    with pytest.raises(nsc.errors.ConversionError):
        deploy(refused, images(1), n_steps=5, progress=False)


def test_shapes_given_by_hand_are_kept_by_what_comes_after(model, deployment):
    conv, second, dense = deployment.shapes
    given = {conv: (2, 2, 3), second: (1,), dense: (2,)}
    run = {"n_steps": 5, "progress": False, "scale_firing_rates": SCALE}
    by_hand = deploy(model, images(1), block_shapes=given, **run)
    # 4 x 4 x 3 neurons in tiles of 2 x 2 x 3, 3 neurons one by one, 6 two by two
    assert [r.n_neurons for r in by_hand.activity.populations.values()][-3:] == [48, 3, 6]
    assert by_hand.n_cores == 4 + 3 + 3
    again = {"n_steps": 5, "progress": False}
    for kept in (by_hand, by_hand.fit):
        done = deploy(kept, images(1), **again)
        assert done.shapes == given and done.n_cores == 10
        np.testing.assert_array_equal(done.predictions, by_hand.predictions)
    with pytest.raises(LoihiError, match="has its block shapes"):
        deploy(by_hand.fit, images(1), block_shapes={conv: (4, 4, 3)}, **again)
    # the model is converted anew, so its Ensembles are others, of the same names
    assert deploy(model, images(1), block_shapes=by_hand.fit, **run).shapes == given
    assert deploy(model, images(1), block_shapes=fit_blocks(by_hand.network), **run).n_cores > 0
    other = make_model(ARCHITECTURES["conv_same"])
    with pytest.raises(LoihiError, match="a fit of another network: this one has no layer"):
        deploy(other, images(1), block_shapes=by_hand.fit, **run)
    with pytest.raises(LoihiError, match="deploy takes a fit as block_shapes="):
        deploy(model, images(1), fit=by_hand.fit, **run)
