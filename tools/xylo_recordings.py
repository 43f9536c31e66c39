"""Make ``tests/chips/recordings/xylo_cycles.json``: cycles of Xylo's steps by its vendor's model.

Needs its own environment, with Python 3.11 and none of this package in it::

    python3.11 -m venv xylotools
    xylotools/bin/pip install -r constraints/xylo_tools.txt
    xylotools/bin/python tools/xylo_recordings.py

Each case is a network, as weights between inputs, layers and outputs, spikes of all of them, and
what ``rockpool.devices.xylo.*.power_cycles_model`` gives: with these spikes, and in the worst case.
That model reads a configuration of samna, SynSense's driver, which is not needed for it and is not
installed: an object with the same fields stands for it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).resolve().parents[1] / "tests" / "chips" / "recordings" / "xylo_cycles.json"

#: Chip, its module in rockpool, and whether its hidden neurons are a "reservoir".
CHIPS = {
    "xylo_audio2": ("syns61201", True),
    "xylo_audio3": ("syns63300", False),  # the module says that it is of both
    "xylo_imu": ("syns63300", False),
}

#: Inputs, sizes of the layers, which of these are recurrent, outputs, steps, share of events. The
#: first is that of SynSense's introduction, without its residual.
CASES = {
    "intro": (15, (4, 4), (1,), 2, 10, 0.4),
    "feedforward": (16, (60,), (), 8, 20, 0.1),
    "deep": (12, (24, 16, 20), (), 3, 20, 0.3),
    "recurrent": (3, (30,), (0,), 5, 25, 0.25),
    "quiet": (4, (8,), (0,), 2, 5, 0.0),
}


#: Length of a step in s.
DT = 1e-2


class _Anything:
    """Whatever is asked of it: types of samna are only named in signatures."""

    def __getattr__(self, name: str) -> _Anything:
        return _Anything()


def model_of(module: str) -> Any:
    """rockpool's file with the model of a chip, alone: its package asks for samna's library."""
    sys.modules["samna"] = _Anything()  # type: ignore[assignment]
    found = importlib.util.find_spec("rockpool")
    assert found is not None and found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "devices" / "xylo" / module
    spec = importlib.util.spec_from_file_location(module, folder / "power_cycles_model.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def configuration(weights: dict[str, np.ndarray], reservoir: bool) -> Any:
    """What the model reads of a chip's configuration."""
    neurons = [types.SimpleNamespace(alias_target=None) for _ in weights["hidden"]]
    hidden = types.SimpleNamespace(weights=weights["hidden"], neurons=neurons)
    return types.SimpleNamespace(
        input=types.SimpleNamespace(weights=weights["input"]),
        readout=types.SimpleNamespace(weights=weights["readout"]),
        synapse2_enable=False, **{"reservoir" if reservoir else "hidden": hidden},
    )  # fmt: skip


def network(case: tuple, rng: np.random.RandomState) -> dict[str, np.ndarray]:
    """Weights of a case, all between its layers, none of them zero."""
    n_in, layers, recurrent, n_out, *_ = case
    starts = np.concatenate([[0], np.cumsum(layers)])
    n = int(starts[-1])
    weights = {
        "input": np.zeros((n_in, n)), "hidden": np.zeros((n, n)), "readout": np.zeros((n, n_out)),
    }  # fmt: skip
    own = [slice(a, b) for a, b in zip(starts, starts[1:])]

    def draw(shape: tuple[int, int]) -> np.ndarray:
        return rng.choice([-3, -2, -1, 1, 2, 3], shape)

    weights["input"][:, own[0]] = draw((n_in, layers[0]))
    for k, there in enumerate(own[1:]):
        weights["hidden"][own[k], there] = draw((layers[k], layers[k + 1]))
    for k in recurrent:
        weights["hidden"][own[k], own[k]] = draw((layers[k], layers[k]))
    weights["readout"][own[-1]] = draw((layers[-1], n_out))
    return weights


def main() -> None:
    rows: list[dict[str, Any]] = []
    for name, case in CASES.items():
        rng = np.random.RandomState(len(rows))
        weights = network(case, rng)
        n_in, _, _, n_out, n_steps, share = case
        n_hidden = len(weights["hidden"])
        spikes = {
            key: (rng.rand(n_steps, size) < share).astype(int)
            for key, size in (("input", n_in), ("hidden", n_hidden), ("output", n_out))
        }
        cycles = {}
        for chip, (module, reservoir) in CHIPS.items():
            model, config = model_of(module), configuration(weights, reservoir)

            def counted(*given: Any, model: Any = model, config: Any = config) -> float:
                found = model.cycles_model(config, *given)
                return float(found[0] if isinstance(found, tuple) else found)

            cycles[chip] = {
                "worst": counted(1.0, 1.0, 1.0),
                "mean": counted(*(spikes[key] for key in ("input", "hidden", "output"))),
                "steps": [counted(*(spikes[k][n : n + 1] for k in spikes)) for n in range(n_steps)],
                "clock_Hz": float(model.est_clock_freq(config, DT)),
            }
        rows.append(
            {
                "name": name, "layers": list(case[1]),
                "weights": {key: value.astype(int).tolist() for key, value in weights.items()},
                "spikes": {key: value.tolist() for key, value in spikes.items()},
                "cycles": cycles,
            }
        )  # fmt: skip
    about = {"rockpool": importlib.metadata.version("rockpool"), "dt": DT}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps({"about": about, "cases": rows}) + "\n", encoding="utf-8")
    print(f"{len(rows)} cases in {FILE}")


if __name__ == "__main__":
    main()
