"""Make ``tests/chips/recordings/akida_layers.json``: what BrainChip maps to an AKD1000.

Needs its own environment, with Python 3.11 and none of this package in it::

    python3.11 -m venv akidatools
    akidatools/bin/pip install -r constraints/akida_tools.txt
    akidatools/bin/python tools/akida_recordings.py

Each case is a convolution of an image of 32 x 32, the first layer or behind another one, and
whether ``akida.Model.map`` puts it on a virtual AKD1000; where it does not, in which words. So is
each structure: what comes behind a first layer, with edges, poolings and separable convolutions.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from functools import partial
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


def structures() -> dict[str, list[Any]]:
    """Layers behind each other, by the name that the tests make the same network from."""

    def first(side: int = 32, **own: Any) -> Any:
        return akida.InputConvolutional((side, side, 1), (3, 3), 4, padding=same, **own)

    def conv(
        padding: Any = None, kind: Any = akida.Convolutional, side: int = 3, **own: Any
    ) -> Any:
        return kind((side, side), 4, padding=padding or same, weights_bits=2, **own)

    def pool(side: int) -> dict[str, Any]:
        return {"pool_type": most, "pool_size": (side, side), "pool_stride": (side, side)}

    def dense() -> Any:
        return akida.FullyConnected(10, activation=False, weights_bits=2)

    same, most, mean = akida.Padding.Same, akida.PoolType.Max, akida.PoolType.Average
    separable = akida.SeparableConvolutional
    return {
        "same": [first(), conv(), dense()],
        "sum": [(a := first(), []), (b := conv(), [a]), (akida.Add(), [a, b])],
        "heads": [(a := first(), []), (b := conv(), [a]), (dense(), [b]), (dense(), [b])],
        "normalized": [first(), conv(), dense()],  # which its vendor's converter takes in
        "valid": [first(), conv(akida.Padding.Valid), dense()],
        "pooled-dense": [first(), conv(**pool(2)), dense()],
        "first-pooled-dense": [first(pool_type=most, pool_size=(2, 2)), dense()],
        "pooled 2": [first(), conv(**pool(2)), conv(), dense()],
        "pooled 3": [first(), conv(**pool(3)), conv(), dense()],
        **{f"mean {side}": [first(side), conv(pool_type=mean), dense()] for side in (8, 32, 33)},
        **{f"separable {k}": [first(), conv(kind=separable, side=k), dense()] for k in (3, 5, 7)},
    }


def mapped(make: Callable[[], list[Any]]) -> str:
    """Why layers can't be made, or are not mapped; empty if they are."""
    try:
        model = akida.Model()
        for layer in make():
            model.add(*(layer if isinstance(layer, tuple) else (layer,)))
        for layer in model.layers:  # weights of 0 alone are refused
            for name in {"weights", "weights_pw"} & set(layer.variables.names):
                layer.variables[name] = np.ones_like(layer.variables[name])
        model.map(akida.AKD1000(), hw_only=True)
    except (ValueError, RuntimeError) as error:
        return str(error)
    return ""


def main() -> None:
    cases: list[dict[str, Any]] = []
    for first in (True, False):
        for kernel in (1, 2, 3, 4, 5, 6, 7, 9):
            for stride in (1, 2, 3, 4):
                words = mapped(partial(layers, first, kernel, stride))
                cases.append(
                    {"first": first, "kernel": kernel, "stride": stride, "mapped": not words,
                     "words": words}
                )  # fmt: skip
    own = [(name, mapped(partial(list, chain))) for name, chain in structures().items()]
    named = [{"name": name, "mapped": not words, "words": words} for name, words in own]
    about = {"akida": importlib.metadata.version("akida")}
    record = {"about": about, "cases": cases, "structures": named}
    FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{len(cases)} cases in {FILE}, {sum(case['mapped'] for case in cases)} of them mapped")


if __name__ == "__main__":
    main()
