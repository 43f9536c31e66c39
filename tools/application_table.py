"""Convert published networks at full size, one at a time, and write the table of docs/layers.md.

    python tools/application_table.py                # all that are installed, and write
    python tools/application_table.py ResNet50 VGG16 # these alone; print, and write nothing

    python tools/application_table.py --results FILE # keeps each result there, and goes on with it

Every model is converted in a process of its own, which is ended when it holds more than
--memory GB. Weights are random, nothing is downloaded. Rows of keras-hub need that package.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from application_models import KERAS_HUB, MODELS
from marked_page import Marks

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "layers.md"
MARKS = Marks("tools/application_table.py")

HEADER = (
    "| Model | Input | Weights | `convert`, s | Peak GB | Neurons | Synapses | |\n"
    "|---|---|--:|--:|--:|--:|--:|---|"
)


def result_of(name: str, memory_GB: float, time_s: float) -> dict[str, Any]:
    """What `application_models` prints for a model, and the most memory that its process held."""
    command = [sys.executable, str(HERE / "application_models.py"), name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    status, peak, ended = Path(f"/proc/{process.pid}/status"), 0, ""
    start, output = time.perf_counter(), None
    while output is None:
        try:  # reads all the while: a process with a full pipe waits
            output, errors = process.communicate(timeout=0.05)
        except subprocess.TimeoutExpired:
            lines = status.read_text().splitlines()
            held = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
            peak = max([peak, *held])
            if peak * 1024 > memory_GB * 1e9:
                ended = f"takes more than {memory_GB:g} GB"
            if time.perf_counter() - start > time_s:
                ended = f"takes more than {time_s:g} s"
            if ended:
                process.kill()
    told = {"peak_GB": peak * 1024 / 1e9, "name": name}
    if ended:
        return {**told, "ended": ended}
    if process.returncode:
        raise SystemExit(f"{name} failed:\n{errors[-3000:]}")
    return {**json.loads(output.splitlines()[-1]), **told}


def line(result: dict[str, Any]) -> str:
    """One row of the table."""
    if "ended" in result:
        return f"| {result['name']} | | | | {result['peak_GB']:.1f} | | | {result['ended']} |"
    cells = [
        result["name"], result["size"], f"{result['weights']:,}", f"{result['seconds']:.0f}",
        f"{result['peak_GB']:.1f}",
    ]  # fmt: skip
    if "reasons" in result:
        cells += ["", "", f"refused: {kinds(result)}"]
    else:
        cells += [f"{result['neurons']:,}", f"{result['synapses']:,}", _converted(result)]
    return f"| {' | '.join(cells)} |"


def kinds(result: dict[str, Any]) -> str:
    """The kinds of layers that are refused, and how many of each."""
    counted = Counter(kind for kind, _ in result["reasons"])
    return ", ".join(f"{kind} ({n})" for kind, n in counted.most_common())


def _converted(result: dict[str, Any]) -> str:
    text = "converted"
    if result["left"]:
        n = result["left"]
        text += f", {n} Node{'s' * (n != 1)} stay{'s' * (n == 1)}"
    if result["uncounted"]:
        text += f", {result['uncounted']} parts uncounted"
    return text


def tables(results: list[dict[str, Any]]) -> str:
    """All that is between the marks: models, and why layers of some are refused."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for kind, reason in result.get("reasons", ()):
            models = reasons.setdefault((kind, reason), [])
            if result["name"] not in models:
                models.append(result["name"])
    lines = ["", HEADER, *map(line, results), "", "| Layer | Because | In |", "|---|---|---|"]
    lines += [
        f"| {kind} | {' '.join(reason.split())} | {', '.join(models)} |"
        for (kind, reason), models in reasons.items()
    ]
    return "\n".join([*lines, ""]) + "\n"


def _kept(path: Path | None) -> dict[str, dict[str, Any]]:
    """Results of an earlier run, by model."""
    if path is None or not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {result["name"]: result for result in map(json.loads, lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", help=f"of {', '.join(MODELS)}; all by default")
    parser.add_argument("--results", type=Path, help="JSON lines, one a model that was converted")
    parser.add_argument("--memory", type=float, default=8.0, help="GB that a process may hold")
    parser.add_argument("--time", type=float, default=600.0, help="s that a model may take")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.models if name not in MODELS]
    if unknown:
        parser.error(f"no model {unknown[0]}: they are {', '.join(MODELS)}")
    chosen = list(arguments.models or MODELS)
    if importlib.util.find_spec("keras_hub") is None:
        chosen = [name for name in chosen if name not in KERAS_HUB]
    kept = _kept(arguments.results)
    for name in chosen:
        if name not in kept:
            print(name, file=sys.stderr, flush=True)
            kept[name] = result_of(name, arguments.memory, arguments.time)
            if arguments.results is not None:
                with arguments.results.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(kept[name]) + "\n")
            print(line(kept[name]), file=sys.stderr, flush=True)
    results = [kept[name] for name in chosen]
    if arguments.models:
        print(tables(results))
    else:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(MARKS.with_tables(page, tables(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
