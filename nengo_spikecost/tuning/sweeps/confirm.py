"""Settings of a sweep converted and measured afresh, on images that it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...activity import measure, simulators
from ...errors import TuningError
from ..sweep_options import check_counted
from .chip_blocks import ChipBlocks, found_blocks
from .confirmation import Confirmation, ConfirmedPoint
from .front import mcnemar, paired_difference, wilson
from .sweep_engine import priced_graph, priced_readings
from .sweep_plan import Plan, images_and_labels
from .trials import Point


def confirm(
    plan: Plan | None, blocks: ChipBlocks | None, x: Any, y: Any, points: Sequence[Point], *,
    simulator: str | None, presentation: str | None, more_steps: int, progress: bool,
) -> Confirmation:  # fmt: skip
    """Measure settings of a planned sweep afresh; see `Sweep.confirm`."""
    if plan is None:
        raise TuningError(
            "A sweep loaded from a file has no model to confirm settings with: call sweep() with "
            "the same arguments and study=, which simulates nothing again."
        )
    swept = plan.options
    simulator = swept.simulator if simulator is None else simulator
    spec = simulators.get(simulator, TuningError)
    check_counted(swept.cost_model, simulator)
    if presentation is None and simulator == swept.simulator:
        presentation = "fresh"
    # without block shapes an emulator has a core for each layer, however large: no chip has such
    blocks = blocks if spec.takes_block_shapes else None
    x, labels = images_and_labels(plan.model, x, y)
    keras = plan.reference_outcomes(x, labels)
    rows = []
    for point in points:
        network = plan.converted(point.scale_firing_rates, point.synapse)
        if spec.takes_block_shapes and blocks is None:
            blocks = found_blocks(network, swept.dt)
        n_steps = point.n_steps + more_steps
        activity = measure(
            network if blocks is None else blocks.on(network), x, n_steps, simulator=simulator,
            presentation=presentation, progress=progress, **plan.simulation,
        )  # fmt: skip
        (reading,) = priced_readings(swept, {n_steps: activity}, priced_graph(network), labels)
        right = reading.correct
        row = ConfirmedPoint(
            point=point, n_steps=n_steps, accuracy=reading.accuracy,
            interval=wilson(int(right.sum()), len(x), swept.confidence),
            loss=float(keras.mean() - right.mean()),
            loss_interval=paired_difference(keras, right, swept.confidence),
            p_value=mcnemar(keras, right), energy_J=reading.mean_J, synops=reading.synops,
            activity=activity,
        )  # fmt: skip
        rows.append(row)
    return Confirmation(
        rows=tuple(rows), simulator=simulator, n_images=len(x), keras_accuracy=float(keras.mean()),
        keras_interval=wilson(int(keras.sum()), len(x), swept.confidence), device=swept.device.name,
    )  # fmt: skip
