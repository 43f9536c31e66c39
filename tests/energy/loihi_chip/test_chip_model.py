"""A network's chip, measured, counted and priced: the way from `measure` to tables."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import nengo_spikecost as nsc
from nengo_spikecost.energy.loihi_chip import loihi_chip, price_chip
from nengo_spikecost.errors import EnergyError, MissingActivityError, UnknownDeviceError
from tests.loihi import test_architectures as architectures

from .works import without_steps

N_STEPS = 20


@pytest.fixture(scope="module")
def conversion():
    model = architectures.make_model(architectures.ARCHITECTURES["conv_with_bias"])
    return nsc.convert(
        model,
        neuron_type="LoihiSpikingRectifiedLinear",
        synapse=0.005,
        scale_firing_rates=architectures.SCALE,
    )


@pytest.fixture(scope="module")
def activity(conversion):
    images = np.random.RandomState(0).uniform(0.2, 1, (3, 6, 6, 1))
    return nsc.measure(conversion, images, N_STEPS, simulator="loihi", by_step=True, progress=False)


@pytest.fixture(scope="module")
def mapping(conversion, activity):
    return nsc.loihi.place(conversion, activity=activity)


def test_counts_are_those_of_the_network(conversion, activity):
    """Synops of the cores are the spikes' exact fan-out, but for the undelivered last step."""
    chip = nsc.loihi.chip_cost(activity).work
    exact = nsc.NetworkEnergy(conversion, activity).workload()
    synops = sum(p.synops for p in exact.pathways if p.on_chip and p.synops is not None)
    found = chip.total_synops().sum()
    assert found <= synops.sum()
    # samples follow one another: only what is fired at the very last of 60 steps is not delivered
    assert found >= 0.9 * synops.sum()
    spikes = sum(p.spikes for p in exact.populations if p.on_chip)
    assert np.array_equal(chip.spikes.sum(axis=1), spikes)
    assert chip.compartments.sum() == sum(p.n_neurons for p in exact.populations if p.on_chip)
    assert (np.maximum(chip.spikes, chip.biased * chip.n_steps) <= chip.active).all()
    assert (chip.active <= chip.updates).all()


def test_steps_add_up(activity):
    cost = nsc.loihi.chip_cost(activity, host_io="none")
    assert not cost.latency_is_at_least
    steps, chip = activity.chip.by_step, activity.chip
    assert np.array_equal(steps.spikes.sum(axis=1), chip.spikes)
    alone = price_chip(without_steps(cost.work), host_io="none")
    # which compartments fired without input is known of all steps only, and dealt out to them
    assert alone.high.time.cores_s == pytest.approx(cost.high.time.cores_s, rel=1e-3)
    assert alone.latency_s.nominal <= cost.latency_s.nominal


def test_a_mapping_says_where_cores_are(activity, mapping):
    cost = nsc.loihi.chip_cost(activity, mapping=mapping)
    default = nsc.loihi.chip_cost(activity)
    # greedy puts cores in their order, as is assumed without a mapping
    assert cost.work.hops.placement == "greedy"
    for name in ("east_west", "north_south"):
        hops = getattr(cost.work.hops, name)
        assert np.array_equal(hops, getattr(default.work.hops, name))
    between = activity.chip.messages_between[: cost.work.n_cores]
    total = cost.work.hops.east_west.sum() + cost.work.hops.north_south.sum()
    east_west, north_south, _ = mapping.mesh.hops(
        mapping.positions[:, None], mapping.positions[None, :]
    )
    assert total == pytest.approx((between * (east_west + north_south)).sum())
    assert cost.work.biased.sum() > 0


def test_a_mapping_of_another_network(activity, mapping):
    with pytest.raises(EnergyError, match="they are of different networks or block shapes"):
        nsc.loihi.chip_cost(activity, mapping=replace(mapping, blocks=mapping.blocks[:1]))


def test_as_a_cost_model(conversion, activity):
    priced = nsc.NetworkEnergy(conversion, activity, cost_model="loihi_chip")
    for device, profile in (("loihi", "davies2018"), ("loihi_silicon", "silicon")):
        estimate = priced.estimate(device)
        cost = nsc.loihi.chip_cost(activity, profile=profile)
        low, high = estimate.range_J
        found = cost.energy_J("chip")
        assert (low, estimate.mean_J, high) == pytest.approx(tuple(found))
        per_layer = {layer.name: layer.energy_J.nominal for layer in cost.layers}
        for layer in estimate.layers:
            assert layer.total_J.mean() == pytest.approx(per_layer.pop(layer.name, 0.0))
        assert not per_layer
        assert estimate.static.seconds == pytest.approx(cost.latency_s.nominal)
        assert priced.total_energy(device) == estimate.mean_J
    text = priced.summary_string()
    assert "static power" in text and "what the cores did" in text
    assert "Routing of spikes" not in text
    assert json.loads(priced.to_json())
    assert set(priced.estimates()) <= {"loihi", "loihi_silicon"}
    assert len(priced.to_frame())


def test_beside_other_cost_models(conversion, activity):
    found = nsc.compare(
        conversion,
        activity,
        cost_models=["per_operation", "loihi_chip"],
        devices=["cpu", "loihi", "loihi_silicon"],
    )
    rows = [(row.cost_model, row.device) for row in found.rows]
    assert ("loihi_chip", "loihi") in rows and ("loihi_chip", "loihi_silicon") in rows
    assert found.row("loihi_chip", "cpu").estimate is None
    assert found.row("loihi_chip", "loihi").ratio > 1  # static power is in it
    assert "loihi_chip" in found.summary_string()


def test_options_of_the_cost_model(conversion, activity):
    model = loihi_chip(board="wolf_mountain", host_io="none")
    assert model.name == "loihi_chip(board='wolf_mountain', host_io='none')"
    found = nsc.NetworkEnergy(conversion, activity, cost_model=model).estimate("loihi_silicon")
    cost = nsc.loihi.chip_cost(activity, board="wolf_mountain", host_io="none")
    assert found.mean_J == pytest.approx(cost.energy_J().nominal)
    with pytest.raises(EnergyError, match="no option 'boards'; it takes profile, mapping, board"):
        loihi_chip(boards="x")


def test_another_presentation(conversion, activity):
    priced = nsc.NetworkEnergy(conversion, activity, cost_model="loihi_chip")
    with pytest.warns(nsc.errors.EstimateWarning):
        longer = priced.workload(2 * N_STEPS)
    assert longer.chip.n_steps == 2 * N_STEPS
    assert longer.chip.total_synops().sum() == 2 * priced.workload().chip.total_synops().sum()
    assert longer.chip.by_step is None


def test_what_cannot_be_priced_says_why(conversion, activity):
    with pytest.raises(MissingActivityError, match="simulator='loihi'"):
        nsc.NetworkEnergy(conversion, replace(activity, chip=None), cost_model="loihi_chip")
    with pytest.raises(MissingActivityError, match="simulator='loihi'"):
        nsc.NetworkEnergy(conversion, cost_model="loihi_chip")
    with pytest.raises(MissingActivityError, match="not str"):
        nsc.loihi.chip_cost("activity")
    priced = nsc.NetworkEnergy(conversion, activity, cost_model="loihi_chip")
    with pytest.raises(EnergyError, match="has no constants for cpu; it prices loihi"):
        priced.estimate("cpu")
    with pytest.raises(UnknownDeviceError):
        priced.estimate("loihi9")


def test_a_silent_host_is_still_there(activity):
    """The way in is the network's, not the data's; what it takes follows from the spikes sent."""
    silent = replace(activity.chip, host_to_chip=0 * activity.chip.host_to_chip, by_step=None)
    cost = nsc.loihi.chip_cost(replace(activity, chip=silent))
    assert cost.work.fed_by_host
    assert cost.host_io.name == "nengo_loihi"
    alone = nsc.loihi.chip_cost(replace(activity, chip=silent), host_io="none")
    assert cost.step_s.nominal == alone.step_s.nominal
    assert cost.step_s.high == pytest.approx(alone.step_s.high + 773e-6)
    fed = nsc.loihi.chip_cost(activity)
    assert fed.latency_s.nominal > 5.91e-6 * activity.chip.host_to_chip.mean()
