"""``nengo-spikecost``: the pipeline from the command line, one file a step.

Every click command in a file ``*_command.py`` of this folder is a sub-command; so is every one in
a plug-in (see `nengo_spikecost.cli.plugins`).
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import click

from ..version import __version__
from .commands import Commands
from .completion import COMPLETION
from .plugins import add_plugins, commands_of


def _show_versions(ctx: click.Context, _: Any, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from .. import stack

        click.echo(f"nengo-spikecost {__version__}\n{stack.report()}")
        ctx.exit()


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=COMPLETION
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_versions,
    help="Show the versions of the package and of what it stands on, and exit.",
)  # fmt: skip
@click.option(
    "--plugin", multiple=True, metavar="FILE", callback=add_plugins, is_eager=True,
    expose_value=False,
    help="Python file or module that adds layers, cost models, simulators or commands.",
)  # fmt: skip
def main() -> None:
    """Count the spikes of a network and say what they cost on spiking hardware."""


for file in pkgutil.iter_modules(__path__, prefix=f"{__name__}."):
    if file.name.endswith("_command"):
        for command in commands_of(importlib.import_module(file.name)):
            main.add_command(command)
