"""Options that several commands have, how they report errors, and how wide they print."""

from __future__ import annotations

import functools
import sys
import warnings
from typing import Any, Callable

import click

from ..errors import SpikeCostError, SpikeCostWarning
from .option_flags import Decorator, Registered, all_of

_NARROWEST, _WIDEST = 80, 130


class BadInput(click.ClickException):
    """One plain sentence on standard error, exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"Error: {self.message}", err=True)


def plain_errors(command: Callable) -> Callable:
    """Turn what a user can cause into a sentence, and warnings into lines of their own."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            # notes of the packages below us are for their developers; ours are for the user
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", SpikeCostWarning)
            warnings.showwarning = lambda message, *_, **__: click.echo(
                f"Warning: {message}", err=True
            )
            try:
                return command(*args, **kwargs)
            except SpikeCostError as error:
                raise BadInput(" ".join(str(error).split())) from None
            except OSError as error:
                place = f"{error.filename}: " if error.filename else ""
                raise BadInput(f"{place}{error.strerror or error}.") from None

    return run


def device_names(_: Any, __: Any, value: str | None) -> list[str] | str | None:
    """Callback for names with commas between them, or ``all``."""
    if value is None or value.strip().lower() == "all":
        return value
    return [name.strip() for name in value.split(",") if name.strip()]


def conversion_options(settings: dict[str, Any]) -> Decorator:
    """Options of the commands that convert a model: those of which a default is given."""
    options: dict[str, Decorator] = {
        "neuron": click.option(
            "--neuron", default=settings.get("neuron"), show_default=True, metavar="TYPE",
            help="Neuron type that the ReLUs become."),
        "scale": click.option(
            "--scale", type=float, default=settings.get("scale"), show_default=True,
            help="scale_firing_rates: factor on all firing rates."),
        "steps": click.option(
            "--steps", type=int, default=settings.get("steps"), show_default=True,
            help="Steps of 1 ms for which a sample is presented."),
        "synapse": click.option(
            "--synapse", type=float, default=settings.get("synapse"), show_default=True,
            help="Time constant in s of the filter behind the neurons; 0 for none."),
        "max_pooling": click.option(
            "--max-pooling", type=click.Choice(["exact", "average", "strided"]),
            default=settings.get("max_pooling"), show_default=True,
            help="What max pooling becomes: exact on the host, or one of these on chip."),
    }  # fmt: skip
    return all_of([option for name, option in options.items() if name in settings])


def presentation_option(default: str) -> Decorator:
    """Option: start every sample afresh, or run on."""
    return click.option(
        "--presentation", type=click.Choice(["fresh", "continuous"]), default=default,
        show_default=True, help="Start every sample afresh, or run on as a board does.",
    )  # fmt: skip


def simulator_names() -> tuple[str, ...]:
    """Simulators that are registered, those of plug-ins among them."""
    from ..activity import simulators

    return simulators.names()


def simulator_option(command: Callable) -> Callable:
    """Option: the simulator that spikes are measured on."""
    return click.option(
        "--simulator", type=Registered(simulator_names), default="nengo_dl",
        show_default=True, help="What simulates the network, and counts its spikes.",
    )(command)  # fmt: skip


def device_file_option(command: Callable) -> Callable:
    """Option: a file with more devices."""
    return click.option(
        "--device-file", type=click.Path(), metavar="TOML",
        help="More devices, in the form of the package's own table.",
    )(command)  # fmt: skip


def network_options(settings: dict[str, Any]) -> Decorator:
    """Options of every command that simulates, with the defaults given."""
    options: list[Decorator] = [
        click.option("--devices", callback=device_names, metavar="A,B",
                     help="Devices in the table, by name, with commas; or 'all'.  "
                     "[default: the usual ones]"),
        device_file_option,
        conversion_options({"max_pooling": "exact", **settings}),
        simulator_option,
        presentation_option("fresh"),
        click.option("--samples", type=click.IntRange(min=1), help="Use only so many samples."),
        click.option("--json", "json_file", type=click.Path(), default=settings.get("json"),
                     show_default=bool(settings.get("json")), help="Write all results here."),
        click.option("--csv", "csv_file", type=click.Path(), help="Write the table here."),
    ]  # fmt: skip
    return all_of(options)


def model_and_data(command: Callable) -> Callable:
    """Arguments of the commands that run a model of the user's on his data."""
    options: list[Decorator] = [
        click.argument("model", type=click.Path()),
        click.option("--data", "data_file", type=click.Path(), required=True,
                     help="Samples (.npy), or samples and labels (.npz)."),
        click.option("--x-key",
                     help="Name of the samples in an .npz file.  [default: x_test, x, ...]"),
        click.option("--y-key",
                     help="Name of the labels in an .npz file.  [default: y_test, y, ...]"),
    ]  # fmt: skip
    return all_of(options)(command)


def loaded(
    model: str, data_file: str, x_key: str | None, y_key: str | None, *outputs: str | None
) -> tuple[Any, Any, Any]:
    """The model, samples and labels; whatever is wrong with a file is said before it is used.

    ``outputs`` are files that will be written: results should not be lost to a mistyped folder.
    """
    from .. import stack
    from ..files import check_writable
    from ..loading import check_model_file, load_data, load_model

    x, y = load_data(data_file, x_key, y_key)
    check_model_file(model)
    for file in outputs:
        if file is not None:
            check_writable(file)
    stack.start_quietly()
    return load_model(model), x, y


def load_device_file(path: str | None) -> None:
    """Add the devices of a file to the table, if there is one."""
    if path is not None:
        from ..energy.devices import load_devices

        load_devices(path)


def width() -> int:
    """Width of the terminal, within what a table can use."""
    from rich.console import Console

    if not sys.stdout.isatty():
        return 98
    return max(_NARROWEST, min(_WIDEST, Console().width))
