"""Run the Python in the pages of docs/ and hold, or put, its output beside it.

    python tools/doc_pages.py                      # write the output into all pages
    python tools/doc_pages.py docs/counting.md     # into one

The ``python`` blocks of a page run from top to bottom in one namespace. A ``text`` block
right after one is what that block prints. A block with a ``:caption:`` is a file of that
name, written before the next block runs; so is a file that is included. ``tests/test_docs.py``
runs the same pages and compares, so a page cannot show what the code no longer does.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = (
    "../README",
    "quickstart",
    "reports",
    "files",
    "json",
    "counting",
    "compiled",
    "cost_models",
    "loihi_chip",
    "chips",
    "break_even",
    "from_model_energy",
    "stack",
    "scale_out",
    "lowering",
    "placement",
    "block_shapes",
    "deploying",
    "emulation",
    "nir",
    "nir_out",
    "tuning",
    "advice",
    "sweep",
    "training",
    "extending",
)

_FENCE = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CAPTION = re.compile(r"\A:caption: (\S+)\n\s*\n")
_KERAS_BAR = re.compile(r"^.*\d+/\d+ \[[=>.]+\].*\n", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: where it is, its language and its content."""

    start: int
    end: int
    language: str
    content: str


@dataclass(frozen=True)
class Shown:
    """What a Python block printed, and the ``text`` block that follows it, if one does."""

    code: Block
    output: str
    text: Block | None


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    for match in _FENCE.finditer(page):
        kind, argument, content = match.groups()
        language = argument if kind == "{code-block}" and argument else kind
        if kind == "{literalinclude}":
            language, file = "file", DOCS / argument
            content = f":caption: {file.name}\n\n{file.read_text(encoding='utf-8')}"
        found.append(Block(match.start(), match.end(), language, content))
    return found


def run(page: str) -> Iterator[Shown]:
    """Run a page's Python in the current folder, block after block.

    Yields
    ------
    Shown
        After each block. An error of a block is raised as it is.
    """
    module = types.ModuleType("__page__")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    namespace: dict[str, Any] = vars(module)
    found = blocks(page)
    for block, after in zip(found, [*found[1:], None]):
        caption = _CAPTION.match(block.content)
        if caption:
            Path(caption[1]).write_text(block.content[caption.end() :])
        if block.language != "python":
            continue
        follows = (
            after is not None
            and after.language == "text"
            and not page[block.end : after.start].strip()
        )
        printed = io.StringIO()
        place = f"<line {page[: block.start].count(chr(10)) + 1} of the page>"
        code = compile(_CAPTION.sub("", block.content), place, "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        output = _KERAS_BAR.sub("", printed.getvalue())  # with the time it took
        yield Shown(block, output, after if follows else None)


def same_output(expected: str, found: str, tolerance: float) -> bool:
    """Whether two texts agree: numbers within a relative tolerance, the rest exactly.

    Blanks do not count, since the width of a column follows its numbers.
    """
    if _NUMBER.sub("#", expected).split() != _NUMBER.sub("#", found).split():
        return False
    pairs = zip(_NUMBER.findall(expected), _NUMBER.findall(found))
    numbers = [(float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in pairs]
    return all(abs(a - b) <= tolerance * max(abs(a), abs(b)) for a, b in numbers)


def with_output(page: str, shown: list[Shown]) -> str:
    """The page with every ``text`` block replaced by what was printed."""
    for part in reversed([s for s in shown if s.text is not None]):
        assert part.text is not None
        lines = "\n".join(line.rstrip() for line in part.output.rstrip().split("\n"))
        page = f"{page[: part.text.start]}```text\n{lines}\n```{page[part.text.end :]}"
    return page


def main() -> None:
    warnings.simplefilter("ignore")
    paths = [Path(p).resolve() for p in sys.argv[1:]] or [DOCS / f"{p}.md" for p in PAGES]
    for path in paths:
        page = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            sys.path.insert(0, folder)  # a page may import a file that it shows
            shown = list(run(page))
            sys.path.remove(folder)
            os.chdir(DOCS)
        path.write_text(with_output(page, shown), encoding="utf-8")
        print(f"{path.name}: {len(shown)} blocks run")


if __name__ == "__main__":
    main()
