"""Everything that depends on a version of TensorFlow, NumPy, Nengo or NengoDL.

The last releases of nengo-dl (3.6.0), nengo-loihi (1.1.0), nengo-extras (0.5.0) and
keras-spiking (0.3.0) were written for TensorFlow up to 2.12 and NumPy 1. This package
lets them run, unmodified, on TensorFlow 2.21 and NumPy 2: it edits no file and patches
each module at the moment it is imported. On TensorFlow 2.12 only P6 and P9 to P11, P13 and
P15 to P21 have work to do.

=====  ===========  ====================================================================
Patch  When         What
=====  ===========  ====================================================================
P1     TF >= 2.16   ``TF_USE_LEGACY_KERAS=1``: ``tf.keras`` is tf_keras (Keras 2)
P2     TF >= 2.16   the same for ``from tensorflow.keras import ...`` if TensorFlow was
                    imported before us
P3     TF >= 2.13   Keras 2 under the names ``keras.engine.functional`` and
                    ``keras.layers`` while `nengo_dl.compat` is imported, and only then
P4     NumPy >= 2   ``np.array(copy=False)`` means "copy if needed" in nengo_loihi
P5     NumPy >= 2   the same, and ``np.asfarray``, in nengo_extras
P6     Nengo >= 4   nengo-dl's LinearFilters with a passthrough term
P7     TF >= 2.13   nengo_loihi imported before us had to do without nengo_dl: rejoin them
P8     always       no advice on import that they were tested with an older Nengo
P9     always       nengo_loihi's grouped and transposed convolutions
P10    always       nengo-dl's planner: grouped convolutions of one input stay apart
P11    always       Nengo computes in float64 again after a network nengo-dl can't build
P12    on demand    names of Keras 2 layers that TensorFlow has no scope for
P13    always       nengo_loihi merges passthrough Nodes with their Probes and solvers
P14    NumPy>=2.3   nengo_loihi reads ``.events`` files of DVS cameras
P15    always       nengo_loihi's voltages end where 24 bits do, not 32
P16    no card      nengo_dl looks for no graphics card where there can be none
P17    always       nengo_extras looks packages up without importing them
P18    always       nengo-dl reads whole signals in reverse order (``[::-1]``)
P19    always       nengo_loihi builds blocks in the same order in every process
P20    always       nengo-dl's grouped convolutions of three axes
P21    always       nengo_loihi places blocks whose last axon has no weights
=====  ===========  ====================================================================

`install` runs when ``nengo_spikecost`` is imported and imports none of these packages;
afterwards ``import nengo_dl`` and the rest just work, in any order. No other module of
the package asks for a version: they call `tensorflow`, `keras`, `nengo_dl`,
`nengo_loihi` or `keras_spiking`, which raise a one-sentence
`~nengo_spikecost.errors.StackError` when the stack cannot work.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import StackError
from . import nengo_dl_patches, patches, quick_imports, versions
from .import_hook import HookedFinder
from .patches import allow_all_layer_names
from .quiet import native_messages_held
from .versions import problem

__all__ = [
    "StackReport", "allow_all_layer_names", "install", "keras", "keras_spiking", "nengo_dl",
    "nengo_loihi", "problem", "report", "require", "start_quietly", "tensorflow", "when_imported",
]  # fmt: skip


def require() -> None:
    """Raise unless the installed packages can run NengoDL.

    Raises
    ------
    StackError
        One sentence on how to mend the installation.
    """
    sentence = problem()
    if sentence is not None:
        raise StackError(sentence)


@contextlib.contextmanager
def _required() -> Iterator[None]:
    require()
    yield


@contextlib.contextmanager
def _required_from_the_start() -> Iterator[None]:
    require()
    # NengoLoihi, imported before us, has tried to import NengoDL and failed halfway. The
    # modules that this left behind would be found, but not as attributes of the package.
    for name in [name for name in sys.modules if name.startswith("nengo_dl.")]:
        del sys.modules[name]
    yield


def _relays(module: types.ModuleType) -> None:
    patches.relays_merged_whole(module)
    patches.connections_in_order(module)


_FINDER = HookedFinder(
    around={
        "keras_spiking": _required, "nengo_dl": _required_from_the_start,
        "nengo_dl.compat": patches.keras_2_names,
        "nengo_dl.utils": quick_imports.no_search_for_cards,
        "nengo_dl.version": patches.no_version_advice,
        "nengo_extras.reqs": quick_imports.packages_looked_up,
        "nengo_loihi": patches.no_version_advice,
    },
    after={
        "nengo_dl": patches.rejoin_loihi,
        "nengo_dl.simulator": nengo_dl_patches.precision_restored,
        "nengo_dl.process_builders": nengo_dl_patches.flat_feedthrough,
        "nengo_dl.tensor_graph": nengo_dl_patches.reversed_parts,
        "nengo_dl.transform_builders": nengo_dl_patches.grouped_convolutions,
        "nengo_extras.neurons": patches.nengo_numpy_1_view,
        "nengo_extras.plot_spikes": patches.numpy_1_view, "nengo_loihi.block": patches.numpy_1_view,
        "nengo_loihi.builder.connection": patches.convolution_synapses,
        "nengo_loihi.builder.discretize": patches.lowest_voltage,
        "nengo_loihi.builder.split_blocks": patches.convolution_blocks,
        "nengo_loihi.conv": patches.convolution_synapses,
        "nengo_loihi.dvs": patches.events_read_as_bytes,
        "nengo_loihi.hardware.nxsdk_objects": patches.axons_without_weights_last,
        "nengo_loihi.neurons": patches.numpy_1_view,
        "nengo_loihi.passthrough": _relays, "nengo_loihi.splitter": patches.connections_in_order,
    },
)  # fmt: skip


def install() -> None:
    """Prepare this process for the packages to come; calling it again does nothing.

    Sets the environment variables that TensorFlow reads on import, hooks the imports of
    the modules to patch, and patches those that are imported already. It imports nothing
    heavy and raises nothing: a stack that cannot work raises when it is first needed.
    """
    # nengo_dl sets the same level when it is imported, but TensorFlow may come first
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    patches.select_keras_2()
    patches.redirect_tensorflow_path()
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
        _FINDER.patch_loaded()


def when_imported(module: str, then: Callable[[types.ModuleType], None]) -> None:
    """Call a function with a module, now if it is imported already, and else when it will be.

    Parameters
    ----------
    module : str
        Full name, of a module that nothing here asks for otherwise.
    then : callable
        Called once with the module.
    """
    if module in sys.modules:
        then(sys.modules[module])
    else:
        _FINDER.after[module] = then


# ---------------------------------------------------------------- the packages


def tensorflow() -> Any:
    """Module ``tensorflow``. Raises `StackError` if the stack cannot work."""
    return _imported("tensorflow")


def keras() -> Any:
    """Keras 2 of this stack, ``tf.keras``. Raises `StackError` if it cannot be that."""
    module = tensorflow().keras
    assert module.Model is not None  # binds TensorFlow's lazy loader
    require()
    return module


def nengo_dl() -> Any:
    """Module ``nengo_dl``, patched. Raises `StackError` if the stack cannot work."""
    return _imported("nengo_dl")


def nengo_loihi() -> Any:
    """Module ``nengo_loihi``, patched, with its neurons known to NengoDL."""
    # nengo_loihi is silent when nengo_dl is missing or fails; this is not
    nengo_dl()
    return _imported("nengo_loihi")


def keras_spiking() -> Any:
    """Module ``keras_spiking``. Raises `StackError` if the stack cannot work."""
    return _imported("keras_spiking")


def _imported(name: str) -> types.ModuleType:
    require()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as err:
        missing = (err.name or name).split(".")[0].replace("_", "-")
        raise StackError(f"{missing} is missing: install it with pip install {missing}.") from err


def start_quietly() -> None:
    """Import NengoDL and start TensorFlow without native notes on standard error.

    For the command line, which says itself what a user should know: TensorFlow's own warnings are
    off from then on. Raises `StackError` if the stack cannot work.
    """
    require()
    with native_messages_held(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nengo_loihi()
        # the first operation looks for graphics cards, and says so
        tensorflow().zeros(())
    tensorflow().get_logger().setLevel("ERROR")


# ---------------------------------------------------------------- report


@dataclass(frozen=True)
class StackReport:
    """Installed versions and applied patches, for benchmarks and bug reports.

    Attributes
    ----------
    python, platform : str
        Version of Python; operating system and processor.
    versions : dict of str to str
        Installed version of each package that matters; absent packages are left out.
    patches : tuple of str
        Patches applied so far in this process, e.g. ``"P3 nengo_dl.compat"``.
    problem : str or None
        Why this stack cannot run NengoDL, if it cannot.
    """

    python: str
    platform: str
    versions: dict[str, str]
    patches: tuple[str, ...]
    problem: str | None

    def as_dict(self) -> dict[str, Any]:
        """The report as plain dictionaries and lists, ready for JSON."""
        return {**asdict(self), "patches": list(self.patches)}

    def __str__(self) -> str:
        lines = [f"python {self.python} on {self.platform}"]
        lines += [f"{name} {number}" for name, number in self.versions.items()]
        lines.append("patches: " + (", ".join(self.patches) or "none so far"))
        if self.problem is not None:
            lines.append("problem: " + self.problem)
        return "\n".join(lines)


def report() -> StackReport:
    """Versions installed and patches applied, without importing any of the packages."""
    installed = {name: versions.installed(name) for name in versions.REPORTED_NAMES}
    return StackReport(
        python=platform.python_version(), platform=platform.platform(),
        versions={name: number for name, number in installed.items() if number is not None},
        patches=tuple(patches.applied), problem=problem(),
    )  # fmt: skip
