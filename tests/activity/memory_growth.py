"""How much something takes, against what was said: run in a process of its own.

    python -m tests.activity.memory_growth SIMULATOR NETWORK BATCH_SIZE
    python -m tests.activity.memory_growth Emulator|fit_blocks tutorial BATCH_SIZE
    python -m tests.activity.memory_growth fine_tune spikes|rates|steps|steps-quantize BATCH_SIZE

prints the bytes that were said, and those by which the process grew.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

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

    "python": neurons that compiled code leaves to Python; "depthwise": convolutions that it writes
    out as sparse matrices; "chip": convolutions for Loihi.
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
        if name == "depthwise":
            here = nengo.Node(np.zeros(96 * 96 * 16), label="source")
            for _ in range(3):
                transform = nengo.Convolution(
                    16, (96, 96, 16), (3, 3), padding="same", groups=16,
                    init=rng.normal(size=(3, 3, 1, 16)),
                )  # fmt: skip
                neurons = nengo.Ensemble(
                    transform.size_out, 1, neuron_type=nengo.LIF(),
                    gain=rng.uniform(1, 2, transform.size_out), bias=np.ones(transform.size_out),
                ).neurons  # fmt: skip
                nengo.Connection(here, neurons, transform=transform)
                here = neurons
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


def give_back_what_is_free() -> None:
    """Hand free memory back to the system: what compiling took would be used again, uncounted."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def simulated(simulator: str, name: str, batch_size: int) -> tuple[int, Callable[[], Any]]:
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
    said = simulators.get(simulator).need(net).total(batch_size)
    return said, lambda: nsc.measure(net, x, N_STEPS, **options)


def tutorial() -> nsc.Conversion:
    """The network of the Keras-to-Loihi tutorial."""
    from nengo_spikecost.demo import demo_model

    return nsc.convert(demo_model(), neuron_type="LoihiSpikingRectifiedLinear")


def emulated(_: str, name: str, batch_size: int) -> tuple[int, Callable[[], Any]]:
    from nengo_spikecost.loihi import Emulator, fit_blocks
    from nengo_spikecost.loihi.emulation.emulator_memory import emulator_need

    with Emulator(network("chip"), batch_size=2) as small:
        small.run(None, N_STEPS)
    net = tutorial()
    fit = fit_blocks(net, progress=False)
    given = {net.input_nodes[0]: np.ones((batch_size, 784), dtype="f4")}

    def run() -> Any:
        with Emulator(fit, batch_size=batch_size) as emulator:
            return emulator.run(given, 40)

    return emulator_need(net.net).total(batch_size), run


def fitted(_: str, name: str, batch_size: int) -> tuple[int, Callable[[], Any]]:
    from nengo_spikecost.loihi import fit_blocks
    from nengo_spikecost.loihi.blocks.fit_memory import fit_need

    fit_blocks(network("chip"), progress=False)
    net: Any = tutorial() if name == "tutorial" else network(name)
    said = fit_need(getattr(net, "net", net)).total()
    return said, lambda: fit_blocks(net, time_limit=30, progress=False)


def trained(_: str, name: str, batch_size: int) -> tuple[int, Callable[[], Any]]:
    """A convolutional network with spikes, rates, or all steps unrolled."""
    from nengo_spikecost import stack, tuning
    from nengo_spikecost.tuning.training.training_memory import training_need

    keras = stack.keras()
    name, _, quantize = name.partition("-")
    chip: Any = {"quantize": True, "layer_delay": 1} if quantize else {}

    def model(size: int, n_filters: int) -> Any:
        inp = x = keras.Input((size, size, 1))
        for _ in range(3):
            x = keras.layers.Conv2D(n_filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(inp, keras.layers.Dense(10)(x))

    def train(a_model: Any, n: int, n_steps: int) -> None:
        size = a_model.inputs[0].shape[1]
        x = np.random.RandomState(0).uniform(size=(2 * n, size, size, 1)).astype("f4")
        tuning.fine_tune(
            a_model, x, np.arange(2 * n) % 10, n_steps=n_steps, forward=name, batch_size=n,
            validation=0, progress=False, synapse=None, neuron_type="LoihiSpikingRectifiedLinear",
            **chip,
        )  # fmt: skip

    train(model(6, 2), 4, 6)  # compiles; with delays a spike takes four steps to the output
    large, n_steps = model(28, 16), 20
    form = {} if name == "steps" else {"lower": False, "inference_only": False}
    net = nsc.convert(large, **form).net
    n_simulated = 1 if name == "rates" else n_steps
    said = training_need(net, n_simulated, bool(quantize)).total(batch_size)
    return said, lambda: train(large, batch_size, n_steps)


JOBS = {"Emulator": emulated, "fit_blocks": fitted, "fine_tune": trained}


def main() -> None:
    what, name, batch_size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    warnings.simplefilter("ignore")
    # decoders that were solved for once are kept on disk, and take nothing the second time
    nengo.rc["decoder_cache"]["enabled"] = "False"
    said, run = JOBS.get(what, simulated)(what, name, batch_size)
    give_back_what_is_free()
    before = of_process("VmRSS")
    run()
    print(json.dumps([said, of_process("VmHWM") - before]))


if __name__ == "__main__":
    main()
