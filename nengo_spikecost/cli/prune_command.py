"""``prune``: a model without some units of its layers, in a file."""

from __future__ import annotations

from typing import Any

import click

from .carried import check_layers
from .commands import Described
from .model_commands import checked_early, is_graph, loaded_model, plain_errors, stored_layers
from .printing import list_written, show
from .shared_options import model_file_option, model_options


def _units(_: Any, __: Any, texts: tuple[str, ...]) -> dict[str, list[int]]:
    """Callback of --units: numbers by layer."""
    units: dict[str, list[int]] = {}
    for text in texts:
        layer, _sign, numbers = text.rpartition("=")
        try:
            ends = [[int(end) for end in part.split("-")] for part in numbers.split(",")]
            if not layer or any(len(pair) > 2 or pair[0] > pair[-1] for pair in ends):
                raise ValueError
        except ValueError:
            raise click.BadParameter(f"expected LAYER=0,3,5-9, not {text!r}") from None
        own = [number for a, *b in ends for number in range(a, (b or [a])[0] + 1)]
        units[layer] = [*units.get(layer, ()), *own]
    return units


@click.command(
    cls=Described, section="Tune",
    example="nengo-spikecost prune model.keras --units conv0=3,17,22-25 --out pruned.keras",
)  # fmt: skip
@model_options
@click.option(
    "--units", multiple=True, required=True, metavar="LAYER=N,N-N", callback=_units,
    help="Units or channels of a layer that are taken out, counted from 0; may be repeated.",
)  # fmt: skip
@model_file_option("Write the smaller model here (.keras or .h5).")
@plain_errors
def prune(
    model: str, custom_objects: tuple[str, ...], trust: bool, units: dict[str, list[int]],
    model_file: str, **options: Any,
) -> None:  # fmt: skip
    """Write MODEL without some units or channels, such as those that advise names."""
    from ..errors import ConversionError
    from ..loading import save_model
    from ..words import counted

    _, files = checked_early({**options, "model_file": model_file}, model)
    if is_graph(model):
        raise ConversionError(f"{model} is a NIR graph: units are taken out of Keras models.")
    check_layers("--units", units, stored_layers(model))
    network = loaded_model(model, custom_objects, trust)

    from ..trying.pruning import prune

    smaller = prune(network, units)
    save_model(smaller, model_file)
    before, after = network.count_params(), smaller.count_params()
    for layer, gone in units.items():
        show(f"{layer}: without {counted(len(set(gone)), 'unit')}")
    show(f"{after:,} parameters, {before:,} before")
    list_written(files)
