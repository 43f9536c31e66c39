"""The reasons why one estimate differs from another, in a line."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...conversion import Conversion
from ...energy.cost_models import CostModel
from ...energy.estimate import EnergyEstimate
from ...energy.per_operation import takes_factors
from ...layout.si import times
from ...workload.workload_record import Workload
from .comparison_record import ComparedRow


def explain(
    row: ComparedRow, workload: Workload, model: CostModel,
    reference: tuple[Workload, EnergyEstimate], network: Any,
) -> str:  # fmt: skip
    """The reasons why a row differs from the exact count on the same device, in a line.

    Parameters
    ----------
    row : ComparedRow
        With its estimate.
    workload : Workload
        What it prices.
    model : CostModel
        How.
    reference : tuple of Workload and EnergyEstimate
        The exact count, and its energy on the same device.
    network : Any
        What was counted; a `Conversion` says how its firing rates are scaled.
    """
    estimate = row.estimate
    assert estimate is not None
    counted, exact = reference
    if model.name == exact.cost_model:
        words = _reference_words(estimate, workload)
    else:
        words = [
            *_count_words(row, model, workload, counted, network),
            *_price_words(estimate, exact),
            *_boundary_words(estimate, exact),
            *_memory_words(estimate, exact, model),
            *([model.widths] if model.widths else []),
        ]
    if estimate.static_J and not estimate.time_at_least:
        share = estimate.static_J / estimate.mean_J
        words.append(f"{share:.0%} of it is static power")
    if estimate.uncounted:
        names = list(dict.fromkeys(u.name for u in estimate.uncounted))
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        words.append(f"at least: {', '.join(names[:2])}{more} not counted")
    return "; ".join(words) or "the same counts and constants"


def _reference_words(estimate: EnergyEstimate, workload: Workload) -> list[str]:
    if not estimate.device.spiking:
        words = ["every weight once, each at one energy; no memory traffic"]
        if estimate.device.one_sample:
            words.append(
                f"as in large batches: one sample at a time by {estimate.device.one_sample}"
            )
        return words
    if takes_factors(workload, estimate.device) and not _are_synapses(workload):
        words = ["every spike times its decoders, transforms and encoders at every step"]
    else:
        words = ["every spike times the targets that it reaches"]
    words.append("no memory traffic of its own")
    if estimate.host:
        layers = ", ".join(dict.fromkeys(work.layer for work in estimate.host))
        host = estimate.host_device.name if estimate.host_device else "the host"
        words.append(f"without {layers}, {estimate.per.energy(estimate.host_J)} of work on {host}")
    return words


def _count_words(
    row: ComparedRow, model: CostModel, workload: Workload, reference: Workload, network: Any
) -> list[str]:
    assert row.estimate is not None
    if not row.estimate.device.spiking:
        return _dense_words(workload, reference)
    exact = _mean_synops(reference)
    if takes_factors(reference, row.estimate.device):
        exact = _mean_operations(reference)
    if row.synops is None or not exact or model.counts_from == "spikes":
        return []
    share = row.synops / exact
    if model.counts_from == "mean rates":
        if takes_factors(workload, row.estimate.device):
            return ["decoders, transforms and encoders as in the exact count"]
        if abs(share - 1) < 1e-9:
            return ["mean rates give the same synops here"]
        return [
            f"{share:.3g} of the exact synops: mean rates see neither borders nor where spikes are"
        ]
    words = f"{share:.2g} of the exact synops: activations of the Keras model, one Hz for 1.0"
    scales = network.scale_firing_rates if isinstance(network, Conversion) else {}
    values = set(scales.values())
    if len(values) == 1 and values != {1}:
        words += f", blind to scale_firing_rates={values.pop():g}"
    return [words]


def _dense_words(workload: Workload, reference: Workload) -> list[str]:
    words = []
    macs, exact = (sum(d.macs for d in w.dense) for w in (workload, reference))
    if macs and exact and abs(macs / exact - 1) > 1e-12:
        why = "which leave out weights of zero and borders"
        if macs < exact:
            why = "some of them in poolings and merges"
        words.append(f"{macs:,} multiply-accumulates against {exact:,}, {why}")
    neurons, counted = (sum(p.n_neurons for p in w.populations) for w in (workload, reference))
    if neurons and neurons != counted:
        words.append(f"{neurons:,} against {counted:,} neurons")
    return words


def _price_words(estimate: EnergyEstimate, exact: EnergyEstimate) -> list[str]:
    """Differences between the constants of a preset and those of the device."""
    device, usual = estimate.device, exact.device
    compared = (
        ("synop", device.energy_per_synop_J, usual.energy_per_synop_J),
        ("neuron update", device.energy_per_neuron_J, usual.energy_per_neuron_J),
    )
    return [
        f"{own * 1e12:.4g} against {other * 1e12:.4g} pJ a {operation}"
        for operation, own, other in compared
        if own != other
    ]


def _boundary_words(estimate: EnergyEstimate, exact: EnergyEstimate) -> list[str]:
    """Layers that are the host's for one and the device's for the other."""
    if not exact.host:
        return []
    own, there = ({layer.name: layer.mean_J() for layer in e.layers} for e in (estimate, exact))
    layers = dict.fromkeys(work.layer for work in exact.host)
    moved = [name for name in layers if own.get(name) and not there.get(name)]
    if not moved:
        return []
    share = sum(own[name] for name in moved) / estimate.mean_J
    return [f"with {', '.join(moved)} on the device ({_percent(share)})"]


def _memory_words(estimate: EnergyEstimate, exact: EnergyEstimate, model: CostModel) -> list[str]:
    if not model.memory_parts:
        return []
    shares = {part: sum(x.mean_J(part) for x in estimate.layers) for part in model.memory_parts}
    total = sum(shares.values())
    if not total:
        return []
    most = sorted(shares, key=lambda part: -shares[part])[:2]
    named = ", ".join(f"{part} {_percent(shares[part] / estimate.mean_J)}" for part in most)
    words = [f"{_percent(total / estimate.mean_J)} is memory ({named})"]
    rest = estimate.mean_J - estimate.static_J - total
    if exact.mean_J:
        words.append(f"the rest is {times(rest / exact.mean_J)} per_operation's")
    return words


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.005 or not share else f"{share:.1%}"


def _are_synapses(workload: Workload) -> bool:
    """Whether weights in factors do what the synapses do: there are no decoders."""
    return _mean_operations(workload) == _mean_synops(workload)


def _mean_operations(workload: Workload) -> float:
    return sum(float(np.mean(w.operations)) for w in workload.factored)


def _mean_synops(workload: Workload) -> float:
    return sum(float(np.mean(p.synops)) for p in workload.pathways if p.synops is not None)
