"""Commands on a model: what is wrong is said first, then files are read, then the work is done."""

from __future__ import annotations

import contextlib
import functools
import shlex
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable

import click

from ..errors import ConversionError, DataError, SpikeCostError, SpikeCostWarning
from ..files import check_is_file
from ..progress import doing
from ..spiking.defaults import N_STEPS
from ..warned import each_once
from .carried import carry_on, was_typed, with_tilings
from .graph_flags import loaded_graph, refuse_flags, taken_out
from .option_flags import Decorator, check_options
from .plugins import load_plugin
from .printing import is_quiet, list_written, show_settings
from .shared_options import model_and_data
from .written_files import output_files

#: Where the context of a command keeps what its model's file holds.
MODEL_FILES = "nengo_spikecost.cli.model_files"


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
                lines = [" ".join(line.split()) for line in str(error).splitlines()]
                several = isinstance(error, ConversionError) and len(error.problems) > 1
                raise BadInput(("\n  " if several else " ").join(filter(None, lines))) from None
            except OSError as error:
                place = f"{error.filename}: " if error.filename else ""
                raise BadInput(f"{place}{error.strerror or error}.") from None

    return run


def on_model(
    labels: str = "", early: Callable[[dict[str, Any]], None] | None = None,
    with_data: Callable[[Any, dict[str, Any]], None] | None = None, split: str = "test",
) -> Decorator:  # fmt: skip
    """Decorator of a command on MODEL and --data: it is called with model, samples and labels.

    Whatever is wrong with options and files is said before anything slow; files that were written
    are listed at the end.

    Parameters
    ----------
    labels : str
        What needs labels, if they have to be there.
    early : callable, optional
        Raises for options that contradict each other, given all of them by name.
    with_data : callable, optional
        Raises for options that the samples have too little for, given samples and options.
    split : {"test", "train"}
        Which samples it takes of a file that holds both.
    """

    def decorator(command: Callable) -> Callable:
        @model_and_data(split)
        @plain_errors
        @functools.wraps(command)
        def run(
            model: str, data_file: str, x_key: str | None, y_key: str | None,
            custom_objects: tuple[str, ...], trust: bool, **options: Any,
        ) -> None:  # fmt: skip
            if early is not None:
                early(options)
            graph = taken_out(options)
            options, files = checked_early(options, model, data_file)
            options = refuse_flags(is_graph(model), options)
            scheduler = options.pop("scheduler", None)

            def check_data(x: Any, y: Any) -> None:
                if labels and y is None:
                    raise DataError(
                        f"{data_file} has no labels, and {labels} needs them: say --y-key."
                    )
                if with_data is not None:
                    with_data(x, options)

            with _cluster_at(scheduler) as given:
                network, x, y = loaded(
                    model, data_file, x_key, y_key, custom_objects, trust, check_data, graph,
                    split,
                )  # fmt: skip
                show_settings(options, x, network)
                if not was_typed("n_steps") and options.get("n_steps") == N_STEPS:
                    del options["n_steps"]  # samples with a time axis have their own
                command(network, x, y, **with_tilings(options), **given)
            list_written(files)

        return run

    return decorator


@contextlib.contextmanager
def _cluster_at(scheduler: str | None) -> Iterator[dict[str, Any]]:
    """The option of a call that works on the cluster at an address; none without one."""
    if scheduler is None:
        yield {}
        return
    from ..scale_out import connected

    with doing(f"Connecting to {scheduler}", not is_quiet()):
        client = connected(scheduler)
    with client:
        yield {"client": client}


def checked_early(
    options: dict[str, Any], model: str | None = None, *inputs: str | None
) -> tuple[dict[str, Any], list[str]]:
    """Options as the function behind the command takes them, and the files it will write.

    Names, numbers and files are checked here, before TensorFlow or a model is looked at.

    Parameters
    ----------
    options : dict
        Of the command, by the names of its parameters.
    model : str, optional
        The model's file.
    *inputs : str or None
        Other files that are read.
    """
    device_file = options.pop("device_file", None)
    chip_file = options.pop("chip_file", None)
    read = (options.get("scales_file"), options.get("fit_file"), device_file, chip_file)
    files = output_files(options, model, *inputs, *read)
    load_device_file(device_file)
    check_devices(options.get("devices"))
    layers: tuple[str, ...] = ()
    if model is not None:
        layers = stored_layers(model)
    for path in inputs:
        if path is not None:
            check_is_file(path, "data file")
    options = carry_on(no_synapse(options), layers)
    check_options(click.get_current_context().command, options)
    for name in ("swap_activations", "off_chip"):
        if options.get(name, "") is None:
            del options[name]  # a study of before knows nothing of it
    if is_quiet():
        options["progress"] = False
    return options, files


def given_files() -> tuple[str, str] | None:
    """Names of the model and the data that the command was given, for commands to suggest."""
    given = click.get_current_context().params
    if "model" in given and given.get("data_file") is not None:
        return shlex.quote(given["model"]), shlex.quote(given["data_file"])
    return None


def given_model() -> str:
    """Name of the model's file that the command was given."""
    return str(click.get_current_context().params["model"])


def no_synapse(options: dict[str, Any]) -> dict[str, Any]:
    """Options with None for a time constant of 0, which is how one types that there is none."""
    return {**options, "synapse": options["synapse"] or None} if "synapse" in options else options


def loaded(
    model: str, data_file: str, x_key: str | None, y_key: str | None,
    custom_objects: Iterable[str] = (), trust: bool = False,
    check_data: Callable[[Any, Any], None] = lambda x, y: None,
    graph: Mapping[str, Any] | None = None, split: str = "test",
) -> tuple[Any, Any, Any]:  # fmt: skip
    """The model, samples and labels; whatever is wrong with a file is said before it is used.

    ``check_data`` is called with samples and labels, before the model is read if they can be told.
    ``graph`` says how a NIR graph is understood; ``split``, which samples are taken of a file that
    holds both.
    """
    from ..loading import load_by_input, load_data

    problem: DataError | None = None
    x: Any
    y: Any
    try:
        x, y = load_data(data_file, x_key, y_key, split)
    except DataError as error:
        if x_key is not None or "has no array called" not in str(error):
            raise
        x, y, problem = None, None, error  # arrays may have the names of the model's inputs
    if problem is None:
        check_data(x, y)
    network = loaded_model(model, custom_objects, trust, graph, x)
    names = _input_names(network)
    if x_key is None and (problem is not None or len(names) > 1):
        try:
            x, y = load_by_input(data_file, names, y_key, split)
        except DataError:
            if len(names) == 1 and problem is not None:
                raise problem from None
            raise
        if is_graph(model):
            network = loaded_model(model, graph=graph, x=x)
    check_data(x, y)
    return network, x, y


def _input_names(network: Any) -> list[list[str]]:
    """For each input what its samples may be called, its own name first."""
    if not hasattr(network, "input_names"):  # the network of a NIR graph
        return [[name] for name in network.input_shapes]
    from ..conversion.keras3 import keys_of

    keys = keys_of(network, "inputs")
    return [[n, *(k for k, v in keys.items() if v == n)] for n in network.input_names]


def first_samples(x: Any, n: int | None) -> Any:
    """The first samples of an array, or of each in a dict by input."""
    return {k: v[:n] for k, v in x.items()} if isinstance(x, dict) else x[:n]


def model_file(model: str) -> Any:
    """What the file of a command's model holds: a `ModelFile`, read once."""
    from ..loading import read_model_file

    known = click.get_current_context().meta.setdefault(MODEL_FILES, {})
    if model not in known:
        known[model] = read_model_file(model)
    return known[model]


def stored_layers(model: str) -> tuple[str, ...]:
    """Names of the layers in a model's file; empty if they are not known yet."""
    from ..loading import stored_layer_names

    return tuple(stored_layer_names(model_file(model)))


def is_graph(model: str) -> bool:
    """Whether a file holds a NIR graph."""
    return bool(model_file(model).kind == "nir")


def loaded_model(
    model: str, custom_objects: Iterable[str] = (), trust: bool = False,
    graph: Mapping[str, Any] | None = None, x: Any = None,
) -> Any:  # fmt: skip
    """The model in a file; what is plainly wrong with the file is said before anything slow.

    Parameters
    ----------
    model : str
        The file.
    custom_objects : iterable of str
        Modules with classes that the model has and Keras has not.
    trust : bool
        Whether the file may run code.
    graph : mapping, optional
        How a NIR graph is understood.
    x : array, optional
        Samples, which tell whether the input of a graph is spikes.
    """
    from ..loading import load_model
    from ..loading.custom_objects import objects_of

    model_file(model)
    start_tensorflow()
    if is_graph(model):
        return loaded_graph(model, dict(graph or {}), x)
    modules = [load_plugin(name) for name in custom_objects]
    objects = {name: value for m in modules for name, value in objects_of(m).items()}
    with doing(f"Reading {model}", not is_quiet()):
        return load_model(model, custom_objects=objects, trust=trust)


def start_tensorflow() -> None:
    """Start TensorFlow, which takes seconds, and say so."""
    from .. import stack

    with doing("Starting TensorFlow", not is_quiet()):
        stack.start_quietly()


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
