"""``demo``, ``report`` and ``compare``: from a model and data to Joules."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import click

from ..errors import ArgumentError
from .carried import fit_option, scales_option, was_typed
from .commands import COMMAND
from .completion import complete_devices
from .graph_flags import graph_flags
from .later_flags import LaterFlags
from .model_commands import (
    checked_early,
    first_samples,
    given_files,
    on_model,
    plain_errors,
    start_tensorflow,
)
from .option_flags import Decorator, all_of
from .printing import list_written, show_result, show_settings
from .shared_options import (
    conversion_options,
    device_file_option,
    device_names,
    fallback_option,
    file_options,
    off_chip_option,
    samples_option,
    scheduler_option,
)
from .written_files import write_results


def _flags(*left_out: str, graphs: bool = True, **defaults: Any) -> Decorator:
    from ..questions.profile_options import ProfileOptions
    from .option_flags import flags

    names = [f.name for f in dataclasses.fields(ProfileOptions) if f.metadata.get("help")]
    shown = flags(ProfileOptions, *(n for n in names if n not in left_out), **defaults)
    return all_of([shown, *([graph_flags()] if graphs else [])])


def _needs_chip(options: dict[str, Any]) -> None:
    if was_typed("readout") and not options["chip"]:
        raise ArgumentError(
            "--readout is for the emulated chip: give --chip, too. With spikes, accuracy is said "
            "of both."
        )
    if options.get("fit_file") is not None and not options["chip"]:
        raise ArgumentError("--fit is for the emulated chip: give --chip, too.")


def _table_options(json: str | None = None) -> Decorator:
    return all_of([
        click.option("--devices", callback=device_names, metavar="A,B",
                     shell_complete=complete_devices,
                     help="Devices in the table, by name, with commas; or 'all'.  "
                     "[default: the usual ones]"),
        device_file_option,
        conversion_options,
        off_chip_option,
        fallback_option,
        samples_option(),
        file_options("json", "csv", "html", json=json),
    ])  # fmt: skip


@click.command(
    cls=LaterFlags,
    flags=lambda: _flags(graphs=False, chip=True), section="Start",
    example="nengo-spikecost demo --html demo.html",
)  # fmt: skip
@_table_options(json="spikecost-demo.json")
@plain_errors
def demo(**options: Any) -> None:
    """Run the trained network of the Keras-to-Loihi tutorial on 500 digits, from spikes to Joules.

    It was not trained on these digits.
    """
    _needs_chip(options)
    options, files = checked_early(options)
    show_settings(options)
    start_tensorflow()

    from ..demo import demo_data, demo_model

    data = demo_data()
    _run(demo_model(), data.x_test, data.y_test, **options)
    list_written(files)


@click.command(
    cls=LaterFlags, flags=_flags, section="Start",
    example="nengo-spikecost report model.keras --data test.npz --chip --html report.html",
)  # fmt: skip
@on_model(early=_needs_chip)
@scheduler_option
@scales_option
@fit_option
@_table_options()
def report(model: Any, x: Any, y: Any, **options: Any) -> None:
    """Profile MODEL (.h5, .keras, SavedModel folder or .nir) on your data."""
    _run(model, x, y, **options)


@click.command(
    cls=LaterFlags, flags=lambda: _flags("chip", "by_step", "readout"), section="Start",
    example="nengo-spikecost compare model.keras --data test.npz --samples 50",
)  # fmt: skip
@on_model()
@scales_option
@_table_options()
def compare(model: Any, x: Any, y: Any, **options: Any) -> None:
    """Price MODEL with all cost models side by side, and say what makes the difference."""
    _run(model, x, y, compared=True, **options)


def _run(
    model: Any, x: Any, y: Any, *, samples: int | None, json_file: str | None,
    csv_file: str | None, html_file: str | None, compared: bool = False, **options: Any,
) -> None:  # fmt: skip
    from ..questions.comparison.compare import compare
    from ..questions.profiling import profile

    x, y = first_samples(x, samples), None if y is None else y[:samples]
    result: Any = profile(model, x, y, **options)
    if compared:
        devices = options["devices"]
        result = compare(result.network, result.activity, devices=devices, example_data=x)
    else:
        typed = click.get_current_context().meta.get(COMMAND, "")
        result = replace(result, files=given_files() or result.files, typed=typed)
    show_result(result)
    write_results(result, json_file, csv_file, html_file)
