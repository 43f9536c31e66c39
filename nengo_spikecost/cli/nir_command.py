"""``nir``: a model as a NIR graph that PyTorch's spiking tools read."""

from __future__ import annotations

from typing import Any

import click

from ..spiking.defaults import SCALE
from .graph_flags import graph_flags, refuse_flags, taken_out
from .later_flags import LaterFlags
from .model_commands import checked_early, is_graph, loaded_model, plain_errors
from .option_flags import Registered
from .printing import list_written, show
from .shared_options import conversion_options, model_options


def _readers() -> list[str]:
    """Tools that a graph can be written for."""
    from ..nir import READERS

    return list(READERS)


def _graph_file(_: Any, __: Any, path: str) -> str:
    """Said before the conversion, not after it."""
    if not path.endswith(".nir"):
        raise click.BadParameter(f"{path} has to end in .nir")
    return path


@click.command(
    cls=LaterFlags, flags=graph_flags, section="More",
    example="nengo-spikecost nir model.keras --out model.nir --for snntorch",
)  # fmt: skip
@model_options
@conversion_options
@click.option(
    "--out", "model_file", type=click.Path(), required=True, metavar="FILE", callback=_graph_file,
    help="Write the graph here (.nir).",
)  # fmt: skip
@click.option(
    "--for", "reader", type=Registered(_readers), default="nir", show_default=True,
    help="The tool that is to read the graph; nir: any that goes by NIR's equations.",
)  # fmt: skip
@click.option(
    "--scale", "scale_firing_rates", type=click.FloatRange(min=0, min_open=True),
    default=SCALE, show_default=True, metavar="HZ",
    help="Spikes a second of an activation of 1.",
)  # fmt: skip
@click.option(
    "--approximate", is_flag=True,
    help="Write neurons that the tool has only nearly, too; each difference is said.",
)  # fmt: skip
@plain_errors
def nir(
    model: str, custom_objects: tuple[str, ...], trust: bool, model_file: str, reader: str,
    approximate: bool, **options: Any,
) -> None:  # fmt: skip
    """Write MODEL as a NIR graph, for snnTorch, Norse, SpikingJelly and others.

    ReLUs of a Keras model become integrate-and-fire neurons as NIR has them: one spike a step,
    and a reset to 0.
    """
    graph_options = taken_out(options)
    checked, files = checked_early({**options, "model_file": model_file}, model)
    options = refuse_flags(is_graph(model), {k: checked[k] for k in options if k in checked})
    from ..activity.subject import DEFAULT_DT
    from ..nir import DiscreteLIF, to_nir
    from ..nir.graph_nodes import nir_package

    nir_package()
    network = loaded_model(model, custom_objects, trust, graph_options)
    if not is_graph(model):
        from ..conversion import convert

        given = {key: value for key, value in options.items() if value is not None}
        network = convert(network, neuron_type=DiscreteLIF(current_gain=DEFAULT_DT), **given)
    graph = to_nir(network, model_file, convention=reader, approximate=approximate)
    for line in _words(graph):
        show(line)
    list_written(files)


def _words(graph: Any) -> list[str]:
    """What is in a graph, in a few lines."""
    kinds = [type(node).__name__ for node in graph.nodes.values()]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    about = graph.metadata
    return [
        f"NIR graph for {about['convention']}: {counted}",
        f"Steps of {about['dt']:g} in its unit of time; a spike is a 1, channels come first",
    ]
