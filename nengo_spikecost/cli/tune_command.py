"""``tune``: the firing-rate scale of every layer."""

from __future__ import annotations

from typing import Any

import click

from .drawing import plot_option
from .shared_options import (
    conversion_options,
    loaded,
    model_and_data,
    plain_errors,
    presentation_option,
    width,
)


def _targets(_: Any, __: Any, values: tuple[str, ...]) -> float | dict[str, float]:
    """One rate for all layers, or ``LAYER=HZ`` for each."""
    found: dict[str, float] = {}
    for value in values:
        layer, _sign, hz = value.rpartition("=")
        try:
            found[layer] = float(hz)
        except ValueError:
            raise click.BadParameter(f"expected HZ or LAYER=HZ, not {value!r}") from None
    if "" not in found:
        return found
    if len(found) > 1:
        raise click.BadParameter("give one rate for all layers, or LAYER=HZ for each")
    return found[""]


@click.command()
@model_and_data
@click.option(
    "--target",
    multiple=True,
    default=("200",),
    show_default=True,
    callback=_targets,
    metavar="HZ",
    help="Firing rate of every layer; or LAYER=HZ, once for each layer to be tuned.",
)
@click.option(
    "--statistic",
    type=click.Choice(["mean_active", "mean", "percentile", "max"]),
    default="mean_active",
    show_default=True,
    help="What is meant by the rate of a layer.",
)
@click.option("--percentile", type=float, default=99.0, show_default=True, help="Which percentile.")
@click.option(
    "--tolerance",
    type=float,
    default=0.05,
    show_default=True,
    help="Share of the target that a rate may be off.",
)
@conversion_options(
    {
        "neuron": "LoihiSpikingRectifiedLinear",
        "steps": 100,
        "synapse": 0.005,
        "max_pooling": "exact",
    }
)
@click.option(
    "--skip-steps", type=int, default=0, show_default=True,
    help="Steps that are not counted, while filters fill.",
)  # fmt: skip
@presentation_option("fresh")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Use only the first so many samples.",
)
@plot_option("Draw the rates of all layers here")
@click.option("--json", "json_file", type=click.Path(), help="Write all results here.")
@plain_errors
def tune(
    model: str, data_file: str, x_key: str | None, y_key: str | None, **options: Any
) -> None:  # fmt: skip
    """Find the scale of every layer of MODEL at which it fires at a target rate.

    Take training samples: the scales should not know those that accuracy is judged by.
    """
    outputs = (options["plot_file"], options["json_file"])
    network, x, _ = loaded(model, data_file, x_key, y_key, *outputs)
    _tune(network, x, **options)


def _tune(
    model: Any, x: Any, *, neuron: str, steps: int, synapse: float, samples: int,
    plot_file: str | None, json_file: str | None, **options: Any,
) -> None:  # fmt: skip
    from ..layout.plots import save_plot
    from ..tuning import tune_firing_rates

    found = tune_firing_rates(
        model, x[:samples], neuron_type=neuron, n_steps=steps, synapse=synapse or None, **options
    )
    click.echo(found.summary_string(width()))
    click.echo(f"\nTo paste:\n\n{found.code()}")
    if plot_file is not None:
        save_plot(found, plot_file)
    if json_file is not None:
        found.to_json(json_file)
    for path in (plot_file, json_file):
        if path is not None:
            click.echo(f"Written: {path}")
