"""`simulator="nengo_loihi"`: NengoLoihi's simulator, on its emulator or on a board.

Everything is counted from Probes of spikes, which a board has too: NengoLoihi's own spike probes
of neurons on cores, Nengo's of neurons on the host. A board tells nothing else about its cores
(synops, messages), so there is no `Activity.chip`.

NengoLoihi's ``Simulator.reset`` is not implemented. In a fresh presentation every sample has
a simulator of its own, made from one built model if the model is still as it was built. It is not
if synapses learn, or if neurons on the host keep random numbers in it. On a board, a new
simulator allocates, writes and starts the board again for every sample.

Reference: nengo-loihi 1.1.0, simulator.py, hardware/interface.py.
"""

from __future__ import annotations

import warnings
from typing import Any, Callable

import nengo
import numpy as np

from ... import check, stack
from ...activity.backend import Setup
from ...activity.reference import VALUES_AT_ONCE, ReferenceBackend
from ...chip.limits import DEFAULT_CHIPS, MAX_CORES_PER_CHIP
from ...deadlines import in_time
from ...errors import EmulationWarning, MeasurementError
from ...graph import EventSource, SpikeSource
from ...graph.chip_split import is_chip_process
from ...warned import pass_on, warn
from ..cores.built import built_network
from ..emulation.unsent import n_unsent, spike_heights, warn_of_unsent
from .chip_network import Surrounding, check_probes, shaped

TARGETS = ("sim", "loihi")


class NengoLoihiBackend(ReferenceBackend):
    """NengoLoihi's simulator, run sample by sample.

    Parameters
    ----------
    setup : Setup
        Its options ``target`` and ``hardware_options`` say on what to run.

    Raises
    ------
    MeasurementError
        If a board is asked for without NxSDK, or for several samples at once.
    """

    def __init__(self, setup: Setup):
        self.target = setup.options.get("target", TARGETS[0])
        self._hardware = dict(setup.options.get("hardware_options", {}))
        _check_target(self.target, self._hardware, setup)
        check_probes(setup)
        super().__init__(setup, self._simulator)
        values = sum(p.n_neurons for p in setup.populations)
        values += sum(int(probe.size_in) for probe in setup.outputs.values())
        # few runs of many steps: each is started anew on a board
        self._first_steps = max(1, min(VALUES_AT_ONCE // max(1, values), setup.n_steps))
        self._model: Any = None
        self._lost: _Lost | None = None

    def _not_called(self) -> set[nengo.Node]:
        # NengoLoihi reads the events of processes on the chip when it builds them
        events = {node for node in self.setup.network.all_nodes if is_chip_process(node)}
        return super()._not_called() | events

    def _spike_probe(self, population: SpikeSource) -> Any:
        if isinstance(population, EventSource):
            return _Events(population)
        return super()._spike_probe(population)

    def _surrounding(self) -> nengo.Network:
        return Surrounding(self.setup.network, self.setup.seed)

    def _made(self, **options: Any) -> _Run:
        return self._simulator(self._network, **options)

    def _run_steps(self, simulator: _Run, n_steps: int) -> None:
        simulator.run_steps(n_steps)

    def _in_time(self, run: Callable[[], Any]) -> Any:
        """What NengoLoihi makes or does, given up when time is over; a board is left to end it."""
        return _quiet(run) if self.target == "loihi" else in_time(lambda: _quiet(run))

    def _simulator(self, network: nengo.Network, **options: Any) -> _Run:
        """A simulator in its initial state, of the model built before if that can be."""
        with shaped(self.setup, network):
            if self._model is None and self.target == "loihi":
                self._model = stack.nengo_loihi().builder.Model(dt=self.setup.dt)
                self._model.build(network)
                chips = -(-len(self._model.blocks) // MAX_CORES_PER_CHIP)
                self._hardware.setdefault("n_chips", max(DEFAULT_CHIPS, chips))
            with warnings.catch_warnings():
                # a model is used again on purpose
                warnings.filterwarnings("ignore", message="Object .* has already been built")
                simulator = self._in_time(
                    lambda: stack.nengo_loihi().Simulator(
                        network, dt=self.setup.dt, seed=self.setup.seed, model=self._model,
                        target=self.target, progress_bar=False, hardware_options=self._hardware,
                    )
                )  # fmt: skip
        # spikes on their way from host to chip are in the model: lanes need one each
        again = not self.setup.continuous and _is_as_built(simulator.model)
        self._model = simulator.model if again else None
        self._lost = _Lost(network, simulator) if self._lost is None else self._lost
        self._lost.watch(simulator)
        return _Run(simulator, self._in_time)

    def close(self) -> None:
        super().close()
        if self._lost is not None:
            self._lost.say()


class _Lost:
    """Spikes of the host that the chip did not get, over all samples; `Emulator` counts the same.

    NengoLoihi keeps the outputs of the host's neurons in queues until it sends them, and doesn't
    say that it sends one spike of each neuron at most. They are looked at just before.
    """

    def __init__(self, network: nengo.Network, simulator: Any):
        self._network, self._model = network, simulator.model
        inputs = self._model.inputs
        self.n_lost, self.n_sent = np.zeros((2, len(inputs)), dtype=np.int64)

    def watch(self, simulator: Any) -> None:
        """Count what this simulator sends from now on."""
        runner, model = simulator._runner, simulator.model
        number = {id(spikes): k for k, spikes in enumerate(model.inputs)}
        to = {
            node: number[id(model.spike_targets[r])] for node, r in model.host2chip_senders.items()
        }
        heights, send = spike_heights(model), runner._host2chip

        def counted(chip: Any) -> None:
            for node, k in to.items():
                for _, values in runner.queues[node]:
                    self.n_sent[k] += np.count_nonzero(values)
                    self.n_lost[k] += n_unsent(values, heights[node])
            send(chip)

        runner._host2chip = counted

    def say(self) -> None:
        """Warn of those that were lost."""
        if self.n_lost.any():
            parts = built_network(self._network, model=self._model).inputs
            warn_of_unsent([p.name for p in parts], self.n_lost.tolist(), int(self.n_sent.sum()))


class _Events:
    """Stands for a Probe of a process on the chip, which NengoLoihi does not offer."""

    def __init__(self, source: EventSource):
        self.source = source


class _Data:
    """What Probes have recorded, and the events that processes on the chip have made."""

    def __init__(self, simulator: Any, first: int):
        self._simulator, self._first = simulator, first

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, _Events):
            return self._simulator.data[key]
        model, node = self._simulator.model, key.source.obj
        values = np.zeros((self._simulator.n_steps - self._first, key.source.size))
        events = model.objs[node]["out"]
        for step in events.permanent:
            if self._first < step <= self._simulator.n_steps:
                # several events of one element in a step all count
                np.add.at(values[step - self._first - 1], events.spikes[step], 1 / model.dt)
        return values


class _Run:
    """A simulator of NengoLoihi with the interface of Nengo's."""

    def __init__(self, simulator: Any, in_time: Callable[[Callable[[], Any]], Any]):
        self._simulator, self._in_time = simulator, in_time
        self._first = 0
        try:
            _run_noting(lambda: in_time(simulator.__enter__))
        except BaseException:
            simulator.close()
            raise

    @property
    def data(self) -> Any:
        """Values of Probes."""
        return _Data(self._simulator, self._first)

    def run_steps(self, n_steps: int) -> None:
        """Simulate."""
        _run_noting(lambda: self._in_time(lambda: self._simulator.run_steps(n_steps)))

    def clear_probes(self) -> None:
        """Forget the values of Probes."""
        self._simulator.clear_probes()
        self._first = self._simulator.n_steps

    def reset(self) -> None:
        """NengoLoihi has none: a new simulator is made."""
        raise NotImplementedError

    def close(self) -> None:
        """Free the board."""
        self._simulator.__exit__(None, None, None)
        for spikes in self._simulator.model.inputs:
            for step in [step for step in spikes.spikes if step not in spikes.permanent]:
                del spikes.spikes[step]


def _quiet(run: Callable[[], Any]) -> Any:
    with np.errstate(all="ignore"):  # in the thread that it runs in
        return run()


def _run_noting(run: Callable[[], Any]) -> None:
    """Call a part of NengoLoihi, and say once what it warns of at every step."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # spikes that NengoLoihi drops make an error here: counts and outputs would be wrong
        warnings.filterwarnings("error", message="Too many spikes")
        try:
            run()
        except UserWarning as warning:
            raise MeasurementError(
                f"{warning}: the host sends more spikes in one step than the board's program "
                "has room for, and NengoLoihi drops the rest. Raise it: "
                "hardware_options={'snip_max_spikes_per_step': ...}."
            ) from None
    overflows = {str(w.message) for w in caught if _is_overflow(w)}
    if overflows:
        message = (
            f"Numbers were too large for the chip, and were cut as it cuts them ("
            f"{', '.join(sorted(overflows))}): too many spikes arrive at once."
        )
        warn(message, EmulationWarning)
    pass_on("NengoLoihi", (w for w in caught if not _is_overflow(w)))


def _is_overflow(warning: warnings.WarningMessage) -> bool:
    return str(warning.message).startswith("Overflow")


def _check_target(target: Any, hardware: Any, setup: Setup) -> None:
    check.choice("target", target, TARGETS, MeasurementError)
    if target == "sim" and hardware:
        raise MeasurementError("hardware_options are those of a board: say target='loihi' too.")
    if target == "sim":
        return
    if not stack.nengo_loihi().hardware.HAS_NXSDK:
        raise MeasurementError(
            "target='loihi' runs on a board, and NxSDK, the software that Intel gives with one, "
            "is not installed here. target='sim' runs NengoLoihi's emulator, and "
            "simulator='loihi' does the same much faster."
        )
    if setup.continuous and setup.batch_size > 1:
        raise MeasurementError(
            f"batch_size={setup.batch_size} in a continuous presentation needs as many boards: "
            "leave it out."
        )


def _is_as_built(model: Any) -> bool:
    """Whether a run leaves a model as it was, so that it can start again."""
    learns = any(synapse.learning for block in model.blocks for synapse in block.synapses)
    operators = (*model.host_pre.operators, *model.host.operators)
    return not learns and not any(getattr(op, "state_extra", None) for op in operators)
