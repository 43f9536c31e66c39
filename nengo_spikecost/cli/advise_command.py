"""``advise``: the changes of a model that save most, predicted, made and measured again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from .carried import fit_option, scales_option
from .commands import COMMAND
from .drawing import plot_option
from .graph_flags import graph_flags
from .later_flags import LaterFlags
from .model_commands import first_samples, given_files, on_model
from .option_flags import Decorator, all_of
from .printing import show_result
from .shared_options import (
    file_options,
    off_chip_option,
    samples_option,
    spike_input_option,
    swap_option,
)
from .written_files import write_results


def _flags() -> Decorator:
    from ..questions.advice import AdviseOptions
    from .option_flags import flags

    return all_of([flags(AdviseOptions), graph_flags()])


@click.command(
    cls=LaterFlags, flags=_flags, section="Tune",
    example="nengo-spikecost advise model.keras --data test.npz --save time",
)  # fmt: skip
@on_model()
@scales_option
@fit_option
@swap_option
@spike_input_option
@off_chip_option
@samples_option()
@plot_option("Draw predicted and realised savings here")
@file_options("json", "csv", "html")
def advise(
    model: Any, x: Any, y: Any, *, samples: int | None, plot_file: str | None,
    json_file: str | None, csv_file: str | None, html_file: str | None, **options: Any,
) -> None:  # fmt: skip
    """Say what of MODEL to change to save most: steps, rates, channels, cores, or its host's share.

    Each change is predicted first, then made and run on all samples: both savings, and the
    accuracy that is left, stand side by side, and the command that makes it. Those that go together
    are tried together.
    """
    from ..layout.plots import save_plot
    from ..questions.advice import advise

    found = advise(model, first_samples(x, samples), None if y is None else y[:samples], **options)
    typed = click.get_current_context().meta.get(COMMAND, "")
    found = replace(found, files=given_files() or found.files, typed=typed)
    show_result(found)
    if plot_file is not None:
        save_plot(found, plot_file)
    write_results(found, json_file, csv_file, html_file)
