"""The rooms of the package: one order, and no circle, as docs/architecture.md draws it."""

from __future__ import annotations

import ast
import collections
import functools
import graphlib
import re
from importlib.util import resolve_name
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "nengo_spikecost"
PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"


@functools.cache
def modules() -> dict[str, Path]:
    files = {p: p.relative_to(PACKAGE.parent).with_suffix("") for p in PACKAGE.rglob("*.py")}
    return {".".join(x for x in name.parts if x != "__init__"): p for p, name in files.items()}


@functools.cache
def imports() -> list[tuple[str, str]]:
    """Every import of the package: at top level, in functions, and for types alike."""
    known, found = modules(), []
    for importer, path in known.items():
        package = importer if path.stem == "__init__" else importer.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                base = resolve_name("." * node.level + (node.module or ""), package)
                for name in [f"{base}.{alias.name}" for alias in node.names]:
                    found.append((importer, name if name in known else base))
    return found


def floors() -> dict[str, int]:
    """The floor of every room, from the drawing: the ground floor is the last line."""
    (drawing,) = re.findall(r"```text\n# rooms.*\n((?:.+\n)+)```", PAGE.read_text())
    lines = list(reversed(drawing.splitlines()))
    return {room: floor for floor, line in enumerate(lines) for room in line.split()}


def test_no_room_imports_one_beside_or_above_it():
    floor, upward = floors(), []
    for importer, imported in imports():
        rooms = [(*name.split("."), "__init__")[1] for name in (importer, imported)]
        if imported in modules() and rooms[0] != rooms[1] and floor[rooms[0]] <= floor[rooms[1]]:
            upward.append((importer, imported))
    assert not upward


def test_the_drawing_has_every_room():
    rooms = {(*name.split("."), "__init__")[1] for name in modules()}
    assert set(floors()) == rooms


def test_no_circle_between_files_or_folders():
    graphs = collections.defaultdict(lambda: collections.defaultdict(set))
    for importer, imported in imports():
        graphs["files"][importer].add(imported)
        for depth in range(1, importer.count(".") + 1):  # the folders of every folder
            a, b = (name.split(".")[: depth + 1] for name in (importer, imported))
            if a[:depth] == b[:depth] and a != b and len(b) > depth:
                graphs[".".join(a[:depth])][a[depth]].add(b[depth])
    for graph in graphs.values():
        graphlib.TopologicalSorter(graph).prepare()  # CycleError names the circle


def test_file_names_are_unique():
    names = [p.stem for p in PACKAGE.rglob("*.py") if not p.stem.startswith("__")]
    assert [name for name, n in collections.Counter(names).items() if n > 1] == []
