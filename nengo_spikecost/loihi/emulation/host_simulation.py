"""The host's part of a network, for a whole batch: Nengo's own operators, many samples.

NengoLoihi lets Nengo simulate what is not on the chip. Here every signal that changes has one
array for all lanes of the batch. Every operator is run on these arrays at once where each lane
then has the very numbers that Nengo gives, and otherwise lane by lane: activity/batched_steps.py
says which, and why. What only hands arrays to the chip or takes them from it needs no operator.
Operators that depend only on inputs that do not change are run once a presentation.

Reference: nengo 4.1, simulator.py, builder/operator.py, builder/processes.py;
nengo-loihi 1.1.0, builder/inputs.py (``HostSendNode``, ``HostReceiveNode``).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Callable

import nengo
import numpy as np
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Copy, Reset
from nengo.builder.processes import SimProcess
from nengo.transforms import SparseMatrix
from nengo.utils.graphs import toposort
from nengo.utils.simulator import operator_dependency_graph

from ...activity import batched_steps
from ...errors import DataError
from .host_neurons import compiled_step

Step = Callable[[], None]


class HostPart:
    """One of the two Nengo models that NengoLoihi builds for the host.

    Parameters
    ----------
    model : nengo.builder.Model
    batch_size : int
        Lanes.
    fed : sequence of nengo.Node
        Nodes whose output is given from outside.
    changing : bool
        Whether these outputs change from step to step.
    senders, receivers : mapping from int to any key
        Keys of what goes to the chip and of what comes from it, by ``id`` of the process.
    seed : int
        Seed of processes that have none; the same for every lane.
    functions : HostFunctions
        The functions of Nodes that remember something.
    """

    def __init__(
        self, model: Any, batch_size: int, fed: Any, changing: bool,
        senders: Mapping[int, Any], receivers: Mapping[int, Any], seed: int, functions: Any,
    ):  # fmt: skip
        self.functions = functions
        #: Steps that may remember something outside of signals, by place of the operator.
        self.opaque: dict[int, list[Step]] = {}
        self._place = {id(op): k for k, op in enumerate(model.operators)}
        self.model, self.batch_size, self.seed = model, batch_size, seed
        self._senders, self._receivers = senders, receivers
        self.fed = {node: _output_of(model, node) for node in fed if node in model.params}
        #: Values sent in this step, and values received, by key, each (lanes, size).
        self.sent: dict[Any, np.ndarray] = {}
        self.received: dict[Any, np.ndarray] = {}

        kept = {id(op) for op in batched_steps.operators_of_a_step(model, self.fed.values())}
        order = toposort(operator_dependency_graph(model.operators))
        #: What is sent is copied nowhere: by the signal that would be sent, the one that is.
        self._sent_as = _copied_only(model, self._senders)
        copies = {id(op) for ops, _ in self._sent_as.values() for op in ops}
        self._operators = [op for op in order if id(op) in kept - copies]
        written = [s.base for op in self._operators for s in batched_steps.written(op)]
        written += [s.base for s in self.fed.values()]
        self._arrays = {
            base: np.empty((batch_size, *base.shape), dtype=base.initial_value.dtype)
            for base in dict.fromkeys(written)
        }
        self._views: dict[Any, np.ndarray] = {}
        changing_inputs = self.fed.values() if changing else ()
        self._changes = batched_steps.changing(self._operators, changing_inputs)
        self._once: list[Step] = []
        self._each: list[Step] = []
        self._kept: dict[int, Step] = {}

    def reset(self) -> None:
        """Take the state that a new simulator starts from."""
        for base, array in self._arrays.items():
            array[...] = base.initial_value
        self._once, self._each = [], []
        self.opaque = {}
        for op in self._operators:
            rngs = batched_steps.Generators(self.seed, self.batch_size, self._place[id(op)])
            step = self._kept.get(id(op)) or self._make_step(op, rngs)
            if batched_steps.remembers_nothing(op):
                self._kept[id(op)] = step
            (self._each if id(op) in self._changes else self._once).append(step)

    def begin(self) -> None:
        """Start a presentation, once its inputs were given to `feed`."""
        _run(self._once)

    def feed(self, node: Any, values: np.ndarray) -> None:
        """Set the output of a Node, ``(lanes, size)``."""
        if node in self.fed:
            self.array(self.fed[node])[...] = values

    def step(self) -> None:
        """Simulate one step of all lanes."""
        _run(self._each)

    @property
    def time(self) -> np.ndarray:
        """Simulated time in s, (lanes,)."""
        return self.array(self.model.time)

    @property
    def n_steps(self) -> int:
        """Steps since `reset`."""
        return int(self.array(self.model.step)[0])

    def array(self, signal: Any) -> np.ndarray:
        """A signal in all lanes, ``(lanes, ...)``; without lanes if it never changes."""
        if signal not in self._views:
            self._views[signal] = self._view(signal)
        return self._views[signal]

    def is_batched(self, signal: Any) -> bool:
        """Whether each lane has its own values of a signal."""
        return signal.base in self._arrays

    def _view(self, signal: Any) -> Any:
        array = self._arrays.get(signal.base)
        if array is None:
            value = signal.initial_value
            return value.allocate() if isinstance(value, SparseMatrix) else value
        if signal.base is signal:
            return array
        shape, strides = (self.batch_size, *signal.shape), (array.strides[0], *signal.strides)
        return np.ndarray(shape, array.dtype, array.data, signal.offset, strides)

    def _make_step(self, op: Any, rngs: Any) -> Step:
        if isinstance(op, SimProcess):
            if id(op.process) in self._senders:
                return self._sender(op, self._senders[id(op.process)])
            if id(op.process) in self._receivers:
                return self._receiver(op, self._receivers[id(op.process)])
        if isinstance(op, SimNeurons):
            step = compiled_step(op, self)
            if step is not None:
                return step
        return batched_steps.make_step(op, self, rngs)

    def keep(self, op: Any, steps: list[Step]) -> None:
        """Note the steps of an operator that may remember something outside of signals."""
        if not batched_steps.remembers_nothing(op):
            self.opaque[self._place[id(op)]] = steps

    def state(self) -> list[np.ndarray]:
        """The signals that change, in an order that is the same in every process."""
        return [self._arrays[base] for base in self._bases if base in self._arrays]

    def constants(self) -> list[np.ndarray]:
        """The signals that never change."""
        values = [base.initial_value for base in self._bases if base not in self._arrays]
        return [array for array in values if isinstance(array, np.ndarray)]

    @functools.cached_property
    def _bases(self) -> list[Any]:
        used = (signal.base for op in self.model.operators for signal in op.all_signals)
        return list(dict.fromkeys(used))

    def _sender(self, op: Any, key: Any) -> Step:
        _, source = self._sent_as.get(op.input, ((), op.input))
        values = self.array(source)

        def send() -> None:
            self.sent[key] = values

        return send

    def _receiver(self, op: Any, key: Any) -> Step:
        output = self.array(op.output)

        def receive() -> None:
            output[...] = self.received[key]

        return receive


def _copied_only(model: Any, senders: Mapping[int, Any]) -> dict[Any, tuple[list[Any], Any]]:
    """Signals for the chip that are set to 0, and to which one other is added, as it is.

    Gives by such a signal the operators that do so, and the other signal. Nothing else, no Probe
    either, may use the first; and no operator may change the second after it was read.
    """
    users: dict[Any, list[Any]] = {}
    for op in model.operators:
        for base in {signal.base for signal in op.all_signals}:
            users.setdefault(base, []).append(op)

    def computed_before(signal: Any) -> bool:
        before = [s.base for op in users[signal.base] for s in (*op.sets, *op.incs)]
        after = [s.base for op in users[signal.base] for s in op.updates]
        return signal.base in before and signal.base not in after

    copied = {}
    for op in model.operators:
        if isinstance(op, SimProcess) and id(op.process) in senders:
            target = op.input
            copies = [
                o for o in users[target.base]
                if isinstance(o, Copy) and o.inc and o.dst is target and o.src.shape == target.shape
                and o.src_slice is None and o.dst_slice is None and computed_before(o.src)
            ]  # fmt: skip
            resets = [o for o in users[target.base] if isinstance(o, Reset) and o.dst is target]
            if (
                len(copies) == len(resets) == 1
                and not resets[0].value
                and len(users[target.base]) == 3
            ):
                copied[target] = ([*resets, *copies], copies[0].src)
    return copied


def _run(steps: list[Step]) -> None:
    with np.errstate(invalid="raise", divide="ignore"):
        for step in steps:
            step()


def _output_of(model: Any, node: nengo.Node) -> Any:
    if node.size_in > 0:
        raise DataError(f"{node} computes its output from an input; only Nodes without can be fed.")
    signal = model.sig[node]["out"]
    if signal is None:
        raise DataError(f"{node} has no output that could be fed.")
    return signal


def counts_in(part: HostPart, ensemble: nengo.Ensemble) -> bool:
    """Whether neurons of an Ensemble run in this part of the host."""
    if ensemble not in part.model.params or ensemble.neurons not in part.model.sig:
        return False
    signal = part.model.sig[ensemble.neurons].get("out")
    return signal is not None and signal.shape == (ensemble.n_neurons,)


class HostCounter:
    """Counts the spikes of one Ensemble, as `PopulationActivity` has them.

    Parameters
    ----------
    part : HostPart
        That runs them.
    ensemble : nengo.Ensemble

    Attributes
    ----------
    counts : ndarray of shape (lanes, n_neurons)
        Since `begin`: spikes, int32, or of graded neurons the sum over steps of
        ``abs(output) * dt / amplitude``, float64.
    """

    def __init__(self, part: HostPart, ensemble: nengo.Ensemble):
        from . import host_kernels

        kind: Any = ensemble.neuron_type
        self.part, self.ensemble = part, ensemble
        self._signal = part.model.sig[ensemble.neurons]["out"]
        self._height = part.model.dt / float(getattr(kind, "amplitude", 1.0))
        self._spiking = bool(getattr(kind, "spiking", False))
        self._add = host_kernels.add_spikes if self._spiking else host_kernels.add_graded
        # in 32 bits, half as much is read and written at every step
        dtype = np.int32 if self._spiking else np.float64
        self.counts = np.zeros((part.batch_size, ensemble.n_neurons), dtype=dtype)

    def begin(self) -> None:
        """Start to count anew."""
        self.counts[...] = 0

    def add(self) -> None:
        """Count the step that was just simulated."""
        values = self.part.array(self._signal)
        if not self.part.is_batched(self._signal):
            values = np.broadcast_to(values, self.counts.shape)
        self._add(np.ascontiguousarray(values), self._height, self.counts)
