"""The memory of functions from call to call: captured, copied, kept in a file, put back.

A function can remember things in the variables that it closes over, in its default arguments and
attributes, in global variables of its module, and in objects that any of these lead to. Pickling
walks all of that. Functions themselves are not pickled but numbered in the order in which they
are met, so that their memory can be given to the same functions of another process, or to copies.

Not covered are class attributes, variables of other modules that functions reach through
imports (NumPy's global generator of random numbers too), and the world outside.
"""

from __future__ import annotations

import dis
import io
import pickle
import types
from collections.abc import Iterator, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.base import NengoObject
from nengo.builder.operator import Operator
from nengo.params import FrozenObject

from ...errors import LoihiError

#: Arrays above this size are lent to copies, which can't write to them, rather than copied.
LENT_BYTES = 2**20

#: Packages in which no function keeps its memory in global variables.
_PACKAGES = ("nengo", "nengo_loihi", "nengo_dl", "numpy", "scipy", "nengo_spikecost")
#: Among the global variables of copies.
_COPY = "__copied_by_nengo_spikecost__"

_LENT = (NengoObject, nengo.Network, FrozenObject, Operator)
_PLAIN = (
    int, float, complex, str, bytes, tuple, frozenset, range, slice, type, np.generic, np.dtype,
    np.ufunc,
)  # fmt: skip
_WRITES = {"STORE_GLOBAL", "DELETE_GLOBAL"}
_WRITES_OUTSIDE = {"STORE_DEREF", "DELETE_DEREF"}


class Memory:
    """The memory of some functions.

    Parameters
    ----------
    roots : sequence of callable
        In an order that is the same in every process.
    signals : sequence of ndarray
        Arrays that are kept elsewhere: views of them are only referred to.

    Attributes
    ----------
    roots : list
        The functions. Objects that are not functions are replaced when memory is put back.
    """

    def __init__(self, roots: Sequence[Any], signals: Sequence[np.ndarray] = ()):
        self.roots = list(roots)
        self._signals = [signal for signal in signals if signal.size]

    def capture(self) -> bytes:
        """All that the functions remember.

        Raises
        ------
        TypeError, AttributeError, pickle.PicklingError
            If some of it can't be kept in a file.
        """
        return _Walk(self.roots, self._signals).data

    def remembers(self) -> bool:
        """Whether the functions remember anything that a call could change."""
        return _Walk(self.roots, self._signals).mutable

    def restore(self, data: bytes) -> None:
        """Give the functions a memory that was captured here or in another process."""
        known = _Walk(self.roots, self._signals)
        self._load(data, known, known.functions)

    def copied(self) -> Memory:
        """Copies of the functions that remember the same and share nothing with them.

        Copies of functions that share something share its copy. Functions that remember
        nothing are not copied.
        """
        walk = _Walk(self.roots, self._signals)
        if not walk.mutable:
            return self
        copy = Memory(self.roots, self._signals)
        copy._load(walk.data, walk, _new_functions(walk.functions))
        return copy

    def _load(self, data: bytes, walk: _Walk, functions: list[Any]) -> None:
        loader = _Loader(io.BytesIO(data), walk, functions, self._signals)
        self.roots = list(loader.load())
        for function in loader.frames():
            _set_frame(function, loader.load())


class _Walk(pickle.Pickler):
    """Pickles everything that functions lead to.

    Attributes
    ----------
    data : bytes
    functions : list
        The functions that are met, in order.
    objects : dict from str to list
        Objects that are lent rather than copied, in order, by name.
    mutable : bool
        Whether a call could change something that was met.
    """

    def __init__(self, roots: Sequence[Any], signals: Sequence[np.ndarray]):
        stream = io.BytesIO()
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self.functions: list[Any] = []
        self.objects: dict[str, list[Any]] = {}
        self.mutable = False
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no two things have one id
        self._signals = signals
        self._modules = {_module(root) for root in roots}
        self.dump(tuple(roots))
        for function in self.functions:  # which grows meanwhile
            self.dump(_frame(function))
            self.mutable |= _writes(function.__code__)
        self.data = stream.getvalue()

    def persistent_id(self, obj: Any) -> Any:
        """A name for objects that are not pickled; None for those that are."""
        if isinstance(obj, types.FunctionType):
            if "<locals>" in obj.__qualname__ or obj.__module__ in self._modules:
                return ("function", self._number(obj, self.functions), obj.__qualname__)
            return self._lent(obj)
        if isinstance(obj, types.ModuleType):
            return ("module", obj.__name__)
        if isinstance(obj, np.ndarray):
            return self._array(obj)
        if isinstance(obj, _LENT) or (isinstance(obj, type) and "<locals>" in obj.__qualname__):
            return self._lent(obj)
        if obj is not None and not isinstance(obj, _PLAIN) and not _is_plain_builtin(obj):
            self.mutable = True
        return None

    def _array(self, array: np.ndarray) -> Any:
        for k, signal in enumerate(self._signals):
            if np.may_share_memory(array, signal):
                offset = array.__array_interface__["data"][0]
                offset -= signal.__array_interface__["data"][0]
                return ("signal", k, offset, array.shape, array.strides, array.dtype.str)
        if array.nbytes > LENT_BYTES:
            return self._lent(array)
        self.mutable = True
        return None

    def _lent(self, obj: Any) -> Any:
        called = _called(obj)
        return ("object", self._number(obj, self.objects.setdefault(called, [])), called)

    def _number(self, obj: Any, known: list[Any]) -> int:
        if id(obj) not in self._numbers:
            self._numbers[id(obj)] = len(known)
            known.append(obj)
            self._kept.append(obj)
        return self._numbers[id(obj)]


class _Loader(pickle.Unpickler):
    """Loads what a `_Walk` pickled, and puts functions and lent objects in."""

    def __init__(
        self, stream: Any, walk: _Walk, functions: list[Any], signals: Sequence[np.ndarray]
    ):
        super().__init__(stream)
        self._walk, self._functions, self._signals = walk, functions, signals
        self._met = 0

    def frames(self) -> Iterator[Any]:
        """The functions that were met, each before its memory is loaded."""
        done = 0
        while done < self._met:
            yield self._functions[done]
            done += 1

    def persistent_load(self, name: Any) -> Any:
        """The object that `_Walk.persistent_id` named."""
        kind, *which = name
        if kind == "module":
            return __import__(which[0], fromlist=["*"])
        if kind == "signal":
            number, offset, shape, strides, dtype = which
            signal = self._signals[number]
            return np.ndarray(shape, dtype, signal.data, offset, strides)
        number, called = which
        known = self._functions if kind == "function" else self._walk.objects.get(called, [])
        obj = known[number] if number < len(known) else None
        if obj is None or _called(obj) != called:
            raise LoihiError(
                f"What was kept of {called!r} is not of this network's functions: it was made "
                "with other code."
            )
        if kind == "function":
            self._met = max(self._met, number + 1)
        if isinstance(obj, np.ndarray):
            obj = obj.view()
            obj.flags.writeable = False
        return obj


def _frame(function: Any) -> tuple[Any, ...]:
    """All places where a function may remember something."""
    cells = tuple(_contents(cell) for cell in function.__closure__ or ())
    names = sorted(_names(function.__code__) & set(function.__globals__))
    package = (function.__module__ or "").split(".")[0]
    known = () if package in _PACKAGES else tuple((n, function.__globals__[n]) for n in names)
    keywords = tuple((function.__kwdefaults__ or {}).items())
    attributes = tuple(function.__dict__.items())
    return cells, function.__defaults__, keywords, attributes, known


def _set_frame(function: Any, frame: tuple[Any, ...]) -> None:
    cells, defaults, keywords, attributes, known = frame
    for cell, contents in zip(function.__closure__ or (), cells):
        if contents:
            cell.cell_contents = contents[0]
    function.__defaults__ = defaults
    function.__kwdefaults__ = dict(keywords) or None
    function.__dict__.clear()
    function.__dict__.update(attributes)
    if _COPY in function.__globals__:  # never the variables of a user's module itself
        function.__globals__.update(known)


def _contents(cell: Any) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # nothing in it yet
        return ()


def _new_functions(functions: Sequence[Any]) -> list[Any]:
    """Functions of the same code, with cells and global variables of their own."""
    variables: dict[int, dict[str, Any]] = {}
    cells: dict[int, Any] = {}
    copies = []
    for function in functions:
        own = variables.setdefault(id(function.__globals__), {**function.__globals__, _COPY: True})
        given = function.__closure__ or ()
        closure = tuple(cells.setdefault(id(cell), types.CellType()) for cell in given)
        copy = types.FunctionType(function.__code__, own, function.__name__, None, closure)
        copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
        copies.append(copy)
    return copies


def _called(obj: Any) -> str:
    return str(getattr(obj, "__qualname__", type(obj).__qualname__))


def _module(root: Any) -> Any:
    return getattr(root, "__module__", None) or type(root).__module__


def _is_plain_builtin(obj: Any) -> bool:
    """Whether it is a function of a module; methods can change like their objects."""
    module = (type(None), types.ModuleType)
    return isinstance(obj, types.BuiltinFunctionType) and isinstance(obj.__self__, module)


def _codes(code: Any) -> Iterator[Any]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _names(code: Any) -> set[str]:
    return {name for part in _codes(code) for name in part.co_names}


def _writes(code: Any) -> bool:
    """Whether a function assigns to variables of its module or of functions around it."""
    for part in _codes(code):
        for step in dis.get_instructions(part):
            outside = step.opname in _WRITES_OUTSIDE and step.argval in part.co_freevars
            if outside or step.opname in _WRITES:
                return True
    return False
