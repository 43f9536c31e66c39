"""One small function per patch: when it applies, why, and where upstream reports it.

Each can be called twice without harm, and adds its name to `applied` when it changed
something. The table of all of them is in `nengo_spikecost.stack`.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import importlib.util
import inspect
import os
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from . import versions

T = TypeVar("T")

applied: list[str] = []
"""Patches applied so far in this process, in order, e.g. ``"P3 nengo_dl.compat"``."""


def record(patch: str) -> None:
    """Note that a patch has been applied."""
    if patch not in applied:
        applied.append(patch)


def of_patch(patch: str) -> Callable[[T], T]:
    """Decorator of a function or class that a patch puts in the place of another's.

    What was put there by other patches before is kept, as `functools.wraps` copies it.
    """

    def marked(replacement: T) -> T:
        known = getattr(replacement, "_patches", ())
        replacement._patches = (*known, patch)  # type: ignore[attr-defined]
        return replacement

    return marked


def is_patched(found: Any, patch: str) -> bool:
    """Whether a function or class was put there by a patch."""
    return patch in getattr(found, "_patches", ())


def replaces(owner: Any, name: str, patch: str, where: str) -> Callable[[T], T]:
    """Decorator of a function that is called in the place of another's, which it gets first.

    Nothing is replaced twice by the same patch.

    Parameters
    ----------
    owner, name : module or class, and str
        What is replaced: a function, or a method, static or not.
    patch, where : str
        As `record` shows them: ``"P9"``, and the module.
    """

    def put(replacement: Any) -> Any:
        original = getattr(owner, name)
        if is_patched(original, patch):
            return replacement

        @of_patch(patch)
        @functools.wraps(original)
        def patched(*args: Any, **kwargs: Any) -> Any:
            return replacement(original, *args, **kwargs)

        is_static = isinstance(inspect.getattr_static(owner, name), staticmethod)
        setattr(owner, name, staticmethod(patched) if is_static else patched)
        record(f"{patch} {where}")
        return replacement

    return put


def select_keras_2() -> None:
    """P1, TF >= 2.16: make ``tf.keras`` mean tf_keras, as TensorFlow itself offers.

    Since 2.16 ``tf.keras`` is Keras 3, whose models nengo-dl and keras-spiking cannot
    read. A value the user has chosen is left alone, and is an error later if it is not 1.
    Reference: TensorFlow 2.16 release notes, "TF_USE_LEGACY_KERAS".
    """
    if versions.tf_keras_is_separate() and importlib.util.find_spec("tf_keras") is not None:
        os.environ.setdefault(versions.LEGACY_VARIABLE, "1")
        record("P1 " + versions.LEGACY_VARIABLE)


def redirect_tensorflow_path() -> None:
    """P2, TF >= 2.16: P1 for a TensorFlow that was imported before us.

    TensorFlow reads the variable once, on import, to decide where
    ``from tensorflow.keras import ...`` looks; the attribute ``tf.keras`` is bound later,
    on first use. So put the folder of tf_keras in front of ``tensorflow.__path__``.
    Reference: tensorflow/__init__.py, ``_tf_uses_legacy_keras``.
    """
    tf = sys.modules.get("tensorflow")
    if tf is None or not versions.tf_keras_is_separate() or versions.keras_problem() is not None:
        return
    spec = importlib.util.find_spec("tf_keras")
    assert spec is not None and spec.submodule_search_locations is not None
    folder = os.path.join(next(iter(spec.submodule_search_locations)), "api", "_v2")
    if folder not in map(os.path.normpath, tf.__path__):
        tf.__path__ = [folder, *tf.__path__]
        record("P2 tensorflow")


@contextlib.contextmanager
def modules_meanwhile(modules: Mapping[str, types.ModuleType]) -> Iterator[None]:
    """Let imports find these modules by these names, and afterwards what was there before."""
    before = {name: sys.modules[name] for name in modules if name in sys.modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        sys.modules.update(before)


@contextlib.contextmanager
def keras_2_names() -> Iterator[None]:
    """P3, TF >= 2.13: the names under which `nengo_dl.compat` looks for Keras 2.

    It does ``from keras.engine.functional import ...`` and ``from keras.layers import
    ...``; Keras moved these to ``keras.src`` in 2.13, and package ``keras`` is Keras 3
    since 2.16. The names are taken away again afterwards, so that Keras 3 works in the
    same process. Reference: nengo-dl 3.6.0, nengo_dl/compat.py; keras 2.13 release.
    """
    tf_version = versions.tensorflow_version()
    if tf_version is None or tf_version < (2, 13):
        yield
        return
    source = "tf_keras.src" if versions.tf_keras_is_separate() else "keras.src"
    names = {
        "keras.engine.functional": importlib.import_module(source + ".engine.functional"),
        "keras.layers": importlib.import_module(source + ".layers"),
    }
    with modules_meanwhile(names):
        yield
    record("P3 nengo_dl.compat")


class _ModuleView(types.ModuleType):
    """A module seen with a few names replaced; everything else is the module's own."""

    def __init__(self, base: types.ModuleType, **replaced: Any):
        super().__init__(base.__name__, base.__doc__)
        vars(self).update(replaced, _base=base)

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_base"], name)


def _copy_if_needed(array: Callable[..., Any]) -> Callable[..., Any]:
    """`array` with NumPy 1's meaning of ``copy=False``: copy only if needed."""

    @functools.wraps(array)
    def wrapper(obj: Any, *args: Any, copy: Any = True, **kwargs: Any) -> Any:
        return array(obj, *args, copy=True if copy else None, **kwargs)

    return wrapper


@contextlib.contextmanager
def no_version_advice() -> Iterator[None]:
    """P8: not told on import that nengo-dl and nengo-loihi were tested with older Nengo.

    They say so of every Nengo above 3.2; this package's tests are with the versions that
    its matrix allows. Reference: nengo_dl/version.py, nengo_loihi/version.py.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This version of .* has not been tested")
        yield


def numpy_1_view(module: Any) -> None:
    """P4 and P5, NumPy >= 2: ``np.array(copy=False)`` and ``np.asfarray`` as in NumPy 1.

    In NumPy 2 ``copy=False`` raises when a copy is needed, and ``asfarray`` is gone.
    Only the global ``np`` of the one module is replaced, never NumPy itself.
    Reference: NumPy 2.0 migration guide; nengo-loihi 1.1.0 block.py and neurons.py,
    nengo-extras 0.5.0 plot_spikes.py.
    """
    if not versions.at_least("numpy", (2, 0)) or isinstance(module.np, _ModuleView):
        return
    np = module.np

    def asfarray(a: Any, dtype: Any = np.float64) -> Any:
        return np.asarray(a, dtype=dtype)

    module.np = _ModuleView(np, array=_copy_if_needed(np.array), asfarray=asfarray)
    record(("P4 " if module.__name__.startswith("nengo_loihi") else "P5 ") + module.__name__)


def nengo_numpy_1_view(module: Any) -> None:
    """P5, NumPy >= 2: the same for ``npext``, nengo.utils.numpy, in nengo_extras.neurons.

    Reference: nengo-extras 0.5.0, neurons.py, ``npext.array(spikes, copy=False)``.
    """
    if not versions.at_least("numpy", (2, 0)) or isinstance(module.npext, _ModuleView):
        return
    module.npext = _ModuleView(module.npext, array=_copy_if_needed(module.npext.array))
    record("P5 " + module.__name__)


def rejoin_loihi(_nengo_dl: types.ModuleType) -> None:
    """P7: nengo_loihi was imported before us and had to do without nengo_dl.

    Its import of nengo_dl failed for want of P3, and it set ``HAS_DL = False``. Now that
    nengo_dl is there, run again the three small modules that looked for it, in place.
    Reference: nengo-loihi 1.1.0, compat.py; nengo-extras 0.5.0, reqs.py.
    """
    compat = sys.modules.get("nengo_loihi.compat")
    if compat is None or getattr(compat, "HAS_DL", True):
        return
    compat.nengo_dl, compat.HAS_DL = _nengo_dl, True  # type: ignore[attr-defined]
    training: Any = None
    for name in ("nengo_extras.reqs", "nengo_extras.loihi_training"):
        if name in sys.modules:
            training = importlib.reload(sys.modules[name])
    neurons: Any = sys.modules["nengo_loihi.neurons"]
    neurons.nengo_dl, neurons.HAS_DL = _nengo_dl, True
    if hasattr(training, "LoihiLIFBuilder"):
        neurons.LoihiLIFBuilder = training.LoihiLIFBuilder
        neurons.LoihiSpikingRectifiedLinearBuilder = training.LoihiSpikingRectifiedLinearBuilder
    record("P7 nengo_loihi")


def convolution_synapses(module: Any) -> None:
    """P9: NengoLoihi builds grouped and padded transposed convolutions.

    Its ``conv2d_loihi_weights`` asserts that each filter sees all channels, though its
    synapses can say otherwise. Those of a ConvolutionTranspose with ``padding="same"``
    lead to the wrong neurons, unless its output shape is the smallest possible (that of
    ``Conv2DTranspose(strides=2, padding="same")`` of Keras is not). `module` is one that
    has a function of that name.
    Reference: nengo-loihi 1.1.0, conv.py and builder/connection.py.
    """
    from . import convolution_synapses as ours

    @replaces(module, "conv2d_loihi_weights", "P9", module.__name__)
    def conv2d_loihi_weights(original: Any, transform: Any) -> Any:
        if getattr(transform, "groups", 1) > 1 or ours.is_transposed(transform):
            return ours.conv2d_weights(transform)
        return original(transform)


def convolution_blocks(module: Any) -> None:
    """P9: the target of a grouped convolution can be split over several cores.

    ``split_synapse`` asserts that all atoms have the same targets. Synapses of which this
    is true are left to it. Reference: nengo-loihi 1.1.0, builder/split_blocks.py.
    """
    from . import convolution_synapses as ours

    @replaces(module, "split_synapse", "P9", module.__name__)
    def split_any_synapse(
        original: Any, old_block: Any, old_synapse: Any, new_blocks: Any, **kwargs: Any
    ) -> Any:
        if ours.atoms_differ(old_synapse):
            return ours.split_grouped_synapse(old_block, old_synapse, new_blocks)
        return original(old_block, old_synapse, new_blocks, **kwargs)

    @replaces(module, "split_axon", "P9", module.__name__)
    def split_any_axon(original: Any, *args: Any, **kwargs: Any) -> Any:
        return ours.restrict_axons(original(*args, **kwargs))


def allow_all_layer_names(layer_class: Any) -> None:
    """P12: layers of Keras 2 may have names that TensorFlow has no scope for, as in Keras 3.

    A blank or an umlaut in the name of a layer is fine for Keras 3, and "is not a valid root scope
    name" when Keras 2 calls that layer. A ``>`` is fine for Keras 2, until it predicts: TensorFlow
    wants a letter behind it, and there is the slash of the next name. The layer keeps its name,
    only the scope is another.
    Reference: tf_keras 2.21, ``Layer._name_scope`` in base_layer.py.
    """

    @replaces(layer_class, "_name_scope", "P12", "Layer._name_scope")
    def _name_scope(original: Any, self: Any) -> str:
        scope = re.sub(r"[^A-Za-z0-9_.\\/-]", "_", original(self))
        return scope if not scope or scope[0].isalnum() or scope[0] == "." else f"L{scope}"


def relays_merged_whole(module: Any) -> None:
    """P13: NengoLoihi merges passthrough Nodes without losing a Probe or a solver.

    Between populations on the chip it takes passthrough Nodes out, and makes one Connection
    of each way through them. A probed Node at the end of such a way it leaves without any
    input (``generate_from`` looks for Connections that go on before it looks for Probes), so
    that the Probe reads 0. Its new Connections do not have the solver of the decoded
    Connection that they stand for.
    Reference: nengo-loihi 1.1.0, ``Cluster`` in passthrough.py.
    """

    @replaces(module.Cluster, "generate_from", "P13", module.__name__)
    def generate_from(
        original: Any, self: Any, obj: Any, outputs: Any, previous: Any = None
    ) -> Iterator[Any]:
        if obj in self.probed_objs and obj not in outputs:
            yield slice(None), module.Dense((obj.size_out,) * 2, init=1.0), None, obj
        else:
            yield from original(self, obj, outputs, previous)

    @replaces(module.Cluster, "generate_conns", "P13", module.__name__)
    def generate_conns(original: Any, self: Any) -> Iterator[Any]:
        for given in self.conns_in:
            one = copy.copy(self)
            one.conns_in = {given}
            for made in original(one):
                made.solver = given.solver
                yield made


def connections_in_order(module: Any) -> None:
    """P19: NengoLoihi builds a network in the same order in every process.

    It keeps the Connections that it merges in sets, which are gone through in the order of
    addresses in memory. So blocks had another order, and with it another place and number of hops,
    whenever a network with passthrough Nodes was built.
    Reference: nengo-loihi 1.1.0, ``Cluster`` and ``PassthroughSplit`` in passthrough.py,
    ``PrecomputableSplit`` in splitter.py.
    """
    if hasattr(module, "set"):
        return
    module.set = importlib.import_module("nengo.utils.stdlib").OrderedSet
    record("P19 " + module.__name__)


def events_read_as_bytes(module: Any) -> None:
    """P14, NumPy >= 2.3: NengoLoihi reads ``.events`` files of DVS cameras.

    It reads bytes by ``np.fromstring``, which takes only text since NumPy 2.3. Only the
    global ``np`` of that module is replaced. Reference: NumPy 2.3.0 release notes, "Expired
    deprecations"; nengo-loihi 1.1.0, ``EventsFileIO.read_events`` in dvs.py.
    """
    if not versions.at_least("numpy", (2, 3)) or isinstance(module.np, _ModuleView):
        return
    np = module.np

    def fromstring(data: Any, dtype: Any = float, count: int = -1, *, sep: str = "") -> Any:
        if sep:
            return np.fromstring(data, dtype, count, sep=sep)
        return np.frombuffer(data, dtype, count).copy()

    module.np = _ModuleView(np, fromstring=fromstring)
    record("P14 " + module.__name__)


def lowest_voltage(module: Any) -> None:
    """P15: a voltage without a lowest one stops where the chip's 24 bits end.

    NengoLoihi rounds a ``vmin`` of minus infinity to -2**31 + 1, below the -2**23 + 1 that its
    `Compartment` documents: its emulator then adds beyond 32 bits, and a neuron that is inhibited
    for long enough fires. Reference: nengo-loihi 1.1.0, ``discretize_compartment`` in
    builder/discretize.py.
    """

    @replaces(module, "discretize_compartment", "P15", module.__name__)
    def discretize_compartment(original: Any, comp: Any, w_max: Any) -> Any:
        info = original(comp, w_max)
        comp.vmin = max(comp.vmin, -(2.0**23) + 1)
        return info


def axons_without_weights_last(module: Any) -> None:
    """P21: NengoLoihi numbers axons on from the last one that it builds.

    A core's next set of synapses is numbered on from the last axon of the one before, which is None
    where that has no weight on the core, as the border of a strided convolution: a TypeError.
    Reference: nengo-loihi 1.1.0, ``Core.add_synapse`` in hardware/nxsdk_objects.py.
    """

    @replaces(module.Core, "add_synapse", "P21", module.__name__)
    def add_synapse(original: Any, self: Any, synapse: Any) -> None:
        before = [number for ids in self.synapse_axons.values() for number in ids]
        built, stand_in = [number for number in before if number is not None], object()
        if before:  # an axon that is built is the last that is asked for
            self.synapse_axons[stand_in] = [max(built, default=-1)]
        try:
            original(self, synapse)
        finally:
            self.synapse_axons.pop(stand_in, None)
