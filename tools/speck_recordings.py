"""Make ``tests/chips/recordings/speck_cores.json``: whether sinabs finds cores for layers on Speck.

Needs its own environment, with Python 3.11 and none of this package in it::

    python3.11 -m venv specktools
    specktools/bin/pip install -r constraints/speck_tools.txt
    specktools/bin/pip uninstall samna
    specktools/bin/python tools/speck_recordings.py

Each case is a chain of convolutions, the memory that sinabs computes for each, and whether its
``get_valid_mapping`` finds a core for every one. samna, SynSense's driver, is only named in what is
imported: an object that has whatever is asked of it stands for it.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import json
import random
import sys
import types
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "tests" / "chips" / "recordings" / "speck_cores.json"

SAMNA = (
    "samna", "samna.dynapcnn", "samna.dynapcnn.configuration", "samna.speck2e",
    "samna.speck2e.configuration", "samna.speck2f", "samna.speck2f.configuration", "samna.graph",
    "samna.ui", "samna.specksim", "samna.specksim.nodes", "samna.unifirm",
    "samna.unifirm.timestamp", "samnagui",
)  # fmt: skip
"""Modules that sinabs imports and these cases don't use."""


class _Anything(types.ModuleType):
    """A module, or an object, with whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything(name)

    def __call__(self, *_: Any, **__: Any) -> Any:
        return _Anything("result")


def cases() -> list[dict[str, Any]]:
    """Chains of layers that get smaller; each as channels, kernel, stride and bias."""
    rng = random.Random(0)
    found = []
    for number in range(60):
        side, channels = rng.choice([16, 28, 32, 64, 100, 128]), rng.choice([1, 2])
        chain, start = [], (channels, side, side)
        for _ in range(rng.randint(1, 10)):
            kernel, stride = rng.choice([1, 2, 3, 4, 5]), rng.choice([1, 1, 2])
            if (side - kernel) // stride + 1 < 1 or side < kernel:
                break
            filters = rng.choice([1, 3, 8, 16, 24, 32, 64])
            chain.append(
                {"filters": filters, "kernel": kernel, "stride": stride, "bias": rng.random() < 0.4}
            )
            side, channels = (side - kernel) // stride + 1, filters
        found.append({"name": f"chain{number}", "input": list(start), "layers": chain})
    return found


def main() -> None:
    for name in SAMNA:
        module = _Anything(name)
        module.__path__ = []
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = module
    import sinabs.layers as sl
    from sinabs.backend.dynapcnn.chips.dynapcnn import DynapcnnConfigBuilder
    from sinabs.backend.dynapcnn.dynapcnn_layer import DynapcnnLayer
    from sinabs.backend.dynapcnn.mapping import get_valid_mapping
    from torch import nn

    constraints = DynapcnnConfigBuilder.get_constraints()
    rows = []
    for case in cases():
        shape, layers = tuple(case["input"]), dict[int, Any]()
        for own in case["layers"]:
            conv = nn.Conv2d(
                shape[0], own["filters"], own["kernel"], own["stride"], bias=own["bias"]
            )
            spikes = sl.IAFSqueeze(batch_size=1)
            layer = DynapcnnLayer(conv=conv, spk=spikes, in_shape=shape, pool=[], discretize=True)
            layers[len(layers)] = layer
            memory = layer.memory_summary()
            own["words"] = [int(memory[key]) for key in ("kernel", "neuron", "bias")]
            side = (shape[1] - own["kernel"]) // own["stride"] + 1
            shape = (own["filters"], side, side)
        try:
            case["mapped"] = len(get_valid_mapping(layers, constraints)) == len(layers)
        except ValueError:
            case["mapped"] = False
        rows.append(case)
    about = {
        "sinabs": importlib.metadata.version("sinabs"),
        "cores": [[c.kernel_memory, c.neuron_memory, c.bias_memory] for c in constraints],
    }
    FILE.write_text(json.dumps({"about": about, "cases": rows}) + "\n", encoding="utf-8")
    mapped = sum(row["mapped"] for row in rows)
    print(f"{len(rows)} cases in {FILE}, {mapped} of them mapped")


if __name__ == "__main__":
    main()
