"""``fit``: block shapes for Loihi."""

from __future__ import annotations

from typing import Any

import click

from .shared_options import conversion_options, objective_option, plain_errors


@click.command()
@click.argument("model", type=click.Path())
@click.option(
    "--data",
    "data_file",
    type=click.Path(),
    help="Samples (.npy, .npz) to measure spikes with.  [default: 100 Hz everywhere]",
)
@click.option("--x-key", help="Name of the samples in an .npz file.  [default: x_test, x, ...]")
@objective_option
@conversion_options(
    {
        "neuron": "LoihiSpikingRectifiedLinear",
        "scale": 100.0,
        "steps": 100,
        "synapse": 0.005,
        "max_pooling": "average",
    }
)
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
    neuron: str,
    scale: float,
    steps: int,
    synapse: float,
    max_pooling: str,
    samples: int,
    json_file: str | None,
) -> None:
    import json

    from ..activity import measure
    from ..conversion import convert
    from ..files import write_text
    from ..loihi import fit_blocks, raise_unsupported

    conversion = convert(
        model,
        neuron_type=neuron,
        scale_firing_rates=scale,
        synapse=synapse or None,
        max_pooling=max_pooling,
    )
    raise_unsupported(conversion)
    spikes = None if x is None else measure(conversion, x[:samples], steps)
    found = fit_blocks(conversion, objective, spikes=spikes)
    click.echo(found)
    click.echo("\nTo paste, where net is the network that was converted:\n")
    click.echo(found.code())
    click.echo("NengoLoihi rounds block by block, so shapes change spikes a little: measure again.")
    if json_file is not None:
        write_text(json_file, json.dumps(found.to_dict(), indent=2) + "\n")
        click.echo(f"Written: {json_file}")
