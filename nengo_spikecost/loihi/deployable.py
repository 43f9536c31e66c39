"""A network made ready for the chip: converted if it has to be, and cut into blocks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nengo

from ..errors import LoihiError
from .blocks.block_fit import BlockFit, block_shapes, write_blocks
from .blocks.block_search import fit_blocks
from .cores.core_layers import Layers
from .cores.core_use import core_use
from .cores.layer_reading import read_layers
from .cores.misfits import check_fit
from .cores.network_use import NetworkUse
from .deploy_options import AS_IT_IS, AUTO, CONVERTING, DeployOptions
from .support.support import raise_unsupported


@dataclass(frozen=True)
class GivenShapes:
    """Block shapes that a user chose, used like a `BlockFit`.

    Attributes
    ----------
    network : nengo.Network
    given : nengo.Network or Conversion
        The same, or the Conversion that knows the names of its layers.
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
    """A network that can be built for the chip.

    Attributes
    ----------
    named : nengo.Network or Conversion
        The network that was given, or the Conversion that the Keras model became.
    fit : BlockFit, GivenShapes or None
        Block shapes; None: those of the network's config.
    use : NetworkUse
        What each block uses of its core.
    """

    named: Any
    fit: Any
    use: NetworkUse


def deployable(
    given: Any, options: DeployOptions, convert_options: Mapping[str, Any]
) -> Deployable:
    """Convert a Keras model, find block shapes, and check that all of it fits.

    Raises
    ------
    ConversionError
        If a layer can't be converted.
    LoihiError
        If NengoLoihi can't run the network, or a block does not fit on a core.
    """
    shapes = options.block_shapes
    if isinstance(given, BlockFit):
        if shapes != AUTO:
            raise LoihiError("A BlockFit has its block shapes: leave block_shapes out.")
        given, shapes = given.given, given
    named = _converted(given, options, convert_options)
    raise_unsupported(named, dt=options.dt)
    if hasattr(shapes, "shapes") and hasattr(shapes, "apply"):
        if shapes.network is not getattr(named, "net", named):
            raise LoihiError("block_shapes is a fit of another network: fit this one.")
        return Deployable(named, shapes, shapes.use)
    if not isinstance(shapes, Mapping) and shapes not in (AUTO, AS_IT_IS):
        kind = repr(shapes) if isinstance(shapes, str) else type(shapes).__name__
        raise LoihiError(
            "block_shapes has to be 'auto', 'as_it_is', a BlockFit, or a mapping from layers to "
            f"the shape of their blocks, not {kind}."
        )
    layers = read_layers(named, options.dt)
    if isinstance(shapes, Mapping):
        by_ensemble = {_ensemble(layers, named, key): shape for key, shape in shapes.items()}
        use = _use_if_it_fits(layers, by_ensemble, "these block shapes")
        shapes = {e: shape for e, shape in block_shapes(use).items() if e in by_ensemble}
        return Deployable(named, GivenShapes(layers.network, named, shapes, use), use)
    if shapes == AUTO and all(layer.given is None for layer in layers.layers):
        fit = fit_blocks(layers, options.objective)
        return Deployable(named, fit, fit.use)
    return Deployable(named, None, _use_if_it_fits(layers, {}, "its block shapes"))


def _converted(given: Any, options: DeployOptions, more: Mapping[str, Any]) -> Any:
    """The network that was given, or the Conversion of a Keras model."""
    named = given
    if not isinstance(given, nengo.Network) and not hasattr(given, "net"):
        named = getattr(given, "network", given)
    if not any(isinstance(n, nengo.Network) for n in (named, getattr(named, "net", None))):
        # imported here: it starts TensorFlow, which a network does not need
        from ..conversion import convert

        known = inspect.signature(convert).parameters
        unknown = [key for key in more if key not in known]
        if unknown:
            raise LoihiError(
                f"deploy has no argument {unknown[0]!r}, and convert, which gets what deploy does "
                f"not take, has none either; that takes {', '.join(list(known)[1:])}."
            )
        return convert(given, **options.chosen(*CONVERTING), **more)
    # a seed has a meaning for a network, too: it is that of the simulation
    refused = [name for name in options.given() if name in CONVERTING and name != "seed"]
    if refused or more:
        raise LoihiError(
            f"{', '.join([*refused, *more])}: for Keras models only; {type(given).__name__} is a "
            "network already. Give it to convert(), or deploy the Keras model."
        )
    return named


def _use_if_it_fits(layers: Layers, shapes: Mapping[Any, Any], which: str) -> NetworkUse:
    # a board large enough for any number of blocks: it need not exist yet
    n_chips = max(1, sum(layer.n_neurons for layer in layers.layers))
    misfits = check_fit(layers, shapes, n_chips=n_chips)
    if misfits:
        lines = "\n".join(f"- {misfit}" for misfit in misfits)
        raise LoihiError(f"The network does not fit with {which}:\n{lines}", misfits)
    return core_use(layers, shapes)


def _ensemble(layers: Any, named: Any, key: Any) -> Any:
    """The Ensemble that a name, a Keras layer or the Ensemble itself stands for."""
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
