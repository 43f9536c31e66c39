"""Images a second through the emulated chip, against NengoLoihi's own emulator.

Both are given the same images, one after another from a fresh state, in one process; building
is left out of both times, compiling too. Spikes of every neuron and all outputs are compared
first. Run it on an idle machine::

    python benchmarks/emulation.py [tutorial] [cifar] [--images 500] [--reference 4]
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import nengo
import nengo_loihi
import numpy as np

import nengo_spikecost as nsc  # before nengo_dl, which it prepares for
from nengo_spikecost.loihi import mark_off_chip
from nengo_spikecost.loihi.emulation import Emulator


def tutorial():
    """The Keras-to-Loihi tutorial's network, trained, in 14 blocks; the shipped test digits."""
    from nengo_spikecost.demo import demo_data, demo_model
    from nengo_spikecost.lowering import lower

    conversion = nsc.convert(
        demo_model(),
        neuron_type="LoihiSpikingRectifiedLinear",
        scale_firing_rates=200,  # of every build that is compared, whatever its defaults
        synapse=0.005,
    )
    lowering = lower(conversion.net, keep=conversion.input_nodes)
    net = lowering.network
    first, conv0, conv1, dense0 = net.all_ensembles
    mark_off_chip(net, [first])
    for ensemble, block, shape in (
        (conv0, (16, 16, 4), (13, 13, 32)),
        (conv1, (8, 8, 16), (6, 6, 64)),
        (dense0, (50,), (100,)),
    ):
        net.config[ensemble].block_shape = nengo_loihi.BlockShape(block, shape)
    node = lowering.objects[conversion.input_nodes[0]]
    images = demo_data().x_test
    return net, node, images.reshape(len(images), -1).astype(float), 40


#: NengoLoihi's CIFAR-10 example: filters, kernel, stride, and block shape.
CIFAR_LAYERS = [
    (4, 1, 1, None),
    (64, 3, 2, (8, 8, 16)),
    (72, 3, 1, (7, 7, 8)),
    (256, 3, 2, (6, 6, 12)),
    (256, 1, 1, (6, 6, 24)),
    (64, 1, 1, (6, 6, 24)),
]


def cifar(strength: float = 1.0):
    """NengoLoihi's CIFAR-10 example (90 blocks), random weights; 50 random images.

    Weights are multiplied by ``strength``: of 1.0, 7 % of all neurons fire at each step.
    """
    rng = np.random.RandomState(0)
    amplitude = 1 / 150
    shape: Any = nengo.transforms.ChannelShape((32, 32, 3))
    with nengo.Network(seed=0) as net:
        nengo_loihi.add_params(net)
        net.config[nengo.Ensemble].max_rates = nengo.dists.Choice([150])
        net.config[nengo.Ensemble].intercepts = nengo.dists.Choice([0])
        node = last = nengo.Node(np.zeros(shape.size), label="input")
        for filters, size, stride, block in CIFAR_LAYERS:
            kernel = (size, size, shape.n_channels, filters)
            weights = rng.normal(0, strength * np.sqrt(2 / np.prod(kernel[:3])), kernel)
            transform = nengo.Convolution(
                filters, shape, strides=(stride, stride), kernel_size=(size, size), init=weights
            )
            neurons: Any = nengo_loihi.neurons.LoihiLIF(amplitude=amplitude)
            if block is None:
                neurons = nengo.SpikingRectifiedLinear(amplitude=amplitude)
            shape = transform.output_shape
            last = ensemble(net, last, neurons, transform, shape, block)
        dense = nengo.Dense((100, shape.size), init=rng.normal(0, 0.04, (100, shape.size)))
        vector = nengo.transforms.ChannelShape((100,))
        last = ensemble(net, last, neurons, dense, vector, (50,))
        output = nengo.Node(size_in=10, label="output")
        nengo.Connection(last, output, transform=rng.normal(0, 0.1, (10, 100)), synapse=0.005)
        nengo.Probe(output)
    return net, node, rng.uniform(-1, 1, (50, 3072)), 50


def ensemble(net: Any, pre: Any, neurons: Any, transform: Any, shape: Any, block: Any) -> Any:
    """Neurons that a transform leads to; off chip if they have no block shape."""
    found = nengo.Ensemble(shape.size, 1, neuron_type=neurons)
    if block is None:
        net.config[found].on_chip = False
    else:
        net.config[found].block_shape = nengo_loihi.BlockShape(block, shape.shape)
    nengo.Connection(pre, found.neurons, transform=transform, synapse=None)
    return found.neurons


NETWORKS = {"tutorial": tutorial, "cifar": cifar}


def reference(net: Any, node: Any, image: np.ndarray, n_steps: int) -> tuple[float, Any, Any]:
    """Seconds for one image in NengoLoihi; spikes of every compartment; what Probes saw."""
    before, node.output = node.output, image
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            sim = nengo_loihi.Simulator(net, target="sim", progress_bar=False)
            start = time.perf_counter()
            sim.run_steps(n_steps)
            seconds = time.perf_counter() - start
        finally:
            node.output = before
    spikes = sim.sims["emulator"].compartment.spike_count.copy()
    sim.close()
    return seconds, spikes, {probe: np.array(sim.data[probe]) for probe in net.all_probes}


def compare(name: str, n_images: int, n_reference: int, batch_size: int) -> None:
    """Print one network's figures."""
    net, node, images, n_steps = NETWORKS[name]()
    images = images[:n_images]
    start = time.perf_counter()
    emulator = Emulator(net, batch_size=batch_size)
    built = time.perf_counter() - start
    emulator.run({node: images[:2]}, n_steps)  # compiles

    expected = [reference(net, node, image, n_steps) for image in images[:n_reference]]
    found = emulator.run({node: images[:n_reference]}, n_steps, readout="all")
    for k, (_, spikes, outputs) in enumerate(expected):
        np.testing.assert_array_equal(found.spikes[k, : len(spikes)], spikes)
        for probe, values in outputs.items():
            np.testing.assert_allclose(found.outputs[probe].steps[k], values, rtol=1e-9)

    times = []
    for _ in range(3):
        start = time.perf_counter()
        run = emulator.run({node: images}, n_steps)
        times.append(time.perf_counter() - start)
    slow = np.mean([seconds for seconds, _, _ in expected])
    fast = min(times) / len(images)
    synops = run.synops.sum() / len(images)
    updates = run.updates().sum()
    print(
        f"{name}: {len(run.block_of)} blocks, {run.block_of[-1].stop} compartments, "
        f"{n_steps} steps, {synops:.0f} synops and {updates} updates an image; built in "
        f"{built:.1f} s\n"
        f"  NengoLoihi {1 / slow:.3g} images/s ({n_reference} images)\n"
        f"  Emulator   {1 / fast:.4g} images/s ({len(images)} images, {batch_size} side by side), "
        f"{synops / fast:.3g} synops/s, {updates / fast:.3g} updates/s\n"
        f"  {slow / fast:.0f} times as fast; spikes of {n_reference} images identical"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=["tutorial", "cifar"])
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--reference", type=int, default=4, help="images that NengoLoihi runs")
    parser.add_argument("--batch-size", type=int, default=100)
    arguments = parser.parse_args()
    for name in arguments.networks:
        compare(name, arguments.images, arguments.reference, arguments.batch_size)


if __name__ == "__main__":
    main()
