"""The verdict on a profile: accuracy, energy, whether spikes are worth it, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable

from ...activity.scores import Score
from ...energy.estimate import EnergyEstimate
from ...errors import EnergyError
from ...layout import si
from ...layout.verdict import POINTS, NextStep, Verdict, changed_words, train_step
from ...workload.row_counts import layer_counts, names_in_note
from ..opponent.break_even_record import BreakEven
from ..profile_record import SAME_TECHNOLOGY, Profile

LOIHI = "loihi"

#: Processors without spikes that a network is held against, if they are in the table.
PROCESSORS = ("cpu", "gpu")


def profile_verdict(profile: Profile) -> Verdict:
    """A few lines that answer whether the network is worth running on spiking hardware."""
    return Verdict.of(
        ("error" if _regression(profile) else "accuracy", accuracy_words(profile)),
        ("changed", changed_words(getattr(profile.network, "choices", ()))),
        ("Loihi", _loihi_words(profile)),
        ("others", _others(profile)),
        ("worth it?", _worth(profile)),
        next_steps=_next_steps(profile),
    )


def accuracy_words(profile: Profile) -> str:
    """Accuracy, or RMSE, from Keras over spikes to the chip, of each output."""
    scores = list(profile.scores)
    if profile.chip is not None and profile.chip.score is not None:
        scores.append(profile.chip.score)
    if not scores:
        return ""
    words = []
    for prefix in dict.fromkeys(_prefix(score) for score in scores):
        own = [score for score in scores if _prefix(score) == prefix]
        words.append(f"{prefix}{_arrow(own, profile)}")
    n_samples = si.counted(profile.activity.n_samples, "sample")
    return f"{'; '.join(words)} ({n_samples})"


def _regression(profile: Profile) -> bool:
    """Whether all that is known is how far values are off."""
    return bool(profile.scores) and all(score.accuracy is None for score in profile.scores)


def points_lost(profile: Profile) -> float | None:
    """Points of accuracy between the Keras model and the chip, or its spikes by the better readout.

    None where there are several outputs, no labels, or no classes.
    """
    by_name = {score.name: score.accuracy for score in profile.scores}
    keras = by_name.get("keras")
    spiking = [by_name.get("spiking, last step"), by_name.get("spiking, mean over steps")]
    if profile.chip is not None and profile.chip.score is not None:
        spiking = [profile.chip.score.accuracy]
    known = [accuracy for accuracy in spiking if accuracy is not None]
    return 100 * (keras - max(known)) if keras is not None and known else None


def _prefix(score: Score) -> str:
    """The name of an output in front of a score's own, if there are several."""
    return score.name[: -len(_reading(score))]


def _reading(score: Score) -> str:
    ends = "keras", "spiking, last step", "spiking, mean over steps"
    return next((end for end in ends if score.name.endswith(end)), score.name)


def _arrow(scores: list[Score], profile: Profile) -> str:
    """``Keras 99.0 %, with spikes 98.6 %, on the emulated chip 98.0 %``."""
    by_reading: dict[str, Score] = {}
    for score in scores[: len(scores) - (profile.chip is not None)] or scores:
        by_reading[_reading(score)] = score
    last, mean = (by_reading.get(f"spiking, {at}") for at in ("last step", "mean over steps"))
    parts = []
    if "keras" in by_reading:
        parts.append(f"Keras {by_reading['keras'].value()}")
    if last is not None:
        spikes = f"with spikes {last.value()}"
        if mean is not None and mean.value() != last.value():
            spikes += f" (mean over steps {mean.value()})"
        parts.append(spikes)
    if profile.chip is not None and profile.chip.score is not None:
        parts.append(f"on the emulated chip {profile.chip.score.value()}")
    return ", ".join(parts)


def _loihi_words(profile: Profile) -> str:
    """Energy at each boundary of an emulated chip, or of its cores by the table of devices."""
    if profile.chip_cost is not None:
        return str(profile.chip_cost.sentence())
    estimate = profile.estimates.get(LOIHI)
    if estimate is None:
        return ""
    if estimate.all_on_host:
        return "nothing of this network runs on it: all is its host's"
    host = f", and {_amount(profile, estimate.host_J)} its host" if estimate.host_J else ""
    per = "while it runs" if runs_on(profile) else "per inference"
    return f"{_energy(profile, estimate)} its cores{host}, {per}; chip and board not emulated"


def _others(profile: Profile) -> str:
    estimates = profile.estimates
    words = [
        f"{name} {_energy(profile, estimates[name])}" for name in PROCESSORS if name in estimates
    ]  # fmt: skip
    opponent = profile.opponents.get(SAME_TECHNOLOGY)
    if isinstance(opponent, BreakEven):
        with_spikes, without = opponent.network.total.mean_J, opponent.network.total.ann_J
        words.append(
            f"in one 45 nm technology {_amount(profile, with_spikes)} with spikes, "
            f"{_amount(profile, without)} without (arithmetic alone)"
        )
    return "; ".join(words)


def _worth(profile: Profile) -> str:
    """Yes or no, and because of what."""
    if not profile.opponents:
        return "no answer: nothing in this network spikes"
    lost, sentences = points_lost(profile), []
    if lost is not None and lost > POINTS:
        where = " on the chip" if profile.chip is not None else ""
        sentences.append(f"not at this accuracy: {lost:.1f} points are lost{where}")
    on_loihi = profile.opponents.get(LOIHI)
    estimate = profile.estimates.get(LOIHI)
    if estimate is not None and estimate.all_on_host:
        sentences.append("not on Loihi: no layer runs on it")
    elif isinstance(on_loihi, BreakEven) and estimate is not None:
        sentences += _against_processors(profile, estimate)
        sentences.append(_against_twin(on_loihi, "Loihi", "on its cores "))
    same = profile.opponents.get(SAME_TECHNOLOGY)
    if isinstance(same, BreakEven):
        sentences.append(_against_twin(same, "45 nm", ""))
    elif isinstance(same, EnergyError) and not sentences:
        sentences.append(f"no answer: {same}")
    text = ". ".join(s[:1].upper() + s[1:] for s in sentences)
    return text and text + "."


def _against_processors(profile: Profile, estimate: EnergyEstimate) -> Iterable[str]:
    """Whether Loihi's cores take less than a CPU or GPU, and what its host does to that."""
    estimates, cores = profile.estimates, estimate.mean_J
    all_in = cores + estimate.host_J
    for name in PROCESSORS:
        other = estimates.get(name)
        if other is None or not cores:
            continue
        times = other.mean_J / cores
        word = f"{_times(times)} less" if times > 1 else f"{_times(1 / times)} more"
        words = f"against a {name.upper()}, {'yes' if times > 1 else 'no'}: {word} on Loihi's cores"
        if estimate.host_J and (all_in > other.mean_J) != (cores > other.mean_J):
            words += ", but more with the host that makes its spikes and reads them"
        yield words


def _against_twin(result: BreakEven, name: str, where: str) -> str:
    """Against the same network without spikes, and because of what."""
    total = result.network.total
    if total.crossing == "never":
        return (
            f"against an accelerator without spikes, {name} never: {where}neurons that are updated "
            f"at all {result.n_steps} steps take {_times(total.mean_fixed_J / total.ann_J)} its "
            "energy before any spike"
        )
    if total.crossing != "crosses" or total.factor is None or total.ratio is None:
        return f"in {name} {result.verdict[:1].lower()}{result.verdict[1:].rstrip('.')}"
    rate, spikes = result.network.break_even_rate_hz, result.network.break_even_spikes_per_synapse
    at = f"{si.si(rate, 'Hz')}" if rate is not None else f"{spikes:.3g} spikes per synapse"
    if total.factor > 1:
        return (
            f"in {name} spikes take {total.ratio:.2g} times what the network takes without them, "
            f"and less up to {at}"
        )
    return (
        f"in {name} spikes take {total.ratio:.2g} times what the network takes without them: too "
        f"many spikes, below {at} they would take less"
    )


def _times(factor: float) -> str:
    """``"96.7 times"``, ``"1,170 times"``."""
    return f"{factor:,.0f} times" if factor >= 100 else f"{factor:.3g} times"


def _next_steps(profile: Profile) -> Iterable[NextStep]:
    """What to do about the worst of it; none of it has been tried on this network."""
    model, data = profile.files
    given = f"{model} --data {data}"
    counts = layer_counts(profile.energy.workload())
    scale = _scale(profile)
    lost = points_lost(profile)
    exact = _pooled_on_host(profile)
    beyond = [row for row in counts if row.beyond_step]
    if any(row.dead for row in counts) and scale:
        yield NextStep(
            f"Layers never spike ({names_in_note([r.name for r in counts if r.dead])}): raise the "
            "rates",
            f"nengo-spikecost report {given} --scale {5 * scale:g}",
        )
    elif lost is not None and lost > POINTS and scale:
        changed = [c.layer for c in getattr(profile.network, "choices", ()) if not c.exact]
        if changed:
            yield train_step(names_in_note(changed), lost, model)
        yield NextStep(
            f"{lost:.1f} points are lost, most often to rates that are too low: raise them",
            f"nengo-spikecost report {given} --scale {4 * scale:g}",
        )
    if exact:
        yield NextStep(
            f"Max pooling runs on the host ({names_in_note(exact)}): make it an average",
            f"nengo-spikecost report {given} --max-pooling average",
        )
    if beyond and scale:
        highest = max(row.max_rate_hz or 0.0 for row in beyond)
        yield NextStep(
            f"Neurons fire at {highest:,.0f} Hz, more than a chip can: lower the rates",
            f"nengo-spikecost report {given} --scale {scale * 900 / highest:.3g}",
        )
    if profile.chip is None and scale:
        yield NextStep(
            "See what the chip computes, and its cores",
            f"nengo-spikecost deploy {given} --scale {scale:g} --cost",
        )
    if scale:
        yield NextStep(
            "Search rates and presentation times for the least energy",
            f"nengo-spikecost sweep {given} --study study.db",
        )


def _scale(profile: Profile) -> float | None:
    """The one factor on all firing rates, of a Conversion that has one."""
    scales = getattr(profile.network, "scale_firing_rates", {})
    values = set(scales.values())
    return values.pop() if len(values) == 1 else None


def _pooled_on_host(profile: Profile) -> list[str]:
    choices = getattr(profile.network, "choices", ())
    return [c.layer for c in choices if c.on_host and "MaxPool" in c.layer_type]


def runs_on(profile: Profile) -> bool:
    """Whether the network has no inferences, but runs: a device without spikes, at every step."""
    workload = profile.energy.workload()
    return bool(workload.dense_passes == workload.n_steps > 1)


def _energy(profile: Profile, estimate: EnergyEstimate) -> str:
    return f"{'>= ' * estimate.lower_bound}{_amount(profile, estimate.mean_J)}"


def _amount(profile: Profile, energy_J: float) -> str:
    """Energy of an inference; of a network that runs on, power in its own time."""
    if not runs_on(profile):
        return si.si(energy_J, "J")
    protocol = profile.activity.protocol
    return si.si(energy_J / (protocol.n_steps * protocol.dt), "W")
