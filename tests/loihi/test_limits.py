"""What does not fit is said before NengoLoihi fails on it."""

from __future__ import annotations

import warnings

import nengo
import numpy as np
import pytest

from nengo_spikecost import stack
from nengo_spikecost.chip import limits
from nengo_spikecost.errors import LoihiError
from nengo_spikecost.loihi import CoreUse, check_fit, core_use

from .block_networks import RandomNetwork
from .networks import Layers

loihi = stack.nengo_loihi()


def build(net):
    """NengoLoihi's own build, with its checks."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = loihi.builder.Model(dt=0.001)
        model.build(net, discretize=False)
    return model


def test_the_limits_are_those_of_nengo_loihi():
    block = loihi.block
    assert limits.MAX_COMPARTMENTS == block.MAX_COMPARTMENTS
    assert limits.MAX_INPUT_AXONS == block.MAX_IN_AXONS
    assert limits.MAX_OUTPUT_AXONS == block.MAX_OUT_AXONS
    assert limits.MAX_SYNAPSE_BITS == block.MAX_SYNAPSE_BITS
    assert list(limits.INDEX_BITS) == block.SynapseConfig.INDEX_BITS_MAP
    hardware = loihi.hardware.nxsdk_objects
    assert limits.MAX_THRESHOLD_CONFIGS == hardware.MAX_VTH_CFGS - 1
    assert limits.MAX_COMPARTMENT_CONFIGS == hardware.MAX_COMPARTMENT_CFGS - 1


@pytest.mark.parametrize("bits_of_index", limits.INDEX_BITS)
def test_synapse_memory_is_counted_as_nengo_loihi_counts_it(bits_of_index):
    config = loihi.block.SynapseConfig(
        n_synapses=63,
        weight_bits=7,
        idx_bits=limits.INDEX_BITS.index(bits_of_index),
        compression=0,
    )
    for n in (0, 1, 7, 63, 64, 65, 128, 1000):
        assert limits.axon_bits(n, bits_of_index) == config.bits_per_axon(n)


def test_index_bits_are_those_of_nengo_loihi():
    synapse = loihi.block.Synapse(1)
    for largest in (*range(70), 127, 128, 255, 256, 1023, 1024, 4095):
        synapse.indices = [np.array([[largest]])]
        assert limits.index_bits(largest) == limits.INDEX_BITS[synapse.idx_bits()]


def test_use_of_a_core():
    use = CoreUse(1024, 10, 4097, 0)
    assert not use.fits and use.fullest[0] == "output axons"
    assert CoreUse(1024, 4096, 4096, 2**20).fits
    assert "4,097 of 4,096 output axons" in str(use)


@pytest.mark.parametrize("seeds", np.array_split(np.arange(1000, 1040), 4))
def test_random_networks_fit_if_and_only_if_nengo_loihi_builds_them(seeds):
    for seed in seeds:
        random = RandomNetwork(int(seed))
        misfits = check_fit(random.net)
        try:
            build(random.net)
        except (AssertionError, AttributeError, nengo.exceptions.BuildError) as error:
            assert any(misfit.refused for misfit in misfits), (seed, repr(error))
        else:
            assert not any(m.refused for m in misfits if m.resource != "learning blocks"), seed


def chain(*sizes, **kwargs):
    layers = Layers(sizes[0])
    pre = layers.encoder
    for number, size in enumerate(sizes[1:]):
        post = layers.population(size, f"layer{number}")
        layers.connect(pre, post, layers.weights(size, pre.n_neurons))
        pre = post
    return layers


def only(misfits, resource):
    (found,) = [misfit for misfit in misfits if misfit.resource == resource]
    return found


def test_too_many_inputs_fit_at_no_shape():
    misfit = only(check_fit(chain(10, 5000, 50).net), "input axons")
    assert misfit.name == "layer1" and misfit.refused
    assert (misfit.used, misfit.limit) == (5000, 4096)
    assert "No block shape helps" in misfit.remedy and "5,000 axons" in misfit.remedy
    assert "904 too many" in str(misfit)


def test_too_many_compartments_and_bits():
    layers = chain(50, 1500)
    (layer,) = [e for e in layers.net.all_ensembles if e.label == "layer0"]
    assert check_fit(layers.net) == ()
    misfit = only(check_fit(layers.net, {layer: (1400,)}), "compartments")
    assert (misfit.used, misfit.limit) == (1400, 1024)
    assert "in 1 of its 2 blocks" in misfit.reason and "fit_blocks" in misfit.remedy


def test_output_axons_name_the_layers_that_they_lead_to():
    layers = chain(10, 1000, 60)
    _, first, second = layers.net.all_ensembles
    misfit = only(check_fit(layers.net, {second: (10,)}), "output axons")
    assert misfit.obj is first and misfit.used == 6000
    assert "cut layer1 into fewer blocks" in misfit.remedy
    assert "pop_type" not in misfit.remedy


def convolution_network(channels, pop_type, filters=4, size=8):
    layers = Layers(size * size * channels)
    image = (size, size, channels)
    post = layers.population((size - 2) ** 2 * filters, "conv")
    transform = layers.convolution(filters, image, kernel_size=(3, 3))
    conn = layers.connect(layers.encoder, post, transform)
    layers.net.config[conn].pop_type = pop_type
    return layers, post


def test_pop16_offsets():
    layers, post = convolution_network(3, 16, filters=6)
    layers.net.config[post].block_shape = loihi.BlockShape((6, 6, 3), (6, 6, 6))
    misfit = only(check_fit(layers.net), "pop16 offsets")
    assert misfit.refused and "channels_last" in misfit.remedy
    with pytest.raises((AssertionError, AttributeError)):
        build(layers.net)
    assert check_fit(layers.net, {post: (6, 6, 4)}) != ()
    assert check_fit(convolution_network(3, 32, filters=6)[0].net) == ()


def test_pop16_channels_are_a_limit_of_the_hardware():
    misfit = only(check_fit(convolution_network(33, 16)[0].net), "pop16 channels")
    assert not misfit.refused and "33 channels" in misfit.reason
    assert check_fit(convolution_network(32, 16)[0].net) == ()


def test_pop16_axons_have_few_addresses():
    layers, _ = convolution_network(1, 16, size=40, filters=4)
    misfits = check_fit(layers.net, {layers.net.all_ensembles[1]: (38, 38, 4)})
    assert only(misfits, "pop16 input axons").used == 1600


def test_learning_needs_two_entries_an_axon():
    with nengo.Network(seed=0) as net:
        pre = nengo.Ensemble(900, 1, label="pre")
        error = nengo.Node(size_in=1)
        sink = nengo.Node(lambda t, x: None, size_in=1)
        learned = nengo.Connection(pre, sink, learning_rule_type=nengo.PES())
        nengo.Connection(error, learned.learning_rule)
    assert check_fit(net) == ()
    with net:
        big = nengo.Ensemble(3000, 1, label="big", max_rates=nengo.dists.Uniform(10, 20))
        learned = nengo.Connection(big, sink, learning_rule_type=nengo.PES())
        nengo.Connection(error, learned.learning_rule)
    misfit = only(check_fit(net), "learning axons")
    assert not misfit.refused and misfit.used == 6000


def test_cores_of_the_board():
    layers = chain(10, 300)
    layer = layers.net.all_ensembles[1]
    assert check_fit(layers.net, {layer: (2,)}) == ()
    misfit = only(check_fit(layers.net, {layer: (2,)}, n_chips=1), "cores")
    assert (misfit.used, misfit.limit, misfit.refused) == (150, 128, False)
    assert "2 chips" in misfit.remedy


def test_spikes_of_the_host():
    layers = chain(100, 60)
    encoder, layer = layers.net.all_ensembles
    assert check_fit(layers.net, spikes={encoder: 0.4}) == ()
    misfit = only(check_fit(layers.net, {layer: (20,)}, spikes={encoder: 0.4}), "host spikes")
    assert misfit.used == 120 and "snip_max_spikes_per_step" in misfit.remedy
    assert check_fit(layers.net, {layer: (20,)}, spikes={"encoder": 0.4}, max_host_spikes=200) == ()
    with pytest.raises(LoihiError, match="100 neurons"):
        check_fit(layers.net, spikes={encoder: np.ones(7)})
    with pytest.raises(LoihiError, match="mapping"):
        check_fit(layers.net, spikes=3)


def test_what_fits_says_nothing():
    layers = chain(20, 30, 10)
    assert check_fit(layers.net) == () and core_use(layers.net).fits
