"""Merge ``pip freeze --all`` of several Pythons into one constraints file.

    python tools/merge_pins.py 3.11=freeze311.txt 3.12=freeze312.txt > constraints/tf2.21.txt

A package with one version on every Python gets one line; otherwise one line per version,
with an environment marker. pip itself and editable installs are left out.
"""

from __future__ import annotations

import sys
from collections import defaultdict


def read_pins(path: str) -> dict[str, str]:
    """Distribution name to version, of one freeze."""
    with open(path) as lines:
        pins = [line.strip().split("==") for line in lines if "==" in line]
    return {name: number for name, number in pins if name != "pip"}


def marker(versions: list[str]) -> str:
    """Environment marker that is true on these versions of Python only."""
    return " or ".join(f'python_version == "{v}"' for v in versions)


def merged(freezes: dict[str, dict[str, str]]) -> list[str]:
    """Lines of the constraints file, in alphabetical order."""
    pins: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for python, freeze in freezes.items():
        for name, number in freeze.items():
            pins[name][number].append(python)
    lines = []
    for name in sorted(pins, key=str.lower):
        for number, pythons in pins[name].items():
            everywhere = len(pythons) == len(freezes)
            lines.append(f"{name}=={number}" + ("" if everywhere else f" ; {marker(pythons)}"))
    return lines


def main() -> None:
    pairs = [argument.split("=", 1) for argument in sys.argv[1:]]
    print(f"# Python {', '.join(python for python, _ in pairs)}: see CONTRIBUTING.md to renew.")
    print("\n".join(merged({python: read_pins(path) for python, path in pairs})))


if __name__ == "__main__":
    main()
