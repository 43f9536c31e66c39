"""A second reader of NIR graphs: every node by itself, one step after another.

It knows nothing of Nengo: values go along the edges, nested graphs are nodes that hand on, neurons
are the formulas of NIR's text and of ``conventions``, written out once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np

from .plain_graphs import applied

LINEAR = ("Affine", "Linear", "Conv1d", "Conv2d", "AvgPool2d", "SumPool2d", "Scale", "Flatten")


@dataclass(frozen=True)
class Step:
    """How neurons step: the names are those of `nengo_spikecost.nir.Convention`."""

    decay: str = "euler"
    gain: str = "euler"
    reset: str = "value"
    delayed: bool = False
    at_threshold: bool = False
    several: bool = False
    lowest: float | None = None
    current: str = "gain"
    start: str = "zero"


class Graph:
    """A graph whose nodes step.

    Parameters
    ----------
    given : graph
        Of `plain_graphs`.
    later : set of (str, str)
        Edges whose values arrive in the next step, by the names of a flat graph.
    dt : float
    step : Step
    """

    def __init__(self, given, later, dt, step=Step()):
        self.nodes, self.edges = {}, []
        self._add(given, ())
        self.later = {tuple(tuple(end.split("/")) for end in edge) for edge in later}
        assert self.later <= set(self.edges)
        self.dt, self.step = dt, step
        self.before = {name: [pre for pre, post in self.edges if post == name]
                       for name in self.nodes}  # fmt: skip
        now = {name: [p for p in before if (p, name) not in self.later]
               for name, before in self.before.items()}  # fmt: skip
        self.order = list(TopologicalSorter(now).static_order())
        self.state = {}

    def _add(self, given, path):
        for name, own in given.nodes.items():
            if hasattr(own, "nodes"):
                self._add(own, (*path, name))
            else:
                self.nodes[(*path, name)] = own
        for pre, post in given.edges:
            pre, post = (*path, pre), (*path, post)
            self.edges.append((self._end(given, pre, "Output"), self._end(given, post, "Input")))

    def _end(self, given, path, kind):
        inner = given.nodes[path[-1]]
        while hasattr(inner, "nodes"):
            (name,) = [n for n, own in inner.nodes.items() if type(own).__name__ == kind]
            inner, path = inner.nodes[name], (*path, name)
        return path

    def run(self, x):
        """What every node gives at each step of (steps, ...)."""
        shapes = self._shapes(x.shape[1:])
        values = {name: np.zeros(shape) for name, shape in shapes.items()}
        record = {"/".join(name): [] for name in self.nodes}
        for given in x:
            last, values = values, {}
            for name in self.order:
                fed = [(last if (pre, name) in self.later else values)[pre]
                       for pre in self.before[name]]  # fmt: skip
                total = sum(fed[1:], fed[0]) if fed else given
                values[name] = self._node(name, np.asarray(total, dtype=float))
                record["/".join(name)].append(values[name])
        return {name: np.array(steps) for name, steps in record.items()}

    def _shapes(self, shape):
        """Of what every node gives; loops are met twice."""
        shapes = {}
        for name in 2 * self.order:
            fed = [shapes[pre] for pre in self.before[name] if pre in shapes]
            if fed or not self.before[name]:
                own, values = self.nodes[name], np.zeros(fed[0] if fed else shape)
                is_linear = type(own).__name__ in LINEAR
                shapes[name] = applied(own, values).shape if is_linear else values.shape
        return shapes

    def _node(self, name, x):
        given = self.nodes[name]
        kind = type(given).__name__
        if kind in ("Input", "Output"):
            return x
        if kind in LINEAR:
            return applied(given, x)
        if kind == "Threshold":
            threshold = np.broadcast_to(given.threshold, x.shape)
            return 1.0 * (x >= threshold if self.step.at_threshold else x > threshold)
        if kind == "Delay":
            return self._delay(name, given, x)
        return self._neurons(name, given, kind, x)

    def _delay(self, name, given, x):
        past = self.state.setdefault(name, [])
        past.append(x)
        steps = np.rint(np.broadcast_to(given.delay, x.shape) / self.dt).astype(int)
        result = np.zeros_like(x)
        for place in np.ndindex(x.shape):
            if len(past) > steps[place]:
                result[place] = past[-1 - steps[place]][place]
        return result

    def _neurons(self, name, given, kind, x):
        own = self.step
        state = self.state.setdefault(name, {"i": np.zeros_like(x), "late": np.zeros_like(x)})
        if "v" not in state:
            state["v"] = np.zeros_like(x)
            if own.start != "zero" and hasattr(given, own.start):
                state["v"] = state["v"] + getattr(given, own.start)
            if own.reset == "subtract" and own.delayed:  # as snnTorch asks at each step's beginning
                v, theta = state["v"], getattr(given, "v_threshold", np.inf)
                state["late"] = 1.0 * (v >= theta if own.at_threshold else v > theta)
        r = given.r if hasattr(given, "r") else 1.0
        if kind in ("CubaLIF", "CubaLI"):
            q = self.dt / given.tau_syn
            kept = np.exp(-q) if own.decay == "exp" else 1 - q
            w_in = given.w_in if hasattr(given, "w_in") else 1.0
            if own.current == "gain":
                moved = 1 - kept if own.gain == "exact" else q
                state["i"] = kept * state["i"] + w_in * moved * x
            elif own.current == "jump":
                state["i"] = kept * state["i"] + w_in * x
            else:
                state["i"] = kept * (state["i"] + w_in * x)
            x = state["i"]
        if kind in ("IF", "I"):
            v = state["v"] + r * self.dt * x
        else:
            q = self.dt / (given.tau_mem if kind.startswith("Cuba") else given.tau)
            kept = np.exp(-q) if own.decay == "exp" else 1 - q
            moved = 1 - kept if own.gain == "exact" else q
            v = kept * state["v"] + moved * (r * x + given.v_leak)
        if kind in ("LI", "I", "CubaLI"):
            state["v"] = v
            return v
        theta = given.v_threshold
        v = v - state["late"] * theta
        fires = v >= theta if own.at_threshold else v > theta
        n = 1.0 * fires
        if own.several:
            n = np.where(fires, np.maximum(np.floor(v / theta), 1), 0)
        state["late"] = np.zeros_like(v)
        if own.reset == "value":
            v = np.where(fires, given.v_reset, v)
        elif own.reset == "subtract" and own.delayed:
            state["late"] = 1.0 * fires
        elif own.reset == "subtract":
            v = v - n * theta
        state["v"] = v if own.lowest is None else np.maximum(v, own.lowest)
        return n
