"""What other tools recorded of their networks, run again from their NIR graphs.

The recordings are in ``tests/nir/recordings``; see ``nir_recordings.py``, which makes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nengo
import numpy as np

from nengo_spikecost.nir import CONVENTIONS, Convention, GraphNetwork, from_nir

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "nir" / "recordings"

#: Conventions by the tool of a recording, where they have other names.
_NAMES = {"lava-dl": "lava", "nir-paper": "snntorch"}


@dataclass(frozen=True)
class Case:
    """A recorded network.

    Attributes
    ----------
    name : str
        Of its files.
    about : dict
        What the recording says of the tool and its steps.
    inputs : ndarray of shape (samples, steps, ...)
    spikes, values : dict from str to ndarray of shape (samples, steps, ...)
        By node of the graph: spikes of neurons, and membranes that are read.
    """

    name: str
    about: Mapping[str, Any]
    inputs: np.ndarray
    spikes: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]

    @property
    def path(self) -> Path:
        """The graph, as the tool wrote it."""
        return FOLDER / f"{self.name}.nir"

    @property
    def convention(self) -> Convention:
        """What a user of that tool would say, knowing how the network was made."""
        tool, steps = str(self.about["tool"]), self.about["convention"]
        given = CONVENTIONS[_NAMES.get(tool, tool)]
        reset = {"zero": "value"}.get(steps["reset"], steps["reset"])
        given = replace(given, dt=self.about["step"] or self.about["dt"])
        if reset in ("value", "subtract", "none"):
            given = replace(given, reset=reset)
        if steps["reset_when"] == "same step":
            given = replace(given, delayed=False)
        if tool == "norse":  # the dt that was given to its exporter
            given = replace(given, tau_unit=self.about["dt"])
        if tool == "sinabs" and "min_v_mem" not in steps["equations"]:
            given = replace(given, lowest=None)
        if "norm_input=False" in steps["equations"]:
            given = replace(given, gain="plain")
        return given

    def network(self, **options: Any) -> GraphNetwork:
        """The graph as a network."""
        return from_nir(self.path, convention=self.convention, **options)


def case(name: str) -> Case:
    """One recording."""
    with np.load(FOLDER / f"{name}.npz") as archive:
        arrays = {key: archive[key] for key in archive.files}
    about = json.loads(str(arrays.pop("about")))
    of_kind: dict[str, dict[str, np.ndarray]] = {"spikes": {}, "values": {}}
    inputs = arrays.pop("input")
    for key, array in arrays.items():
        kind, _, node = key.partition("/")
        of_kind[kind][node] = array
    return Case(name, about, inputs, **of_kind)


def cases() -> Iterator[Case]:
    """All recordings, by name."""
    for path in sorted(FOLDER.glob("*.npz")):
        yield case(path.stem)


def run(network: GraphNetwork, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Every step of every node with neurons and of every output, by Nengo's own simulator.

    Parameters
    ----------
    network : GraphNetwork
        With one input.
    inputs : ndarray of shape (samples, steps, ...)

    Returns
    -------
    dict from str to ndarray of shape (samples, steps, n)
        By node; spikes are ones.
    """
    current: list[np.ndarray] = [np.zeros(0)]
    (given,) = network.input_nodes
    with nengo.Network() as around:
        around.add(network)
        probes = {
            network.layer_names[ensemble]: nengo.Probe(ensemble.neurons)
            for ensemble in network.all_ensembles
        }
        probes.update({p.label: p for p in network.all_probes})
    before = given.output
    given.output = lambda t: current[0][round(t / network.dt) - 1]
    steps: dict[str, list[np.ndarray]] = {}
    try:
        with nengo.Simulator(
            around, dt=network.dt, progress_bar=False, optimize=False
        ) as sim:  # fmt: skip
            for sample in inputs:
                current[0] = sample.reshape(len(sample), -1).astype(np.float64)
                sim.reset()
                sim.run_steps(len(sample), progress_bar=False)
                for name, probe in probes.items():
                    steps.setdefault(name, []).append(sim.data[probe].copy())
    finally:
        given.output = before
    return {name: np.stack(samples) for name, samples in steps.items()}
