"""``nengo-spikecost``: the pipeline from the command line, one sub-command a step."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Iterable
from typing import Any, Callable

import click

from . import __version__
from .demo import DEMO_SETTINGS
from .errors import SpikeCostError, SpikeCostWarning

_NARROWEST, _WIDEST = 80, 130


class BadInput(click.ClickException):
    """One plain sentence on standard error, exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"Error: {self.message}", err=True)


def _plain_errors(command: Callable) -> Callable:
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


def _devices(_: Any, __: Any, value: str | None) -> list[str] | str | None:
    if value is None or value.strip().lower() == "all":
        return value
    return [name.strip() for name in value.split(",") if name.strip()]


Decorator = Callable[[Callable], Callable]


def _all_of(decorators: list[Decorator]) -> Decorator:
    """Several decorators as one; the first comes first in the help."""
    return lambda command: functools.reduce(lambda f, add: add(f), decorators[::-1], command)


def _conversion_options(settings: dict[str, Any]) -> Decorator:
    """Options of every command that converts a model, with the defaults given."""
    options: list[Decorator] = [
        click.option("--neuron", default=settings["neuron"], show_default=True, metavar="TYPE",
                     help="Neuron type that the ReLUs become."),
        click.option("--scale", type=float, default=settings["scale"], show_default=True,
                     help="scale_firing_rates: factor on all firing rates."),
        click.option("--steps", type=int, default=settings["steps"], show_default=True,
                     help="Steps of 1 ms for which a sample is presented."),
        click.option("--synapse", type=float, default=settings["synapse"], show_default=True,
                     help="Time constant in s of the filter behind the neurons; 0 for none."),
        click.option("--max-pooling", type=click.Choice(["exact", "average", "strided"]),
                     default=settings.get("max_pooling", "exact"), show_default=True,
                     help="What max pooling becomes: exact on the host, or one of these on chip."),
    ]  # fmt: skip
    return _all_of(options)


def _network_options(settings: dict[str, Any]) -> Decorator:
    """Options of every command that simulates, with the defaults given."""
    options: list[Decorator] = [
        click.option("--devices", callback=_devices, metavar="A,B",
                     help="Devices in the table, by name, with commas; or 'all'.  "
                     "[default: the usual ones]"),
        click.option("--device-file", type=click.Path(), metavar="TOML",
                     help="More devices, in the form of the package's own table."),
        _conversion_options(settings),
        click.option("--presentation", type=click.Choice(["fresh", "continuous"]),
                     default="fresh", show_default=True,
                     help="Start every sample afresh, or run on as a board does."),
        click.option("--samples", type=click.IntRange(min=1), help="Use only so many samples."),
        click.option("--json", "json_file", type=click.Path(), default=settings.get("json"),
                     show_default=bool(settings.get("json")), help="Write all results here."),
        click.option("--csv", "csv_file", type=click.Path(), help="Write the table here."),
    ]  # fmt: skip
    return _all_of(options)


def _of_a_model(command: Callable) -> Callable:
    """Arguments of the commands that simulate a model of the user's on his data."""
    decorators: list[Decorator] = [
        click.argument("model", type=click.Path()),
        click.option("--data", "data_file", type=click.Path(), required=True,
                     help="Samples (.npy), or samples and labels (.npz)."),
        click.option("--x-key",
                     help="Name of the samples in an .npz file.  [default: x_test, x, ...]"),
        click.option("--y-key",
                     help="Name of the labels in an .npz file.  [default: y_test, y, ...]"),
        _network_options(
            {"neuron": "SpikingRectifiedLinear", "scale": 100.0, "steps": 100, "synapse": 0.005}
        ),
    ]  # fmt: skip
    return _all_of(decorators)(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nengo-spikecost")
def main() -> None:
    """Count the spikes of a network and say what they cost on spiking hardware."""


@main.command()
@_network_options(
    {
        "neuron": DEMO_SETTINGS.neuron_type,
        "scale": DEMO_SETTINGS.scale_firing_rates,
        "steps": DEMO_SETTINGS.n_steps,
        "synapse": DEMO_SETTINGS.synapse,
        "json": "spikecost-demo.json",
    }
)
@_plain_errors
def demo(**options: Any) -> None:
    """A trained network on 500 handwritten digits, from spikes to Joules."""
    from . import stack
    from .demo import demo_data, demo_model

    stack.start_quietly()
    data = demo_data()
    click.echo("The network of the Keras-to-Loihi tutorial on MNIST digits it was not trained on")
    _run(demo_model(), data.x_test, data.y_test, **options)


@main.command()
@_of_a_model
@_plain_errors
def report(**options: Any) -> None:
    """Profile MODEL (.h5, .keras or SavedModel folder) on your data."""
    _load_and_run(**options)


@main.command()
@_of_a_model
@_plain_errors
def compare(**options: Any) -> None:
    """Price MODEL with all cost models side by side, and say what makes the difference."""
    _load_and_run(compared=True, **options)


@main.command()
@click.argument("model", type=click.Path())
@click.option(
    "--data",
    "data_file",
    type=click.Path(),
    help="Samples (.npy, .npz) to measure spikes with.  [default: 100 Hz everywhere]",
)
@click.option("--x-key", help="Name of the samples in an .npz file.  [default: x_test, x, ...]")
@click.option(
    "--objective",
    type=click.Choice(["cores", "latency", "traffic"]),
    default="cores",
    show_default=True,
    help="Fewest cores, shortest step, or fewest messages.",
)
@_conversion_options(
    {
        "neuron": "LoihiSpikingRectifiedLinear",
        "scale": 100.0,
        "steps": 100,
        "synapse": 0.005,
        "max_pooling": "average",
    }
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Use only so many samples.",
)
@click.option("--json", "json_file", type=click.Path(), help="Write the fit here.")
@_plain_errors
def fit(model: str, data_file: str | None, x_key: str | None, **options: Any) -> None:
    """Find block shapes with which MODEL fits on Loihi, and the code that sets them."""
    from . import stack
    from .loading import check_model_file, load_data, load_model
    from .report.files import check_writable

    x = None if data_file is None else load_data(data_file, x_key, None)[0]
    check_model_file(model)
    if options["json_file"] is not None:
        check_writable(options["json_file"])
    stack.start_quietly()
    _fit(load_model(model), x, **options)


@main.command()
@click.argument("names", nargs=-1)
@click.option("--device-file", type=click.Path(), metavar="TOML", help="More devices.")
@click.option("--json", "json_file", type=click.Path(), help="Write all constants here.")
@_plain_errors
def devices(names: tuple[str, ...], device_file: str | None, json_file: str | None) -> None:
    """List all devices, or those of NAMES, with every constant and where it comes from."""
    from .energy import devices as table
    from .energy.device import device_key
    from .report.devices import device_list, to_json
    from .report.files import write_text

    _load_device_file(device_file)
    found = [table.get(name) for name in names or table.names()]
    keys = {device_key(device.name) for device in found}
    presets = [(model, d) for model, d in table.presets() if device_key(d.name) in keys]
    click.echo(device_list(found, presets, _width()))
    if json_file is not None:
        write_text(json_file, to_json(found, presets))
        click.echo(f"\nWritten: {json_file}")


def _load_and_run(
    model: str, data_file: str, x_key: str | None, y_key: str | None, **options: Any
) -> None:
    from . import stack
    from .loading import check_model_file, load_data, load_model

    x, y = load_data(data_file, x_key, y_key)
    check_model_file(model)
    stack.start_quietly()
    _run(load_model(model), x, y, **options)


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
    presentation: str,
    samples: int | None,
    json_file: str | None,
    csv_file: str | None,
    compared: bool = False,
) -> None:
    from .comparison import compare
    from .profiling import profile
    from .report.files import check_writable

    # before the simulation: its results should not be lost to a mistyped folder
    for file in (json_file, csv_file):
        if file is not None:
            check_writable(file)
    _load_device_file(device_file)
    result: Any = profile(
        model,
        x[:samples],
        None if y is None else y[:samples],
        n_steps=steps,
        neuron_type=neuron,
        scale_firing_rates=scale,
        synapse=synapse or None,
        max_pooling=max_pooling,
        presentation=presentation,
        devices=devices,
    )
    if compared:
        result = compare(result.network, result.activity, devices=devices, example_data=x[:samples])
    click.echo(result.summary_string(line_length=_width()))
    for path, write in ((json_file, result.to_json), (csv_file, result.to_csv)):
        if path is not None:
            write(path)
            click.echo(f"Written: {path}")


def _fit(
    model: Any,
    x: Any,
    *,
    objective: str,
    neuron: str,
    scale: float,
    steps: int,
    synapse: float,
    max_pooling: str,
    samples: int,
    json_file: str | None,
) -> None:
    import json

    from .activity import measure
    from .conversion import convert
    from .loihi import fit_blocks, raise_unsupported
    from .report.files import write_text

    conversion = convert(
        model,
        neuron_type=neuron,
        scale_firing_rates=scale,
        synapse=synapse or None,
        max_pooling=max_pooling,
    )
    raise_unsupported(conversion)
    spikes = None if x is None else measure(conversion, x[:samples], steps)
    found = fit_blocks(conversion, objective, spikes=spikes)
    click.echo(found)
    click.echo("\nTo paste, where net is the network that was converted:\n")
    click.echo(found.code())
    click.echo("NengoLoihi rounds block by block, so shapes change spikes a little: measure again.")
    if json_file is not None:
        write_text(json_file, json.dumps(found.to_dict(), indent=2) + "\n")
        click.echo(f"Written: {json_file}")


def _load_device_file(path: str | None) -> None:
    if path is not None:
        from .energy.devices import load_devices

        load_devices(path)


def _width() -> int:
    """Width of the terminal, within what a table can use."""
    from rich.console import Console

    if not sys.stdout.isatty():
        return 98
    return max(_NARROWEST, min(_WIDEST, Console().width))


if __name__ == "__main__":
    main()
