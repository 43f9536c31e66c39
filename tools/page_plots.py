"""Draw the plots of the pages, docs/_static/*.png, as the pages say that they are drawn.

    python tools/page_plots.py            # all
    python tools/page_plots.py sweep      # one: some minutes

``benchmarks/busy_layers.py`` draws its own, and ``tools/screenshots.py`` takes those of reports.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import doc_pages
import matplotlib

import nengo_spikecost as nsc
from nengo_spikecost import stack
from nengo_spikecost.demo import demo_data, demo_model

FOLDER = doc_pages.DOCS / "_static"


def of_page(page: str, name: str) -> Any:
    """What the code of a page has under a name, as soon as it has it."""
    for _ in doc_pages.run((doc_pages.DOCS / f"{page}.md").read_text(encoding="utf-8")):
        if hasattr(sys.modules["__page__"], name):
            return getattr(sys.modules["__page__"], name)
    raise LookupError(f"docs/{page}.md has no {name}")


def sweep() -> nsc.Sweep:
    """The page's sweep with more settings, times and images than it has time for."""
    digits = demo_data()
    return nsc.sweep(
        demo_model(), digits.x_test, digits.y_test, neuron_type="LoihiSpikingRectifiedLinear",
        n_steps=(20, 25, 30, 40), n_trials=75, device="loihi", progress=False,
    )  # fmt: skip


PLOTS: dict[str, Callable[[], Any]] = {
    "break_even": lambda: of_page("break_even", "arithmetic"),
    "firing_rates": lambda: of_page("tuning", "tuning"),
    "sweep": sweep,
}


def main() -> None:
    matplotlib.use("Agg")
    stack.start_quietly()
    warnings.simplefilter("ignore")  # as in doc_pages.py
    for name in sys.argv[1:] or PLOTS:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            axes = PLOTS[name]().plot()
            os.chdir(FOLDER)
        axes.figure.savefig(FOLDER / f"{name}.png", dpi=100)
        print(f"{name}.png")


if __name__ == "__main__":
    main()
