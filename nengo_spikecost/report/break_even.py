"""A break-even in words, as a table, and as records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..energy.balance import Balance, LayerBalance
from ..energy.bit_matching import has_widths
from ..energy.literature import SPIKES_PER_SYNAPSE, Threshold
from . import si
from .columns import write_value
from .table import Table

if TYPE_CHECKING:
    from ..opponent import BreakEven


def outcome(layer: LayerBalance) -> str:
    """Who spends less, in a word: wins, loses, never; or why there is no answer."""
    if layer.where:
        return {"nothing": "-"}.get(layer.where, layer.where)
    crossing = layer.total.crossing
    if crossing in ("never", "nothing"):
        return "never" if crossing == "never" else "-"
    if crossing == "flat":
        return "no spikes"
    return "wins" if layer.total.mean_J < layer.total.ann_J else "loses"


def verdict(layer: LayerBalance, device: str, opponent: str) -> str:
    """Who spends less and from where on, in one or two sentences.

    Parameters
    ----------
    layer : LayerBalance
        A layer, or the network (``"Total"``).
    device, opponent : str
        Names of the two.
    """
    name = "The network" if layer.name == "Total" else layer.name
    balance = layer.total
    snn, ann = si.si(balance.mean_J, "J"), si.si(balance.ann_J, "J")
    if layer.where == "host":
        words = f"{name} is left to the host on both sides."
    elif layer.where == "composed":
        words = (
            f"{name} costs the opponent {ann}; on {device} its weights are part of other layers' "
            "synapses."
        )
    elif layer.where == "nothing" or balance.crossing == "nothing":
        words = f"{name} does nothing that costs energy."
    elif balance.crossing == "never":
        fixed = si.si(balance.mean_fixed_J, "J")
        words = (
            f"{name} never wins: without any spike it takes {fixed} on {device}"
            f"{_times_more(balance.mean_fixed_J, balance.ann_J, ann)}."
        )
    elif balance.crossing == "flat":
        words = (
            f"{name} takes {snn} on {device} and {ann} on {opponent}; no spike arrives at it, so "
            "there is no break-even."
        )
    else:
        words = _crossing_words(name, layer, device, opponent)
    if layer.uncounted and layer.where != "host":
        words += f" Not counted: {'; '.join(layer.uncounted)}."
    return words


def _times_more(energy_J: float, ann_J: float, ann: str) -> str:
    if not ann_J:
        return ", the opponent nothing"
    return f", {energy_J / ann_J:.3g} times the opponent's {ann}"


def _crossing_words(name: str, layer: LayerBalance, device: str, opponent: str) -> str:
    balance = layer.total
    wins = balance.mean_J < balance.ann_J
    snn, ann = si.si(balance.mean_J, "J"), si.si(balance.ann_J, "J")
    now = activity_words(_mean(layer.rate_hz), _mean(layer.spikes_per_synapse))
    then = activity_words(layer.break_even_rate_hz, layer.break_even_spikes_per_synapse)
    words = (
        f"{name} {'wins' if wins else 'loses'}: {snn} on {device} are {balance.ratio:.3g} times "
        f"the {ann} of {opponent}, at {now}. It {'wins up to' if wins else 'would win below'} "
        f"{then}."
    )
    n_samples = len(balance.snn_J)
    if 0 < layer.samples_won < 1:
        words += f" It wins in {round(layer.samples_won * n_samples)} of {n_samples} samples."
    return words


def activity_words(rate_hz: float | None, spikes_per_synapse: float | None) -> str:
    """``"12.3 Hz (0.49 spikes per synapse)"``, or what of it is known."""
    rate = "" if rate_hz is None else f"{si.si(rate_hz, 'Hz')}"
    spikes = "" if spikes_per_synapse is None else f"{spikes_per_synapse:.3g} spikes per synapse"
    return f"{rate} ({spikes})" if rate and spikes else rate or spikes or "the measured spikes"


def threshold_words(threshold: Threshold, spikes_per_synapse: float, n_steps: int) -> str:
    """A threshold of the literature, and whether it is met."""
    ends = [f"{end:.3g}" for end in (threshold.low, threshold.high)]
    unit, value = "spikes per synapse", f"{threshold.of(spikes_per_synapse, n_steps):.3g}"
    if threshold.quantity != SPIKES_PER_SYNAPSE:
        ends = [f"{100 * end:.3g}" for end in (threshold.low, threshold.high)]
        unit = "% of steps with a spike"
        value = f"{100 * threshold.of(spikes_per_synapse, n_steps):.3g}"
    band = ends[0] if ends[0] == ends[1] else " to ".join(ends)
    found = threshold.verdict(spikes_per_synapse, n_steps)
    if found == "other steps":
        found = f"not compared, as it is of {' to '.join(map(str, threshold.steps or ()))} steps"
    found = "between the ends" if found == "depends" else found
    return f"{threshold.name}: {band} {unit}, here {value}: {found} ({threshold.meaning})"


def notes(result: BreakEven) -> list[str]:
    """What is to be said with the table, most important first."""
    sides = result.sides
    found = [result.verdict, *_machine_notes(result)]
    if sides.host is not None:
        host, total = sides.host, sides.network.total
        words = (
            f"Left to the host on both sides: {', '.join(host.layers)}. On {sides.opponent.name} "
            f"it would take {si.si(host.snn_J, 'J')} more for the spiking network and "
            f"{si.si(host.ann_J, 'J')} for the opponent"
        )
        if total.ann_J + host.ann_J > 0:
            ratio = (total.mean_J + host.snn_J) / (total.ann_J + host.ann_J)
            words += f": {ratio:.3g} times as much, all in all"
        found.append(f"{words}.")
    if sides.static_J:
        found.append(f"Static power is {si.si(sides.static_J, 'J')} of the spiking network's.")
    if result.range is not None:
        least, most = (_range_words(result, factor) for factor in result.range)
        ends = f"{least} to {most}" if least != most else f"{least}, at both ends"
        found.append(f"Over the ranges of the constants the break-even is {ends}.")
    spikes = sides.network.spikes_per_synapse
    if spikes is not None:
        mean = float(np.mean(spikes))
        found += [threshold_words(t, mean, result.n_steps) + "." for t in result.thresholds]
    return found


def _machine_notes(result: BreakEven) -> list[str]:
    device, opponent, widths = result.sides.device, result.sides.opponent, result.widths
    if has_widths(opponent):
        words = (
            f"The opponent: one dense pass on {opponent.name}, activations of "
            f"{widths.activations} bits for {result.n_steps} steps"
        )
        if result.prices_widths:
            words += "; the other widths are those of the cost model"
        else:
            words += (
                f", weights of {widths.weights} and sums of {widths.accumulators} bits: "
                f"{si.si(opponent.energy_per_synop_J, 'J')} a multiply-accumulate"
            )
        found = [f"{words}."]
    else:
        found = [
            f"The opponent: one dense pass on {opponent.name}, which has no energies by width: it "
            "computes as it is, and not with matched bits."
        ]
    given = result.given_device.energy_per_synop_J
    if given != device.energy_per_synop_J and not result.prices_widths:
        found.append(
            f"{device.name} adds in as many bits as the opponent: "
            f"{si.si(device.energy_per_synop_J, 'J')} a synop in place of {si.si(given, 'J')}."
        )
    if device.process != opponent.process:
        nodes = [f"{d.name} {d.process or 'unknown'}" for d in (device, opponent)]
        found.append(f"Their processes differ: {', '.join(nodes)}.")
    if not result.memory:
        words = (
            f"Cost model {result.cost_model!r} has no memory: what it takes to move weights and "
            "potentials is not told apart"
        )
        if has_widths(opponent) and device is result.given_device:
            words += (
                f". The energy of a synop on {device.name} may well have it, a "
                f"multiply-accumulate on {opponent.name} has not: that is in the opponent's favour"
            )
        found.append(f"{words}.")
    return found


def _range_words(result: BreakEven, factor: float | None) -> str:
    if factor is None:
        return "never"
    network = result.sides.network
    rate, spikes = _mean(network.rate_hz), _mean(network.spikes_per_synapse)
    return activity_words(
        None if rate is None else factor * rate, None if spikes is None else factor * spikes
    )


def break_even_table(result: BreakEven, print_warnings: bool = True) -> Table:
    """The table of a break-even: one row a layer, and the network."""
    columns = [
        ("Layer (type)", ("Layer (type)",), False, _name),
        ("Rate of inputs", ("Inputs", "Hz"), True, lambda r: write_value("rate", _mean(r.rate_hz))),
        ("Spikes per synapse", ("Spikes /", "synapse"), True, _spikes),
        ("SNN", ("SNN",), True, lambda r: _energy(r, r.total.mean_J)),
        ("ANN", ("ANN",), True, lambda r: _energy(r, r.total.ann_J)),
        ("SNN / ANN", ("SNN", "/ ANN"), True, lambda r: _ratio(r.total)),
        ("Break-even", ("Break-even", "Hz"), True, lambda r: _end(r, r.break_even_rate_hz)),
        (
            "Break-even spikes",
            ("spikes /", "synapse"),
            True,
            lambda r: _end(r, r.break_even_spikes_per_synapse),
        ),
        ("Verdict", ("Verdict",), False, outcome),
    ]
    if result.memory:
        columns[-1:-1] = [
            ("Without memory", ("No memory", "SNN / ANN"), True, _bare_ratio),
            ("Break-even spikes", ("spikes /", "synapse"), True, _bare_end),
        ]
    rows = tuple(
        tuple(cell(row) for *_, cell in columns)
        for row in (*result.sides.layers, result.sides.network)
    )
    return Table(
        headers=tuple(short for _, short, _, _ in columns),
        short_headers=tuple(short for _, short, _, _ in columns),
        right=tuple(right for _, _, right, _ in columns),
        rows=rows,
        short_rows=rows,
        n_totals=1,
        title=caption(result),
        notes=tuple(notes(result) if print_warnings else [result.verdict]),
    )


def caption(result: BreakEven) -> str:
    """Who against whom, and how it was measured."""
    sides = result.sides
    samples = f"{result.n_samples} sample{'s' * (result.n_samples != 1)}"
    return (
        f"Spikes on {sides.device.name} against a dense pass on {sides.opponent.name}, cost model "
        f"{result.cost_model}, per inference of {result.n_steps} steps of {1e3 * result.dt:g} ms, "
        f"mean of {samples}"
    )


def _name(layer: LayerBalance) -> str:
    if layer.name == "Total" and layer.uncounted:
        return "Total, at least"
    return f"{layer.name} ({layer.kind})" if layer.kind else layer.name


def _spikes(layer: LayerBalance) -> str:
    mean = _mean(layer.spikes_per_synapse)
    return si.MISSING if mean is None else f"{mean:.3g}"


def _energy(layer: LayerBalance, energy_J: float) -> str:
    if layer.where == "host":
        return "host"
    if layer.where == "composed" and not energy_J:
        return si.MISSING
    text = write_value("energy", energy_J)
    return f">= {text}" if layer.uncounted and energy_J else text


def _ratio(balance: Balance) -> str:
    if balance.ratio is None or not balance.mean_J:
        return si.MISSING
    return f"{balance.ratio:.3g}"


def _end(layer: LayerBalance, value: float | None) -> str:
    if not layer.where and layer.total.crossing == "never":
        return "never"
    return si.MISSING if value is None else f"{value:.3g}"


def _bare_ratio(layer: LayerBalance) -> str:
    return si.MISSING if layer.arithmetic is None else _ratio(layer.arithmetic)


def _bare_end(layer: LayerBalance) -> str:
    if layer.arithmetic is None or layer.where:
        return si.MISSING
    if layer.arithmetic.crossing == "never":
        return "never"
    spikes, factor = _mean(layer.spikes_per_synapse), layer.arithmetic.factor
    return si.MISSING if spikes is None or factor is None else f"{factor * spikes:.3g}"


def records(result: BreakEven) -> list[dict[str, Any]]:
    """One flat dict a layer, and one for the network, in full precision."""
    return [
        {**_record(layer), "verdict": verdict(layer, *result.names)}
        for layer in (*result.sides.layers, result.sides.network)
    ]


def _record(layer: LayerBalance) -> dict[str, Any]:
    found: dict[str, Any] = {
        "layer": layer.name,
        "type": layer.kind,
        "where": layer.where,
        "outcome": outcome(layer),
        "synapses": layer.n_synapses,
        "rate_hz": _mean(layer.rate_hz),
        "spikes_per_synapse": _mean(layer.spikes_per_synapse),
        "spikes_per_step": _mean(layer.spikes_per_step),
        **_balance_record("", layer.total),
        "break_even_rate_hz": layer.break_even_rate_hz,
        "break_even_spikes_per_synapse": layer.break_even_spikes_per_synapse,
        "samples_won": layer.samples_won,
    }
    if layer.arithmetic is not None:
        found.update(_balance_record("arithmetic_", layer.arithmetic))
    found["uncounted"] = "; ".join(layer.uncounted)
    return found


def _balance_record(prefix: str, balance: Balance) -> dict[str, Any]:
    return {
        f"{prefix}snn_J": balance.mean_J,
        f"{prefix}fixed_J": balance.mean_fixed_J,
        f"{prefix}ann_J": balance.ann_J,
        f"{prefix}ratio": balance.ratio,
        f"{prefix}crossing": balance.crossing,
        f"{prefix}break_even_factor": balance.factor,
    }


def _mean(values: np.ndarray | None) -> float | None:
    return None if values is None else float(np.mean(values))
