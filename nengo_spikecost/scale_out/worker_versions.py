"""Versions that decide results: those of a worker have to be those of the process that asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: Packages that take part in a simulation, or in sending it.
PACKAGES = (
    "nengo-spikecost", "nengo", "nengo-dl", "nengo-extras", "nengo-loihi", "keras-spiking",
    "tensorflow", "tf_keras", "numpy", "scipy", "numba", "optuna", "dask", "distributed",
    "cloudpickle",
)  # fmt: skip


def asker() -> Callable[[Sequence[str]], dict[str, str | None]]:
    """A function that says which versions there are where it is called.

    It is defined in a function so that it is sent as code, not as a name in this package: a
    worker that lacks the package can answer, too.
    """

    def versions(packages: Sequence[str]) -> dict[str, str | None]:
        import importlib.metadata
        import sys

        # code is sent pickled, which differs between 3.11 and 3.12, and not within 3.11
        found: dict[str, str | None] = {"Python": "{}.{}".format(*sys.version_info[:2])}
        for name in packages:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = None
        if found.get("nengo"):
            import nengo

            bits = nengo.rc.get("precision", "bits")
            found["nengo.rc precision"] = f"{bits} bits"
        return found

    return versions


def own_versions() -> dict[str, str | None]:
    """The versions in this process; None for a package that is not installed."""
    return asker()(PACKAGES)


def refusal(worker: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str | None:
    """Why a worker can't take part, as a sentence; None if it can."""
    other = [
        f"{name} {theirs.get(name) or 'not installed'} (here {version or 'not installed'})"
        for name, version in ours.items()
        if theirs.get(name) != version
    ]
    if not other:
        return None
    return (
        f"client: worker {worker} has other versions than this process: {', '.join(other)}. "
        "Results could differ: install the same versions there, or leave the worker out."
    )
