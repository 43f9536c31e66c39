"""Loihi: networks checked, cut into blocks, placed, run and priced as on the chip.

`first_steps` says in which step a spike of the input can first reach each layer.

`on_chip` says where each object runs, `mark_off_chip` moves Ensembles to the host, and
`check_support` says before anything is built which layer NengoLoihi would refuse, or
would silently run as something else, and why.

`core_use` predicts the use of every core for any block shapes, as NengoLoihi builds it, and
`check_fit` lists the limits that cores, chips and boards exceed. `fit_blocks` finds the shapes.

`place` puts blocks on cores and chips as NengoLoihi does, and counts messages and hops.

`Emulator` runs many samples at a time, with the spikes of NengoLoihi's emulator.

`preflight` says, without data, what of a model converts, runs and fits: `Preflight`.

`deploy` does all of it in one call, from a Keras model to predictions and costs: `Deployment`.

`chip_cost` prices the counts of all cores, in energy and latency: `ChipCost`.

`sana_fe_check` prices a recording of `record_spikes` with SANA-FE, for a second opinion.
"""

from ..chip.limits import CoreUse
from ..chip.mesh import HopCosts, Hops, Mesh
from ..energy.loihi_chip import ChipCost
from ..graph.off_chip import mark_off_chip
from . import shown as _shown  # noqa: F401  (registers presenters)
from .blocks.block_fit import BlockFit, LayerFit, Verification
from .blocks.fit_blocks import fit_blocks
from .chip_cost import chip_cost
from .cores.core_use import core_use
from .cores.layer_reading import read_layers
from .cores.misfits import Misfit, check_fit
from .cores.network_use import LayerUse, NetworkUse
from .deploy import GivenShapes, deploy
from .deploy_options import DeployOptions
from .deployment import Deployment
from .emulation import Emulator
from .mapping.mapping import Mapping, PlacedBlock
from .mapping.place import place
from .preflight import Preflight, preflight
from .sana_fe import record_spikes, sana_fe_check, to_sana_fe
from .support.first_steps import FirstSteps, first_steps
from .support.placement import on_chip
from .support.support import check_support, raise_unsupported
from .support.unsupported import Unsupported

__all__ = [
    "BlockFit", "ChipCost", "CoreUse", "DeployOptions", "Deployment", "Emulator", "FirstSteps",
    "GivenShapes", "HopCosts", "Hops", "LayerFit", "LayerUse", "Mapping", "Mesh", "Misfit",
    "NetworkUse", "PlacedBlock", "Preflight", "Unsupported", "Verification", "check_fit",
    "check_support",
    "chip_cost", "core_use", "deploy", "first_steps", "fit_blocks", "mark_off_chip", "on_chip",
    "place", "preflight", "raise_unsupported", "read_layers", "record_spikes", "sana_fe_check",
    "to_sana_fe",
]  # fmt: skip
