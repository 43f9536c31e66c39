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
        yield (
            f"{check.run.n_steps} steps, profile {check.cost.profile.name}, SANA-FE's "
            f"{check.run.timing} times"
        )
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
        return [
            {
                "part": part,
                "ours_J": check.ours_J[part],
                "sana_fe_J": check.theirs_J[part],
                "unexplained_J": check.unexplained_J(part),
            }
            for part in PARTS
        ]

    def content(self, check: SanaFeCheck) -> dict[str, Any]:
        return {
            "n_steps": check.run.n_steps,
            "profile": check.cost.profile.name,
            "timing": check.run.timing,
            "parts": [
                {**record, "differences_J": _differences(check, record["part"])}
                for record in self.records(check)
            ],
            "step_s": {"ours": check.step_ours_s, "sana_fe": check.step_theirs_s},
        }

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
    difference = f"{100 * (theirs / ours - 1):+.2f} %" if ours else si(theirs, unit)
    return name, si(ours, unit), si(theirs, unit), difference
