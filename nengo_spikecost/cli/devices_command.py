"""``devices``: every constant and where it comes from."""

from __future__ import annotations

import click

from .shared_options import (
    device_file_option,
    file_options,
    load_device_file,
    output_files,
    plain_errors,
    width,
)


@click.command()
@click.argument("names", nargs=-1)
@device_file_option
@file_options("json")
@plain_errors
def devices(names: tuple[str, ...], device_file: str | None, json_file: str | None) -> None:
    """List all devices, or those of NAMES, with every constant and where it comes from."""
    from ..energy import devices as table
    from ..energy.device import device_key
    from ..energy.shown.device_list import device_list, to_json
    from ..files import write_text

    output_files({"json_file": json_file}, device_file)
    load_device_file(device_file)
    listed = [table.get(name) for name in names or table.names()]
    keys = {device_key(device.name) for device in listed}
    presets = [(model, d) for model, d in table.presets() if device_key(d.name) in keys]
    click.echo(device_list(listed, presets, width()))
    if json_file is not None:
        write_text(json_file, to_json(listed, presets))
        click.echo(f"\nWritten: {json_file}")
