"""A break-even in words: who spends less, from where on, and what publications say."""

from __future__ import annotations

import numpy as np

from ...layout import si
from ...layout.per import INFERENCE, Per
from ...layout.si import times
from ...words import counted
from .balance import LayerBalance
from .literature import SPIKES_PER_SYNAPSE, Threshold


def outcome(layer: LayerBalance) -> str:
    """Who spends less, in a word: wins, loses, never; or why there is no answer."""
    wins = layer.total.mean_J < layer.total.ann_J
    words = {"nothing": "-", "flat": "no spikes", "crosses": "wins" if wins else "loses"}
    known = layer.where or layer.total.crossing
    return words.get(known, known)


def verdict(layer: LayerBalance, device: str, opponent: str, per: Per = INFERENCE) -> str:
    """Who spends less and from where on, in one or two sentences.

    Parameters
    ----------
    layer : LayerBalance
        A layer, or the network (``"Total"``).
    device, opponent : str
        Names of the two.
    per : Per
        What energies are shown per.
    """
    name = "The network" if layer.name == "Total" else layer.name
    balance = layer.total
    snn, ann = per.energy(balance.mean_J), per.energy(balance.ann_J)
    if layer.where == "host":
        words = f"{name} is left to the host on both sides."
    elif layer.where == "composed":
        shared = f"on {device} its weights are part of other layers' synapses"
        words = f"{name} costs the opponent {ann}; {shared}."
    elif layer.where == "nothing" or balance.crossing == "nothing":
        words = f"{name} does nothing that costs energy."
    elif balance.crossing == "never" and not balance.ann_J:
        words = f"{name} takes {snn} on {device}, and the opponent nothing."
    elif balance.crossing == "never":
        fixed = per.energy(balance.mean_fixed_J)
        words = (
            f"{name} never wins: without any spike it takes {fixed} on {device}"
            f", {times(balance.mean_fixed_J / balance.ann_J)} the opponent's {ann}."
        )
    elif balance.crossing == "flat":
        words = f"{name} takes {snn} on {device} and {ann} on {opponent}; "
        words += "no spike arrives at it, so there is no break-even."
    else:
        words = _crossing_words(name, layer, (device, opponent), per)
    if layer.uncounted and layer.where != "host":
        words += f" Not counted: {'; '.join(layer.uncounted)}."
    return words


def _crossing_words(name: str, layer: LayerBalance, names: tuple[str, str], per: Per) -> str:
    balance, (device, opponent) = layer.total, names
    assert balance.ratio is not None  # it crosses an opponent that takes energy
    wins = balance.mean_J < balance.ann_J
    snn, ann = per.energy(balance.mean_J), per.energy(balance.ann_J)
    now = activity_words(mean(layer.rate_hz), mean(layer.spikes_per_synapse), per)
    then = activity_words(layer.break_even_rate_hz, layer.break_even_spikes_per_synapse, per)
    words = (
        f"{name} {'wins' if wins else 'loses'}: {snn} on {device} are {times(balance.ratio)} "
        f"the {ann} of {opponent}, at {now}. It {'wins up to' if wins else 'would win below'} "
        f"{then}."
    )
    n_samples = len(balance.snn_J)
    if 0 < layer.samples_won < 1:
        words += (
            f" It wins in {round(layer.samples_won * n_samples)} of {counted(n_samples, 'sample')}."
        )
    return words


def activity_words(
    rate_hz: float | None, spikes_per_synapse: float | None, per: Per = INFERENCE
) -> str:  # fmt: skip
    """``"12.3 Hz (0.49 spikes per synapse)"``, or the one of them that is known."""
    rate = "" if rate_hz is None else f"{si.si(rate_hz, 'Hz')}"
    spikes = ""
    if spikes_per_synapse is not None:
        spikes = f"{per.of(spikes_per_synapse):.3g} spikes per synapse"
        spikes += "" if per.seconds is None else " and second"
    return f"{rate} ({spikes})" if rate and spikes else rate or spikes or "the measured spikes"


def threshold_words(threshold: Threshold, spikes_per_synapse: float, n_steps: int) -> str:
    """A threshold of the literature, and whether it is met."""
    scale, unit = 1, " spikes per synapse"
    if threshold.quantity != SPIKES_PER_SYNAPSE:
        scale, unit = 100, "% of steps with a spike"
    values = threshold.low, threshold.high, threshold.of(spikes_per_synapse, n_steps)
    low, high, measured = (f"{scale * value:.3g}" for value in values)
    band = low if low == high else f"{low} to {high}"
    met = threshold.verdict(spikes_per_synapse, n_steps)
    if met == "other steps":
        met = f"not compared, as it is of {' to '.join(map(str, threshold.steps or ()))} steps"
    elif met == "depends":
        met = "between the ends"
    return f"{threshold.name}: {band}{unit}, here {measured}: {met} ({threshold.meaning})"


def mean(values: np.ndarray | None) -> float | None:
    """Mean over samples; None for values that are not known."""
    return None if values is None else float(np.mean(values))
