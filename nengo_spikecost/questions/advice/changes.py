"""Changes that may be advised: what each is thought to leave, and how it is made.

A `Change` knows three things: what an inference would take with it, as far as counts of the network
as it is say so (`foreseen`); whether that is all there is to say (`determined`), or the change is
to be predicted from the first samples; and the changed network (`made`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...chip.changed_work import Share, first_steps, thinned
from ...energy import devices
from ...energy.host_pricing import DEFAULT_HOST
from ...errors import SpikeCostError
from ...graph import NetworkGraph
from ...layout.si import counted
from ...loihi import fit_blocks
from ...loihi.blocks.search_costs import OBJECTIVES
from ...trying.pruning import check_prunable, pruned, units, weights_layer
from .advice_record import Untried
from .advised_network import Subject


@dataclass(frozen=True)
class Change(ABC):
    """One change of a network.

    Attributes
    ----------
    layer : str
        The layer that is changed; empty: the whole network.
    words : str
    arguments : mapping from str to object
        Of `deploy` or `convert`, where these do it.
    """

    layer: str
    words: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    kind = ""

    def determined(self, subject: Subject) -> bool:
        """Whether counts say all: no spike is fired otherwise than before, nothing else moves."""
        return False

    @abstractmethod
    def foreseen(self, subject: Subject) -> float | None:
        """J or s of an inference by the counts; None: they say nothing."""

    @abstractmethod
    def made(self, subject: Subject) -> tuple[Any, dict[str, Any]]:
        """The changed network, and further arguments of `deploy`.

        Raises
        ------
        SpikeCostError
            If it can't be made.
        """


class FewerSteps(Change):
    """Samples shown for fewer steps: what was counted until then."""

    kind = "steps"

    def determined(self, subject: Subject) -> bool:
        # what a sample leaves behind matters for the next one
        return subject.deployment.activity.protocol.presentation == "fresh"

    @property
    def n_steps(self) -> int:
        """Those that are left."""
        return int(self.arguments["n_steps"])

    def foreseen(self, subject: Subject) -> float:
        share = self.n_steps / subject.work.n_steps
        chip = subject.chip_takes(first_steps(subject.work, self.n_steps))
        return chip + subject.host_J(subject.workload, share)

    def made(self, subject: Subject) -> tuple[Any, dict[str, Any]]:
        return subject.deployment, {"n_steps": self.n_steps}


class LowerRate(Change):
    """A layer that fires less: fewer spikes and messages, and fewer synops behind it."""

    kind = "rate"

    def foreseen(self, subject: Subject) -> float:
        left = subject.options.keep_rate
        own = {self.layer: Share(spikes=left)}
        shares = {**behind(subject, self.layer, left), **own}
        return subject.chip_takes(thinned(subject.work, shares)) + subject.own_host_J

    def made(self, subject: Subject) -> tuple[Any, dict[str, Any]]:
        assert subject.conversion is not None
        changed = subject.conversion.remade(**self.arguments)
        return changed, same_blocks(subject)


@dataclass(frozen=True)
class Prune(Change):
    """Units or channels that are taken out: their updates, the synops to them, and from them.

    Attributes
    ----------
    keep : ndarray of bool, shape (n_units,)
    spikes_left : float
        Share of the layer's spikes that the others fire.
    """

    keep: np.ndarray = field(default_factory=lambda: np.ones(0, bool), repr=False)
    spikes_left: float = 1.0

    kind = "prune"

    def determined(self, subject: Subject) -> bool:
        # beyond the cores' events, fewer units take fewer cores, and less work of the host
        options = subject.options
        own = options.save == "energy" and options.boundary == "core dynamic"
        return self.spikes_left == 1 and own and subject.own_host_J == 0

    def foreseen(self, subject: Subject) -> float:
        units = float(self.keep.mean())
        own = {self.layer: Share(units, self.spikes_left, units, units)}
        shares = {**behind(subject, self.layer, self.spikes_left), **own}
        return subject.chip_takes(thinned(subject.work, shares)) + subject.own_host_J

    def made(self, subject: Subject) -> tuple[Any, dict[str, Any]]:
        conversion = subject.conversion
        assert conversion is not None
        target: Any = weights_layer(conversion.model, self.layer)
        smaller = pruned(conversion.model, target.name, self.keep)
        return conversion.remade(model=smaller), {}


class OtherBlocks(Change):
    """Other neurons share a core: the same spikes, other messages and cores."""

    kind = "blocks"

    def foreseen(self, subject: Subject) -> None:
        return None

    def made(self, subject: Subject) -> tuple[Any, dict[str, Any]]:
        activity = subject.deployment.activity
        fit = fit_blocks(
            subject.deployment.network, self.arguments["objective"], spikes=activity,
            progress=False,
        )  # fmt: skip
        return fit, {}


class ToHost(Change):
    """A layer that the host computes: nothing of it on the chip, all of it on a processor."""

    kind = "host"

    def foreseen(self, subject: Subject) -> float:
        gone = {self.layer: Share(0.0, 0.0, 0.0, 0.0)}
        chip = subject.chip_takes(thinned(subject.work, gone))
        workload, host = subject.workload, devices.get(subject.options.host or DEFAULT_HOST)
        names = {p.name for p in workload.populations if p.layer == self.layer}
        synops = sum(
            float(np.mean(p.synops))
            for p in workload.pathways
            if p.post in names and p.synops is not None
        )
        updates = sum(float(np.mean(p.updates)) for p in workload.populations if p.name in names)
        more = synops * host.energy_per_synop_J + updates * host.energy_per_neuron_J
        return chip + more + subject.own_host_J

    def made(self, subject: Subject) -> tuple[Any, dict[str, Any]]:
        assert subject.conversion is not None
        conversion = subject.conversion.remade()
        for population in NetworkGraph(conversion).populations:
            if population.layer == self.layer and population.ensemble is not None:
                conversion.net.config[population.ensemble].on_chip = False
        return conversion, {}


class ToChip(Change):
    """A model's inputs as spikes, so that the chip computes the layer that they are fed to."""

    kind = "chip"

    def foreseen(self, subject: Subject) -> None:
        return None

    def made(self, subject: Subject) -> tuple[Any, dict[str, Any]]:
        assert subject.conversion is not None
        return subject.conversion.remade(**self.arguments), {}


def same_blocks(subject: Subject) -> dict[str, Any]:
    """The block shapes that the network has, for one with the same layers."""
    fit = subject.deployment.fit
    return {} if fit is None else {"block_shapes": fit}


def behind(subject: Subject, layer: str, left: float) -> dict[str, Share]:
    """What layers that read another have left of their synops, if it has so much of its spikes."""
    workload = subject.workload
    layer_of = {population.name: population.layer for population in workload.populations}
    all_of: dict[str, float] = {}
    of_layer: dict[str, float] = {}
    for pathway in workload.pathways:
        if pathway.synops is None or pathway.post not in layer_of:
            continue
        post, synops = layer_of[pathway.post], float(np.mean(pathway.synops))
        all_of[post] = all_of.get(post, 0.0) + synops
        if layer_of.get(pathway.pre) == layer:
            of_layer[post] = of_layer.get(post, 0.0) + synops
    shares = {post: 1 - (1 - left) * own / all_of[post] for post, own in of_layer.items() if own}
    return {post: Share(synops=share, axons=share) for post, share in shares.items()}


def candidates(subject: Subject) -> tuple[list[Change], list[Untried]]:
    """All changes that may be made, and those that can't be, with the reason."""
    changes: list[Change] = []
    untried: list[Untried] = []
    for make in (_steps, _rates, _prunings, _blocks, _to_host, _to_chip):
        for found in make(subject):
            if isinstance(found, Untried):
                untried.append(found)
            else:
                changes.append(found)
    return changes, untried


def _steps(subject: Subject) -> Iterator[Change | Untried]:
    now = subject.work.n_steps
    left = round(now * subject.options.keep_steps)
    if subject.deployment.activity.protocol.frames != 1 or not 1 <= left < now:
        yield Untried("steps", "", f"its samples have {counted(now, 'step')} of their own")
    else:
        yield FewerSteps("", f"{left} of {now} steps", {"n_steps": left})


def _rates(subject: Subject) -> Iterator[Change | Untried]:
    conversion = subject.conversion
    if conversion is None:
        yield Untried("rate", "", "only a Keras model that is converted has scales of firing rates")
        return
    spiking = {population.layer for population in NetworkGraph(conversion).populations}
    own = {k: v for k, v in conversion.scale_firing_rates.items() if k in spiking}
    for layer in subject.work.layer_names:
        if layer in own:
            scale = own[layer] * subject.options.keep_rate
            words = f"{layer}: scale {scale:g}, not {own[layer]:g}"
            yield LowerRate(layer, words, {"scale_firing_rates": {**own, layer: scale}})


def _prunings(subject: Subject) -> Iterator[Change | Untried]:
    conversion = subject.conversion
    if conversion is None:
        yield Untried("prune", "", "layers of Keras models can be pruned, those of networks not")
        return
    for layer in subject.work.layer_names:
        spikes = _spikes_of_units(subject, layer)
        if isinstance(spikes, str):
            yield Untried("prune", layer, spikes)
            continue
        n_units = len(spikes)
        fewest = np.argsort(spikes, kind="stable")[: round(n_units * subject.options.prune_share)]
        silent = np.flatnonzero(spikes == 0)
        for gone, kind in ((silent, "that never fire"), (fewest, "with the fewest spikes")):
            keep = np.ones(n_units, dtype=bool)
            keep[gone] = False
            if len(gone) and keep.any() and (gone is silent or spikes[gone].any()):
                left = float(spikes[keep].sum() / max(spikes.sum(), 1))
                words = f"{layer}: without {len(gone)} of {n_units} channels, {kind}"
                yield Prune(layer, words, {}, keep, left)


def _spikes_of_units(subject: Subject, layer: str) -> np.ndarray | str:
    """Spikes of each unit or channel of a layer, of all samples; or why it can't be pruned."""
    model = subject.conversion.model if subject.conversion else None
    target = weights_layer(model, layer)
    if target is None:
        return "is neither a Dense nor a Conv layer, nor activations behind one"
    own = [p for p in NetworkGraph(subject.deployment.network).populations if p.layer == layer]
    n_units = units(target)
    counts = [subject.deployment.activity.populations[p.name].counts for p in own]
    if len(counts) != 1 or counts[0].shape[1] % n_units:
        return f"its neurons are in {counted(len(counts), 'population')}, unlike its units"
    if n_units == 1:
        return "it has one unit alone"
    try:  # what reads it may need all of its channels
        check_prunable(model, target.name)
    except SpikeCostError as error:
        return str(error)
    return np.asarray(counts[0].sum(axis=0).reshape(-1, n_units).sum(axis=0))


def _blocks(subject: Subject) -> Iterator[Change | Untried]:
    for objective in OBJECTIVES:
        if objective != subject.options.objective:
            words = f"block shapes for {objective}, not {subject.options.objective}"
            yield OtherBlocks("", words, {"objective": objective})


def _to_host(subject: Subject) -> Iterator[Change | Untried]:
    layers = subject.work.layer_names
    if subject.conversion is None:
        yield Untried("host", "", "layers of Keras models are moved, those of networks not")
    elif subject.options.save == "time":
        yield Untried("host", "", "how long a processor takes for a layer is not known")
    elif subject.options.host is None:
        yield Untried("host", "", "the host's work is not counted: say which processor, host='cpu'")
    elif len(layers) < 2:
        yield Untried("host", "", "nothing would be left on the chip")
    else:
        for layer in layers:
            yield ToHost(layer, f"{layer} on the host")


def _to_chip(subject: Subject) -> Iterator[Change | Untried]:
    conversion = subject.conversion
    if conversion is not None and not conversion.options.get("spike_input"):
        yield ToChip("", "inputs as spikes to the chip", {"spike_input": True})
