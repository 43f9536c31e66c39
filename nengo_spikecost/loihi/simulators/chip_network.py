"""A network as the simulators of Loihi build it: with Probes, a seed, and block shapes.

Both ways of running it, the batched emulation and NengoLoihi itself, start from this one, so
that what differs between them is how they run, never what.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np

from ...activity.backend import Setup
from ...errors import MeasurementError
from ...graph.off_chip import is_on_chip
from ..cores.building import building


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
    """NengoLoihi may build a network within it, with the block shapes that were found.

    Processes without a seed get one while it does: it gives none to the simulators that it
    makes for the host, so that no two of them would draw the same noise.
    """
    advice = (
        "nengo_spikecost.loihi.check_support says which layer it refuses; if cores overflow, "
        "nengo_spikecost.loihi.fit_blocks finds block shapes."
    )
    with building(network, advice), _processes_seeded(setup.network, setup.seed):
        if setup.fit is not None:
            setup.fit.apply()
        yield


@contextlib.contextmanager
def _processes_seeded(network: nengo.Network, seed: int) -> Iterator[None]:
    owners = [(node, "output") for node in network.all_nodes]
    owners += [(ensemble, "noise") for ensemble in network.all_ensembles]
    before = []
    try:
        for number, (owner, name) in enumerate(owners):
            process = getattr(owner, name)
            if isinstance(process, nengo.Process) and process.seed is None:
                before.append((owner, name, process))
                drawn = np.random.RandomState([seed, number]).randint(2**31 - 1)
                setattr(owner, name, _with_seed(process, int(drawn)))
        yield
    finally:
        for owner, name, process in before:
            setattr(owner, name, process)


def _with_seed(process: nengo.Process, seed: int) -> nengo.Process:
    """A copy with a seed, which can't be set once a process is made."""
    kind: Any = type(process)
    copied = kind.__new__(kind)
    copied.__setstate__({**process.__getstate__(), "seed": seed})
    return copied


def check_probes(setup: Setup) -> None:
    """Refuse Probes that NengoLoihi has not.

    Raises
    ------
    MeasurementError
        If a Probe of what is on the chip is to see some steps only.
    """
    for name, probe in setup.outputs.items():
        ensemble = getattr(probe.obj, "ensemble", probe.obj)
        if probe.sample_every is None or not isinstance(ensemble, nengo.Ensemble):
            continue
        if is_on_chip(setup.network, ensemble):
            raise MeasurementError(
                f"Probe {name!r} has sample_every, which NengoLoihi has not for what is on the "
                "chip: make it without."
            )
