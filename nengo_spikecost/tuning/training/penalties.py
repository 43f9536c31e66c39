"""Penalties that are added to the loss of the task: on rates by layer, and on synops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from ... import check
from ...conversion import Conversion
from ...errors import TuningError
from ...graph import NetworkGraph, Population
from ..fine_tune_options import FineTuneOptions
from .energy_prices import EnergyPrices, energy_prices
from .losses import RateLoss, SynopLoss, outside, spike_amplitude, synop_losses, synop_range


@dataclass(frozen=True)
class Penalties:
    """Penalties on the outputs of the populations of one network.

    Attributes
    ----------
    populations : tuple of Population
        Those whose outputs are needed, in order.
    synops : dict from str to SynopLoss
        By population: its synops over a presentation.
    rates : tuple of (str, RateLoss)
        Regularizers, with the population each is of.
    rates_hz : dict from str to float, optional
        By population: the rate that it is to be scaled to. Synops are then those at these
        rates, whatever the rates are now.
    amplitudes : dict from str to float
        Of the spikes of every population.
    synop_weight : float
        Penalty on all synops of the network before training.
    synop_target : (float, float), optional
        Synops a sample that cost nothing.
    energy_weight : float
        Penalty on the energy of the network before training.
    prices : EnergyPrices, optional
        What synops, updates and spikes take of a device. None: energy is not known.
    everybody : tuple of Population
        All populations, if spikes and energy are asked for.
    duration_s : float
        Simulated time of a presentation.
    """

    populations: tuple[Population, ...]
    synops: Mapping[str, SynopLoss]
    rates: tuple[tuple[str, RateLoss], ...] = ()
    rates_hz: Mapping[str, float] | None = None
    amplitudes: Mapping[str, float] = field(default_factory=dict)
    synop_weight: float = 0.0
    synop_target: tuple[float, float] | None = None
    energy_weight: float = 0.0
    prices: EnergyPrices | None = None
    everybody: tuple[Population, ...] = ()
    duration_s: float = 0.0

    def total_synops(self, outputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Mean synops a sample on all pathways, a scalar.

        Parameters
        ----------
        outputs : dict from str to tf.Tensor of shape (batch, n_steps, n_neurons)
            Read by Probes on the populations.
        """
        total = tf.constant(0.0)
        for name, loss in self.synops.items():
            synops = tf.reduce_mean(loss.synops(outputs[name]))
            if self.rates_hz is not None:
                wanted = tf.constant(self.rates_hz[name], tf.float32)
                # The rate is taken as it is. If it is trained too, few neurons fire more and more,
                # so that the others look silent: of the shipped network, after 15 epochs, 1% of
                # the neurons made almost half the spikes of a convolution, not a sixth, and 89%
                # of the test digits were right with spikes instead of 98%.
                synops *= wanted / tf.stop_gradient(self.spike_rate_hz(name, outputs[name]))
            total += synops
        return total

    def rates_hz_of(self, name: str, output: tf.Tensor) -> tf.Tensor:
        """Firing rates of a population, of the shape of its output."""
        return tf.abs(output) / self.amplitudes[name]

    def spike_rate_hz(self, name: str, output: tf.Tensor) -> tf.Tensor:
        """The rate of the neuron that fires a spike, on average over all spikes.

        ``sum(r ** 2) / sum(r)``, the mean rate weighted by itself: unlike the mean of all
        neurons or of the active ones, it does not fall if neurons that hardly fire are added.
        """
        rates = self.rates_hz_of(name, output)
        # an all but silent population has no rate to scale; it makes no synops either
        return (tf.reduce_sum(rates**2) + 1e-6) / (tf.reduce_sum(rates) + 1e-6)

    def regularization(self, outputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The sum of all regularizers, a scalar."""
        total = tf.constant(0.0)
        for name, loss in self.rates:
            total += tf.cast(loss(None, outputs[name]), tf.float32)
        return total

    def spikes_per_neuron(self, outputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Mean spikes of a neuron in a presentation; NaN, if not all neurons are read."""
        if not self.everybody:
            return tf.constant(float("nan"))
        return self.spikes(self.everybody, outputs) / sum(p.n_neurons for p in self.everybody)

    def spikes(
        self, populations: Iterable[Population], outputs: Mapping[str, tf.Tensor]
    ) -> tf.Tensor:
        """Mean spikes of some populations in a presentation, a scalar."""
        total = tf.constant(0.0)
        for population in populations:
            rates = self.rates_hz_of(population.name, outputs[population.name])
            total += tf.reduce_sum(tf.reduce_mean(rates, axis=[0, 1])) * self.duration_s
        return total

    def energy_J(self, synops: tf.Tensor, outputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Mean energy of a sample; NaN where it is not known."""
        if self.prices is None:
            return tf.constant(float("nan"))
        energy_J = synops * self.prices.synop_J + self.prices.updates_J
        if self.prices.spike_J:
            on_chip = [p for p in self.everybody if p.on_chip]
            energy_J += self.spikes(on_chip, outputs) * self.prices.spike_J
        return energy_J

    def of_energy(self, energy_J: Any, at_start: Any) -> Any:
        """The penalty on energy, given how much there was at the start."""
        return self.energy_weight / at_start * energy_J if self.energy_weight else 0.0

    def of_synops(self, synops: Any, at_start: Any) -> Any:
        """The penalty on synops, given how many there were at the start (at least 1)."""
        target = self.synop_target
        return self.synop_weight / at_start * (outside(synops, target) if target else synops)


def make_penalties(conversion: Conversion, options: FineTuneOptions) -> Penalties:
    """The penalties that `fine_tune` was asked for.

    Raises
    ------
    TuningError
        If a layer is named that has no neurons, or synops are to be penalised and there are
        none.
    """
    graph = NetworkGraph(conversion)
    by_layer: dict[str, list[Population]] = {}
    for population in graph.populations:
        by_layer.setdefault(population.layer, []).append(population)
    try:
        synops = synop_losses(graph, n_steps=options.n_steps, dt=options.dt)
    except TuningError:
        if options.synop_weight or options.synop_target is not None or options.energy_weight:
            raise
        synops = {}
    rates = []
    for layer, given in (options.regularizers or {}).items():
        for population in _of_layer(layer, by_layer, "regularizers"):
            many = given if isinstance(given, (list, tuple)) else (given,)
            rates += [(population.name, RateLoss(r, population.ensemble)) for r in many]
    needed = {name for name, _ in rates} | set(synops)
    wanted = None
    if options.rates_hz is not None:
        wanted = _rates_by_population(options.rates_hz, by_layer)
        needed |= set(wanted)
    everybody = graph.populations if options.forward == "steps" or options.energy_weight else ()
    needed |= {population.name for population in everybody}
    prices = energy_prices(
        options.device, everybody, options.n_steps, asked=bool(options.energy_weight)
    )
    return Penalties(
        populations=tuple(p for p in graph.populations if p.name in needed), synops=synops,
        rates=tuple(rates), rates_hz=wanted,
        amplitudes={p.name: spike_amplitude(p.neuron_type) for p in graph.populations},
        energy_weight=float(options.energy_weight), prices=prices if everybody else None,
        everybody=everybody, duration_s=options.n_steps * options.dt,
        synop_weight=float(options.synop_weight),
        synop_target=None if options.synop_target is None else synop_range(options.synop_target),
    )  # fmt: skip


def _rates_by_population(
    rates_hz: Any, by_layer: Mapping[str, list[Population]]
) -> dict[str, float]:
    named = rates_hz if isinstance(rates_hz, Mapping) else dict.fromkeys(by_layer, rates_hz)
    missing = [layer for layer in by_layer if layer not in named]
    if missing:
        raise TuningError(
            f"rates_hz has no rate for layer {missing[0]!r}; give one for each of "
            f"{', '.join(by_layer)}, or one number for all."
        )
    rates = {}
    for layer, rate in named.items():
        if not check.is_number(rate) or rate <= 0:
            raise TuningError(f"rates_hz must be positive numbers, not {rate!r} ({layer}).")
        for population in _of_layer(layer, by_layer, "rates_hz"):
            rates[population.name] = float(rate)
    return rates


def _of_layer(
    name: str, by_layer: Mapping[str, list[Population]], argument: str
) -> list[Population]:
    if name not in by_layer:
        raise TuningError(
            f"{argument} names {name!r}, which is no layer with neurons; these are "
            f"{', '.join(by_layer)}."
        )
    return by_layer[name]
