"""``deploy``: a model on Loihi, from its file to what the chip computed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from .later_flags import LaterFlags
from .option_flags import Decorator
from .shared_options import (
    file_options,
    first_samples,
    given_files,
    on_model,
    samples_option,
    show,
    spike_input_option,
    swap_option,
    width,
    write_json,
    write_results,
)


def _flags() -> Decorator:
    from ..loihi import DeployOptions
    from .option_flags import flags

    return flags(DeployOptions, presentation="continuous")


@click.command(
    cls=LaterFlags, flags=_flags, section="Loihi",
    example="nengo-spikecost deploy model.keras --data test.npz --cost --html deploy.html",
)  # fmt: skip
@on_model()
@swap_option
@spike_input_option
@samples_option()
@click.option("--cost", is_flag=True, help="Price what the cores did, too: energy and latency.")
@click.option(
    "--profile", type=click.Choice(["silicon", "davies2018"]), default="silicon",
    show_default=True, help="Energies and times of the chip, for --cost.",
)  # fmt: skip
@file_options("json", "html")
def deploy(
    model: Any, x: Any, y: Any, *, samples: int | None, cost: bool, profile: str,
    json_file: str | None, html_file: str | None, **options: Any,
) -> None:  # fmt: skip
    """Run MODEL on Loihi: convert it, find block shapes, present your data, read predictions."""
    from ..errors import EnergyError
    from ..layout.result import json_text
    from ..loihi import deploy

    if cost and options["target"] != "emulator":
        raise EnergyError("--cost needs --target emulator, which alone counts what cores do.")
    done = deploy(model, first_samples(x, samples), None if y is None else y[:samples], **options)
    done = replace(done, files=given_files() or done.files)
    show(done.summary_string(line_length=width()))
    results = done.to_dict()
    if cost:
        priced = done.cost(profile)
        show(f"\n{priced.summary_string(line_length=width())}")
        results["cost"] = priced.to_dict()
    write_json(json_file, json_text(results))
    write_results(done, html_file=html_file)
