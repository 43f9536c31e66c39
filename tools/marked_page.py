"""The part of a page that a script writes, between two marks; the words around it are by hand."""

from __future__ import annotations


class Marks:
    """The marks of a script in its page.

    Parameters
    ----------
    script : str
        As the marks name it: ``"tools/layer_table.py"``.
    """

    def __init__(self, script: str):
        self.begin = f"% begin of what {script} writes\n"
        self.end = f"% end of what {script} writes\n"

    def parts(self, page: str) -> tuple[str, str, str]:
        """What is before, between and behind the marks, which are left out of all three."""
        before, begin, rest = page.partition(self.begin)
        between, end, behind = rest.partition(self.end)
        if not (begin and end):
            raise ValueError(f"The page lacks a mark: {self.end if begin else self.begin}")
        return before, between, behind

    def written(self, page: str) -> str:
        """What is between the marks of a page."""
        return self.parts(page)[1]

    def with_tables(self, page: str, fresh: str) -> str:
        """The page with something else between its marks."""
        before, _, behind = self.parts(page)
        return f"{before}{self.begin}{fresh}{self.end}{behind}"
