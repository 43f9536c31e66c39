"""What a `Deployment` says of its layers, and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError, MeasurementError
from ...graph import NetworkGraph
from ...layout.si import counted

if TYPE_CHECKING:
    from ..deploy import Deployment

#: Heading, key and format of the columns.
COLUMNS = (
    ("layer", "layer", "{}"),
    ("runs on", "place", "{}"),
    ("neurons", "neurons", "{:,}"),
    ("cores", "cores", "{:,}"),
    ("blocks of", "block_shape", "{}"),
    ("rate Hz", "rate_hz", "{:.1f}"),
    ("spikes", "spikes", "{:,.0f}"),
    ("synops", "synops", "{:,.0f}"),
    ("messages", "messages", "{:,.0f}"),
)


def layer_rows(deployment: Deployment) -> list[dict[str, Any]]:
    """One row for each population, then one for the neurons that NengoLoihi adds to each
    Connection that decodes."""
    activity = deployment.activity
    seconds = activity.protocol.presentation_time
    uses = {use.ensemble: use for use in deployment.use.layers if use.ensemble is not None}
    rows, named = [], set()
    for population in NetworkGraph(deployment.network).populations:
        record = activity.populations[population.name]
        spikes = float(record.per_sample().mean())
        use = uses.get(population.ensemble)
        row: dict[str, Any] = {
            "layer": population.name,
            "place": "host" if use is None else "chip",
            "neurons": record.n_neurons,
            "cores": 0 if use is None else use.n_blocks,
            "block_shape": None if use is None else list(use.tiling.tile),
            "spikes": spikes,
            "rate_hz": spikes / record.n_neurons / seconds,
        }
        if use is not None:
            row.update(_of_cores(activity.chip, population.name))
        rows.append(row)
        named.add(population.name)
    return rows + _decoding(activity.chip, named)


def _decoding(chip: Any, named: set[str]) -> list[dict[str, Any]]:
    """Rows of cores that hold no neurons of the network."""
    if chip is None:
        return []
    others: dict[str, list[int]] = {}
    for number, (core, layer) in enumerate(zip(chip.cores, chip.layers)):
        if core.split("[")[0] not in named and layer not in named:
            others.setdefault(layer, []).append(number)
    return [
        {
            "layer": layer,
            "place": "chip",
            "neurons": int(chip.compartments[numbers].sum()),
            "cores": len(numbers),
            "block_shape": None,
            "spikes": float(chip.spikes[:, numbers].sum(axis=1).mean()),
            "rate_hz": None,
            **_sums(chip, numbers),
        }
        for layer, numbers in others.items()
    ]


def _of_cores(chip: Any, name: str) -> dict[str, float]:
    """Synops and messages of the cores of a population."""
    if chip is None:
        return {}
    own = [k for k, core in enumerate(chip.cores) if core == name or core.startswith(f"{name}[")]
    return _sums(chip, own)


def _sums(chip: Any, cores: list[int]) -> dict[str, float]:
    return {
        "synops": float(chip.total_synops()[:, cores].sum(axis=1).mean()),
        "messages": float(chip.axon_events[:, cores].sum(axis=1).mean()),
    }


def accuracy_if_any(deployment: Deployment) -> float | None:
    """None where labels that came with the data are no classes of a single output."""
    try:
        return deployment.accuracy
    except (DataError, MeasurementError):
        return None


def summary(deployment: Deployment) -> str:
    """Protocol, accuracy and the table of layers."""
    activity = deployment.activity
    protocol = activity.protocol
    start = "each started afresh" if protocol.presentation == "fresh" else "without a pause"
    if protocol.presentation == "continuous" and protocol.batch_size > 1:
        start += f" in {protocol.batch_size} lanes"
    where = {
        "emulator": "on the emulated chip",
        "nengo_loihi": "on NengoLoihi's emulator",
        "board": "on a board",
    }[deployment.target]
    samples, steps = counted(activity.n_samples, "sample"), counted(protocol.n_steps, "step")
    cores = counted(deployment.n_cores, "core")
    lines = [f"{samples} of {steps} of {1000 * protocol.dt:g} ms, {start}, {where}: {cores}"]
    accuracy = accuracy_if_any(deployment)
    if accuracy is not None:
        n = activity.n_samples
        right = round(accuracy * n)
        at = "the last step" if deployment.readout == "last" else "the mean over steps"
        lines.append(f"accuracy {accuracy:.2%} ({right:,} of {n:,}), read at {at}")
    rows = deployment.layers()
    columns = [c for c in COLUMNS if c[1] not in ("synops", "messages") or activity.chip]
    table = [[heading for heading, _, _ in columns]]
    table += [[_cell(row.get(key), text) for _, key, text in columns] for row in rows]
    widths = [max(len(line[k]) for line in table) for k in range(len(columns))]
    lines += ["", "per sample:"]
    for line in table:
        cells = [x.ljust(w) if k < 2 else x.rjust(w) for k, (x, w) in enumerate(zip(line, widths))]
        lines.append("  ".join(cells).rstrip())
    if activity.chip is not None:
        chip = activity.chip
        lines += [
            "",
            f"host to chip {np.mean(chip.host_to_chip):,.0f} spikes, chip to host "
            f"{np.mean(chip.chip_to_host):,.0f}",
        ]
    else:
        lines += ["", "Synops and messages are counted by target='emulator' only."]
    return "\n".join(lines)


def _cell(value: Any, text: str) -> str:
    if value is None or (value == 0 and text == "{:,}"):
        return "-"
    return text.format(" x ".join(map(str, value)) if isinstance(value, list) else value)
