"""``train``: a model trained on as the spiking network it becomes."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import click

from ..tuning.fine_tune_options import FineTuneOptions
from .carried import scales_option
from .commands import Described
from .drawing import plot_option
from .model_commands import first_samples, on_model
from .option_flags import flags
from .printing import show_carried, show_result
from .shared_options import (
    conversion_options,
    file_options,
    model_file_option,
    samples_option,
)
from .written_files import write_results


@click.command(
    cls=Described, section="Tune",
    example="nengo-spikecost train model.keras --data train.npz --out trained.keras",
)  # fmt: skip
@on_model(labels="training", split="train")
@scales_option
@model_file_option("Write the trained model here (.keras or .h5).")
@flags(
    FineTuneOptions, "n_steps", "scale_firing_rates", "epochs", "forward", "layer_delay", "n_shown",
    "start_rate", "learn_scales", "surrogate", "quantize", "neuron_type", "synapse", "synop_weight",
    "energy_weight", "device", "cost_epochs", "loss", "readout", "dt", "batch_size",
    "learning_rate", "memory", "seed", "checkpoint",
)  # fmt: skip
@conversion_options
@samples_option(words="Train on the first so many samples.")
@plot_option("Draw objective, accuracy and synops here")
@file_options("json", "csv", "html")
def train(
    model: Any, x: Any, y: Any, *, model_file: str, samples: int | None, plot_file: str | None,
    json_file: str | None, csv_file: str | None, html_file: str | None, **options: Any,
) -> None:  # fmt: skip
    """Train MODEL on as the spiking network it becomes, for accuracy and few synops."""
    from ..layout.plots import save_plot
    from ..loading import save_model
    from ..tuning import fine_tune

    tuned = fine_tune(model, first_samples(x, samples), y[:samples], **options)
    tuned = replace(tuned, files=(shlex.quote(model_file), tuned.files[1]))
    show_result(tuned)
    save_model(tuned.model, model_file)
    if plot_file is not None:
        save_plot(tuned, plot_file)
    show_carried("To see it on the chip", "deploy", "--scales", json_file, model_file)
    write_results(tuned, json_file, csv_file, html_file)
