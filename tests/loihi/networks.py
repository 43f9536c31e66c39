"""Small networks in lowered form, and what runs them."""

from __future__ import annotations

import warnings
from typing import Any

import nengo
import numpy as np
from nengo.builder.signal import Signal
from nengo.builder.transforms import GeneralConvInc

from nengo_spikecost import stack

STEPS = 30
SYNAPSE = 0.005


class Layers:
    """A chain of populations: one off chip that is fed numbers, the others on the chip.

    Parameters
    ----------
    n_inputs : int
        Size of the first population.
    seed : int
        Of the input and of all weights made by `weights`.
    neuron_type : nengo.neurons.NeuronType, optional
        Default: LoihiSpikingRectifiedLinear, which no simulator lets fire twice a step.
    """

    def __init__(self, n_inputs: int, seed: int = 0, neuron_type: Any = None):
        loihi = stack.nengo_loihi()
        self.rng = np.random.RandomState(seed)
        self.neuron_type = neuron_type or loihi.neurons.LoihiSpikingRectifiedLinear()
        self.net = nengo.Network(seed=seed)
        loihi.add_params(self.net)
        with self.net:
            self.input = nengo.Node(self.rng.uniform(50, 300, n_inputs), label="input")
            self.encoder = self.population(n_inputs, "encoder", on_chip=False)
            nengo.Connection(self.input, self.encoder.neurons, synapse=None)
        self.probes: dict[str, nengo.Probe] = {}
        self.probe(self.encoder)

    def population(self, size: int, label: str, on_chip: bool = True, gain: Any = 1) -> Any:
        """A population of equal neurons without biases."""
        with self.net:
            ens = nengo.Ensemble(
                size,
                1,
                neuron_type=self.neuron_type,
                gain=nengo.dists.Choice([gain]) if np.ndim(gain) == 0 else gain,
                bias=nengo.dists.Choice([0]),
                label=label,
            )
        if not on_chip:
            self.net.config[ens].on_chip = False
        return ens

    def connect(self, pre: Any, post: Any, transform: Any, synapse: Any = SYNAPSE) -> Any:
        """A Connection from neurons to neurons."""
        with self.net:
            return nengo.Connection(pre.neurons, post.neurons, transform=transform, synapse=synapse)

    def probe(self, ens: Any) -> None:
        """Record the spikes of a population under its label."""
        with self.net:
            self.probes[ens.label] = nengo.Probe(ens.neurons, synapse=None)

    def weights(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        """Random weights, mostly positive, that keep layers firing."""
        fan_in = max(1, int(np.prod(shape[:-1])))
        return self.rng.uniform(-0.4, 1.0, shape) * scale * 6 / fan_in

    def convolution(self, n_filters: int, input_shape: Any, **kwargs: Any) -> nengo.Convolution:
        """A Convolution with random weights."""
        return random_convolution(nengo.Convolution, n_filters, input_shape, self, **kwargs)


def random_convolution(
    cls: Any, n_filters: int, input_shape: Any, layers: Layers, **kwargs: Any
) -> Any:
    """A transform of type `cls` with the weights of ``layers.weights``."""
    shape = cls(n_filters, input_shape, **kwargs).kernel_shape
    return cls(n_filters, input_shape, init=layers.weights(*shape), **kwargs)


def dense_kernel(transform: nengo.Convolution) -> nengo.Convolution:
    """The same convolution without groups: weights of 0 between the groups."""
    n_channels, groups = transform.input_shape.n_channels, transform.groups
    kernel = np.zeros((*transform.kernel_size, n_channels, transform.n_filters))
    for g in range(groups):
        channels = slice(g * n_channels // groups, (g + 1) * n_channels // groups)
        filters = slice(g * transform.n_filters // groups, (g + 1) * transform.n_filters // groups)
        kernel[:, :, channels, filters] = transform.init[:, :, :, filters]
    return nengo.Convolution(
        transform.n_filters,
        transform.input_shape,
        kernel_size=transform.kernel_size,
        strides=transform.strides,
        padding=transform.padding,
        channels_last=transform.channels_last,
        init=kernel,
    )


def matrix_of_nengo(transform: Any) -> np.ndarray:
    """A convolution as a matrix (outputs, inputs): Nengo's operator on one-hot images."""
    signals = {
        name: Signal(shape=shape, name=name)
        for name, shape in (
            ("W", transform.kernel_shape),
            ("X", (transform.size_in,)),
            ("Y", (transform.size_out,)),
        )
    }
    values = {signal: np.zeros(signal.shape) for signal in signals.values()}
    values[signals["W"]][...] = transform.init
    image, output = values[signals["X"]], values[signals["Y"]]
    step = GeneralConvInc(**signals, conv=transform).make_step(values, 0.001, None)
    matrix = np.zeros((transform.size_out, transform.size_in))
    for pixel in range(transform.size_in):
        image[...], output[...] = np.arange(len(image)) == pixel, 0
        step()
        matrix[:, pixel] = output
    return matrix


def emulate(net: nengo.Network, steps: int = STEPS, target: str = "sim", **kwargs: Any) -> Any:
    """Run a network on NengoLoihi's emulator; the closed simulator."""
    loihi = stack.nengo_loihi()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with loihi.Simulator(net, target=target, progress_bar=False, **kwargs) as sim:
            sim.run_steps(steps)
    return sim


def nengo_counts(net: nengo.Network, probes: dict[str, Any], steps: int = STEPS) -> dict[str, Any]:
    """Spikes of each neuron in Nengo's own simulator, by the label of the probe."""
    with nengo.Simulator(net, progress_bar=False, optimize=False) as sim:
        sim.run_steps(steps)
    return {label: np.round(sim.data[p] * sim.dt).sum(axis=0) for label, p in probes.items()}


def emulator_counts(sim: Any, probes: dict[str, Any]) -> dict[str, Any]:
    """Spikes of each neuron in the emulator, by the label of the probe."""
    return {label: np.round(sim.data[p] * sim.dt).sum(axis=0) for label, p in probes.items()}


def recurrent():
    """Decoded values between Ensembles on the chip, one of them to itself."""
    with nengo.Network(seed=3) as net:
        inp = nengo.Node(lambda t: np.sin(20 * t))
        a = nengo.Ensemble(30, 1, label="a")
        b = nengo.Ensemble(25, 1, label="b")
        nengo.Connection(inp, a)
        nengo.Connection(a, b)
        nengo.Connection(b, b, synapse=0.1)
        nengo.Probe(b)
    return net
