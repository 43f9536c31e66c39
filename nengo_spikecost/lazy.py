"""Public names of a package that are imported when they are first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any, Callable


def lazy_names(
    package: str, places: Mapping[str, str], submodules: str = ""
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    places : mapping from str to str
        By module of the package, the names that it defines, with blanks between them.
    submodules : str
        Modules of the package that are public themselves, with blanks between them.
    """
    modules = {name: place for place, names in places.items() for name in names.split()}
    public = [*sorted(modules), *submodules.split()]

    def getattr_(name: str) -> Any:
        if name not in public:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f"{package}.{modules.get(name, name)}")
        value = getattr(module, name) if name in modules else module
        setattr(sys.modules[package], name, value)
        return value

    def dir_() -> list[str]:
        return sorted({*vars(sys.modules[package]), *public})

    return getattr_, dir_, public
