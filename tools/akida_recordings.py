"""Make ``tests/chips/recordings/akida_layers.json``: what BrainChip maps to an AKD1000.

Needs its own environment, with Python 3.11 and none of this package in it::

    python3.11 -m venv akidatools
    akidatools/bin/pip install -r constraints/akida_tools.txt
    akidatools/bin/python tools/akida_recordings.py

Each case is a convolution of an image of 32 x 32, the first layer or behind another one, and
whether ``akida.Model.map`` puts it on a virtual AKD1000; where it does not, in which words.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import akida
import numpy as np

FILE = Path(__file__).resolve().parents[1] / "tests" / "chips" / "recordings" / "akida_layers.json"


def layers(first: bool, kernel: int, stride: int) -> list[Any]:
    """The layers of a case."""
    same, size = akida.Padding.Same, (kernel, kernel)
    if first:
        image = akida.InputConvolutional(
            (32, 32, 1), size, 8, padding=same, kernel_stride=(stride, stride)
        )
        return [image, akida.FullyConnected(10, activation=False, weights_bits=2)]
    image = akida.InputConvolutional((32, 32, 1), (3, 3), 4, padding=same)
    own = akida.Convolutional(size, 4, padding=same, kernel_stride=(stride, stride), weights_bits=2)
    return [image, own]


def mapped(first: bool, kernel: int, stride: int) -> str:
    """Why a case is not mapped; empty if it is."""
    try:
        model = akida.Model()
        for layer in layers(first, kernel, stride):
            model.add(layer)
        for layer in model.layers:  # weights of 0 alone are refused
            layer.variables["weights"] = np.ones_like(layer.variables["weights"])
        model.map(akida.AKD1000(), hw_only=True)
    except (ValueError, RuntimeError) as error:
        return str(error)
    return ""


def main() -> None:
    cases: list[dict[str, Any]] = []
    for first in (True, False):
        for kernel in (1, 2, 3, 4, 5, 6, 7, 9):
            for stride in (1, 2, 3, 4):
                words = mapped(first, kernel, stride)
                cases.append(
                    {"first": first, "kernel": kernel, "stride": stride, "mapped": not words,
                     "words": words}
                )  # fmt: skip
    about = {"akida": importlib.metadata.version("akida")}
    FILE.write_text(json.dumps({"about": about, "cases": cases}, indent=1) + "\n", encoding="utf-8")
    print(f"{len(cases)} cases in {FILE}, {sum(case['mapped'] for case in cases)} of them mapped")


if __name__ == "__main__":
    main()
