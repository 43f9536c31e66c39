"""Compiled code that is kept on disk as the processor runs it, and called without numba.

The first compiled function that numba loads from its own cache costs 0.15 s of processor time,
whatever the function: numba imports 61 modules and fills its registries, so that it could compile
another one. What is kept here needs none of it: LLVM links it in some milliseconds.

1. A function of one address (`Function`) is compiled by numba, with all that it calls.
2. Its code is kept if it needs nothing of numba: no memory, no exceptions, nothing but functions of
   the C library. Else numba's own function is used in this process.
3. It is used again only with the same sources, versions, processor and settings (`_key`), and if it
   is whole.

Reference: numba 0.68, core/callconv.py (how a function is called), llvmlite 0.50, binding.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import platform
import re
import threading
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Callable

import numpy as np

from ..deadlines import while_asked
from . import kernel_cache, versions

#: A function of an array of whole numbers, of which it may overwrite the first two.
Function = Callable[[np.ndarray], None]

#: Functions of the C library that compiled code calls, of float64 and of float32.
_MATHS = ("ceil", "exp", "exp2", "expm1", "floor", "fma", "fmod", "log", "log1p", "pow", "rint")
_OF_C = {"memset", "memcpy", "memmove", *_MATHS, *(name + "f" for name in _MATHS)}

_lock = threading.Lock()
_known: dict[tuple[str, Path], Function] = {}
#: Linked code is gone with its engine.
_engines: list[Any] = []


def kept(name: str, folder: Path, compiled: Callable[[], Any]) -> Function:
    """A compiled function: of this process, or of the disk, or compiled now and kept.

    Parameters
    ----------
    name : str
        Of the function, within its folder.
    folder : Path
        With the sources of all that it calls.
    compiled : callable
        Compiles it: gives a `numba.cfunc` of a pointer to int64.
    """
    if (name, folder) in _known:
        return _known[name, folder]

    def known() -> Function:
        with _lock:
            if (name, folder) not in _known:
                places = _places(name, folder)
                _known[name, folder] = _loaded(places) or _kept_now(name, places, compiled())
            return _known[name, folder]

    # whoever has no time for it need not wait; it goes on, and whoever comes next finds it
    return while_asked(known, lambda: None, patience_s=0)


def _loaded(places: Sequence[Path]) -> Function | None:
    for place in places:
        with contextlib.suppress(OSError, ValueError):  # not there, or not whole
            return _linked(place.read_bytes())
    return None


def _kept_now(name: str, places: Sequence[Path], function: Any) -> Function:
    content = _content(function)
    if content is None:
        return lambda table: function.ctypes(table.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)))
    for place in places:
        try:
            _write(place, name, content)
        except OSError:
            continue
        break
    return _linked(content)


# ---------------------------------------------------------------- what it is kept for


def _places(name: str, folder: Path) -> list[Path]:
    """Where code may be kept: beside its sources, or else with the user."""
    file = f"{name}-{_key(folder)}.code"
    folders = [kernel_cache.kept_of(folder)]
    with contextlib.suppress(RuntimeError):  # a user without a home
        folders.append(Path.home() / ".cache" / "nengo_spikecost" / folder.name)
    return [own / file for own in folders]


def _key(folder: Path) -> str:
    """Of the sources, and of the machine with all that compiles on it."""
    llvm = _llvm()

    settings = sorted(
        (key, value) for key, value in os.environ.items()
        if key.startswith("NUMBA_") and key != "NUMBA_CACHE_DIR"
    )  # fmt: skip
    machine = (
        llvm.get_process_triple(), llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(), platform.python_version(), np.__version__,
        versions.installed("numba"), versions.installed("llvmlite"), settings,
    )  # fmt: skip
    parts = kernel_cache.digest_of([folder]), hashlib.sha256(repr(machine).encode()).hexdigest()
    return "-".join(part[:20] for part in parts)


def _write(place: Path, name: str, content: bytes) -> None:
    """Keep code, whole or not at all, and remove that of other sources."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(f".{uuid.uuid4().hex}")
    draft.write_bytes(content)
    os.replace(draft, place)
    sources = place.name[len(name) + 1 :].partition("-")[0]
    for other in place.parent.glob(f"{name}-*.code"):
        if not other.name.startswith(f"{name}-{sources}-"):
            other.unlink(missing_ok=True)  # another process may do the same


# ---------------------------------------------------------------- code


def _content(function: Any) -> bytes | None:
    """A `numba.cfunc` as it is kept, or None if it needs more than the C library."""
    import numba

    llvm = _llvm()

    # 1. numba's wrapper, which turns exceptions into messages, is left out; and arrays that were
    # made of addresses have no owner that could be told that they are used no more
    wrapper = str(function.native_name)
    name = wrapper.partition("cfunc.")[2]
    text = re.sub(
        rf'^define [^\n]*@"?{re.escape(wrapper)}"?\(.*?^}}\n', "", function.inspect_llvm(),
        flags=re.MULTILINE | re.DOTALL,
    )  # fmt: skip
    text = re.sub(
        r"^declare void @NRT_MemInfo_call_dtor\(([^\s)]+)[^)]*\).*$",
        r"define internal void @NRT_MemInfo_call_dtor(\1 %0) {\n  ret void\n}", text,
        flags=re.MULTILINE,
    )  # fmt: skip
    try:
        module = llvm.parse_assembly(text)
    except RuntimeError:  # numba's text is not as it was up to now
        return None
    # 2. its parameters: places for a result and for an exception, and its own
    known = [own for own in module.functions if own.name == name and not own.is_declaration]
    if len(known) != 1 or len(list(known[0].arguments)) != 3:
        return None
    # 3. whatever makes such owners calls numba, and so is not kept
    needs = _needed(text, [*module.functions, *module.global_variables])
    if not needs <= _OF_C:
        return None
    config: Any = numba.config
    features = config.CPU_FEATURES
    code = _target(
        module.triple, config.CPU_NAME or llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten() if features is None else features,
    ).emit_object(module)  # fmt: skip
    head = {
        "function": name, "needs": sorted(needs), "triple": module.triple,
        "sha256": hashlib.sha256(code).hexdigest(),
    }  # fmt: skip
    return json.dumps(head).encode() + b"\n" + code


def _needed(text: str, symbols: Iterable[Any]) -> set[str]:
    """What a module declares and uses."""
    names = {s.name for s in symbols if s.is_declaration and not s.name.startswith("llvm.")}
    return {name for name in names if len(re.findall(rf'@"?{re.escape(name)}\b', text)) > 1}


def _llvm() -> Any:
    """LLVM, which is imported only where something runs."""
    import llvmlite.binding as llvm  # type: ignore[import-untyped]

    return llvm


def _target(triple: str, cpu: str = "", features: str = "") -> Any:
    """A machine as numba has it; its processor matters only for what is translated on it."""
    return (
        _llvm()
        .Target.from_triple(triple)
        .create_target_machine(
            cpu=cpu, features=features, opt=3, reloc="pic", codemodel="jitdefault", jit=True
        )
    )


def _linked(content: bytes) -> Function:
    """Kept code as a function. Raises ValueError if it can't be one."""
    llvm = _llvm()

    line, _, code = content.partition(b"\n")
    head = json.loads(line)
    if hashlib.sha256(code).hexdigest() != head["sha256"]:
        raise ValueError("not whole")
    with contextlib.suppress(RuntimeError):  # later versions of llvmlite need no such call
        llvm.initialize()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target(head["triple"]))
    # the engine makes known what this process has; LLVM would end it if a name were missing
    if any(llvm.address_of_symbol(name) is None for name in head["needs"]):
        raise ValueError("a function of the C library is missing")
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    function = kind(engine.get_function_address(head["function"]))

    def call(table: np.ndarray) -> None:
        place = table.__array_interface__["data"][0]
        status = function(place, place + 8, place)
        if status:
            raise RuntimeError(f"compiled code ended with status {status}")

    return call
