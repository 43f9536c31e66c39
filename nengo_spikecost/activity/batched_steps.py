"""Nengo's operators for a whole batch at once, where the numbers are those of one sample.

A **host** keeps the signals of all lanes: NengoLoihi's host in the emulation
(loihi/emulation/host_simulation.py), whose results must be those of Nengo to the last bit, because
a spike more or less changes all that follows on the chip; and the compiled engine, for what has no
instruction (compiled/compiled_network.py). How an operator becomes a step (`make_step`):

1. A function in `BATCHED` for the type of the operator makes a step for all lanes:

   * at once where every number is treated by itself: assignments, sums and products element by
     element, neurons of known types, lowpass filters; roundings in a lane are then Nengo's;
   * by the very product of matrices that Nengo does, lane by lane, for a convolution; only what
     Nengo does around the product is left out;
   * once, for all to take, where lanes can't differ: functions of nothing but time, and
     processes without input.

2. Anything else (products of matrices, functions of values, unknown neurons) is run by Nengo's
   own step, for one lane after another (`lane_by_lane`).

One product of larger matrices for all lanes would be faster in 2, and is not done: libraries sum
in an order that depends on the shapes of the matrices, so that last bits would differ.

A function in `BATCHED` is given the operator, the host and the lanes' generators of random
numbers; it gives the step, or None if this operator has to be run lane by lane.

Reference: nengo 4.1, builder/operator.py, builder/neurons.py, builder/processes.py.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any, Callable

import nengo
import numpy as np
from nengo.builder import operator as operators
from nengo.builder.neurons import SimNeurons
from nengo.builder.probe import SimProbe
from nengo.builder.processes import SimProcess
from nengo.builder.transforms import ConvInc, GeneralConvInc

Step = Callable[[], None]
BATCHED: dict[type, Callable[[Any, Any, Any], Step | None]] = {}

#: Neuron types whose step treats every neuron by itself; by name, so that NengoLoihi need not be
#: imported. Others are run lane by lane.
ELEMENTWISE = {
    *(("nengo", name) for name in (
        "LIF", "LIFRate", "RectifiedLinear", "SpikingRectifiedLinear", "Sigmoid", "Tanh",
        "AdaptiveLIF", "AdaptiveLIFRate", "RegularSpiking",
    )),
    ("nengo_loihi", "LoihiLIF"), ("nengo_loihi", "LoihiSpikingRectifiedLinear"),
    *(("nengo_spikecost", name) for name in ("DiscreteLIF", "DiscreteLI", "EventInput")),
}  # fmt: skip


#: Operators whose result depends only on the signals that they read.
PURE = (
    operators.Reset, operators.Copy, operators.ElementwiseInc, operators.DotInc,
    operators.SparseDotInc, ConvInc, GeneralConvInc,
)  # fmt: skip


def batched(kind: type) -> Callable[[Any], Any]:
    """Register the batched step of a type of operator."""

    def register(make: Any) -> Any:
        BATCHED[kind] = make
        return make

    return register


class Generators:
    """Generators of random numbers for each lane: all lanes have the same.

    Each operator has its own, seeded by its place in the order in which Nengo built the model:
    the order in which operators run differs from process to process.
    """

    def __init__(self, seed: int, n_lanes: int, place: int):
        self._seed, self._n_lanes, self._place = seed, n_lanes, place

    @functools.cached_property
    def of_lanes(self) -> list[np.random.RandomState]:
        """One for each lane."""
        return [np.random.RandomState([self._seed, self._place]) for _ in range(self._n_lanes)]


class _Lane:
    """The signals of one lane, as operators look them up."""

    def __init__(self, host: Any, lane: int):
        self._host, self._lane = host, lane

    def __getitem__(self, signal: Any) -> Any:
        array = self._host.array(signal)
        return array[self._lane, ...] if self._host.is_batched(signal) else array


def written(op: Any) -> list[Any]:
    """The signals that an operator writes."""
    return [*op.sets, *op.incs, *op.updates]


def operators_of_a_step(model: Any, fed: Collection[Any]) -> list[Any]:
    """Those that do something in a step: no Probes, and none that only writes what is fed.

    Parameters
    ----------
    model : nengo.builder.Model
    fed : collection of Signal
        Signals that are given from outside.
    """
    ids = {id(signal) for signal in fed}
    return [
        op for op in model.operators
        if hasattr(op, "make_step") and not isinstance(op, SimProbe)
        and not (written(op) and all(id(signal) in ids for signal in written(op)))
    ]  # fmt: skip


def changing(steps: Sequence[Any], fed: Iterable[Any]) -> set[int]:
    """``id`` of the operators that have to be run at every step.

    Those that are not pure, and those that read or write a signal which such an operator or a
    changing input writes; found by going round until nothing is added.

    Parameters
    ----------
    steps : sequence of Operator
    fed : iterable of Signal
        Signals that are given from outside, and change from step to step.
    """
    bases, result = {signal.base for signal in fed}, set[int]()
    while True:
        before = len(result), len(bases)
        for op in steps:
            writes = {signal.base for signal in written(op)}
            touched = writes | {signal.base for signal in op.reads}
            if not isinstance(op, PURE) or op.updates or touched & bases:
                result.add(id(op))
                bases |= writes
        if before == (len(result), len(bases)):
            return result


def make_step(op: Any, host: Any, rngs: Generators) -> Step:
    """The step of an operator for all lanes."""
    make = BATCHED.get(type(op))
    step = make(op, host, rngs) if make else None
    return step or lane_by_lane(op, host, rngs.of_lanes)


def remembers_nothing(op: Any) -> bool:
    """Whether the step of an operator keeps everything in signals."""
    plain = isinstance(op, (*PURE, operators.TimeUpdate))
    return plain or (isinstance(op, SimNeurons) and not op.state_extra)


def lane_by_lane(op: Any, host: Any, rngs: list[Any]) -> Step:
    """Nengo's own step, for one lane after another."""
    steps = [_step_of_lane(op, host, lane, rng) for lane, rng in enumerate(rngs)]
    host.keep(op, steps)

    def step() -> None:
        for of_lane in steps:
            of_lane()

    return step


def _step_of_lane(op: Any, host: Any, lane: int, rng: Any) -> Step:
    """Nengo's own step for one lane, which remembers things for this lane only."""
    functions, extra = host.functions.of(id(op)), getattr(op, "state_extra", None)
    own = copy.copy(op) if functions is not None or extra else op
    if functions is not None:
        setattr(own, "process" if isinstance(op, SimProcess) else "fn", functions[lane])
    if extra:
        own.state_extra = copy.deepcopy(extra)
    return own.make_step(_Lane(host, lane), host.model.dt, rng)


@batched(operators.TimeUpdate)
def time_update(op: Any, host: Any, rngs: Any) -> Step:
    """The step counter and the time, of all lanes."""
    step, time = host.array(op.step), host.array(op.time)
    dt = host.model.dt

    def advance() -> None:
        step[...] += 1
        time[...] = step * dt

    return advance


@batched(operators.Reset)
def reset(op: Any, host: Any, rngs: Any) -> Step:
    """A value, written at every step."""
    return partial(np.copyto, host.array(op.dst), op.value, casting="unsafe")


@batched(operators.Copy)
def copy_signal(op: Any, host: Any, rngs: Any) -> Step | None:
    """A whole signal to another, written or added."""
    if op.src_slice is not None or op.dst_slice is not None or op.src.ndim > op.dst.ndim:
        return None
    target = host.array(op.dst)
    source = _with_axes(host.array(op.src), op.src, op.dst.ndim, host)
    if op.inc:
        return partial(np.add, target, source, out=target)
    return partial(np.copyto, target, source, casting="unsafe")


@batched(operators.ElementwiseInc)
def elementwise(op: Any, host: Any, rngs: Any) -> Step | None:
    """Products of elements, added."""
    if max(op.A.ndim, op.X.ndim) > op.Y.ndim:
        return None
    a, x = (_with_axes(host.array(s), s, op.Y.ndim, host) for s in (op.A, op.X))
    y = host.array(op.Y)

    def step() -> None:
        y[...] += a * x

    return step


@batched(ConvInc)
def convolution(op: Any, host: Any, rngs: Any) -> Step | None:
    """The product of matrices that Nengo does, without its padding, which adds nothing here."""
    conv = op.conv
    plain = conv.dimensions == 2 and conv.groups == 1 and conv.padding == "valid"
    if not (plain and conv.channels_last and host.is_batched(op.X)) or host.is_batched(op.W):
        return None
    x, y, kernel = host.array(op.X), host.array(op.Y), host.array(op.W)
    (height, width), (rows, columns) = conv.kernel_size, conv.output_shape.spatial_shape
    n_channels, (down, right) = conv.input_shape.n_channels, conv.strides
    shape = (rows, columns, height, width, n_channels)
    matrix = kernel.reshape(height * width * n_channels, conv.n_filters)

    def step() -> None:
        for own, result in zip(x.reshape(len(x), *conv.input_shape.shape), y):
            a, b, c = own.strides
            windows = np.lib.stride_tricks.as_strided(
                own, shape, (down * a, right * b, a, b, c), writeable=False
            )
            product = windows.reshape(rows * columns, -1).dot(matrix)
            result[...] += product.reshape(result.shape)

    return step


def _with_axes(array: np.ndarray, signal: Any, ndim: int, host: Any) -> np.ndarray:
    """A view that broadcasts, lane by lane, with signals of ``ndim`` axes."""
    if not host.is_batched(signal) or signal.ndim == ndim:
        return array
    index = (slice(None), *[None] * (ndim - signal.ndim), Ellipsis)
    return array[index]


@batched(SimNeurons)
def neurons(op: Any, host: Any, rngs: Any) -> Step | None:
    """Neurons whose step treats each by itself."""
    kind = type(op.neurons)
    if (kind.__module__.split(".")[0], kind.__name__) not in ELEMENTWISE or op.state_extra:
        return None
    signals = {"J": op.J, "output": op.output, **op.state}
    if not all(host.is_batched(s) and s.ndim == op.J.ndim for s in signals.values()):
        return None
    arrays = {name: host.array(signal) for name, signal in signals.items()}
    dt = host.model.dt

    def step() -> None:
        op.neurons.step(dt, **arrays)

    return step


@batched(SimProcess)
def process(op: Any, host: Any, rngs: Any) -> Step | None:
    """A filter, or input that is the same for all lanes."""
    if op.input is None:
        alike = op.mode != "inc" and host.functions.alike(id(op))
        return _same_for_all(op, host, rngs) if alike else None
    linear = type(op.process) in (nengo.Lowpass, nengo.LinearFilter)
    if not linear or not host.is_batched(op.input):
        return None
    state = {name: signal.initial_value.copy() for name, signal in op.state.items()}
    one = op.process.make_step(op.input.shape, op.output.shape, host.model.dt, None, state)
    if isinstance(one, nengo.LinearFilter.NoX):
        return _written(op, host, lambda: one.d * host.array(op.input))
    if isinstance(one, nengo.LinearFilter.OneX):
        x, given = host.array(op.state["X"]), host.array(op.input)
        a, b = one.a, one.b

        def filtered() -> np.ndarray:
            np.multiply(x, a, out=x)
            np.add(x, b * given[:, None], out=x)
            return x[:, 0]

        return _written(op, host, filtered)
    return None


def _written(op: Any, host: Any, values: Callable[[], Any]) -> Step:
    """Write values to the output of the operator, or add them."""
    output = host.array(op.output)
    if op.mode == "inc":

        def step() -> None:
            output[...] += values()
    else:

        def step() -> None:
            output[...] = values()

    return step


@batched(operators.SimPyFunc)
def function(op: Any, host: Any, rngs: Any) -> Step | None:
    """A function of nothing but time is called once for all lanes."""
    if op.x is not None or op.output is None or op.t is None or not host.functions.alike(id(op)):
        return None
    return _same_for_all(op, host, rngs)


def _same_for_all(op: Any, host: Any, rngs: Any) -> Step:
    """Nengo's step for the first lane, whose result all lanes take."""
    one = _step_of_lane(op, host, 0, rngs.of_lanes[0])
    host.keep(op, [one])
    output = host.array(op.output)

    def step() -> None:
        one()
        output[1:] = output[0]

    return step
