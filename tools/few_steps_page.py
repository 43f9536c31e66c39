"""Write the tables of docs/few_steps.md from the results of examples/few_steps.py.

python examples/few_steps.py --data mnist.npz --seeds 0 1 2 --results tools/few_steps_runs
python examples/few_steps.py --data fashion_mnist.npz --seeds 0 1 2 --results tools/few_steps_runs
python tools/few_steps_page.py                                # write the page
python tools/few_steps_page.py --check                        # compare the page with the results
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from marked_page import Marks

TOOLS = Path(__file__).resolve().parent
PAGE = TOOLS.parent / "docs" / "few_steps.md"
RESULTS = TOOLS / "few_steps_runs"
MARKS = Marks("tools/few_steps_page.py")

NAMES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "digits": "The package's digits"}

#: Networks without spikes, by their key in the results.
WITHOUT_SPIKES = {"relu": "ReLU, no spikes", "relu_longer": "ReLU, trained as long as with spikes"}

#: What is to be reached at once: the most steps, spikes a neuron, points lost, and share of energy.
GOALS = (10, 0.3, 0.3, 0.35)


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Results of all seeds, by the name of the data."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(folder.glob("*.json")):
        result = json.loads(file.read_text(encoding="utf-8"))
        found.setdefault(result["settings"]["data"], []).append(result)
    return dict(sorted(found.items(), key=lambda pair: [*NAMES, pair[0]].index(pair[0])))


def written(runs: dict[str, list[dict[str, Any]]]) -> str:
    """Everything between the marks."""
    lines = [""]
    for data, seeds in runs.items():
        lines += [f"## {NAMES.get(data, data)}", "", _says(seeds), "", *_means(seeds), ""]
        lines += [*_goals(seeds), "", *_ways(seeds), "", *_steps(seeds), ""]
        for result in seeds:
            lines += [f"Seed {result['seed']}:", "", *_seed(result), ""]
    return "\n".join(lines)


def _says(seeds: Sequence[dict[str, Any]]) -> str:
    numbers = ", ".join(str(result["seed"]) for result in seeds)
    word = "seed" if len(seeds) == 1 else "seeds"
    return (
        f"{len(seeds)} training run{'s' * (len(seeds) > 1)} ({word} {numbers}), "
        f"{seeds[0]['n_test']:,} test images each, on the emulated chip: the mean, and from the "
        "least to the most."
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of Markdown whose first column is of words."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _range(values: Sequence[float], digits: int) -> str:
    mean = f"{sum(values) / len(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _settings(seeds: Sequence[dict[str, Any]]) -> list[list[tuple[dict[str, Any], dict[str, Any]]]]:
    """By setting: each seed's result and its row."""
    names = [row["setting"] for row in seeds[0]["rows"]]
    rows = [{row["setting"]: row for row in result["rows"]} for result in seeds]
    return [[(r, own[name]) for r, own in zip(seeds, rows)] for name in names]


def _ratio(result: dict[str, Any], row: dict[str, Any]) -> float:
    """Energy of the cores over that of today's best row, of the same seed."""
    return row["core_uJ"] / result["rows"][0]["core_uJ"]


def _means(seeds: Sequence[dict[str, Any]]) -> list[str]:
    heads = (
        "mean of seeds (least to most)", "steps", "spikes a neuron", "accuracy, %",
        "loss, points", "synops", "cores, uJ", "of today's best", "early exit: steps",
        "accuracy, %", "cores, uJ",
    )  # fmt: skip
    rows = []
    for key, name in WITHOUT_SPIKES.items():
        relu = [100 * result[key]["accuracy"] for result in seeds]
        rows.append([name, "", "", _range(relu, 2), *[""] * 7])
    for own in _settings(seeds):
        of_it = [row for _, row in own]
        exits = [row["exit"] for row in of_it if row["exit"] is not None]
        ended = ["", "", ""]
        if exits:
            ended = [
                _range([e["mean_steps"] for e in exits], 2),
                _range([100 * e["accuracy"] for e in exits], 2),
                _range([e["core_uJ"] for e in exits], 2),
            ]
        rows.append([
            of_it[0]["setting"], str(of_it[0]["n_steps"]),
            _range([row["spikes_per_neuron"] for row in of_it], 3),
            _range([100 * row["accuracy"] for row in of_it], 2),
            _range([100 * row["loss"] for row in of_it], 2),
            _range([row["synops"] / 1000 for row in of_it], 0) + " k",
            _range([row["core_uJ"] for row in of_it], 2),
            _range([_ratio(result, row) for result, row in own], 3), *ended,
        ])  # fmt: skip
    return _table(heads, rows)


def _goals(seeds: Sequence[dict[str, Any]]) -> list[str]:
    """Which settings reach what was aimed at, of the means and of every seed."""
    steps, spikes, points, share = GOALS
    lines = [
        f"Aimed at: at most {steps} steps, {spikes} spikes a neuron and {points} points lost, and "
        f"{share} of the energy of today's best row.",
        "",
    ]
    for own in _settings(seeds)[1:]:
        name, n = own[0][1]["setting"], len(own)
        worst = [
            ("steps", max(row["n_steps"] for _, row in own), steps, 0),
            ("spikes a neuron", max(row["spikes_per_neuron"] for _, row in own), spikes, 3),
            ("points", max(100 * row["loss"] for _, row in own), points, 2),
            ("of the energy", max(_ratio(*pair) for pair in own), share, 3),
        ]
        missed = [
            f"{value:.{digits}f} {what}" for what, value, goal, digits in worst if value > goal
        ]
        if missed:
            words = f"misses with {', '.join(missed)} at worst"
        else:
            words = f"reaches all of it for {'the seed' if n == 1 else 'every seed'}"
        lines.append(f"* {name}: {words}.")
    return lines


def _ways(seeds: Sequence[dict[str, Any]]) -> list[str]:
    heads = (
        "images follow each other", "steps with the image", "without one", "steps an image",
        "accuracy, %", "synops", "cores, uJ",
    )  # fmt: skip
    rows = []
    for k, way in enumerate(seeds[0]["ways"]):
        own = [result["ways"][k] for result in seeds]
        rows.append([
            way["name"], str(way["n_shown"]), str(way["n_pause"]),
            str(way["n_shown"] + way["n_pause"]), _range([100 * w["accuracy"] for w in own], 2),
            _range([w["synops"] / 1000 for w in own], 0) + " k",
            _range([w["core_uJ"] for w in own], 2),
        ])  # fmt: skip
    n = min(way["n_images"] for result in seeds for way in result["ways"])
    setting = seeds[0]["rows"][1]["setting"]
    says = f"The network of {setting}, with and without a reset, {n:,} test images or more:"
    return [says, "", *_table(heads, rows)]


def _steps(seeds: Sequence[dict[str, Any]]) -> list[str]:
    """Accuracy of reading after each step."""
    own = [s for s in _settings(seeds) if s[0][1]["accuracy_by_step"] is not None]
    most = max(len(s[0][1]["accuracy_by_step"]) for s in own)
    rows = []
    for setting in own:
        curves = [row["accuracy_by_step"] for _, row in setting]
        means = [100 * sum(values) / len(values) for values in zip(*curves)]
        cells = [f"{mean:.2f}" for mean in means]
        rows.append([setting[0][1]["setting"], *cells, *[""] * (most - len(cells))])
    heads = ["accuracy, %, read after step", *(str(k + 1) for k in range(most))]
    return ["From one run, accuracy by the step that is read (mean of seeds):", "",
            *_table(heads, rows)]  # fmt: skip


def _seed(result: dict[str, Any]) -> list[str]:
    heads = (
        "", "steps", "spikes a neuron", "accuracy, % (95%)", "loss, points (95%, paired)",
        "synops", "updates", "cores, uJ", "of today's best", "early exit: steps",
        "accuracy, % (95%)",
    )  # fmt: skip
    rows = [
        [name, "", "", _percent(result[key]), *[""] * 7] for key, name in WITHOUT_SPIKES.items()
    ]
    for row in result["rows"]:
        low, high = (round(100 * end, 2) + 0.0 for end in row["loss_interval"])  # no -0.00
        ended = ["", ""]
        if row["exit"] is not None:
            ended = [f"{row['exit']['mean_steps']:.2f}", _percent(row["exit"])]
        rows.append([
            row["setting"], str(row["n_steps"]), f"{row['spikes_per_neuron']:.3f}", _percent(row),
            f"{100 * row['loss']:.2f} ({low:.2f} to {high:.2f})", f"{row['synops']:,.0f}",
            f"{row['updates']:,.0f}", f"{row['core_uJ']:.2f}", f"{_ratio(result, row):.3f}", *ended,
        ])  # fmt: skip
    return _table(heads, rows)


def _percent(of: dict[str, Any]) -> str:
    low, high = of["interval"]
    return f"{100 * of['accuracy']:.2f} ({100 * low:.2f} to {100 * high:.2f})"


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the runs")
    parser.add_argument("--check", action="store_true", help="compare the page with the runs")
    given = parser.parse_args()
    runs = read(given.results)
    if not runs:
        print(f"{given.results} has no results: run examples/few_steps.py --results first")
        return 2
    page = PAGE.read_text(encoding="utf-8")
    fresh = MARKS.with_tables(page, written(runs))
    if given.check:
        same = fresh == page
        print(f"{PAGE.name} {'is' if same else 'is not'} what the runs give")
        return 0 if same else 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
