"""Run something around, or right after, the first import of some modules.

A finder at the head of ``sys.meta_path`` lets the ordinary finders find each module and
wraps its loader; the module itself keeps its ordinary loader. An import costs one
dictionary look-up when the module is not one of ours.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from typing import Any

Around = Mapping[str, Callable[[], "contextlib.AbstractContextManager[None]"]]
After = Mapping[str, Callable[[types.ModuleType], None]]


class HookedLoader(importlib.abc.Loader):
    """The loader `inner`, with a context entered around and a call made after it."""

    def __init__(self, inner: Any, around: Any, after: Any):
        self._inner = inner
        self._around = around
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        created: types.ModuleType | None = self._inner.create_module(spec)
        return created

    def exec_module(self, module: types.ModuleType) -> None:
        # inspect, pickle and importlib.resources shall see the ordinary loader
        module.__loader__ = self._inner
        if module.__spec__ is not None:
            module.__spec__.loader = self._inner
        with self._around():
            self._inner.exec_module(module)
        self._after(module)


class HookedFinder(importlib.abc.MetaPathFinder):
    """Finds the modules named in `around` and `after`, and leaves all others alone.

    Parameters
    ----------
    around : mapping of str to callable
        Full module name to a function that gives the context to import it in.
    after : mapping of str to callable
        Full module name to a function that is called with the imported module.
    """

    def __init__(self, around: Around, after: After):
        self.around = dict(around)
        self.after = dict(after)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.around and fullname not in self.after:
            return None
        spec = self._ordinary_spec(fullname, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = HookedLoader(
                spec.loader,
                self.around.get(fullname, contextlib.nullcontext),
                self.after.get(fullname, lambda module: None),
            )
        return spec

    def _ordinary_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(fullname, path, target)
            if spec is not None:
                return spec
        return None

    def patch_loaded(self) -> None:
        """Call the functions of `after` on the modules that are already imported."""
        for name, patch in self.after.items():
            module = sys.modules.get(name)
            if module is not None:
                patch(module)
