"""`DiscreteLIF` on Loihi: what NengoLoihi writes into compartments for it.

A compartment steps whole numbers as NIR's neurons step real ones::

    u <- (1 - du) u + q                decays du and dv in steps of 1/4096
    v <- (1 - dv) v + u + bias
    a spike where v > vth, then v = 0

so that a LIF needs no current, ``dv = 1 - decay``, its threshold and its bias. Of a CubaLIF, ``u``
is the current, and all behind it is divided by ``current_gain``: threshold and leak.

NengoLoihi's own neurons go other ways, which would be wrong here:

* They scale weights and thresholds for what rounding takes away from a decay in the long run
  (``scale_u``, ``scale_v``); a step of theirs is not that of a membrane with unit gain.
* Decays are written as shares of 4095 while the chip counts in 4096, so that nothing ever decays
  wholly (``decay_u = 1`` leaves 1/4096). Here it is the number of the chip that is next.
* A voltage stops at 0, or where 31 bits end; here it stops where the chip's own 24 bits do (patch
  P15 of `nengo_spikecost.stack`).

What the chip can't do is said by loihi/support/discrete_rules.py, before anything is built.

Reference: nengo-loihi 1.1.0, block.py (``Compartment``), builder/discretize.py
(``discretize_compartment``), emulator/interface.py (``CompartmentState.update``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.exceptions import BuildError

from .discrete_neurons import DiscreteLIF

#: Steps of a decay: 12 bits.
UNITS = 4096


def chip_decay(kept: Any) -> np.ndarray:
    """The whole number that the chip has for what is kept of a value in a step.

    Parameters
    ----------
    kept : float or array_like
        Between 0 and 1.

    Returns
    -------
    ndarray of int64
        Of 4096, how much decays.
    """
    return np.rint((1 - np.asarray(kept, dtype=np.float64)) * UNITS).astype(np.int64)


def build_discrete_lif(model: Any, lif: DiscreteLIF, neurons: Any, block: Any) -> None:
    """Write neurons into the compartments of a block, before NengoLoihi rounds them."""
    compartment = block.compartment
    # Its class decides what filters of Connections become, and nothing else of it is replaced.
    compartment.__class__ = _with_own_filter(type(compartment))
    # what is kept of a voltage is 4096 - decay_v, and decay_v has 12 bits: 1/4096 is left at least
    compartment.decay_v[:] = np.minimum(chip_decay(lif.decay), UNITS - 1) / (UNITS - 1)
    # of a current it is 4095 - decay_u, and NengoLoihi takes 1 from decay_u before it rounds
    compartment.decay_u[:] = np.maximum(chip_decay(lif.current_decay), 1) / (UNITS - 1)
    compartment.scale_u = compartment.scale_v = False
    gain = np.asarray(lif.current_gain)
    if (gain <= 0).any():
        raise BuildError(f"{neurons}: a current_gain has to be above 0")
    compartment.vth[:] = lif.threshold / gain
    # a constant input goes through the current: in the end it is there so many times
    bias = compartment.bias / (1 - np.asarray(lif.current_decay))
    compartment.bias[:] = bias + lif.leak / gain
    compartment.refract_delay[:] = 1
    compartment.vmin, compartment.vmax = float(np.max(lif.lowest / gain)), np.inf
    compartment.has_own_current = lif.has_current


def _with_own_filter(kind: type) -> type:
    """Compartments whose current decays as their neurons say, where Connections have no filter."""

    class OwnFilter(kind):  # type: ignore[misc, valid-type]
        has_own_current = False

        def configure_default_filter(self, tau_s: float, dt: float = 0.001) -> None:
            """No filter is one, too."""

        def configure_filter(self, tau_s: float, dt: float = 0.001) -> None:
            """Filters of Connections, of neurons without a current of their own."""
            if tau_s == 0:
                return
            if self.has_own_current:
                raise BuildError(
                    f"{self}: its neurons have a synaptic current of their own, and a Connection "
                    f"to them has a filter of {tau_s:g} s; a compartment has one current"
                )
            super().configure_filter(tau_s, dt=dt)

    return OwnFilter
