"""``check``: what of a model runs where, whether it fits, and what to do next."""

from __future__ import annotations

import shlex
from typing import Any

import click

from .. import check as checks
from ..errors import LoihiError
from .commands import Described
from .model_commands import checked_early, loaded_model, plain_errors
from .printing import list_written, show_result
from .shared_options import conversion_options, file_options, model_options
from .written_files import write_results


@click.command(cls=Described, section="Start", example="nengo-spikecost check model.keras")
@model_options
@conversion_options
@click.option(
    "--time-limit", type=float, default=10.0, show_default=True,
    help="Seconds that the search for block shapes may take.",
)  # fmt: skip
@file_options("json", "html")
@plain_errors
def check(
    model: str, custom_objects: tuple[str, ...], trust: bool, time_limit: float,
    **options: Any,
) -> None:  # fmt: skip
    """Say, without data, what of MODEL converts, runs on Loihi and fits, and the next step."""
    checks.positive("--time-limit", time_limit, LoihiError)
    options, files = checked_early(options, model)
    json_file, html_file = options.pop("json_file"), options.pop("html_file")
    network = loaded_model(model, custom_objects, trust)

    from ..loihi import preflight

    checked = preflight(
        network, time_limit=time_limit, files=(shlex.quote(model), "DATA"), **options
    )
    show_result(checked)
    write_results(checked, json_file, html_file=html_file)
    list_written(files)
