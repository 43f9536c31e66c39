"""`deploy`: from a model and data to what the chip computed, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import nengo
import numpy as np

from .. import check
from ..activity import measure
from ..activity.given_arrays import one_array
from ..activity.labels import labels_of, read_labels
from ..activity.samples import with_labels
from ..activity.subject import steps_or_own, subject
from ..errors import DataError, EmulationWarning, EstimateWarning, LoihiError, MeasurementError
from ..options import check_known, takes_options
from ..trying.bench import Bench, first
from ..trying.retyping import command_of
from ..warned import each_once, warn
from ..words import counted
from ..workload.row_counts import dead_words
from .blocks.block_fit import BlockFit, block_shapes, write_blocks
from .blocks.fit_blocks import fit_blocks
from .chip_cost import chip_cost
from .cores.core_layers import Layers
from .cores.core_use import core_use
from .cores.layer_reading import read_layers
from .cores.misfits import check_fit
from .cores.network_use import NetworkUse
from .deploy_options import AS_IT_IS, AUTO, CONVERTING, MEASURING, TARGETS, DeployOptions
from .deployment import Deployment
from .support.support import raise_unsupported
from .support.unsupported import chip_step


@takes_options(DeployOptions)
@each_once()
def deploy(
    network: Any, data: Any, y: Any = None, *, options: DeployOptions, **convert_options: Any
) -> Deployment:
    """Run a model on Loihi: on its emulation, on NengoLoihi's emulator, or on a board.

    In one call, the steps that the Keras-to-Loihi tutorial of NengoDL takes by hand:

    1. A Keras model is converted with neurons as Loihi has them; its linear layers are composed
       into Connections between neurons, and the layer that is fed pixels is put on the host.
    2. NengoLoihi's limits are checked, and block shapes chosen, before anything runs.
    3. Samples are presented for ``n_steps`` each, and outputs are read through a filter.

    Parameters
    ----------
    network : Keras model, Conversion, nengo.Network, BlockFit, Deployment or its fit
        It is not changed. A fit, or a Deployment, is deployed with the block shapes it has.
    data, y : array or iterable
        Samples and labels, as `measure` takes them; labels may also come with the samples. They
        are classes or real targets: see `profile`.
    {options}
    **convert_options
        Further arguments of `convert`. For a network, which needs no conversion, arguments that
        say how to convert are refused.

    Returns
    -------
    Deployment

    Raises
    ------
    ConversionError, LoihiError
        If a layer can't be converted, NengoLoihi can't run the network, or it does not fit.
    DataError, MeasurementError
        As `measure`.

    Warns
    -----
    EmulationWarning
        Of what the chip runs otherwise than the network says (`check_support`), of samples that
        are too short for anything to reach the output (`first_steps`), and of what NengoLoihi
        warns of.
    """
    simulator, target = TARGETS[options.target]
    named, fit, use = _deployable(network, options, convert_options)
    labels = _labels(named, data, y, options)
    typed = command_of("nengo-spikecost deploy MODEL --data DATA", options, convert_options)
    given, options = options.named(), replace(options, dt=_step(named, options))
    measured, chosen = named if fit is None else fit, options.chosen(*MEASURING)
    n_steps = options.n_steps
    if "n_steps" not in given:
        n_steps = steps_or_own(named, data, n_steps)
    activity = measure(measured, data, n_steps, simulator=simulator, **target, **chosen)
    keras = _keras(named, data, y)
    deployment = Deployment(named, fit, use, activity, options, labels, keras, typed=typed)
    if options.try_out and named is not network and hasattr(named, "remade"):
        bench = _bench(network, deployment, data, convert_options)
        deployment = replace(deployment, bench=bench)
    _warn_of_short_samples(deployment)
    dead = deployment.dead_layers
    if dead:
        words = dead_words(list(dead), list(deployment.spiking_layers))
        warn(words, EstimateWarning)
    return deployment


def _warn_of_short_samples(deployment: Deployment) -> None:
    """Say of which outputs a sample is over before a spike of its own can have got there."""
    n_steps = deployment.activity.protocol.n_steps
    for name, step in deployment.first_steps.too_late(n_steps).items():
        if deployment.output in (None, name):
            words = (
                f"Nothing of a sample reaches output {name} in {counted(n_steps, 'step')}: a spike "
                f"of the input can be read from step {step} on. Present samples for longer."
            )
            warn(words, EmulationWarning)


def _bench(
    model: Any, deployment: Deployment, data: Any, convert_options: Mapping[str, Any]
) -> Bench | None:
    """What other settings are tried on; None without classes of a single output."""
    options, activity = deployment.options, deployment.activity
    record = next(iter(activity.outputs.values()))
    x, _ = with_labels(data)
    kept = isinstance(x, (Sized, Mapping)) and len(activity.outputs) == 1
    if activity.chip is None or record.name not in deployment.keras or not kept:
        return None
    if activity.protocol.frames != 1 or deployment.network.temporal:
        return None
    try:
        labels = deployment.read_as
    except (DataError, MeasurementError):
        return None
    if labels is None or labels.kind == "regression":
        return None
    y = activity.targets if deployment.labels is None else deployment.labels

    judge = partial(_judged, model, x, y, options, convert_options)
    simulation = options.chosen("dt", "seed", "memory")
    return Bench(
        deployment.network, activity, x, labels, deployment.keras[record.name],
        simulation, _cores_J, judge, "on the emulated chip",
        (options.readout,),
    )  # fmt: skip


def _judged(
    model: Any, x: Any, y: Any, options: DeployOptions, convert_options: Mapping[str, Any],
    changes: Mapping[str, Any], n: int,
) -> tuple[Any, Any]:  # fmt: skip
    """The first samples again, with some options changed: the network, and its activity."""
    own = {key: value for key, value in changes.items() if key in options.values()}
    more = {key: value for key, value in changes.items() if key not in own}
    asked = replace(options, try_out=False, progress=False, checkpoint=None, client=None, **own)
    done = deploy(model, first(x, n), y[:n], options=asked, **{**convert_options, **more})
    return done.network, done.activity


def _cores_J(_: Any, activity: Any) -> float | None:
    """Joules per inference of the cores of an emulated chip."""
    if activity.chip is None:
        return None
    return float(chip_cost(activity).energy_J("core dynamic").nominal)


def _keras(named: Any, data: Any, y: Any) -> Mapping[str, np.ndarray]:
    """Outputs of the Keras model, if there are labels that it could be held against."""
    if (y is None and not isinstance(data, tuple)) or not hasattr(named, "model"):
        return {}
    from ..conversion.model_outputs import model_outputs

    return model_outputs(named, data)


def _labels(named: Any, data: Any, y: Any, options: DeployOptions) -> Any:
    """Labels of the output that is read; what can't be used is refused before anything runs.

    Raises
    ------
    DataError
        If there is not one label for every sample, or they are not classes of the output.
    MeasurementError
        If there is no such output.
    """
    outputs, output = subject(named).outputs, options.output
    if output is not None and (not isinstance(output, str) or output not in outputs):
        raise MeasurementError(
            f"There is no output {output!r}; the outputs are {', '.join(outputs)}."
        )
    if y is None:
        return None
    if output is None and len(outputs) != 1:
        raise MeasurementError(
            f"The network has {len(outputs)} outputs ({', '.join(outputs)}): say which one "
            "says the class with output=, or leave the labels out."
        )
    name = next(iter(outputs)) if output is None else output
    labels = one_array(labels_of(y, name), "Labels")
    read = read_labels(
        labels, int(outputs[name].size_in), getattr(named, "heads", {}).get(name), options.task,
        getattr(named, "output_shapes", {}).get(name),
    )  # fmt: skip
    sized = data is not None and hasattr(data, "__len__") and not isinstance(data, Mapping)
    if sized and not isinstance(data, tuple) and len(data) != len(read):
        raise DataError(
            f"The data have {counted(len(data), 'sample')} and {counted(len(read), 'label')}."
        )
    return labels


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


def _deployable(
    given: Any, options: DeployOptions, convert_options: Mapping[str, Any]
) -> tuple[Any, Any, NetworkUse]:
    """Convert a Keras model, find block shapes, and check that all of it fits.

    Returns
    -------
    named : nengo.Network or Conversion
        The network that was given, or the Conversion that the Keras model became.
    fit : BlockFit, GivenShapes or None
        Block shapes; None: those of the network's config.
    use : NetworkUse
        What each block uses of its core.

    Raises
    ------
    ConversionError
        If a layer can't be converted.
    LoihiError
        If NengoLoihi can't run the network, or a block does not fit on a core.
    """
    shapes = options.block_shapes
    if isinstance(given, Deployment):
        given = given.network if given.fit is None else given.fit
    if isinstance(given, (BlockFit, GivenShapes)):
        if not isinstance(shapes, str) or shapes != AUTO:
            kind = type(given).__name__
            raise LoihiError(f"A {kind} has its block shapes: leave block_shapes out.")
        given, shapes = given.given, given
    named = _converted(given, options, convert_options)
    dt = _step(named, options)
    raise_unsupported(named, dt=dt)
    if hasattr(shapes, "shapes") and hasattr(shapes, "apply"):
        if shapes.network is getattr(named, "net", named):
            return named, shapes, shapes.use
        shapes = _by_name(shapes, named)
    if not isinstance(shapes, Mapping) and not (
        isinstance(shapes, str) and shapes in (AUTO, AS_IT_IS)
    ):
        raise LoihiError(
            "block_shapes has to be 'auto', 'as_it_is', a BlockFit, or a mapping from layers to "
            f"the shape of their blocks, not {check.shown(shapes)}."
        )
    layers = read_layers(named, dt)
    if isinstance(shapes, Mapping):
        by_ensemble = {_ensemble(layers, named, key): shape for key, shape in shapes.items()}
        use = _use_if_it_fits(layers, by_ensemble, "these block shapes")
        shapes = {e: shape for e, shape in block_shapes(use).items() if e in by_ensemble}
        return named, GivenShapes(layers.network, named, shapes, use), use
    if shapes == AUTO and all(layer.given is None for layer in layers.layers):
        fit = fit_blocks(
            layers, options.objective, progress=options.progress, memory=options.memory
        ).unless_interrupted()
        return named, fit, fit.use
    return named, None, _use_if_it_fits(layers, {}, "its block shapes")


def _step(named: Any, options: DeployOptions) -> float:
    """Length of a step in s: what was asked for, or what the network's neurons were made for."""
    return chip_step(named, options.dt if "dt" in options.named() else None)


def _by_name(shapes: Any, named: Any) -> dict[str, tuple[int, ...]]:
    """The shapes of a fit by the names of layers, for another network with the same layers.

    A Keras model that is deployed again is converted again: its Ensembles are others.

    Raises
    ------
    LoihiError
        If it has other layers.
    """
    by_name = {
        layer.name: layer.tiling for layer in shapes.use.layers if layer.ensemble is not None
    }
    sizes = {layer.name: layer.n_neurons for layer in read_layers(named).layers}
    other = [name for name, tiling in by_name.items() if sizes.get(name) != tiling.n_neurons]
    if other:
        raise LoihiError(
            f"block_shapes is a fit of another network: this one has no layer {other[0]} of "
            f"{by_name[other[0]].n_neurons:,} neurons on the chip. Leave block_shapes out, or give "
            "what fit_blocks finds for this one."
        )
    return {name: tiling.tile for name, tiling in by_name.items()}


def _converted(given: Any, options: DeployOptions, more: Mapping[str, Any]) -> Any:
    """The network that was given, or the Conversion of a Keras model."""
    named = given
    if not isinstance(given, nengo.Network) and not hasattr(given, "net"):
        named = getattr(given, "network", given)
    if "fit" in more:
        raise LoihiError("deploy takes a fit as block_shapes=, or in place of the network.")
    is_network = any(isinstance(n, nengo.Network) for n in (named, getattr(named, "net", None)))
    if more or not is_network:
        # imported here: it starts TensorFlow, which a network does not need
        from ..conversion import convert

        check_known(convert, more)
    if not is_network:
        return convert(given, **options.chosen(*CONVERTING), memory=options.memory, **more)
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
        f"block_shapes names {check.shown(key)}, which is no layer on the chip; there are "
        f"{', '.join(on_chip) or 'none'}."
    )
