"""Time of `fit_blocks` against one build of NengoLoihi, and the cores that it finds.

Run it on an idle machine::

    python benchmarks/block_search.py [--network NAME ...] [--no-build]

The weights are random: nothing here looks at their values, other than whether they are equal.
NengoLoihi is timed on the shapes that were found, and every block is compared.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import nengo
import numpy as np

import nengo_spikecost as nsc  # before nengo_loihi, which it prepares for
from nengo_spikecost.errors import LoihiError
from nengo_spikecost.loihi import core_use, fit_blocks


def tutorial() -> Any:
    """The network of the Keras-to-Loihi tutorial, trained."""
    from nengo_spikecost.demo import demo_model

    return nsc.convert(
        demo_model(), neuron_type="LoihiSpikingRectifiedLinear", scale_firing_rates=200
    )


def image_chain(image: tuple[int, ...], *layers: Any) -> nengo.Network:
    """Convolutions as (filters, kernel, stride, padding), and dense layers as numbers."""
    import nengo_loihi

    rng = np.random.RandomState(0)
    neurons: dict[str, Any] = {
        "neuron_type": nengo_loihi.LoihiSpikingRectifiedLinear(),
        "gain": nengo.dists.Choice([1]),
        "bias": nengo.dists.Choice([0]),
    }
    with nengo.Network(seed=0) as net:
        nengo_loihi.add_params(net)
        shape = nengo.transforms.ChannelShape(image)
        pre = nengo.Ensemble(shape.size, 1, label="input", **neurons)
        net.config[pre].on_chip = False
        for number, layer in enumerate(layers):
            if isinstance(layer, int):
                transform: Any = rng.normal(size=(layer, pre.n_neurons)).astype("f4")
                size = layer
            else:
                filters, kernel, stride, padding = layer
                weights = rng.normal(size=(kernel, kernel, shape.n_channels, filters))
                transform = nengo.Convolution(
                    filters,
                    shape,
                    kernel_size=(kernel, kernel),
                    strides=(stride, stride),
                    padding=padding,
                    init=weights.astype("f4"),
                )
                size, shape = transform.size_out, transform.output_shape
            post = nengo.Ensemble(size, 1, label=f"layer{number}", **neurons)
            nengo.Connection(pre.neurons, post.neurons, transform=transform)
            pre = post
    return net


def cifar() -> nengo.Network:
    """The layers of NengoLoihi's CIFAR-10 example."""
    return image_chain(
        (32, 32, 4),
        (64, 3, 2, "valid"),
        (72, 3, 1, "valid"),
        (256, 3, 2, "valid"),
        (256, 1, 1, "valid"),
        (64, 1, 1, "valid"),
        100,
    )


def wide() -> nengo.Network:
    """Dense layers of 784, 4096, 1024 and 100 neurons."""
    return image_chain((784,), 4096, 1024, 100)


def large() -> nengo.Network:
    """Six convolutions and a dense layer, 143,616 neurons on the chip."""
    layers = [(f, 3, s, "same") for f in (64, 128, 256) for s in (1, 2)]
    return image_chain((32, 32, 3), *layers, 256)


NETWORKS = {"tutorial": tutorial, "wide": wide, "cifar": cifar, "large": large}


def run(name: str, build: bool) -> None:
    """Print one network's row."""
    network = NETWORKS[name]()
    start = time.perf_counter()
    use = core_use(network)
    predicting = time.perf_counter() - start
    default = f"{use.n_cores}" if use.fits else "does not fit"
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        fit = fit_blocks(network)
        seconds.append(time.perf_counter() - start)
    row = (
        f"{name:<10} default {default:<12} found {fit.n_cores:>4} bound {fit.lower_bound:>4} "
        f"core_use {predicting:6.2f} s  fit_blocks {min(seconds):6.2f} s"
    )
    if build:
        try:
            verified = fit.verify()
            said = "equal" if verified else "NOT EQUAL"
            row += f"  NengoLoihi's build {verified.seconds:6.1f} s, {said}"
        except LoihiError as error:
            row += f"  {error}"
    print(row, flush=True)


def main() -> None:
    """Run the networks that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", nargs="*", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--no-build", action="store_true", help="do not build with NengoLoihi")
    args = parser.parse_args()
    for name in args.network:
        run(name, not args.no_build)


if __name__ == "__main__":
    main()
