"""The memory that `fit_blocks` takes, told from a network before it is read.

Layers are read as arrays over their neurons and weights, which a search looks at again for every
tiling. The numbers are fits to how processes grew, rounded up.
"""

from __future__ import annotations

from typing import Any

import nengo

from ...activity.memory_needs import network_sizes
from ...activity.subject import network_of
from ...errors import LoihiError
from ...memory import Need, memory_bytes

#: What a search over tilings takes, however small the network is.
_LEAST = 50 * 10**6
_PER_WEIGHT = 9
_PER_NEURON = 130


def fit_need(network: nengo.Network) -> Need:
    """For reading a network and searching block shapes of all its layers."""
    sizes = network_sizes(network)
    return Need(_LEAST + _PER_WEIGHT * sizes.n_weights + _PER_NEURON * sizes.n_neurons)


def check_memory(given: Any, memory: Any) -> None:
    """Refuse a network that `fit_blocks` has not enough memory for.

    Parameters
    ----------
    given : nengo.Network, Conversion, Layers, or any object with a Network as ``.net``
    memory : int, float or str, optional
        As `fit_blocks` takes it.

    Raises
    ------
    LoihiError
        If it is no amount of memory, or too little.
    """
    limit = memory_bytes(memory, LoihiError)
    network = network_of(given)
    if network is not None:  # what is none is refused where it is read
        remedy = "give a smaller network, or more memory (memory=)"
        fit_need(network).check("Fitting blocks", limit, LoihiError, 0, remedy)
