"""Settings of one network in place, against converting and building for each.

The same scales go both ways in one process, and the spikes of every neuron are compared first.
Then every layer of the tutorial's network is tuned to several rates, from the Keras model to the
scales; the same simulations are repeated with a build for each. Run it on an idle machine::

    python benchmarks/tuning.py [--images 20] [--settings 10] [--steps 30]

``--candidates`` compares NengoDL and compiled code only, both in place: simulating and pricing 200
images with settings of a sweep, in turn.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Callable

import numpy as np

import nengo_spikecost as nsc  # before nengo_dl, which it prepares for
from nengo_spikecost.demo import demo_data, demo_model
from nengo_spikecost.tuning import RescalableNetwork
from nengo_spikecost.tuning.sweep_options import SweepOptions
from nengo_spikecost.tuning.sweeps.sweep_engine import NetworkEngine
from nengo_spikecost.tuning.sweeps.sweep_plan import Plan, images_and_labels
from nengo_spikecost.tuning.sweeps.trials import Setting

LAYERS = ("to-spikes", "conv0", "conv1", "dense0")
SETTINGS = {"neuron_type": "LoihiSpikingRectifiedLinear", "synapse": 0.005}


def timed(function: Callable[[], Any]) -> tuple[Any, float, float]:
    """What a function returns, its wall time and its processor time in s."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def compare(model: Any, x: np.ndarray, n_steps: int, n_settings: int) -> None:
    """Random scales, in place and rebuilt."""
    rng = np.random.RandomState(0)
    batch_size = min(100, len(x))
    network, wall, cpu = timed(lambda: built(model, x, n_steps, batch_size))
    print(f"{len(x)} images, {n_steps} steps: built and traced in {wall:.2f} s (CPU {cpu:.2f} s)")
    settings = [
        {name: float(np.exp(rng.uniform(4, 6))) for name in network.layers}
        for _ in range(n_settings)
    ]
    # one way after the other: building seeds TensorFlow, which drops what it has optimised
    in_place = [
        timed(lambda s=scales: network.run(x, n_steps, scales=s)[n_steps]) for scales in settings
    ]
    rebuilt = [
        timed(lambda s=scales: fresh(model, x, n_steps, batch_size, s)) for scales in settings
    ]
    for (found, *_), (expected, *_) in zip(in_place, rebuilt):
        for name, record in expected.populations.items():
            np.testing.assert_array_equal(found.populations[name].counts, record.counts)
    times = [(*one[1:], *other[1:]) for one, other in zip(in_place, rebuilt)]
    wall_in, cpu_in, wall_re, cpu_re = np.median(times, axis=0)
    print(f"  a setting in place  {1e3 * wall_in:7.0f} ms   CPU {1e3 * cpu_in:7.0f} ms")
    print(f"  a setting rebuilt   {1e3 * wall_re:7.0f} ms   CPU {1e3 * cpu_re:7.0f} ms")
    print(f"  ratio               {wall_re / wall_in:7.1f}      CPU {cpu_re / cpu_in:7.1f}")
    print(f"  {n_settings} of {n_settings} settings: all spike counts equal")
    network.close()


def candidates(model: Any, x: np.ndarray, y: np.ndarray, n_steps: int, n_settings: int) -> None:
    """Settings of a sweep, in NengoDL and in compiled code."""
    rng = np.random.RandomState(0)
    engines = {name: engine(model, x, y, n_steps, name) for name in ("nengo_dl", "compiled")}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for k in range(n_settings + 1):
        setting = Setting({name: float(np.exp(rng.uniform(4, 6))) for name in LAYERS}, 0.005)
        for name, own in engines.items():
            _, wall, cpu = timed(lambda o=own, s=setting: o.read(s, 0, len(x)))
            if k == 0:
                print(f"  {name:8} built, and one setting: {wall:.2f} s   CPU {cpu:.2f} s")
            else:
                times[name].append((wall, cpu))
    medians = {name: 1e3 * np.median(own, axis=0) for name, own in times.items()}
    for name, (wall, cpu) in medians.items():
        print(f"  {name:8} a setting: {wall:7.0f} ms   CPU {cpu:7.0f} ms")
    wall, cpu = medians["nengo_dl"] / medians["compiled"]
    print(f"  ratio of medians {wall:.1f}   CPU {cpu:.1f}")


def engine(model: Any, x: np.ndarray, y: np.ndarray, n_steps: int, simulator: str) -> Any:
    """The engine of a sweep."""
    options = SweepOptions(simulator=simulator, n_steps=n_steps)
    images, labels = images_and_labels(model, x, y)
    return NetworkEngine(Plan(model, images, labels, options, {}))


def built(model: Any, x: np.ndarray, n_steps: int, batch_size: int) -> RescalableNetwork:
    """A network that has run once."""
    network = RescalableNetwork(model, batch_size=batch_size, **SETTINGS)
    network.run(x, n_steps)
    return network


def fresh(
    model: Any, x: np.ndarray, n_steps: int, batch_size: int, scales: dict[str, float]
) -> nsc.Activity:
    """Converted, built, traced and run for one setting."""
    conversion = nsc.convert(model, scale_firing_rates=scales, **SETTINGS)
    return nsc.measure(conversion, x, n_steps, batch_size=batch_size, progress=False)


def tune(model: Any, x: np.ndarray, n_steps: int) -> None:
    """Every layer at several rates, in place; and the same simulations with a build for each."""
    batch_size = min(100, len(x))
    for target in (50, 75, 100, 125, 150, 175, 200, 250, 300, 350):
        found, wall, _ = timed(
            lambda hz=target: nsc.tune_firing_rates(
                model, x, target=hz, n_steps=n_steps, batch_size=batch_size, progress=False,
                **SETTINGS,
            )
        )  # fmt: skip
        _, rebuilt, _ = timed(
            lambda steps=found.history: [
                fresh(model, x, n_steps, batch_size, step.scales) for step in steps
            ]
        )
        reached = sum(layer.reached for layer in found.layers)
        print(
            f"  {target:4} Hz: {reached} of {len(found.layers)} layers within 5 %, "
            f"{found.n_simulations} simulations, {wall:.1f} s; "
            f"{found.n_simulations} builds {rebuilt:.1f} s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--settings", type=int, default=10)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--candidates", action="store_true")
    arguments = parser.parse_args()
    model, data = demo_model(), demo_data()
    images = data.x_train
    if arguments.candidates:
        print(f"200 images, {arguments.steps} steps:")
        candidates(model, images[:200], data.y_train[:200], arguments.steps, arguments.settings)
        return
    compare(model, images[: arguments.images], arguments.steps, arguments.settings)
    compare(model, images[:200], arguments.steps, min(4, arguments.settings))
    print("Tuning, 100 images:")
    tune(model, images[:100], arguments.steps)


if __name__ == "__main__":
    main()
