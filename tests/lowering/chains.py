"""Random linear networks between two populations, made of what layers are made of."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.transforms import ChannelShape, Convolution, ConvolutionTranspose, Dense, Sparse

#: Kinds of layer that `random_network` draws from.
KINDS = (
    "convolution",
    "grouped",
    "transposed",
    "pooling",
    "scaling",
    "number",
    "padding",
    "cropping",
    "upsampling",
    "channels",
    "permutation",
    "dense",
    "sparse",
    "residual",
    "constant",
)


class Builder:
    """Adds layers to a network, keeping track of what its values look like."""

    def __init__(self, rng: np.random.RandomState):
        self.rng = rng
        self.last = bool(rng.randint(2))
        ndim = rng.randint(1, 3)
        self.space = tuple(int(n) for n in rng.randint(1, 6, ndim))
        self.channels = int(rng.randint(1, 4))

    @property
    def shape(self) -> ChannelShape:
        return ChannelShape.from_space_and_channels(self.space, self.channels, self.last)

    def numbers(self) -> np.ndarray:
        """Numbers of all elements, channels last."""
        numbers = np.arange(self.shape.size).reshape(self.shape.shape)
        return numbers if self.last else np.moveaxis(numbers, 0, -1)

    def flat(self, array: np.ndarray) -> np.ndarray:
        return (array if self.last else np.moveaxis(array, -1, 0)).ravel()

    def next(self, kind: str) -> dict[str, Any]:
        """Draw a layer of a kind: the slices and transform of a Connection."""
        return getattr(self, f"_{kind}")()

    def _conv(self, groups: int, n_filters: int) -> dict[str, Any]:
        padding = self.rng.choice(["same", "valid"])
        longest = [4 if padding == "same" else min(4, n) for n in self.space]
        kernel = tuple(int(self.rng.randint(1, n + 1)) for n in longest)
        init = self.rng.uniform(-1, 1, (*kernel, self.channels // groups, n_filters))
        transform = Convolution(
            n_filters,
            self.shape,
            kernel,
            tuple(int(n) for n in self.rng.randint(1, 3, len(kernel))),
            str(padding),
            self.last,
            init,
            groups,
        )
        self.space, self.channels = transform.output_shape.spatial_shape, n_filters
        return {"transform": transform}

    def _convolution(self) -> dict[str, Any]:
        return self._conv(1, int(self.rng.randint(1, 4)))

    def _grouped(self) -> dict[str, Any]:
        return self._conv(self.channels, self.channels * int(self.rng.randint(1, 3)))

    def _transposed(self) -> dict[str, Any]:
        kernel = tuple(int(n) for n in self.rng.randint(1, 4, len(self.space)))
        n_filters = int(self.rng.randint(1, 3))
        transform = ConvolutionTranspose(
            n_filters,
            self.shape,
            None,
            kernel,
            tuple(int(n) for n in self.rng.randint(1, 3, len(kernel))),
            str(self.rng.choice(["same", "valid"])),
            self.last,
            self.rng.uniform(-1, 1, (*kernel, self.channels, n_filters)),
        )
        self.space, self.channels = transform.output_shape.spatial_shape, n_filters
        return {"transform": transform}

    def _pooling(self) -> dict[str, Any]:
        size = tuple(min(2, n) for n in self.space)
        init = np.tile(np.eye(self.channels) / np.prod(size), (*size, 1, 1))
        transform = Convolution(
            self.channels, self.shape, size, size, channels_last=self.last, init=init
        )
        self.space = transform.output_shape.spatial_shape
        return {"transform": transform}

    def _scaling(self) -> dict[str, Any]:
        scale = self.rng.uniform(0.5, 2, self.channels)
        weights = self.flat(np.broadcast_to(scale, (*self.space, self.channels)))
        return {"transform": Dense((weights.size, weights.size), init=weights)}

    def _number(self) -> dict[str, Any]:
        return {"transform": Dense((self.shape.size,) * 2, init=self.rng.uniform(0.5, 2))}

    def _padding(self) -> dict[str, Any]:
        around = [tuple(self.rng.randint(0, 3, 2)) for _ in self.space]
        inner = tuple(slice(a, a + n) for (a, _), n in zip(around, self.space))
        self.space = tuple(int(n + a + b) for (a, b), n in zip(around, self.space))
        return {"post_slice": self.flat(self.numbers()[inner]).tolist()}

    def _cropping(self) -> dict[str, Any]:
        starts = [int(self.rng.randint(0, n)) for n in self.space]
        numbers = self.numbers()[tuple(slice(start, None) for start in starts)]
        self.space = numbers.shape[:-1]
        return {"pre_slice": self.flat(numbers).tolist()}

    def _upsampling(self) -> dict[str, Any]:
        numbers = self.numbers()
        for axis in range(len(self.space)):
            numbers = np.repeat(numbers, self.rng.randint(1, 3), axis)
        self.space = numbers.shape[:-1]
        return {"pre_slice": self.flat(numbers).tolist()}

    def _channels(self) -> dict[str, Any]:
        """Concatenation, of which one part is given: the others are zero."""
        before, after = (int(n) for n in self.rng.randint(0, 3, 2))
        chosen = slice(before, before + self.channels)
        self.channels += before + after
        return {"post_slice": self.flat(self.numbers()[..., chosen]).tolist()}

    def _permutation(self) -> dict[str, Any]:
        return {"pre_slice": self.rng.permutation(self.shape.size).tolist()}

    def _dense(self) -> dict[str, Any]:
        size_in = self.shape.size
        self.space, self.channels = (2,) * len(self.space), int(self.rng.randint(1, 3))
        shape = (self.shape.size, size_in)
        return {"transform": Dense(shape, init=self.rng.uniform(-1, 1, shape))}

    def _sparse(self) -> dict[str, Any]:
        size = self.shape.size
        indices = self.rng.randint(0, size, (2 * size, 2))
        init = self.rng.uniform(-1, 1, 2 * size)
        return {"transform": Sparse((size, size), indices=indices, init=init)}


def random_network(seed: int, kinds: list[str]) -> nengo.Network:
    """A population, layers of the given kinds, and a population that never is silent."""
    rng = np.random.RandomState(seed)
    builder = Builder(rng)
    with nengo.Network(seed=seed) as net:
        source = nengo.Ensemble(**_neurons(builder.shape.size, 0.0), label="source")
        here: Any = source.neurons
        synapse: Any = 0.002
        for kind in kinds:
            if here.size_out > 400:
                break
            before = here
            if kind == "constant" or (kind == "residual" and before is source.neurons):
                here = nengo.Node(size_in=before.size_out)
                bias = nengo.Node(rng.uniform(-1, 1, before.size_out))
                nengo.Connection(bias, here, synapse=None)
                nengo.Connection(before, here, synapse=synapse)
            elif kind == "residual":
                here = nengo.Node(size_in=before.size_out)
                nengo.Connection(before, here, synapse=None)
                weights = rng.uniform(-1, 1)
                nengo.Connection(before, here, synapse=None, transform=weights)
            else:
                layer = builder.next(kind)
                here = nengo.Node(size_in=builder.shape.size)
                pre = before[layer["pre_slice"]] if "pre_slice" in layer else before
                post = here[layer["post_slice"]] if "post_slice" in layer else here
                transform = layer.get("transform")
                nengo.Connection(pre, post, synapse=synapse, transform=transform)
            synapse = None
        # No path leads to values below -1e6: with such a bias the neurons are linear.
        target = nengo.Ensemble(**_neurons(here.size_out, 1e6), label="target")
        nengo.Connection(here, target.neurons, synapse=synapse)
    return net


def _neurons(n_neurons: int, bias: float) -> dict[str, Any]:
    return {
        "n_neurons": n_neurons,
        "dimensions": 1,
        "neuron_type": nengo.RectifiedLinear(),
        "gain": nengo.dists.Choice([1.0]),
        "bias": nengo.dists.Choice([bias]),
    }


def simulated_matrix(net: nengo.Network, source: Any, target: Any) -> np.ndarray:
    """What the target's neurons get for each unit input of the source's, and for none.

    Each input is held for some steps, in which filters pass on most of it.

    Returns
    -------
    ndarray of shape (6 * (source.n_neurons + 1), target.n_neurons)
        One row a step.
    """
    size, held = source.n_neurons, 6
    basis = np.concatenate([np.eye(size), np.zeros((1, size))])
    with nengo.Network(add_to_container=False) as outer:
        outer.networks.append(net)
        feed = nengo.Node(lambda t: basis[(round(t / 0.001) - 1) // held], size_out=size)
        nengo.Connection(feed, source.neurons, synapse=None)
        probe = nengo.Probe(target.neurons)
    with nengo.Simulator(outer, progress_bar=False, optimize=False) as sim:
        sim.run_steps(held * len(basis), progress_bar=False)
    return np.array(sim.data[probe])
