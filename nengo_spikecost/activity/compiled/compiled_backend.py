"""`CompiledBackend`: the back end of ``simulator="compiled"``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import nengo
import numpy as np
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import SimPyFunc
from nengo.builder.processes import SimProcess
from nengo.cache import get_default_decoder_cache

from ...deadlines import in_time
from ...errors import MeasurementError
from ..backend import Backend, BatchCounts, Setup, amplitude
from ..gathered import sampled, saw_nothing
from ..operator_functions import OperatorFunctions
from .compiled_network import CompiledNetwork, Counted, Output, Read


def compiled_backend(setup: Setup) -> Backend:
    """Compiled code, or NengoDL for what only NengoDL has operators for."""
    foreign = of_nengo_dl(setup.network)
    if not foreign:
        return CompiledBackend(setup, built(setup))
    if setup.options.get("dtype") is not None:
        raise MeasurementError(f"dtype: {foreign[0]} can be run by NengoDL only; leave dtype out.")
    from ..nengo_dl import nengo_dl_backend

    kinds = ", ".join(sorted({type(node).__name__ for node in foreign}))
    note = f"run by NengoDL, the only one that can run a {kinds}"
    return _ByNengoDL(nengo_dl_backend(setup), note)


def of_nengo_dl(network: Any) -> list[Any]:
    """Nodes that NengoDL alone can run."""
    # by the name of the package, which is not imported here; Nengo builds such Nodes, to no end
    return [
        node for node in network.all_nodes
        if any(cls.__module__.split(".")[0] == "nengo_dl" for cls in type(node).__mro__)
    ]  # fmt: skip


class _ByNengoDL(Backend):
    """NengoDL in place of compiled code."""

    def __init__(self, backend: Backend, note: str):
        self._backend, self._note = backend, note
        self.not_resumable = f"a continuous presentation is {note}, which does not give its state"

    def run(self, inputs: Mapping[str, np.ndarray]) -> BatchCounts:
        return replace(self._backend.run(inputs), notes=(self._note,))

    def close(self) -> None:
        self._backend.close()


class CompiledBackend(Backend):
    """Nengo builds the network, compiled code steps it.

    Parameters
    ----------
    setup : Setup
        ``options["dtype"]`` may be "float32" or "float64"; default: that of the network's settings
        for NengoDL, else float32.
    model : nengo.builder.Model
        Its network, built.
    """

    any_size = True

    def __init__(self, setup: Setup, model: Any):
        self.setup, self._model = setup, model
        self._known: CompiledNetwork | None = None
        self._per_unit = {p.name: setup.dt / amplitude(p) for p in setup.populations}

    def run(self, inputs: Mapping[str, np.ndarray]) -> BatchCounts:
        n_steps, kept = self.setup.n_steps, self.setup.kept_by_step
        if not kept:
            return self.run_lengths(inputs, [n_steps])[n_steps]
        frames, every = _joined(inputs, self.setup, n_steps), range(1, n_steps + 1)
        network, continuous = self._network, self.setup.continuous
        done = network.n_done if continuous else 0
        reads = network.present(frames, every, continuous, uncounted=every[:-1])
        steps = {
            name: np.array([[read.last[name] for read in own] for own in reads], dtype="f4")
            for name in kept
        }
        return replace(self._counts([own[-1] for own in reads], done, n_steps), steps=steps)

    def run_lengths(
        self, inputs: Mapping[str, np.ndarray], lengths: Sequence[int]
    ) -> dict[int, BatchCounts]:
        """Present one batch for the longest time, and read it at every length.

        Parameters
        ----------
        inputs : mapping from str to ndarray
            ``(n, 1 or n_steps, size)`` for each input; at most ``batch_size`` samples.
        lengths : sequence of int
            Steps, ascending.

        Returns
        -------
        dict from int to BatchCounts
        """
        frames = _joined(inputs, self.setup, lengths[-1])
        network, continuous = self._network, self.setup.continuous
        done = network.n_done if continuous else 0
        reads = network.present(frames, list(lengths), continuous)
        return {n: self._counts([own[k] for own in reads], done, n) for k, n in enumerate(lengths)}

    def begin(self) -> None:
        """Start anew: the next batch is the first."""
        self._network.reset()

    def renew(self, per_unit: Mapping[str, float]) -> None:
        """Go on with what was changed in the model: see `CompiledNetwork.renew`.

        Parameters
        ----------
        per_unit : mapping from str to float
            Spikes of one unit of output in one step, of the populations where it has changed.
        """
        self._per_unit.update(per_unit)
        if self._known is not None:
            self._known.renew(self._per_unit)

    def close(self) -> None:
        if self._known is not None:
            self._known.close()

    def state(self) -> dict[str, np.ndarray]:
        return self._network.state()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self._network.restore(state)

    @property
    def _network(self) -> CompiledNetwork:
        if self._known is None:
            setup, sig = self.setup, self._model.sig
            counted = {
                p.name: Counted(sig[p.spikes_of]["out"], self._per_unit[p.name], bool(p.spiking))
                for p in setup.populations
            }
            read = {
                name: Output(sig[probe]["in"], (probe.sample_every or setup.dt) / setup.dt)
                for name, probe in setup.outputs.items()
            }
            fed = [spec.node for spec in setup.inputs]
            functions = OperatorFunctions(
                setup.network, [self._model], setup.batch_size, setup.continuous, fed
            )
            self._known = in_time(
                lambda: CompiledNetwork(
                    self._model, fed, counted, read, _dtype(setup), setup.batch_size, functions,
                    seed=setup.seed,
                )
            )  # fmt: skip
        return self._known

    def _counts(self, reads: Sequence[Read], done: int, n_steps: int) -> BatchCounts:
        names = [p.name for p in self.setup.populations]
        outputs = {}
        for name, probe in self.setup.outputs.items():
            n_values = int(sampled(probe, self.setup.dt, done, n_steps).sum())
            if n_values == 0:
                raise saw_nothing(name)
            last = np.stack([read.last[name] for read in reads])
            total = np.stack([read.total[name] for read in reads])
            outputs[name] = (last.astype("f4"), (total / n_values).astype("f4"))
        kinds = ", ".join(sorted({_words(op) for op in self._network.by_python}))
        notes = (f"run by Python at every step: {kinds}",) if kinds else ()
        counts = {name: np.stack([read.counts[name] for read in reads]) for name in names}
        return BatchCounts(counts, outputs, notes=notes)


def _dtype(setup: Setup) -> str:
    """The type of numbers that was asked for, or else that the network says to NengoDL."""
    config = setup.network.config
    own = config[nengo.Network] if nengo.Network in config.params else None
    return str(setup.options.get("dtype") or getattr(own, "dtype", None) or "float32")


def _words(op: Any) -> str:
    """What an operator is, for a user."""
    if isinstance(op, SimNeurons):
        return f"neurons ({type(op.neurons).__name__})"
    if isinstance(op, SimPyFunc):
        return "functions"
    if isinstance(op, SimProcess):
        return f"processes ({type(op.process).__name__})"
    return type(op).__name__


def built(setup: Setup) -> Any:
    """The network as Nengo builds it."""
    outer = nengo.Network(seed=setup.seed, add_to_container=False)
    with outer:
        nengo.Network.add(setup.network)
    model = nengo.builder.Model(dt=setup.dt, decoder_cache=get_default_decoder_cache())
    with model.decoder_cache, _without_unused_points(setup.network):
        in_time(lambda: model.build(outer))
    return model


@contextlib.contextmanager
def _without_unused_points(network: nengo.Network) -> Iterator[None]:
    """Ensembles that are connected neuron by neuron only, without what decoding needs.

    Nengo draws points and encoders for every Ensemble: seconds for a large one, for nothing if no
    Connection or Probe decodes. Only where gains and biases are given in numbers, so that nothing
    else depends on what is drawn.
    """
    used = {end for c in network.all_connections for end in (c.pre_obj, c.post_obj)}
    used |= {probe.obj for probe in network.all_probes}
    before = []
    try:
        for ensemble in network.all_ensembles:
            given = (ensemble.gain, ensemble.bias)
            if ensemble not in used and all(_is_given(values) for values in given):
                before.append((ensemble, ensemble.eval_points, ensemble.encoders))
                ensemble.eval_points = np.zeros((1, ensemble.dimensions))
                ensemble.encoders = np.ones((ensemble.n_neurons, ensemble.dimensions))
        yield
    finally:
        for ensemble, points, encoders in before:
            ensemble.eval_points, ensemble.encoders = points, encoders


def _is_given(values: Any) -> bool:
    """Whether gains or biases are numbers, not drawn."""
    if isinstance(values, nengo.dists.Choice):
        return len(values.options) == 1
    return values is not None and not isinstance(values, nengo.dists.Distribution)


def _joined(inputs: Mapping[str, np.ndarray], setup: Setup, n_steps: int) -> np.ndarray:
    """All inputs of a batch, next to one another."""
    if not setup.inputs:
        return np.zeros((1, 1, 0))
    arrays = [inputs[spec.name] for spec in setup.inputs]
    n = max(array.shape[1] for array in arrays)
    return np.concatenate([np.broadcast_to(a, (len(a), n, a.shape[2])) for a in arrays], axis=2)
