"""Block shapes that are found: against trying all, against NengoLoihi, and for known networks."""

from __future__ import annotations

import itertools

import nengo
import numpy as np
import pytest

from nengo_spikecost import convert, loihi, stack
from nengo_spikecost.chip import limits
from nengo_spikecost.demo import demo_model
from nengo_spikecost.errors import LoihiError
from nengo_spikecost.loihi import core_use, fit_blocks
from nengo_spikecost.loihi.blocks import graph_search, shape_search, tile_choices
from nengo_spikecost.loihi.cores.layer_reading import read_layers
from nengo_spikecost.loihi.cores.tiling import Tiling

from .block_networks import RandomNetwork, built_uses, predicted_uses
from .networks import Layers

# ---------------------------------------------------------------- against trying all


def small_network(seed, kind):
    """Small layers: a chain, a chain with a way past a layer, or one with recurrence."""
    layers = Layers(4 * 4 * 2, seed=seed)
    rng = layers.rng
    padding = rng.choice(["valid", "same"])
    first = layers.convolution(
        int(rng.randint(2, 5)), (4, 4, 2), kernel_size=(3, 3), padding=str(padding)
    )
    a = layers.population(first.size_out, "a")
    layers.connect(layers.encoder, a, first)
    second = layers.convolution(
        int(rng.randint(2, 4)), first.output_shape, kernel_size=(2, 2), strides=(1, 1)
    )
    b = layers.population(second.size_out, "b")
    layers.connect(a, b, second)
    c = layers.population(int(rng.randint(3, 9)), "c")
    layers.connect(b, c, layers.weights(c.n_neurons, b.n_neurons))
    if kind == "past":
        layers.connect(a, c, layers.weights(c.n_neurons, a.n_neurons))
    elif kind == "recurrent":
        layers.connect(c, b, layers.weights(b.n_neurons, c.n_neurons))
        layers.connect(c, c, layers.weights(c.n_neurons, c.n_neurons))
    return layers.net


def fewest_cores_of_all(net, most):
    """Fewest cores of all block shapes whose uses are within `most`; None if there are none."""
    read = read_layers(net)
    options = []
    for layer in read.layers:
        every = [
            Tiling(layer.shape, tile)
            for tile in itertools.product(*(range(1, n + 1) for n in layer.shape))
        ]
        fitting = []
        for tiling in every:
            uses = [s.use(tiling) for s in layer.synapses]
            axons, bits = sum(u.axons for u in uses).max(), sum(u.bits for u in uses).max()
            if tiling.size <= most[0] and axons <= most[1] and bits <= most[3]:
                fitting.append(tiling)
        options.append(sorted(fitting, key=lambda tiling: tiling.n_tiles))
    slots = {}

    def output_axons(number, tilings):
        total = 0
        for k, out in enumerate(read.layers[number].outputs):
            key = (number, k, tilings[number].tile, tilings[out.target].tile)
            if key not in slots:
                slots[key] = out.output_slots(tilings[number], tilings[out.target])
            total = total + slots[key]
        return np.max(total)

    combinations = sorted(
        itertools.product(*options), key=lambda tilings: sum(t.n_tiles for t in tilings)
    )
    for tilings in combinations:
        if all(output_axons(n, tilings) <= most[2] for n in range(len(tilings))):
            return sum(t.n_tiles for t in tilings)
    return None


def limited(monkeypatch, most):
    """Cores that hold little, so that small networks need many."""
    for module in (tile_choices, shape_search, graph_search):
        for name, limit in zip(
            ("MAX_COMPARTMENTS", "MAX_INPUT_AXONS", "MAX_OUTPUT_AXONS", "MAX_SYNAPSE_BITS"), most
        ):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, limit)


@pytest.mark.parametrize("kind", ["chain", "past", "recurrent"])
@pytest.mark.parametrize("seed", range(6))
def test_fewest_cores_against_all_block_shapes(kind, seed, monkeypatch):
    net = small_network(seed, kind)
    rng = np.random.RandomState(seed)
    most = (int(rng.choice([12, 20])), 60, int(rng.choice([40, 70, 100])), 20_000)
    fewest = fewest_cores_of_all(net, most)
    limited(monkeypatch, most)
    if fewest is None:
        with pytest.raises(LoihiError):
            fit_blocks(net, pop_types=None)
        return
    fit = fit_blocks(net, pop_types=None)
    assert fit.lower_bound <= fewest <= fit.n_cores
    if kind == "chain":
        assert fit.n_cores == fewest and fit.is_optimal
    else:
        # not exact, but good: these are at most 40 cores
        assert fit.n_cores <= fewest + 1


@pytest.mark.parametrize("seeds", np.array_split(np.arange(2000, 2024), 4))
def test_what_is_found_fits_and_is_built_so(seeds):
    for seed in seeds:
        net = RandomNetwork(int(seed)).net
        fit = fit_blocks(net, time_limit=3)
        assert fit.use.fits and fit.lower_bound <= fit.n_cores, seed
        verified = fit.verify()
        assert verified, (seed, str(verified))


# ---------------------------------------------------------------- known networks


def dense_chain(*sizes):
    layers = Layers(sizes[0])
    pre = layers.encoder
    for number, size in enumerate(sizes[1:]):
        post = layers.population(size, f"dense{number}")
        layers.connect(pre, post, layers.rng.normal(size=(size, pre.n_neurons)).astype("f4"))
        pre = post
    return layers.net


def image_chain(image, layers_):
    """Convolutions as (filters, kernel, stride, padding), and dense layers as numbers."""
    layers = Layers(int(np.prod(image)))
    pre, shape = layers.encoder, nengo.transforms.ChannelShape(image)
    for number, entry in enumerate(layers_):
        if isinstance(entry, int):
            transform = layers.rng.normal(size=(entry, pre.n_neurons)).astype("f4")
            size = entry
        else:
            filters, kernel, stride, padding = entry
            weights = layers.rng.normal(size=(kernel, kernel, shape.n_channels, filters))
            transform = nengo.Convolution(
                filters,
                shape,
                kernel_size=(kernel, kernel),
                strides=(stride, stride),
                padding=padding,
                init=weights.astype("f4"),
            )
            size, shape = transform.size_out, transform.output_shape
        post = layers.population(size, f"layer{number}")
        layers.connect(pre, post, transform)
        pre = post
    return layers.net


def test_the_tutorial_needs_eleven_cores():
    conversion = convert(
        demo_model(), neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=400
    )
    fit = fit_blocks(conversion)
    # 5,408 and 2,304 neurons on cores of 1,024, and 100 rows that two cores' memories hold
    assert [layer.use.n_blocks for layer in fit.layers] == [6, 3, 2]
    assert fit.n_cores == fit.lower_bound == 11 and fit.is_optimal
    verified = fit.verify()
    assert verified and verified.n_blocks == 11, str(verified)
    assert "11 cores on 1 chip (fewer are impossible)" in str(fit)


def test_dense_layers_that_fail_by_default():
    net = dense_chain(784, 4096, 1024, 100)
    assert not core_use(net).fits
    fit = fit_blocks(net)
    assert fit.n_cores == fit.lower_bound == 72


def test_the_cifar_example_of_nengo_loihi():
    # (8, 8, 16), (7, 7, 8), (6, 6, 12), (6, 6, 24), (6, 6, 24), (50,): 90 cores, by hand
    layers = [
        (64, 3, 2, "valid"),
        (72, 3, 1, "valid"),
        (256, 3, 2, "valid"),
        (256, 1, 1, "valid"),
        (64, 1, 1, "valid"),
        100,
    ]
    net = image_chain((32, 32, 4), layers)
    fit = fit_blocks(net)
    assert fit.n_cores == fit.lower_bound == 68


def test_a_large_image_network_and_its_channel_order():
    layers = [(f, 3, s, "same") for f in (64, 128, 256) for s in (1, 2)]
    net = image_chain((32, 32, 3), [*layers, 256])
    assert sum(e.n_neurons for e in net.all_ensembles[1:]) == 143_616
    fit = fit_blocks(net)
    assert fit.n_cores == fit.lower_bound <= 198
    other = fit_blocks(net, channel_order="first")
    assert other.n_cores == other.lower_bound < fit.n_cores
    with pytest.raises(LoihiError, match="other order"):
        other.apply()
    with pytest.raises(LoihiError, match="other order"):
        other.verify()


def test_channels_in_another_order_are_as_in_a_network_built_so():
    def build(channels_last):
        layers = Layers(8 * 8 * 2)
        shapes = [(8, 8, 2), (8, 8, 6)]
        if not channels_last:
            shapes = [(2, 8, 8), (6, 8, 8)]
        pre = layers.encoder
        for number, (filters, shape) in enumerate(zip((6, 40), shapes)):
            transform = layers.convolution(
                filters, shape, padding="same", channels_last=channels_last
            )
            post = layers.population(transform.size_out, f"layer{number}")
            layers.connect(pre, post, transform)
            pre = post
        return layers.net

    for order, other in (("last", "first"), ("first", "last")):
        wanted = fit_blocks(build(order == "last"))
        found = fit_blocks(build(other == "last"), channel_order=order)
        assert found.reordered and not wanted.reordered
        assert [x.use.tiling for x in found.layers] == [x.use.tiling for x in wanted.layers]
        assert [x.use.blocks for x in found.layers] == [x.use.blocks for x in wanted.layers]


# ---------------------------------------------------------------- choices and objectives


@pytest.fixture(scope="module")
def image_net():
    return image_chain((12, 12, 4), [(32, 3, 1, "same"), (64, 3, 2, "same"), 150])


def test_axon_types(image_net):
    only32 = fit_blocks(image_net, pop_types=(32,))
    assert set(only32.pop_types.values()) == {32}
    both = fit_blocks(image_net)
    assert both.n_cores <= only32.n_cores
    assert both.verify()
    kept = fit_blocks(image_net, pop_types=None)
    assert set(kept.pop_types.values()) == {32}
    only16 = fit_blocks(image_net, pop_types=(16,))
    assert set(only16.pop_types.values()) == {16} and only16.verify()


def test_axon_types_of_the_network_stay_as_they_were(image_net):
    before = predicted_uses(core_use(image_net))
    read = loihi.read_layers(image_net)
    fit_blocks(read, pop_types=(16,))
    assert predicted_uses(core_use(read)) == before


def test_other_objectives(image_net):
    cores, latency, traffic = (fit_blocks(image_net, o) for o in ("cores", "latency", "traffic"))
    assert latency.busiest_ns < cores.busiest_ns
    assert cores.n_cores <= latency.n_cores <= limits.MAX_CORES_PER_CHIP
    total = traffic.host_messages + traffic.chip_messages
    assert total <= cores.host_messages + cores.chip_messages + 1e-6
    few = fit_blocks(image_net, "latency", max_cores=cores.n_cores + 3)
    assert few.n_cores <= cores.n_cores + 3
    assert all(fit.verify() for fit in (latency, traffic))


def test_pareto(image_net):
    fits = fit_blocks(image_net).pareto()
    assert len(fits) > 3
    points = [(f.n_cores, f.busiest_ns, f.host_messages + f.chip_messages) for f in fits]
    for one, other in itertools.permutations(points, 2):
        assert not all(a <= b for a, b in zip(one, other)) or one == other
    assert min(points)[0] == fit_blocks(image_net).n_cores


def test_messages_are_those_of_the_spikes(image_net):
    rng = np.random.RandomState(0)
    spikes = {e: rng.uniform(0, 0.5, e.n_neurons) for e in image_net.all_ensembles}
    fit = fit_blocks(image_net, spikes=spikes)
    read = loihi.read_layers(image_net)
    tilings = [layer.use.tiling for layer in fit.layers]
    (axons,) = read.inputs
    host = axons.messages(tilings[axons.target]) @ spikes[axons.ensemble]
    assert fit.host_messages == pytest.approx(host)
    chip = sum(
        out.messages(tilings[out.target]) @ spikes[out.ensemble]
        for layer in read.layers
        for out in layer.outputs
    )
    assert fit.chip_messages == pytest.approx(chip)


# ---------------------------------------------------------------- using it


def test_apply_code_and_shapes():
    net = image_chain((8, 8, 2), [(16, 3, 1, "same"), 40])
    fit = fit_blocks(net)
    net.config[net.all_ensembles[1]].block_shape = old = stack.nengo_loihi().BlockShape(
        (3, 3, 3), (8, 8, 16)
    )
    fit.verify()
    assert net.config[net.all_ensembles[1]].block_shape is old  # left as it was
    scope = {"net": net}
    exec(fit.code(), scope)
    by_code = predicted_uses(core_use(net))
    fit.apply()
    assert by_code == predicted_uses(core_use(net)) == predicted_uses(fit.use)
    assert built_uses(net) == by_code
    other = image_chain((8, 8, 2), [(16, 3, 1, "same"), 40])
    with pytest.raises(LoihiError, match="another network"):
        fit.apply(other)


def test_nothing_is_left_in_the_config():
    with nengo.Network(seed=0) as net:
        a = nengo.Ensemble(20, 1, label="a")
        b = nengo.Ensemble(20, 1, label="b")
        nengo.Connection(a, b)
        nengo.Connection(b, b)
    assert fit_blocks(net).verify()
    assert "block_shape" not in net.config[nengo.Ensemble]._extra_params


def test_what_fits_at_no_shape_is_named():
    with pytest.raises(LoihiError, match="dense1 is too much for any core") as caught:
        fit_blocks(dense_chain(10, 5000, 50))
    (problem,) = caught.value.problems
    assert problem.used == 5000 and "5,000 axons" in problem.remedy
    assert problem.obj.label == "dense1"


def test_nothing_on_the_chip():
    with nengo.Network() as net:
        nengo.Node(1.0)
    with pytest.raises(LoihiError, match="no Ensemble on the chip"):
        fit_blocks(net)


def test_messages_are_those_of_place():
    net = image_chain((8, 8, 2), [(16, 3, 1, "same"), 40])
    spikes = {e: np.ones(e.n_neurons, dtype=np.int64) for e in net.all_ensembles}
    fit = fit_blocks(net, spikes=spikes)
    mapping = loihi.place(net, fit=fit, activity=spikes)
    assert len(mapping.blocks) == fit.n_cores
    assert fit.host_messages == mapping.host_to_chip.sum()
    assert fit.chip_messages == mapping.on_chip + mapping.chip_to_chip


def test_wrong_arguments():
    net = dense_chain(5, 5)
    for wrong in ({"objective": "speed"}, {"pop_types": (8,)}, {"channel_order": "middle"}):
        with pytest.raises(LoihiError, match=f"{next(iter(wrong))} must be"):
            fit_blocks(net, **wrong)
