"""`tune_firing_rates`: the scale of every layer at which it fires as often as it should."""

from __future__ import annotations

import numbers
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...activity import Activity
from ...activity.subject import subject
from ...check import is_whole
from ...conversion.lookup import walk_layers
from ...conversion.scales import by_layer_name, layer_names, neuron_layer
from ...errors import MeasurementError, TuningError
from ...graph import NetworkGraph
from ...graph.pathways import Population
from ...progress import progress_bar
from ..rescaling import RescalableNetwork
from .curve import rate_curve, relu_activations
from .layer_search import LayerSearch
from .measured import MeasuredRates
from .rate_statistics import RateStatistic
from .rate_tuning import LayerRates, RateStep, RateTuning

#: Significant digits of a scale, so that it can be pasted.
_DIGITS = 4

#: An upstream layer that moved by more than this changes what is known of those after it.
_MOVED = 0.03


def tune_firing_rates(
    model: Any,
    x: Any,
    *,
    target: float | Mapping[Any, float] = 200.0,
    statistic: str = "mean_active",
    percentile: float = 99.0,
    tolerance: float = 0.05,
    neuron_type: Any = "LoihiSpikingRectifiedLinear",
    synapse: Any = 0.005,
    n_steps: int = 100,
    skip_steps: int = 0,
    max_simulations: int = 20,
    batch_size: int | None = None,
    dt: float = 0.001,
    presentation: str = "fresh",
    seed: int = 0,
    progress: bool = True,
    **options: Any,
) -> RateTuning:
    """Find the firing-rate scale of every layer at which it fires at a target.

    The rates are those of the neurons asked for, counted in a simulation of the whole
    network: ReLU activations give a first guess, and each simulation corrects it, in one build
    of the network (see `RescalableNetwork`).

    Parameters
    ----------
    model : tf.keras.Model or Conversion or RescalableNetwork
        Of the last two, ``neuron_type``, ``synapse`` and all other options are their own.
    x : array or dict or iterable
        Samples, as `measure` takes them; take some hundred training samples.
    target : float or dict
        Rate in Hz, of all layers or by layer (or its name); layers left out keep the scale
        they have, which is 1 of a Keras model.
    statistic : {"mean_active", "mean", "percentile", "max"}
        What is meant by the rate of a layer: see `RateStatistic`.
    percentile : float
        Which one.
    tolerance : float
        Share of the target that a rate may be off.
    neuron_type, synapse
        As in `convert`.
    n_steps, skip_steps : int
        Steps of a presentation, and how many of the first are not counted, for rates without
        the time in which filters fill.
    max_simulations : int
        Most simulations.
    batch_size, dt, presentation, seed
        As in `measure`.
    progress : bool
        Show a progress bar with the time left, if standard error is a terminal.
    **options
        All other options of `convert`.

    Returns
    -------
    RateTuning
        The best of all settings that were simulated. A target that can't be reached is said
        at its layer, with what was reached.

    Raises
    ------
    TuningError
        If an argument is wrong, or if a simulation fails: its ``result`` then holds what was
        found before, if there is anything.
    ConversionError, DataError
        If the model can't be converted, or the data do not fit it.
    """
    begun = time.perf_counter()
    measured = RateStatistic(statistic, percentile)
    _check_numbers(tolerance, n_steps, skip_steps, max_simulations, presentation)
    if isinstance(model, RescalableNetwork):
        network = model
    else:
        if not hasattr(model, "net"):
            options = {"neuron_type": neuron_type, "synapse": synapse, **options}
        network = RescalableNetwork(
            model, dt=dt, batch_size=batch_size, presentation=presentation, seed=seed, **options
        )
    try:
        tuner = _Tuner(network, x, target, measured, float(tolerance), n_steps, skip_steps)
        return tuner.run(max_simulations, progress, begun)
    finally:
        if network is not model:
            network.close()


class _Tuner:
    """Simulates, and moves every layer that is off its target."""

    def __init__(
        self, network: RescalableNetwork, x: Any, target: Any, statistic: RateStatistic,
        tolerance: float, n_steps: int, skip_steps: int,
    ):  # fmt: skip
        self.network, self.statistic, self.tolerance = network, statistic, tolerance
        self.n_steps, self.skip_steps = n_steps, skip_steps
        self.x = _collected(network, x, n_steps)
        self.seconds = (n_steps - skip_steps) * network.dt
        self.targets = _targets(network, target)
        self.populations = network.populations
        self.upstream = _upstream(network.graph)
        steps = None if any(v.shape[1] > 1 for v in self.x.values()) else 1
        self.activations = relu_activations(network.conversion, self.x, steps)
        self.searches = {name: self._search(name) for name in self.targets}
        self.history: list[RateStep] = []
        self.last: Any = None
        self.best: Any = None

    def run(self, max_simulations: int, progress: bool, begun: float) -> RateTuning:
        """Simulate until every layer is at its target, or nothing helps."""
        scales = dict(self.network.scales)
        for name, search in self.searches.items():
            scales[name] = _rounded(search.first_scale())
        try:
            with progress_bar("Tuning rates", max_simulations, progress) as advance:
                for _ in range(max_simulations):
                    rates = self._simulate(scales)
                    advance(1)
                    moved = self._moved(scales, rates)
                    if moved == scales:
                        # nothing is left to try: what the searches have settled on
                        if self.last[0][0] <= self.best[0][0]:
                            self.best = self.last
                        break
                    scales = moved
        except MeasurementError as error:
            result = self._result(begun) if self.history else None
            raise TuningError(
                f"The tuning stopped after {len(self.history)} simulations: {error}"
                + (" (what was found until then is in this error's .result)" if result else ""),
                result=result,
            ) from error
        return self._result(begun)

    def _search(self, name: str) -> LayerSearch:
        populations = self.populations[name]
        curve = rate_curve(
            {p.name: self.activations[p.name] for p in populations if p.name in self.activations},
            {p.name: p.neuron_type for p in populations},
            self.statistic, self.seconds, self.network.dt,
        )  # fmt: skip
        return LayerSearch(self.targets[name], curve)

    def _simulate(self, scales: Mapping[str, float]) -> dict[str, float]:
        measured = MeasuredRates(self._counted(scales), self.populations, self.statistic)
        rates = measured.rates_hz()
        errors = {name: self._error(name, rates[name]) for name in self.targets}
        n_off = sum(bool(error > 0) for error in errors.values())
        self.history.append(RateStep(dict(scales), dict(rates), len(errors) - n_off))
        self.last = ((n_off, sum(errors.values())), measured, dict(scales))
        if self.best is None or self.last[0] < self.best[0]:
            self.best = self.last
        return rates

    def _counted(self, scales: Mapping[str, float]) -> list[Activity]:
        """Activities until the first step that counts, half of the time, and the end."""
        middle = self.skip_steps + (self.n_steps - self.skip_steps) // 2
        lengths = {self.skip_steps, middle, self.n_steps} - {0}
        if self.network.presentation == "continuous":
            lengths = {self.n_steps}
        found = self.network.run(self.x, sorted(lengths), scales=dict(scales))
        return [found[n] for n in sorted(found)]

    def _error(self, name: str, rate_hz: float) -> float:
        """How far a layer is off its target, beyond the tolerance; 0 within it."""
        target = self.targets[name]
        return (
            0.0
            if abs(rate_hz - target) <= self._allowed(name)
            else abs(np.log(max(rate_hz, 1e-3 * target) / target))
        )

    def _allowed(self, name: str) -> float:
        """How far from its target a rate may be, in Hz."""
        return max(self.tolerance * self.targets[name], self.statistic.slack_hz(self.seconds))

    def _moved(self, scales: Mapping[str, float], rates: Mapping[str, float]) -> dict[str, float]:
        """The next scales: of layers that are off only, and of these unless they are stuck."""
        found = dict(scales)
        changed: set[str] = set()
        for name, search in self.searches.items():
            if self.upstream[name] & changed:
                search.forget()
            if not self._error(name, rates[name]) or search.stuck:
                continue
            found[name] = _rounded(search.next_scale(scales[name], rates[name]))
            if abs(np.log(found[name] / scales[name])) > _MOVED:
                changed.add(name)
        return found

    def _result(self, begun: float) -> RateTuning:
        _, measured, scales = self.best
        layers = tuple(self._layer(name, measured, scales) for name in self.network.layers)
        objects = dict(walk_layers(self.network.conversion.options["model"]))
        return RateTuning(
            layers=layers,
            scale_firing_rates={
                neuron_layer(objects[name]): scales[name] for name in self.network.layers
            },
            history=tuple(self.history),
            seconds=time.perf_counter() - begun,
            statistic=str(self.statistic),
            tolerance=self.tolerance,
            n_steps=self.n_steps,
            skip_steps=self.skip_steps,
            activity=measured.activity,
            counts=measured.counts,
            in_place=self.network.in_place,
            base=self.network.conversion,
        )

    def _layer(self, name: str, measured: MeasuredRates, scales: Mapping[str, float]) -> LayerRates:
        rate, target = measured.rates_hz()[name], self.targets.get(name)
        off = target is not None and self._error(name, rate) > 0
        return LayerRates(
            layer=name,
            scale=scales[name],
            target_hz=target,
            allowed_hz=0.0 if target is None else self._allowed(name),
            rate_hz=rate,
            reached=not off,
            reason=self._reason(name, rate) if off else "",
            **measured.details(name, scales[name], self.activations, self.network.dt),
        )

    def _reason(self, name: str, rate_hz: float) -> str:
        target, search = self.targets[name], self.searches[name]
        drive = [self.activations[p.name] for p in self.populations[name]
                 if p.name in self.activations]  # fmt: skip
        if drive and not any(a.any() for a in drive):
            return "its ReLUs are zero for all of these samples"
        if target < self.statistic.lowest_hz(self.seconds):
            return (
                f"a neuron that fires once in {self.seconds:g} s fires at "
                f"{1 / self.seconds:.4g} Hz; give a longer presentation"
            )
        return search.stuck or f"{rate_hz:.4g} Hz after {len(self.history)} simulations"


def _check_numbers(
    tolerance: Any, n_steps: Any, skip_steps: Any, max_simulations: Any, presentation: Any
) -> None:
    if not isinstance(tolerance, numbers.Real) or not 0 < float(tolerance) < 1:
        raise TuningError(f"tolerance must be a share between 0 and 1, not {tolerance!r}.")
    for name, value, least in (
        ("n_steps", n_steps, 1), ("skip_steps", skip_steps, 0),
        ("max_simulations", max_simulations, 1),
    ):  # fmt: skip
        if not is_whole(value, least):
            raise TuningError(f"{name} must be a whole number of at least {least}, not {value!r}.")
    if skip_steps >= n_steps:
        raise TuningError(f"skip_steps must be less than n_steps, {n_steps}, not {skip_steps}.")
    if skip_steps and presentation == "continuous":
        raise TuningError("skip_steps is for presentation='fresh': a continuous one has no start.")


def _targets(network: RescalableNetwork, target: Any) -> dict[str, float]:
    """The target of each layer that has one, by name."""
    names = layer_names(network.conversion.options["model"])
    if isinstance(target, Mapping):
        given = by_layer_name(target, names)
    else:
        given = dict.fromkeys(network.layers, target)
    for name, hz in given.items():
        if name not in network.layers:
            raise TuningError(
                f"target names layer {name!r}, which has no firing rate to tune; those that have "
                f"are {', '.join(network.layers)}."
            )
        if not isinstance(hz, numbers.Real) or not 0 < float(hz) < float("inf"):
            raise TuningError(f"target of layer {name!r} must be a rate in Hz, not {hz!r}.")
    return {name: float(given[name]) for name in network.layers if name in given}


def _collected(network: RescalableNetwork, x: Any, n_steps: int) -> dict[str, np.ndarray]:
    """The samples as one array an input, so that they can be presented many times."""
    _, stream = subject(network.conversion).stream(x, n_steps)
    parts: list[dict[str, np.ndarray]] = [batch.inputs for batch in stream.batches(256)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _upstream(graph: NetworkGraph) -> dict[str, set[str]]:
    """For each layer, the layers that its input depends on."""
    before: dict[str, set[str]] = {p.layer: set() for p in graph.populations}
    pairs: Sequence[tuple[str, str]] = [
        (path.pre.layer, path.post.layer)
        for path in graph.pathways
        if isinstance(path.pre, Population) and isinstance(path.post, Population)
    ]
    for _ in before:
        for pre, post in pairs:
            before[post] |= {pre, *before[pre]} - {post}
    return before


def _rounded(scale: float) -> float:
    return float(f"{scale:.{_DIGITS}g}")
