"""Which versions are installed, which are supported, and how to mend a stack that is not.

Nothing here imports TensorFlow, NumPy or Nengo: installed versions are read from the
metadata of the distributions.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from dataclasses import dataclass
from importlib import metadata

Version = tuple[int, int]

UNTESTED_VARIABLE = "NENGO_SPIKECOST_UNTESTED_STACK"
"""Set this environment variable to 1 to try a stack outside `SUPPORTED`."""

LEGACY_VARIABLE = "TF_USE_LEGACY_KERAS"
"""TensorFlow's own switch: with 1, ``tf.keras`` is Keras 2 from package tf_keras."""

TENSORFLOW_NAMES = (
    "tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-macos", "tensorflow-rocm",
)  # fmt: skip
REPORTED_NAMES = TENSORFLOW_NAMES + (
    "tf_keras", "keras", "numpy", "nengo", "nengo-dl", "nengo-loihi", "nengo-extras",
    "keras-spiking",
)  # fmt: skip


@dataclass(frozen=True)
class SupportedStack:
    """One tested row of the matrix; pythons are inclusive, NumPy's range is half open."""

    tensorflow: Version
    first_python: Version
    last_python: Version
    numpy_from: Version
    numpy_below: Version


SUPPORTED = (
    # NumPy 2.4 breaks nengo 4.1.0's Synapse.filt
    SupportedStack((2, 21), (3, 11), (3, 13), (2, 0), (2, 4)),
    # TensorFlow 2.12.1 was built against, and requires, NumPy below 1.24.4
    SupportedStack((2, 12), (3, 9), (3, 11), (1, 22), (1, 25)),
)


@functools.cache
def installed(distribution: str) -> str | None:
    """Version of a distribution, or None if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def major_minor(number: str) -> Version:
    """``"2.21.0rc1"`` -> ``(2, 21)``."""
    major, minor = (number.split(".") + ["0"])[:2]
    return int(major), int("".join(c for c in minor if c.isdigit()) or 0)


def version_of(*distributions: str) -> Version | None:
    """(major, minor) of the first of these distributions that is installed."""
    for name in distributions:
        number = installed(name)
        if number is not None:
            return major_minor(number)
    return None


def tensorflow_version() -> Version | None:
    """(major, minor) of the TensorFlow that is imported or installed."""
    loaded = sys.modules.get("tensorflow")
    if loaded is not None and hasattr(loaded, "__version__"):
        return major_minor(loaded.__version__)
    return version_of(*TENSORFLOW_NAMES)


def tf_keras_is_separate() -> bool:
    """Whether ``tf.keras`` is Keras 3 by default, and Keras 2 a package of its own."""
    version = tensorflow_version()
    return version is not None and version >= (2, 16)


def at_least(distribution: str, version: Version) -> bool:
    """Whether a distribution is installed in this version or a later one."""
    installed = version_of(distribution)
    return installed is not None and installed >= version


# ---------------------------------------------------------------- what is wrong


def problem() -> str | None:
    """One sentence on how to mend the installation, or None if the stack can work."""
    if installed("nengo-dl") is None and importlib.util.find_spec("nengo_dl") is None:
        return 'nengo-dl is missing: install it with pip install "nengo-dl==3.6.0".'
    python = sys.version_info[:2]
    tf_version = tensorflow_version()
    if tf_version is None:
        wanted = next((s for s in SUPPORTED if s.first_python <= python), SUPPORTED[-1])
        return (
            "TensorFlow is missing: install it with pip install "
            f'"tensorflow=={_dotted(wanted.tensorflow)}.*".'
        )
    return _matrix_problem(python, tf_version, version_of("numpy")) or keras_problem()


def _matrix_problem(python: Version, tf_version: Version, numpy: Version | None) -> str | None:
    """Why these versions are not a row of `SUPPORTED`, or None if they are."""
    if os.environ.get(UNTESTED_VARIABLE) == "1":
        return None
    rows = [s for s in SUPPORTED if s.first_python <= python <= s.last_python]
    if not rows:
        return (
            f"Python {_dotted(python)} is not supported: use Python 3.11, 3.12 or 3.13 with "
            "TensorFlow 2.21, or Python 3.9, 3.10 or 3.11 with TensorFlow 2.12."
        )
    row = next((s for s in rows if s.tensorflow == tf_version), None)
    if row is None:
        wanted = " or ".join(f'"tensorflow=={_dotted(s.tensorflow)}.*"' for s in rows)
        return (
            f"TensorFlow {_dotted(tf_version)} is not supported on Python {_dotted(python)}: "
            f"install {wanted} (or set {UNTESTED_VARIABLE}=1 to try it all the same)."
        )
    if numpy is not None and not row.numpy_from <= numpy < row.numpy_below:
        return (
            f"NumPy {_dotted(numpy)} does not work with TensorFlow {_dotted(tf_version)} and "
            f'Nengo: install "numpy>={_dotted(row.numpy_from)},<{_dotted(row.numpy_below)}".'
        )
    return None


def keras_problem() -> str | None:
    """Why ``tf.keras`` cannot be Keras 2, which NengoDL needs, or None if it can."""
    if not tf_keras_is_separate():
        return None
    if importlib.util.find_spec("tf_keras") is None:
        wanted = _dotted(tensorflow_version() or SUPPORTED[0].tensorflow)
        return f'NengoDL needs Keras 2: install it with pip install "tf_keras=={wanted}.*".'
    if os.environ.get(LEGACY_VARIABLE) not in ("1", "true", "True"):
        return (
            f"NengoDL needs Keras 2, but the environment variable {LEGACY_VARIABLE} is "
            f"{os.environ.get(LEGACY_VARIABLE)!r}: unset it or set it to 1."
        )
    if _bound_to_keras_3():
        return (
            "NengoDL needs Keras 2, but tf.keras is already Keras 3 in this process: import "
            f"nengo_spikecost before tf.keras is used, or set {LEGACY_VARIABLE}=1."
        )
    return None


def _bound_to_keras_3() -> bool:
    """Whether ``tf.keras`` has already been used, in this process, as Keras 3."""
    tf = sys.modules.get("tensorflow")
    attribute = vars(tf).get("keras") if tf is not None else None
    for module in (attribute, sys.modules.get("tensorflow.keras")):
        # __dict__, because getattr would bind TensorFlow's lazy loader
        model = getattr(module, "__dict__", {}).get("Model")
        if model is not None and not model.__module__.startswith("tf_keras."):
            return True
    return False


def _dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
