"""Sub-commands that refuse an option which is given twice: click takes the last, silently."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Any

import click

#: Key of a context's ``meta``: the command as it was typed.
COMMAND = "nengo_spikecost.command"


class Commands(click.Group):
    """A group that looks at the arguments of its commands, plug-ins' too, before they are read."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The sub-command of that name."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and "parse_args" not in vars(command):
            command.parse_args = _checked(command)  # type: ignore[method-assign]
        return command


def _checked(command: click.Command) -> Any:
    parse_args = command.parse_args

    def parse(ctx: click.Context, args: list[str]) -> list[str]:
        _, _, order = command.make_parser(ctx).parse_args(args=list(args))
        given = Counter(p for p in order if isinstance(p, click.Option))
        for option, times in given.items():
            if times > 1 and not option.multiple and not option.count:
                raise click.UsageError(
                    f"{option.opts[0]} is given {times} times, and takes one value: give it once.",
                    ctx,
                )
        ctx.meta[COMMAND] = f"{ctx.command_path} {shlex.join(args)}".strip()
        return parse_args(ctx, args)

    return parse
