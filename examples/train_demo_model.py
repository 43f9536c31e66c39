"""Train the network shipped in the package on the full MNIST.

    python examples/train_demo_model.py --mnist mnist.npz --out weights.npz

``mnist.npz`` is the archive that Keras distributes (see ``make_demo_data.py``). Three steps:

1. train with Adam, digits shifted at random by up to two pixels, and a small penalty on
   mean activity, which leaves fewer neurons active and so makes fewer spikes;
2. balance: scale each layer so that its active neurons have a mean output of 1. ReLU(a x)
   is a ReLU(x) for a > 0, so no prediction changes, but one firing-rate scale now suits all
   layers (after Diehl et al. 2015, https://doi.org/10.1109/IJCNN.2015.7280696, with the
   mean in place of the maximum);
3. round to half precision, write, and measure the accuracy of what was written.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from nengo_spikecost import stack
from nengo_spikecost.demo import SPIKING_LAYERS, build_demo_model, named_weights, to_images

tf = stack.tensorflow()

BATCH_SIZE = 128
LEARNING_RATE = 2e-3
MAX_SHIFT = 2  # pixels
N_BALANCE = 10_000  # training digits used to measure activity


def shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Copy images, each moved by up to `MAX_SHIFT` pixels along both axes."""
    n, height, width, _ = images.shape
    edge = ((0, 0), (MAX_SHIFT, MAX_SHIFT), (MAX_SHIFT, MAX_SHIFT), (0, 0))
    padded = np.pad(images, edge)
    moved = np.empty_like(images)
    offsets = rng.integers(0, 2 * MAX_SHIFT + 1, size=(n, 2))
    for top in range(2 * MAX_SHIFT + 1):
        for left in range(2 * MAX_SHIFT + 1):
            here = (offsets == (top, left)).all(axis=1)
            moved[here] = padded[here, top : top + height, left : left + width]
    return moved


def train(
    model: Any, x: np.ndarray, y: np.ndarray, *, epochs: int, seed: int, activity_weight: float
) -> None:
    """Train ``model`` in place."""
    # The penalty sits on a second model that shares the layers, so that the one to be
    # saved has nothing but the architecture.
    trainee = tf.keras.Model(model.input, model.output)
    # Not on the first layer: its activity is set by the pixels, and a penalty could only
    # silence its filters for good by turning their single weight negative.
    for name in SPIKING_LAYERS[1:]:
        trainee.add_loss(activity_weight * tf.reduce_mean(model.get_layer(name).output))

    n_steps = epochs * int(np.ceil(len(x) / BATCH_SIZE))
    rate = tf.keras.optimizers.schedules.CosineDecay(LEARNING_RATE, n_steps)
    trainee.compile(
        optimizer=tf.keras.optimizers.Adam(rate),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        history = trainee.fit(shifted(x, rng), y, batch_size=BATCH_SIZE, verbose=0).history
        print(
            f"epoch {epoch + 1}/{epochs}: loss {history['loss'][0]:.4f}, "
            f"accuracy {history['accuracy'][0]:.2%}",
            flush=True,
        )


def hidden_activity(model: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs of the layers to become spiking, by layer name."""
    outputs = [model.get_layer(name).output for name in SPIKING_LAYERS]
    probe = tf.keras.Model(model.input, outputs)
    return dict(zip(SPIKING_LAYERS, probe.predict(x, batch_size=500, verbose=0)))


def balance(model: Any, x: np.ndarray) -> None:
    """Scale each layer in place to a mean active output of 1, keeping all predictions."""
    activity = hidden_activity(model, x)
    scale_in = 1.0
    for name in (*SPIKING_LAYERS, "dense1"):
        # The last layer is not spiking: it gives back the scale, so that logits stay.
        scale_out = activity[name][activity[name] > 0].mean() if name in activity else 1.0
        kernel, *bias = model.get_layer(name).get_weights()
        kernel = kernel * (scale_in / scale_out)
        model.get_layer(name).set_weights([kernel, *(b / scale_out for b in bias)])
        scale_in = scale_out


def accuracy(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Fraction of digits that the ReLU network reads correctly."""
    return float(np.mean(model.predict(x, batch_size=500, verbose=0).argmax(axis=1) == y))


def main() -> None:
    """Train, balance, round, save, and print what was reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", type=Path, required=True, help="the full MNIST as .npz")
    parser.add_argument("--out", type=Path, required=True, help="weights to write, .npz")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--activity-weight", type=float, default=0.1, help="penalty on mean activity per layer"
    )
    args = parser.parse_args()

    with np.load(args.mnist) as mnist:
        x_train, x_test = to_images(mnist["x_train"]), to_images(mnist["x_test"])
        y_train, y_test = mnist["y_train"].astype(int), mnist["y_test"].astype(int)

    tf.keras.utils.set_random_seed(args.seed)
    model = build_demo_model()
    train(
        model,
        x_train,
        y_train,
        epochs=args.epochs,
        seed=args.seed,
        activity_weight=args.activity_weight,
    )
    balance(model, x_train[:N_BALANCE])

    half = {
        name: weight.numpy().astype(np.float16) for name, weight in named_weights(model).items()
    }
    np.savez_compressed(args.out, **half)
    model.set_weights([weight.astype(np.float32) for weight in half.values()])
    print(f"{args.out}: {args.out.stat().st_size} bytes")
    print(f"accuracy: {accuracy(model, x_test, y_test):.2%} of {len(y_test)} test digits, ", end="")
    print(f"{accuracy(model, x_test[:500], y_test[:500]):.2%} of the 500 shipped")
    print(f"to-spikes weights: {model.get_layer('to-spikes').get_weights()[0].ravel()}")
    for name, outputs in hidden_activity(model, x_test[:500]).items():
        active, ever = outputs > 0, (outputs > 0).any(axis=0)
        print(
            f"{name}: mean {outputs.mean():.3f}, active {active.mean():.1%}, of the active "
            f"p50 {np.median(outputs[active]):.2f}, p99 {np.percentile(outputs[active], 99):.2f}; "
            f"{np.mean(~ever):.1%} of neurons never active"
        )


if __name__ == "__main__":
    main()
