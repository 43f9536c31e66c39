"""What a graphics card gains: NengoDL's counts of the tutorial's network, with it and without.

Each way runs in a process of its own, the processor alone first; both are given the same images.
Counts are compared neuron by neuron, and the ratio is printed, of medians. Where TensorFlow finds
no card it says so, and nothing runs::

    python benchmarks/graphics_card.py [--images 2000] [--steps 60] [--repeats 5]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import nengo_spikecost as nsc  # before nengo_dl, which it prepares for


def cards() -> list[str]:
    """Names of the graphics cards that TensorFlow can use."""
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(card).get("device_name", card.name)
            for card in found]  # fmt: skip


def measured(images: int, steps: int, repeats: int, path: str) -> list[float]:
    """Seconds of each repeat, all after the first; counts go into a file."""
    from nengo_spikecost.demo import demo_data, demo_model

    conversion = nsc.convert(demo_model(), scale_firing_rates=200, synapse=0.005)
    x = np.resize(demo_data().x_test, (images, 28, 28, 1))
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        activity = nsc.measure(conversion, x, steps, simulator="nengo_dl", progress=False)
        seconds.append(time.perf_counter() - start)
    np.savez(path, **{name: p.counts for name, p in activity.populations.items()})
    return seconds[1:]


def in_a_process(options: argparse.Namespace, card: bool, path: str) -> list[float]:
    """The same in another process, with the card or without."""
    sizes = [str(n) for n in (options.images, options.steps, options.repeats)]
    # set to nothing it hides every card
    environment = os.environ if card else {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, __file__, "--way", path, *(
        f"--{name}={n}" for name, n in zip(("images", "steps", "repeats"), sizes)
    )]  # fmt: skip
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="What a graphics card gains.")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measured(options.images, options.steps, options.repeats, options.way)))
        return
    names = cards()
    if not names:
        sys.exit("There is no graphics card here that TensorFlow can use: nothing was measured.")
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{way}.npz") for way in ("without", "with")]
        seconds = [in_a_process(options, bool(k), path) for k, path in enumerate(paths)]
        without, card = (dict(np.load(path)) for path in paths)
    total = sum(int(counts.sum()) for counts in without.values())
    differ = sum(int((card[name] != counts).sum()) for name, counts in without.items())
    numbers = sum(counts.size for counts in without.values())
    medians = [statistics.median(each) for each in seconds]
    print(f"{options.images:,} images of {options.steps} steps, {total:,} spikes, on {names[0]}")
    print(f"processor alone {medians[0]:.2f} s, with the card {medians[1]:.2f} s: "
          f"{medians[0] / medians[1]:.2f} times faster")  # fmt: skip
    print(f"{differ:,} of {numbers:,} counts differ")


if __name__ == "__main__":
    main()
