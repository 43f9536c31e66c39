"""The parts of a network that do not fit on cores, chips and boards, in a user's words.

Some of it NengoLoihi finds when it builds, late and without the layer's name; some ends in
a bare assertion on the board; some in spikes that are dropped or weights that never learn.

References: nengo-loihi 1.1.0, builder/validate.py, builder/split_blocks.py,
hardware/builder.py, hardware/nxsdk_objects.py, hardware/allocators.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import check
from ...chip import limits
from ...errors import LoihiError
from ...options import named_arguments
from ...words import counted
from .core_layers import Layer, Layers, spikes_per_step
from .core_use import tilings_of, use_of
from .layer_reading import read_layers
from .network_use import LayerUse, NetworkUse
from .tiling import Tiling

#: Advice of several misfits.
FIT = "nengo_spikecost.loihi.fit_blocks finds block shapes that fit"
DECODING = (
    "These neurons decode values, and NengoLoihi gives no way to say how they are split: "
    "decode fewer dimensions in a Connection, or connect neurons to neurons"
)


@dataclass(frozen=True)
class Misfit:
    """One limit that a layer, or the whole network, exceeds.

    Attributes
    ----------
    name : str
        The layer, or the network.
    resource : str
        The resource that runs out: ``"input axons"``, ``"synapse bits"``, ...
    used, limit : int
        The most that any block uses, and the most that it may use.
    reason : str
        What is wrong, in words.
    remedy : str
        What to change.
    refused : bool
        True: NengoLoihi fails when it builds, also for its emulator. False: only on
        hardware.
    obj : nengo.Ensemble, nengo.Network or None
    """

    name: str
    resource: str
    used: int
    limit: int
    reason: str
    remedy: str
    refused: bool = True
    obj: Any = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        where = "" if self.refused else " (on hardware)"
        return f"{self.name}{where} {self.reason}. {self.remedy}."


@named_arguments
def check_fit(
    network: Any, shapes: Mapping[Any, Any] | None = None, *, spikes: Any = None,
    n_chips: int = limits.DEFAULT_CHIPS, max_host_spikes: int = limits.MAX_HOST_SPIKES_PER_STEP,
    dt: float | None = None,
) -> tuple[Misfit, ...]:  # fmt: skip
    """List everything that does not fit, before anything is built.

    Parameters
    ----------
    network : nengo.Network or Conversion
        What is to run on the chip.
    shapes : mapping, optional
        Block shapes by Ensemble. Default: those in the network's config.
    dt : float, optional
        Length of a step in s. Default: that of the network's neurons, or 1 ms.
    spikes : Activity or mapping, optional
        Spikes of the neurons on the host: an Activity that was measured, or a mapping from
        Ensemble or its name to spikes per step, of each neuron or of all on average. Without
        it the spikes that the host sends are not looked at.
    n_chips : int
        Chips of the board.
    max_host_spikes : int
        Spikes that the host can send to a chip in a step (``snip_max_spikes_per_step``).
        The mean over steps is compared with it, for as many chips as all cores need; single
        steps, and single chips of several, may exceed it when the mean does not.

    Returns
    -------
    tuple of Misfit
        Empty if everything fits.

    Raises
    ------
    LoihiError
        If NengoLoihi can't build the network at any shape (see `check_support`).
    """
    layers = network if isinstance(network, Layers) else read_layers(network, dt)
    check.whole("n_chips", n_chips, LoihiError, 1)
    check.positive("max_host_spikes", max_host_spikes, LoihiError, zero=True)
    tilings = tilings_of(layers, {} if shapes is None else shapes)
    use = use_of(layers, tilings)
    misfits: list[Misfit] = []
    for layer, own in zip(layers.layers, use.layers):
        exceeded = [*_core_limits(layer, own, layers), *_pop16_limits(layer, own)]
        exceeded += [*_learning_limits(layer, own), *_config_limits(layer, own)]
        misfits += [Misfit(layer.name, *limit, obj=layer.ensemble) for limit in exceeded]
    misfits += _chip_misfits(use, n_chips, layers)
    if spikes is not None:
        # some chip gets more than its share if all of them together can't take it
        chips = max(1, -(-use.n_cores // limits.MAX_CORES_PER_CHIP))
        misfits += _host_misfits(layers, tilings, spikes, max_host_spikes * chips)
    return tuple(misfits)


#: A `Misfit` of a layer: resource, use, limit, reason, remedy, and whether NengoLoihi refuses it.
Limit = tuple[str, int, int, str, str, bool]


# ---------------------------------------------------------------- a core


def _core_limits(layer: Layer, use: LayerUse, layers: Layers) -> Iterator[Limit]:
    for number, (resource, used, limit) in enumerate(use.largest.limits):
        if used <= limit:
            continue
        over = sum(block.limits[number][1] > limit for block in use.blocks)
        blocks = f"{over} of its {use.n_blocks} blocks" if use.n_blocks > 1 else "its one block"
        reason = (
            f"needs {used:,} {resource} in {blocks}, and a core has {limit:,} "
            f"({used - limit:,} too many)"
        )
        yield resource, used, limit, reason, _remedy(resource, layer, use, layers), True


def _remedy(resource: str, layer: Layer, use: LayerUse, layers: Layers) -> str:
    if layer.ensemble is None:
        return DECODING
    if resource != "output axons":
        return why_never(layer) or f"Cut it smaller than {use.tiling.tile}; {FIT}"
    targets = ", ".join(dict.fromkeys(layers.layers[out.target].name for out in layer.outputs))
    wide = any(out.synapses.pop_type == 32 for out in layer.outputs)
    pop16 = "; pop_type 16 halves the slots of its convolutions" if wide else ""
    cut = f"Cut it smaller, or cut {targets} into fewer blocks{pop16}; {FIT}"
    return why_never(layer) or cut


def why_never(layer: Layer) -> str | None:
    """Why a layer fits at no block shape, and the way out; None if it may fit."""
    least = layer.least_input_axons()
    if least <= limits.MAX_INPUT_AXONS:
        return None
    return (
        f"No block shape helps: even a single neuron of it hears {least:,} axons. "
        "Give it fewer inputs (pooling, a larger stride or fewer channels before it), or two "
        "layers of which each hears a part"
    )


def _pop16_limits(layer: Layer, use: LayerUse) -> Iterator[Limit]:
    pop16 = [s for s in layer.synapses if s.pop_type == 16]
    if pop16 and not use.bases_allowed:
        reason = (
            "is reached by pop16 axons, whose compartment offsets have to be multiples of 4, and "
            f"with blocks of {use.tiling.tile} some are not"
        )
        remedy = (
            "Use channels_last, and blocks with a multiple of 4 channels; or pop_type 32, which "
            "has no such rule"
        )
        yield "pop16 offsets", 1, 0, reason, remedy, True
    channels = max((s.n_atoms for s in pop16), default=0)
    if channels > limits.MAX_POP16_CHANNELS:
        reason = (
            f"is reached by pop16 axons of {channels} channels, and NxSDK takes "
            f"{limits.MAX_POP16_CHANNELS}"
        )
        remedy = "Use pop_type 32 for that Connection, or fewer channels before it"
        yield "pop16 channels", channels, limits.MAX_POP16_CHANNELS, reason, remedy, False
    axons = int(use.input_axons.max())
    if pop16 and limits.MAX_POP16_INPUT_AXONS < axons <= limits.MAX_INPUT_AXONS:
        reason = (
            f"needs {axons:,} input axons in a block, and pop16 axons can address "
            f"{limits.MAX_POP16_INPUT_AXONS:,}"
        )
        remedy = f"Cut it smaller, or use pop_type 32; {FIT}"
        yield "pop16 input axons", axons, limits.MAX_POP16_INPUT_AXONS, reason, remedy, False


def _learning_limits(layer: Layer, use: LayerUse) -> Iterator[Limit]:
    learning = [s for s in layer.synapses if s.learning]
    if not learning:
        return
    if use.n_blocks > 1:
        reason = (
            f"learns, and is split into {use.n_blocks} blocks: NengoLoihi leaves the learning "
            "out of synapses that it splits"
        )
        remedy = "Learn fewer dimensions in one Connection, or from fewer neurons"
        yield "learning blocks", use.n_blocks, 1, reason, remedy, True
    if len(learning) < len(layer.synapses):
        reason = "has synapses that learn and others that do not, which a core can't mix"
        remedy = "Let the learned values arrive at a population of their own"
        yield "learning", 1, 0, reason, remedy, False
    axons = int(use.input_axons.max())
    entries = axons + sum(s.n_axons for s in learning) * (limits.LEARNING_AXON_ENTRIES - 1)
    if entries > limits.MAX_INPUT_AXONS >= axons:
        reason = (
            f"needs {entries:,} entries of the synapse map, two for each axon that learns, and a "
            f"core has {limits.MAX_INPUT_AXONS:,}"
        )
        remedy = "Learn from fewer neurons"
        yield "learning axons", entries, limits.MAX_INPUT_AXONS, reason, remedy, False


def _config_limits(layer: Layer, use: LayerUse) -> Iterator[Limit]:
    c = layer.compartment
    profiles = np.stack([c.decay_u, c.decay_v, c.refract_delay, c.enable_noise])
    for resource, values, limit, parameters in (
        ("threshold", c.vth[None, :], limits.MAX_THRESHOLD_CONFIGS, "thresholds"),
        ("compartment", profiles, limits.MAX_COMPARTMENT_CONFIGS, "decays or refractory periods"),
    ):
        if np.unique(values, axis=1).shape[1] <= limit:
            continue
        blocks = (values[:, use.tiling.tile_of == k] for k in range(use.n_blocks))
        used = max(np.unique(own, axis=1).shape[1] for own in blocks)
        if used > limit:
            reason = (
                f"has neurons of {used} different {parameters} in a block; a core can have {limit}"
            )
            remedy = "Give its neurons fewer different parameters, or cut it smaller"
            yield f"{resource} configs", used, limit, reason, remedy, False


# ---------------------------------------------------------------- chips and host


def _chip_misfits(use: NetworkUse, n_chips: int, layers: Layers) -> Iterator[Misfit]:
    per_chip = limits.MAX_CORES_PER_CHIP
    limit = n_chips * per_chip
    if use.n_cores > limit:
        needed = -(-use.n_cores // per_chip)
        chips = f"{counted(n_chips, 'chip')} of {per_chip} cores"
        reason = f"needs {use.n_cores:,} cores, and {chips} have {limit:,}"
        remedy = (
            f"Ask for a board with {needed} chips (nengo_loihi.Simulator(..., "
            f"hardware_options={{'n_chips': {needed}}})); {FIT} on fewest cores"
        )
        name = layers.network.label or "The network"
        yield Misfit(name, "cores", use.n_cores, limit, reason, remedy, False, layers.network)


def _host_misfits(
    layers: Layers, tilings: tuple[Tiling, ...], spikes: Any, limit: int
) -> Iterator[Misfit]:
    rates = spikes_per_step(layers, spikes)
    sent: dict[str, float] = {}
    sources = {}
    for axons in layers.inputs:
        if axons.ensemble in rates:
            messages = axons.messages(tilings[axons.target])
            rate = float(messages @ axons.source_rates(rates[axons.ensemble]))
            sent[axons.source_name] = sent.get(axons.source_name, 0.0) + rate
            sources[axons.source_name] = axons.ensemble
    total = sum(sent.values())
    if total > limit:
        worst = max(sent, key=lambda name: sent[name])
        each = ", ".join(f"{name} {rate:.0f}" for name, rate in sent.items())
        reason = (
            f"sends {total:.0f} spikes to the chip in a step on average ({each}), one to each "
            f"block that needs it, and {limit} are let through: the rest is dropped"
        )
        remedy = (
            "Raise the limit (hardware_options={'snip_max_spikes_per_step': "
            f"{2 * round(total)}}}), or let {worst} fire less"
        )
        source = sources[worst]
        yield Misfit("The host", "host spikes", round(total), limit, reason, remedy, False, source)
