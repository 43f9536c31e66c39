"""Advice as a table of predicted and realised savings, as records, and as bars."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ...layout import Presenter, Table, presents
from ...layout.charts import Bars, Chart
from ...layout.plots import bar_size, draw_groups
from ...layout.si import MISSING, si
from ...layout.verdict import NextStep, Verdict
from ...options import plain
from ...words import counted
from ..advice.advice_record import FIRST, Advice, Advised, Weighed
from ..advice.typed_changes import command

#: Standard error of a saving, as a share of it, of which three are 5%.
VERY_UNSURE = 0.05 / 3

NOT_MADE = "Weighed and not made, as others save more, or it saves next to nothing"

#: Share of the energy by which savings may differ and still are called the same.
EVEN = 0.005


@presents(Advice)
class AdvicePresenter(Presenter[Advice]):
    """A row for each change that was made, the best first, and for several together."""

    format = "nengo-spikecost/advice/1"
    index = "change"
    nested = ("arguments", "parts")

    def title(self, advice: Advice) -> str:
        return f"{advice.name}: what saves {advice.save}"

    def about(self, advice: Advice) -> str:
        return _what(advice)

    def verdict(self, advice: Advice) -> Verdict:
        best, lines = advice.best, []
        now = f"{'at least ' * advice.at_least}{si(advice.before, advice.unit)}"
        lines.append(("now", f"{now}{_accuracy_words(advice)}"))
        most = max(advice.all_changes, key=lambda change: change.saving, default=None)
        if best is not None:
            lines.append(("best", f"{_words(best)}: {_saved(advice, best)}, {_with(best)}"))
        elif most is not None and most.saving > 0:
            lost = "" if most.accuracy is None else ", with more than a point of accuracy lost"
            lines.append(("most", f"{_words(most)}: {_saved(advice, most)}{lost}"))
        elif advice.changes:
            lines.append(("best", "No change that was made saves any"))
        else:
            lines.append(("best", "No change saves a hundredth of it"))
        lines.append(("together", _together(advice)))
        return Verdict.of(*lines, next_steps=_next_steps(advice))

    def charts(self, advice: Advice) -> Iterable[Chart]:
        shown = advice.all_changes
        if shown:
            words = f"Realised saving of {advice.save}{_counted(advice)}"
            names = tuple(_label(advice, c) for c in shown)
            yield Bars(words, names, {"saved": [max(c.saving, 0.0) for c in shown]}, advice.unit)

    def summary(self, advice: Advice) -> Iterable[str | Table]:
        heads = (
            "Change", "Predicted\nsaving", "Realised\nsaving", "Off\nby", "Share\nsaved",
            advice.save.capitalize() + "\nleft", "Accuracy",
        )  # fmt: skip
        unit = advice.unit
        rows = [
            [
                _label(advice, change), si(change.predicted_saving, unit), si(change.saving, unit),
                _signed(change.error), _percent(change.saving / advice.before),
                f"{'>= ' * change.at_least}{si(change.realised, unit)}",
                _percent(change.accuracy),
            ]
            for change in (*advice.changes, *advice.together)
        ]  # fmt: skip
        now = f"{'>= ' * advice.at_least}{si(advice.before, unit)}"
        rows.append(["as it is", *[MISSING] * 4, now, _percent(advice.accuracy)])
        yield Table.of(heads, rows, n_text=1, title=_what(advice), notes=tuple(_notes(advice)))
        if advice.weighed:
            yield ""
            yield _weighed(advice)

    def records(self, advice: Advice) -> list[dict[str, Any]]:
        return [_record(advice, change) for change in (*advice.changes, *advice.together)]

    def content(self, advice: Advice) -> dict[str, Any]:
        return {
            "network": advice.name, "save": advice.save, "boundary": advice.boundary,
            "host": advice.host, "unit": advice.unit, "before": advice.before,
            "at_least": advice.at_least,
            "accuracy": advice.accuracy, "n_samples": advice.n_samples,
            "n_steps": advice.n_steps, "n_considered": advice.n_considered,
            "changes": [_record(advice, change) for change in advice.changes],
            "together": [_record(advice, change) for change in advice.together],
            "weighed": [
                {
                    "change": one.words, "kind": one.kind, "layer": one.layer,
                    "predicted_saving": one.saving, "basis": one.basis,
                }
                for one in advice.weighed
            ],
            "untried": [
                {"kind": one.kind, "layer": one.layer, "reason": one.reason}
                for one in advice.untried
            ],
        }  # fmt: skip

    def size(self, advice: Advice) -> tuple[float, float]:
        return bar_size(2 * max(len(advice.all_changes), 1))

    def draw(self, advice: Advice, axes: Any) -> None:
        shown = advice.all_changes
        values = {
            "predicted": [max(c.predicted_saving, 0.0) for c in shown],
            "realised": [max(c.saving, 0.0) for c in shown],
        }
        words = f"{advice.save.capitalize()} saved per inference{_counted(advice)}"
        draw_groups(axes, [_label(advice, c) for c in shown], values, advice.unit, words)


def _record(advice: Advice, change: Advised) -> dict[str, Any]:
    return {
        "change": change.words, "kind": change.kind, "layer": change.layer,
        "arguments": plain(change.arguments), "basis": change.basis, "n_first": change.n_first,
        "unsure": change.unsure if math.isfinite(change.unsure) else None,
        "before": change.before, "predicted": change.predicted, "realised": change.realised,
        "predicted_saving": change.predicted_saving, "saving": change.saving,
        "at_least": change.at_least,
        "accuracy": change.accuracy, "parts": list(change.parts), "alone": change.alone,
        "command": _command(advice, change), "code": change.code,
    }  # fmt: skip


def _what(advice: Advice) -> str:
    whose = "Time of an inference"
    if advice.save == "energy":
        whose = f"Energy of an inference, {advice.boundary}"
        whose += f", and of its host ({advice.host})" if advice.host else ", without its host"
    return (
        f"{whose}: {counted(advice.n_samples, 'sample')} of {counted(advice.n_steps, 'step')} on "
        "the emulated chip"
    )


def _notes(advice: Advice) -> Iterable[str]:
    by_first = [change for change in advice.all_changes if change.basis == FIRST]
    weighed = "was" if advice.n_considered == 1 else "were"
    yield (
        f"{counted(advice.n_considered, 'change')} {weighed} weighed; those with the largest "
        "predicted saving were made, each by itself, and run on all samples."
    )
    if advice.together:
        yield (
            "Together: changes that save, keep accuracy by themselves and go together, made in one "
            "network and run on all samples, too."
        )
    if by_first:
        fewest, most = (f(change.n_first for change in by_first) for f in (min, max))
        first = f"{fewest} samples" if fewest == most else f"{fewest} to {most} samples"
        first = "sample" if most == 1 else first
        names = ", ".join(dict.fromkeys(change.kind for change in by_first))
        yield (
            f"Predicted from the first {first}, where counts do not say all: {names}. All "
            "else is predicted from what was counted before."
        )
    unsure = [change for change in advice.all_changes if change.unsure > VERY_UNSURE]
    if unsure and advice.n_samples > 1:
        names = "; ".join(_label(advice, change).split(".")[0] for change in unsure)
        yield f"With so few samples the predictions of these may be off by more than 5%: {names}."
    if advice.of_counted:
        what = "Energies" if advice.save == "energy" else "Times"
        yield (
            f"{what} with >= are at least these: a host does more in a step than send its spikes, "
            "and what that takes is not known. So savings and shares are of what is counted. Give "
            "the measured time of a step, host_io=SECONDS (--host-io)."
        )
    for one in advice.untried:
        where = f" {one.layer}:" if one.layer and not one.reason.startswith(one.layer) else ""
        yield f"Not made: {one.kind}:{where} {one.reason.rstrip('.')}."


def _weighed(advice: Advice) -> Table:
    """Of each kind the change that would save most of those that were not made."""
    kinds: dict[str, list[Weighed]] = {}
    for one in advice.weighed:
        kinds.setdefault(one.kind, []).append(one)
    rows = [
        [kind, counted(len(own), "change"), own[0].words, *_would_save(advice, own[0])]
        for kind, own in kinds.items()
    ]
    every = [[one.kind, one.words, *_would_save(advice, one)] for one in advice.weighed]
    heads = ("Would\nsave", "Predicted\nfrom")
    return replace(
        Table.of(
            ("Kind", "Not made", "The best of these", *heads), rows, n_text=3, title=NOT_MADE,
        ),
        folded=("All that were weighed and not made",
                Table.of(("Kind", "Change", *heads), every, n_text=2)),
    )  # fmt: skip


def _would_save(advice: Advice, one: Weighed) -> tuple[str, str]:
    return _signed(one.saving / advice.before).lstrip("+"), one.basis


def _saved(advice: Advice, change: Advised) -> str:
    return f"{change.saving / advice.before:.0%} less{_counted(advice)}"


def _counted(advice: Advice) -> str:
    """Of savings where a host does more than is counted, with and without the change."""
    return ", of what is counted" * advice.of_counted


def _with(change: Advised) -> str:
    return f"with accuracy {_percent(change.accuracy)}"


def _accuracy_words(advice: Advice) -> str:
    return "" if advice.accuracy is None else f", accuracy {_percent(advice.accuracy)}"


def _signed(share: float) -> str:
    return f"{round(share, 3) + 0.0:+.1%}"  # what rounds to 0 has no sign of its own


def _percent(share: float | None) -> str:
    return MISSING if share is None else f"{share:.1%}"


def _words(change: Advised) -> str:
    """What is done, as part of a sentence."""
    return f"{change.words}, together" if change.parts else change.words


def _label(advice: Advice, change: Advised) -> str:
    """What is done, as the name of a row: those that are together by their numbers."""
    if not change.parts:
        return f"{advice.changes.index(change) + 1}. {change.words}"
    words = [one.words for one in advice.changes]
    return " + ".join(str(words.index(part) + 1) for part in change.parts) + " together"


def _together(advice: Advice) -> str:
    """Whether savings overlap, of those that were tried together last."""
    if not advice.together:
        return ""
    last = advice.together[-1]
    saved, alone = (f"{value / advice.before:.0%}" for value in (last.saving, last.alone))
    words = f"{len(last.parts)} changes save {saved}; what each saves by itself adds up to {alone}"
    words += _counted(advice)
    share = last.overlap / advice.before
    if abs(share) < EVEN:
        meaning = "they save as much as by themselves"
    elif share > 0:
        meaning = "they overlap, as one saves what another would have saved"
    else:
        meaning = "they help each other"
    if last.accuracy is not None and not advice.keeps(last):
        meaning += "; more than a point of accuracy is lost"
    return f"{words}: {meaning}"


def _next_steps(advice: Advice) -> Iterable[NextStep]:
    """All that save, as commands or in Python; those that keep accuracy first."""
    saving = sorted(
        (change for change in advice.all_changes if change.saving > 0),
        key=lambda change: (not advice.keeps(change), -change.saving),
    )
    for change in saving:
        lost = "" if advice.keeps(change) or change.accuracy is None else ", more than a point lost"
        with_ = "" if change.accuracy is None else f", {_with(change)}{lost}"
        words = f"{_words(change)}: {_saved(advice, change)}{with_}"
        if change == advice.best:
            words = "The best, as above"
        yield NextStep(words, _command(advice, change) or change.code, tried=True)


def _command(advice: Advice, change: Advised) -> str:
    """The command that makes the change; empty where there is none for it."""
    of_python = advice.files == Advice.files and not hasattr(advice.deployment.network, "remade")
    if change.flags is None or not advice.typed or of_python:  # a network that is in no file
        return ""
    return command(advice.typed, advice.files, change.flags, change.arguments.get("without", {}))
