"""Few spikes in few steps: the tutorial's network, trained for 10 steps and fewer, on the chip.

    python examples/few_steps.py --data mnist.npz --seeds 0 1 2 --results runs

``mnist.npz`` is the archive that Keras distributes; a folder with the four files that MNIST and
Fashion-MNIST come in does as well. For each seed the network of the Keras-to-Loihi tutorial is
trained anew, as tune_mnist.py does, and then

* fine-tuned as in tune_mnist.py, and shown for 30 steps: the best row of docs/tutorial_rates.md;
* trained with spikes for a few steps (`fine_tune` with ``forward="steps"``), at the delays of the
  chip and with a price on synops.

Everything is confirmed on the emulated chip by `nengo_spikecost.loihi.deploy`, every image from
rest, and priced there: energy of the cores (core dynamic). Choices are made on training images
that the networks were not trained on: which epoch to keep, on those to tune on; how sure an answer
has to be for a sample to end early, on those to choose on. Nothing is chosen on test images. The
same recipe is for any data of 28x28 pixels and ten classes.

What the host shows for the last steps can't reach the output any more, so images are shown for the
others only, and the host is silent then: the same outputs, with fewer spikes.

Each seed is written whole when it is done, ``FOLDER/DATA-SEED.json``, and a run that goes on
leaves out those that are there. Until then ``FOLDER/DATA-SEED`` has the networks that are being
trained, which go on with the epoch that they were in. ``tools/few_steps_page.py`` makes the tables
of docs/few_steps.md of these files. Without ``--data`` the digits of the package are used, and
``--quick`` does little of everything: to see it run, not for the figures.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tune_mnist import (
    CHIP_DELAY,
    N_STEPS,
    NEURON_TYPE,
    SYNAPSE,
    Data,
    fine_tuned,
    load,
    percent,
    trained,
)

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.activity.intervals import paired_difference, wilson
from nengo_spikecost.files import write_text
from nengo_spikecost.tuning.training.training_run import make_optimizer

#: Steps that networks are trained for, and shown on the chip, all delays among them.
STEPS = (10, 8, 6)
BEST = "fine-tuning, today's best"

# The recipe, found on MNIST with seed 0 and on training images alone; for all data and seeds.
#: Spikes in the steps that a layer has: what 90% of its active neurons begin with at most.
START_SPIKES = 3.0
#: Price of all synops that the network begins with, in units of the cross-entropy.
SYNOP_WEIGHT = 0.06
#: Epochs over which that price rises, and all of them.
COST_EPOCHS, EPOCHS = 3, 6
BATCH_SIZE, LEARNING_RATE = 100, 2e-3
#: Share of each label that is spread over all classes: spikes that only make sure cost synops.
SMOOTHING = 0.1

RECIPE = {
    "start_spikes": START_SPIKES, "synop_weight": SYNOP_WEIGHT, "cost_epochs": COST_EPOCHS,
    "batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE, "smoothing": SMOOTHING,
}  # fmt: skip

#: A threshold for early exit may lose so much on the images to choose on, as a share.
EXIT_LOSS = 0.0005
#: Steps without an image between two, where samples are not started afresh.
PAUSES = (0, 2, 4, 8)
#: Images side by side, as on as many chips, there.
LANES = 50


@dataclass(frozen=True)
class Exit:
    """Samples that end when the answer is sure: a threshold, and what it gave on test images."""

    threshold: float
    mean_steps: float
    accuracy: float
    interval: tuple[float, float]
    loss: float
    core_uJ: float


@dataclass(frozen=True)
class Row:
    """A network on the emulated chip, on test images."""

    setting: str
    n_steps: int
    n_shown: int
    accuracy: float
    interval: tuple[float, float]
    loss: float
    loss_interval: tuple[float, float]
    spikes_per_neuron: float
    spikes: dict[str, float]
    synops: float
    updates: float
    core_uJ: float
    accuracy_by_step: list[float] | None
    exit: Exit | None
    seconds: float


@dataclass(frozen=True)
class Way:
    """How images follow each other on the chip, and what that gives."""

    name: str
    n_shown: int
    n_pause: int
    n_images: int
    accuracy: float
    interval: tuple[float, float]
    synops: float
    core_uJ: float


class Chip:
    """A converted network with its block shapes, on the emulated chip."""

    def __init__(self, model: Any, scales: Any, synapse: float | None, readout: str):
        self._subject: Any = nsc.convert(
            model, neuron_type=NEURON_TYPE, scale_firing_rates=scales, synapse=synapse
        )
        self.readout = readout
        #: The first step at which a spike of the image can be read.
        self.first = next(iter(nsc.loihi.first_steps(self._subject).outputs.values()))

    def useful(self, n_steps: int) -> int:
        """Steps of an image that can be read: all but those that spikes take through the layers."""
        return n_steps - self.first + 1

    def run(self, x: np.ndarray, n_steps: int, n_shown: int | None = None, **options: Any) -> Any:
        """Show images, each for ``n_shown`` of ``n_steps`` steps; a Deployment."""
        n_shown = n_steps if n_shown is None else n_shown
        shown = x if n_shown == n_steps else frames(x, n_shown, n_steps)
        options = {"presentation": "fresh", "batch_size": 100, **options}
        done = nsc.loihi.deploy(
            self._subject, shown, n_steps=n_steps, readout=self.readout, try_out=False,
            progress=False, **options,
        )  # fmt: skip
        self._subject = done.fit
        return done


def frames(x: np.ndarray, n_shown: int, n_steps: int) -> np.ndarray:
    """Images with a time axis: shown for the first steps, and nothing for the rest."""
    result = np.zeros((len(x), n_steps, *x.shape[1:]), dtype=np.float32)
    result[:, :n_shown] = x[:, None]
    return result


def few_steps(
    model: Any, data: Data, n_steps: int, n_shown: int, seed: int, epochs: int,
    checkpoint: str | None = None,
) -> Any:  # fmt: skip
    """The network trained with spikes for so many steps, as the chip has them."""
    return nsc.fine_tune(
        model,
        data.x_train,
        data.y_train,
        forward="steps",
        n_steps=n_steps,
        n_shown=n_shown,
        layer_delay=1,
        quantize=True,
        neuron_type=NEURON_TYPE,
        synapse=None,
        readout="mean",
        start_rate=START_SPIKES / n_shown,
        synop_weight=SYNOP_WEIGHT,
        loss=smoothed_loss(),
        cost_epochs=min(COST_EPOCHS, epochs),
        epochs=epochs,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        validation=(data.x_tune, data.y_tune),
        seed=seed,
        checkpoint=checkpoint,
        progress=False,
    )


def trained_on(model: Any, data: Data, seed: int, epochs: int) -> Any:
    """The network trained on without spikes, as long as `few_steps` trains it and as there.

    What spikes cost shows against this one too: more training alone makes a network better.
    """
    tf = stack.tensorflow()
    tf.keras.utils.set_random_seed(seed)
    longer = tf.keras.models.clone_model(model)
    longer.set_weights(model.get_weights())
    n_batches = epochs * (len(data.x_train) // BATCH_SIZE)
    longer.compile(make_optimizer(LEARNING_RATE, n_batches), smoothed_loss())
    best, least = longer.get_weights(), np.inf
    for _ in range(epochs):
        longer.fit(data.x_train, data.y_train, batch_size=BATCH_SIZE, verbose=0)
        loss = longer.evaluate(data.x_tune, data.y_tune, batch_size=500, verbose=0)
        if loss < least:
            best, least = longer.get_weights(), loss
    longer.set_weights(best)
    return longer


def accuracy_of(right: np.ndarray) -> dict[str, Any]:
    """A share of images and its interval."""
    return {"accuracy": float(right.mean()), "interval": wilson(int(right.sum()), len(right))}


def relu_right(model: Any, data: Data) -> np.ndarray:
    """Which test images a network without spikes has right."""
    return model.predict(data.x_test, batch_size=500, verbose=0).argmax(axis=1) == data.y_test


def smoothed_loss() -> Any:
    """Cross-entropy of labels that are a little of every class."""
    tf = stack.tensorflow()

    def smoothed(labels: Any, outputs: Any) -> Any:
        rows = tf.one_hot(tf.cast(tf.reshape(labels, [-1]), tf.int32), outputs.shape[-1])
        return tf.keras.losses.categorical_crossentropy(
            rows, outputs, from_logits=True, label_smoothing=SMOOTHING
        )

    return smoothed


def measured(
    setting: str, done: Any, y: np.ndarray, relu: np.ndarray, n_shown: int, began: float,
    exit: Exit | None = None,
) -> Row:  # fmt: skip
    """What a run on test images gave."""
    activity, chip = done.activity, done.activity.chip
    right = activity.predictions(readout=done.readout) == y
    populations = activity.populations.values()
    spikes = {p.name: float(p.per_sample().mean()) for p in populations}
    by_step = None
    if chip.by_step is not None:
        by_step = activity.accuracy_by_step(y, readout=done.readout).tolist()
    n_steps = activity.protocol.n_steps
    return Row(
        setting=setting,
        n_steps=n_steps,
        n_shown=n_shown,
        accuracy=float(right.mean()),
        interval=wilson(int(right.sum()), len(y)),
        loss=float(relu.mean() - right.mean()),
        loss_interval=paired_difference(relu, right),
        spikes_per_neuron=sum(spikes.values()) / sum(p.n_neurons for p in populations),
        spikes=spikes,
        synops=synops_of(done),
        updates=float(chip.updates(n_steps).sum()),
        core_uJ=core_uJ_of(done),
        accuracy_by_step=by_step,
        exit=exit,
        seconds=time.time() - began,
    )


def early(held_out: Any, y_held_out: np.ndarray, done: Any, y: np.ndarray) -> Exit:
    """A threshold that is chosen on some images, on others."""
    chosen = nsc.early_exit(held_out, y_held_out).judging(EXIT_LOSS)
    (point,) = nsc.early_exit(done, y, options=chosen).points
    return Exit(
        point.threshold, point.mean_steps, point.accuracy, point.interval, point.loss,
        1e6 * point.energy_J,
    )  # fmt: skip


def synops_of(done: Any) -> float:
    """Synops of an image on the chip, on average."""
    return float(done.activity.chip.total_synops().sum(axis=1).mean())


def core_uJ_of(done: Any) -> float:
    """Core dynamic energy of an image in uJ."""
    return 1e6 * float(done.cost().energy_J("core dynamic").nominal)


def way(name: str, n_shown: int, n_pause: int, right: np.ndarray, done: Any) -> Way:
    """What a run gave in which images followed each other so."""
    return Way(
        name, n_shown, n_pause, right.size, float(right.mean()),
        wilson(int(right.sum()), right.size), synops_of(done), core_uJ_of(done),
    )  # fmt: skip


def without_reset(chip: Chip, x: np.ndarray, y: np.ndarray, n_shown: int, n_pause: int) -> Way:
    """Images one after another, none from rest.

    Spikes of an image are at the output some steps later than it is shown, and those of the next
    one as much later: what is summed for an image begins where it can first be there.
    """
    period, lanes = n_shown + n_pause, min(LANES, len(x) // 2)
    n = len(x) // lanes
    done = chip.run(
        x[: n * lanes], period, n_shown, presentation="continuous", batch_size=lanes, by_step=True
    )
    (output,) = done.activity.outputs.values()
    # image i is in lane i % lanes: by lanes, and in each of them step after step
    steps = output.steps.reshape(n, lanes, period, -1).swapaxes(0, 1).reshape(lanes, n * period, -1)
    late = chip.first - 1
    # the last image of each lane has no steps after it that could be read
    read = steps[:, late : late + (n - 1) * period].reshape(lanes, n - 1, period, -1).sum(axis=2)
    right = read.argmax(axis=2) == y[: n * lanes].reshape(n, lanes).T[:, : n - 1]
    return way("without a reset", n_shown, n_pause, right, done)


def ways(chip: Chip, x: np.ndarray, y: np.ndarray, n_steps: int, n_shown: int) -> list[Way]:
    """From rest, and one image after another with pauses of several lengths."""
    done = chip.run(x, n_steps, n_shown)
    right = done.activity.predictions(readout="mean") == y
    fresh = way("each from rest", n_shown, n_steps - n_shown, right, done)
    return [fresh, *(without_reset(chip, x, y, n_shown, pause) for pause in PAUSES)]


def one_seed(
    data: Data, seed: int, settings: dict[str, Any], started: Path | None
) -> dict[str, Any]:
    """Train, run on the emulated chip and measure, all of one seed.

    ``started`` is a folder for networks whose training is under way, and goes on from there.
    """
    x, y, began = data.x_test, data.y_test, time.time()
    model = trained(data, seed, settings["epochs"][0])
    relu = relu_right(model, data)
    longer = accuracy_of(relu_right(trained_on(model, data, seed, settings["epochs"][2]), data))
    print(heading(seed, len(y), accuracy_of(relu), longer), flush=True)

    def checkpoint(name: Any) -> str | None:
        return None if started is None else str(started / f"{name}.npz")

    tuned = fine_tuned(model, data, seed, settings["epochs"][1], checkpoint("rates"))
    best = Chip(tuned.model, tuned.scale_firing_rates, SYNAPSE, "last")
    n_steps = N_STEPS + CHIP_DELAY
    rows = [measured(BEST, best.run(x, n_steps), y, relu, n_steps, began)]
    print(line(rows[0], rows), flush=True)

    followed: list[Way] = []
    useful = Chip(model, 1.0, None, "mean").useful  # training changes no delay
    for n_steps in settings["steps"]:
        began = time.time()
        epochs, n_shown = settings["epochs"][2], useful(n_steps)
        tuned = few_steps(model, data, n_steps, n_shown, seed, epochs, checkpoint(n_steps))
        chip = Chip(tuned.model, tuned.scale_firing_rates, None, "mean")
        rows.append(measured(f"{n_steps} steps", chip.run(x, n_steps), y, relu, n_steps, began))
        print(line(rows[-1], rows), flush=True)
        held_out = chip.run(data.x_choose, n_steps, n_shown, by_step=True)
        done = chip.run(x, n_steps, n_shown, by_step=True)
        exit = early(held_out, data.y_choose, done, y)
        name = f"{n_steps} steps, image for {n_shown}"
        rows.append(measured(name, done, y, relu, n_shown, began, exit))
        print(line(rows[-1], rows), flush=True)
        if n_steps == settings["steps"][0]:
            n = settings["n_ways"]
            followed = ways(chip, x[:n], y[:n], n_steps, n_shown)
            print("\n".join(map(way_line, followed)), flush=True)
    return {
        "seed": seed,
        "n_test": len(y),
        "settings": settings,
        "relu": accuracy_of(relu),
        "relu_longer": longer,
        "rows": [asdict(row) for row in rows],
        "ways": [asdict(way) for way in followed],
    }


def heading(seed: int, n_test: int, relu: dict[str, Any], longer: dict[str, Any]) -> str:
    """What the columns are, and the accuracy without spikes."""
    columns = (
        f"{'':26} {'steps':>5} {'spikes':>6} {'accuracy (95%)':>24} {'loss':>6} {'synops':>9} "
        f"{'cores':>8} {'of best':>7}  early exit"
    )
    lines = [f"\nseed {seed}, {n_test:,} test images, on the emulated chip", columns]
    for name, of_it in (("ReLU", relu), ("ReLU, trained as long", longer)):
        lines.append(f"{name:26} {'':5} {'':6} {percent(of_it['accuracy'], of_it['interval']):>24}")
    return "\n".join(lines)


def line(row: Row, rows: Sequence[Row]) -> str:
    """A row as text; spikes are those of a neuron."""
    ended = ""
    if row.exit is not None:
        ended = f"{row.exit.mean_steps:.2f} steps, {row.exit.accuracy:.2%}, "
        ended += f"{row.exit.core_uJ:.2f} uJ"
    return (
        f"{row.setting:26} {row.n_steps:5} {row.spikes_per_neuron:6.3f} "
        f"{percent(row.accuracy, row.interval):>24} {100 * row.loss:6.2f} {row.synops:9,.0f} "
        f"{row.core_uJ:5.2f} uJ {row.core_uJ / rows[0].core_uJ:6.2f}x  {ended}"
    ).rstrip()


def way_line(way: Way) -> str:
    """A way for images to follow each other, as text."""
    return (
        f"  {way.name}: {way.n_shown} steps and {way.n_pause} without an image: "
        f"{percent(way.accuracy, way.interval)}, {way.core_uJ:.2f} uJ"
    )


def kept(file: Path, settings: dict[str, Any]) -> bool:
    """Whether a seed was done before, with the same settings."""
    if not file.exists():
        return False
    before = json.loads(file.read_text(encoding="utf-8"))["settings"]
    differing = [key for key, value in settings.items() if before.get(key) != value]
    if differing:
        raise SystemExit(
            f"{file} was made with other {', '.join(differing)}: give another folder as --results."
        )
    return True


def main() -> None:
    """Read the arguments, run every seed that is not there, write each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", help="archive or folder of images; default: the package's digits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS), help="to train for")
    parser.add_argument("--tune", type=int, default=5000, help="training images to tune on")
    parser.add_argument("--choose", type=int, default=5000, help="others to choose on")
    parser.add_argument("--test", type=int, default=10_000, help="test images")
    parser.add_argument("--quick", action="store_true", help="little of everything")
    parser.add_argument("--results", help="folder: a file for each seed, which is not run again")
    given = parser.parse_args()
    settings = {
        "data": "digits" if given.data is None else Path(given.data).stem,
        "steps": given.steps,
        "sizes": [given.tune, given.choose, given.test],
        "epochs": [6, 4, EPOCHS],
        "n_ways": 2000,
        "recipe": RECIPE,
    }
    if given.quick:
        quick = {"steps": given.steps[:1], "sizes": [200, 100, 100], "epochs": [6, 1, 2]}
        settings |= {**quick, "n_ways": 40}
    data = load(given.data, *settings["sizes"])
    for seed in given.seeds:
        if not given.results:
            one_seed(data, seed, settings, None)
            continue
        started = Path(given.results) / f"{settings['data']}-{seed}"
        file = started.with_suffix(".json")
        if kept(file, settings):
            print(f"seed {seed} is in {file}")
            continue
        started.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps(one_seed(data, seed, settings, started), indent=1) + "\n")
        shutil.rmtree(started)


if __name__ == "__main__":
    main()
