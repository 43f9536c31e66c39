"""``sweep``: settings searched for accuracy, energy and latency."""

from __future__ import annotations

from typing import Any, Callable

import click

from .drawing import plot_option
from .shared_options import (
    conversion_options,
    device_file_option,
    load_device_file,
    loaded,
    model_and_data,
    plain_errors,
    width,
)


def _numbers(kind: Callable[[str], Any]) -> Callable:
    """Callback for numbers with commas between them."""

    def read(_: Any, __: Any, value: str) -> tuple[Any, ...]:
        try:
            return tuple(kind(part) for part in value.split(",") if part.strip())
        except ValueError:
            raise click.BadParameter(f"expected numbers with commas, not {value!r}") from None

    return read


@click.command()
@model_and_data
@click.option(
    "--study",
    type=click.Path(),
    required=True,
    metavar="FILE",
    help="SQLite file that results are written to as they come; a sweep that was "
    "stopped goes on with it.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Settings to try in all, those in the study among them.",
)
@click.option("--device", default="loihi", show_default=True, help="Device to price on.")
@device_file_option
@click.option("--cost-model", default="per_operation", show_default=True, help="How to price.")
@click.option(
    "--simulator",
    type=click.Choice(["nengo_dl", "loihi"]),
    default="nengo_dl",
    show_default=True,
    help="NengoDL, or the emulated chip, which the cost model loihi_chip needs.",
)
@conversion_options({"neuron": "LoihiSpikingRectifiedLinear", "max_pooling": "exact"})
@click.option(
    "--steps",
    callback=_numbers(int),
    default="20,30,40,60",
    show_default=True,
    metavar="A,B",
    help="Steps of 1 ms to present a sample for.",
)
@click.option(
    "--synapses",
    callback=_numbers(float),
    default="0.005",
    show_default=True,
    metavar="A,B",
    help="Time constants in s of the filter behind neurons; 0 for none.",
)
@click.option(
    "--losses",
    callback=_numbers(float),
    default="0.005,0.01,0.02",
    show_default=True,
    metavar="A,B",
    help="Losses of accuracy against the Keras model, as shares of samples, within "
    "which energy is lowered.",
)
@click.option("--samples", type=click.IntRange(min=1), help="Tune on the first so many samples.")
@click.option(
    "--confirm",
    "n_confirm",
    type=click.IntRange(min=1),
    metavar="N",
    help="Measure the settings of the front again on the N samples after those, and take "
    "the best of them by these.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Begin no setting after so many seconds.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of search and simulation.",
)
@plot_option("Draw accuracy against energy here")
@click.option("--json", "json_file", type=click.Path(), help="Write all results here.")
@click.option("--csv", "csv_file", type=click.Path(), help="Write a row a trial here.")
@plain_errors
def sweep(
    model: str, data_file: str, x_key: str | None, y_key: str | None, **options: Any
) -> None:  # fmt: skip
    """Search MODEL's firing rates and presentation time for the least energy.

    The data are what is tuned on: take training samples, and judge by others (--confirm).
    """
    from ..errors import DataError

    outputs = (options["study"], options["plot_file"], options["json_file"], options["csv_file"])
    network, x, y = loaded(model, data_file, x_key, y_key, *outputs)
    if y is None:
        raise DataError(f"{data_file} has no labels, and a sweep needs them: say --y-key.")
    _sweep(network, x, y, **options)


def _sweep(
    model: Any, x: Any, y: Any, *, study: str, trials: int, device: str, device_file: str | None,
    cost_model: str, simulator: str, neuron: str, steps: tuple[int, ...],
    synapses: tuple[float, ...], losses: tuple[float, ...], max_pooling: str,
    samples: int | None, n_confirm: int | None, timeout: float | None, seed: int,
    plot_file: str | None, json_file: str | None, csv_file: str | None,
) -> None:  # fmt: skip
    from ..errors import DataError, TuningError
    from ..layout.plots import save_plot
    from ..tuning.sweeps import sweep

    load_device_file(device_file)
    samples = len(x) if samples is None else min(samples, len(x))
    if n_confirm is not None and samples + n_confirm > len(x):
        raise DataError(
            f"--confirm {n_confirm} needs so many samples beyond the {samples} that are tuned on; "
            f"the data have {len(x)}: give fewer --samples."
        )
    found = sweep(
        model, x[:samples], y[:samples], neuron_type=neuron, n_steps=steps, synapses=synapses,
        n_trials=trials, device=device, cost_model=cost_model, simulator=simulator,
        accuracy_losses=losses, study=study, timeout=timeout, seed=seed, max_pooling=max_pooling,
    )  # fmt: skip
    click.echo(found.summary_string(width()))
    try:
        best = found.best(min(losses))
        if n_confirm is not None:
            later = slice(samples, samples + n_confirm)
            confirmed = found.confirm(x[later], y[later], found.front())
            click.echo("\n" + confirmed.summary_string(width()))
            best = confirmed.best(min(losses)).point
    except TuningError as error:
        click.echo(f"\n{error}")
    else:
        click.echo(f"\nTo paste, for trial {best.trial}:\n\n{best.code()}")
    if plot_file is not None:
        save_plot(found, plot_file)
    if json_file is not None:
        found.to_json(json_file)
    if csv_file is not None:
        found.to_csv(csv_file)
    for path in (study, plot_file, json_file, csv_file):
        if path is not None:
            click.echo(f"Written: {path}")
