"""`Case`: a command line on wrong input, and what is said of it; and what is wrong everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .files import Maker, array, content, copy_of, folder_of, pipe


@dataclass(frozen=True)
class Case:
    """A command line, and what is said of it.

    Attributes
    ----------
    line : str
        Without the program's name; ``FILE`` stands for the file.
    words : str
        Part of the sentence. Default: the name of the file.
    file : str
        What the file is called.
    make : callable, optional
        Makes it.
    """

    line: str
    words: str
    file: str = ""
    make: Maker | None = None

    @property
    def arguments(self) -> list[str]:
        return [self.file if word == "FILE" else word for word in self.line.split()]

    @property
    def expected(self) -> str:
        return self.words or self.file

    def __str__(self) -> str:
        return f"{self.line} {self.file}"


def other_things(line: str, ending: str) -> list[Case]:
    """What is given in place of a file by mistake, or to see what happens."""
    return [
        Case(line, "", f"text{ending}", content("a text")),
        Case(line, "", f"folder{ending}", folder_of()),
        Case(line, "", f"pipe{ending}", pipe),
        Case(line, "", f"model{ending}", copy_of("net.h5")),
    ]


def data_cases(line: str) -> list[Case]:
    """Samples that a command can't use."""
    nan = array(np.full((3, 8, 8, 1), np.nan))
    return [
        Case(line, "There is no data file gone.npy", "gone.npy"),
        Case(line, "", "text.npy", content("1 2 3")),
        Case(line, "", "folder.npy", folder_of()),
        Case(line, "data holds no samples", "none.npy", array(np.ones((0, 8, 8, 1)))),
        Case(line, "have shape (3, 8, 9, 1)", "wide.npy", array(np.ones((3, 8, 9, 1)))),
        Case(line, "hold NaN or infinite values, first in sample 0", "nan.npy", nan),
    ]
