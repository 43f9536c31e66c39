"""``nengo-spikecost``: the pipeline from the command line, one file a step.

A new sub-command is one file, and one name in `COMMANDS`.
"""

from __future__ import annotations

import click

from ..version import __version__
from .deploy_command import deploy
from .devices_command import devices
from .fit_command import fit
from .report_command import compare, demo, report
from .sweep_command import sweep
from .tune_command import tune

COMMANDS = (demo, report, compare, fit, deploy, tune, sweep, devices)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nengo-spikecost")
def main() -> None:
    """Count the spikes of a network and say what they cost on spiking hardware."""


for command in COMMANDS:
    main.add_command(command)
