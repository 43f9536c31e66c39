"""``fit``: block shapes for Loihi."""

from __future__ import annotations

from typing import Any

import click

from .. import check
from ..errors import LoihiError
from .later_flags import LaterFlags
from .option_flags import Decorator
from .shared_options import (
    file_options,
    first_samples,
    list_written,
    loaded,
    loaded_model,
    model_options,
    no_synapse,
    output_files,
    plain_errors,
    samples_option,
    show,
    spike_input_option,
    swap_option,
    width,
    write_results,
)  # fmt: skip


def _flags() -> Decorator:
    from ..loihi import DeployOptions
    from .option_flags import flags

    names = (
        "objective", "neuron_type", "scale_firing_rates", "n_steps", "synapse", "max_pooling",
    )  # fmt: skip
    return flags(DeployOptions, *names)


@click.command(
    cls=LaterFlags, flags=_flags, section="Loihi",
    example="nengo-spikecost fit model.keras --data test.npz",
)  # fmt: skip
@model_options
@click.option(
    "--data", "data_file", type=click.Path(),
    help="Samples (.npy, .npz) to measure spikes with.  [default: 100 Hz everywhere]",
)  # fmt: skip
@click.option("--x-key", help="Name of the samples in an .npz file.  [default: x_test, x, ...]")
@click.option(
    "--time-limit", type=float, default=10.0, show_default=True,
    help="Seconds that the search may take; then the best so far is given. Ctrl-C ends it earlier.",
)  # fmt: skip
@swap_option
@spike_input_option
@samples_option(20)
@file_options("json", "html")
@plain_errors
def fit(
    model: str, data_file: str | None, x_key: str | None, *, objective: str, n_steps: int,
    time_limit: float, samples: int, json_file: str | None, html_file: str | None,
    custom_objects: tuple[str, ...], trust: bool, **conversion_options: Any,
) -> None:  # fmt: skip
    """Find block shapes with which MODEL fits on Loihi, and the code that sets them."""
    check.positive("--time-limit", time_limit, LoihiError)
    files = output_files({"json_file": json_file, "html_file": html_file}, model, data_file)
    x = None
    if data_file is None:
        network = loaded_model(model, custom_objects, trust)
    else:
        network, x, _ = loaded(model, data_file, x_key, None, custom_objects, trust)

    from ..activity import measure
    from ..conversion import convert
    from ..loihi import fit_blocks, raise_unsupported

    conversion = convert(network, **no_synapse(conversion_options))
    raise_unsupported(conversion)
    spikes = None if x is None else measure(conversion, first_samples(x, samples), n_steps)
    fit = fit_blocks(conversion, objective, spikes=spikes, time_limit=time_limit)
    show(fit.summary_string(line_length=width()))
    show("\nTo paste, where net is the network that was converted:\n")
    show(fit.code())
    show("NengoLoihi rounds block by block, so shapes change spikes a little: measure again.")
    write_results(fit, json_file, html_file=html_file)
    list_written(files)
