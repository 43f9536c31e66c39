"""``fit``: block shapes for Loihi."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import click

from .. import check
from ..errors import LoihiError
from .carried import scales_option, was_typed
from .chip_choice import ChipChoice, chip_options
from .commands import COMMAND
from .graph_flags import graph_flags, refuse_flags, taken_out
from .later_flags import LaterFlags
from .model_commands import (
    checked_early,
    first_samples,
    given_files,
    is_graph,
    loaded,
    loaded_model,
    plain_errors,
)
from .option_flags import Decorator, all_of
from .printing import is_quiet, list_written, say, show, show_result, show_settings
from .shared_options import (
    file_options,
    model_options,
    off_chip_option,
    samples_option,
    spike_input_option,
    swap_option,
)
from .written_files import write_results


def _flags() -> Decorator:
    from ..loihi import DeployOptions
    from .option_flags import flags

    names = (
        "objective", "neuron_type", "scale_firing_rates", "n_steps", "synapse", "max_pooling",
        "memory",
    )  # fmt: skip
    return all_of([flags(DeployOptions, *names), graph_flags()])


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
@click.option("--y-key", help="Name of the labels in an .npz file.  [default: y_test, y, ...]")
@click.option(
    "--time-limit", type=float, default=10.0, show_default=True,
    help="Seconds that the search may take; then the best so far is given. Ctrl-C ends it earlier.",
)  # fmt: skip
@chip_options
@scales_option
@swap_option
@spike_input_option
@off_chip_option
@samples_option(20)
@file_options("json", "html")
@plain_errors
def fit(
    model: str, data_file: str | None, x_key: str | None, y_key: str | None, *,
    time_limit: float, custom_objects: tuple[str, ...], trust: bool, **options: Any,
) -> None:  # fmt: skip
    """Find block shapes with which MODEL fits on Loihi, and the code that sets them.

    With --chip: say whether it fits on another chip, and with --data how long its steps take there
    and, of samples with labels, how many the spiking network gets right.
    """
    check.positive("--time-limit", time_limit, LoihiError)
    choice = ChipChoice.taken(options)
    graph = taken_out(options)
    options, files = checked_early(options, model, data_file)
    options = refuse_flags(is_graph(model), options)
    objective, n_steps, samples = (options.pop(k) for k in ("objective", "n_steps", "samples"))
    memory = options.get("memory")
    json_file, html_file = options.pop("json_file"), options.pop("html_file")
    options.pop("progress", None)
    x = y = None
    if data_file is None:
        network = loaded_model(model, custom_objects, trust, graph)
        show_settings(options)
    else:
        network, x, y = loaded(model, data_file, x_key, y_key, custom_objects, trust, graph=graph)
        show_settings({**options, "n_steps": n_steps}, x, network)

    from ..activity import measure
    from ..activity.subject import steps_or_own
    from ..loihi import fit_blocks, raise_unsupported
    from ..questions.profiling import scores

    conversion = network
    if not is_graph(model):
        from ..conversion import convert

        conversion = convert(network, **options, **({} if choice is None else choice.conversion))
    if x is not None:
        x, y = first_samples(x, samples), None if y is None else y[:samples]
    if choice is None:
        raise_unsupported(conversion)
        for layer in getattr(conversion, "choices", ()):
            say(f"layer {layer.layer}: {layer.choice}")
    spikes = None
    if x is not None and (choice is None or y is not None):
        steps = n_steps if was_typed("n_steps") else steps_or_own(conversion, x, n_steps)
        spikes = measure(conversion, x, steps, memory=memory, progress=not is_quiet())
        for score in scores(conversion, spikes, x, y):
            show(score.line())
    if choice is not None:
        result = choice.fit(conversion, x, n_steps)
        show_result(result)
        write_results(result, json_file, html_file=html_file)
        list_written(files)
        return
    fit = fit_blocks(conversion, objective, spikes=spikes, time_limit=time_limit, memory=memory)
    named = "fit.json" if json_file in (None, "-") else shlex.quote(json_file)
    typed = click.get_current_context().meta.get(COMMAND, "")
    given = given_files() or (shlex.quote(model), "DATA")
    fit = replace(fit, files=given, json_file=named, typed=typed)
    show_result(fit)
    show("\nTo paste, where net is the network that was converted:\n")
    show(fit.code())
    say("NengoLoihi rounds block by block, so shapes change spikes a little: measure again.")
    write_results(fit, json_file, html_file=html_file)
    list_written(files)
