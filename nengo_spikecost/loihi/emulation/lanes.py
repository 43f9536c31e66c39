"""State, noise, counts and records of the chip in every lane of a batch.

Reference: nengo-loihi 1.1.0, emulator/interface.py (``NoiseState``, ``CompartmentState``,
``ProbeState``), probe.py, simulator.py (``Simulator._probe``).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from ...deadlines import check_time, while_asked
from ...errors import LoihiError
from .chip import Chip


class LaneSteps(NamedTuple):
    """Counts of every lane at every step, int64; without steps if they are not asked for.

    ``fired`` and ``sent``, (lanes, steps, blocks and then inputs): spikes, and messages
    delivered. ``arrived``, (lanes, steps, 2, sets of synapses): messages and synops.
    """

    fired: np.ndarray
    sent: np.ndarray
    arrived: np.ndarray

    @classmethod
    def zeros(cls, chip: Chip, n_lanes: int, n_steps: int) -> LaneSteps:
        """Counts of 0."""
        n_senders = len(chip.blocks) + len(chip.inputs)
        shapes = ((n_senders,), (n_senders,), (2, len(chip.synapses)))
        return cls(*(np.zeros((n_lanes, n_steps, *s), dtype=np.int64) for s in shapes))


class ChipLanes:
    """A chip for each lane, in a state of its own.

    Parameters
    ----------
    chip : Chip
    batch_size : int
        Lanes.
    n_threads : int
        Threads that share the lanes.
    seed : int
        Seed of noise, which is the same in all lanes.
    """

    def __init__(self, chip: Chip, batch_size: int, n_threads: int, seed: int = 0):
        from . import kernels

        self._advance, self._add_deliveries = kernels.advance, kernels.add_deliveries
        self.chip, self.batch_size = chip, batch_size
        self.n_inputs = chip.n_sources - chip.n_compartments
        n, b = chip.n_compartments, batch_size
        self._current, self._voltage, self._waits = np.zeros((3, b, n), dtype=np.int32)
        self._spiked = np.zeros((b, eights(n)), dtype=np.uint8)
        self._fired_by_host = np.zeros((b, eights(self.n_inputs)), dtype=np.uint8)
        self.spikes = np.zeros((b, chip.n_sources), dtype=np.int32)
        self._n_threads = max(1, min(n_threads, b))
        self._pool = ThreadPoolExecutor(self._n_threads) if self._n_threads > 1 else None
        self.noise = ChipNoise(chip, seed)
        self.begin()

    def reset(self) -> None:
        """Go back to the state that a chip starts from."""
        for array in self._state():
            array[...] = 0
        self.noise.reset()

    def state(self) -> dict[str, np.ndarray]:
        """The state of all chips by name; the very arrays that the simulation uses."""
        names = ("current", "voltage", "waits", "spiked", "fired_by_host")
        return {**dict(zip(names, self._state())), **self.noise.state()}

    def voltages(self) -> np.ndarray:
        """Voltage of each compartment, int32 (lanes, compartments): a copy."""
        return self._voltage.copy()

    def _state(self) -> tuple[np.ndarray, ...]:
        return self._current, self._voltage, self._waits, self._spiked, self._fired_by_host

    def begin(self, n_steps: int = 0) -> None:
        """Start to count for new samples; with ``n_steps``, every step separately."""
        self.spikes[...] = 0
        self.by_step = LaneSteps.zeros(self.chip, self.batch_size, n_steps)
        shape = (2, self.batch_size, max(1, n_steps), len(self.chip.blocks))
        self.with_input, self.active = np.zeros(shape, dtype=np.int64)
        self.overflows = np.zeros((self.batch_size, len(self.chip.blocks), 3), dtype=np.uint8)
        self._n_done = 0
        self._before = self._pending()

    def host_flags(self, n_steps: int) -> np.ndarray:
        """An array for the spikes of the host: (lanes, n_steps, neurons of the host), uint8."""
        shape = (self.batch_size, n_steps, self._fired_by_host.shape[1])
        return np.zeros(shape, dtype=np.uint8)

    def records(self, n_steps: int) -> dict[str, np.ndarray]:
        """Arrays for records: (lanes, n_steps, recorded) by quantity."""
        lanes, tables = (self.batch_size, n_steps), self.chip.tables
        return {
            "spiked": np.empty((*lanes, len(tables.record_spiked)), dtype=np.uint8),
            "current": np.empty((*lanes, len(tables.record_current)), dtype=np.int32),
            "voltage": np.empty((*lanes, len(tables.record_voltage)), dtype=np.int32),
        }

    def advance(self, host: np.ndarray, records: dict[str, np.ndarray]) -> None:
        """Simulate as many steps as ``host`` and ``records`` have."""
        state, noise = self._state(), self.noise.of_steps(host.shape[1])
        counts = (self.spikes, self.with_input, self.active, self.overflows)
        recorded = (records["spiked"], records["current"], records["voltage"])
        steps, start = tuple(self.by_step), self._n_done
        self._n_done += host.shape[1]

        given = self.chip.tables, state, host, noise, recorded, counts, steps, start

        ended = np.zeros(1, dtype=np.int64)

        def some(lanes: tuple[int, int]) -> None:
            self._advance(*given, lanes, ended)

        def every() -> None:
            # more parts than threads, because some lanes have more spikes than others
            n_parts = min(self.batch_size, 4 * self._n_threads)
            cuts = np.linspace(0, self.batch_size, n_parts + 1).astype(int).tolist()
            for _ in (map if self._pool is None else self._pool.map)(some, zip(cuts, cuts[1:])):
                pass

        if host.shape[1] > 1:
            while_asked(every, lambda: ended.fill(1))
        else:
            every()

    def delivered(self) -> tuple[np.ndarray, np.ndarray]:
        """Messages (lanes, n_routes) and synops (lanes, n_routes) since `begin`, int64."""
        spikes = self.spikes + self._before - self._pending()
        messages, synops = np.zeros((2, self.batch_size, len(self.chip.routes)), dtype=np.int64)
        self._add_deliveries(self.chip.tables, spikes, messages, synops)
        return messages, synops

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def _pending(self) -> np.ndarray:
        """The sources that fired at the last step, as 0 or 1, int32."""
        chip = self._spiked[:, : self.chip.n_compartments]
        host = self._fired_by_host[:, : self.n_inputs]
        return np.concatenate([chip, host], axis=1).astype(np.int32)


class ChipNoise:
    """The noise of all compartments, step by step.

    NengoLoihi draws it for all compartments at every step, with the seed of its simulator. Every
    lane has the noise of a new simulator with that seed.

    Parameters
    ----------
    chip : Chip
    seed : int
    """

    def __init__(self, chip: Chip, seed: int):
        self._seed = seed
        parts = [(block.compartment, block.n_neurons) for block in chip.blocks]

        def column(name: str) -> np.ndarray:
            return np.concatenate([np.broadcast_to(getattr(c, name), n) for c, n in parts])

        enabled = column("enable_noise").astype(bool)
        self.any = bool(enabled.any())
        self._n = len(enabled)
        # all in float64, as in NengoLoihi: a whole number times a power of 2
        exponent = column("noise_exp").astype(np.int32)
        self._factor = np.where(enabled, 2.0 ** (exponent - 7), 0)
        self._offset = column("noise_offset").astype(np.int32) * np.int32(64)
        self._at_membrane = column("noise_at_membrane").astype(bool)
        self._keys = np.zeros(624, dtype=np.uint32)
        self._position = np.zeros(1, dtype=np.int64)
        self.reset()

    def reset(self) -> None:
        """Go back to the first step."""
        if self.any:
            self._keep(np.random.RandomState(self._seed))

    def state(self) -> dict[str, np.ndarray]:
        """The state of the random numbers by name; the very arrays that are used."""
        return {"noise": self._keys, "noise position": self._position} if self.any else {}

    def of_steps(self, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Noise of inputs and of biases in the next steps, int32, (n_steps, compartments).

        Both have no steps if no compartment has noise.
        """
        if not self.any:
            nothing = np.zeros((0, self._n), dtype=np.int32)
            return nothing, nothing
        rng = np.random.RandomState()
        rng.set_state(("MT19937", self._keys, int(self._position[0]), 0, 0.0))
        drawn = []
        for _ in range(n_steps):
            check_time()
            drawn.append(rng.randint(-127, 128, size=self._n, dtype=np.int32))
        self._keep(rng)
        noise = ((np.array(drawn) + self._offset) * self._factor).astype(np.int32)
        return noise * ~self._at_membrane, noise * self._at_membrane

    def _keep(self, rng: np.random.RandomState) -> None:
        _, self._keys[...], self._position[...], *_ = rng.get_state(legacy=True)


def eights(n: int) -> int:
    """The next multiple of 8."""
    return -(-n // 8) * 8


QUANTITIES = ("spiked", "current", "voltage")


class ChipReader:
    """Finds each of NengoLoihi's probes in the records of the chip.

    Parameters
    ----------
    probes : sequence of nengo_loihi.probe.LoihiProbe
        In the order in which they are recorded.
    """

    def __init__(self, probes: Sequence[Any]):
        self._columns: dict[Any, list[slice]] = {}
        used = dict.fromkeys(QUANTITIES, 0)
        for probe in probes:
            if probe.key not in used:
                raise LoihiError(
                    f"A Probe records {probe.key!r}, which the chip does not give; record one "
                    f"of {', '.join(QUANTITIES)}."
                )
            self._columns[probe] = []
            for block, part in zip(probe.target, probe.slice):
                size = np.arange(block.n_neurons)[part].size
                first = used[probe.key]
                used[probe.key] += size
                self._columns[probe].append(slice(first, first + size))

    def values(self, probe: Any, records: dict[str, np.ndarray], lane: int) -> np.ndarray:
        """Weighted values of a probe in these steps of a lane, (n_steps, size)."""
        recorded = records[probe.key][lane]
        if probe.key == "spiked":
            recorded = recorded.view(bool)
        return probe.weight_outputs([recorded[:, part] for part in self._columns[probe]])
