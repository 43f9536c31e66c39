"""``check``: what of a model runs where, whether it fits, and what to do next."""

from __future__ import annotations

import shlex
from typing import Any

import click

from .. import check as checks
from ..errors import LoihiError
from .graph_flags import graph_flags, refuse_flags, taken_out
from .later_flags import LaterFlags
from .model_commands import checked_early, is_graph, loaded_model, plain_errors
from .option_flags import Decorator, all_of
from .printing import list_written, show_result
from .shared_options import conversion_options, file_options, model_options, off_chip_option
from .written_files import write_results


def _flags() -> Decorator:
    from ..loihi import DeployOptions
    from .option_flags import flags

    return all_of([flags(DeployOptions, "memory"), graph_flags()])


@click.command(
    cls=LaterFlags, flags=_flags, section="Start",
    example="nengo-spikecost check model.keras",
)  # fmt: skip
@model_options
@conversion_options
@off_chip_option
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
    graph = taken_out(options)
    options, files = checked_early(options, model)
    options = refuse_flags(is_graph(model), options)
    json_file, html_file = options.pop("json_file"), options.pop("html_file")
    if is_graph(model):
        from ..nir import read_nir

        reading = read_nir(model, **graph)
        if reading.refused:
            show_result(reading)
        reading.raise_if_refused()
    network = loaded_model(model, custom_objects, trust, graph)

    from ..loihi import preflight

    checked = preflight(
        network, time_limit=time_limit, files=(shlex.quote(model), "DATA"), **options
    )
    show_result(checked)
    write_results(checked, json_file, html_file=html_file)
    list_written(files)
