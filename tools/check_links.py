"""Follow every link of built pages to a file or a heading among them.

    python tools/check_links.py docs/_build/html

Sphinx warns of links in the sources that lead nowhere; this looks at what came of them, whatever
made it: docstrings, tables, notebooks, the glossary.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Names that a page can be entered at, and places that it leads to."""

    def __init__(self, path: Path):
        super().__init__()
        self.names: set[str] = {""}
        self.places: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key == "id" or (key == "name" and tag == "a"):
                self.names.add(value or "")
            elif key in ("href", "src") and tag != "link":
                self.places.append(value or "")


def broken(folder: Path) -> Iterable[str]:
    """What leads nowhere: the page, and the link."""
    folder = folder.resolve()
    pages = {path.resolve(): Page(path) for path in folder.rglob("*.html")}
    for path, page in pages.items():
        for place in page.places:
            parts = urlsplit(place)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages.get(target)
            if not target.exists() or (known and unquote(parts.fragment) not in known.names):
                yield f"{path.relative_to(folder)}: {place}"


def main() -> None:
    found = sorted(set(broken(Path(sys.argv[1]))))
    print("\n".join(found) or "All links among the pages lead somewhere.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
