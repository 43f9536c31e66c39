"""Firing rates of the Keras-to-Loihi tutorial's network on MNIST: its two rules, and ours.

    python examples/tune_mnist.py --mnist mnist.npz --seeds 0 1 2 --json tuned.json

``mnist.npz`` is the archive that Keras distributes. For each seed the network is trained anew,
on pixels from 0 to 1, and converted with `NEURON_TYPE` and

* one scale of 100 for all layers, the tutorial's first try;
* its rule: 200 Hz over the mean activation of active neurons, layer by layer;
* `tune_firing_rates`: layers measured as they spike, until they fire at `RATE_HZ`;
* `sweep`: the setting that takes the least energy within a loss of accuracy;
* `fine_tune` with a synop loss, at the rates that it trains for, and `sweep` after it.

Scales are searched on training images that the network was not trained on: spikes lose less on
those that it was. The front is measured again on others, and a setting chosen by those: on the
images that were searched on, the best of many was also lucky. The table is of test images that
none of it has seen, in NengoDL and on the emulated chip. Without ``--mnist`` the digits of the
package are used, and ``--quick`` does little of everything: to see it run, not for the figures.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.activity.intervals import paired_difference, wilson
from nengo_spikecost.demo import build_demo_model, demo_data
from nengo_spikecost.files import write_text
from nengo_spikecost.tuning import activation_rule, global_scale

Losses = tuple[float, ...]

NEURON_TYPE = "LoihiSpikingRectifiedLinear"
SYNAPSE = 0.005  # s
N_STEPS = 30
#: Of the settings that are searched: with more time, fewer spikes are enough.
LONGER = 40
#: Above it, a neuron that fires at most once a step loses too much to rounding of its interval.
RATE_HZ = 125
#: On the chip a spike takes a step from layer to layer, and one more to it and from it.
CHIP_DELAY = 5
#: Shares of images that may be lost against the ReLU network: the search lowers the energy within
#: each, and a setting is chosen that is within the last on images that the search did not see.
LOSSES, QUICK_LOSSES = (0.001, 0.0025), (0.025, 0.05)
#: So many settings of the front, within twice that loss, are measured on those, from the least
#: energy upwards.
N_CHOOSE = 10
#: What all synops of the trained model cost in fine-tuning, in units of the cross-entropy.
SYNOP_WEIGHT = 0.2
#: Rates that fine-tuning trains for, in Hz: deep layers hear late of an image and have to hurry,
#: and have few neurons, so that their spikes are cheap.
FINE_TUNED_HZ = {"to-spikes": 100.0, "conv0": 250.0, "conv1": 450.0, "dense0": 1000.0}


@dataclass(frozen=True)
class Data:
    """Images to train on, others of the training set to tune and to choose on, and to test on."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_tune: np.ndarray
    y_tune: np.ndarray
    x_choose: np.ndarray
    y_choose: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Row:
    """What one way to choose scales gave, on test images."""

    seed: int
    setting: str
    n_steps: int
    scales: Mapping[str, float]
    accuracy: float
    interval: tuple[float, float]
    loss: float
    loss_interval: tuple[float, float]
    synops: float
    loihi_uJ: float
    chip_accuracy: float
    chip_interval: tuple[float, float]
    chip_loss: float
    chip_synops: float
    seconds: float


def load(path: str | None, n_tune: int, n_choose: int, n_test: int) -> Data:
    """Pixels from 0 to 1: with the tutorial's 0 to 255, steps of fine-tuning are too large."""
    if path is None:
        digits = demo_data()
        x_train, x_test = digits.x_train, digits.x_test
        y_train, y_test = digits.y_train, digits.y_test
    else:
        arrays = of_folder(path) if os.path.isdir(path) else np.load(path)
        images = (arrays[k][..., None].astype("f4") for k in ("x_train", "x_test"))
        x_train, x_test = (x / 255 for x in images)
        y_train, y_test = (arrays[k].astype("i8") for k in ("y_train", "y_test"))
    n = len(x_train) - n_tune - n_choose
    parts = (slice(n), slice(n, n + n_tune), slice(n + n_tune, None))
    x_parts, y_parts = ([values[part] for part in parts] for values in (x_train, y_train))
    images_and_labels = [array for pair in zip(x_parts, y_parts) for array in pair]
    return Data(*images_and_labels, x_test[:n_test], y_test[:n_test])


def of_folder(path: str) -> dict[str, np.ndarray]:
    """Arrays of a folder with the four files that MNIST and Fashion-MNIST come in.

    Such as ``/usr/share/datasets/fashion-mnist``, where Debian's dataset-fashion-mnist has them.
    """
    arrays = {}
    for part, name in (("train", "train"), ("t10k", "test")):
        for kind, ending in (("images", "x"), ("labels", "y")):
            file = os.path.join(path, f"{part}-{kind}-idx{3 if kind == 'images' else 1}-ubyte.gz")
            with gzip.open(file, "rb") as opened:
                content = opened.read()
            n_axes = content[3]  # two zeros, the type of the numbers, the number of axes
            shape = np.frombuffer(content, ">u4", n_axes, offset=4)
            values = np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes)
            arrays[f"{ending}_{name}"] = values.reshape(shape)
    return arrays


def trained(data: Data, seed: int, epochs: int) -> Any:
    """The tutorial's network, trained as there."""
    tf = stack.tensorflow()
    tf.keras.utils.set_random_seed(seed)
    model = build_demo_model()
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.RMSprop(0.001), loss)
    model.fit(data.x_train, data.y_train, batch_size=200, epochs=epochs, verbose=0)
    return model


class Results:
    """Rows of one seed, measured and printed one by one."""

    def __init__(self, data: Data, model: Any, seed: int):
        self.data, self.seed = data, seed
        outputs = model.predict(data.x_test, batch_size=500, verbose=0)
        self.relu = outputs.argmax(axis=1) == data.y_test
        self.rows: list[Row] = []

    def add(
        self, setting: str, model: Any, scales: Mapping[str, float], n_steps: int, began: float
    ) -> None:
        """Measure a setting in NengoDL and on the emulated chip."""
        seconds = time.time() - began
        x, y = self.data.x_test, self.data.y_test
        network = nsc.convert(
            model, neuron_type=NEURON_TYPE, scale_firing_rates=scales, synapse=SYNAPSE
        )
        activity = nsc.measure(network, x, n_steps)
        right = activity.predictions() == y
        energy = nsc.NetworkEnergy(network, activity)
        chip = nsc.loihi.deploy(
            network, x, y, n_steps=n_steps + CHIP_DELAY, presentation="fresh", batch_size=100
        )
        chip_right = int((chip.predictions == y).sum())
        row = Row(
            seed=self.seed,
            setting=setting,
            n_steps=n_steps,
            scales={name: float(scale) for name, scale in scales.items()},
            accuracy=float(right.mean()),
            interval=wilson(int(right.sum()), len(y)),
            loss=float(self.relu.mean() - right.mean()),
            loss_interval=paired_difference(self.relu, right),
            synops=energy.workload().mean_synops,
            loihi_uJ=1e6 * energy.estimate("loihi").mean_J,
            chip_accuracy=chip_right / len(y),
            chip_interval=wilson(chip_right, len(y)),
            chip_loss=float(self.relu.mean()) - chip_right / len(y),
            chip_synops=float(chip.activity.chip.total_synops().sum(axis=1).mean()),
            seconds=seconds,
        )
        self.rows.append(row)
        print(line(row, self.rows), flush=True)

    def heading(self) -> str:
        """What the columns are, and the accuracy without spikes."""
        n = len(self.relu)
        low, high = wilson(int(self.relu.sum()), n)
        columns = (
            f"{'':24} {'steps':>5} {'accuracy (95%)':>24} {'loss':>6} {'synops':>10} "
            f"{'of rule':>7} {'Loihi':>8} {'chip (95%)':>24} {'chip synops':>11}"
        )
        first = f"{'ReLU':24} {'':5} {percent(self.relu.mean(), (low, high)):>24}"
        return f"\nseed {self.seed}, {n:,} test images\n{columns}\n{first}"


def percent(share: float, interval: tuple[float, float]) -> str:
    """A share and its interval."""
    return f"{share:.2%} ({interval[0]:.2%}-{interval[1]:.2%})"


def line(row: Row, rows: list[Row]) -> str:
    """A row as text."""
    rule = next((r.synops for r in rows if r.setting == RULE), row.synops)
    share = f"{row.synops / rule:.2f}x" if any(r.setting == RULE for r in rows) else ""
    return (
        f"{row.setting:24} {row.n_steps:5} {percent(row.accuracy, row.interval):>24} "
        f"{100 * row.loss:6.2f} {row.synops:10,.0f} {share:>7} {row.loihi_uJ:5.1f} uJ "
        f"{percent(row.chip_accuracy, row.chip_interval):>24} {row.chip_synops:11,.0f}"
    )


RULE = "200 Hz rule"


def over_seeds(rows: list[Row]) -> str:
    """Each setting, as a mean over seeds and from the least to the most."""
    rule = {row.seed: row.synops for row in rows if row.setting == RULE}
    lines = [
        f"\nmean of {len(rule)} seeds (least to most)",
        f"{'':24} {'loss, points':>20} {'synops of rule':>20} {'Loihi, uJ':>20} "
        f"{'loss on chip':>20}",
    ]
    for setting in dict.fromkeys(row.setting for row in rows):
        of_it = [row for row in rows if row.setting == setting]
        columns = (
            [100 * row.loss for row in of_it],
            [row.synops / rule[row.seed] for row in of_it],
            [row.loihi_uJ for row in of_it],
            [100 * row.chip_loss for row in of_it],
        )
        cells = (f"{np.mean(c):.2f} ({min(c):.2f}-{max(c):.2f})" for c in columns)
        lines.append(f"{setting:24} " + " ".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


def one_seed(
    data: Data, seed: int, n_trials: int, epochs: tuple[int, int], losses: Losses
) -> list[Row]:
    """Train, choose scales in every way, and measure them."""
    model = trained(data, seed, epochs[0])
    options = {"neuron_type": NEURON_TYPE, "synapse": SYNAPSE}
    results = Results(data, model, seed)
    print(results.heading(), flush=True)

    began = time.time()
    results.add("one scale of 100", model, global_scale(model, 100, **options), N_STEPS, began)
    rule = activation_rule(model, data.x_tune[:100], 200, **options)
    results.add(RULE, model, rule, N_STEPS, began)
    results.add(f"{RULE}, longer", model, rule, LONGER, began)

    began = time.time()
    tuning = nsc.tune_firing_rates(
        model, data.x_tune[:500], target=RATE_HZ, n_steps=N_STEPS, **options
    )
    scales = tuning.scales
    results.add(f"tuner, {RATE_HZ} Hz", model, scales, N_STEPS, began)

    began = time.time()
    found = chosen(swept(model, data, seed, n_trials, losses, [scales], model), data, losses)
    results.add("sweep", model, found.scale_firing_rates, found.n_steps, began)

    began = time.time()
    tuned = fine_tuned(model, data, seed, epochs[1])
    scales = tuned.scale_firing_rates
    results.add("fine-tuning", tuned.model, scales, N_STEPS, began)
    found = chosen(swept(tuned.model, data, seed, n_trials, losses, [scales], model), data, losses)
    results.add(
        "fine-tuning and sweep", tuned.model, found.scale_firing_rates, found.n_steps, began
    )
    return results.rows


def fine_tuned(
    model: Any, data: Data, seed: int, epochs: int, checkpoint: str | None = None
) -> Any:
    """The network trained for few synops, at the rates that it will be scaled to."""
    return nsc.fine_tune(
        model,
        data.x_train,
        data.y_train,
        n_steps=LONGER,
        forward="rates",
        neuron_type=NEURON_TYPE,
        rates_hz=FINE_TUNED_HZ,
        synop_weight=SYNOP_WEIGHT,
        epochs=epochs,
        validation=(data.x_tune, data.y_tune),
        seed=seed,
        checkpoint=checkpoint,
    )


def swept(
    model: Any, data: Data, seed: int, n_trials: int, losses: Losses, start_from: Any, relu: Any
) -> Any:
    """Scales searched on the images to tune on; with equal steps, least energy is fewest synops."""
    return nsc.sweep(
        model,
        data.x_tune,
        data.y_tune,
        neuron_type=NEURON_TYPE,
        n_steps=LONGER,
        synapses=SYNAPSE,
        n_trials=n_trials,
        accuracy_losses=losses,
        start_from=start_from,
        reference=relu,
        global_scales=(100,),
        seed=seed,
    )


def chosen(found: Any, data: Data, losses: Losses) -> Any:
    """The setting with the least energy within the loss, on images that the search did not see."""
    limit = losses[-1]
    front = found.front(2 * limit)[:N_CHOOSE]
    confirmed = found.confirm(data.x_choose, data.y_choose, front, progress=False)
    print("\n" + confirmed.summary_string(), flush=True)
    least = min(row.loss for row in confirmed.rows)
    return confirmed.best(max(limit, least)).point


def main() -> None:
    """Read the arguments, run every seed, write what came out."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--mnist", help="mnist.npz; default: the digits of the package")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--trials", type=int, default=50, help="settings that a sweep tries")
    parser.add_argument("--tune", type=int, default=5000, help="training images to tune on")
    parser.add_argument("--choose", type=int, default=5000, help="others to choose on")
    parser.add_argument("--test", type=int, default=10_000, help="test images")
    parser.add_argument("--quick", action="store_true", help="little of everything")
    parser.add_argument("--json", help="write all rows here")
    given = parser.parse_args()
    trials, epochs = given.trials, (6, 4)
    sizes = given.tune, given.choose, given.test
    if given.quick:
        trials, epochs, sizes = 16, (6, 1), (200, 100, 100)
    losses = QUICK_LOSSES if given.quick else LOSSES
    data = load(given.mnist, *sizes)
    rows: list[Row] = []
    for seed in given.seeds:
        rows += one_seed(data, seed, trials, epochs, losses)
        if given.json:
            write_text(given.json, json.dumps([asdict(row) for row in rows], indent=1))
    if len(given.seeds) > 1:
        print(over_seeds(rows))


if __name__ == "__main__":
    main()
