"""A lowering as a line for each change, as records, and as weights before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...layout import Presenter, presents
from ...layout.plots import COLOURS, bar_size, bare
from ..lowering_record import CHANGE_KINDS, Change, Lowering, describe


@presents(Lowering)
class LoweringPresenter(Presenter[Lowering]):
    """Each change on its line; a plot of the weights that each new Connection stores."""

    format = "nengo-spikecost/lowering/1"

    def summary(self, lowering: Lowering) -> Iterator[str]:
        counts = {kind: sum(c.kind == kind for c in lowering.changes) for kind in CHANGE_KINDS}
        head = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n) or "nothing changed"
        yield f"Lowering: {head}"
        for change in lowering.changes:
            yield f"  {change}"

    def records(self, lowering: Lowering) -> list[dict[str, Any]]:
        return [
            {
                "kind": change.kind, "origin": change.origin, "target": change.target,
                "connections": len(change.connections),
                "transform": describe(change.transform) if change.transform is not None else "",
                "weights_before": change.weights_before, "weights_after": change.weights_after,
                "reason": change.reason,
            }
            for change in lowering.changes
        ]  # fmt: skip

    def size(self, lowering: Lowering) -> tuple[float, float]:
        return bar_size(2 * len(_connected(lowering)))

    def draw(self, lowering: Lowering, axes: Any) -> None:
        changes = _connected(lowering)
        before = [change.weights_before for change in changes]
        after = [change.weights_after for change in changes]
        for label, weights, shift, colour in zip(
            ("before", "after"), (before, after), (-0.2, 0.2), COLOURS
        ):
            places = [place + shift for place in range(len(changes))]
            axes.barh(places, weights, height=0.4, label=label, color=colour)
        names = [f"{change.origin} -> {change.target}" for change in changes]
        axes.set_yticks(range(len(changes)), names)
        axes.invert_yaxis()
        axes.set_xlabel("Weights stored, a shared one once")
        axes.legend(fontsize="small", frameon=False)
        bare(axes)


def _connected(lowering: Lowering) -> list[Change]:
    """The changes that made a Connection in place of others."""
    return [change for change in lowering.changes if change.kind in ("composed", "rewritten")]
