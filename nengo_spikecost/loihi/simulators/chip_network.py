"""A network as the simulators of Loihi build it: with Probes, a seed, and block shapes.

The batched emulation and NengoLoihi itself both start from it, so that they differ in how they
run a network, never in the network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np

from ...activity.backend import Setup
from ...errors import MeasurementError
from ...graph.chip_split import ChipSplit
from ..cores.building import building


class Surrounding(nengo.Network):
    """A network around the user's, in which Probes can be made without changing that one.

    NengoLoihi asks the outermost network where Ensembles run, so this one answers with the config
    of the network inside.

    Parameters
    ----------
    given : nengo.Network
    seed : int
        Seed of everything random in a network that has none.
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
    """Context in which NengoLoihi builds a network, with the block shapes of the setup.

    Processes without a seed get one meanwhile: NengoLoihi gives the simulators of the host none, so
    that no two of them would draw the same noise.
    """
    advice = (
        "nengo_spikecost.loihi.check_support says which layer it refuses; if cores overflow, "
        "nengo_spikecost.loihi.fit_blocks finds block shapes."
    )
    named = setup.network if setup.named is None else setup.named
    built = building(network, advice, named=named, dt=setup.dt)
    with built, _processes_seeded(setup.network, setup.seed):
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
    """Refuse Probes that NengoLoihi does not offer.

    Raises
    ------
    MeasurementError
        If a Probe on the chip samples only some steps.
    """
    split = ChipSplit(setup.network)
    for name, probe in setup.outputs.items():
        ensemble = getattr(probe.obj, "ensemble", probe.obj)
        if probe.sample_every is None or not isinstance(ensemble, nengo.Ensemble):
            continue
        if split.on_chip(ensemble):
            raise MeasurementError(
                f"Probe {name!r} has sample_every, which NengoLoihi does not offer on the chip: "
                "make it without."
            )
