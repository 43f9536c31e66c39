"""Make the digits shipped in the package from the full MNIST archive.

    python examples/make_demo_data.py mnist.npz

``mnist.npz`` is the archive that Keras distributes: arrays ``x_train`` (60000, 28, 28),
``y_train`` (60000,), ``x_test`` (10000, 28, 28) and ``y_test`` (10000,), all uint8. The
first digits of each part are taken, in their order. The same input always gives the same
arrays (and, with the same zlib, the same file).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

N_TRAIN = 2000
N_TEST = 500
DEFAULT_OUT = Path(__file__).resolve().parents[1] / "nengo_spikecost" / "data" / "mnist_subset.npz"


def main() -> None:
    """Read the archive, keep the first digits, write them compressed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mnist", type=Path, help="the full MNIST as .npz")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="default: %(default)s")
    args = parser.parse_args()

    with np.load(args.mnist) as full:
        subset = {
            "x_train": full["x_train"][:N_TRAIN],
            "y_train": full["y_train"][:N_TRAIN],
            "x_test": full["x_test"][:N_TEST],
            "y_test": full["y_test"][:N_TEST],
        }
    np.savez_compressed(args.out, **{k: v.astype(np.uint8) for k, v in subset.items()})
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
