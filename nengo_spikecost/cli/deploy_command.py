"""``deploy``: a model on Loihi, from its file to what the chip computed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from ..errors import EnergyError
from .carried import fit_option, scales_option
from .commands import COMMAND
from .graph_flags import graph_flags
from .later_flags import LaterFlags
from .model_commands import first_samples, given_files, on_model
from .option_flags import Decorator, all_of
from .printing import show, show_result, show_tables
from .shared_options import (
    file_options,
    off_chip_option,
    samples_option,
    scheduler_option,
    spike_input_option,
    swap_option,
)
from .written_files import write_json, write_results

#: Options of `nengo_spikecost.energy.loihi_chip.ChipOptions` that are flags.
_PRICED = ("profile", "board", "host_io", "x86_active")


def _flags() -> Decorator:
    from ..energy.loihi_chip import ChipOptions
    from ..loihi import DeployOptions
    from .option_flags import flags

    priced = flags(ChipOptions, *_PRICED, profile="silicon")
    return all_of([flags(DeployOptions, presentation="continuous"), priced, graph_flags()])


def _counts_cores(options: dict[str, Any]) -> None:
    if options["cost"] and options["target"] != "emulator":
        raise EnergyError("--cost needs --target emulator, which alone counts what cores do.")


@click.command(
    cls=LaterFlags, flags=_flags, section="Loihi",
    example="nengo-spikecost deploy model.keras --data test.npz --cost --html deploy.html",
)  # fmt: skip
@on_model(early=_counts_cores)
@scheduler_option
@scales_option
@fit_option
@swap_option
@spike_input_option
@off_chip_option
@samples_option()
@click.option("--cost", is_flag=True, help="Price what the cores did, too: energy and latency.")
@file_options("json", "html")
def deploy(
    model: Any, x: Any, y: Any, *, samples: int | None, cost: bool,
    json_file: str | None, html_file: str | None, **options: Any,
) -> None:  # fmt: skip
    """Run MODEL on Loihi: convert it, find block shapes, present your data, read predictions."""
    from ..layout.result import json_text
    from ..loihi import deploy

    pricing = {name: options.pop(name) for name in _PRICED}
    done = deploy(model, first_samples(x, samples), None if y is None else y[:samples], **options)
    typed = click.get_current_context().meta.get(COMMAND, "")
    done = replace(done, files=given_files() or done.files, typed=typed, pricing=pricing)
    show_result(done)
    results = done.to_dict()
    if cost:
        priced = done.cost()
        show("")
        show_tables(priced)  # the verdict of the deployment has that of its cost
        results["cost"] = priced.to_dict()
    write_json(json_file, json_text(results))
    write_results(done, html_file=html_file)
