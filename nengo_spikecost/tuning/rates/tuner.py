"""`tune_firing_rates`: the scale at which each layer fires at its target."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...activity import Activity
from ...conversion.lookup import walk_layers
from ...conversion.scales import by_layer_name, layer_names, neuron_layer
from ...errors import MeasurementError, TuningError
from ...graph import NetworkGraph
from ...graph.pathways import Population
from ...options import takes_options
from ...progress import progress_bar
from ..rate_options import RateOptions
from ..rescaling import RescalableNetwork, in_compiled_code
from .curve import collected, rate_curve, relu_activations
from .layer_search import LayerSearch
from .measured import MeasuredRates
from .rate_tuning import LayerRates, RateStep, RateTuning

#: Significant digits of a scale, so that it can be pasted.
_DIGITS = 4

#: An upstream layer that moved by more than this changes what is known of those after it.
_MOVED = 0.03


@takes_options(RateOptions)
def tune_firing_rates(
    model: Any, x: Any, *, options: RateOptions, **convert_options: Any
) -> RateTuning:
    """Find the firing-rate scale of every layer at which it fires at a target.

    The rates are those of the neurons asked for, counted in a simulation of the whole
    network: ReLU activations give a first guess, and each simulation corrects it, in one build
    of the network (see `RescalableNetwork`). The search runs in compiled code, and the scales that
    it found are measured in NengoDL, whose figures the result has.

    Parameters
    ----------
    model : tf.keras.Model or Conversion or RescalableNetwork
        Of the last two, ``neuron_type``, ``synapse`` and all other options are their own.
    x : array or dict or iterable
        Samples, as `measure` takes them; take some hundred training samples.
    {options}
    **convert_options
        All other options of `convert`.

    Returns
    -------
    RateTuning
        The best of all settings that were simulated. A layer whose target can't be reached has
        the reason, and the rate that it has instead.

    Raises
    ------
    TuningError
        If an argument is wrong, or if a simulation fails: its ``result`` then holds the best of
        the simulations before it, if there was one.
    ConversionError, DataError
        If the model can't be converted, or the data do not fit it.
    """
    begun = time.perf_counter()
    if hasattr(model, "net") or isinstance(model, RescalableNetwork):
        _refuse_conversion(model, options, convert_options)
    if isinstance(model, RescalableNetwork):
        return _Tuner(model, x, options).run(begun)
    if not hasattr(model, "net"):
        own = {"neuron_type": options.neuron_type, "synapse": options.synapse}
        convert_options = {**own, **convert_options}

    def made(simulator: str) -> RescalableNetwork:
        return RescalableNetwork(
            model, dt=options.dt, batch_size=options.batch_size, seed=options.seed,
            presentation=options.presentation, simulator=simulator, memory=options.memory,
            **convert_options,
        )  # fmt: skip

    if options.simulator == "compiled":
        network, because = in_compiled_code(made)
    else:
        network, because = made(options.simulator), ""
    with network:
        return _Tuner(network, x, options, because).run(begun)


def _refuse_conversion(model: Any, options: RateOptions, more: Mapping[str, Any]) -> None:
    """Raise `TuningError` if it is said how to convert something that is converted already."""
    own = ["neuron_type", "synapse"]
    if isinstance(model, RescalableNetwork):
        own += ["simulator", "dt", "batch_size", "presentation", "seed", "memory"]
    refused = [*(name for name in own if name in options.named()), *more]
    if refused:
        raise TuningError(
            f"{', '.join(refused)}: a {type(model).__name__} has its own; give the Keras model to "
            "choose others."
        )


class _Tuner:
    """Simulates, and moves every layer that is off its target.

    1. ReLU activations of all samples, and the rate curve of the neurons, give each layer a
       first scale.
    2. The network is simulated with the scales of all layers.
    3. Each layer that is off its target gets another scale (`LayerSearch`), all in one go: one
       simulation a layer would take as many times longer, and a layer's rate hardly depends on
       the scales before it, because those are divided out of what it is given.
    4. Where a layer has moved much, those after it forget what they knew: their input is
       another.
    5. Again from 2, until every layer is at its target or no move is left. The best simulation
       is handed back, not the last.
    6. If that was not in NengoDL, NengoDL measures its scales, and this is what is handed back.
    """

    def __init__(
        self, network: RescalableNetwork, x: Any, options: RateOptions, because: str = ""
    ):  # fmt: skip
        self.because = because
        self.network, self.options, self.statistic = network, options, options.rate
        self.x = collected(network, x, options.n_steps)
        self.seconds = (options.n_steps - options.skip_steps) * network.dt
        self.targets = _targets(network, options.target)
        self.populations = network.populations
        self.upstream = _upstream(network.graph)
        steps = None if any(v.shape[1] > 1 for v in self.x.values()) else 1
        self.activations = relu_activations(network, self.x, steps)
        self.searches = {name: self._search(name) for name in self.targets}
        self.history: list[RateStep] = []
        self.last: Any = None
        self.best: Any = None

    def run(self, begun: float) -> RateTuning:
        """Simulate until every layer is at its target, or nothing helps."""
        most = self.options.max_simulations
        scales = dict(self.network.scales)
        for name, search in self.searches.items():
            scales[name] = _rounded(search.first_scale())
        try:
            with progress_bar("Tuning rates", most, self.options.progress) as advance:
                for _ in range(most):
                    rates = self._simulate(scales)
                    advance(1)
                    moved = self._moved(scales, rates)
                    if moved == scales:
                        # nothing is left to try: take the scales that the searches settled on
                        if self.last[0][0] <= self.best[0][0]:
                            self.best = self.last
                        break
                    scales = moved
        except MeasurementError as error:
            result = self._result(begun) if self.history else None
            raise TuningError(
                f"The tuning stopped after {len(self.history)} simulations: {error}"
                + (" (the best until then is in this error's .result)" if result else ""),
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
        rates = measured.rates_hz
        errors = {name: self._error(name, rates[name]) for name in self.targets}
        n_off = sum(bool(error > 0) for error in errors.values())
        self.history.append(RateStep(dict(scales), dict(rates), len(errors) - n_off))
        self.last = ((n_off, sum(errors.values())), measured, dict(scales))
        if self.best is None or self.last[0] < self.best[0]:
            self.best = self.last
        return rates

    def _counted(
        self, scales: Mapping[str, float], network: RescalableNetwork | None = None
    ) -> list[Activity]:
        """Activities until the first step that counts, half of the time, and the end."""
        skipped, end = self.options.skip_steps, self.options.n_steps
        lengths = {skipped, skipped + (end - skipped) // 2, end} - {0}
        if self.network.presentation == "continuous":
            lengths = {end}
        activities = (network or self.network).run(self.x, sorted(lengths), scales=dict(scales))
        return [activities[n] for n in sorted(activities)]

    def _judged(self, scales: Mapping[str, float]) -> MeasuredRates:
        """The rates that NengoDL has with these scales."""
        own = self.network
        network = RescalableNetwork(
            own.conversion, dt=own.dt, batch_size=own.batch_size, presentation=own.presentation,
            seed=own.seed, memory=own.memory,
        )  # fmt: skip
        with network:
            return MeasuredRates(self._counted(scales, network), self.populations, self.statistic)

    def _error(self, name: str, rate_hz: float) -> float:
        """How far a layer is off its target, beyond the tolerance; 0 within it."""
        target = self.targets[name]
        if abs(rate_hz - target) <= self._allowed(name):
            return 0.0
        return float(abs(np.log(max(rate_hz, 1e-3 * target) / target)))

    def _allowed(self, name: str) -> float:
        """How far from its target a rate may be, in Hz."""
        slack_hz = self.statistic.slack_hz(self.seconds)
        return max(self.options.tolerance * self.targets[name], slack_hz)

    def _moved(self, scales: Mapping[str, float], rates: Mapping[str, float]) -> dict[str, float]:
        """The next scales; only layers that are off and not stuck get another one."""
        moved = dict(scales)
        changed: set[str] = set()
        for name, search in self.searches.items():
            if self.upstream[name] & changed:
                search.forget()
            if not self._error(name, rates[name]) or search.stuck:
                continue
            moved[name] = _rounded(search.next_scale(scales[name], rates[name]))
            if abs(np.log(moved[name] / scales[name])) > _MOVED:
                changed.add(name)
        return moved

    def _result(self, begun: float) -> RateTuning:
        _, measured, scales = self.best
        searched = None
        if self.options.judged and self.network.simulator != "nengo_dl":
            searched, measured = measured, self._judged(scales)
        layers = tuple(
            self._layer(name, measured, scales, searched) for name in self.network.layers
        )
        objects = dict(walk_layers(self.network.conversion.options["model"]))
        keys = {n: neuron_layer(objects[n]) if n in objects else n for n in self.network.layers}
        return RateTuning(
            layers=layers,
            scale_firing_rates={key: scales[name] for name, key in keys.items()},
            history=tuple(self.history), seconds=time.perf_counter() - begun,
            statistic=str(self.statistic), tolerance=self.options.tolerance,
            n_steps=self.options.n_steps, skip_steps=self.options.skip_steps,
            activity=measured.activity, counts=measured.counts, in_place=self.network.in_place,
            searched_in=self.network.simulator, searched_because=self.because,
            base=self.network.conversion,
        )  # fmt: skip

    def _layer(
        self, name: str, measured: MeasuredRates, scales: Mapping[str, float],
        searched: MeasuredRates | None,
    ) -> LayerRates:  # fmt: skip
        rate, target = measured.rates_hz[name], self.targets.get(name)
        before = None if searched is None else searched.rates_hz[name]
        off = target is not None and self._error(name, rate) > 0
        return LayerRates(
            layer=name, scale=scales[name], target_hz=target,
            allowed_hz=0.0 if target is None else self._allowed(name), rate_hz=rate,
            reached=not off, reason=self._reason(name, rate, before) if off else "",
            searched_hz=before,
            **measured.details(name, scales[name], self.activations, self.network.dt),
        )  # fmt: skip

    def _reason(self, name: str, rate_hz: float, before: float | None) -> str:
        if before is not None and not self._error(name, before):
            return (
                f"its rate was {before:.4g} Hz in compiled code, and is {rate_hz:.4g} Hz in "
                "NengoDL: search with simulator='nengo_dl'"
            )
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


def _targets(network: RescalableNetwork, target: Any) -> dict[str, float]:
    """Targets in Hz, by name of the layers that have one."""
    names = layer_names(network.conversion.options["model"])
    is_dict = isinstance(target, Mapping)
    given = by_layer_name(target, names) if is_dict else dict.fromkeys(network.layers, target)
    for name in given:
        if name not in network.layers:
            raise TuningError(
                f"target names layer {name!r}, which has no firing rate to tune; those that have "
                f"are {', '.join(network.layers)}."
            )
    return {name: float(given[name]) for name in network.layers if name in given}


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
