"""Host and chip in step, as NengoLoihi has them: what is sent when, and what arrives when.

Two rules fix the order of everything:

* a spike that the host makes at step ``t`` reaches the chip's synapses at step ``t + 1``;
* what the chip does at step ``t`` is what the host reads at step ``t + 1``.

NengoLoihi splits the host in two: ``host_pre`` feeds the chip, ``host`` reads it. Where nothing on
the way to the chip depends on the chip (``precompute``), many steps are run at once:

1. `HostPart` ``host_pre`` makes all steps; what it sends is written down, a byte for each step
   and neuron (``flags``).
2. The chip makes all steps in one call of compiled code (`ChipLanes.advance`) and records what
   Probes and the host read.
3. Probes on the chip filter the records of all steps.
4. ``host`` makes all steps, each with the record of the chip's step before; in the first, with
   what was read last (``_read``).

Otherwise the same four are done for one step at a time, with both parts of the host in 1 and none
in 4. Running everything step by step would be simpler and give the same; but every call of
compiled code costs time of its own, and between two calls a lane's state leaves the cache. How
many steps are run at once is limited by memory (`BYTES_AT_ONCE`).

Three things are easily got wrong:

* Before its first step, NengoLoihi has filled the queue from chip to host already when it runs in
  parts, so that steps 1 and 2 of the host both read the chip's step 1.
* Probes on the chip have their own filters, which run on from sample to sample.
* Processes that NengoLoihi puts on the chip (``permanent`` spikes) may fire one neuron several
  times in one step; spikes from the host never do.

Reference: nengo-loihi 1.1.0, simulator.py (``StepRunner``), builder/inputs.py
(``HostReceiveProcess``), emulator/interface.py (``ProbeState.send``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import nengo
import numpy as np

from ... import stack
from ...activity.gathered import Gathered
from ...activity.lane_memory import Memory
from ...deadlines import check_time
from ...errors import LoihiError
from .chip import Chip
from .host_functions import HostFunctions
from .host_simulation import HostCounter, HostPart, counts_in
from .lanes import ChipLanes, ChipReader
from .unsent import MORE_THAN_ONE, n_unsent, spike_heights

#: Bytes of spikes and records that are held at a time.
BYTES_AT_ONCE = 2**26


class Presenter:
    """Runs batches of samples through host and chip.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
    chip : Chip
    chip_probes : sequence of nengo_loihi.probe.LoihiProbe
        All that the chip records, in the order in which ``chip`` has them.
    fed : sequence of nengo.Node
        Nodes whose outputs are given.
    changing : bool
        Whether they change from step to step.
    batch_size, n_threads, seed : int
    network : nengo.Network
        Its Ensembles that run on the host are counted.
    shared : collection of nengo.Node
        Nodes whose functions all lanes share, whatever they remember.
    """

    def __init__(
        self, model: Any, chip: Chip, chip_probes: Sequence[Any], fed: Sequence[nengo.Node],
        changing: bool, batch_size: int, n_threads: int, seed: int, network: nengo.Network,
        shared: Collection[nengo.Node] = (),
    ):  # fmt: skip
        from .host_kernels import send

        self._set_flags = send
        self._model, self._chip = model, chip
        self.lanes = ChipLanes(chip, batch_size, n_threads, seed)
        self._reader = ChipReader(chip_probes)
        self.senders = _senders(model, chip)
        heights = spike_heights(model).items()
        self._heights = {self.senders[id(node.output)]: height for node, height in heights}
        #: Spikes fired on the host that were not sent, (lanes, inputs): one a step is.
        self.unsent = np.zeros((batch_size, len(chip.inputs)), dtype=np.int64)
        receiving = model.chip2host_receivers.items()
        self._receivers = {id(node.output): probe for probe, node in receiving}
        models = [part for part in (model.host_pre, model.host) if part.params]
        functions = self._functions = HostFunctions(network, models, batch_size, shared)
        options: Any = (batch_size, fed, changing, self.senders, self._receivers, seed, functions)
        parts = self._parts = [HostPart(part, *options) for part in models]
        self.precomputed = bool(model.split.precompute)
        before = [part for part in parts if part.model is model.host_pre]
        self._before = before if self.precomputed else parts
        self._after = [part for part in parts if part not in before] if self.precomputed else []
        pairs = [(part, ensemble) for ensemble in network.all_ensembles for part in parts]
        self._counters = [HostCounter(*pair) for pair in pairs if counts_in(*pair)]
        self.host_ensembles = [counter.ensemble for counter in self._counters]
        self._timed = [
            (spikes, chip.input_of[number].start - chip.n_compartments)
            for number, spikes in enumerate(chip.inputs)
            if spikes.permanent
        ]
        self._n_steps = 0
        self._filters: list[Any] = []
        self._read: dict[Any, np.ndarray] = {}

    @property
    def fed(self) -> set[Any]:
        """Nodes that can be fed."""
        return {node for part in self._parts for node in part.fed}

    def reset(self) -> None:
        """Take the state that a new simulator starts from."""
        self._functions.reset()
        for part in self._parts:
            part.reset()
        self.lanes.reset()
        self._n_steps = 0
        make = stack.nengo_loihi().probe.ProbeFilter
        self._filters = [make(self._model.dt) for _ in range(self.lanes.batch_size)]
        lanes, receivers = self.lanes.batch_size, self._model.chip2host_receivers
        self._read = {probe: np.zeros((lanes, x.size_out)) for probe, x in receivers.items()}

    def host_counts(self) -> list[np.ndarray]:
        """Spikes of each of ``host_ensembles``, (lanes, n_neurons)."""
        return [counter.counts for counter in self._counters]

    def present(
        self, inputs: Mapping[Any, np.ndarray], n_steps: int, gathered: Mapping[Any, Gathered],
        by_step: bool = False,
    ) -> None:  # fmt: skip
        """Run the steps of one sample in each lane.

        Parameters
        ----------
        inputs : mapping from Node to ndarray of shape (lanes, 1 or n_steps, size)
        n_steps : int
        gathered : mapping from nengo.Probe to Gathered
            Added to.
        by_step : bool
            Whether to count every step separately.
        """
        self.lanes.begin(n_steps if by_step else 0)
        self.unsent[...] = 0
        for counter in self._counters:
            counter.begin()
        self._feed(inputs, 0, first=True)
        for part in self._parts:
            part.begin()
        chunk = self._steps_at_once(n_steps)
        self._functions.watch()
        for start in range(0, n_steps, chunk):
            self._run(inputs, start, min(chunk, n_steps - start), gathered)
        self._functions.warn_if_changed()

    def state(self) -> dict[str, np.ndarray]:
        """The state that the next step depends on, as arrays by name.

        Raises
        ------
        LoihiError
            If a function or process on the host keeps something that can't be pickled.
        """
        state = dict(self._arrays())
        state["n_steps"] = np.array(self._n_steps)
        done = [[f.filter_step_counters.get(p, -1) for p in self._probes] for f in self._filters]
        state["filtered"] = np.array(done, dtype=np.int64)
        try:
            memory = self._memory().capture()
        except Exception as error:  # of whatever kind objects raise that can't be pickled
            raise LoihiError(
                f"The state can't be kept: a process or function on the host keeps something "
                f"that can't be pickled ({error})."
            ) from error
        state["memory"] = np.frombuffer(memory, dtype=np.uint8)
        return {name: array.copy() for name, array in state.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state` of a presenter like this one.

        Raises
        ------
        LoihiError
            If it is of another network.
        """
        self.reset()
        arrays = self._arrays()
        wrong = [k for k, x in arrays.items() if k not in state or state[k].shape != x.shape]
        if wrong:
            raise LoihiError(f"This state is of another network: {wrong[0]} differs.")
        for name, array in arrays.items():
            array[...] = state[name]
        self._n_steps = int(state["n_steps"])
        for filters, n_done in zip(self._filters, state["filtered"]):
            for probe, n in zip(self._probes, n_done):
                if n >= 0:
                    filters._init_filter(probe)
                    filters.filter_step_counters[probe] = int(n)
        memory = self._memory()
        memory.restore(state["memory"].tobytes())
        n = len(self._functions.all())
        self._functions.replace(memory.roots[:n])
        for (functions, probe), function in zip(self._filter_functions(), memory.roots[n:]):
            functions[probe] = function

    def _arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the state by name; the very arrays that the simulation uses."""
        arrays = {f"chip {name}": array for name, array in self.lanes.state().items()}
        for k, part in enumerate(self._parts):
            arrays.update({f"host {k} {j}": x for j, x in enumerate(part.state())})
        arrays.update({f"read {k}": values for k, values in enumerate(self._read.values())})
        return arrays

    @property
    def _probes(self) -> list[Any]:
        """NengoLoihi's probes on the chip, in the order of the network's."""
        return [self._model.objs[probe]["out"] for probe in self._model.nengo_probes]

    def _filter_functions(self) -> list[tuple[dict[Any, Any], Any]]:
        """The filters of Probes that there are: of each lane a dict, and the key in it."""
        pairs = [(own.filter_functions, probe) for own in self._filters for probe in self._probes]
        return [(functions, probe) for functions, probe in pairs if probe in functions]

    def _memory(self) -> Memory:
        """State that is in no array: of functions, of filters of Probes, of processes."""
        filters = [functions[probe] for functions, probe in self._filter_functions()]
        opaque = [part.opaque[k] for part in self._parts for k in sorted(part.opaque)]
        steps = [step for own in opaque for step in own]
        signals = [x for part in self._parts for x in (*part.state(), *part.constants())]
        return Memory([*self._functions.all(), *filters, *steps], signals)

    def close(self) -> None:
        """Free the memory and the threads of the simulation."""
        self.lanes.close()

    def _run(self, inputs: Any, start: int, n_steps: int, gathered: Any) -> None:
        """Some steps of a sample; the numbers are those of the module's docstring."""
        flags = self.lanes.host_flags(n_steps)
        for k in range(n_steps):  # 1
            check_time()
            self._feed(inputs, start + k)
            for part in self._before:
                part.received = self._read
                self._step(part)
                self._send(part, flags, k)
                self._probe_host(part, gathered)
            self._send_timed(flags[:, k], self._n_steps + k + 1)
        records = self.lanes.records(n_steps)
        self.lanes.advance(flags, records)  # 2
        self._probe_chip(records, gathered)  # 3
        self._receive(inputs, start, n_steps, records, gathered)  # 4
        self._n_steps += n_steps

    def _step(self, part: HostPart) -> None:
        part.step()
        for counter in self._counters:
            if counter.part is part:
                counter.add()

    def _receive(self, inputs: Any, start: int, n_steps: int, records: Any, gathered: Any) -> None:
        """Run the part of the host that reads the chip; keep what the next step reads."""
        values = {probe: self._values(probe, records) for probe in self._receivers.values()}
        if not self._n_steps:
            # a queue that is filled before step 1 gives its first values then already
            self._read = {probe: x[:, 0] for probe, x in values.items()}
        for part in self._after:
            for k in range(n_steps):
                check_time()
                self._feed(inputs, start + k)
                part.received = {p: x[:, k - 1] for p, x in values.items()} if k else self._read
                self._step(part)
                self._probe_host(part, gathered)
        self._read = {probe: x[:, -1].copy() for probe, x in values.items()}

    def _values(self, nengo_probe: Any, records: Any) -> np.ndarray:
        probe = self._model.objs[nengo_probe]["out"]
        lanes = range(self.lanes.batch_size)
        return np.stack([self._reader.values(probe, records, lane) for lane in lanes])

    def _feed(self, inputs: Any, step: int, first: bool = False) -> None:
        for node, values in inputs.items():
            if first or values.shape[1] > 1:
                for part in self._parts:
                    part.feed(node, values[:, step])

    def _send(self, part: HostPart, flags: np.ndarray, step: int) -> None:
        for number, values in part.sent.items():
            own = self._chip.input_of[number]
            first = own.start - self._chip.n_compartments
            height = self._heights[number]
            values = np.ascontiguousarray(values)
            if self._set_flags(values, flags, step, first, MORE_THAN_ONE * height):
                self.unsent[:, number] += n_unsent(values, height)

    def _send_timed(self, flags: np.ndarray, step: int) -> None:
        """Send the events of processes on the chip, which NengoLoihi knew when it built them."""
        for spikes, first in self._timed:
            if step in spikes.permanent:
                # an event that is there several times in one step arrives several times
                fired = np.bincount(np.asarray(spikes.spikes[step], dtype=np.int64))
                flags[:, first : first + len(fired)] = fired

    def _probe_host(self, part: HostPart, gathered: Any) -> None:
        for probe in part.model.probes:
            if probe in gathered and part.n_steps % gathered[probe].every < 1:
                signal = part.model.sig[probe]["in"]
                values = part.array(signal)
                if not part.is_batched(signal):
                    values = np.broadcast_to(values, (self.lanes.batch_size, *values.shape))
                gathered[probe].add(values[:, None])

    def _probe_chip(self, records: Any, gathered: Any) -> None:
        for probe in self._model.nengo_probes:
            if probe in gathered:
                own, data = self._model.objs[probe]["out"], self._values(probe, records)
                if own.synapse is not None:
                    data = np.stack([f(own, x) for f, x in zip(self._filters, data)])
                gathered[probe].add(data)

    def _steps_at_once(self, n_steps: int) -> int:
        if not self.precomputed:
            return 1
        tables = self._chip.tables
        wide = 4 * (len(tables.record_current) + len(tables.record_voltage))
        # recorded spikes become numbers of 8 bytes when they are read
        width = self.lanes.n_inputs + 9 * len(tables.record_spiked) + 3 * wide
        return int(np.clip(BYTES_AT_ONCE // (self.lanes.batch_size * max(1, width)), 1, n_steps))


def _senders(model: Any, chip: Chip) -> dict[int, int]:
    """Number of the chip's input that each sending process feeds, by ``id`` of the process."""
    number = {id(spikes): k for k, spikes in enumerate(chip.inputs)}
    return {
        id(node.output): number[id(model.spike_targets[receiver])]
        for node, receiver in model.host2chip_senders.items()
    }
