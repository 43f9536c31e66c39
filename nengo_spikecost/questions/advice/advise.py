"""`advise`: the changes that save most, predicted before they are made, and measured after."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sized
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...activity.samples import with_labels
from ...activity.subject import subject as of_network
from ...errors import DataError, SpikeCostError
from ...loihi import Deployment, deploy
from ...options import takes_options
from ...trying.retyping import command_of
from ...workload.measured_chip import chip_work
from .advice_record import (
    COUNTS,
    FIRST,
    UNSURE,
    Advice,
    Advised,
    Untried,
    Weighed,
    loses_none,
)
from .advise_options import AdviseOptions
from .advised_network import Subject
from .changes import Change, Together, candidates
from .recipe import Recipe
from .typed_changes import flags_of, python_line

#: Changes that are predicted from the first samples, for each that is made, at least.
PREDICTED = 2

#: More are, as long as this many times the saving that counts tell would be among the largest:
#: counts do not know that layers behind a slower one fire less, too.
SLACK = 5

#: Share that has to be saved for a change to be made; less will do where it is sure.
LEAST, LEAST_SURE = 0.01, 0.001


@takes_options(AdviseOptions)
def advise(
    network: Any, data: Any, y: Any = None, *, options: AdviseOptions, **convert_options: Any
) -> Advice:
    """Find the changes that save most energy, or time, and make them.

    1. The network is run as it is, on the emulated chip, and every count kept.
    2. Changes are ranked by what these counts say that they would save: fewer steps, a layer with
       a lower rate, without its silent units or those with the fewest spikes, on the host, inputs
       as spikes to the chip; and other block shapes.
    3. Where a change fires other spikes, counts do not say all: then it is made, and run on the
       first samples. The prediction is what the network takes on all samples, or what counts say
       of the saving, times the ratio that was found on these.
    4. Those with the largest predicted saving are made and run on all samples. What was weighed and
       not made is listed, with what it would save.
    5. Those of them that save, keep accuracy and go together are made in one network, predicted and
       run likewise. If accuracy is lost, the one that loses most by itself is left out, and the
       others are tried again.

    Parameters
    ----------
    network : Keras model, Conversion or nengo.Network
        It is not changed. Of a network the changes are those of `changed_network`.
    data, y : array
        Samples and labels, as `deploy` takes them; labels may also come with the samples. None for
        a network without inputs.
    {options}
    **convert_options
        Further arguments of `convert`.

    Returns
    -------
    Advice

    Raises
    ------
    DataError
        If the samples are a stream.
    EnergyError
        If what is to be saved hangs on a time of steps that is not predicted.
    SpikeCostError
        Whatever `deploy` raises for the network as it is.

    Examples
    --------
    >>> nsc.advise(model, x_test[:100], y_test[:100])  # doctest: +SKIP
    """
    x, labels = with_labels(data)
    y = labels if y is None else y
    if x is not None and not isinstance(x, (Sized, Mapping)):
        raise DataError(
            "advise runs the samples once for every change, and a stream can be read once only: "
            "give an array."
        )
    running = {**options.running(), "progress": options.progress}
    deployment = deploy(network, x, y, **running, **convert_options)
    was_converted = deployment.network is not network and hasattr(deployment.network, "remade")
    x = _by_name(deployment.network, x)
    subject = Subject(deployment, x, y, options, was_converted, convert_options)
    changes, untried = candidates(subject)
    predictions, weighed, failed = _predictions(subject, changes)
    made: list[tuple[Change, Advised]] = []
    for one in predictions:
        if len(made) == options.n_changes:
            weighed.append(_weighed(subject, one.change, one.value, one.basis))
            continue
        done = _realised(subject, one)
        if isinstance(done, Untried):
            failed.append(done)
        else:
            made.append((one.change, done))
    made.sort(key=lambda pair: -pair[1].saving)
    together, apart = _together(subject, made) if options.combine else ([], [])
    return Advice(
        deployment.name, options.save, options.boundary,
        options.host if options.save == "energy" else None, subject.before, deployment.accuracy,
        tuple(done for _, done in made), tuple(together),
        tuple(sorted(weighed, key=lambda one: -one.saving)), (*untried, *failed, *apart),
        len(changes), subject.n_samples, subject.work.n_steps, deployment,
        at_least=subject.is_at_least(subject.work),
        typed=command_of("nengo-spikecost advise MODEL --data DATA", options, convert_options),
    )  # fmt: skip


def _by_name(network: Any, x: Any) -> Any:
    """Samples by the names of inputs, not by Nodes: a changed network has others."""
    if not isinstance(x, Mapping) or hasattr(network, "remade"):
        return x
    names = {node: name for name, node in of_network(network).inputs.items()}
    return {names.get(key, key): values for key, values in x.items()}


@dataclass(frozen=True)
class _Predicted:
    """A change and what is predicted of it.

    Attributes
    ----------
    change : Change
    value : float
        J or s of an inference.
    basis : str
    n_first : int
        Samples that it is predicted from; 0: from counts.
    ran : Deployment, optional
        On these samples.
    unsure : float
        Standard error of the saving, as a share of it.
    """

    change: Change
    value: float
    basis: str
    n_first: int = 0
    ran: Deployment | None = None
    unsure: float = 0.0

    def is_worth_it(self, before: float) -> bool:
        """Whether so much is saved, so surely, that it is made and run on all samples.

        By twice its standard error it may be less and must still be above 0; of one sample that is
        not known.
        """
        saving = before - self.value
        if self.unsure <= UNSURE:
            return saving > LEAST_SURE * before
        of_one_sample = self.unsure == np.inf
        return saving > LEAST * before and (of_one_sample or 2 * self.unsure < 1)


def _predictions(
    subject: Subject, changes: list[Change]
) -> tuple[list[_Predicted], list[Weighed], list[Untried]]:
    """Predictions of those that save, best first; those that do not; and what could not be made."""
    if not subject.before > 0:
        return [], [], []  # nothing is done, so nothing can be saved
    counted: list[tuple[np.ndarray | None, Change]] = []
    failed: list[Untried] = []
    for change in changes:
        try:
            counted.append((change.foreseen(subject), change))
        except SpikeCostError as error:
            failed.append(_untried(change, error))
    # those of which counts say nothing first, then those that should save most
    counted.sort(key=lambda pair: -np.inf if pair[0] is None else float(pair[0].mean()))
    found: list[_Predicted] = []
    weighed: list[Weighed] = []
    for foreseen, change in counted:
        if foreseen is not None and not _may_be_among(float(foreseen.mean()), found, subject):
            weighed.append(_weighed(subject, change, float(foreseen.mean()), COUNTS))
            continue
        try:
            found.append(_predicted(subject, change, foreseen))
        except SpikeCostError as error:
            failed.append(_untried(change, error))
    found.sort(key=lambda one: one.value)
    saving = [one for one in found if one.is_worth_it(subject.before)]
    rest = [one for one in found if not one.is_worth_it(subject.before)]
    weighed += [_weighed(subject, one.change, one.value, one.basis) for one in rest]
    return saving, weighed, failed


def _may_be_among(foreseen: float, found: list[_Predicted], subject: Subject) -> bool:
    """Whether a change may save as much as those that will be made, by what counts say of it."""
    n_changes = subject.options.n_changes
    if len(found) < PREDICTED * n_changes:
        return True
    least = sorted(one.value for one in found)[n_changes - 1]
    saving = max(subject.before - least, LEAST_SURE * subject.before)
    return SLACK * (subject.before - foreseen) >= saving


def _weighed(subject: Subject, change: Change, value: float, basis: str) -> Weighed:
    """A change that is not made, with what it would leave."""
    return Weighed(change.kind, change.layer, change.words, subject.before - value, basis)


def _untried(change: Change, error: SpikeCostError) -> Untried:
    """A change that could not be made or run, with the first line of the reason."""
    return Untried(change.kind, change.layer, str(error).split("\n")[0])


def _predicted(subject: Subject, change: Change, foreseen: np.ndarray | None) -> _Predicted:
    """From counts where they say all, or else from the first samples."""
    if foreseen is not None and change.determined(subject):
        return _Predicted(change, float(foreseen.mean()), COUNTS)
    n = subject.n_first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of changes that nobody has asked for
        network, arguments = change.recipe.made(subject)
        ran = subject.deployed(network, n, **arguments)
        value, unsure = _estimate(subject, ran, foreseen)
        while unsure > UNSURE and n < subject.most_first:
            n = min(2 * n, subject.most_first)
            ran = subject.deployed(ran, n, **change.recipe.running())
            value, unsure = _estimate(subject, ran, foreseen)
    return _Predicted(change, value, FIRST, n, ran, unsure)


def _estimate(
    subject: Subject, ran: Deployment, foreseen: np.ndarray | None
) -> tuple[float, float]:
    """What a variant takes on all samples, from those that it ran on.

    Two ratios of means are tried, and the one is taken that varies less from sample to sample: of
    what the variant takes to what the network takes, and of its saving to what counts say of that.
    Each is multiplied by the mean of all samples.

    Returns
    -------
    value : float
        J or s of an inference.
    unsure : float
        Standard error of the saving, as a share of it: of that of all samples, of which these are
        a part.
    """
    after, before = subject.of(ran), subject.each
    n = len(after)
    ratio, error = _of_means(after, before[:n])
    estimates = [(ratio * subject.before, error)]
    if foreseen is not None:
        told = before - foreseen
        ratio, error = _of_means(before[:n] - after, told[:n])
        estimates.append((subject.before - ratio * float(told.mean()), error))
    value, error = min(estimates, key=lambda pair: pair[1])
    # of those that it ran on nothing is unsure
    error = 0.0 if n == len(before) else error * np.sqrt(1 - n / len(before))
    saving = abs(float(before[:n].mean() - after.mean()))
    return value, float(error / saving) if saving else np.inf


def _of_means(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """The ratio of two means of the same samples, and the standard error of the part's mean.

    Infinite where there is none, or where it is of one sample.
    """
    mean = float(whole.mean())
    if not mean:
        return 1.0, np.inf
    ratio = float(part.mean()) / mean
    if len(part) < 2:
        return ratio, np.inf
    return ratio, float(np.std(part - ratio * whole, ddof=1) / np.sqrt(len(part)))


def _realised(subject: Subject, predicted: _Predicted) -> Advised | Untried:
    """The change made, and run on all samples."""
    change = predicted.change
    recipe = change.recipe
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if predicted.ran is not None:  # with its block shapes
                ran = subject.deployed(predicted.ran, **recipe.running())
            else:
                network, arguments = recipe.made(subject)
                ran = subject.deployed(network, **arguments)
        takes = float(subject.of(ran).mean())
    except SpikeCostError as error:
        return _untried(change, error)
    return Advised(
        change.kind, change.layer, change.words, recipe.arguments(subject), predicted.basis,
        predicted.n_first, predicted.unsure, subject.before, predicted.value, takes,
        ran.accuracy, python_line(subject, recipe), flags_of(subject, recipe),
        at_least=subject.is_at_least(chip_work(ran.activity)),
    )  # fmt: skip


def _together(
    subject: Subject, made: list[tuple[Change, Advised]]
) -> tuple[list[Advised], list[Untried]]:
    """Changes in one network: those that save and go together, and fewer while accuracy is lost.

    Parameters
    ----------
    subject : Subject
    made : list of (Change, Advised)
        Each by itself, the one that saved most first.
    """
    accuracy = subject.deployment.accuracy
    chosen: list[tuple[Change, Advised]] = []
    for change, one in made:
        keeps = accuracy is None or loses_none(accuracy, one.accuracy)
        fits = all(change.recipe.goes_with(other.recipe) for other, _ in chosen)
        if keeps and fits and one.saving > LEAST * subject.before:
            chosen.append((change, one))
    tried: list[Advised] = []
    failed: list[Untried] = []
    while len(chosen) > 1:
        change = _joined(chosen)
        done: Advised | Untried
        try:
            done = _realised(subject, _predicted(subject, change, None))
        except SpikeCostError as error:
            done = _untried(change, error)
        if isinstance(done, Untried):
            failed.append(done)
            chosen.pop()
            continue
        parts = [one for _, one in chosen]
        done = replace(
            done, parts=tuple(one.words for one in parts), alone=sum(one.saving for one in parts)
        )
        tried.append(done)
        if accuracy is None or loses_none(accuracy, done.accuracy):
            break
        chosen.remove(max(reversed(chosen), key=lambda pair: _lost(accuracy, pair[1].accuracy)))
    return tried, failed


def _joined(chosen: list[tuple[Change, Advised]]) -> Together:
    """Changes as one."""
    recipe = Recipe()
    for change, _ in chosen:
        recipe = recipe.along_with(change.recipe)
    return Together("", "; ".join(change.words for change, _ in chosen), recipe)


def _lost(before: float, after: float | None) -> float:
    return 0.0 if after is None else before - after
