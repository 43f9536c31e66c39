"""NengoLoihi's builder, run on a network that stays as it was."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import nengo
import numpy as np

from ...errors import LoihiError

#: How NengoLoihi refuses a network. AttributeError: its sentence on pop16 axons that do not
#: start at every fourth compartment has a misspelt name (builder/validate.py).
REFUSALS = (AssertionError, AttributeError, NotImplementedError, nengo.exceptions.NengoException)


@contextmanager
def building(network: nengo.Network, advice: str = "") -> Iterator[None]:
    """Context in which NengoLoihi builds a network, for which its parameters may be set.

    Parameters
    ----------
    network : nengo.Network
        Its config is as before afterwards.
    advice : str
        Sentences on what to do if NengoLoihi refuses it, which follow its own.

    Raises
    ------
    LoihiError
        In place of all `REFUSALS`.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"), config_restored(network):
        warnings.simplefilter("ignore")
        try:
            yield
        except LoihiError:
            raise
        except REFUSALS as err:
            said = str(err) or f"a check of its own failed ({_where(err)})"
            raise LoihiError(
                f"NengoLoihi can't build this network: {said.rstrip('. ')}. {advice}".strip()
            ) from err


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
