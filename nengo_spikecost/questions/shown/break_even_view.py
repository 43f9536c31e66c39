"""A break-even as a table, as records, and as a plot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Callable

from ... import check
from ...energy.shown.device_list import device_details
from ...energy.shown.layer_columns import write_value
from ...errors import EnergyError
from ...layout import Presenter, Table, presents, si
from ...layout.per import INFERENCE, Per
from ...layout.presenter import Details
from ...layout.si import times
from ...layout.verdict import NextStep, Verdict
from ...words import counted
from ..opponent.balance import Balance, LayerBalance
from ..opponent.bit_matching import has_widths
from ..opponent.break_even_record import BreakEven
from ..opponent.verdicts import activity_words, mean, outcome, threshold_words, verdict
from .break_even_plot import draw_break_even


@presents(BreakEven)
class BreakEvenPresenter(Presenter[BreakEven]):
    """Layer by layer, and below it the verdict, what it assumes, and the literature."""

    format = "nengo-spikecost/break-even/1"
    index = "layer"

    def verdict(self, result: BreakEven) -> Verdict:
        network, total = result.network, result.network.total
        device, opponent = result.names
        rate, spikes = mean(network.rate_hz), mean(network.spikes_per_synapse)
        with_spikes = (
            f"{result.per.energy(total.mean_J)} on {device}, at "
            f"{activity_words(rate, spikes, result.per)}"
        )
        without = f"{result.per.energy(total.ann_J)} on {opponent}"
        wins = "Yes" if total.mean_J < total.ann_J else "No"
        answer = "No answer" if network.where or total.crossing == "nothing" else wins
        return Verdict.of(
            ("with spikes", with_spikes), ("without", without),
            ("worth it?", f"{answer}. {result.verdict}"), next_steps=_next_steps(result),
        )  # fmt: skip

    def summary(self, result: BreakEven, print_warnings: bool = True) -> Iterable[Table]:
        return [_table(result, print_warnings)]

    def details(self, result: BreakEven) -> Iterable[Details]:
        return [device_details([result.sides.device, result.sides.opponent])]

    def records(self, result: BreakEven) -> list[dict[str, Any]]:
        return [
            {**_record(layer), "verdict": verdict(layer, *result.names, result.per)}
            for layer in (*result.layers, result.network)
        ]

    def content(self, result: BreakEven) -> dict[str, Any]:
        *layers, network = self.records(result)
        sides, measured = result.sides, mean(result.network.spikes_per_synapse)
        n_steps = result.n_steps
        presentation = {
            "n_steps": n_steps, "dt_s": result.dt, "n_samples": result.n_samples,
            "runs_on": result.runs_on,
        }  # fmt: skip
        literature = []
        for threshold in result.thresholds:
            value, met = None, None
            if measured is not None:
                value, met = threshold.of(measured, n_steps), threshold.verdict(measured, n_steps)
            literature.append({**asdict(threshold), "measured": value, "verdict": met})
        return {
            "cost_model": result.cost_model,
            "presentation": presentation,
            "bits": asdict(result.widths),
            "device": asdict(sides.device),
            "opponent": asdict(sides.opponent),
            "mac_over_acc": sides.mac_over_acc,
            "layers": layers,
            "network": network,
            "host": asdict(sides.host) if sides.host else None,
            "range": list(result.range) if result.range else None,
            "literature": literature,
            "notes": _notes(result),
        }

    def size(self, result: BreakEven) -> tuple[float, float]:
        return 7.2, 4.6

    def draw(self, result: BreakEven, axes: Any, layer: str | None = None) -> None:
        draw_break_even(result, axes, layer)


def _next_steps(result: BreakEven) -> Iterable[NextStep]:
    """What would make spikes take less, where they take more."""
    network = result.network
    total = network.total
    if total.crossing == "crosses" and total.factor is not None and total.factor < 1:
        then = activity_words(
            network.break_even_rate_hz, network.break_even_spikes_per_synapse, result.per
        )
        yield NextStep(f"Lower the firing rates below {then}, as far as accuracy allows")
    elif total.crossing == "never" and not result.runs_on:
        yield NextStep(
            "Show samples for fewer steps: neurons that are updated at every step take more than "
            "the opponent before any spike"
        )


def _notes(result: BreakEven) -> list[str]:
    """Sentences below the table, the most important first."""
    sides = result.sides
    lines = [result.verdict, *_machine_notes(result)]
    if sides.host is not None:
        host, total = sides.host, sides.network.total
        snn, ann = map(result.per.energy, (host.snn_J, host.ann_J))
        words = (
            f"Left to the host on both sides: {', '.join(host.layers)}. On {sides.opponent.name} "
            f"it would take {snn} more for the spiking network and {ann} for the "
            "opponent"
        )
        if sides.opponent.static_power is not None:
            words += ", besides calls and what these launch, which the spiking network needs, too"
        elif total.ann_J + host.ann_J > 0:
            ratio = (total.mean_J + host.snn_J) / (total.ann_J + host.ann_J)
            words += f": {times(ratio)} as much, all in all"
        lines.append(f"{words}.")
    if sides.static_J:
        lines.append(
            f"Static power is {result.per.energy(sides.static_J)} of the spiking network's."
        )
    if result.range is not None:
        least, most = (_range_words(result, factor) for factor in result.range)
        ends = f"{least} to {most}" if least != most else f"{least}, at both ends"
        lines.append(f"Over the ranges of the constants the break-even is {ends}.")
    spikes = sides.network.spikes_per_synapse
    if spikes is not None:
        per_synapse = float(spikes.mean())
        lines += [threshold_words(t, per_synapse, result.n_steps) + "." for t in result.thresholds]
    return lines


def _machine_notes(result: BreakEven) -> list[str]:
    device, opponent, widths = result.sides.device, result.sides.opponent, result.widths
    if has_widths(opponent):
        words = (
            f"The opponent: {_passes(result)} on {opponent.name}, activations of "
            f"{widths.activations} bits"
            + ("" if result.runs_on else f" for {counted(result.n_steps, 'step')}")
        )
        if result.prices_widths:
            words += "; the other widths are those of the cost model"
        else:
            words += (
                f", weights of {widths.weights} and sums of {widths.accumulators} bits: "
                f"{si.si(opponent.energy_per_synop_J, 'J')} a multiply-accumulate"
            )
        lines = [f"{words}."]
    else:
        lines = [
            f"The opponent: {_passes(result)} on {opponent.name}, which has no energies by width: "
            "it computes as it is, and not with matched bits."
        ]
    given = result.given_device.energy_per_synop_J
    if given != device.energy_per_synop_J and not result.prices_widths:
        lines.append(
            f"{device.name} adds in as many bits as the opponent: "
            f"{si.si(device.energy_per_synop_J, 'J')} a synop in place of {si.si(given, 'J')}."
        )
    if device.process != opponent.process:
        nodes = [f"{d.name} {d.process or 'unknown'}" for d in (device, opponent)]
        lines.append(f"Their processes differ: {', '.join(nodes)}.")
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
        lines.append(f"{words}.")
    return lines


def _passes(result: BreakEven) -> str:
    return "a dense pass at every step" if result.runs_on else "one dense pass"


def _range_words(result: BreakEven, factor: float | None) -> str:
    if factor is None:
        return "never"
    network = result.sides.network
    rate, spikes = mean(network.rate_hz), mean(network.spikes_per_synapse)
    rate, spikes = (None if value is None else factor * value for value in (rate, spikes))
    return activity_words(rate, spikes, result.per)


def _table(result: BreakEven, print_warnings: bool) -> Table:
    """One row a layer, and the network."""
    per = result.per
    columns: list[tuple[str, Callable[[LayerBalance], str]]] = [
        ("Layer (type)", _name),
        ("Inputs\nHz", lambda layer: write_value("rate", mean(layer.rate_hz))),
        ("Spikes /\nsynapse", lambda layer: _spikes(layer, per)),
        ("SNN", lambda layer: _energy(layer, layer.total.mean_J, per)),
        ("ANN", lambda layer: _energy(layer, layer.total.ann_J, per)),
        ("SNN\n/ ANN", lambda layer: _ratio(layer.total)),
        ("Break-even\nHz", lambda layer: _end(layer, layer.break_even_rate_hz)),
        ("spikes /\nsynapse", lambda layer: _end(layer, layer.break_even_spikes_per_synapse, per)),
        ("Verdict", outcome),
    ]
    if result.memory:
        columns[-1:-1] = [
            ("No memory\nSNN / ANN", _bare_ratio),
            ("spikes /\nsynapse", lambda layer: _bare_end(layer, per)),
        ]
    headers = [header for header, _ in columns]
    shown = check.flag("print_warnings", print_warnings, EnergyError)
    return Table.of(
        headers,
        ([cell(row) for _, cell in columns] for row in (*result.layers, result.network)),
        right=tuple(header not in ("Layer (type)", "Verdict") for header in headers),
        n_totals=1,
        title=_caption(result),
        notes=tuple(_notes(result)[1:] if shown else ()),  # the first is the verdict above
    )


def _caption(result: BreakEven) -> str:
    """The two devices, the cost model, and how the spikes were measured."""
    sides = result.sides
    against = _passes(result).replace("one", "a")
    shown = "per inference of"
    if result.runs_on:
        shown = "per second of a network that runs on, measured for"
    return (
        f"Spikes on {sides.device.name} against {against} on {sides.opponent.name}, cost model "
        f"{result.cost_model}, {shown} {counted(result.n_steps, 'step')} of "
        f"{1e3 * result.dt:g} ms, mean of {counted(result.n_samples, 'sample')}"
    )


def _name(layer: LayerBalance) -> str:
    if layer.name == "Total" and layer.uncounted:
        return "Total, at least"
    return f"{layer.name} ({layer.kind})" if layer.kind else layer.name


def _spikes(layer: LayerBalance, per: Per) -> str:
    spikes = mean(layer.spikes_per_synapse)
    return si.MISSING if spikes is None else f"{per.of(spikes):.3g}"


def _energy(layer: LayerBalance, energy_J: float, per: Per) -> str:
    if layer.where == "host":
        return "host"
    if layer.where == "composed" and not energy_J:
        return si.MISSING
    text = write_value("energy", per.of(energy_J), unit=per.unit)
    return f">= {text}" if layer.uncounted and energy_J else text


def _ratio(balance: Balance) -> str:
    if balance.ratio is None or not balance.mean_J:
        return si.MISSING
    return f"{balance.ratio:.3g}"


def _end(layer: LayerBalance, value: float | None, per: Per = INFERENCE) -> str:
    if not layer.where and layer.total.crossing == "never":
        return "never"
    return si.MISSING if value is None else f"{per.of(value):.3g}"


def _bare_ratio(layer: LayerBalance) -> str:
    return si.MISSING if layer.arithmetic is None else _ratio(layer.arithmetic)


def _bare_end(layer: LayerBalance, per: Per) -> str:
    if layer.arithmetic is None or layer.where:
        return si.MISSING
    if layer.arithmetic.crossing == "never":
        return "never"
    spikes, factor = mean(layer.spikes_per_synapse), layer.arithmetic.factor
    return si.MISSING if spikes is None or factor is None else f"{per.of(factor * spikes):.3g}"


def _record(layer: LayerBalance) -> dict[str, Any]:
    record: dict[str, Any] = {
        "layer": layer.name,
        "type": layer.kind,
        "where": layer.where,
        "outcome": outcome(layer),
        "synapses": layer.n_synapses,
        "rate_hz": mean(layer.rate_hz),
        "spikes_per_synapse": mean(layer.spikes_per_synapse),
        "spikes_per_step": mean(layer.spikes_per_step),
        **_balance_record("", layer.total),
        "break_even_rate_hz": layer.break_even_rate_hz,
        "break_even_spikes_per_synapse": layer.break_even_spikes_per_synapse,
        "samples_won": layer.samples_won,
    }
    if layer.arithmetic is not None:
        record.update(_balance_record("arithmetic_", layer.arithmetic))
    record["uncounted"] = "; ".join(layer.uncounted)
    return record


def _balance_record(prefix: str, balance: Balance) -> dict[str, Any]:
    return {
        f"{prefix}snn_J": balance.mean_J, f"{prefix}fixed_J": balance.mean_fixed_J,
        f"{prefix}ann_J": balance.ann_J, f"{prefix}ratio": balance.ratio,
        f"{prefix}crossing": balance.crossing, f"{prefix}break_even_factor": balance.factor,
    }  # fmt: skip
