"""One small registry, used wherever behaviour is looked up by type.

Fan-out rules, layer counters and cost models are plain functions registered under the
type (or name) they handle, after the manner of ``nengo.builder.Builder``. A newcomer adds
a rule by writing one function; nobody edits a chain of ``if isinstance``.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator
from typing import Any, Callable, Generic, TypeVar

from .errors import OverwriteWarning

Rule = TypeVar("Rule")


class TypeRegistry(Generic[Rule]):
    """Functions found by the type of an object, along its method resolution order.

    Parameters
    ----------
    what : str
        What is registered, in words, for messages: ``"fan-out rule"``.
    """

    def __init__(self, what: str):
        self.what = what
        self._rules: dict[type, Rule] = {}

    def register(self, *types: type) -> Callable[[Rule], Rule]:
        """Decorator that registers a function for one or more types.

        Warns with `OverwriteWarning` if a type already has a rule.

        Raises
        ------
        TypeError
            If something is registered for what is no type.
        """
        for cls in types:
            if not isinstance(cls, type):
                raise TypeError(f"A {self.what} is registered for a type, not for {cls!r}.")

        def decorator(rule: Rule) -> Rule:
            for cls in types:
                if cls in self._rules:
                    warnings.warn(
                        f"{cls.__name__} already has a {self.what}. Overwriting.",
                        OverwriteWarning,
                        stacklevel=2,
                    )
                self._rules[cls] = rule
            return rule

        return decorator

    def find(self, obj: Any) -> Rule | None:
        """The rule of the nearest registered base class of ``obj``, or None."""
        for cls in type(obj).__mro__:
            if cls in self._rules:
                return self._rules[cls]
        return None

    def __contains__(self, cls: Hashable) -> bool:
        return cls in self._rules

    def __iter__(self) -> Iterator[type]:
        return iter(self._rules)
