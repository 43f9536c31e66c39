"""What other tools said of the networks of the scoreboard, as it is kept: energies of one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).with_name("scoreboard_recordings.json")


def recorded() -> dict[str, Any]:
    """By tool: its ``version``, and ``runs`` by the name of what it was given.

    A run has ``J``, or ``refused`` with the tool's own words; and ``step_s`` and ``synops`` where
    the tool says so.
    """
    if not RECORDINGS.exists():
        return {}
    content: dict[str, Any] = json.loads(RECORDINGS.read_text(encoding="utf-8"))
    return content


def record(tool: str, content: dict[str, Any]) -> None:
    """Put a tool's answers into the file, in place of its old ones."""
    everything = {**recorded(), tool: content}
    text = json.dumps(dict(sorted(everything.items())), indent=1)
    RECORDINGS.write_text(text + "\n", encoding="utf-8")
