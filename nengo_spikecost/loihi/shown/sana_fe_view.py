"""A `SanaFeCheck` part by part: our price, SANA-FE's, and why they differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...layout import Presenter, Table, presents
from ...layout.plots import bar_size, draw_groups
from ...layout.si import si
from ..sana_fe.second_opinion import PARTS, SanaFeCheck

#: Share of an energy below which it is rounding.
NEGLIGIBLE = 1e-6


@presents(SanaFeCheck)
class SanaFeCheckPresenter(Presenter[SanaFeCheck]):
    """A row for each part, and below each part the causes of its difference."""

    format = "nengo-spikecost/sana-fe-check/1"
    index = "part"

    def summary(self, check: SanaFeCheck) -> Iterable[str | Table]:
        steps, profile = check.run.n_steps, check.cost.profile.name
        yield f"{steps} steps, profile {profile}, SANA-FE's {check.run.timing} times"
        rows = []
        for part in PARTS:
            rows.append(_row(part, check.ours_J[part], check.theirs_J[part], "J"))
            rows += [
                (f"  {reason}", "", "", si(energy, "J"))
                for reason, energy in _differences(check, part).items()
                if abs(energy) > NEGLIGIBLE * check.total_theirs_J
            ]
        rows.append(_row("total", check.total_ours_J, check.total_theirs_J, "J"))
        rows.append(_row("step, mean", check.step_ours_s, check.step_theirs_s, "s"))
        yield Table.of(("", "ours", "SANA-FE", "difference"), rows)

    def records(self, check: SanaFeCheck) -> list[dict[str, Any]]:
        ours, theirs, unexplained = check.ours_J, check.theirs_J, check.unexplained_J
        return [
            {"part": p, "ours_J": ours[p], "sana_fe_J": theirs[p], "unexplained_J": unexplained(p)}
            for p in PARTS
        ]

    def content(self, check: SanaFeCheck) -> dict[str, Any]:
        records = self.records(check)
        parts = [{**own, "differences_J": _differences(check, own["part"])} for own in records]
        return {
            "n_steps": check.run.n_steps, "profile": check.cost.profile.name,
            "timing": check.run.timing, "parts": parts,
            "step_s": {"ours": check.step_ours_s, "sana_fe": check.step_theirs_s},
        }  # fmt: skip

    def size(self, check: SanaFeCheck) -> tuple[float, float]:
        return bar_size(2 * len(PARTS))

    def draw(self, check: SanaFeCheck, axes: Any) -> None:
        series = {"ours": check.ours_J.values(), "SANA-FE": check.theirs_J.values()}
        draw_groups(axes, list(PARTS), series, "J", "Core dynamic energy")


def _differences(check: SanaFeCheck, part: str) -> dict[str, float]:
    """Energy in J that SANA-FE has more, by the reason for it."""
    causes = {cause.reason: cause.energy_J for cause in check.causes if cause.part == part}
    return {**causes, "not explained": check.unexplained_J(part)}


def _row(name: str, ours: float, theirs: float, unit: str) -> tuple[str, str, str, str]:
    difference = f"{theirs / ours - 1:+.2%}" if ours else si(theirs, unit)
    return name, si(ours, unit), si(theirs, unit), difference
