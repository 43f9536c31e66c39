"""``deploy``: a model on Loihi, from its file to what the chip said."""

from __future__ import annotations

from typing import Any

import click

from .shared_options import (
    conversion_options,
    loaded,
    model_and_data,
    objective_option,
    plain_errors,
    presentation_option,
    width,
)


@click.command()
@model_and_data
@conversion_options(
    {
        "neuron": "LoihiSpikingRectifiedLinear",
        "scale": 400.0,
        "steps": 40,
        "synapse": 0.005,
        "max_pooling": "average",
    }
)
@click.option(
    "--target",
    type=click.Choice(["emulator", "nengo_loihi", "board"]),
    default="emulator",
    show_default=True,
    help="The batched emulation, NengoLoihi's emulator, or a board (needs NxSDK).",
)
@objective_option
@presentation_option("continuous")
@click.option(
    "--readout",
    type=click.Choice(["last", "mean"]),
    default="last",
    show_default=True,
    help="Read the output at the last step, or its mean over the steps.",
)
@click.option("--output", metavar="NAME", help="Which output to read.  [default: the only one]")
@click.option("--samples", type=click.IntRange(min=1), help="Use only so many samples.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Samples side by side.  [default: 1, or many if fresh]",
)
@click.option("--cost", is_flag=True, help="Price what the cores did, too: energy and latency.")
@click.option(
    "--profile",
    type=click.Choice(["silicon", "davies2018"]),
    default="silicon",
    show_default=True,
    help="Energies and times of the chip, for --cost.",
)
@click.option(
    "--by-step", is_flag=True, help="Count every step, too: then --cost knows each step's time."
)
@click.option("--json", "json_file", type=click.Path(), help="Write all results here.")
@plain_errors
def deploy(
    model: str, data_file: str, x_key: str | None, y_key: str | None, **options: Any
) -> None:  # fmt: skip
    """Run MODEL on Loihi: convert it, find block shapes, present your data, read predictions."""
    network, x, y = loaded(model, data_file, x_key, y_key, options["json_file"])
    _deploy(network, x, y, **options)


def _deploy(
    model: Any,
    x: Any,
    y: Any,
    *,
    neuron: str,
    scale: float,
    steps: int,
    synapse: float,
    samples: int | None,
    cost: bool,
    profile: str,
    json_file: str | None,
    **options: Any,
) -> None:
    import json

    from ..errors import EnergyError
    from ..files import write_text
    from ..loihi import deploy

    if cost and options["target"] != "emulator":
        raise EnergyError("--cost needs --target emulator, which alone counts what cores do.")
    done = deploy(
        model,
        x[:samples],
        None if y is None else y[:samples],
        n_steps=steps,
        neuron_type=neuron,
        scale_firing_rates=scale,
        synapse=synapse or None,
        **options,
    )
    click.echo(done.summary_string())
    results = done.to_dict()
    if cost:
        priced = done.cost(profile)
        click.echo(f"\n{priced.summary_string(line_length=width())}")
        results["cost"] = priced.to_dict()
    if json_file is not None:
        write_text(json_file, json.dumps(results, indent=2, allow_nan=False) + "\n")
        click.echo(f"Written: {json_file}")
