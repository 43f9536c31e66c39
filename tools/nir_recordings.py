"""Make ``tests/nir/recordings``: networks that other tools ran, and the NIR graphs they wrote.

Needs its own environment, with Python 3.11 and none of this package in it::

    python3.11 -m venv nirtools
    nirtools/bin/pip install -r constraints/nir_tools.txt
    nirtools/bin/python tools/nir_recordings.py

Each recording is a graph (``TOOL_NAME.nir``), exactly as the tool exports it, and what the tool did
with an input (``TOOL_NAME.npz``): ``input`` of (samples, steps, ...), ``spikes/NODE`` and
``values/NODE`` of the same order for every neuron layer and for the last layer (``output``), and
``about``, JSON with the tool's version and how it steps; see ``nir_recording_file.Recording``.
``refused.json`` lists what each tool could not export, with its words.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

import nir_recording_lava
import nir_recording_norse
import nir_recording_paper
import nir_recording_rockpool
import nir_recording_sinabs
import nir_recording_snntorch
import nir_recording_spikingjelly
import torch
from nir_recording_back import read_back
from nir_recording_file import refusal, save

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "nir" / "recordings"

TOOLS = {
    "snntorch": nir_recording_snntorch,
    "norse": nir_recording_norse,
    "spikingjelly": nir_recording_spikingjelly,
    "sinabs": nir_recording_sinabs,
    "rockpool": nir_recording_rockpool,
    "lava-dl": nir_recording_lava,
    "nir-paper": nir_recording_paper,
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in [*FOLDER.glob("*.nir"), *FOLDER.glob("*.npz")]:
        old.unlink()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    refused: dict[str, list[dict[str, str]]] = {}
    for name, tool in TOOLS.items():
        for recording in tool.recordings():
            recording.read_back = read_back(recording)
            save(recording, FOLDER)
            print(f"{recording.tool} {recording.name}: read back, {recording.read_back}")
        exported = []
        refused[name] = []
        for about, export in tool.refused():
            row = refusal(about, export, FOLDER / "refused.nir")
            if row is None:
                exported.append(about)
            else:
                refused[name].append(row)
        if exported:
            raise SystemExit(f"{name} exports what it refused before: {exported}")
    (FOLDER / "refused.json").write_text(json.dumps(refused, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # nirtorch takes its edges from a set of names, whose order depends on this
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    main()
