"""Neurons of the host in compiled code, where it gives the very bits that NumPy gives.

NengoLoihi's and Nengo's own steps go several times over arrays that are larger than a cache; one
loop over the neurons of all lanes does the same operations in the same order. Only types whose
step is made of sums, products, comparisons and whole numbers are taken: a library's ``exp`` may
differ from NumPy's in the last bit.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

#: By module and name of the class that defines ``step``.
EXACT = {
    ("nengo", "RectifiedLinear"), ("nengo", "SpikingRectifiedLinear"),
    ("nengo", "RegularSpiking"), ("nengo_loihi", "LoihiSpikingRectifiedLinear"),
    ("nengo_spikecost", "DiscreteLIF"), ("nengo_spikecost", "DiscreteLI"),
}  # fmt: skip


def compiled_step(op: Any, host: Any) -> Callable[[], None] | None:
    """The step of an operator that simulates neurons, for all lanes; None if there is none.

    Parameters
    ----------
    op : nengo.builder.neurons.SimNeurons
    host : HostPart
    """
    kind: Any = type(op.neurons)
    if (kind.__module__.split(".")[0], kind.__name__) not in EXACT or op.state_extra:
        return None
    from ...activity.compiled.neuron_numbers import N_NUMBERS, kernel_of, table
    from .host_kernels import AT_ONCE, step_finite

    number, names, numbers = kernel_of(op.neurons)  # type: ignore[misc]
    signals = [op.J, op.output, *(op.state[name] for name in names)]
    if set(names) != set(op.state) or not all(host.is_batched(s) for s in signals):
        return None
    arrays = [host.array(s) for s in signals]
    alike = {(a.shape, a.dtype, a.flags.c_contiguous) for a in arrays}
    if alike != {(arrays[0].shape, np.dtype(np.float64), True)}:
        return None
    j, out, *state = (a.reshape(-1) for a in arrays)
    a, b, c = [*state, out, out, out][:3]  # those that a type lacks are not used
    p = table(numbers(op.neurons, host.model.dt), arrays[1].shape[-1])
    if len(p) > N_NUMBERS:
        return None  # lanes lie one after another, and neurons differ
    given = dict(zip(("J", "output", *names), (j, out, *state)))

    def step() -> None:
        done = 0
        while (done := step_finite(number, done, j, out, a, b, c, p)) < len(j):
            # what Nengo makes of infinite values, or the error that it raises
            some = slice(done, done + AT_ONCE)
            op.neurons.step(host.model.dt, **{name: x[some] for name, x in given.items()})
            done += AT_ONCE

    return step
