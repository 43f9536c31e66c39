"""What is kept of a network that another tool ran and wrote as a NIR graph."""

from __future__ import annotations

import json
import textwrap
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import nir
import numpy as np

#: samples x steps x shape -> node -> samples x steps x shape; the second argument asks for float64
Simulate = Callable[[np.ndarray, bool], "dict[str, np.ndarray]"]


@dataclass
class Recording:
    """A graph as a tool wrote it, and what the tool did with an input.

    Parameters
    ----------
    tool : str
        Its distribution, as pip names it.
    name : str
        What is shown by this network, one word with underscores.
    graph : nir.NIRGraph
        As exported. Nothing is repaired.
    inputs : (samples, steps, ...) array
        Sample 0 holds currents, sample 1 spikes, sample 2 currents of half the size.
    spikes : dict
        (samples, steps, ...) for every node that has spikes, or a voltage as output.
    dt : float
        Step in seconds that the exporter computed with.
    convention : dict
        ``compare`` (">" or ">=", or "none"), ``spikes_per_step`` ("one" or "many"), ``reset``
        ("subtract", "zero", "value", "none"), ``reset_when`` ("same step", "next step", "never",
        or "next step, all of it": then that step's input does not reach v), ``start``, and
        ``equations`` in words.
    lost : list of str
        What the file does not say, so that nobody can know it from the file alone.
    odd : list of str
        What is malformed, or not as NIR's text has it.
    faithful : bool
        Whether the graph, together with ``convention`` and ``lost``, determines the spikes. False
        where the exporter left a part of the network out.
    ran : bool
        False if the graph was written by hand with the tool's formulas and the spikes come from
        NumPy: then the tool itself never ran.
    """

    tool: str
    name: str
    graph: Any
    inputs: np.ndarray
    spikes: dict[str, np.ndarray]
    dt: float
    convention: dict[str, str]
    modules: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    faithful: bool = True
    ran: bool = True
    version: str = ""
    #: what the tool's own reader makes of the graph, in words
    read_back: str = "not tried"
    #: step in seconds of the neurons, if the exporter was given another dt
    step: float | None = None


def random_inputs(
    shape: tuple[int, ...], steps: int, seed: int, grid: float | None, only_spikes: bool
) -> np.ndarray:
    """Three samples: currents, spikes, currents of half the size; on a grid if one is given."""
    rng = np.random.default_rng(seed)
    currents = rng.normal(0.4, 1.0, (3, steps, *shape))
    if only_spikes:
        return (currents > 0.6).astype(np.float32)
    currents[1] = rng.random((steps, *shape)) < 0.4
    currents[2] *= 0.5
    if grid is not None:
        currents = np.round(currents / grid) * grid
    return currents.astype(np.float32)


def steady(simulate: Simulate, inputs: np.ndarray, ties: bool) -> dict[str, np.ndarray] | None:
    """Spikes, or None if one of them hangs on the last digits.

    Another program adds in another order and may compute in float64. A recording is only of use
    if that changes no spike, so it is run in both precisions, and with inputs scaled a little. If
    voltages are meant to meet the threshold exactly, scaling must change something instead.
    """
    spikes = simulate(inputs, False)

    def same(factor: float) -> bool:
        other = simulate(inputs.astype(np.float64) * factor, True)
        return all(
            np.array_equal(kept, other[node]) for node, kept in spikes.items() if is_spikes(kept)
        )

    if not same(1.0) or same(1 - 2e-5) == ties or (not ties and not same(1 + 2e-5)):
        return None
    return spikes


def is_spikes(values: np.ndarray) -> bool:
    return bool(np.all(values == np.round(values)))


def lively(spikes: Mapping[str, np.ndarray]) -> bool:
    """Whether every node spikes, and not all the time, in every sample."""
    for values in spikes.values():
        if not is_spikes(values):
            continue
        share = (values > 0).reshape(len(values), -1).mean(axis=1)
        if share.min() < 0.02 or share.max() > 0.85:
            return False
    return True


def search(
    build: Callable[[int], tuple[Simulate, Any]],
    shape: tuple[int, ...],
    steps: int,
    grid: float | None = None,
    only_spikes: bool = False,
) -> Any:
    """The first seed whose network is lively and steady: its model, inputs and spikes."""
    for seed in range(1000):
        simulate, model = build(seed)
        inputs = random_inputs(shape, steps, seed, grid, only_spikes)
        spikes = steady(simulate, inputs, ties=grid is not None)
        if spikes is not None and lively(spikes):
            return model, inputs, spikes
    raise RuntimeError("no seed below 1000 gives a network that is lively and steady")


def save(recording: Recording, folder: Path) -> None:
    """Write ``TOOL_NAME.nir`` and ``TOOL_NAME.npz``."""
    stem = f"{recording.tool}_{recording.name}"
    path = folder / f"{stem}.nir"
    # compressing small arrays makes them larger, and nir can't compress those of no dimension
    nir.write(path, recording.graph, compression=None)
    about = {
        "tool": recording.tool,
        "version": recording.version or metadata.version(recording.tool),
        "ran": recording.ran,
        "dt": recording.dt,
        "step": recording.dt if recording.step is None else recording.step,
        "convention": recording.convention,
        "modules": recording.modules,
        "lost": recording.lost,
        "odd": recording.odd,
        "faithful": recording.faithful,
        "nir": metadata.version("nir"),
        "nir_reads_it": read_error(path),
        "read_back": recording.read_back,
        "order": "arrays are (samples, steps, ...); sample 1 of the input holds spikes",
    }
    arrays = {
        (f"spikes/{node}" if is_spikes(values) else f"values/{node}"): values.astype(
            np.uint8 if is_spikes(values) else np.float32
        )
        for node, values in recording.spikes.items()
    }
    np.savez_compressed(
        folder / f"{stem}.npz",
        input=recording.inputs.astype(np.float32),
        about=np.array(json.dumps(about, indent=1)),
        **arrays,  # type: ignore[arg-type]
    )


def read_error(path: Path) -> str:
    """What ``nir.read`` says to the file, with the check of types that is its default."""
    try:
        nir.read(path)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "yes"


def refusal(about: str, export: Callable[[], Any], path: Path) -> dict[str, str] | None:
    """Where an export fails and with which words; None if the file was written."""
    stage = "export"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            graph = export()
            stage = "nir.write"
            nir.write(path, graph)
        except Exception as error:
            words = textwrap.shorten(str(error).split("\n")[0], 160, placeholder=" ...")
            return {
                "network": about,
                "fails in": stage,
                "error": f"{type(error).__name__}: {words}",
            }
        finally:
            path.unlink(missing_ok=True)
    return None
