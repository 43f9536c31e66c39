"""A network made ready for the chip: converted if it has to be, and cut into blocks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nengo

from .. import check, stack
from ..errors import LoihiError
from .blocks.block_fit import BlockFit, write_blocks
from .blocks.block_search import fit_blocks
from .cores.core_use import NetworkUse, core_use
from .cores.layer_reading import read_layers
from .cores.misfits import check_fit
from .support.support import raise_unsupported

#: How block shapes are chosen if none are given: by `fit_blocks`, or left as they are.
AUTO, AS_IT_IS = "auto", "as_it_is"

#: How a Keras model is converted, unless the caller says.
CONVERSION: Mapping[str, Any] = {
    "neuron_type": "LoihiSpikingRectifiedLinear",
    "scale_firing_rates": 400,
    "synapse": 0.005,
    "max_pooling": "average",
}

_AS_BLOCKS = (
    "block_shapes has to be 'auto', 'as_it_is', a BlockFit, or a mapping from layers to the shape "
    "of their blocks"
)


@dataclass(frozen=True)
class GivenShapes:
    """Block shapes that a user chose; what builds with a `BlockFit` builds with them.

    Attributes
    ----------
    network : nengo.Network
    given : nengo.Network or Conversion
        What knows the names of layers.
    shapes : mapping from nengo.Ensemble to nengo_loihi.BlockShape
    use : NetworkUse
        What each block uses of its core.
    """

    network: nengo.Network
    given: Any = field(repr=False)
    shapes: Mapping[Any, Any] = field(repr=False)
    use: NetworkUse = field(repr=False)

    def apply(self, network: Any = None) -> None:
        """Write the shapes into the network's config."""
        write_blocks(self.network if network is None else network, self.shapes, {})


@dataclass(frozen=True)
class Deployable:
    """What is built for the chip.

    Attributes
    ----------
    named : nengo.Network or Conversion
        What was given, or what the Keras model became.
    fit : BlockFit, GivenShapes or None
        Block shapes; None: those of the network's config.
    use : NetworkUse
        What each block uses of its core.
    """

    named: Any
    fit: Any
    use: NetworkUse

    @property
    def measured(self) -> Any:
        """What `measure` is given."""
        return self.named if self.fit is None else self.fit


def deployable(
    given: Any, block_shapes: Any, objective: str, dt: float, convert_options: Mapping[str, Any]
) -> Deployable:
    """Convert a Keras model, find block shapes, and see that all of it fits.

    Raises
    ------
    ConversionError
        If a layer can't be converted.
    LoihiError
        If NengoLoihi can't run the network, or a block does not fit on a core.
    """
    fit = None
    if isinstance(given, BlockFit):
        fit, given = given, given.given
        _refuse_other_shapes(block_shapes)
    check.time("dt", dt, LoihiError)
    named = _converted(given, convert_options)
    raise_unsupported(named, dt=dt)
    if fit is None:
        fit = _fit(named, block_shapes, objective, dt)
    if fit is not None:
        return Deployable(named, fit, fit.use)
    layers = read_layers(named, dt)
    misfits = check_fit(layers, n_chips=_chips_of_any_board(layers))
    if misfits:
        lines = "\n".join(f"- {misfit}" for misfit in misfits)
        raise LoihiError(f"The network does not fit with its block shapes:\n{lines}", misfits)
    return Deployable(named, None, core_use(layers))


def _converted(given: Any, options: Mapping[str, Any]) -> Any:
    found = None
    if isinstance(given, nengo.Network) or isinstance(getattr(given, "net", None), nengo.Network):
        found = given
    elif isinstance(getattr(given, "network", None), nengo.Network):
        found = given.network
    if found is None:
        from ..conversion import convert

        return convert(given, **_known(options))
    others = {**CONVERSION, "seed": options.get("seed")}
    changed = [
        key for key, value in options.items() if key not in others or _differ(value, others[key])
    ]
    if changed:
        raise LoihiError(
            f"{', '.join(changed)}: for Keras models only; {type(given).__name__} is a network "
            "already. Give it to convert(), or deploy the Keras model."
        )
    return found


def _differ(one: Any, other: Any) -> bool:
    return type(one) is not type(other) or bool(one != other)


def _known(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Options, if `convert` has all of them."""
    from ..conversion import convert

    parameters = inspect.signature(convert).parameters
    for key in options:
        if key not in parameters:
            raise LoihiError(
                f"deploy has no argument {key!r}, and convert, which gets what it does not know, "
                f"has none either; that takes {', '.join(list(parameters)[1:])}."
            )
    return options


def _refuse_other_shapes(block_shapes: Any) -> None:
    if block_shapes != AUTO:
        raise LoihiError("A BlockFit has its block shapes: leave block_shapes out.")


def _fit(named: Any, block_shapes: Any, objective: str, dt: float) -> Any:
    if isinstance(block_shapes, str):
        if block_shapes not in (AUTO, AS_IT_IS):
            raise LoihiError(f"{_AS_BLOCKS}, not {block_shapes!r}.")
        layers = read_layers(named, dt)
        if block_shapes == AS_IT_IS or any(layer.given is not None for layer in layers.layers):
            return None
        return fit_blocks(named, objective, dt=dt)
    if isinstance(block_shapes, Mapping):
        return _given_shapes(named, block_shapes, dt)
    if hasattr(block_shapes, "shapes") and hasattr(block_shapes, "apply"):
        if block_shapes.network is not getattr(named, "net", named):
            raise LoihiError("block_shapes is a fit of another network: fit this one.")
        return block_shapes
    raise LoihiError(f"{_AS_BLOCKS}, not {type(block_shapes).__name__}.")


def _given_shapes(named: Any, shapes: Mapping[Any, Any], dt: float) -> GivenShapes:
    layers = read_layers(named, dt)
    by_ensemble = {_ensemble(layers, named, key): shape for key, shape in shapes.items()}
    misfits = check_fit(layers, by_ensemble, n_chips=_chips_of_any_board(layers))
    if misfits:
        lines = "\n".join(f"- {misfit}" for misfit in misfits)
        raise LoihiError(f"The network does not fit with these block shapes:\n{lines}", misfits)
    use = core_use(layers, by_ensemble)
    BlockShape = stack.nengo_loihi().BlockShape
    found = {
        layer.ensemble: BlockShape(layer.tiling.tile, layer.tiling.full)
        for layer in use.layers
        if layer.ensemble in by_ensemble
    }
    return GivenShapes(layers.network, named, found, use)


def _ensemble(layers: Any, named: Any, key: Any) -> Any:
    """The Ensemble of a layer's name, of a Keras layer, or itself."""
    on_chip = {layer.name: layer.ensemble for layer in layers.layers if layer.ensemble is not None}
    name = key if isinstance(key, str) else getattr(key, "name", None)
    if key in on_chip.values():
        return key
    if name in on_chip:
        return on_chip[name]
    raise LoihiError(
        f"block_shapes names {key!r}, which is no layer on the chip; there are "
        f"{', '.join(on_chip) or 'none'}."
    )


def _chips_of_any_board(layers: Any) -> int:
    """No limit: what runs nowhere yet needs no board of a size."""
    return max(1, sum(layer.n_neurons for layer in layers.layers))
