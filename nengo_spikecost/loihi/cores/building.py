"""NengoLoihi's builder, run on a network that stays as it was."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nengo
import numpy as np

from ...errors import LoihiError
from ...graph.naming import in_names, unique_names
from ...warned import is_first, passed_on
from ..support.support import raise_unsupported

#: How NengoLoihi refuses a network. AttributeError: its sentence on pop16 axons that do not
#: start at every fourth compartment has a misspelt name (builder/validate.py).
REFUSALS = (AssertionError, AttributeError, NotImplementedError, nengo.exceptions.NengoException)


@contextmanager
def building(
    network: nengo.Network, advice: str = "", *, named: Any = None, dt: float = 0.001
) -> Iterator[None]:
    """Context in which NengoLoihi builds a network, for which its parameters may be set.

    Every network that goes to the chip passes here, and so `raise_unsupported` is asked here.

    Parameters
    ----------
    network : nengo.Network
        Its config is as before afterwards.
    advice : str
        Sentences on what to do if NengoLoihi refuses it, which follow its own.
    named : Conversion, Lowering or nengo.Network, optional
        Knows the names of the network's layers.
    dt : float
        Time step in s.

    Raises
    ------
    LoihiError
        In place of all `REFUSALS`, and of other errors within it.

    Warns
    -----
    EmulationWarning
        What the chip runs otherwise than the network says, and what NengoLoihi warns of.
    """
    raise_unsupported(network if named is None else named, dt=dt)
    is_first(network, dt)  # it may surround the one that was looked at
    with passed_on("NengoLoihi"), np.errstate(all="ignore"), config_restored(network):
        try:
            yield
        except LoihiError:
            raise
        except Exception as err:
            if not isinstance(err, REFUSALS):  # an error in it, such as of a dt that it can't use
                err_said = f"{type(err).__name__}: {err}"
                raise LoihiError(f"NengoLoihi can't build this network: {err_said}.") from err
            said = str(err) or f"a check of its own failed ({_where(err)})"
            said = " ".join(_in_our_words(network, said).split()).rstrip(". ")
            raise LoihiError(
                f"NengoLoihi can't build this network: {said}. {advice}".strip()
            ) from err


def _in_our_words(network: nengo.Network, said: str) -> str:
    """NengoLoihi's sentence with names of objects, and without its advice that ends in code."""
    names = unique_names(network, (*network.all_ensembles, *network.all_nodes), {})
    return in_names(said, names)


def _where(err: BaseException) -> str:
    """The function that raised an error without words."""
    last = list(traceback.walk_tb(err.__traceback__))[-1][0].f_code
    return f"{type(err).__name__} in {last.co_name}"


@contextmanager
def config_restored(network: nengo.Network) -> Iterator[None]:
    """Undo changes to NengoLoihi's parameters in the configs of a network."""
    extras = [
        net.config[kind]._extra_params
        for net in (network, *network.all_networks)
        for kind in (nengo.Ensemble, nengo.Connection)
    ]
    before = [{name: list(param.data.items()) for name, param in e.items()} for e in extras]
    try:
        yield
    finally:
        for extra, values in zip(extras, before):
            for name in list(extra):
                if name not in values:
                    del extra[name]
                    continue
                data = extra[name].data
                for key in list(data):
                    del data[key]
                for key, value in values[name]:
                    data[key] = value
