"""How much a simulation takes, against what was said: run in a process of its own.

    python -m tests.activity.memory_growth SIMULATOR NETWORK BATCH_SIZE

prints the bytes that were said, and those by which the process grew.
"""

from __future__ import annotations

import json
import sys
import warnings

import nengo
import numpy as np

import nengo_spikecost as nsc
from nengo_spikecost.activity import simulators

N_STEPS = 3


class OwnStep(nengo.SpikingRectifiedLinear):
    """Neurons with a step of their own; so have Izhikevich's, which Nengo is slow to build."""

    def step(self, dt, J, output, voltage):
        super().step(dt, J, output, voltage)


def network(name: str) -> nengo.Network:
    """A network of few neurons and many weights ("dense"), of many and few, or of the NEF.

    "python": neurons that compiled code leaves to Python; "chip": convolutions for Loihi.
    """
    rng = np.random.RandomState(0)
    if name == "chip":
        return chip_network(rng)
    with nengo.Network(seed=0) as net:
        if name == "nef":
            source = nengo.Node(np.zeros(4), label="source")
            a, b = (nengo.Ensemble(2000, 4, neuron_type=nengo.LIF()) for _ in range(2))
            nengo.Connection(source, a)
            nengo.Connection(a, b)
            return net
        if name == "python":
            source = nengo.Node(np.zeros(4), label="source")
            for _ in range(3):
                neurons = nengo.Ensemble(
                    200_000, 1, neuron_type=OwnStep(), gain=nengo.dists.Choice([1.0]),
                    bias=nengo.dists.Choice([5.0]),
                ).neurons  # fmt: skip
                nengo.Connection(source[0], neurons, transform=np.ones((200_000, 1)))
            return net
        shape = (128, 128, 1) if name == "wide" else (28, 28, 1)
        here = source = nengo.Node(np.zeros(int(np.prod(shape))), label="source")
        for _ in range(3):
            if name == "wide":
                n_filters = 16
                transform = nengo.Convolution(
                    n_filters,
                    shape,
                    (3, 3),
                    padding="same",
                    init=rng.normal(size=(3, 3, shape[-1], n_filters)),
                )
                shape = (*shape[:2], n_filters)
            else:
                weights = rng.normal(size=(3000, here.size_out))
                transform = nengo.Dense(weights.shape, init=weights)
            ensemble = nengo.Ensemble(
                transform.size_out,
                1,
                neuron_type=nengo.SpikingRectifiedLinear(),
                gain=nengo.dists.Choice([1.0]),
                bias=nengo.dists.Choice([0.0]),
            )
            nengo.Connection(here, ensemble.neurons, transform=transform)
            here = ensemble.neurons
    assert source is net.nodes[0]
    return net


def chip_network(rng: np.random.RandomState) -> nengo.Network:
    """A layer on the host, two convolutions and a dense layer on the chip."""
    from nengo_loihi.neurons import LoihiSpikingRectifiedLinear

    from nengo_spikecost.loihi import mark_off_chip

    shape = (40, 40, 1)
    with nengo.Network(seed=0) as net:
        here = nengo.Node(np.zeros(int(np.prod(shape))), label="source")
        for n_filters in (4, 8, 8, None):
            if n_filters is None:
                weights = rng.normal(size=(300, here.size_out))
                transform = nengo.Dense(weights.shape, init=weights)
            else:
                transform = nengo.Convolution(
                    n_filters, shape, (3, 3), strides=(2, 2),
                    init=rng.normal(size=(3, 3, shape[-1], n_filters)),
                )  # fmt: skip
                shape = transform.output_shape.shape
            ensemble = nengo.Ensemble(
                transform.size_out, 1, gain=nengo.dists.Choice([1.0]),
                bias=nengo.dists.Choice([0.0]),
                neuron_type=LoihiSpikingRectifiedLinear(
                    initial_state={"voltage": nengo.dists.Choice([0])}
                ),
            )  # fmt: skip
            nengo.Connection(here, ensemble.neurons, transform=transform)
            here = ensemble.neurons
    mark_off_chip(net, net.ensembles[:1])
    return net


def of_process(key: str) -> int:
    """A figure of this process in bytes: ``VmRSS``, or its peak ``VmHWM``."""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def main() -> None:
    simulator, name, batch_size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    warnings.simplefilter("ignore")
    # decoders that were solved for once are kept on disk, and take nothing the second time
    nengo.rc["decoder_cache"]["enabled"] = "False"
    options = {
        "simulator": simulator, "batch_size": batch_size, "progress": False,
        "presentation": "fresh",
    }  # fmt: skip
    # what is imported and compiled once is not what a network takes
    with nengo.Network() as small:
        node = nengo.Node([0.0])
        nengo.Connection(node, nengo.Ensemble(3, 1).neurons, transform=np.ones((3, 1)))
    nsc.measure(small, np.ones((batch_size, 1)), N_STEPS, **options)
    net = network(name)
    x = np.ones((batch_size, net.nodes[0].size_out), dtype="f4")
    said = simulators.get(simulator).need(net)
    before = of_process("VmRSS")
    nsc.measure(net, x, N_STEPS, **options)
    print(json.dumps([said.total(batch_size), of_process("VmHWM") - before]))


if __name__ == "__main__":
    main()
