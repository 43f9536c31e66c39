"""Flags of a sub-command, made of the options that the function behind it takes."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Collection, Mapping
from typing import Any, Callable

import click
from click.shell_completion import CompletionItem

from ..options import Options, flag_of
from .completion import complete_devices

Decorator = Callable[[Callable], Callable]


def all_of(decorators: list[Decorator]) -> Decorator:
    """Several decorators as one; the first comes first in the help."""
    return lambda command: functools.reduce(lambda f, add: add(f), decorators[::-1], command)


def flags(
    options_class: type[Options], *names: str, prefix: str = "", **defaults: Any
) -> Decorator:  # fmt: skip
    """Decorator that gives a command the flags of some options.

    The command is called with the values by the names of the fields, as the function is. What the
    values must be, the options say themselves when the function makes them.

    Parameters
    ----------
    options_class : type of Options
        Its fields have the help, the flag, the choices and the default of each.
    *names : str
        Fields, in the order of the help. Default: all that have a help.
    prefix : str
        Put before the names that the command is called with, where options of two calls have fields
        of the same name.
    **defaults
        Defaults of the command that are not those of the function, by field.

    Examples
    --------
    ::

        @click.command()
        @flags(SweepOptions, "n_trials", "seed", seed=1)
        def sweep(**options): ...
    """
    fields = {f.name: f for f in dataclasses.fields(options_class)}  # type: ignore[arg-type]
    shown = names or [name for name, f in fields.items() if f.metadata.get("help")]
    made = [_flag(fields[name], defaults, prefix) for name in shown]
    return all_of([_checked_by(options_class), *made])


def _checked_by(options_class: type[Options]) -> Decorator:
    """Note whose options they are, for `check_options`."""

    def decorator(command: Any) -> Any:
        command.options_classes = [*getattr(command, "options_classes", ()), options_class]
        return command

    return decorator


def check_options(command: click.Command, values: Mapping[str, Any]) -> None:
    """Raise what is wrong with the values of a command's flags, before anything slow.

    Parameters
    ----------
    command : click.Command
    values : mapping from str to object
        By field.
    """
    noted = (getattr(of, "options_classes", ()) for of in (command, command.callback))
    for options_class in dict.fromkeys(itertools.chain(*noted)):
        fields = [f.name for f in dataclasses.fields(options_class)]
        options_class(**{name: values[name] for name in fields if name in values})


def _flag(field: Any, defaults: dict[str, Any], prefix: str = "") -> Decorator:
    words = field.metadata
    default = defaults.get(field.name, field.default)
    name = flag_of(field)
    settings: dict[str, Any] = {
        "help": words["help"],
        "default": default,
        "show_default": default is not None,
    }
    if words["metavar"]:
        settings["metavar"] = words["metavar"]
    if words["multiple"]:
        settings.update(multiple=True, type=str, default=(f"{default:g}",))
        settings["callback"] = _reader(words["read"])
    elif isinstance(default, bool):
        settings.update(is_flag=True, show_default=False)
        name = f"{name}/--no-{name[2:]}" if default else name
    elif words["choices"]:
        choices = words["choices"]
        settings["type"] = Registered(choices) if callable(choices) else click.Choice(choices)
        settings["cls"] = OneOf
    elif isinstance(words["read"], click.ParamType) or words["read"] in (int, float):
        settings["type"] = words["read"]
    elif words["read"] is not None:
        settings.update(type=str, callback=_reader(words["read"]))
        if isinstance(default, (tuple, list)):
            settings["default"] = ",".join(f"{value:g}" for value in default)
    elif default is not None:
        settings["type"] = type(default)
    if field.name == "device":
        settings["shell_complete"] = complete_devices
    return click.option(name, prefix + field.name, **settings)


class OneOf(click.Option):
    """Names that are too long for a line, in brackets, are listed in the help."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        if record is None:
            return None
        flag, words = record
        name, _, names = flag.partition(" [")
        if len(flag) <= LONGEST_FLAG or not names.endswith("]"):
            return record
        *first, last = names[:-1].split("|")
        return f"{name} NAME", f"{', '.join(first)} or {last}: {words[0].lower()}{words[1:]}"


#: Columns that a flag and its choices may take: a line of 80 less the indent.
LONGEST_FLAG = 78


class Registered(click.ParamType):
    """One of the names that are registered when the command runs, plug-ins' among them."""

    name = "name"

    def __init__(self, names: Callable[[], Collection[str]]):
        self._names = names

    def get_metavar(self, param: Any, ctx: Any = None) -> str:
        return f"[{'|'.join(self._names())}]"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return click.Choice(list(self._names())).convert(value, param, ctx)

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]


def _reader(read: Callable[[str], Any]) -> Callable[[Any, Any, Any], Any]:
    """A callback that reads a text, or says what was expected of it."""

    def callback(_: Any, __: Any, value: Any) -> Any:
        if value is None:
            return None
        try:
            return read(value)
        except ValueError as error:
            if isinstance(value, tuple):
                raise click.BadParameter(str(error)) from None
            expected = getattr(read, "__name__", "another value")
            raise click.BadParameter(f"expected {expected}, not {value!r}") from None

    return callback
