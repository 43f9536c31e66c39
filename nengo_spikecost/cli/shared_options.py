"""Options that several commands have."""

from __future__ import annotations

from typing import Any, Callable

import click

from ..spiking.defaults import MAX_POOLING
from .option_flags import Decorator, all_of
from .plugins import PLUGINS


def device_names(_: Any, __: Any, value: str | None) -> list[str] | str | None:
    """Callback for names with commas between them, or ``all``."""
    if value is None or value.strip().lower() == "all":
        return value
    return [name.strip() for name in value.split(",") if name.strip()]


def swap_option(command: Callable) -> Callable:
    """Option: what activations become that no neuron computes."""
    return click.option(
        "--swap", "swap_activations", multiple=True, metavar="OLD=NEW", callback=_swaps,
        help="Put another activation, or a type of neurons, in the place of one: elu=relu.",
    )(command)  # fmt: skip


def fallback_option(command: Callable) -> Callable:
    """Option: what nothing else is known for runs as Keras runs it."""
    return click.option(
        "--allow-fallback", is_flag=True,
        help="Run layers that have no Nengo form as Keras does, and count nothing for them.",
    )(command)  # fmt: skip


def _swaps(_: Any, __: Any, pairs: tuple[str, ...]) -> dict[str, str] | None:
    """Callback of --swap: new activations by old ones."""
    swaps: dict[str, str] = {}
    for pair in pairs:
        old, _equals, new = (part.strip() for part in pair.partition("="))
        if not old or not new:
            raise click.BadParameter(f"expected OLD=NEW, as in elu=relu, not {pair!r}")
        if old in swaps:
            raise click.BadParameter(f"{old} is given twice")
        swaps[old] = new
    return swaps or None


def spike_input_option(command: Callable) -> Callable:
    """Option: neurons in front of the model that make spikes of its inputs."""
    return click.option(
        "--spike-input", is_flag=True,
        help="Put neurons in front that make spikes of the inputs, so that all layers run on chip.",
    )(command)  # fmt: skip


def off_chip_option(command: Callable) -> Callable:
    """Option: layers that the host computes."""
    return click.option(
        "--off-chip", multiple=True, metavar="LAYER",
        callback=lambda _, __, names: [*names] or None,
        help="Have the host compute this layer; as often as needed.  [default: layers fed with "
        "values that are no spikes]",
    )(command)  # fmt: skip


def conversion_options(command: Callable) -> Callable:
    """Options: what activations and max pooling become, and neurons in front of the model."""
    command = swap_option(spike_input_option(command))
    return click.option(
        "--max-pooling", type=click.Choice(MAX_POOLING), default=None,
        help="What max pooling becomes: exact on the host, or one of these on chip.  "
        "[default: average where neurons spike]",
    )(command)  # fmt: skip


def scheduler_option(command: Callable) -> Callable:
    """Option: a cluster whose workers share the work."""
    return click.option(
        "--scheduler", metavar="ADDRESS",
        help="Share the work among the workers of the Dask scheduler at this address "
        "(tcp://HOST:8786): same results.",
    )(command)  # fmt: skip


def device_file_option(command: Callable) -> Callable:
    """Option: a file with more devices."""
    return click.option(
        "--device-file", type=click.Path(), metavar="TOML",
        help="More devices, in the form of the package's own table.",
    )(command)  # fmt: skip


def chip_file_option(command: Callable) -> Callable:
    """Option: a file with more chips."""
    return click.option(
        "--chip-file", type=click.Path(), metavar="TOML",
        help="More chips, in the form of the package's own table.",
    )(command)  # fmt: skip


def samples_option(
    default: int | None = None, words: str = "Use only so many samples."
) -> Decorator:
    """Option: how many of the samples are used."""
    return click.option(
        "--samples", type=click.IntRange(min=1), default=default, show_default=default is not None,
        help=words,
    )  # fmt: skip


def file_options(*kinds: str, json: str | None = None) -> Decorator:
    """Options: files that results are written to, of ``"json"``, ``"csv"`` and ``"html"``."""
    words = {
        "json": "Write all results here; - is standard output, and then only they are there.",
        "csv": "Write the table here.",
        "html": "Write a page here that can be sent: verdict, charts, tables, sources.",
    }
    defaults = {"json": json}
    return all_of([
        click.option(f"--{kind}", f"{kind}_file", type=click.Path(), help=words[kind],
                     default=defaults.get(kind), show_default=bool(defaults.get(kind)))
        for kind in kinds
    ])  # fmt: skip


def model_file_option(words: str) -> Decorator:
    """Option: the file that a model is written to, said before the work and not after it."""
    return click.option(
        "--out", "model_file", type=click.Path(), required=True, metavar="FILE",
        callback=_model_file, help=words,
    )  # fmt: skip


def _model_file(_: Any, __: Any, path: str) -> str:
    """Callback of --out: a name that Keras can write to."""
    from ..errors import DataError
    from ..loading import check_model_ending

    try:
        check_model_ending(path)
    except DataError as error:
        raise click.BadParameter(str(error)) from None
    return path


def model_options(command: Callable) -> Callable:
    """The model that a command works on, and how its file is read."""
    options: list[Decorator] = [
        click.argument("model", type=click.Path()),
        click.option("--custom-objects", "custom_objects", multiple=True, metavar="MODULE",
                     callback=_inputs,
                     help="Python file or module with classes that MODEL has and Keras has not."),
        click.option("--trust", is_flag=True,
                     help="Let MODEL run the code that it holds, such as Lambda layers: whoever "
                     "made the file can then do all that you can do."),
    ]  # fmt: skip
    return all_of(options)(command)


def _inputs(context: Any, _: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """Callback of --custom-objects: they are imported later, and nothing is written over them."""
    context.meta.setdefault(PLUGINS, []).extend(names)
    return names


def model_and_data(split: str) -> Decorator:
    """Arguments of the commands that run a model of the user's on data: to test or to train."""
    options: list[Decorator] = [
        model_options,
        click.option("--data", "data_file", type=click.Path(), required=True,
                     help="Samples (.npy), or samples and labels (.npz)."),
        click.option("--x-key",
                     help=f"Name of the samples in an .npz file.  [default: x_{split}, x, ...]"),
        click.option("--y-key",
                     help=f"Name of the labels in an .npz file.  [default: y_{split}, y, ...]"),
    ]  # fmt: skip
    return all_of(options)
