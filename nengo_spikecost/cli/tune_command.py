"""``tune``: the firing-rate scale of every layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from ..options import by_layer
from ..tuning.rate_options import RateOptions
from .commands import COMMAND, Described
from .drawing import plot_option
from .model_commands import first_samples, given_files, given_model, on_model
from .option_flags import flags
from .printing import show, show_carried, show_result
from .shared_options import conversion_options, file_options, samples_option
from .written_files import write_results


def _targets(_: Any, __: Any, values: tuple[str, ...]) -> float | dict[str, float]:
    """One rate for all layers, or ``LAYER=HZ`` for each."""
    try:
        targets = by_layer(values)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if "" not in targets:
        return targets
    if len(targets) > 1:
        raise click.BadParameter("give one rate for all layers, or LAYER=HZ for each")
    return targets[""]


@click.command(
    cls=Described, section="Tune",
    example="nengo-spikecost tune model.keras --data train.npz --target 200",
)  # fmt: skip
@on_model(split="train")
@click.option(
    "--target", multiple=True, default=("200",), show_default=True, callback=_targets,
    metavar="HZ",
    help="Firing rate of every layer; or LAYER=HZ, once for each layer to be tuned.",
)  # fmt: skip
@flags(RateOptions, "statistic", "percentile", "tolerance", "neuron_type", "n_steps", "synapse")
@conversion_options
@flags(RateOptions, "skip_steps", "dt", "presentation", "simulator", "memory")
@samples_option(200, "Use only the first so many samples.")
@plot_option("Draw the rates of all layers here")
@file_options("json", "html")
def tune(
    model: Any, x: Any, y: Any, *, samples: int, plot_file: str | None, json_file: str | None,
    html_file: str | None, **options: Any,
) -> None:  # fmt: skip
    """Find the scale of every layer of MODEL at which it fires at a target rate.

    Take training samples: the scales should not know those that accuracy is judged by.
    """
    from ..layout.plots import save_plot
    from ..tuning import tune_firing_rates

    tuning = tune_firing_rates(model, first_samples(x, samples), **options)
    typed = click.get_current_context().meta.get(COMMAND, "")
    tuning = replace(tuning, files=given_files() or tuning.files, typed=typed)
    show_result(tuning)
    show(f"\nTo paste:\n\n{tuning.code()}")
    words = "To go on with these scales"
    show_carried(words, "deploy", "--scales", json_file, given_model(), typed)
    if plot_file is not None:
        save_plot(tuning, plot_file)
    write_results(tuning, json_file, html_file=html_file)
