"""``sweep``: settings searched for accuracy, energy and latency."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from ..errors import DataError, TuningError
from ..tuning.sweep_options import SweepOptions
from .commands import COMMAND, Described
from .drawing import plot_option
from .model_commands import given_files, given_model, on_model
from .option_flags import flags
from .printing import say, show, show_carried, show_result
from .shared_options import (
    conversion_options,
    device_file_option,
    file_options,
    samples_option,
    scheduler_option,
)
from .written_files import write_results


def _enough(x: Any, options: dict[str, Any]) -> None:
    """Raise for data that a sweep can't use, or that are too few."""
    if isinstance(x, dict):
        raise DataError(f"A sweep needs a model with one input; this one has {', '.join(x)}.")
    n_confirm, samples = options["n_confirm"], min(options["samples"] or len(x), len(x))
    if n_confirm is not None and samples + n_confirm > len(x):
        raise DataError(
            f"--confirm {n_confirm} needs so many samples beyond the {samples} that are tuned on; "
            f"the data have {len(x)}: give fewer --samples."
        )


@click.command(
    cls=Described, section="Tune",
    example="nengo-spikecost sweep model.keras --data train.npz --study study.db",
)  # fmt: skip
@on_model(labels="a sweep", with_data=_enough, split="train")
@click.option(
    "--study", type=click.Path(), required=True, metavar="FILE",
    help="SQLite file that results are written to as they come; a sweep that was stopped goes on "
    "with it. Several machines can share one in PostgreSQL: postgresql://USER@HOST/NAME.",
)  # fmt: skip
@flags(SweepOptions, "n_trials", "device")
@device_file_option
@flags(SweepOptions, "cost_model", "simulator", "judged", "neuron_type")
@conversion_options
@flags(SweepOptions, "n_steps", "dt", "synapses", "readout", "accuracy_losses")
@samples_option(words="Tune on the first so many samples.")
@click.option(
    "--confirm", "n_confirm", type=click.IntRange(min=1), metavar="N",
    help="Measure the settings of the front again on the N samples after those, and take the "
    "best of them by these.",
)  # fmt: skip
@flags(SweepOptions, "timeout", "memory", "seed")
@scheduler_option
@plot_option("Draw accuracy against energy here")
@file_options("json", "csv", "html")
def sweep(
    model: Any, x: Any, y: Any, *, samples: int | None, n_confirm: int | None,
    plot_file: str | None, json_file: str | None, csv_file: str | None,
    html_file: str | None, **options: Any,
) -> None:  # fmt: skip
    """Search MODEL's firing rates and presentation time for the least energy.

    The data are what is tuned on: take training samples, and judge by others (--confirm).
    """
    from ..layout.plots import save_plot
    from ..tuning.sweeps import sweep

    samples = len(x) if samples is None else min(samples, len(x))
    swept = sweep(model, x[:samples], y[:samples], **options)
    typed = click.get_current_context().meta.get(COMMAND, "")
    files, n_spare = given_files() or swept.files, len(x) - samples
    swept = replace(swept, files=files, typed=typed, n_spare=n_spare)
    show_result(swept)
    try:
        loss = min(options["accuracy_losses"])
        best = swept.best(loss)
        if n_confirm is not None:
            later = slice(samples, samples + n_confirm)
            client = options.get("client")
            confirmed = swept.confirm(x[later], y[later], swept.front(), client=client)
            show("")
            show_result(confirmed)
            best = confirmed.best(loss).point
    except TuningError as error:
        show("")
        say(str(error))
    else:
        show(f"\nTo paste, for trial {best.trial}:\n\n{best.code()}")
        if n_confirm is None:
            words = f"To go on with trial {best.trial}, the best within {loss:.2%}"
            show_carried(words, "deploy", "--scales", json_file, given_model(), typed)
    if plot_file is not None:
        save_plot(swept, plot_file)
    write_results(swept, json_file, csv_file, html_file)
