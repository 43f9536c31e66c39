"""Changes that may be advised: what each is thought to leave, and how it is made.

A `Change` knows three things: what an inference would take with it, as far as counts of the network
as it is say so (`foreseen`); whether that is all there is to say (`determined`), or the change is
to be predicted from the first samples; and how it is made (`recipe`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...chip.changed_work import Share, first_steps, thinned
from ...chip.chip_work import ChipWork
from ...energy import devices
from ...energy.host_pricing import DEFAULT_HOST
from ...errors import ConversionError, SpikeCostError
from ...loihi.blocks.search_costs import OBJECTIVES
from ...trying.network_changes import check_scalable, ensemble_of_layer, units_of
from ...trying.pruning import narrowed, size_of, weights_layer
from ...words import counted
from .advice_record import Untried
from .advised_network import Subject
from .recipe import Recipe


@dataclass(frozen=True)
class Change(ABC):
    """One change of a network.

    Attributes
    ----------
    layer : str
        The layer that is changed; empty: the whole network.
    words : str
    recipe : Recipe
        How it is made.
    """

    layer: str
    words: str
    recipe: Recipe

    kind = ""

    def determined(self, subject: Subject) -> bool:
        """Whether counts say all: no spike is fired otherwise than before, nothing else moves."""
        return False

    @abstractmethod
    def foreseen(self, subject: Subject) -> np.ndarray | None:
        """J or s of each sample by the counts, shape (n_samples,); None: they say nothing."""


class FewerSteps(Change):
    """Samples shown for fewer steps: what was counted until then."""

    kind = "steps"

    def determined(self, subject: Subject) -> bool:
        protocol, own = subject.deployment.activity.protocol, subject.options
        # how often inputs that change are weighed by then is not counted step by step
        weighed = protocol.frames == 1 or own.save == "time" or own.host is None
        # what a sample leaves behind matters for the next one
        return protocol.presentation == "fresh" and weighed

    def foreseen(self, subject: Subject) -> np.ndarray:
        n_steps = self.recipe.n_steps
        assert n_steps is not None
        chip = subject.takes(first_steps(subject.work, n_steps))
        return chip + subject.host_J_after(n_steps)


class LowerRate(Change):
    """A layer that fires less: fewer spikes and messages, and fewer synops behind it."""

    kind = "rate"

    def foreseen(self, subject: Subject) -> np.ndarray:
        left = subject.options.keep_rate
        chip = subject.takes(with_less(subject, self.layer, Share(spikes=left)))
        return chip + subject.own_host_J


@dataclass(frozen=True)
class Prune(Change):
    """Units or channels that are taken out: their updates, the synops to them, and from them.

    How many of these updates are active, and whether as many weights lead to each unit, is not
    counted: by counts alone all units of a layer are alike.

    Attributes
    ----------
    units_left, spikes_left : float
        Shares of the layer's units that are left, and of its spikes, which these fire.
    along : tuple of str
        Layers behind it that lose as large a share of their own units.
    """

    units_left: float = 1.0
    spikes_left: float = 1.0
    along: tuple[str, ...] = ()

    kind = "prune"

    def foreseen(self, subject: Subject) -> np.ndarray:
        units = self.units_left
        work = with_less(subject, self.layer, Share(units, self.spikes_left, units, units))
        for layer in self.along:
            work = with_less(subject, layer, Share(units, units, units, units), work)
        less = dict.fromkeys((self.layer, *self.along), units)
        return subject.takes(work) + subject.host_J(subject.workload, less)


class OtherBlocks(Change):
    """Other neurons share a core: the same spikes, other messages and cores."""

    kind = "blocks"

    def foreseen(self, subject: Subject) -> None:
        return None


class ToHost(Change):
    """A layer that the host computes: nothing of it on the chip, all of it on a processor."""

    kind = "host"

    def foreseen(self, subject: Subject) -> np.ndarray:
        gone = {self.layer: Share(0.0, 0.0, 0.0, 0.0)}
        chip = subject.takes(thinned(subject.work, gone))
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


class ToChip(Change):
    """A model's inputs as spikes, so that the chip computes the layer that they are fed to."""

    kind = "chip"

    def foreseen(self, subject: Subject) -> None:
        return None


class Together(Change):
    """Several changes of one network."""

    kind = "together"

    def foreseen(self, subject: Subject) -> None:
        return None


def with_less(subject: Subject, layer: str, own: Share, work: ChipWork | None = None) -> ChipWork:
    """The chip's work if a layer has a share of its own counts, and what it feeds of its synops.

    A layer may feed itself, and may be on the host. ``work``: which has less already.
    """
    shares = behind(subject, layer, own.spikes)
    fed = shares.get(layer, Share())
    shares[layer] = replace(own, synops=own.synops * fed.synops, axons=own.axons * fed.axons)
    sent = 1 - (1 - own.spikes) * subject.feeding.get(layer, 0.0)
    return thinned(subject.work if work is None else work, shares, sent)


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
    if not 1 <= left < now:
        yield Untried("steps", "", f"{counted(left, 'step')} of {now:,} are none to try")
    elif any(subject.timed) and not all(subject.timed):
        yield Untried(
            "steps", "", "some of its inputs have values for every step, and some have not"
        )
    else:
        yield FewerSteps("", f"{left} of {now} steps", Recipe(n_steps=left))


def _rates(subject: Subject) -> Iterator[Change | Untried]:
    keep = subject.options.keep_rate
    for layer in subject.layers:
        recipe = Recipe(rates={layer: keep})
        if subject.conversion is None:
            try:
                net = subject.deployment.network
                check_scalable(net, ensemble_of_layer(subject.graph, layer))
            except SpikeCostError as error:
                yield Untried("rate", layer, str(error))
                continue
            yield LowerRate(layer, f"{layer}: {keep:g} times the rate", recipe)
        elif layer in subject.scales:
            now = subject.scales[layer]
            yield LowerRate(layer, f"{layer}: scale {now * keep:g}, not {now:g}", recipe)
        else:
            yield Untried("rate", layer, "its neurons have no amplitude to divide a scale out of")


def _prunings(subject: Subject) -> Iterator[Change | Untried]:
    for layer in subject.layers:
        try:
            name, spikes, along = _spikes_of_units(subject, layer)
        except SpikeCostError as error:
            yield Untried("prune", layer, str(error))
            continue
        n_units = len(spikes)
        if n_units == 1:
            yield Untried("prune", layer, "it has one unit alone")
            continue
        fewest = np.argsort(spikes, kind="stable")[: round(n_units * subject.options.prune_share)]
        silent = np.flatnonzero(spikes == 0)
        silent = silent[int(len(silent) == n_units) :]  # of a layer that is silent one stays
        for gone, which in ((silent, "that never fire"), (fewest, "with the fewest spikes")):
            if 0 < len(gone) < n_units and (gone is silent or spikes[gone].any()):
                left = 1 - float(spikes[gone].sum() / max(spikes.sum(), 1))
                words = f"{layer}: without {len(gone)} of {n_units} {name}, {which}"
                own = subject.own_name(layer)
                recipe = Recipe(without={own: tuple(sorted(map(int, gone)))})
                yield Prune(layer, words, recipe, 1 - len(gone) / n_units, left, along)


def _spikes_of_units(subject: Subject, layer: str) -> tuple[str, np.ndarray, tuple[str, ...]]:
    """What units or channels of a layer are called, the spikes of each, and what loses them, too.

    Raises
    ------
    ConversionError, NetworkGraphError
        If it can't be pruned, with the reason.
    """
    counts = subject.deployment.activity.populations
    if subject.conversion is None:
        net = subject.deployment.network
        units = units_of(net, ensemble_of_layer(subject.graph, layer))
        (own,) = (counts[p.name].counts for p in subject.graph.populations if p.layer == layer)
        word = "neurons" if units.max() + 1 == len(units) else "channels"
        return word, np.bincount(units, weights=own.sum(axis=0)), ()
    target = weights_layer(subject.model, subject.own_name(layer))
    if target is None:
        raise ConversionError("is neither a Dense nor a Conv layer, nor activations behind one")
    n_units = size_of(target)
    several = [counts[p.name].counts for p in subject.graph.populations if p.layer == layer]
    sizes = {own.shape[1] for own in several}
    if len(sizes) != 1 or sizes.pop() % n_units:
        raise ConversionError(
            f"its neurons are in {counted(len(several), 'population')}, unlike its units"
        )
    # what reads it may need all of its channels
    names = {subject.own_name(name): name for name in subject.layers}
    along = [names[own] for own in narrowed(subject.model, target.name) if own in names]
    of_neurons = np.sum([own.sum(axis=0) for own in several], axis=0)  # a ReLU6 has two of each
    spikes = of_neurons.reshape(-1, n_units).sum(axis=0)
    return "channels", spikes, tuple(own for own in along if own != layer)


def _blocks(subject: Subject) -> Iterator[Change | Untried]:
    if subject.deployment.fit is None:
        yield Untried("blocks", "", "its block shapes are those of the network's configuration")
        return
    for objective in OBJECTIVES:
        if objective != subject.options.objective:
            words = f"block shapes for {objective}, not {subject.options.objective}"
            yield OtherBlocks("", words, Recipe(objective=objective))


def _to_host(subject: Subject) -> Iterator[Change | Untried]:
    layers = subject.layers_on_chip
    if subject.options.save == "time":
        yield Untried("host", "", "how long a processor takes for a layer is not known")
    elif subject.options.host is None:
        yield Untried("host", "", "the host's work is not counted: say which processor, host='cpu'")
    elif len(layers) < 2:
        yield Untried("host", "", "nothing would be left on the chip")
    else:
        for layer in layers:
            yield ToHost(layer, f"{layer} on the host", Recipe(off_chip=(layer,)))


def _to_chip(subject: Subject) -> Iterator[Change | Untried]:
    conversion = subject.conversion
    if conversion is None:
        yield Untried("chip", "", "of a Keras model alone inputs are known, which become spikes")
    elif not conversion.options.get("spike_input"):
        yield ToChip("", "inputs as spikes to the chip", Recipe(spike_input=True))
