"""Make ``data/qtools.json`` from the full fixtures: run it after these change.

The fixtures are outputs of qtools of QKeras 0.9.0 on TensorFlow 2.11.1. All layers and references
are kept, and the energies of some runs that have each memory for weights and for activations, with
and without ``rd_wr_on_io``, and each size at least once. Formats are not.

    python -m tests.peers.compact_qtools [FOLDER]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[3] / "shared" / "fixtures" / "qtools"
COMPACT = Path(__file__).parent / "data" / "qtools.json"
VERSIONS = ("tool", "qkeras", "tensorflow")
LAYER_KEYS = ("name", "class", "w_shape", "b_shape", "input_shape", "output_shape")
OPTIONS = ("weights_on_memory", "activations_on_memory", "rd_wr_on_io", "min_sram_size")
TERMS = ("inputs", "outputs", "parameters", "op_cost", "profile_total")
TOTALS = ("total_cost", "energy_sum")
RUNS = (0, 7, 13, 18, 28, 35)


def compact(full: dict[str, Any]) -> dict[str, Any]:
    """One fixture: its layers, and for each reference the energies of its runs."""
    first = full["references"][0]
    kept = [[run[key] for key in OPTIONS] for run in (first["runs"][i] for i in RUNS)]
    for index, values in enumerate(
        (("sram", "dram", "fixed"), ("sram", "dram", "fixed"), (True, False), (0, 2**27))
    ):
        assert {run[index] for run in kept} == set(values)
    return {
        "name": full["name"],
        "layers": [
            [*(layer[key] for key in LAYER_KEYS), layer["bias"] is not None]
            for layer in first["layers"]
        ],
        "runs": kept,
        "references": [
            {
                "reference": entry["reference"],
                "totals": [[entry["runs"][i][key] for key in TOTALS] for i in RUNS],
                "energies": [
                    [[layer[key] for key in TERMS] for layer in entry["runs"][i]["layers"].values()]
                    for i in RUNS
                ],
            }
            for entry in full["references"]
        ],
    }


def expanded(stored: dict[str, Any]) -> dict[str, Any]:
    """A stored fixture in the form of a full one, without what was left out."""
    layers = [
        {**dict(zip(LAYER_KEYS, values)), "bias": has_bias}
        for *values, has_bias in stored["layers"]
    ]
    references = []
    for entry in stored["references"]:
        runs = []
        for options, totals, energies in zip(stored["runs"], entry["totals"], entry["energies"]):
            terms = {
                layer["name"]: {"class_name": layer["class"], **dict(zip(TERMS, values))}
                for layer, values in zip(layers, energies)
            }
            run = {**dict(zip(OPTIONS, options)), **dict(zip(TOTALS, totals)), "layers": terms}
            runs.append(run)
        references.append({"reference": entry["reference"], "layers": layers, "runs": runs})
    return {"name": stored["name"], "references": references}


def main(folder: Path) -> None:
    """Write the compact file."""
    full = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    stored = {key: full[0][key] for key in VERSIONS}
    fixtures = [compact(fixture) for fixture in full]
    text = json.dumps({**stored, "fixtures": fixtures}, separators=(",", ":"))
    COMPACT.write_text(text.replace('{"reference"', '\n{"reference"') + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED)
