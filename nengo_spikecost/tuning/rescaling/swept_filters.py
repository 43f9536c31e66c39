"""Whether all filters of a converted network are the synapse that it was converted with."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import nengo

from ...conversion import Conversion, convert


def swept_filters(conversion: Conversion) -> Sequence[Any]:
    """The filters of a network that are its synapse, if it has no others.

    A second conversion, with another synapse, tells which filters are that, and which are a
    layer's own, maybe equal to it by chance. Others must not be there: lowering joins paths with
    equal filters.

    Parameters
    ----------
    conversion : Conversion
        With a synapse that is a `lowpass`.

    Returns
    -------
    list of nengo.synapses.Synapse
        The very objects of the Connections and Probes of ``conversion.net``; empty if there are
        filters beside these.
    """
    present = lowpass(conversion.options["synapse"])
    assert present is not None
    trial = nengo.Lowpass(1.2345 * present.tau + 0.001)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said already when the conversion was made
        options = {**conversion.options, "lower": False, "synapse": trial}
        other = _filters(convert(scale_firing_rates=1, **options).net)
    unlowered = _filters((conversion.unlowered or conversion).net)
    if len(unlowered) != len(other):
        return []
    if any(pair not in ((None, None), (present, trial)) for pair in zip(unlowered, other)):
        return []
    filters = [own for own in _filters(conversion.net) if own is not None]
    return filters if all(own == present for own in filters) else []


def _filters(net: nengo.Network) -> list[Any]:
    return [owner.synapse for owner in (*net.all_connections, *net.all_probes)]


def lowpass(synapse: Any) -> nengo.Lowpass | None:
    """A synapse, as `convert` takes it, if it is a filter of first order; else None."""
    if synapse is None or isinstance(synapse, nengo.synapses.Synapse):
        return synapse if type(synapse) is nengo.Lowpass else None
    return nengo.Lowpass(float(synapse))
