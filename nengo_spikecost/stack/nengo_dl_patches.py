"""Patches of nengo-dl, one small function each: when it applies, why, and where it is seen.

As those of `patches`, each can be called twice without harm.
"""

from __future__ import annotations

import types
from typing import Any

from . import versions
from .patches import is_patched, of_patch, record, replaces


def flat_feedthrough(module: Any) -> None:
    """P6, Nengo >= 4: nengo-dl's LinearFilterBuilder reads ``D`` with one axis.

    nengo 4 gives the feedthrough of a filter's step the shape (1, 1), nengo-dl 3.6.0
    expects (1,) and fails on every LinearFilter whose output depends on its present
    input. Only the steps that the builder asks for are changed, not nengo's own.
    Reference: nengo pull request 1687; nengo-dl commit c2dbadf, fixed but not released.
    """
    original = module.LinearFilterBuilder
    if not versions.at_least("nengo", (4, 0)) or is_patched(original, "P6"):
        return

    class _FlatProcess:
        def __init__(self, process: Any):
            self._process = process

        def __getattr__(self, name: str) -> Any:
            return getattr(self._process, name)

        def make_step(self, *args: Any, **kwargs: Any) -> Any:
            step = self._process.make_step(*args, **kwargs)
            if step.D is not None:
                step.D = step.D.ravel()
            return step

    @of_patch("P6")
    class LinearFilterBuilder(original):  # type: ignore[misc, valid-type]
        __doc__ = original.__doc__
        ops: list[Any]

        def build_pre(self, signals: Any, config: Any) -> None:
            ops = self.ops
            self.ops = [_with_process(op, _FlatProcess(op.process)) for op in ops]
            try:
                super().build_pre(signals, config)
            finally:
                self.ops = ops

    module.LinearFilterBuilder = LinearFilterBuilder
    table = module.SimProcessBuilder.TF_PROCESS_IMPL
    table.update({k: LinearFilterBuilder for k, v in table.items() if v is original})
    record("P6 " + module.__name__)


def _with_process(op: Any, process: Any) -> Any:
    """The attributes of a SimProcess operator that a builder reads, with another process."""
    return types.SimpleNamespace(input=op.input, output=op.output, state=op.state, process=process)


def grouped_convolutions_apart(module: Any) -> None:
    """P10: nengo-dl's planner does not merge grouped convolutions of the same input.

    Merged, their kernels are put side by side as if each filter saw all channels, and the
    network fails at its first step. Convolutions without groups are merged as before.
    Reference: nengo-dl 3.6.0, ``ConvIncBuilder.mergeable`` in transform_builders.py, which
    compares everything about two convolutions but ``groups``.
    """

    @replaces(module.ConvIncBuilder, "mergeable", "P10", module.__name__)
    def mergeable(original: Any, x: Any, y: Any) -> bool:
        if any(getattr(op.conv, "groups", 1) > 1 for op in (x, y)):
            return False
        return bool(original(x, y))


class _WholeKernels:
    """The signals of a simulation, with the kernels of one grouped convolution made whole."""

    def __init__(self, signals: Any, kernels: Any, conv: Any):
        self._signals, self._kernels, self._conv = signals, kernels, conv

    def gather(self, data: Any) -> Any:
        values = self._signals.gather(data)
        if data is not self._kernels:
            return values
        import numpy as np
        import tensorflow as tf

        conv = self._conv
        n_channels, n_filters = conv.input_shape.n_channels, conv.n_filters
        group_in = np.arange(n_channels) // (n_channels // conv.groups)
        group_out = np.arange(n_filters) // (n_filters // conv.groups)
        same = tf.constant(group_in[:, None] == group_out, values.dtype)
        return tf.tile(values, [1] * conv.dimensions + [conv.groups, 1]) * same

    def __getattr__(self, name: str) -> Any:
        return getattr(self._signals, name)


def grouped_volumes(module: Any) -> None:
    """P20: nengo-dl's grouped convolutions of three axes.

    TensorFlow has no such operation on a CPU: "input and filter must have the same depth". It is
    given kernels that see all channels, with zeros where a filter does not: the same products and
    sums, and gradients. Those of one and two axes are TensorFlow's own.
    Reference: nengo-dl 3.6.0, ``ConvIncBuilder.build_step`` in transform_builders.py.
    """

    @replaces(module.ConvIncBuilder, "build_step", "P20", module.__name__)
    def build_step(original: Any, self: Any, signals: Any) -> Any:
        if getattr(self.conv, "groups", 1) > 1 and self.conv.dimensions > 2:
            signals = _WholeKernels(signals, self.W_data, self.conv)
        return original(self, signals)


def grouped_convolutions(module: Any) -> None:
    """P10 and P20, which are of one module."""
    grouped_convolutions_apart(module)
    grouped_volumes(module)


def precision_restored(module: Any) -> None:
    """P11: a network that nengo-dl can't build leaves Nengo's precision as it was.

    While it builds, ``nengo_dl.Simulator`` sets ``precision.bits`` of ``nengo.rc`` to 32. It
    sets it back at the end, but not after an error: from then on ``nengo.Simulator``
    computes in float32, to seven digits instead of sixteen, and does not say so.
    Reference: nengo-dl 3.6.0, ``Simulator.__init__`` in simulator.py.
    """

    @replaces(module.Simulator, "__init__", "P11", module.__name__)
    def __init__(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        precision = module.nengo_rc.get("precision", "bits")
        try:
            original(self, *args, **kwargs)
        finally:
            module.nengo_rc.set("precision", "bits", precision)


def reversed_parts(module: Any) -> None:
    """P18: nengo-dl reads all of a signal in reverse order, as ``[::-1]`` of a Connection says.

    A view of a signal that has as many values as the signal is taken for the signal in another
    shape, so that values come in the wrong order. Parts that are shorter are read rightly.
    Reference: nengo-dl 3.6.0, ``TensorGraph.create_signals`` in tensor_graph.py.
    """

    @replaces(module.TensorGraph, "create_signals", "P18", module.__name__)
    def create_signals(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        signals = (sig for ops in self.plan for op in ops for sig in op.all_signals)
        for sig in signals:
            if sig.is_view and sig.shape == sig.base.shape and sig.elemstrides[:1] < (0,):
                self.signals[sig] = self.signals[sig.base][::-1]
