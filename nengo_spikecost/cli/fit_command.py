"""``fit``: block shapes for Loihi."""

from __future__ import annotations

from typing import Any

import click

from .later_flags import LaterFlags
from .shared_options import Decorator, plain_errors, width


def _flags() -> Decorator:
    from ..loihi import DeployOptions
    from .option_flags import flags

    names = (
        "objective", "neuron_type", "scale_firing_rates", "n_steps", "synapse", "max_pooling",
    )  # fmt: skip
    return flags(DeployOptions, *names, scale_firing_rates=100, n_steps=100)


@click.command(cls=LaterFlags, flags=_flags)
@click.argument("model", type=click.Path())
@click.option(
    "--data",
    "data_file",
    type=click.Path(),
    help="Samples (.npy, .npz) to measure spikes with.  [default: 100 Hz everywhere]",
)
@click.option("--x-key", help="Name of the samples in an .npz file.  [default: x_test, x, ...]")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Use only so many samples.",
)
@click.option("--json", "json_file", type=click.Path(), help="Write the fit here.")
@plain_errors
def fit(model: str, data_file: str | None, x_key: str | None, **options: Any) -> None:
    """Find block shapes with which MODEL fits on Loihi, and the code that sets them."""
    from .. import stack
    from ..files import check_writable
    from ..loading import check_model_file, load_data, load_model

    x = None if data_file is None else load_data(data_file, x_key, None)[0]
    check_model_file(model)
    if options["json_file"] is not None:
        check_writable(options["json_file"])
    stack.start_quietly()
    _fit(load_model(model), x, **options)


def _fit(
    model: Any,
    x: Any,
    *,
    objective: str,
    n_steps: int,
    samples: int,
    json_file: str | None,
    **conversion_options: Any,
) -> None:
    from ..activity import measure
    from ..conversion import convert
    from ..loihi import fit_blocks, raise_unsupported

    conversion_options["synapse"] = conversion_options["synapse"] or None
    conversion = convert(model, **conversion_options)
    raise_unsupported(conversion)
    spikes = None if x is None else measure(conversion, x[:samples], n_steps)
    fit = fit_blocks(conversion, objective, spikes=spikes)
    click.echo(fit.summary_string(line_length=width()))
    click.echo("\nTo paste, where net is the network that was converted:\n")
    click.echo(fit.code())
    click.echo("NengoLoihi rounds block by block, so shapes change spikes a little: measure again.")
    if json_file is not None:
        fit.to_json(json_file)
        click.echo(f"Written: {json_file}")
