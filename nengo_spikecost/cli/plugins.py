"""``--plugin``: a file or module of the user's, imported before the sub-command runs.

What it registers (layers, devices, cost models, simulators) is there for every sub-command, and
every click command in it is a sub-command itself.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click


def commands_of(module: ModuleType) -> list[click.Command]:
    """The click commands that a module defines, in their order."""
    commands = [value for value in vars(module).values() if isinstance(value, click.Command)]
    return [c for c in commands if getattr(c.callback, "__module__", None) == module.__name__]


#: Where a command's context keeps the names of plug-ins: no result may be written over one.
PLUGINS = f"{__name__}.names"


def load_plugin(name: str) -> ModuleType:
    """Import a plug-in by the path of its file, or the name of its module.

    Raises
    ------
    click.BadParameter
        If there is none, or it can't be imported.
    """
    try:
        if not name.endswith(".py"):
            return importlib.import_module(name)
        path = Path(name)
        if not path.is_file():
            raise click.BadParameter(f"there is no file {name}")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module  # dataclasses and pickles look their module up
        with _nothing_written():
            spec.loader.exec_module(module)
        return module
    except click.BadParameter:
        raise
    except (Exception, SystemExit) as error:  # whatever his file does wrong
        kind = type(error).__name__
        raise click.BadParameter(f"{name} can't be imported: {kind}: {error}") from None


@contextlib.contextmanager
def _nothing_written() -> Iterator[None]:
    """Keep no compiled code beside a file of the user's."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def add_plugins(context: click.Context, _: Any, names: tuple[str, ...]) -> None:
    """Callback of ``--plugin``: import each, and add its commands to the group."""
    group = context.command
    assert isinstance(group, click.Group)
    context.meta.setdefault(PLUGINS, []).extend(names)
    for name in names:
        for command in commands_of(load_plugin(name)):
            if command.name in group.commands:
                click.echo(f"Warning: {name} replaces the sub-command {command.name}.", err=True)
            group.add_command(command)
