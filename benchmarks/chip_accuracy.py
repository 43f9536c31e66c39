"""Accuracy of a network with each kind of neuron, and on the emulated chip; fresh or not.

With ``--mnist`` the network of the Keras-to-Loihi tutorial is trained first, as
``examples/train_demo_model.py`` does it, unless ``--model`` names a saved one; without, the
network and the 500 test digits that are shipped are taken. Every accuracy has its 95 %
interval (Wilson). Run it on an idle machine::

    python benchmarks/chip_accuracy.py [--mnist mnist.npz] [--images 2000] [--model tutorial.keras]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.simplefilter("ignore")

import numpy as np

import nengo_spikecost as nsc
from nengo_spikecost import demo, stack
from nengo_spikecost.activity.intervals import wilson
from nengo_spikecost.loihi import Emulator, fit_blocks

SPIKING = ("SpikingRectifiedLinear", "LoihiSpikingRectifiedLinear")


def digits(path: Path | None, n_images: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """Training digits and labels (None if none are needed), test digits, test labels."""
    if path is None:
        shipped = demo.demo_data()
        return None, shipped.x_test[:n_images], shipped.y_test[:n_images]
    with np.load(path) as file:
        train = demo.to_images(file["x_train"]), file["y_train"].astype(np.int64)
        test = demo.to_images(file["x_test"][:n_images])
        return train, test, file["y_test"][:n_images].astype(np.int64)


def network(arguments: argparse.Namespace, train: Any) -> Any:
    """The network that was asked for, or is trained now."""
    if arguments.model is not None:
        return stack.keras().models.load_model(arguments.model)
    if train is None:
        return demo.demo_model()
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
    import train_demo_model as training

    model = demo.build_demo_model()
    start = time.perf_counter()
    training.train(model, *train, epochs=arguments.epochs, seed=0, activity_weight=0.0)
    training.balance(model, train[0][:5000])
    print(f"trained {arguments.epochs} epochs in {time.perf_counter() - start:.0f} s")
    return model


def interval(n_right: int, n: int) -> str:
    """A share in %, with its 95 % interval."""
    low, high = wilson(n_right, n)
    return f"{100 * n_right / n:6.2f} ({100 * low:.2f} to {100 * high:.2f})"


def row(name: str, predicted: np.ndarray, averaged: Any, y: np.ndarray, seconds: float) -> None:
    """Print one line of the table."""
    last = interval(int((predicted == y).sum()), len(y))
    mean = "" if averaged is None else interval(int((averaged == y).sum()), len(y))
    print(f"{name:<44}{last:<26}{mean:<26}{seconds:8.2f}")


def simulated(model: Any, x: np.ndarray, y: np.ndarray, kind: str, arguments: Any) -> Any:
    """Accuracy with NengoDL; the conversion."""
    conversion = nsc.convert(
        model,
        neuron_type=kind,
        scale_firing_rates=arguments.scale,
        synapse=arguments.synapse,
        lower=True,
    )
    start = time.perf_counter()
    activity = nsc.measure(
        conversion, x, arguments.steps, presentation="fresh", batch_size=100, progress=False
    )
    seconds = time.perf_counter() - start
    row(
        f"{kind} (NengoDL)",
        activity.predictions(),
        activity.predictions(readout="mean"),
        y,
        seconds,
    )
    return conversion


def emulated(conversion: Any, x: np.ndarray, y: np.ndarray, arguments: Any) -> None:
    """Accuracy and counts on the emulated chip, fresh and continuous."""
    start = time.perf_counter()
    fit = fit_blocks(conversion)
    images = x.reshape(len(x), -1)
    with Emulator(fit, batch_size=arguments.batch_size) as emulator:
        emulator.run(images[:2], arguments.steps)  # compiles
        built = time.perf_counter() - start
        runs = {}
        for presentation in ("fresh", "continuous"):
            start = time.perf_counter()
            run = emulator.run(images, arguments.steps, presentation=presentation)
            seconds = time.perf_counter() - start
            output = list(run.outputs.values())[-1]
            row(f"emulated Loihi, {presentation}", output.last.argmax(axis=1),
                output.mean.argmax(axis=1), y, seconds)  # fmt: skip
            runs[presentation] = run
    print(f"\nbuilt in {built:.1f} s, with block shapes and compiling; per image:")
    print(
        f"{'':<14}{'synops':>12}{'messages':>12}{'spikes':>12}{'host to chip':>14}{'to host':>10}"
    )
    for name, run in runs.items():
        counts = (
            run.synops,
            run.messages,
            run.block_spikes(),
            run.host_to_chip(),
            run.chip_to_host[:, None],
        )
        texts = [f"{values.sum() / len(x):,.0f}" for values in counts]
        print(f"{name:<14}{texts[0]:>12}{texts[1]:>12}{texts[2]:>12}{texts[3]:>14}{texts[4]:>10}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", type=Path, help="MNIST as .npz: x_train, y_train, ...")
    parser.add_argument("--model", type=Path, help="a Keras model, saved")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--scale", type=float, default=200.0)
    parser.add_argument("--synapse", type=float, default=0.005)
    parser.add_argument("--batch-size", type=int, default=100)
    arguments = parser.parse_args()
    train, x, y = digits(arguments.mnist, arguments.images)
    model = network(arguments, train)
    print(f"{len(x)} test digits, {arguments.steps} steps, {arguments.scale:g} Hz\n")
    print(f"{'':<44}{'last, %':<26}{'mean, %':<26}{'seconds':>8}")
    start = time.perf_counter()
    predicted = model.predict(x, batch_size=500, verbose=0).argmax(axis=1)
    row("ReLU (Keras)", predicted, None, y, time.perf_counter() - start)
    for kind in SPIKING:
        conversion = simulated(model, x, y, kind, arguments)
    emulated(conversion, x, y, arguments)


if __name__ == "__main__":
    main()
