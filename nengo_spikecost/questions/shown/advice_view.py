"""Advice as a table of predicted and realised savings, as records, and as bars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...layout import Presenter, Table, presents
from ...layout.charts import Bars, Chart
from ...layout.plots import bar_size, draw_groups
from ...layout.si import MISSING, counted, si
from ...layout.verdict import NextStep, Verdict
from ...options import plain
from ...trying.attempts import FLAGS
from ...trying.retyping import changed_command
from ..advice.advice_record import FIRST, Advice, Advised

#: Flags of the arguments that changes have.
FLAGS_OF_CHANGES = {**FLAGS, "objective": "--objective"}


@presents(Advice)
class AdvicePresenter(Presenter[Advice]):
    """A row for each change that was made, the one that saved most first."""

    format = "nengo-spikecost/advice/1"
    index = "change"
    nested = ("arguments",)

    def title(self, advice: Advice) -> str:
        return f"{advice.name}: what saves {advice.save}"

    def about(self, advice: Advice) -> str:
        return _what(advice)

    def verdict(self, advice: Advice) -> Verdict:
        best, lines = advice.best, []
        lines.append(("now", f"{si(advice.before, advice.unit)}{_accuracy_words(advice)}"))
        if best is not None:
            lines.append(("best", f"{best.words}: {_saved(advice, best)}, {_with(best)}"))
        elif advice.changes and advice.changes[0].saving > 0:
            first = advice.changes[0]
            lost = "" if first.accuracy is None else ", with more than a point of accuracy lost"
            lines.append(("most", f"{first.words}: {_saved(advice, first)}{lost}"))
        elif advice.changes:
            lines.append(("best", "No change that was made saves any"))
        else:
            lines.append(("best", "No change saves a hundredth of it"))
        return Verdict.of(*lines, next_steps=_next_steps(advice))

    def charts(self, advice: Advice) -> Iterable[Chart]:
        if advice.changes:
            yield Bars(
                f"Realised saving of {advice.save}", tuple(c.words for c in advice.changes),
                {"saved": [max(c.saving, 0.0) for c in advice.changes]}, advice.unit,
            )  # fmt: skip

    def summary(self, advice: Advice) -> Iterable[str | Table]:
        heads = (
            "Change", "Predicted\nsaving", "Realised\nsaving", "Off\nby", "Share\nsaved",
            advice.save.capitalize() + "\nleft", "Accuracy",
        )  # fmt: skip
        unit = advice.unit
        rows = [
            [
                change.words, si(change.predicted_saving, unit), si(change.saving, unit),
                _signed(change.error), f"{change.saving / advice.before:.1%}",
                si(change.realised, unit), _percent(change.accuracy),
            ]
            for change in advice.changes
        ]  # fmt: skip
        now = ["as it is", MISSING, MISSING, MISSING, MISSING, si(advice.before, unit)]
        rows.append([*now, _percent(advice.accuracy)])
        yield Table.of(heads, rows, n_text=1, title=_what(advice), notes=tuple(_notes(advice)))

    def records(self, advice: Advice) -> list[dict[str, Any]]:
        return [_record(change) for change in advice.changes]

    def content(self, advice: Advice) -> dict[str, Any]:
        return {
            "network": advice.name, "save": advice.save, "boundary": advice.boundary,
            "host": advice.host, "unit": advice.unit, "before": advice.before,
            "accuracy": advice.accuracy, "n_samples": advice.n_samples,
            "n_steps": advice.n_steps, "n_considered": advice.n_considered,
            "changes": self.records(advice),
            "untried": [
                {"kind": one.kind, "layer": one.layer, "reason": one.reason}
                for one in advice.untried
            ],
        }  # fmt: skip

    def size(self, advice: Advice) -> tuple[float, float]:
        return bar_size(2 * max(len(advice.changes), 1))

    def draw(self, advice: Advice, axes: Any) -> None:
        values = {
            "predicted": [max(c.predicted_saving, 0.0) for c in advice.changes],
            "realised": [max(c.saving, 0.0) for c in advice.changes],
        }
        words = f"{advice.save.capitalize()} saved per inference"
        draw_groups(axes, [c.words for c in advice.changes], values, advice.unit, words)


def _record(change: Advised) -> dict[str, Any]:
    return {
        "change": change.words, "kind": change.kind, "layer": change.layer,
        "arguments": plain(change.arguments), "basis": change.basis, "n_first": change.n_first,
        "before": change.before, "predicted": change.predicted, "realised": change.realised,
        "predicted_saving": change.predicted_saving, "saving": change.saving,
        "accuracy": change.accuracy,
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
    by_first = [change for change in advice.changes if change.basis == FIRST]
    weighed = "was" if advice.n_considered == 1 else "were"
    yield (
        f"{counted(advice.n_considered, 'change')} {weighed} weighed; those with the largest "
        "predicted saving were made, each by itself, and run on all samples."
    )
    if by_first:
        fewest, most = (f(change.n_first for change in by_first) for f in (min, max))
        first = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        names = ", ".join(dict.fromkeys(change.kind for change in by_first))
        yield (
            f"Predicted from the first {first} samples, since other spikes are fired: {names}. All "
            "else is predicted from what was counted before."
        )
    for one in advice.untried:
        where = f" {one.layer}" if one.layer else ""
        yield f"Not made: {one.kind}{where}: {one.reason.rstrip('.')}."


def _saved(advice: Advice, change: Advised) -> str:
    return f"{change.saving / advice.before:.0%} less"


def _with(change: Advised) -> str:
    return f"with accuracy {_percent(change.accuracy)}"


def _accuracy_words(advice: Advice) -> str:
    return "" if advice.accuracy is None else f", accuracy {_percent(advice.accuracy)}"


def _signed(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:+.1f} %"  # what rounds to 0 has no sign of its own


def _percent(share: float | None) -> str:
    return MISSING if share is None else f"{100 * share:.1f} %"


def _next_steps(advice: Advice) -> Iterable[NextStep]:
    """Those that keep accuracy, as commands where they have one."""
    for change in advice.changes:
        if change.saving > 0 and advice.keeps(change):
            words = f"{change.words}: {_saved(advice, change)}, {_with(change)}"
            yield NextStep(words, _command(advice, change), tried=True)


def _command(advice: Advice, change: Advised) -> str:
    arguments = change.arguments
    plain_flags = all(not isinstance(value, dict) for value in arguments.values())
    if not arguments or not plain_flags or not advice.typed:
        return ""
    return changed_command(advice.typed, arguments, FLAGS_OF_CHANGES)
