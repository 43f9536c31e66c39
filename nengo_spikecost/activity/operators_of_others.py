"""Operators of other packages, which Nengo runs and NengoDL may not: said with what does."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator
from typing import Any

import nengo_dl

from ..errors import MeasurementError, last_line

_PACKAGES = tuple(f"{os.sep}{name}{os.sep}" for name in ("nengo", "nengo_dl"))


@contextlib.contextmanager
def only_nengo_runs(network: Any) -> Iterator[None]:
    """Context in which NengoDL makes a graph of a network that Nengo has built.

    Learning rules and neurons of other packages are operators of their own, as those of
    nengo_extras: NengoDL has no form of one, and has a shape that it can't multiply in another.

    Raises
    ------
    MeasurementError
        If NengoDL fails: with the simulators that run Nengo's operators, whoever wrote them. It is
        left as it is where Nengo refuses the network itself, or can't run one with TensorNodes.
    """
    try:
        yield
    except Exception as error:
        if not _is_of_nengo_dl(error) or any(
            isinstance(node, nengo_dl.TensorNode) for node in network.all_nodes
        ):
            raise
        reason = last_line(error) or type(error).__name__
        raise MeasurementError(
            f"NengoDL can't run this network, which Nengo can: {reason.rstrip('.')}. Use "
            "simulator='compiled' or 'nengo', which run whatever Nengo does."
        ) from error


def _is_of_nengo_dl(error: Exception) -> bool:
    """Whether NengoDL raised it, and not Nengo, which it has build the network first."""
    if hasattr(error, "ag_error_metadata"):  # from TensorFlow, which traces NengoDL's operators
        return True
    places = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    own = [place for place in places if any(package in place for package in _PACKAGES)]
    return bool(own) and _PACKAGES[1] in own[-1]
