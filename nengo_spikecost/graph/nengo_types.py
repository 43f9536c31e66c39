"""What a subclass of one of Nengo's classes is: its base, or something of its own.

Nengo and NengoLoihi find the function that builds an object along its class' base classes. So a
subclass is its base, unless a function of its own is registered for it, or it replaces what the
base's function calls.
"""

from __future__ import annotations

from typing import Any

import nengo
from nengo.builder import Builder
from nengo.params import Parameter

from ..inheritance import overridden

#: Methods of Nengo's classes that describe objects, or are never called in a simulation.
_DESCRIBING = frozenset((
    "_argreprs", "_argdefaults", "_paramdict", "params", "_param_init_order", "__hash__", "__eq__",
    "__ne__", "_initialized", "_FrozenObject__argreprs", "probeable", "__getnewargs__",
))  # fmt: skip


def is_passthrough(obj: Any) -> bool:
    """Whether an object is a Node that only hands on its input.

    A subclass of Node does as well, as the relays of nengo_spa: unless it is built in a way of its
    own, as a `nengo_dl.TensorNode`, which has no output function of Nengo's, but computes.
    """
    return isinstance(obj, nengo.Node) and obj.output is None and is_built_as(obj, nengo.Node)


def is_whole(part: Any) -> bool:
    """Whether a slice of a Connection's end leaves nothing out and in its order.

    A part may also be an array of numbers, which compares element by element with a slice.
    """
    return isinstance(part, slice) and part == slice(None)


def is_built_as(obj: Any, base: type) -> bool:
    """Whether Nengo builds an object as it builds its base class."""
    classes = type(obj).__mro__
    return not any(cls in Builder.builders for cls in classes[: classes.index(base)])


def replaced(obj: Any, base: type) -> tuple[str, ...]:
    """What the class of an object has of its own that makes it something else than its base.

    Parameters
    ----------
    obj : NeuronType, Transform, Process, Synapse, LearningRuleType
    base : type
        One of its base classes.

    Returns
    -------
    tuple of str
        Names of what is replaced. A parameter with another default value is no
        replacement. ``"builder"`` stands for a function of its own that builds it.
    """
    names = [
        name
        for name in overridden(type(obj), base, _DESCRIBING)
        if not _is_parameter(type(obj), base, name)
    ]
    return (*names, *(() if is_built_as(obj, base) else ("builder",)))


def _is_parameter(cls: type, base: type, name: str) -> bool:
    """Whether a class only declares a parameter again, with another default."""
    one, other = (_declared(owner, name) for owner in (cls, base))
    return isinstance(one, Parameter) and type(one) is type(other)


def _declared(cls: type, name: str) -> Any:
    return next((vars(own)[name] for own in cls.__mro__ if name in vars(own)), None)
