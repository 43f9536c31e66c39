"""A network as the simulators of Loihi build it: with Probes, a seed, and block shapes.

Both ways of running it, the batched emulation and NengoLoihi itself, start from this one, so
that what differs between them is how they run, never what.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import nengo

from .backend import Setup


class Surrounding(nengo.Network):
    """A network around the user's, in which Probes can be made without changing that one.

    NengoLoihi asks the outermost network where its Ensembles run, so this one answers with
    the config of the network inside.

    Parameters
    ----------
    given : nengo.Network
    seed : int
        Decides all that is random in a network that has no seed of its own.
    """

    def __init__(self, given: nengo.Network, seed: int):
        super().__init__(seed=seed, add_to_container=False)
        self._given = given
        with self:
            nengo.Network.add(given)

    @property
    def config(self) -> Any:
        """The config of the network inside."""
        return self._given.config


@contextlib.contextmanager
def shaped(setup: Setup, network: nengo.Network) -> Iterator[None]:
    """NengoLoihi may build a network within it, with the block shapes that were found."""
    # loihi stands above this room: what builds with NengoLoihi is there, and imported by use
    from ..loihi.cores.building import building

    advice = (
        "nengo_spikecost.loihi.check_support says which layer it refuses; if cores overflow, "
        "nengo_spikecost.loihi.fit_blocks finds block shapes."
    )
    with building(network, advice):
        if setup.fit is not None:
            setup.fit.apply()
        yield
