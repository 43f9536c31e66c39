"""One small registry, used wherever behaviour is looked up by type.

Fan-out rules, layer counters and cost models are plain functions registered under the
type (or name) they handle, after the manner of ``nengo.builder.Builder``. A newcomer adds
a rule by writing one function; nobody edits a chain of ``if isinstance``.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Callable, Generic, TypeVar

from .errors import OverwriteWarning

Rule = TypeVar("Rule")


class TypeRegistry(Generic[Rule]):
    """Functions found by the type of an object, along its method resolution order.

    Rules are of two kinds. Those that are registered, by the package or by the user, are there at
    once. *Defaults* are for types of libraries that may never be imported: each library has a
    function that makes its rules, and is asked once the library is there. Defaults are kept apart,
    so that a rule that is registered for the same type wins, whichever came first.

    Parameters
    ----------
    what : str
        Name of the rules, for messages: ``"fan-out rule"``.
    differs : callable, optional
        From an object and one of its base classes to what its class replaces of that base, if
        anything: such an object has no rule, unless its own class has one. Default: the rule of a
        base class holds for all subclasses.
    """

    def __init__(self, what: str, differs: Callable[[Any, type], Any] | None = None):
        self.what = what
        self._differs = differs
        self._rules: dict[type, Rule] = {}
        self._defaults: dict[type, Rule] = {}
        self._waiting: dict[str, Callable[[Any], Mapping[type, Rule]]] = {}

    def add_defaults(self, module: str, rules: Callable[[Any], Mapping[type, Rule]]) -> None:
        """Rules for the types of a module, made when it is imported and one is looked for.

        Parameters
        ----------
        module : str
            Name of the module; nothing here imports it.
        rules : callable
            From the module to the rules by type.
        """
        self._waiting[module] = rules

    def register(self, *types: type) -> Callable[[Rule], Rule]:
        """Decorator that registers a function for one or more types.

        Warns with `OverwriteWarning` if a type already has a rule.

        Raises
        ------
        TypeError
            If a rule is registered for something else than a type.
        """
        for cls in types:
            if not isinstance(cls, type):
                raise TypeError(f"A {self.what} is registered for a type, not for {cls!r}.")

        def decorator(rule: Rule) -> Rule:
            for cls in types:
                if cls in self:
                    words = f"{cls.__name__} already has a {self.what}. Overwriting."
                    warnings.warn(words, OverwriteWarning, stacklevel=2)
                self._rules[cls] = rule
            return rule

        return decorator

    def find(self, obj: Any) -> Rule | None:
        """The rule of the nearest base class of ``obj`` that has one, or None."""
        self._ask_imported()
        for cls in type(obj).__mro__:
            for rules in (self._rules, self._defaults):
                if cls in rules:
                    other = self._differs is not None and self._differs(obj, cls)
                    return None if other else rules[cls]
        return None

    def _ask_imported(self) -> None:
        """Get the defaults of modules that have been imported since the last time."""
        for module in [name for name in self._waiting if name in sys.modules]:
            self._defaults.update(self._waiting[module](sys.modules[module]))
            del self._waiting[module]

    def __contains__(self, cls: Hashable) -> bool:
        self._ask_imported()
        return cls in self._rules or cls in self._defaults

    def __iter__(self) -> Iterator[type]:
        self._ask_imported()
        return iter({**self._defaults, **self._rules})
