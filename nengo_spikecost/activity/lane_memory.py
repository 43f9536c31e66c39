"""The memory of functions from call to call: captured, copied, kept in a file, put back.

A function can remember things in the variables that it closes over, in its default arguments and
attributes, in global variables of its module, and in objects that any of these lead to. Pickling
walks all of that. Functions themselves are not pickled but numbered in the order in which they
are met, so that their memory can be given to the same functions of another process, or to copies.

Not covered are class attributes, variables that are reached through an imported module, NumPy's
global generator of random numbers, and the world outside: shared_memory.py watches the first three.
"""

from __future__ import annotations

import dis
import io
import pickle
import sys
import sysconfig
import types
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.base import NengoObject
from nengo.builder.operator import Operator
from nengo.params import FrozenObject

from ..errors import MeasurementError

#: Arrays above this size are lent to copies, which can't write to them, rather than copied.
LENT_BYTES = 2**20

#: Up to how many bytes arrays are copied for all lanes together, however large each is.
COPIED_BYTES = 2**28

#: Packages in which no function keeps its memory in global variables.
_PACKAGES = {"nengo", "nengo_loihi", "nengo_dl", "numpy", "scipy", "nengo_spikecost"}
#: Packages whose objects are pickled slowly, or not at all.
_HEAVY = {"tensorflow", "keras", "tf_keras", "torch", "jax", "jaxlib"}
#: Where installed packages and Python's own modules are.
_INSTALLED = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"))
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
    n_copies : int
        How many copies there will be: larger arrays are copied for few than for many.

    Attributes
    ----------
    roots : list
        The functions. Objects that are not functions are replaced when memory is put back.
    """

    def __init__(
        self, roots: Sequence[Any], signals: Sequence[np.ndarray] = (), n_copies: int | None = None
    ):
        self.roots = list(roots)
        self._signals = [signal for signal in signals if signal.size]
        self._lent_bytes = max(LENT_BYTES, COPIED_BYTES // n_copies if n_copies else 0)

    def walk(self) -> Walk:
        """Everything that the functions lead to.

        Raises
        ------
        Exception
            Of any kind, if some of it can't be pickled; with the object as its ``culprit``.
        """
        walk = Walk(self._signals, self._lent_bytes)
        try:
            with warnings.catch_warnings():
                # Python's notice that iterators of itertools will not be pickled for ever
                warnings.simplefilter("ignore", DeprecationWarning)
                walk.over(self.roots)
        except Exception as error:
            error.culprit = walk.last  # type: ignore[attr-defined]
            raise
        return walk

    def capture(self) -> bytes:
        """All that the functions remember.

        Raises
        ------
        TypeError, AttributeError, pickle.PicklingError
            If some of it can't be kept in a file.
        """
        return self.walk().data

    def remembers(self) -> bool:
        """Whether the functions remember anything that a call could change."""
        return self.walk().mutable

    def restore(self, data: bytes) -> None:
        """Give the functions a memory that was captured here or in another process."""
        known = self.walk()
        self._load(data, known, known.functions)

    def copied(self, walk: Walk | None = None) -> Memory:
        """Copies of the functions that remember the same and share nothing with them.

        Copies of functions that share something share its copy. Functions that remember
        nothing are not copied. With a walk over them, they remember what they did then.
        """
        walk = self.walk() if walk is None else walk
        if not walk.mutable:
            return self
        copy = Memory(self.roots, self._signals)
        copy._lent_bytes = self._lent_bytes
        copy._load(walk.data, walk, _new_functions(walk.functions))
        return copy

    def _load(self, data: bytes, walk: Walk, functions: list[Any]) -> None:
        loader = _Loader(io.BytesIO(data), walk, functions, self._signals)
        self.roots = list(loader.load())
        for function in loader.frames():
            _set_frame(function, loader.load())


class Walk(pickle.Pickler):
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
    changeable : dict from int to object
        What a call could change, by ``id``: functions that share one of these share memory.
    last : object
        What was met last.
    """

    def __init__(self, signals: Sequence[np.ndarray], lent_bytes: int):
        self._stream = io.BytesIO()
        super().__init__(self._stream, protocol=pickle.HIGHEST_PROTOCOL)
        self.functions: list[Any] = []
        self.objects: dict[str, list[Any]] = {}
        self.changeable: dict[int, Any] = {}
        self.last: Any = None
        self.mutable = False
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no two things have one id
        self._signals, self._lent_bytes = signals, lent_bytes
        self._modules: set[Any] = set()

    def over(self, roots: Sequence[Any]) -> None:
        """Pickle these and all that they lead to."""
        self._modules = {_module(root) for root in roots}
        self.dump(tuple(roots))
        for function in self.functions:  # which grows meanwhile
            self.dump(_frame(function))
            written = written_outside(function.__code__)
            self.mutable |= bool(written)
            for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
                if name in written:
                    self.changeable[id(cell)] = cell
        self.data = self._stream.getvalue()

    def persistent_id(self, obj: Any) -> Any:
        """A name for objects that are not pickled; None for those that are."""
        self.last = obj
        if isinstance(obj, types.FunctionType):
            if "<locals>" in obj.__qualname__ or self._is_own(obj.__module__):
                return ("function", self._number(obj, self.functions), obj.__qualname__)
            return self._lent(obj)
        if isinstance(obj, types.ModuleType):
            return ("module", obj.__name__)
        if isinstance(obj, np.ndarray):
            return self._array(obj)
        if isinstance(obj, type):
            return None if _is_known_by_name(obj) else self._lent(obj)
        if (isinstance(obj, _LENT) and not keeps_memory(obj)) or is_settled(obj):
            return self._lent(obj)
        if _package(type(obj)) in _HEAVY:
            raise TypeError(f"cannot copy {type(obj).__qualname__!r} object")
        if obj is not None and not isinstance(obj, _PLAIN) and not _is_plain_builtin(obj):
            self._may_change(obj)
        return None

    def _is_own(self, module: Any) -> bool:
        """Whether functions of a module are the user's, and may keep memory there."""
        return module in self._modules or not (is_library(module) or is_installed(module))

    def _may_change(self, obj: Any) -> None:
        self.mutable = True
        if not isinstance(obj, types.MethodType):  # made anew whenever it is asked for
            self.changeable[id(obj)] = obj

    def _array(self, array: np.ndarray) -> Any:
        for k, signal in enumerate(self._signals):
            if np.may_share_memory(array, signal):
                offset = array.__array_interface__["data"][0]
                offset -= signal.__array_interface__["data"][0]
                return ("signal", k, offset, array.shape, array.strides, array.dtype.str)
        if array.nbytes > self._lent_bytes:
            return self._lent(array)
        self._may_change(array)
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
    """Loads what a `Walk` pickled, and puts functions and lent objects in."""

    def __init__(
        self, stream: Any, walk: Walk, functions: list[Any], signals: Sequence[np.ndarray]
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
        """The object that `Walk.persistent_id` named."""
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
            raise MeasurementError(
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
    names = sorted(names_in(function.__code__) & set(function.__globals__))
    library = is_library(function.__module__)
    known = () if library else tuple((n, function.__globals__[n]) for n in names)
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


def _is_known_by_name(kind: type) -> bool:
    """Whether a class is where its name says: not one of a function, or sent by another process."""
    found: Any = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is kind


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


def names_in(code: Any) -> set[str]:
    return {name for part in _codes(code) for name in part.co_names}


def written_outside(code: Any) -> set[str]:
    """Variables of its module, or of functions around it, that a function assigns to."""
    written = set()
    for part in _codes(code):
        for step in dis.get_instructions(part):
            outside = step.opname in _WRITES_OUTSIDE and step.argval in part.co_freevars
            if outside or step.opname in _WRITES:
                written.add(step.argval)
    return written


def keeps_memory(obj: Any) -> bool:
    """Whether it is a process of a user's own class, which may keep things on itself."""
    return isinstance(obj, nengo.Process) and not is_library(type(obj).__module__)


def is_settled(obj: Any) -> bool:
    """Whether it is a vocabulary of nengo_spa to which reading and parsing add nothing.

    All that speak of one vocabulary share it. One that is not strict draws a new pointer for every
    name that it does not know, so that the order of calls matters; a strict one refuses it.
    """
    kind = type(obj)
    named = (kind.__module__, kind.__name__) == ("nengo_spa.vocabulary", "Vocabulary")
    return named and bool(obj.strict)


def is_library(module: Any) -> bool:
    """Whether no function of a module keeps memory there."""
    package = (module or "").partition(".")[0]
    return package in _PACKAGES or package in _HEAVY


def is_installed(module: Any) -> bool:
    """Whether a module is one of Python, or of an installed package."""
    if module in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return any(place in file for place in _INSTALLED)


def _package(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]
