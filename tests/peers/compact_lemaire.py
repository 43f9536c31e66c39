"""Make ``data/lemaire.json`` from the full fixtures: run it after these change.

The fixtures are outputs of ``EnergyEstimationMetric`` of the Qualia SNN plugin. All layers are
kept, what was recorded of them, and the energies of some runs that have each width, operation type
and memory at least once, to ten digits. Sums of parts are not.

    python -m tests.peers.compact_lemaire [FOLDER]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[3] / "shared" / "fixtures" / "lemaire"
COMPACT = Path(__file__).parent / "data" / "lemaire.json"
ENERGIES = ("mem_pot", "mem_weights", "mem_bias", "mem_io", "ops", "addr", "total")
SIGNALS = (
    "input_spikerate",
    "output_spikerate",
    "input_count",
    "output_count",
    "input_is_binary",
    "output_is_binary",
    "is_sj",
)
VERSIONS = ("tool", "qualia_plugin_snn", "torch", "spikingjelly")
RUNS = (0, 1, 3, 9, 11, 12, 20)
DIGITS = 10


def compact(full: dict[str, Any]) -> dict[str, Any]:
    """One fixture: its layers, what was recorded, its rows, and the energies of its runs."""
    rows = [[row["name"], *(row[key] for key in SIGNALS)] for row in full["runs"][0]["layers"]]
    runs = [full["runs"][i] for i in RUNS]
    for run in runs:
        # these columns depend on the data alone
        assert [[row["name"], *(row[key] for key in SIGNALS)] for row in run["layers"]] == rows
    return _short(
        {
            "name": full["name"],
            "layers": full["layers"],
            "recorded": full["recorded"],
            "rows": rows,
            "runs": [
                {
                    **{key: run[key] for key in ("config", "e_add", "e_mul", "e_ram_of")},
                    "energies": [[row[key] for key in ENERGIES] for row in run["layers"]],
                }
                for run in runs
            ],
        }
    )


def expanded(stored: dict[str, Any]) -> dict[str, Any]:
    """A stored fixture in the form of a full one, without what was left out."""
    runs = []
    for run in stored["runs"]:
        layers = [
            {"name": name, **dict(zip(SIGNALS, signals)), **dict(zip(ENERGIES, energies))}
            for (name, *signals), energies in zip(stored["rows"], run["energies"])
        ]
        runs.append({**run, "layers": layers})
    return {**stored, "runs": runs}


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def main(folder: Path = SHARED) -> None:
    """Write the compact file."""
    full = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    versions = {key: full[0][key] for key in VERSIONS}
    fixtures = ",\n".join(json.dumps(compact(f), separators=(",", ":")) for f in full)
    head = json.dumps(versions, indent=1)
    COMPACT.write_text(f'{head[:-2]},\n "fixtures": [\n{fixtures}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
