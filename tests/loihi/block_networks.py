"""Random networks for the tests of block shapes, and what NengoLoihi really builds of them."""

from __future__ import annotations

import warnings
from typing import Any

import nengo
import numpy as np
import scipy.sparse

from nengo_spikecost import stack

MAX_NEURONS = 2500


def built_uses(net: nengo.Network) -> tuple[dict[Any, list[tuple[int, ...]]], list[Any]]:
    """Use of every block that NengoLoihi builds: by Ensemble, and sorted, of all others."""
    loihi = stack.nengo_loihi()
    model = loihi.builder.Model(dt=0.001)
    model.validation_level = loihi.builder.builder.ValidationLevel.NONE
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model.build(net, discretize=False)
    found = {}
    others = set(model.blocks)
    for ensemble in net.all_ensembles:
        blocks = model.objs[ensemble].get("in")
        if blocks is not None:
            blocks = blocks if isinstance(blocks, list) else [blocks]
            found[ensemble] = [_use(block) for block in blocks]
            others -= set(blocks)
    return found, sorted(_use(block) for block in others)


def _use(block: Any) -> tuple[int, ...]:
    return tuple(int(used) for used, _ in block.utilization().values())


def predicted_uses(use: Any) -> tuple[dict[Any, list[tuple[int, ...]]], list[Any]]:
    """The same of a prediction."""
    found, others = {}, []
    for layer in use.layers:
        blocks = [
            (b.compartments, b.input_axons, b.output_axons, b.synapse_bits) for b in layer.blocks
        ]
        if layer.ensemble is None:
            others += blocks
        else:
            found[layer.ensemble] = blocks
    return found, sorted(others)


class RandomNetwork:
    """Populations on the chip joined at random: images, vectors and decoded values.

    Parameters
    ----------
    seed : int
        Of everything, weights and all.
    """

    def __init__(self, seed: int):
        self.rng = np.random.RandomState(seed)
        loihi = stack.nengo_loihi()
        self.net = nengo.Network(seed=seed if seed % 4 else 1)
        loihi.add_params(self.net)
        self.channels_last = bool(self.rng.randint(2))
        self.shapes: dict[Any, tuple[int, ...]] = {}
        self.kinds: list[str] = []
        with self.net:
            first = self.image(int(self.rng.randint(1, 5)))
            images = [self.population(first, on_chip=False)]
            for _ in range(self.rng.randint(1, 4)):
                images.append(self.convolve(images))
            vectors = [self.connect(images) for _ in range(self.rng.randint(1, 3))]
            if self.rng.rand() < 0.3:
                vectors.append(self.connect([*images, *vectors]))
            if self.rng.rand() < 0.25:
                self.relay(vectors, images)
            if self.rng.rand() < 0.25:
                self.values(vectors)
        self.give_shapes()

    def image(self, channels: int) -> tuple[int, ...]:
        rows, columns = (int(n) for n in self.rng.randint(3, 14, size=2))
        return (rows, columns, channels) if self.channels_last else (channels, rows, columns)

    def population(self, shape: tuple[int, ...], on_chip: bool = True) -> nengo.Ensemble:
        loihi = stack.nengo_loihi()
        gain = float(self.rng.choice([1, 0.7]))
        ensemble = nengo.Ensemble(
            int(np.prod(shape)),
            1,
            neuron_type=loihi.neurons.LoihiSpikingRectifiedLinear(
                amplitude=float(self.rng.choice([1, 0.013]))
            ),
            gain=nengo.dists.Choice([gain]),
            bias=nengo.dists.Choice([0]),
            label=f"p{len(self.shapes)}",
        )
        self.shapes[ensemble] = tuple(int(n) for n in shape)
        self.net.config[ensemble].on_chip = None if on_chip else False
        return ensemble

    def kernel(self, *shape: int) -> np.ndarray:
        """Weights of several sorts: all different, few values, a pooling, pruned."""
        kind = self.rng.choice(["random", "few", "equal", "pruned"], p=[0.55, 0.15, 0.15, 0.15])
        weights = self.rng.normal(size=shape)
        if kind == "few":
            weights = np.round(weights)
        elif kind == "equal":
            weights = np.broadcast_to(weights[:1, :1], shape).copy()
        elif kind == "pruned":
            weights = weights * (self.rng.rand(*shape) < 0.3)
        return weights

    def convolution(self, shape: tuple[int, ...]) -> Any:
        rng = self.rng
        channels = shape[-1] if self.channels_last else shape[0]
        groups = int(rng.choice([g for g in range(1, channels + 1) if channels % g == 0]))
        kernel = tuple(int(n) for n in rng.randint(1, 5, size=2))
        options: dict[str, Any] = {
            "strides": tuple(int(n) for n in rng.randint(1, 4, size=2)),
            "kernel_size": kernel,
            "padding": str(rng.choice(["valid", "same"])),
            "channels_last": self.channels_last,
        }
        if rng.rand() < 0.2:
            filters = int(rng.randint(1, 10))
            self.kinds.append("transposed")
            weights = self.kernel(*kernel, channels, filters)
            return nengo.ConvolutionTranspose(filters, shape, init=weights, **options)
        if rng.rand() < 0.6:
            groups = 1
        filters = groups * int(rng.randint(1, 33 // groups + 1))
        self.kinds.append("grouped" if groups > 1 else "convolution")
        weights = self.kernel(*kernel, channels // groups, filters)
        return nengo.Convolution(filters, shape, groups=groups, init=weights, **options)

    def convolve(self, images: list[Any]) -> nengo.Ensemble:
        """A population that one or two convolutions lead to."""
        pre = images[self.rng.randint(len(images))]
        while True:
            try:
                transform = self.convolution(self.shapes[pre])
            except nengo.exceptions.ValidationError:
                continue
            shape = transform.output_shape.shape
            if min(shape) > 0 and np.prod(shape) <= MAX_NEURONS:
                break
        post = self.population(shape)
        n_ways = 2 if self.rng.rand() < 0.15 else 1
        for _ in range(n_ways):
            conn = nengo.Connection(pre.neurons, post.neurons, transform=transform)
            self.net.config[conn].pop_type = int(self.rng.choice([16, 32]))
        if n_ways == 2:
            self.kinds.append("two inputs")
        return post

    def connect(self, sources: list[Any]) -> nengo.Ensemble:
        """A population of vectors, from one or two sources, from all or some neurons of them."""
        rng = self.rng
        post = self.population((int(rng.choice([rng.randint(1, 20), rng.randint(20, 1500)])),))
        for _ in range(rng.choice([1, 2], p=[0.7, 0.3])):
            pre = sources[rng.randint(len(sources))]
            neurons = pre.neurons
            if rng.rand() < 0.3:
                neurons = neurons[:: int(rng.randint(1, 4))]
                self.kinds.append("sliced")
            shape = (post.n_neurons, neurons.size_out)
            if rng.rand() < 0.3:
                self.kinds.append("sparse")
                matrix = scipy.sparse.random(*shape, 0.1, "csr", random_state=rng)
                matrix.data = np.round(matrix.data * 3)  # equal values, and explicit zeros
                if not matrix.nnz:
                    matrix = scipy.sparse.csr_matrix(([1.0], ([0], [0])), shape=shape)
                transform: Any = nengo.Sparse(shape, init=matrix)
            else:
                self.kinds.append("dense")
                init: Any = self.kernel(*shape)
                if rng.rand() < 0.15:
                    init = nengo.dists.Uniform(-1, 1)
                transform = nengo.Dense(shape, init=init)
            nengo.Connection(neurons, post.neurons, transform=transform)
        return post

    def relay(self, vectors: list[Any], images: list[Any]) -> None:
        """A way through a passthrough Node, which NengoLoihi makes one matrix of."""
        self.kinds.append("relay")
        pre = vectors[self.rng.randint(len(vectors))]
        node = nengo.Node(size_in=pre.n_neurons)
        nengo.Connection(pre.neurons, node, synapse=None)
        post = self.population((int(self.rng.randint(1, 300)),))
        weights = self.kernel(post.n_neurons, pre.n_neurons)
        nengo.Connection(node, post.neurons, transform=weights)

    def values(self, vectors: list[Any]) -> None:
        """Ensembles joined by decoded values, which NengoLoihi adds neurons for."""
        rng = self.rng
        self.kinds.append("decoded")
        dimensions = int(rng.choice([1, 3, 60]))
        options: dict[str, Any] = {"neuron_type": nengo.LIF()}
        if rng.rand() < 0.5:
            options["encoders"] = nengo.dists.Choice(np.eye(dimensions))
        a = nengo.Ensemble(int(rng.randint(50, 150)), dimensions, label="a", **options)
        b = nengo.Ensemble(int(rng.randint(50, 150)), dimensions, label="b", **options)
        self.shapes[a], self.shapes[b] = (a.n_neurons,), (b.n_neurons,)
        source = nengo.Node(np.zeros(dimensions), label="values")
        nengo.Connection(source, a)
        nengo.Connection(a, b)
        if rng.rand() < 0.5:
            nengo.Connection(a[0], b, function=lambda x: [x**2] * dimensions)
        if rng.rand() < 0.3:
            nengo.Connection(b, b, solver=nengo.solvers.LstsqL2(weights=True))
        if rng.rand() < 0.5:
            nengo.Probe(b, synapse=0.01)
        if rng.rand() < 0.5:
            sink = nengo.Node(lambda t, x: None, size_in=dimensions)
            nengo.Connection(b, sink)
        if rng.rand() < 0.3:
            sink = nengo.Node(lambda t, x: None, size_in=dimensions)
            learned = nengo.Connection(a, sink, learning_rule_type=nengo.PES())
            self.kinds.append("learning")
            nengo.Connection(source, learned.learning_rule)
        pre = vectors[rng.randint(len(vectors))]
        nengo.Connection(pre.neurons, b, transform=rng.normal(size=(dimensions, pre.n_neurons)))

    def give_shapes(self) -> None:
        """Block shapes for most populations, of any size; at most 30 blocks each."""
        loihi = stack.nengo_loihi()
        for ensemble, shape in self.shapes.items():
            if self.rng.rand() < 0.2:
                continue
            if self.rng.rand() < 0.15:
                shape = (ensemble.n_neurons,)
            while True:
                tile = tuple(int(self.rng.randint(max(1, n // 4), n + 1)) for n in shape)
                if np.prod([-(-n // t) for n, t in zip(shape, tile)]) <= 30:
                    break
            self.net.config[ensemble].block_shape = loihi.BlockShape(tile, shape)


def probed_blocks(seed: int) -> RandomNetwork:
    """A random network all of which is probed; values feed its neurons off the chip."""
    random = RandomNetwork(seed)
    with random.net:
        for ensemble in random.net.all_ensembles:
            nengo.Probe(ensemble.neurons, synapse=None)
            if random.net.config[ensemble].on_chip is False:
                node = nengo.Node(random.rng.uniform(50, 400, ensemble.n_neurons))
                nengo.Connection(node, ensemble.neurons, synapse=None)
    return random
