"""Make ``data/kerasspiking.json`` from the full fixtures: run it after these change.

The fixtures are outputs of ``keras_spiking.ModelEnergy`` 0.3.0 on TensorFlow 2.12.1. All
numbers are kept, and the code that builds each model; keys that repeat are not.

    python -m tests.peers.compact_kerasspiking [FOLDER]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[3] / "shared" / "fixtures" / "kerasspiking"
COMPACT = Path(__file__).parent / "data" / "kerasspiking.json"
LAYER_KEYS = ("name", "type", "params", "connections", "neurons", "spiking", "rate")


def compact(full: dict[str, Any]) -> dict[str, Any]:
    """One fixture without what repeats from one entry to the next."""
    runs = [[e["timesteps"], e["dt"], e["device"]] for e in full["totals"]]
    for layer in full["layers"]:
        assert [[e["timesteps"], e["dt"], e["device"]] for e in layer["energy"]] == runs
    table = [line for line in full["summary"].split("\n") if not line.startswith("* ")]
    table = table[: next(i for i, line in enumerate(table) if line.startswith("====="))]
    return {
        "name": full["name"],
        "code": full["code"],
        "runs": runs,
        "layers": [
            {
                **{key: layer[key] for key in LAYER_KEYS},
                "energy_J": [[e["synop_J"], e["neuron_J"]] for e in layer["energy"]],
            }
            for layer in full["layers"]
        ],
        "totals_J": [e["total_J"] for e in full["totals"]],
        "cells": [[c.strip() for c in line.split("|")] for line in table if "---" not in line],
    }


def main(folder: Path = SHARED) -> None:
    """Write the compact file."""
    full = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    helpers, devices = full[0]["helpers"], full[0]["devices"]
    assert all(f["helpers"] == helpers and f["devices"] == devices for f in full)
    versions = {key: full[0][key] for key in ("tool", "keras_spiking", "tensorflow")}
    fixtures = ",\n".join(json.dumps(compact(f), separators=(",", ":")) for f in full)
    head = json.dumps({**versions, "devices": devices, "helpers": helpers}, indent=1)
    COMPACT.write_text(f'{head[:-2]},\n "fixtures": [\n{fixtures}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
