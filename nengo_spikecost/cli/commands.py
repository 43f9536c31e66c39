"""The group of all sub-commands: its help by section, and an option given twice refused.

click takes the last of two, silently, and cuts descriptions to fit a line.
"""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Any

import click

from . import interrupts
from .plugins import PLUGINS

PROGRAM = "nengo-spikecost"

#: Key of a context's ``meta``: the command as it was typed.
COMMAND = "nengo_spikecost.command"


#: Key of a context's ``meta``: whether nothing is printed but the verdict.
QUIET = "nengo_spikecost.quiet"


def _be_quiet(ctx: click.Context, _: Any, wanted: bool) -> None:
    ctx.meta[QUIET] = wanted


SECTIONS = ("Start", "Tune", "Loihi", "More")
"""Headings of the help; a command without a `Described.section` is under the last."""


class Described(click.Command):
    """A command with a place in the help, and an example.

    Parameters
    ----------
    section : str
        One of `SECTIONS`.
    example : str
        A command line, shown below the command's help.
    """

    def __init__(self, *args: Any, section: str = SECTIONS[-1], example: str = "", **others: Any):
        super().__init__(*args, **others)
        self.section, self.example = section, example
        words = "Print the verdict alone, and no progress; warnings and errors stay."
        self.params.append(
            click.Option(
                ["-q", "--quiet"], is_flag=True, expose_value=False, callback=_be_quiet, help=words
            )
        )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, as it is typed."""
        if self.example:
            with formatter.section("Example"):
                formatter.write(f"{'':>{formatter.current_indent}}{self.example}\n")
        super().format_epilog(ctx, formatter)


class Commands(click.Group):
    """A group that looks at the arguments of its commands, plug-ins' too, before they are read."""

    _typed = False

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, each with the whole first sentence of its help."""
        listed: dict[str, list[tuple[str, str]]] = {section: [] for section in SECTIONS}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                section = getattr(command, "section", SECTIONS[-1])
                listed[section].append((name, command.get_short_help_str(limit=400)))
        for section, rows in listed.items():
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)

    def main(self, args: Any = None, *more: Any, **others: Any) -> Any:
        """Run what was typed, or the arguments given; what was typed ends with its process.

        So Ctrl-C ends both, and nothing is waited for that was left to itself.
        """
        self._typed = args is None
        try:
            return super().main(args, *more, **others)
        except SystemExit as ended:
            if self._typed:
                interrupts.end_at_once(ended.code)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command; Ctrl-C ends it with a sentence."""
        try:
            with interrupts.watched(ctx.meta):
                return super().invoke(ctx)
        except KeyboardInterrupt:
            if self._typed:
                interrupts.end_by_signal(ctx.meta)
            click.echo(f"\n{interrupts.sentence(ctx.meta)}", err=True)
            ctx.exit(interrupts.EXIT_CODE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The sub-command of that name."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and "parse_args" not in vars(command):
            command.parse_args = _checked(command)  # type: ignore[method-assign]
        return command


def _checked(command: click.Command) -> Any:
    parse_args = command.parse_args

    def parse(ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # a shell asks what could come next
            return parse_args(ctx, args)
        _, _, order = command.make_parser(ctx).parse_args(args=list(args))
        given = Counter(p for p in order if isinstance(p, click.Option))
        for option, times in given.items():
            if times > 1 and not option.multiple and not option.count:
                raise click.UsageError(
                    f"{option.opts[0]} is given {times} times, and takes one value: give it once.",
                    ctx,
                )
        plugins = [word for name in ctx.meta.get(PLUGINS, ()) for word in ("--plugin", name)]
        ctx.meta[COMMAND] = shlex.join([PROGRAM, *plugins, str(ctx.info_name), *args])
        left = parse_args(ctx, args)
        ctx.meta[interrupts.KEPT] = interrupts.what_is_kept(ctx.params)
        return left

    return parse
