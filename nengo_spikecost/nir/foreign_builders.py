"""The neurons of NIR made known to NengoLoihi and NengoDL, once these are imported."""

from __future__ import annotations

import types

from .. import stack
from .chip_neurons import build_discrete_lif
from .discrete_neurons import DiscreteLIF


def _tell_nengo_loihi(module: types.ModuleType) -> None:
    builder = module.Builder
    if DiscreteLIF not in builder.builders:
        builder.register(DiscreteLIF)(build_discrete_lif)


def _tell_nengo_dl(module: types.ModuleType) -> None:
    # imported here: it is made of TensorFlow
    from .tensor_neurons import BUILDERS

    module.SimNeuronsBuilder.TF_NEURON_IMPL.update(BUILDERS)


stack.when_imported("nengo_loihi.builder.ensemble", _tell_nengo_loihi)
stack.when_imported("nengo_dl.neuron_builders", _tell_nengo_dl)
