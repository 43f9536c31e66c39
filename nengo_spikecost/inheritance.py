"""Whether a subclass is still what its base class is.

Rules, converters and simulators know the classes of libraries. A user's subclass that adds
a name, an argument or a method of its own computes what its base does, and is treated as the base.
One that replaces something the base has may compute anything.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

#: Attributes that every class has of its own, or that change how an object is made and shown.
_OWN = frozenset((
    "__init__", "__new__", "__repr__", "__str__", "__module__", "__qualname__", "__name__",
    "__doc__", "__dict__", "__weakref__", "__annotations__", "__slots__", "__orig_bases__",
    "__parameters__", "__init_subclass__", "__class_getitem__", "__abstractmethods__",
    "_abc_impl", "__firstlineno__", "__static_attributes__", "__annotate__",
    "__annotate_func__", "__annotations_cache__", "__reduce__", "__reduce_ex__", "__getstate__",
    "__setstate__", "__copy__", "__deepcopy__", "__dir__",
))  # fmt: skip


def overridden(cls: type, base: type, besides: Container[str] = ()) -> tuple[str, ...]:
    """What a subclass replaces of its base.

    Parameters
    ----------
    cls : type
    base : type
        One of its base classes, or the class itself.
    besides : container of str
        Names that may be replaced without changing what is computed.

    Returns
    -------
    tuple of str
        Names of attributes, sorted. Those that the base does not have are no replacement; nor
        are ``__init__`` and the like, nor an attribute set to the value that it had.

    Examples
    --------
    >>> class Base:
    ...     def step(self): ...
    >>> class Named(Base):
    ...     def __init__(self, name): ...
    >>> class Other(Named):
    ...     def step(self): ...
    >>> overridden(Named, Base), overridden(Other, Base)
    ((), ('step',))
    """
    names = set()
    for own in cls.__mro__[: cls.__mro__.index(base)]:
        for name, value in vars(own).items():
            if name in _OWN or name in besides or not hasattr(base, name):
                continue
            if not _is_same(value, getattr(base, name)):
                names.add(name)
    return tuple(sorted(names))


def _is_same(one: Any, other: Any) -> bool:
    plain = (bool, int, float, str, bytes, tuple, frozenset, type(None))
    return one is other or (isinstance(one, plain) and type(one) is type(other) and one == other)
