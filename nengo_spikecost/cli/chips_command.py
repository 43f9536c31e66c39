"""``chips``: chips that people can buy, with every number and its source."""

from __future__ import annotations

from typing import Any

import click

from .commands import Described
from .completion import complete_chips
from .model_commands import plain_errors
from .printing import list_written, show_result
from .shared_options import chip_file_option, file_options
from .written_files import output_files, write_results


@click.command(cls=Described, section="More", example="nengo-spikecost chips xylo_audio3")
@click.argument("names", nargs=-1, shell_complete=complete_chips)
@chip_file_option
@file_options("json", "html")
@plain_errors
def chips(names: tuple[str, ...], chip_file: str | None, **options: Any) -> None:
    """List chips that people can buy, or all that is published of those of NAMES."""
    from .. import chips as table

    files = output_files(options, chip_file)
    if chip_file is not None:
        table.load_chips(chip_file)
    found = table.listed(names)
    show_result(found)
    write_results(found, options["json_file"], html_file=options["html_file"])
    list_written(files)
