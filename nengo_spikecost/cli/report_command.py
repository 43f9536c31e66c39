"""``demo``, ``report`` and ``compare``: from a model and data to Joules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from ..demo import DEMO_SETTINGS
from .shared_options import (
    load_device_file,
    loaded,
    model_and_data,
    network_options,
    plain_errors,
    width,
)


@click.command()
@network_options(
    {
        "neuron": DEMO_SETTINGS.neuron_type,
        "scale": DEMO_SETTINGS.scale_firing_rates,
        "steps": DEMO_SETTINGS.n_steps,
        "synapse": DEMO_SETTINGS.synapse,
        "json": "spikecost-demo.json",
    }
)
@plain_errors
def demo(**options: Any) -> None:
    """A trained network on 500 handwritten digits, from spikes to Joules."""
    from .. import stack
    from ..demo import demo_data, demo_model

    stack.start_quietly()
    data = demo_data()
    click.echo("The network of the Keras-to-Loihi tutorial on MNIST digits it was not trained on")
    _run(demo_model(), data.x_test, data.y_test, **options)


_model_options = network_options(
    {"neuron": "SpikingRectifiedLinear", "scale": 100.0, "steps": 100, "synapse": 0.005}
)


@click.command()
@model_and_data
@_model_options
@plain_errors
def report(
    model: str, data_file: str, x_key: str | None, y_key: str | None, **options: Any
) -> None:
    """Profile MODEL (.h5, .keras or SavedModel folder) on your data."""
    _run(*loaded(model, data_file, x_key, y_key), **options)


@click.command()
@model_and_data
@_model_options
@plain_errors
def compare(
    model: str, data_file: str, x_key: str | None, y_key: str | None, **options: Any
) -> None:
    """Price MODEL with all cost models side by side, and say what makes the difference."""
    _run(*loaded(model, data_file, x_key, y_key), compared=True, **options)


def _run(
    model: Any,
    x: Any,
    y: Any,
    *,
    devices: Iterable[str] | None,
    device_file: str | None,
    neuron: str,
    scale: float,
    steps: int,
    synapse: float,
    max_pooling: str,
    simulator: str,
    presentation: str,
    samples: int | None,
    json_file: str | None,
    csv_file: str | None,
    compared: bool = False,
) -> None:
    from ..files import check_writable
    from ..questions.comparison.compare import compare
    from ..questions.profiling import profile

    # before the simulation: its results should not be lost to a mistyped folder
    for file in (json_file, csv_file):
        if file is not None:
            check_writable(file)
    load_device_file(device_file)
    result: Any = profile(
        model,
        x[:samples],
        None if y is None else y[:samples],
        n_steps=steps,
        neuron_type=neuron,
        scale_firing_rates=scale,
        synapse=synapse or None,
        max_pooling=max_pooling,
        simulator=simulator,
        presentation=presentation,
        devices=devices,
    )
    if compared:
        result = compare(result.network, result.activity, devices=devices, example_data=x[:samples])
    click.echo(result.summary_string(line_length=width()))
    for path, write in ((json_file, result.to_json), (csv_file, result.to_csv)):
        if path is not None:
            write(path)
            click.echo(f"Written: {path}")
