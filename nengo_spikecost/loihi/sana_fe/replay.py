"""`replay`: SANA-FE run with recorded spikes, and its counts and energies of every step."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import check
from ...errors import LoihiError
from .architecture import sanafe
from .sana_fe_export import CHARGED, SanaFeNetwork

#: SANA-FE's models of the time that a step takes.
TIMING = ("simple", "detailed", "cycle")


@dataclass(frozen=True)
class SanaFeRun:
    """SANA-FE's counts and energies of every step. All arrays have shape (n_steps,).

    Messages and synops are those of the spikes fired in the step, also of the last.

    Attributes
    ----------
    timing : str
        One of `TIMING`.
    fired, updated : ndarray of int64
        Neurons on the chip that fired; and those that SANA-FE updated: that fired, that a weight
        arrived at, that have a bias, or whose potential was not 0.
    synops, messages, hops : ndarray of int64
        Of the chip's and the host's spikes.
    host_messages : ndarray of int64
        Of these messages, the host's.
    soma_J, synapse_J, network_J : ndarray of float64
        Energies. Network: output axons and hops, of the host's messages too.
    host_network_J : ndarray of float64
        The part of ``network_J`` that is due to the host's messages.
    step_s : ndarray of float64
        Times of the steps, with ``sync_s``, the end of each step, in them.
    """

    timing: str
    fired: np.ndarray = field(repr=False)
    updated: np.ndarray = field(repr=False)
    synops: np.ndarray = field(repr=False)
    messages: np.ndarray = field(repr=False)
    hops: np.ndarray = field(repr=False)
    host_messages: np.ndarray = field(repr=False)
    soma_J: np.ndarray = field(repr=False)
    synapse_J: np.ndarray = field(repr=False)
    network_J: np.ndarray = field(repr=False)
    host_network_J: np.ndarray = field(repr=False)
    step_s: np.ndarray = field(repr=False)
    sync_s: float

    @property
    def n_steps(self) -> int:
        """Steps that were run."""
        return len(self.step_s)


def replay(exported: SanaFeNetwork, timing: str = "detailed") -> SanaFeRun:
    """Run SANA-FE with the recorded spikes.

    Parameters
    ----------
    exported : SanaFeNetwork
        As `to_sana_fe` returns it.
    timing : {"simple", "detailed", "cycle"}
        SANA-FE's model of time: the slowest core, messages that wait for each other, or a
        mesh simulated cycle by cycle.

    Raises
    ------
    LoihiError
        If SANA-FE's neurons did not fire as told, which would be an error of this replay.
    """
    check.choice("timing", timing, TIMING, LoihiError)
    chip = sanafe().SpikingChip(exported.architecture)
    rows = []
    with contextlib.redirect_stdout(io.StringIO()):  # it reports every call
        chip.load(exported.network)
        groups = chip.mapped_neuron_groups
        neurons = [neuron for name in exported.blocks for neuron in groups[name]]
        armed, held = np.zeros((2, len(neurons)), dtype=bool)
        for now, charged in zip(exported.spikes[:, : len(neurons)], exported.charged):
            # set the bias of compartments that have to fire, and take it from those that had to
            for number in np.flatnonzero(now != armed):
                neurons[number].set_attributes(model_attributes={"bias": float(now[number])})
            for number in np.flatnonzero(charged != held):
                potential = CHARGED if charged[number] else 0.0
                neurons[number].set_attributes(model_attributes={"potential": potential})
            armed, held = now, charged & ~now  # what fires is reset to 0
            rows.append(_step(chip, exported, timing))
    table = np.array(rows, dtype=np.float64).T
    counts = table[:6].astype(np.int64)
    if not np.array_equal(counts[0], exported.spikes.sum(axis=1)):
        raise LoihiError(
            "SANA-FE's neurons did not fire as they were told; this replay is for the SANA-FE "
            "that setup.cfg names."
        )
    counts[:2] -= exported.spikes[:, len(neurons) :].sum(axis=1)  # the host's inputs
    fields = ("fired", "updated", "synops", "messages", "hops", "host_messages")
    amounts = ("soma_J", "synapse_J", "network_J", "host_network_J", "step_s")
    values: dict[str, Any] = {**dict(zip(fields, counts)), **dict(zip(amounts, table[6:]))}
    return SanaFeRun(timing=timing, sync_s=exported.constants.sync_s(exported.n_tiles), **values)


def _step(chip: Any, exported: SanaFeNetwork, timing: str) -> list[float]:
    step = chip.sim(1, timing_model=timing, perf_trace=True, message_trace=True)
    trace = {name: values[0] for name, values in step["perf_trace"].items()}
    messages = [m for m in step["message_trace"][0] if not m["placeholder"]]
    host = [m for m in messages if m["src_neuron_group_id"] in exported.inputs]
    counts = (trace[name] for name in ("fired", "updated", "spikes"))
    energies = (trace[f"{part}_energy"] for part in ("soma", "synapse", "network"))
    host_J = sum(_message_J(m, exported) for m in host)
    hops, seconds = trace["hops"], trace["sim_time"]
    return [*counts, len(messages), hops, len(host), *energies, host_J, seconds]


def _message_J(message: dict[str, Any], exported: SanaFeNetwork) -> float:
    """Energy of a message on its way, in J."""
    energy = exported.constants.energy
    east_west = abs(message["src_x"] - message["dest_x"])
    north_south = abs(message["src_y"] - message["dest_y"])
    ways = east_west * energy["east_west"] + north_south * energy["north_south"]
    return energy["message_out"] + energy["message_in"] + ways
