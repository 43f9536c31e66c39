"""What commands print: results, settings and what was written; or the verdict alone."""

from __future__ import annotations

import shlex
import sys
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import click

from ..progress import doing
from ..spiking.defaults import OTHERS
from .commands import QUIET

_NARROWEST, _WIDEST = 80, 130

#: Key of a context's ``meta``: whether standard output is for JSON alone.
JSON_ONLY = "nengo_spikecost.json_only"

#: Key of a context's ``meta``: the line of settings that is still to be printed.
SETTINGS = "nengo_spikecost.settings"


def is_quiet() -> bool:
    """Whether nothing is printed but the verdict."""
    return bool(click.get_current_context().meta.get(QUIET, False))


def show(text: str) -> None:
    """Print for people: on standard error if standard output is for JSON alone."""
    if not is_quiet():
        _print(text)


def say(sentence: str) -> None:
    """Print a sentence for people, in lines as wide as the terminal, as `show` does."""
    show(_wrapped(sentence))


def _wrapped(sentence: str, indent: str = "") -> str:
    lines = textwrap.wrap(
        sentence, width(), subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
    return "\n".join(lines)


def show_result(result: Any, *more: str) -> None:
    """Print a result, and more text below it; or its verdict alone, if nothing else is wanted."""
    if not is_quiet():
        with doing("Writing the summary"):
            text = result.summary_string(width())
        _print("\n".join([text, *more]))
        return
    from ..layout.result import presenter_of
    from ..layout.text import to_text

    verdict = presenter_of(result).verdict(result)
    if verdict is not None:
        _print(to_text([verdict], width()))


def show_tables(result: Any) -> None:
    """Print a result without its verdict, which is in that of another one; see `show_result`."""
    from ..layout.result import presenter_of
    from ..layout.text import to_text

    if not is_quiet():
        with doing("Writing the summary"):
            text = to_text(presenter_of(result).summary(result), width())
        _print(text)


def show_carried(
    advice: str, command: str, flag: str, json_file: str | None, model: str, typed: str = ""
) -> None:  # fmt: skip
    """Print the command that goes on with what was found.

    Parameters
    ----------
    advice : str
        What it is for.
    command, flag : str
        Of the next step: ``deploy`` and ``--scales``.
    json_file : str, optional
        Where the result is written. None: the line says that --json is needed.
    model : str
        File of the model that the next step takes.
    typed : str
        The command that was typed, if that is the file of its own model.
    """
    from ..trying.retyping import network_flags

    name = json_file
    if name in (None, "-"):
        name = f"{click.get_current_context().command.name}.json"
        advice = f"{advice} (write it with --json {name} first)"
    words = ["nengo-spikecost", command, model, "--data", "DATA", flag, str(name)]
    words += shlex.split(network_flags(typed))
    show("")
    say(f"{advice}:")
    show(f"\n{shlex.join(words)}")


def _print(text: str) -> None:
    meta = click.get_current_context().meta
    settings = meta.pop(SETTINGS, None)
    if settings is not None and not is_quiet():
        click.echo(_wrapped(settings, "  "), err=meta.get(JSON_ONLY, False))
    click.echo(text, err=meta.get(JSON_ONLY, False))


def show_settings(options: Mapping[str, Any], x: Any = None, network: Any = None) -> None:
    """Put one line above all else that is printed: how the model is made to spike.

    It waits for the first result, so that an error stays the only thing that is said.

    Parameters
    ----------
    options : mapping
        Of the command.
    x : array, optional
        Samples; those with a time axis have steps of their own.
    network : Keras model, optional
    """
    words = []
    scale = options.get("scale_firing_rates")
    if isinstance(scale, Mapping):
        listed = [f"{'others' if k == OTHERS else k} {v:.4g}" for k, v in scale.items()]
        words.append(f"scales {', '.join(listed)}")
    elif scale is not None:
        words.append(f"scale {scale:g}")
    steps = options.get("n_steps")
    if steps is not None and not _has_steps(x, network):
        several = "/".join(map(str, steps)) if isinstance(steps, tuple) else steps
        step_s = options.get("dt") or getattr(network, "dt", None) or 0.001
        words.append(f"{several} steps of {1000 * step_s:g} ms")
    filters = options.get("synapses", (options.get("synapse"),))
    if "synapse" in options or "synapses" in options:
        listed = [f"{1000 * tau:g} ms" if tau else "none" for tau in filters]
        words.append(f"filter {'/'.join(listed)}")
    if options.get("neuron_type") is not None:
        words.append(str(options["neuron_type"]))
    if "max_pooling" in options:
        words.append(f"max pooling {options['max_pooling'] or 'average'}")
    if options.get("presentation"):
        words.append(options["presentation"])
    if words:
        click.get_current_context().meta[SETTINGS] = f"Settings: {'; '.join(words)}"


def _has_steps(x: Any, network: Any) -> bool:
    """Whether samples have one axis more than the model's input."""
    of_graph = getattr(network, "input_shapes", None)
    if isinstance(of_graph, dict) and not hasattr(network, "model"):
        return getattr(x, "ndim", 0) in {len(shape) + 2 for shape in of_graph.values()}
    shapes = getattr(network, "input_shape", None)
    return isinstance(shapes, tuple) and getattr(x, "ndim", 0) == len(shapes) + 1


def list_written(files: Iterable[str]) -> None:
    """Say which files were written."""
    for path in files:
        show(f"Written: {path}")


def width() -> int:
    """Width of the terminal, within what a table can use."""
    from rich.console import Console

    if not sys.stdout.isatty():
        return _NARROWEST
    return max(_NARROWEST, min(_WIDEST, Console().width))
