"""Make the pictures of terminal and page in docs/_static, of networks as users bring them.

    python tools/screenshots.py            # all
    python tools/screenshots.py demo       # one

Needs the extra ``test`` and Chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nengo
import nengo_spa as spa
import numpy as np
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.demo import DEMO_SETTINGS, demo_data, demo_model

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "_static"

#: Columns and lines of a terminal's first screen.
SCREEN = 80, 40


def demo() -> tuple[str, Any]:
    """The shipped network, as ``nengo-spikecost demo`` runs it."""
    data = demo_data()
    profile = nsc.profile(
        demo_model(), data.x_test, data.y_test, n_steps=DEMO_SETTINGS.n_steps,
        scale_firing_rates=DEMO_SETTINGS.scale_firing_rates, chip=True, progress=False,
    )  # fmt: skip
    return "nengo-spikecost demo --html demo.html", profile


def cnn() -> tuple[str, Any]:
    """An ordinary network with batch normalization and max pooling."""
    keras, data = stack.keras(), demo_data()
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 3, padding="same", name="conv0"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="pool0"),
            layers.Conv2D(16, 3, activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, name="classes"),
        ],
        name="cnn",
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(data.x_train, data.y_train, epochs=8, batch_size=64, verbose=0)
    profile = nsc.profile(model, data.x_test, data.y_test, chip=True, progress=False)
    return "nengo-spikecost report cnn.keras --data digits.npz --chip --html cnn.html", profile


def learning() -> tuple[str, Any]:
    """A native network that learns to square, with PES."""
    with nengo.Network(label="squares by PES", seed=0) as network:
        stimulus = nengo.Node([0], label="stimulus")
        pre = nengo.Ensemble(100, 1, label="pre")
        post = nengo.Ensemble(100, 1, label="post")
        error = nengo.Ensemble(100, 1, label="error")
        nengo.Connection(stimulus, pre)
        learned = nengo.Connection(pre, post, function=lambda x: [0])
        learned.learning_rule_type = nengo.PES()
        nengo.Connection(error, learned.learning_rule)
        nengo.Connection(post, error)
        nengo.Connection(pre, error, function=np.square, transform=-1)
        nengo.Probe(post, synapse=0.01, label="square")
    x = np.linspace(-1, 1, 9)[:, None]
    profile = nsc.profile(network, x, n_steps=200, simulator="nengo", progress=False)
    return 'nsc.profile(network, x, n_steps=200, simulator="nengo")', profile


def binding() -> tuple[str, Any]:
    """Two semantic pointers bound to one, with nengo-spa."""
    size = 16
    vocabulary = spa.Vocabulary(size, pointer_gen=np.random.RandomState(0))
    vocabulary.populate("BLUE; RED; CIRCLE; SQUARE")
    with spa.Network(label="binding with nengo-spa", seed=0) as network:
        colour, shape, bound = (
            spa.State(size, label=name) for name in ("colour", "shape", "bound")
        )
        colour * shape >> bound
        inputs = {state: nengo.Node(np.zeros(size)) for state in (colour, shape)}
        for state, node in inputs.items():
            nengo.Connection(node, state.input, synapse=None)
        nengo.Probe(bound.output, synapse=0.02, label="bound")
    pairs = [("BLUE", "CIRCLE"), ("RED", "SQUARE"), ("BLUE", "SQUARE"), ("RED", "CIRCLE")]
    given = zip(inputs.values(), zip(*pairs))
    x = {node: np.stack([vocabulary[name].v for name in names]) for node, names in given}
    profile = nsc.profile(network, x, n_steps=100, simulator="nengo", progress=False)
    return 'nsc.profile(network, x, n_steps=100, simulator="nengo")', profile


CASES: dict[str, Callable[[], tuple[str, Any]]] = {
    "demo": demo, "cnn": cnn, "learning": learning, "binding": binding,
}  # fmt: skip


def terminal(name: str, command: str, result: Any) -> None:
    """The first screen of what is printed, as SVG."""
    columns, lines = SCREEN
    with open("/dev/null", "w") as nowhere:
        console = Console(record=True, width=columns, file=nowhere)
        prompt = "$" if command.startswith("nengo-spikecost") else ">>>"
        console.print(Text(f"{prompt} {command}"))
        for line in result.summary_string(columns).splitlines()[: lines - 1]:
            console.print(Text(line))
        console.save_svg(str(FOLDER / f"terminal-{name}.svg"), title=name, unique_id=name)


def page(name: str, command: str, result: Any, browser: Any) -> None:
    """The first screens of its page, as PNG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.html"
        result.to_html(path, command=command)
        opened = browser.new_page(viewport={"width": 1100, "height": 1000})
        opened.goto(path.as_uri())
        opened.screenshot(path=str(FOLDER / f"page-{name}.png"))
        opened.close()


def main() -> None:
    stack.start_quietly()
    warnings.simplefilter("ignore")  # the pictures show what is printed, not what is warned of
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name in sys.argv[1:] or CASES:
            command, result = CASES[name]()
            terminal(name, command, result)
            page(name, command, result, browser)
        browser.close()


if __name__ == "__main__":
    main()
