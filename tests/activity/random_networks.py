"""Random networks of all that Nengo has, made from a seed."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import scipy.sparse

#: Steps of every presentation.
N_STEPS = 25


def neuron_types() -> list[Any]:
    """One of every type; more of those that spike and draw nothing."""
    import nengo_loihi

    return [
        nengo.RectifiedLinear(), nengo.SpikingRectifiedLinear(), nengo.LIF(), nengo.LIFRate(),
        nengo.AdaptiveLIF(tau_n=0.1), nengo.AdaptiveLIFRate(tau_n=0.1), nengo.Sigmoid(),
        nengo.Tanh(tau_ref=0.01), nengo.RegularSpiking(nengo.LIFRate()),
        nengo.RegularSpiking(nengo.RectifiedLinear(amplitude=0.5)),
        nengo.StochasticSpiking(nengo.RectifiedLinear()), nengo.PoissonSpiking(nengo.LIFRate()),
        nengo_loihi.neurons.LoihiLIF(), nengo_loihi.neurons.LoihiSpikingRectifiedLinear(),
        nengo.Izhikevich(), nengo.LIF(tau_rc=0.01, tau_ref=0.0035, min_voltage=-1, amplitude=0.4),
        nengo.SpikingRectifiedLinear(amplitude=0.2), nengo.SpikingRectifiedLinear(), nengo.LIF(),
        nengo.RegularSpiking(nengo.Sigmoid()),
    ]  # fmt: skip


class Drawn:
    """A network, the Nodes that are fed, and whether neurons draw random numbers.

    Parameters
    ----------
    seed : int
        Decides everything.

    Attributes
    ----------
    net : nengo.Network
    fed : list of nengo.Node
    draws : bool
    remembers : bool
        Whether a Node's function has a memory that outlives a simulator.
    """

    def __init__(self, seed: int):
        self.rng = np.random.RandomState(seed)
        self.draws = self.remembers = False
        self.net = nengo.Network(seed=seed)
        self.fed: list[nengo.Node] = []
        #: What Connections begin at: an object, or a part of one.
        self._sources: list[Any] = []
        self._ensembles: list[nengo.Ensemble] = []
        self._types = neuron_types()
        with self.net:
            for k in range(self._one_of(1, 1, 1, 2)):
                node = nengo.Node(np.zeros(self._one_of(1, 3, 8, 18)), label=f"given{k}")
                self.fed.append(node)
                self._sources.append(node)
            for _ in range(self._one_of(0, 0, 1, 2)):
                self._sources.append(self._other_node())
            for _ in range(self._one_of(1, 2, 2, 3, 4)):
                self._population()
            if self._chance(0.4):
                self._recurrence()
            if self._chance(0.25):
                self._learning()
            for k in range(self._one_of(1, 2, 3)):
                self._probe(k)

    def samples(self, n: int) -> dict[str, np.ndarray]:
        """Values for the Nodes that are fed, in float32, as `measure` hands them on."""
        one = [self._chance(0.5) for _ in self.fed]
        shapes = [(n, size.size_out) if still else (n, N_STEPS, size.size_out)
                  for still, size in zip(one, self.fed)]  # fmt: skip
        return {
            node.label: self.rng.uniform(-1, 1.5, shape).astype(np.float32)
            for node, shape in zip(self.fed, shapes)
        }

    # -- decisions ------------------------------------------------------------------------

    def _one_of(self, *choices: Any) -> Any:
        return choices[self.rng.randint(len(choices))]

    def _chance(self, probability: float) -> bool:
        return bool(self.rng.uniform() < probability)

    # -- parts ----------------------------------------------------------------------------

    def _other_node(self) -> nengo.Node:
        rng = self.rng
        kind = self._one_of("signal", "present", "noise", "time", "constant", "state")
        if kind == "signal":
            process: Any = nengo.processes.WhiteSignal(0.1, 100, seed=rng.randint(99))
            return nengo.Node(process, size_out=self._one_of(1, 3))
        if kind == "present":
            return nengo.Node(nengo.processes.PresentInput(rng.uniform(-1, 1, (3, 2)), 0.007))
        if kind == "noise":
            process = nengo.processes.FilteredNoise(nengo.Alpha(0.01), seed=rng.randint(99))
            return nengo.Node(process, size_out=2)
        if kind == "time":
            return nengo.Node(lambda t: [np.sin(30 * t), np.cos(50 * t)])
        if kind == "constant":
            return nengo.Node(rng.uniform(-1, 1, 3))
        return self._with_state()

    def _with_state(self) -> nengo.Node:
        self.remembers = True
        kept = [0.0]

        def leaks(t: float, x: Any) -> Any:
            kept[0] = 0.9 * kept[0] + float(np.sum(x))
            return [kept[0], t]

        pre = self._one_of(*self._sources)
        node = nengo.Node(leaks, size_in=self._size(pre))
        nengo.Connection(pre, node, synapse=self._synapse())
        return node

    @staticmethod
    def _size(obj: Any) -> int:
        return int(obj.size_out)

    def _part(self, obj: Any) -> Any:
        """An object, or some of it."""
        n = self._size(obj)
        kind = self._one_of("all", "all", "slice", "stride", "reverse", "list", "one")
        if n == 1 or kind == "all":
            return obj
        if kind == "slice":
            start = self.rng.randint(n - 1)
            return obj[start : self.rng.randint(start + 1, n)]
        if kind == "stride":
            return obj[:: self._one_of(2, 3)]
        if kind == "reverse":
            return obj[::-1]
        if kind == "one":
            return obj[self.rng.randint(n)]
        return obj[[int(k) for k in self.rng.permutation(n)[: self.rng.randint(1, n + 1)]]]

    def _synapse(self) -> Any:
        rng = self.rng
        a = float(rng.uniform(0.2, 0.8))
        b = float(rng.uniform(-0.5, 0.5))
        return self._one_of(
            None, 0.005, 0.02, nengo.Alpha(0.005), nengo.Lowpass(0), nengo.LinearFilter([0.7], [1]),
            nengo.LinearFilter([1, 30.0], [1, 60.0]), nengo.LinearFilter([2.0], [0.004, 1]),
            nengo.LinearFilter([1 - a], [1, -a], analog=False),
            nengo.LinearFilter([0.3, b], [1, -a], analog=False),
            nengo.LinearFilter([0.2, 0.1], [1, -a, a * a / 4], analog=False),
            nengo.LinearFilter([0.1, b, 0.2, 0.1], [1, -a, 0.1, -0.01], analog=False),
            nengo.Alpha(0.004).combine(nengo.Alpha(0.006)), nengo.synapses.Triangle(0.006),
            nengo.LinearFilter([1.0], [1, b], analog=False, method="euler"),
        )  # fmt: skip

    def _population(self) -> None:
        kind = self._one_of(*self._types)
        self.draws |= isinstance(kind, (nengo.StochasticSpiking, nengo.PoissonSpiking))
        pre = self._one_of(*self._sources)
        makers = [self._decoded, self._direct, self._direct]
        if self._size(pre) == 18:
            makers += [self._convolved] * 3
        self._one_of(*makers)(kind, pre)

    def _ensemble(self, n: int, kind: Any, dimensions: int = 1, **options: Any) -> nengo.Ensemble:
        if self._chance(0.1):
            options["noise"] = nengo.processes.WhiteNoise(seed=self.rng.randint(99))
        ensemble = nengo.Ensemble(n, dimensions, neuron_type=kind, **options)
        self._ensembles.append(ensemble)
        self._sources += [ensemble.neurons, ensemble] if self._chance(0.5) else [ensemble.neurons]
        return ensemble

    def _decoded(self, kind: Any, pre: Any) -> None:
        """An Ensemble by gains that Nengo draws, and a Connection to what it represents."""
        slow = isinstance(kind, nengo.Izhikevich)
        rates = nengo.dists.Uniform(20, 60) if slow else nengo.dists.Uniform(50, 300)
        if "Sigmoid" in str(kind) or "Tanh" in str(kind):
            rates = nengo.dists.Uniform(250, 350) if "RegularSpiking" in str(kind) else rates
            rates = nengo.dists.Uniform(30, 80) if "Tanh" in str(kind) else rates
            rates = nengo.dists.Uniform(250, 350) if "Sigmoid" in str(kind) else rates
        dimensions = self._one_of(1, 2, 3)
        ensemble = self._ensemble(self._one_of(5, 12, 18), kind, dimensions, max_rates=rates)
        for _ in range(self._one_of(1, 1, 2)):
            self._connect(self._part(pre), self._part(ensemble))
            pre = self._one_of(*self._sources)

    def _direct(self, kind: Any, pre: Any) -> None:
        """An Ensemble by gains and biases in numbers, and a Connection to its neurons."""
        n = self._one_of(4, 18, 18, 70)
        gain, bias = self.rng.uniform(1, 8, n), self.rng.uniform(-1, 12, n)
        if "Rectified" in str(kind):
            gain, bias = 30 * gain, 20 * bias
        if self._chance(0.3):
            gain, bias = np.full(n, gain[0]), np.full(n, bias[0])
        ensemble = self._ensemble(n, kind, gain=gain, bias=bias)
        for _ in range(self._one_of(1, 1, 2)):
            self._connect(self._part(pre), self._part(ensemble.neurons))
            pre = self._one_of(*self._sources)

    def _connect(self, pre: Any, post: Any, **options: Any) -> Any:
        n_in, n_out = self._size(pre), int(post.size_in)
        spikes = "Neurons" in str(pre)
        scale = 0.02 / np.sqrt(n_in) if spikes else 1.0
        base = getattr(pre, "obj", pre)
        decoded = isinstance(base, nengo.Ensemble)
        kinds = ["dense", "dense", "drawn", "dense" if decoded else "sparse"]
        if n_in == n_out:
            kinds += ["one", "vector", "none"]
        kind = self._one_of(*kinds)
        if kind == "sparse":
            matrix = scipy.sparse.random(n_out, n_in, 0.4, random_state=self.rng.randint(99))
            transform: Any = nengo.Sparse((n_out, n_in), init=matrix * 3 * scale)
        elif kind == "drawn":
            transform = nengo.Dense((n_out, n_in), init=nengo.dists.Uniform(-scale, 2 * scale))
        elif kind == "one":
            transform = 3 * scale
        elif kind == "vector":
            transform = self.rng.uniform(0, 3 * scale, n_out)
        elif kind == "none":
            transform = nengo.transforms.NoTransform(n_in)
        else:
            transform = self.rng.uniform(-scale, 2 * scale, (n_out, n_in))
        if decoded and self._chance(0.3):
            options["function"] = np.square
        if decoded and self._chance(0.2) and "Neurons" not in str(post):
            options["solver"] = nengo.solvers.LstsqL2(weights=True)
        return nengo.Connection(pre, post, transform=transform, synapse=self._synapse(), **options)

    def _convolved(self, kind: Any, pre: Any) -> None:
        """A convolution of some sort from 18 elements."""
        rng = self.rng
        init: Any = nengo.dists.Uniform(-0.005, 0.02) if "Neurons" in str(pre) else (
            nengo.dists.Uniform(-0.3, 1)
        )  # fmt: skip
        size = (self._one_of(1, 2, 3), self._one_of(1, 2, 3))
        options = {
            "kernel_size": size, "padding": self._one_of("same", "valid"), "init": init,
            "strides": (self._one_of(1, 2), self._one_of(1, 2)),
        }  # fmt: skip
        last = self._chance(0.7)
        shape = (3, 3, 2) if last else (2, 3, 3)
        which = self._one_of("plain", "plain", "groups", "transposed", "line")
        if which == "line":
            options.update(kernel_size=(self._one_of(1, 2, 3),), strides=(self._one_of(1, 2),))
            conv: Any = nengo.Convolution(self._one_of(1, 5), (6, 3), **options)
        elif which == "transposed":
            conv = nengo.ConvolutionTranspose(2, shape, channels_last=last, **options)
        else:
            groups = 2 if which == "groups" else 1
            filters = self._one_of(2, 4, 18, 34)
            conv = nengo.Convolution(filters, shape, channels_last=last, groups=groups, **options)
        n = conv.output_shape.size
        scale = 100 if "Rectified" in str(kind) else 1
        ensemble = self._ensemble(
            n, kind, gain=rng.uniform(1, 4, n) * scale, bias=rng.uniform(-1, 4, n) * scale
        )
        nengo.Connection(pre, ensemble.neurons, transform=conv, synapse=self._synapse())

    def _recurrence(self) -> None:
        ensemble = self._one_of(*self._ensembles)
        end = self._one_of(ensemble, ensemble.neurons)
        synapse = self._one_of(0.01, nengo.Alpha(0.005), 0.1)
        n = self._size(end)
        scale = 0.3 if end is ensemble else 0.01 / n
        weights = self.rng.uniform(-scale, scale, (n, n))
        nengo.Connection(end, end, transform=weights, synapse=synapse)

    def _learning(self) -> None:
        pre = self._one_of(*self._ensembles)
        post = self._ensemble(10, nengo.LIF())
        rule = self._one_of("pes", "bcm", "oja", "voja", "rls")
        if rule in ("pes", "rls"):
            kind: Any = nengo.PES(1e-4) if rule == "pes" else nengo.RLS(0.01, 0.01)
            start = pre.neurons if rule == "rls" else pre
            weights = np.zeros((1, self._size(start)))
            weights[:] = 0.001 if rule == "rls" else 1.0
            conn = nengo.Connection(
                start, post, transform=weights, learning_rule_type=kind, synapse=0.01
            )
            nengo.Connection(post, conn.learning_rule, transform=-1)
            return
        if rule == "voja":
            conn = nengo.Connection(pre[0], post, learning_rule_type=nengo.Voja(), synapse=0.01)
            return
        kind = nengo.BCM(1e-9) if rule == "bcm" else nengo.Oja(1e-6)
        weights = self.rng.uniform(0, 2e-3, (10, pre.n_neurons))
        nengo.Connection(pre.neurons, post.neurons, transform=weights, learning_rule_type=kind)

    def _probe(self, number: int) -> None:
        ensemble = self._one_of(*self._ensembles)
        kind = self._one_of("decoded", "neurons", "input", "source", "sampled")
        options: dict[str, Any] = {"synapse": self._synapse(), "label": f"probe{number}"}
        if kind == "neurons":
            nengo.Probe(self._part(ensemble.neurons), **options)
        elif kind == "input":
            nengo.Probe(ensemble.neurons, "input", **options)
        elif kind == "source":
            nengo.Probe(self._one_of(*self._sources), **options)
        else:
            if kind == "sampled":
                options["sample_every"] = self._one_of(0.002, 0.0035)
            nengo.Probe(self._part(ensemble), **options)
