"""How often neurons fire: an Activity or a mapping, as spikes per step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import LoihiError
from .core_layers import Layers


def spikes_per_step(layers: Layers, spikes: Any) -> dict[Any, np.ndarray]:
    """Mean spikes per step of each neuron, by Ensemble.

    Parameters
    ----------
    layers : Layers
    spikes : Activity, mapping or None
        An Activity that `nengo_spikecost.measure` returned for this network, or a mapping
        from Ensemble, or its name, to spikes per step: one number for all neurons, or one of
        each. Ensembles that are not in it are left out.

    Raises
    ------
    LoihiError
        If it is neither, or counts other neurons than the network has.
    """
    if spikes is None:
        return {}
    sources = {a.ensemble: a.source_name for a in layers.inputs if a.ensemble is not None}
    sources.update({x.ensemble: x.name for x in layers.layers if x.ensemble is not None})
    populations = getattr(spikes, "populations", None)
    if populations is not None:
        scale = 1.0 / (spikes.protocol.n_steps * spikes.n_samples)
        spikes = {name: record.per_neuron() * scale for name, record in populations.items()}
    if not isinstance(spikes, Mapping):
        raise LoihiError(
            "spikes has to be an Activity, as nengo_spikecost.measure returns it, or a mapping "
            f"from Ensembles to spikes per step, not {type(spikes).__name__}."
        )
    rates = {}
    for ensemble, name in sources.items():
        given = spikes[ensemble] if ensemble in spikes else spikes.get(name)
        if given is None:
            continue
        if np.size(given) not in (1, ensemble.n_neurons):
            raise LoihiError(
                f"{name} has {ensemble.n_neurons:,} neurons, and the spikes are of "
                f"{np.size(given):,}: they were measured in another network."
            )
        values = np.asarray(given, dtype=np.float64)
        rates[ensemble] = np.broadcast_to(values.ravel(), (ensemble.n_neurons,))
    return rates
