"""Run what other tools recorded, and write the tables of docs/nir.md.

    python tools/nir_table.py              # run all, about half a minute, and write
    python tools/nir_table.py --check      # run, and compare with the page

Only what is between the two marks of the page is written. ``tests/nir/test_nir_table.py`` holds the
page to the recordings.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import nir_cases
from marked_page import Marks

from nengo_spikecost.errors import ConversionError, ConversionWarning
from nengo_spikecost.nir import CONVENTIONS, Convention

PAGE = Path(__file__).resolve().parents[1] / "docs" / "nir.md"
MARKS = Marks("tools/nir_table.py")

#: Tools in the order of the page, with what is said of them.
TOOLS = {
    "snntorch": "snnTorch", "norse": "Norse", "spikingjelly": "SpikingJelly", "sinabs": "Sinabs",
    "rockpool": "Rockpool", "lava-dl": "Lava", "nir-paper": "NIR's paper",
}  # fmt: skip

BY_ITSELF = (
    "Every step of every neuron is compared with what the tool did, or its equations where it was "
    "not run. *Read by itself* is what the tool's own reader makes of the same graph and input: "
    "how many outputs of the last layer are others."
)


def conventions() -> Iterator[str]:
    """The table of conventions."""
    yield "| Convention | dt | A step, after `x` comes in | Spikes at | Reset | Starts at |"
    yield "|---|--:|---|---|---|---|"
    for given in CONVENTIONS.values():
        dt = "of the graph" if given.dt is None else f"{given.dt:g}"
        fires = ">= threshold" if given.at_threshold else "> threshold"
        fires += ", several a step" if given.several else ""
        start = {"zero": "0"}.get(given.start, given.start)
        yield (f"| `{given.name}` | {dt} | {_step(given)} | {fires} | {_reset(given)} | {start} |")


def _step(given: Convention) -> str:
    decay = "1 - q" if given.decay == "euler" else "exp(-q)"
    gain = {"euler": "r q", "exact": "r (1 - a)", "undecayed": "1", "plain": "r"}[given.gain]
    unit = f", tau / {given.tau_unit:g}" if given.tau_unit != 1 else ""
    return f"a = {decay}, b = {gain}{unit}"


def _reset(given: Convention) -> str:
    words = {"value": "to v_reset", "subtract": "by the threshold", "none": "none"}[given.reset]
    return f"{words}, {'in the next step' if given.delayed else 'at once'}"


def compared(case: nir_cases.Case) -> tuple[str, str]:
    """Spikes of the tool, and how many of ours are at other steps; in words."""
    total = int(sum(spikes.sum() for name, spikes in case.spikes.items() if name != "output"))
    try:
        steps = nir_cases.run(case.network(), case.inputs)
    except ConversionError as error:
        return f"{total:,}", f"refused: {error}"
    other = missing = 0
    for name, spikes in case.spikes.items():
        if name == "output" and len(case.spikes) > 1:
            continue
        if name not in steps:
            missing += int(spikes.sum())
            continue
        other += int(np.abs(steps[name].reshape(spikes.shape) - spikes).sum())
    words = [f"{other:,}"]
    if missing:
        words.append(f"{missing:,} of layers that are not in the file")
    apart = [
        np.abs(steps[name].reshape(values.shape) - values).max()
        for name, values in case.values.items()
        if name in steps
    ]
    if apart:
        words.append(f"membranes within {_power(max(apart))}")
    return f"{total:,}" if case.spikes else "-", ", ".join(words) if case.spikes else words[-1]


def _power(value: float) -> str:
    """The power of ten above a difference."""
    return f"1e{int(np.ceil(np.log10(max(value, 1e-7))))}"


def recordings() -> Iterator[str]:
    """A table a tool: each network, what its file leaves out or says oddly, and the spikes."""
    cases = list(nir_cases.cases())
    for tool, title in TOOLS.items():
        own = [case for case in cases if case.about["tool"] == tool]
        if not own:
            continue
        about = own[0].about
        ran = "" if about["ran"] else ", written by hand with its formulas, and stepped by NumPy"
        yield f"### {title}"
        yield ""
        yield f"{title} {about['version']}{ran}, nir {about['nir']}."
        said = [text for case in own for text in dict.fromkeys(_remarks(case))]
        usual = [t for t in dict.fromkeys(said) if len(own) > 1 and 2 * said.count(t) > len(own)]
        if usual:
            yield f"Usually: {_cell('; '.join(usual))}."
        yield ""
        tried = any(case.about["read_back"] != "not tried" for case in own)
        yield (
            f"| Network | Left out, or odd | `nir.read` |{' Read by itself |' * tried} Its spikes "
            "| At other steps here |"
        )
        yield f"|---|---|---|{'---|' * tried}--:|---|"
        for case in own:
            name = case.name.split("_", 1)[1].replace("_", " ")
            odd = [text for text in _remarks(case) if text not in usual]
            reads = "yes" if case.about["nir_reads_it"] == "yes" else "no"
            itself = f" {_cell(case.about['read_back'])} |" * tried
            spikes, others = compared(case)
            yield (
                f"| {name} | {_cell('; '.join(odd))} | {reads} |{itself} {spikes} "
                f"| {_cell(others)} |"
            )
        yield ""


def _remarks(case: nir_cases.Case) -> list[str]:
    """What is malformed in its file, and what is not there."""
    return [*case.about["odd"], *(f"not there: {text}" for text in case.about["lost"])]


def refusals() -> Iterator[str]:
    """What the tools could not export."""
    with (nir_cases.FOLDER / "refused.json").open(encoding="utf-8") as file:
        refused: dict[str, list[dict[str, Any]]] = json.load(file)
    yield "| Tool | Network | What it says |"
    yield "|---|---|---|"
    for tool, rows in refused.items():
        for row in rows:
            yield f"| {TOOLS.get(tool, tool)} | {_cell(row['network'])} | {_cell(row['error'])} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def tables() -> str:
    """Everything between the marks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionWarning)
        parts = [
            "## What each convention is", "", *conventions(), "",
            "## What other tools wrote, and what it does here", "", BY_ITSELF, "", *recordings(),
            "## What they could not write", "", *refusals(),
        ]  # fmt: skip
    return "\n" + "\n".join(parts) + "\n\n"


def main() -> None:
    """Run all, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    new = MARKS.with_tables(page, tables())
    if not given.check:
        PAGE.write_text(new, encoding="utf-8")
    elif new != page:
        raise SystemExit("docs/nir.md is not as it is measured now: run tools/nir_table.py.")


if __name__ == "__main__":
    main()
