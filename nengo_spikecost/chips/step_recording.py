"""Which neurons fire at which step: a network simulated once and read after every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import check
from ..activity.backend import NO_SPIKES, BatchCounts, Setup
from ..activity.batch_runs import built_backend, simulator_errors
from ..activity.measure import default_batch_size
from ..activity.samples import InputSpec
from ..activity.simulator_spec import simulators
from ..activity.subject import is_nothing, subject
from ..deadlines import check_time
from ..errors import ChipError, DataError
from ..memory import Need as Memory
from ..words import counted
from .network_parts import NetworkParts
from .step_counts import StepSpikes


def step_spikes(
    parts: NetworkParts, network: Any, data: Any, n_steps: int | None = None, *,
    dt: float | None = None, seed: int = 0, spike_input: bool | None = None,
) -> StepSpikes:  # fmt: skip
    """Simulate a network and keep which neurons fired at which step.

    Parameters
    ----------
    parts : NetworkParts
        Those of the network.
    network : nengo.Network or Conversion
    data : array, dict or None
        Samples, as `nengo_spikecost.measure` takes them.
    n_steps : int, optional
        Steps per sample. May be left out if samples have a time axis.
    dt : float, optional
        Length of a step in s. Default: that of the network, or 1 ms.
    seed : int
        Of the run.
    spike_input : bool, optional
        Whether the data are events: whatever is not 0. Default: as the network says.

    Raises
    ------
    ChipError
        If the network can't be read step by step, or that takes more memory than is free.
    DataError
        If the data do not fit the network.
    """
    if dt is not None:
        check.time("dt", dt, ChipError)
    given = subject(network)
    inputs, samples = given.stream(data, n_steps)
    if spike_input is not None:
        events = check.flag("spike_input", spike_input, ChipError)
        inputs = [replace(one, events=events) for one in inputs]
    setup = Setup(
        given.network, inputs, parts.graph.spike_sources, {}, 0, given.step(dt), 1,
        check.seed("seed", seed, ChipError), "fresh", named=given.named,
    )  # fmt: skip
    size = default_batch_size(given.network.n_neurons, "fresh")
    backend: Any = None
    joined: list[StepSpikes] = []
    seen = 0
    try:
        for batch in samples.batches(1 if is_nothing(data) else size):
            check_time()
            steps, seen = int(samples.n_steps or 0), seen + len(batch)
            _check_memory(parts, samples.n_samples or seen, steps)
            if backend is None:
                setup = replace(setup, n_steps=steps, batch_size=size)
                backend = built_backend(simulators.get("compiled"), setup)
                if not hasattr(backend, "run_lengths"):
                    raise ChipError(
                        "This network can't be read step by step: compiled code does not run it."
                    )
            with simulator_errors("compiled"):
                counts = backend.run_lengths(batch.inputs, range(1, steps + 1))
            joined.append(_of_batch(parts, inputs, batch.inputs, list(counts.values()), setup.dt))
    finally:
        if backend is not None:
            backend.close()
    if not joined:
        raise DataError("data holds no samples.")
    return _joined(joined)


def _check_memory(parts: NetworkParts, n_samples: int, n_steps: int) -> None:
    """Refuse to keep more than there is room for, before anything is simulated."""
    n_neurons = sum(p.n_neurons for p in parts.graph.spike_sources)
    n_inputs = sum(parts.inputs.values())
    # while a batch is read a number of 8 bytes a neuron and step, and then a byte
    batch = min(n_samples, default_batch_size(n_neurons, "fresh"))
    need = Memory(n_steps * (n_samples * (n_neurons + n_inputs) + 17 * batch * n_neurons))
    remedy = "give fewer samples or steps"
    what = f"Keeping the spikes of {counted(n_neurons, 'neuron')} at {counted(n_steps, 'step')}"
    need.check(what, None, ChipError, 0, remedy)


def _of_batch(
    parts: NetworkParts, inputs: Sequence[InputSpec], given: Mapping[str, np.ndarray],
    counts: Sequence[BatchCounts], dt: float,
) -> StepSpikes:  # fmt: skip
    """The spikes of a batch, from the counts until each step."""
    n_samples, n_steps = len(next(iter(counts[0].counts.values()))), len(counts)

    def spikes(name: str) -> np.ndarray:
        until = np.stack([own.counts[name] for own in counts], axis=1)
        return np.diff(until, axis=1, prepend=0)

    fired = {p.name: spikes(p.name) > 0 for p in parts.neurons}
    fed = {id(spec.node): spec for spec in inputs}
    events, assumed = {}, []
    for pathway in parts.into:
        name, source = pathway.pre.name, pathway.pre
        spec = fed.get(id(source.obj))
        if name in counts[0].counts:
            events[name] = spikes(name) > 0
        elif spec is not None and spec.events:
            values = given[spec.name]
            if np.any(values < 0) or np.any(values % 1):
                raise DataError(NO_SPIKES)
            events[name] = np.broadcast_to(values > 0, (n_samples, n_steps, source.size))
        else:
            events[name] = np.ones((n_samples, n_steps, source.size), dtype=bool)
            assumed.append(name)
    return StepSpikes(parts, fired, events, tuple(dict.fromkeys(assumed)), dt)


def _joined(batches: Sequence[StepSpikes]) -> StepSpikes:
    first = batches[0]
    return replace(
        first,
        fired={n: np.concatenate([b.fired[n] for b in batches]) for n in first.fired},
        inputs={n: np.concatenate([b.inputs[n] for b in batches]) for n in first.inputs},
    )
