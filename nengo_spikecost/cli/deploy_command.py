"""``deploy``: a model on Loihi, from its file to what the chip computed."""

from __future__ import annotations

from typing import Any

import click

from .later_flags import LaterFlags
from .shared_options import Decorator, loaded, model_and_data, plain_errors, width


def _flags() -> Decorator:
    from ..loihi import DeployOptions
    from .option_flags import flags

    return flags(DeployOptions, n_steps=40, presentation="continuous")


@click.command(cls=LaterFlags, flags=_flags)
@model_and_data
@click.option("--samples", type=click.IntRange(min=1), help="Use only so many samples.")
@click.option("--cost", is_flag=True, help="Price what the cores did, too: energy and latency.")
@click.option(
    "--profile",
    type=click.Choice(["silicon", "davies2018"]),
    default="silicon",
    show_default=True,
    help="Energies and times of the chip, for --cost.",
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
    samples: int | None,
    cost: bool,
    profile: str,
    json_file: str | None,
    **options: Any,
) -> None:
    from ..errors import EnergyError
    from ..files import write_text
    from ..layout.result import json_text
    from ..loihi import deploy

    if cost and options["target"] != "emulator":
        raise EnergyError("--cost needs --target emulator, which alone counts what cores do.")
    options["synapse"] = options["synapse"] or None
    done = deploy(model, x[:samples], None if y is None else y[:samples], **options)
    click.echo(done.summary_string(line_length=width()))
    results = done.to_dict()
    if cost:
        priced = done.cost(profile)
        click.echo(f"\n{priced.summary_string(line_length=width())}")
        results["cost"] = priced.to_dict()
    if json_file is not None:
        write_text(json_file, json_text(results))
        click.echo(f"Written: {json_file}")
