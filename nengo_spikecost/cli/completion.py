"""Completion in a shell: how it is switched on, and names that are completed."""

from __future__ import annotations

from typing import Any

import click

COMPLETION = """\b
Completion of commands, options and devices: a line in your shell's start-up
file
  bash  eval "$(_NENGO_SPIKECOST_COMPLETE=bash_source nengo-spikecost)"
  zsh   eval "$(_NENGO_SPIKECOST_COMPLETE=zsh_source nengo-spikecost)"
  fish  _NENGO_SPIKECOST_COMPLETE=fish_source nengo-spikecost | source
"""
"""How a shell completes what is typed; the scripts are click's own."""


def complete_devices(_: Any, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of devices that could come next; those typed before the last comma stay."""
    from ..energy import devices

    before, comma, last = incomplete.rpartition(",")
    if not isinstance(param, click.Option) or param.name == "device":
        before, comma, last = "", "", incomplete
    taken = before.split(",")
    names = [name for name in devices.names() if name.startswith(last) and name not in taken]
    return [f"{before}{comma}{name}" for name in names]


def complete_chips(_: Any, __: Any, incomplete: str) -> list[str]:
    """Names of chips that begin like that."""
    from .. import chips

    return [name for name in chips.names() if name.startswith(incomplete)]
