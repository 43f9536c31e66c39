"""`preflight`: what of a model runs where, whether it fits, and what to do next, without data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import nengo

from .. import check
from ..errors import LoihiError
from ..layout import Result
from .blocks.block_fit import BlockFit
from .blocks.fit_blocks import fit_blocks
from .blocks.fit_memory import check_memory
from .deploy_options import DeployOptions
from .support.support import check_support
from .support.unsupported import Unsupported

#: Options of `convert` whose defaults are those of `deploy`.
_AS_DEPLOYED = ("neuron_type", "scale_firing_rates", "synapse")


@dataclass(frozen=True)
class Preflight(Result):
    """What of a model runs on Loihi, as `preflight` returns it.

    Attributes
    ----------
    network : Conversion or nengo.Network
        The network that the model becomes.
    problems : tuple of Unsupported
        What NengoLoihi refuses, or runs otherwise.
    fit : BlockFit, optional
        Block shapes with which it fits; None: it is refused, or does not fit.
    misfits : tuple of str
        Why it does not fit.
    files : tuple of (str, str)
        Names of model and data in the commands that are suggested.
    """

    network: Any
    problems: tuple[Unsupported, ...]
    fit: BlockFit | None = field(default=None, repr=False)
    misfits: tuple[str, ...] = ()
    files: tuple[str, str] = ("MODEL", "DATA")

    @property
    def refused(self) -> tuple[Unsupported, ...]:
        """Problems for which NengoLoihi does not run it at all."""
        return tuple(problem for problem in self.problems if problem.refused)

    @property
    def runs(self) -> bool:
        """Whether it runs on the chip, and fits."""
        return not self.refused and not self.misfits


def preflight(
    model: Any, *, time_limit: float = 10.0, memory: int | float | str | None = None,
    files: tuple[str, str] = ("MODEL", "DATA"), **options: Any,
) -> Preflight:  # fmt: skip
    """Say, without data, what of a model converts, runs on Loihi and fits.

    Parameters
    ----------
    model : Keras model, Conversion or nengo.Network
        What is to run on Loihi; it is not changed.
    time_limit : float
        Seconds that `fit_blocks` may take.
    memory : int, float or str, optional
        Memory that converting may take, and `fit_blocks`, in bytes or as ``"4 GB"``.
    files : (str, str)
        Names of model and data in the commands that are suggested.
    **options
        Of `convert`, for a Keras model. Neurons, scale and synapse are those of `deploy` unless
        they are given.

    Raises
    ------
    ConversionError
        If a layer can't be converted: with its name, the reason and the remedy.
    LoihiError
        If `time_limit` is no time.
    """
    check.positive("time_limit", time_limit, LoihiError)
    network = model
    if not isinstance(model, nengo.Network) and not hasattr(model, "net"):
        from ..conversion import convert

        as_deployed = DeployOptions().chosen(*_AS_DEPLOYED)
        network = convert(model, memory=memory, **{**as_deployed, **options})
    problems = check_support(network)
    if any(problem.refused for problem in problems):
        return Preflight(network, problems, files=files)
    check_memory(network, memory)  # too little of it is no misfit
    try:
        fit = fit_blocks(network, time_limit=time_limit, memory=memory)
    except LoihiError as error:
        misfits = tuple(map(str, error.problems)) or (str(error),)
        return Preflight(network, problems, None, misfits, files)
    return Preflight(network, problems, fit, (), files)
