"""``devices``: every constant and where it comes from."""

from __future__ import annotations

import click

from .commands import Described
from .completion import complete_devices
from .model_commands import load_device_file, plain_errors
from .printing import list_written, show, width
from .shared_options import device_file_option, file_options
from .written_files import output_files, write_json


@click.command(cls=Described, section="Start", example="nengo-spikecost devices loihi")
@click.argument("names", nargs=-1, shell_complete=complete_devices)
@device_file_option
@file_options("json")
@plain_errors
def devices(names: tuple[str, ...], device_file: str | None, json_file: str | None) -> None:
    """List all devices, or those of NAMES, with every constant and where it comes from."""
    from ..energy import devices as table
    from ..energy.device import device_key
    from ..energy.shown.device_list import device_list, to_json

    files = output_files({"json_file": json_file}, device_file)
    load_device_file(device_file)
    listed = [table.get(name) for name in names or table.names()]
    keys = {device_key(device.name) for device in listed}
    presets = [(model, d) for model, d in table.presets() if device_key(d.name) in keys]
    show(device_list(listed, presets, width()))
    write_json(json_file, to_json(listed, presets))
    if files:
        show("")
    list_written(files)
