"""The verdict on a profile: accuracy, energy, whether spikes are worth it, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable

from ...activity.scores import Score
from ...layout.verdict import POINTS, NextStep, Verdict, changed_words, train_step
from ...spiking.defaults import SCALE
from ...trying.retyping import spiking_flags
from ...trying.steps import changed_names, pooled_on_host, steps_tried
from ...words import counted
from ...workload.row_counts import layer_counts, names_in_note
from ..profile_record import Profile
from .worth import Outlook


def profile_verdict(profile: Profile) -> Verdict:
    """A few lines that answer whether the network is worth running on spiking hardware."""
    return Verdict.of(
        ("error" if _regression(profile) else "accuracy", accuracy_words(profile)),
        ("changed", changed_words(getattr(profile.network, "choices", ()))),
        *outlook(profile).lines(),
        next_steps=_next_steps(profile),
    )


def outlook(profile: Profile) -> Outlook:
    """All that tells whether the network is worth running on spiking hardware."""
    return Outlook(
        profile.estimates, profile.opponents, profile.energy.workload().per, profile.chip_cost,
        profile.points_lost,
    )  # fmt: skip


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
    n_samples = counted(profile.activity.n_samples, "sample")
    return f"{'; '.join(words)} ({n_samples})"


def _regression(profile: Profile) -> bool:
    """Whether all that is known is how far values are off."""
    return bool(profile.scores) and all(score.accuracy is None for score in profile.scores)


def _prefix(score: Score) -> str:
    """The name of an output in front of a score's own, if there are several."""
    return score.name[: -len(_reading(score))]


def _reading(score: Score) -> str:
    ends = "keras", "spiking, last step", "spiking, mean over steps"
    return next((end for end in ends if score.name.endswith(end)), score.name)


def _arrow(scores: list[Score], profile: Profile) -> str:
    """``Keras 99.0%, with spikes 98.6%, on the emulated chip 98.0%``."""
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


def _next_steps(profile: Profile) -> Iterable[NextStep]:
    """What to do about the worst of it: tried if there are labels, or marked as not tried."""
    model, data = profile.files
    given = f"{model} --data {data}"
    scale = _scale(profile)
    lost = profile.points_lost
    steps: list[NextStep] = []
    if lost is not None and profile.attempts:
        steps = steps_tried(profile.attempts, profile.typed, lost, profile.network, model)
    yield from steps or _not_tried(profile, given, scale)
    converted = hasattr(profile.network, "one_scale")
    if profile.chip is None and converted:
        flags = spiking_flags(profile.typed)
        if not profile.typed and scale not in (None, SCALE):
            flags = f"--scale {scale:g}"
        yield NextStep(
            "See what the chip computes, and its cores",
            " ".join(f"nengo-spikecost deploy {given} {flags} --cost".split()),
        )
    if converted:
        yield NextStep(
            "Search rates and presentation times for the least energy",
            f"nengo-spikecost sweep {given} --study study.db",
        )


def _not_tried(profile: Profile, given: str, scale: float | None) -> Iterable[NextStep]:
    """What might help, where it could not be tried."""
    counts, lost = layer_counts(profile.energy.workload()), profile.points_lost
    model, pooled = profile.files[0], pooled_on_host(profile.network)
    beyond = [row for row in counts if row.beyond_step]
    if any(row.dead for row in counts) and scale:
        yield NextStep(
            f"Layers never spike ({names_in_note([r.name for r in counts if r.dead])}): raise the "
            "rates",
            f"nengo-spikecost report {given} --scale {5 * scale:g}",
        )
    elif lost is not None and lost > POINTS and hasattr(profile.network, "one_scale"):
        changed = changed_names(profile.network)
        if changed:
            yield train_step(changed, lost, model, spiking_flags(profile.typed, neurons=True))
        if scale:
            yield NextStep(
                f"{lost:.1f} points are lost, most often to rates that are too low: raise them",
                f"nengo-spikecost report {given} --scale {4 * scale:g}",
            )
        else:
            yield NextStep(
                f"{lost:.1f} points are lost with these scales: find others, with training "
                "samples; then give --scales tune.json",
                f"nengo-spikecost tune {model} --data TRAINING_DATA --target 300 --json tune.json",
            )
    if pooled:
        yield NextStep(
            f"Max pooling runs on the host ({names_in_note(pooled)}): make it an average",
            f"nengo-spikecost report {given} --max-pooling average",
        )
    if beyond and scale:
        highest = max(row.max_rate_hz or 0.0 for row in beyond)
        yield NextStep(
            f"Neurons fire at {highest:,.0f} Hz, more than a chip can: lower the rates",
            f"nengo-spikecost report {given} --scale {scale * 900 / highest:.3g}",
        )


def _scale(profile: Profile) -> float | None:
    """The one factor on all firing rates, of a Conversion that has one."""
    scale: float | None = getattr(profile.network, "one_scale", None)
    return scale
