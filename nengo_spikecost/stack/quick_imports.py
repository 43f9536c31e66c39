"""Imports of other packages, without the seconds that they spend on finding out what is there.

Each is a context to import a module in; the module learns the same as without it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from typing import Any

from .patches import modules_meanwhile, record


def graphics_card_possible() -> bool:
    """Whether TensorFlow, which must be imported, may find a graphics card on this machine.

    Only what rules one out for certain counts: a build for none or for CUDA alone, on Linux,
    where no plugin of TensorFlow is installed and CUDA's driver is absent or shows no card.
    """
    import tensorflow as tf

    build = tf.sysconfig.get_build_info()
    if sys.platform != "linux" or build.get("is_rocm_build", True) or _has_plugins():
        return True
    if not build.get("is_cuda_build", True):
        return False
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return False
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def _has_plugins() -> bool:
    """Whether there is the folder of packages from which TensorFlow loads further devices."""
    return importlib.util.find_spec("tensorflow-plugins") is not None


@contextlib.contextmanager
def no_search_for_cards() -> Iterator[None]:
    """P16: no second process that imports TensorFlow to look for a card that can't be there.

    NengoDL asks in a process of its own, for 3 to 6 s, because asking in this one would settle
    TensorFlow's options. Any other call goes through. Reference: nengo-dl 3.6.0,
    ``tf_gpu_installed`` in utils.py.
    """
    if graphics_card_possible():
        yield
        return
    call = subprocess.call

    def answered(command: Any, *args: Any, **kwargs: Any) -> int:
        asks = isinstance(command, list) and "list_physical_devices('GPU')" in str(command[-1])
        # the exit code of a search that found nothing
        return 1 if asks else call(command, *args, **kwargs)

    subprocess.call = answered  # type: ignore[assignment]
    try:
        yield
    finally:
        subprocess.call = call
    record("P16 nengo_dl.utils")


#: What nengo_extras imports to see whether it is there, beside what is imported anyway.
_LOOKED_UP = (
    "keras", "keras.backend", "keras.layers", "numba", "numba.extending", "scipy.cluster",
    "scipy.cluster.hierarchy", "scipy.interpolate", "scipy.ndimage.interpolation", "scipy.stats",
)  # fmt: skip


@contextlib.contextmanager
def packages_looked_up() -> Iterator[None]:
    """P17: packages are looked up, not imported, to see whether they are installed.

    NengoLoihi imports nengo_extras, which imports all that it could be used with: Keras 3, SciPy's
    statistics and numba, for 1 to 3 s, and nothing of it is needed then. Only where NengoDL and
    NengoLoihi are there already, as nothing that is imported by the way may see the empty modules.
    Reference: nengo-extras 0.5.0, reqs.py.
    """
    if not {"nengo_dl", "nengo_loihi"} <= sys.modules.keys():
        yield
        return
    names = [name for name in _LOOKED_UP if name not in sys.modules and _is_installed(name)]
    empty = {name: types.ModuleType(name) for name in names}
    for module in empty.values():
        module.__path__ = []
    with modules_meanwhile(empty):
        yield
    record("P17 nengo_extras.reqs")


def _is_installed(name: str) -> bool:
    """Whether a module can be found, without importing the packages that it is in."""
    package, *rest = name.split(".")
    spec = importlib.util.find_spec(package)
    if spec is None or not rest:
        return spec is not None
    path = os.path.join(next(iter(spec.submodule_search_locations or [""])), *rest)
    return os.path.isdir(path) or os.path.exists(f"{path}.py")
