"""`Bench`: a network, samples and labels, on which other settings are tried."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from ..activity import measure
from ..activity.activity_record import Activity
from ..activity.labels import Labels
from ..activity.samples import with_labels
from ..deadlines import Clock, OutOfTime, check_time, in_time_here
from ..errors import SpikeCostError
from ..layout.verdict import POINTS
from ..workload.exact import ExactCounter
from ..workload.row_counts import layer_counts
from .attempts import ACCURACY, ENERGY, HOST, IN_CODE, RATES, Attempt, Attempts

MAX_SAMPLES = 100
"""Samples that settings are tried on: the first ones."""

SECONDS = 10.0
"""After this what is being tried is given up; the first setting does not count."""

FIRST_S = 60.0
"""Seconds that the first setting may take, which may have to compile the code once and for all."""

HIGHEST = 0.9
"""Share of a spike every step that rates are lowered to."""

Judge = Callable[[Mapping[str, Any], int], tuple[Any, Activity]]


@dataclass(frozen=True)
class Bench:
    """What is needed to try another setting.

    Attributes
    ----------
    conversion : Conversion
        Of a Keras model, with one factor on all firing rates.
    activity : Activity
        Of the result, on all samples.
    x : array, or mapping from input to array
    labels : Labels
        Of the classes of the only output.
    keras : ndarray of shape (n_samples, size)
        Outputs of the Keras model.
    simulation : mapping from str to object
        Options of `measure`.
    energy_of : callable, optional
        Joules per inference on Loihi's cores of a network and its activity.
    judge : callable, optional
        Runs a setting on the first samples as the result was run, where compiled code is only near
        to it (an emulated chip): gives the network and its activity, whose figures are shown.
    where : str
        Where the judge runs.
    readouts : tuple of str
        How outputs are read: the better one counts.
    """

    conversion: Any
    activity: Activity
    x: Any = field(repr=False)
    labels: Labels = field(repr=False)
    keras: Any = field(repr=False)
    simulation: Mapping[str, Any] = field(default_factory=dict)
    energy_of: Callable[[Any, Activity], float | None] | None = None
    judge: Judge | None = None
    where: str = IN_CODE
    readouts: tuple[str, ...] = ("last", "mean")

    @property
    def n_samples(self) -> int:
        """How many samples settings are tried on."""
        return min(MAX_SAMPLES, self.activity.n_samples)

    @property
    def scale(self) -> float | None:
        """The factor on all firing rates; None if layers have their own."""
        one: float | None = self.conversion.one_scale
        return one

    def now(self) -> Attempt:
        """The result itself, on the samples that settings are tried on."""
        return self.read({}, self.conversion, self.activity)

    def attempts(self, purpose: str, candidates: Iterable[Mapping[str, Any]]) -> Attempts:
        """Try settings until one serves, or time is over."""
        n = self.n_samples
        keras = float(self.labels.rows(slice(n)).outcomes(self.keras[:n]).mean())
        fixed: dict[str, Any] = {} if self.judge else {"simulator": "compiled"}
        if n < self.activity.n_samples:
            fixed["samples"] = n
        empty = Attempts(purpose, self.now(), keras, n, (), fixed, self.where)
        if purpose == ACCURACY and empty.serves(empty.now):
            return empty  # what is lost is lost on other samples
        tried: list[Attempt] = []
        clock = Clock(FIRST_S)
        try:
            with clock.governs():
                self._try_all(empty, candidates, tried, clock)
        except OutOfTime:
            return replace(empty, tried=tuple(tried), stopped=True)
        return replace(empty, tried=tuple(tried))

    def _try_all(
        self, empty: Attempts, candidates: Iterable[Mapping[str, Any]], tried: list[Attempt],
        clock: Clock,
    ) -> None:  # fmt: skip
        """Try settings until one serves; those that are done are added to ``tried``."""
        for number, changes in enumerate(candidates):
            check_time()
            attempt = self._attempt(changes)
            if number == 0:
                clock.start(SECONDS)
            if attempt is not None and self.judge is not None:
                # compiled code has the chip's neurons, but not its rounding: it chooses
                near = empty.lost(attempt) <= POINTS
                judged = self._judged(changes) if near else None
                attempt = replace(attempt, judged=False) if judged is None else judged
            if attempt is not None:
                tried.append(attempt)
                if attempt.judged and empty.serves(attempt):
                    break
        else:
            self._judge_most(empty, tried)

    def _judge_most(self, empty: Attempts, tried: list[Attempt]) -> None:
        """Judge the setting that gains most, where none serves."""
        most = max(tried, key=lambda a: a.accuracy, default=None)
        if self.judge is None or most is None or most.judged:
            return
        gains = 100 * (most.accuracy - empty.now.accuracy) >= POINTS
        if empty.purpose == HOST or (empty.purpose == ACCURACY and gains):
            judged = self._judged(most.changes)
            if judged is not None:
                tried[tried.index(most)] = judged

    def _judged(self, changes: Mapping[str, Any]) -> Attempt | None:
        """A setting as the result was run; None where it can't be."""
        assert self.judge is not None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.read(changes, *self.judge(changes, self.n_samples))
        except SpikeCostError:
            return None

    def _attempt(self, changes: Mapping[str, Any]) -> Attempt | None:
        """One setting in compiled code; None where that can't run it."""
        others = {name: value for name, value in changes.items() if name != "n_steps"}
        n_steps = changes.get("n_steps", self.activity.protocol.n_steps)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of settings that nobody has asked for
                network = self.conversion
                if others:
                    network = in_time_here(lambda: self.conversion.remade(**others))
                activity = measure(
                    network, first(self.x, self.n_samples), n_steps, simulator="compiled",
                    progress=False, **self.simulation,
                )  # fmt: skip
                return self.read(changes, network, activity)
        except SpikeCostError:
            return None

    def read(self, changes: Mapping[str, Any], network: Any, activity: Activity) -> Attempt:
        """What a measurement of a setting says."""
        n = self.n_samples
        labels, record = self.labels.rows(slice(n)), next(iter(activity.outputs.values()))
        outputs = [getattr(record, readout)[:n] for readout in self.readouts]
        accuracy = max(float(labels.outcomes(values).mean()) for values in outputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            workload = ExactCounter(network, activity).workload()
            energy_J = None if self.energy_of is None else self.energy_of(network, activity)
        rates = [row.max_rate_hz for row in layer_counts(workload) if row.max_rate_hz is not None]
        synops = [float(p.synops.mean()) for p in workload.pathways if p.synops is not None]
        own = sum(synops) if synops else None
        return Attempt(dict(changes), accuracy, energy_J, own, max(rates, default=None))


def settings(
    purpose: str, scale: float, n_steps: int, now: Attempt, dt: float
) -> list[dict[str, Any]]:
    """Scales and steps to try, the least energy first.

    Parameters
    ----------
    purpose : {"accuracy", "energy", "rates"}
    scale : float
        Factor on all firing rates.
    n_steps : int
    now : Attempt
        With the highest rate of a neuron: scales with which it would fire more than once a step
        are left out.
    dt : float
        Length of a step in s.
    """
    highest = now.max_rate_hz or 0.0
    if purpose == RATES:
        return [{"scale_firing_rates": _short(scale * HIGHEST / (dt * highest))}]
    factors: list[tuple[float, float]]
    if purpose == ACCURACY:
        factors = [(2, 1), (1, 2), (4, 1), (2, 2), (10, 1), (4, 2), (2, 4), (10, 2), (4, 4)]
    elif purpose == ENERGY:
        factors = [(0.5, 0.5), (1, 0.5), (0.25, 1), (0.5, 1), (1, 0.75), (0.7, 1)]
    else:
        return []
    if purpose == ACCURACY and not highest:
        factors = [(10, 1), (10, 2), *factors]  # nothing spikes
    wanted = []
    for scales, steps in factors:
        if scales > 1 and scales * highest * dt > 1:
            continue  # more than a spike a step, which no chip has
        if n_steps * steps < 1:
            continue
        changes: dict[str, Any] = {}
        if scales != 1:
            changes["scale_firing_rates"] = _short(scale * scales)
        if steps != 1:
            changes["n_steps"] = round(n_steps * steps)
        wanted.append(changes)
    return wanted


def first(x: Any, n: int) -> Any:
    """The first samples."""
    x = with_labels(x)[0]
    if x is None:  # of a network without inputs, which has one sample
        return None
    return {key: values[:n] for key, values in x.items()} if isinstance(x, Mapping) else x[:n]


def _short(scale: float) -> float:
    """A scale in three digits, as it is typed."""
    return float(f"{scale:.3g}")
