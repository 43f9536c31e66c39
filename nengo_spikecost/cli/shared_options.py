"""Options that several commands have, how they report errors, and how wide they print."""

from __future__ import annotations

import functools
import shlex
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Callable

import click

from ..errors import DataError, SpikeCostError, SpikeCostWarning
from ..files import check_writable, is_same_file, write_text
from ..warned import each_once
from .commands import COMMAND
from .option_flags import Decorator, all_of, check_options
from .plugins import PLUGINS, load_plugin

_NARROWEST, _WIDEST = 80, 130

#: Options of commands that name a file to write.
_FLAGS = {
    "study": "--study", "plot_file": "--plot", "json_file": "--json", "csv_file": "--csv",
    "html_file": "--html", "model_file": "--out",
}  # fmt: skip
FILES = tuple(_FLAGS)


#: The name of a file that stands for standard output.
STANDARD_OUTPUT = "-"

#: Key of a context's ``meta``: whether standard output is for JSON alone.
JSON_ONLY = "nengo_spikecost.json_only"


class BadInput(click.ClickException):
    """One plain sentence on standard error, exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"Error: {self.message}", err=True)


def plain_errors(command: Callable) -> Callable:
    """Turn what a user can cause into a sentence, and warnings into lines of their own."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings(), each_once():
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


def conversion_options(command: Callable) -> Callable:
    """Options: what activations and max pooling become, and neurons in front of the model."""
    command = swap_option(spike_input_option(command))
    return click.option(
        "--max-pooling", type=click.Choice(["exact", "average", "strided"]), default=None,
        help="What max pooling becomes: exact on the host, or one of these on chip.  "
        "[default: average where neurons spike]",
    )(command)  # fmt: skip


def device_file_option(command: Callable) -> Callable:
    """Option: a file with more devices."""
    return click.option(
        "--device-file", type=click.Path(), metavar="TOML",
        help="More devices, in the form of the package's own table.",
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


def model_and_data(command: Callable) -> Callable:
    """Arguments of the commands that run a model of the user's on his data."""
    options: list[Decorator] = [
        model_options,
        click.option("--data", "data_file", type=click.Path(), required=True,
                     help="Samples (.npy), or samples and labels (.npz)."),
        click.option("--x-key",
                     help="Name of the samples in an .npz file.  [default: x_test, x, ...]"),
        click.option("--y-key",
                     help="Name of the labels in an .npz file.  [default: y_test, y, ...]"),
    ]  # fmt: skip
    return all_of(options)(command)


def on_model(labels: str = "") -> Decorator:
    """Decorator of a command on MODEL and --data: it is called with model, samples and labels.

    The devices of --device-file are loaded, and every file that will be written is checked, before
    anything slow; the files are listed at the end. ``labels`` says what needs them, if they have to
    be there.
    """

    def decorator(command: Callable) -> Callable:
        @model_and_data
        @plain_errors
        @functools.wraps(command)
        def run(
            model: str, data_file: str, x_key: str | None, y_key: str | None,
            custom_objects: tuple[str, ...], trust: bool, **options: Any,
        ) -> None:  # fmt: skip
            device_file = options.pop("device_file", None)
            files = output_files(options, model, data_file, device_file)
            load_device_file(device_file)
            check_devices(options.get("devices"))
            options = no_synapse(options)
            check_options(click.get_current_context().command, options)
            network, x, y = loaded(model, data_file, x_key, y_key, custom_objects, trust)
            if labels and y is None:
                raise DataError(f"{data_file} has no labels, and {labels} needs them: say --y-key.")
            if "swap_activations" in options and options["swap_activations"] is None:
                del options["swap_activations"]  # a study of before knows nothing of it
            command(network, x, y, **options)
            list_written(files)

        return run

    return decorator


def given_files() -> tuple[str, str] | None:
    """Names of the model and the data that the command was given, for commands to suggest."""
    given = click.get_current_context().params
    if "model" in given and given.get("data_file") is not None:
        return shlex.quote(given["model"]), shlex.quote(given["data_file"])
    return None


def no_synapse(options: dict[str, Any]) -> dict[str, Any]:
    """Options with None for a time constant of 0, which is how one types that there is none."""
    return {**options, "synapse": options["synapse"] or None} if "synapse" in options else options


def show(text: str) -> None:
    """Print for people: on standard error if standard output is for JSON alone."""
    click.echo(text, err=click.get_current_context().meta.get(JSON_ONLY, False))


def write_json(path: str | None, text: str) -> None:
    """Write JSON to a file or, for ``-``, to standard output; not at all for None."""
    if path == STANDARD_OUTPUT:
        click.echo(text, nl=False)
    elif path is not None:
        write_text(path, text)


def write_results(
    result: Any, json_file: str | None = None, csv_file: str | None = None,
    html_file: str | None = None,
) -> None:  # fmt: skip
    """Write a result to the files of `file_options`."""
    write_json(json_file, result.to_json() if json_file is not None else "")
    if csv_file is not None:
        result.to_csv(csv_file)
    if html_file is not None:
        result.to_html(html_file, command=click.get_current_context().meta.get(COMMAND, ""))


def list_written(files: Iterable[str]) -> None:
    """Say which files were written."""
    for path in files:
        show(f"Written: {path}")


def output_files(options: Mapping[str, Any], *inputs: str | None) -> list[str]:
    """The files that a command will write; raises unless all can be, and none is another one.

    Results should not be lost to a mistyped folder, nor a model to results. A study is read, too,
    so its own name is not among the inputs, but no other file may be written over it.

    Parameters
    ----------
    options : mapping
        Of the command, by the names in `FILES`.
    *inputs : str or None
        Files that the command reads.
    """
    files = {name: options[name] for name in FILES if options.get(name) is not None}
    if files.get("json_file") == STANDARD_OUTPUT:
        del files["json_file"]
        click.get_current_context().meta[JSON_ONLY] = True
    plugins = click.get_current_context().meta.get(PLUGINS, ())
    taken = [(path, "which is read") for path in (*inputs, *plugins) if path is not None]
    for name, path in files.items():
        check_writable(path)
        for other, why in taken:
            if is_same_file(path, other):
                raise DataError(
                    f"{_FLAGS[name]} {path} would be written over {other}, {why}: give another "
                    "name."
                )
        taken.append((path, f"which {_FLAGS[name]} writes"))
    return list(files.values())


def loaded(
    model: str, data_file: str, x_key: str | None, y_key: str | None,
    custom_objects: Iterable[str] = (), trust: bool = False,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """The model, samples and labels; whatever is wrong with a file is said before it is used."""
    from ..loading import load_by_input, load_data

    problem: DataError | None = None
    x: Any
    y: Any
    try:
        x, y = load_data(data_file, x_key, y_key)
    except DataError as error:
        if x_key is not None or "has no array called" not in str(error):
            raise
        x, y, problem = None, None, error  # arrays may have the names of the model's inputs
    network = loaded_model(model, custom_objects, trust)
    if x_key is None and (problem is not None or len(network.inputs) > 1):
        from ..conversion.keras3 import keys_of

        keys = keys_of(network, "inputs")
        names = [[n, *(k for k, v in keys.items() if v == n)] for n in network.input_names]
        try:
            x, y = load_by_input(data_file, names, y_key)
        except DataError:
            if len(network.inputs) == 1 and problem is not None:
                raise problem from None
            raise
    return network, x, y


def first_samples(x: Any, n: int | None) -> Any:
    """The first samples of an array, or of each in a dict by input."""
    return {k: v[:n] for k, v in x.items()} if isinstance(x, dict) else x[:n]


def loaded_model(model: str, custom_objects: Iterable[str] = (), trust: bool = False) -> Any:
    """The model in a file; what is plainly wrong with the file is said before anything slow.

    ``custom_objects`` are modules with classes that the model has and Keras has not.
    """
    from .. import stack
    from ..loading import check_model_file, load_model
    from ..loading.custom_objects import objects_of

    check_model_file(model)
    stack.start_quietly()
    modules = [load_plugin(name) for name in custom_objects]
    objects = {name: value for m in modules for name, value in objects_of(m).items()}
    return load_model(model, custom_objects=objects, trust=trust)


def load_device_file(path: str | None) -> None:
    """Add the devices of a file to the table, if there is one."""
    if path is not None:
        from ..energy.devices import load_devices

        load_devices(path)


def check_devices(names: list[str] | str | None) -> None:
    """Raise for a device that there is not, before anything slow."""
    if isinstance(names, list):
        from ..energy import devices

        for name in names:
            devices.get(name)


def width() -> int:
    """Width of the terminal, within what a table can use."""
    from rich.console import Console

    if not sys.stdout.isatty():
        return _NARROWEST
    return max(_NARROWEST, min(_WIDEST, Console().width))
