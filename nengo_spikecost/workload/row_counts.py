"""The work of each layer as one flat row: the counts that tables of a network show."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..layers.layer_info import LayerInfo
from ..layout.per import Per
from ..words import counted
from .presentation import Presentation
from .work_entries import UncountedWork
from .workload_record import Workload

HOST = "host"
"""Kind of a row that stands for work beside a device."""

MAX_NAMES = 4
"""Names that a note lists; of more it says how many."""

RATES = "Rates that no chip has"
"""How the note on neurons begins that spike more often than there are steps."""


@dataclass(frozen=True)
class LayerCounts:
    """One layer, or the total of all, per inference and averaged over samples.

    Attributes
    ----------
    name, kind, output_shape : str
        What the layer is.
    params : int, optional
        Number of parameters.
    connections : int, optional
        Synapses of all kinds but biases.
    macs : float, optional
        Multiply-accumulates of one dense pass; in a row of the host, multiply-accumulates and
        other operations per inference. Where layers without neurons (pooling, say)
        lie on the way, spiking synapses are their product and this is their sum.
    neurons, updates : int, optional
        Neurons, and neuron updates per inference.
    rate_hz : float, optional
        Mean firing rate of the layer's spiking neurons; with KerasSpiking's counting, mean
        activation at the layer's input.
    spikes, synops, average_synops, factored : float, optional
        Per inference; None where nothing spikes or nothing was measured. ``factored`` are the
        operations of a device that keeps weights in factors.
    weight_updates : float, optional
        Weights changed by learning rules per inference.
    lower_bound : bool
        Whether something in the row could not be counted.
    where : {"", "host", "static", "uncounted"}
        ``"host"``: all of the row's work is done beside a spiking device. ``"static"``: what
        devices draw without any work. ``"uncounted"``: the row stands for what could not be
        counted.
    spikes_per_synapse : float, optional
        Synops over the synapses that they are made at.
    max_rate_hz : float, optional
        Highest rate of any of its neurons for any sample.
    silent : int, optional
        Neurons that spiked for none of the samples.
    dead : bool
        Whether it has spiking neurons, and none of them spiked for any sample.
    beyond_step : bool
        Whether a neuron spiked more often than there are steps, as none does on a chip.
    members : tuple of str
        Layers that the row stands for, if it is that of a group.
    """

    name: str
    kind: str = ""
    output_shape: str = ""
    params: int | None = None
    connections: int | None = None
    macs: float | None = None
    neurons: int | None = None
    updates: float | None = None
    rate_hz: float | None = None
    spikes: float | None = None
    synops: float | None = None
    average_synops: float | None = None
    factored: float | None = None
    weight_updates: float | None = None
    lower_bound: bool = False
    where: str = ""
    spikes_per_synapse: float | None = None
    max_rate_hz: float | None = None
    silent: int | None = None
    dead: bool = False
    beyond_step: bool = False
    members: tuple[str, ...] = ()

    def over(self, per: Per) -> LayerCounts:
        """The row as it is shown: of a network that runs on, what was counted, per second."""
        if per.seconds is None:
            return self
        names = ["updates", "spikes", "synops", "average_synops", "factored", "weight_updates"]
        names += ["spikes_per_synapse", *(["macs"] if self.kind == HOST else [])]
        counts = {name: getattr(self, name) for name in names}
        shown: dict[str, Any] = {n: per.of(c) for n, c in counts.items() if c is not None}
        return replace(self, **shown)

    @property
    def average_over_exact(self) -> float | None:
        """Mean rate times synapses, of the same spikes, over the exact count."""
        if not self.synops or self.average_synops is None:
            return None
        return self.average_synops / self.synops

    @property
    def title(self) -> str:
        """The name, with the type in brackets."""
        return f"{self.name} ({self.kind})" if self.kind else self.name

    def record(self) -> dict[str, Any]:
        """The counts as a flat dict, with the keys of data frames and JSON."""
        return {
            "layer": self.name, "type": self.kind, "output_shape": self.output_shape,
            "where": self.where, "params": self.params, "connections": self.connections,
            "neurons": self.neurons, "macs": self.macs, "rate_hz": self.rate_hz,
            "spikes": self.spikes, "synops": self.synops, "average_synops": self.average_synops,
            "factored": self.factored, "updates": self.updates,
            "weight_updates": self.weight_updates, "lower_bound": self.lower_bound,
            "max_rate_hz": self.max_rate_hz, "silent": self.silent, "dead": self.dead,
            "beyond_step": self.beyond_step,
        }  # fmt: skip


def layer_counts(workload: Workload, grouped: bool = False) -> list[LayerCounts]:
    """One row a layer, in the order of the network.

    Parameters
    ----------
    workload : Workload
    grouped : bool
        One row for all layers of a subnetwork, where its first layer is.
    """
    groups: dict[str, list[LayerInfo]] = {}
    for info in workload.layers:
        groups.setdefault(info.group if grouped and info.group else f" {info.name}", []).append(
            info
        )
    return [
        _counts(workload, own, _group_row(workload, own) if len(own) > 1 else own[0])
        for own in groups.values()
    ]


def has_groups(workload: Workload) -> bool:
    """Whether some layers would share a row."""
    names = [info.group for info in workload.layers if info.group]
    return len(names) > len(set(names))


def _group_row(workload: Workload, members: list[LayerInfo]) -> LayerInfo:
    """Name and size of a subnetwork: ``"ea (16 x 50)"``."""
    names = {info.name for info in members}
    sizes = [p.n_neurons for p in workload.populations if p.layer in names]
    kind = f"{len(members):,} parts"
    if sizes:
        kind = f"{len(sizes):,} x {sizes[0]:,}"
        if len(set(sizes)) > 1:
            kind = f"{len(sizes):,} ensembles, {sum(sizes):,} neurons"
    return LayerInfo(members[0].group, kind, f"({sum(sizes)},)" if sizes else "-")


def total_counts(workload: Workload) -> LayerCounts:
    """The whole network as one row."""
    return _counts(workload, workload.layers, LayerInfo("Total", "", ""), is_total=True)


def _counts(
    workload: Workload, members: Iterable[LayerInfo], row: LayerInfo, is_total: bool = False
) -> LayerCounts:
    """The sums over some layers, with the name, type and shape of a row."""
    members = tuple(members)
    names = {info.name for info in members}
    populations = [p for p in workload.populations if p.layer in names]
    pathways = [p for p in workload.pathways if p.layer in names and p.kind != "bias"]
    spikes = _mean_sum(p.spikes for p in populations)
    spiking = sum(p.n_neurons for p in populations if p.spikes is not None)
    rate = row.input_rate_hz
    if spikes is not None and spiking:
        rate = spikes / (spiking * workload.n_steps * workload.dt)
    most = max((p.most_spikes for p in populations if p.most_spikes is not None), default=None)
    silent = [p.n_silent for p in populations if p.n_silent is not None]
    params = [info.n_params for info in members if info.n_params is not None]
    synops = _mean_sum(p.synops for p in pathways)
    synapses = sum(p.n_synapses for p in pathways if p.synops is not None)
    return LayerCounts(
        name=row.name, kind=row.kind, output_shape=row.output_shape,
        params=sum(params) if params else None, connections=sum(p.n_synapses for p in pathways),
        macs=sum(d.macs for d in workload.dense if d.layer in names),
        neurons=sum(p.n_neurons for p in populations), updates=sum(p.updates for p in populations),
        rate_hz=rate, spikes=spikes, synops=synops,
        average_synops=_mean_sum(p.average_synops for p in pathways),
        factored=_mean_sum(f.operations for f in workload.factored if f.layer in names),
        weight_updates=sum(r.updates for r in workload.learning if r.layer in names),
        lower_bound=any(u.layer in names for u in workload.uncounted),
        where="host" if not is_total and _only_on_host(workload, names) else "",
        spikes_per_synapse=synops / synapses if synops is not None and synapses else None,
        max_rate_hz=None if most is None else most / (workload.n_steps * workload.dt),
        silent=sum(silent) if silent else None, dead=bool(silent) and sum(silent) == spiking > 0,
        beyond_step=is_beyond_step(most, workload.n_steps),
        members=tuple(info.name for info in members) if len(members) > 1 and not is_total else (),
    )  # fmt: skip


def is_beyond_step(most_spikes: float | None, n_steps: float) -> bool:
    """Whether a neuron spiked more often than there are steps."""
    return most_spikes is not None and most_spikes > n_steps * (1 + 1e-9)


def _only_on_host(workload: Workload, layers: Collection[str]) -> bool:
    """Whether the work of layers on a spiking device is its host's alone."""
    if not any(work.layer in layers for work in workload.host):
        return False
    neurons = [p.on_chip for p in workload.populations if p.layer in layers]
    synapses = [p.on_chip for p in workload.pathways if p.layer in layers]
    return not any(neurons + synapses)


def _mean_sum(counts: Iterable[np.ndarray | None]) -> float | None:
    """Mean over samples of a sum of counts; None if there is none to add."""
    present = [c for c in counts if c is not None]
    return float(np.mean(np.sum(present, axis=0))) if present else None


def presentation(workload: Workload) -> dict[str, Any]:
    """Steps, their length and the samples, with the keys of JSON."""
    return {
        "n_steps": workload.n_steps, "dt_s": workload.dt, "n_samples": workload.n_samples,
        "runs_on": workload.runs_on,
    }  # fmt: skip


def caption(workload: Workload) -> str:
    """How the counts were made: ``"Per inference of 30 steps of 1 ms, mean of 10 samples"``."""
    if not workload.measured:
        return "Per inference; static counts, no spikes measured"
    if not workload.spiking:
        return "Per inference; static counts, nothing in the network spikes"
    if any(p.spikes is not None for p in workload.populations):
        samples = f"mean of {counted(workload.n_samples, 'sample')}"
    else:
        samples = "mean activation times connections"
    if workload.runs_on:
        return (
            "Per second of a network that runs on, measured for "
            f"{Presentation(workload.n_steps, workload.dt)}, {samples}; devices without spikes run "
            "it at every step"
        )
    if workload.dense_passes != 1:
        samples += f"; devices without spikes run it {workload.dense_passes:,.4g} times"
    return f"Per inference of {Presentation(workload.n_steps, workload.dt)}, {samples}"


def uncounted_note(uncounted: Iterable[UncountedWork], words: str = "Not counted") -> list[str]:
    """A sentence on what is missing, if anything is: names by the reason that they share."""
    by_reason: dict[str, list[str]] = {}
    for work in uncounted:
        by_reason.setdefault(work.reason, []).append(work.name)
    if not by_reason:
        return []
    reasons = "; ".join(f"{names_in_note(names)} ({why})" for why, names in by_reason.items())
    return [f"{words}: {reasons}. Totals are lower bounds."]


def firing_notes(workload: Workload, device_names: list[str]) -> list[str]:
    """Sentences on neurons that fire as none does on these spiking devices, and on dead layers."""
    notes = []
    rows = layer_counts(workload)
    fast = [row for row in rows if row.beyond_step]
    if fast and device_names:
        worst = max(fast, key=lambda row: row.max_rate_hz or 0.0)
        rates = (f"{row.name} {row.max_rate_hz:,.0f} Hz" for row in fast)
        notes.append(
            f"{RATES} (marked !): on {names_in_note(device_names)} a neuron spikes "
            f"at most once a step, {1 / workload.dt:,.0f} Hz, and here at up to "
            f"{names_in_note(list(rates))}. There it would compute something else. "
            f"{slower(worst.max_rate_hz or 0.0, workload.dt)}"
        )
    dead = [row.name for row in rows if row.dead]
    if dead:
        notes.append(dead_words(dead, [row.name for row in rows if row.silent is not None]))
    return notes


def slower(rate_hz: float, dt: float) -> str:
    """What to do about neurons that fire at a rate which is too high for steps of ``dt``."""
    return (
        f"Use a scale_firing_rates (--scale) that is {rate_hz * dt:.2g} times lower, inputs as "
        "large as those that the model was trained on, or neurons that saturate as a chip's do "
        "(neuron_type='LoihiSpikingRectifiedLinear', --neuron); in a network of your own, lower "
        "max_rates or gains."
    )


def dead_words(dead: list[str], spiking: list[str]) -> str:
    """A sentence on layers that never spike, of all that spike."""
    layers = f"Dead: {names_in_note(dead)} did not spike once in any sample"
    if len(dead) == len(spiking):
        layers = f"This network is dead: {names_in_note(dead)} did not spike once in any sample"
    return (
        f"{layers}, so what is behind gets nothing of the input through them. Use a larger "
        "scale_firing_rates (--scale), more steps (--steps), or inputs as large as those that the "
        "model was trained on; in a network of your own, larger gains or biases."
    )


def names_in_note(names: list[str]) -> str:
    """Names in a row, and of many only the first: ``"pool, pool_1 and 7 more"``."""
    if len(names) <= MAX_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: MAX_NAMES - 1])} and {len(names) - MAX_NAMES + 1} more"
