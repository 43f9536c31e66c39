"""`measure`: real spikes, counted while a simulator runs."""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Callable

import nengo
import numpy as np

from ..errors import DataError, MeasurementError, SpikeCostError
from ..graph import NetworkGraph, Population
from ..progress import progress_bar
from .backend import BACKENDS, MAX_SPIKES, ONE_BY_ONE, Backend, BatchCounts, Setup
from .record import Activity, OutputActivity, PopulationActivity, Protocol
from .samples import InputSpec, SampleStream, SelfDriven, with_labels

PRESENTATIONS = ("fresh", "continuous")

#: A batch is chosen so that about this many neurons are simulated at once: enough to keep
#: two cores busy, few enough that the state of the simulation fits in some hundred MB.
_NEURONS_AT_ONCE = 6_000_000
_MAX_BATCH = 100


def measure(
    network: Any,
    data: Any,
    n_steps: int | None = None,
    *,
    simulator: str = "nengo_dl",
    presentation: str = "fresh",
    batch_size: int | None = None,
    dt: float = 0.001,
    seed: int = 0,
    progress: bool = True,
) -> Activity:
    """Simulate a network on data and count every spike.

    Spikes are added up while the simulation runs, so memory depends neither on the number
    of steps nor, but for the counts themselves, on the number of samples.

    Parameters
    ----------
    network : Conversion or nengo.Network
        What to simulate; it is not changed. The outputs read are those of the Keras model,
        or the Probes in the network.
    data : array or dict or iterable
        Samples: an array ``(n, ...)`` for a network with one input; a dict of such arrays
        by input name, Node, Keras layer or tensor; either of these in a tuple with labels,
        ``(x, y)``; or an iterable (generator, ``tf.data.Dataset``, Keras ``Sequence``) of
        batches ``x`` or ``(x, y)``. A sample is presented unchanged for ``n_steps`` steps,
        or has steps as its first axis. None for a network that is fed nothing: it runs as
        it is, as one sample.
    n_steps : int, optional
        Steps per sample. May be left out if samples have a time axis.
    simulator : str
        A key of `BACKENDS`: ``"nengo_dl"``; ``"nengo_dl_probes"`` is the same simulator
        through its public interface only, slower, with equal results but for noise that
        processes draw. ``"nengo"`` is Nengo's reference simulator, which runs everything
        that Nengo can express, one sample after another; others with its interface come
        from `register_simulator`.
    presentation : {"fresh", "continuous"}
        Start every sample from the initial state, or let state run on from one sample to
        the next, as a board does.
    batch_size : int, optional
        Samples side by side. Default: 1 if continuous or if the simulator has no batches,
        or else as many as make a few million neurons, at most 100. In a continuous
        presentation the samples are dealt out to ``batch_size`` lanes that run side by side.
    dt : float
        Length of a step in s.
    seed : int
        Seed of the run, and of the build if the network has no seed of its own. Two
        measurements with equal arguments are equal bit for bit.
    progress : bool
        Show a progress bar with the time left, if standard error is a terminal.

    Returns
    -------
    Activity

    Raises
    ------
    DataError
        If the data do not fit the network or hold NaN.
    MeasurementError
        If an argument is wrong or the simulation fails. When it fails after some batches
        the error's ``activity`` attribute holds what was measured until then.
    """
    net, names, outputs = _parts(network)
    _check_choice("simulator", simulator, BACKENDS)
    _check_choice("presentation", presentation, PRESENTATIONS)
    if not isinstance(dt, numbers.Real) or not 0 < float(dt) < float("inf"):
        raise MeasurementError(f"dt must be a positive time in s, not {dt!r}.")
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise MeasurementError(f"seed must be a whole number from 0 to 2**32 - 1, not {seed!r}.")
    populations = NetworkGraph(network).populations
    if batch_size is None:
        batch_size = default_batch_size(net.n_neurons, presentation)
        if simulator in ONE_BY_ONE or _is_nothing(data):
            batch_size = 1
    elif not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise MeasurementError(f"batch_size must be a positive whole number, not {batch_size!r}.")
    inputs, stream = _stream(network, names, data, n_steps)
    recorder: _Recorder | None = None
    backend: Backend | None = None
    try:
        with progress_bar("Simulating", stream.n_samples, progress) as advance:
            for batch in stream.batches(int(batch_size)):
                if backend is None or recorder is None:
                    setup = Setup(
                        net, inputs, populations, outputs, int(stream.n_steps or 0), float(dt),
                        int(batch_size), int(seed), presentation,
                    )  # fmt: skip
                    recorder = _Recorder(setup, simulator)
                    with _simulator_errors(simulator):
                        backend = BACKENDS[simulator](setup)
                full = batch if simulator in ONE_BY_ONE else batch.padded(int(batch_size))
                with _simulator_errors(simulator):
                    counts = backend.run(full.inputs)
                recorder.add(counts, len(batch), batch.targets)
                recorder.constant &= all(x.shape[1] == 1 for x in batch.inputs.values())
                advance(len(batch))
    except Exception as error:
        if recorder is not None and recorder.n_samples:
            raise MeasurementError(
                f"The measurement stopped after {recorder.n_samples} samples: {error} "
                "(what was measured until then is in this error's .activity)",
                activity=recorder.activity(),
            ) from error
        raise
    finally:
        if backend is not None:
            backend.close()
    assert recorder is not None  # a stream without samples has raised DataError
    return recorder.activity()


@contextlib.contextmanager
def _simulator_errors(simulator: str) -> Iterator[None]:
    """What a simulator raises, as our own error; TensorFlow's go on for pages."""
    try:
        yield
    except SpikeCostError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1] if lines else type(error).__name__
        raise MeasurementError(f"Simulator {simulator} can't run this network: {reason}") from error


def default_batch_size(n_neurons: int, presentation: str) -> int:
    """How many samples to simulate side by side, unless the caller says."""
    if presentation == "continuous":
        return 1
    return max(1, min(_MAX_BATCH, _NEURONS_AT_ONCE // max(1, n_neurons)))


class _Recorder:
    """Collects what each batch brought, in the smallest integers that hold it."""

    def __init__(self, setup: Setup, simulator: str):
        self.protocol = Protocol(
            simulator, setup.presentation, setup.n_steps, setup.dt, setup.batch_size, setup.seed
        )
        self.setup = setup
        self.n_samples = 0
        fed = {spec.node for spec in setup.inputs}
        self.constant = not any(_changes(n) for n in setup.network.all_nodes if n not in fed)
        self._counts: dict[str, list[np.ndarray]] = {p.name: [] for p in setup.populations}
        self._outputs: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {
            name: [] for name in setup.outputs
        }
        self._targets: list[np.ndarray | None] = []

    def add(self, batch: BatchCounts, n: int, targets: np.ndarray | None) -> None:
        """Keep the first ``n`` samples of a batch (the rest was padding)."""
        _check_finite(batch)
        _check_countable(self.setup.populations, batch)
        self.n_samples += n
        for population in self.setup.populations:
            counts = batch.counts[population.name][:n]
            if population.spiking:
                counts = counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
            self._counts[population.name].append(counts)
        for name, (last, mean) in batch.outputs.items():
            self._outputs[name].append((last[:n], mean[:n]))
        self._targets.append(targets)

    def activity(self) -> Activity:
        """All that was collected; call once, it hands the counts over."""
        populations = {}
        for population in self.setup.populations:
            counts = np.concatenate(self._counts.pop(population.name))
            populations[population.name] = PopulationActivity(
                population.name, population.spiking, counts
            )
        outputs = {
            name: OutputActivity(name, *(np.concatenate(x) for x in zip(*batches)))
            for name, batches in self._outputs.items()
        }
        with_labels = [t for t in self._targets if t is not None]
        targets = np.concatenate(with_labels) if len(with_labels) == len(self._targets) else None
        protocol = replace(self.protocol, constant_inputs=self.constant)
        return Activity(protocol, populations, outputs, targets)


def _changes(node: nengo.Node) -> bool:
    """Whether a Node gives values of its own that may be others at every step."""
    return node.size_in == 0 and (callable(node.output) or isinstance(node.output, nengo.Process))


def _check_finite(batch: BatchCounts) -> None:
    values = {**batch.counts, **{name: mean for name, (_, mean) in batch.outputs.items()}}
    wrong = [name for name, x in values.items() if not np.isfinite(x).all()]
    if wrong:
        raise MeasurementError(
            f"The simulation gave values that are not finite numbers in {', '.join(wrong)}: "
            "look for weights that are too large, or NaN."
        )


def _check_countable(populations: Iterable[Population], batch: BatchCounts) -> None:
    for population in populations:
        if population.spiking and batch.counts[population.name].max(initial=0) > MAX_SPIKES:
            raise MeasurementError(
                f"A neuron of {population.name} made more than {MAX_SPIKES:,} spikes for one "
                "sample, too many to be counted exactly: take fewer steps or a smaller "
                "scale_firing_rates."
            )


def _parts(network: Any) -> tuple[nengo.Network, Mapping[str, Any], dict[str, nengo.Probe]]:
    """The Nengo network, the lookup of its inputs, and its outputs by name."""
    if isinstance(network, nengo.Network):
        names = _source_nodes(network)
        outputs: dict[str, nengo.Probe] = {}
        for i, probe in enumerate(network.all_probes):
            label = probe.label or getattr(probe.obj, "label", None) or f"probe {i}"
            outputs[label if label not in outputs else f"{label} ({i})"] = probe
        return network, names, outputs
    if isinstance(getattr(network, "net", None), nengo.Network):
        return network.net, network.inputs, dict(network.outputs)
    raise MeasurementError(
        "network must be a Conversion or a nengo.Network, not "
        f"{type(network).__name__} (a Keras model goes through convert() first)."
    )


def _source_nodes(network: nengo.Network) -> dict[str, nengo.Node]:
    """The Nodes of a plain network that could be fed, by label (made unique)."""
    nodes: dict[str, nengo.Node] = {}
    for i, node in enumerate(network.all_nodes):
        if node.size_in == 0 and node.size_out > 0:
            label = node.label or f"node {i}"
            nodes[label if label not in nodes else f"{label} ({i})"] = node
    return nodes


def _stream(
    network: Any, names: Mapping[str, nengo.Node], data: Any, n_steps: Any
) -> tuple[list[InputSpec], SampleStream | SelfDriven]:
    """The Nodes that ``data`` feed, and the samples."""
    if _is_nothing(data) and isinstance(network, nengo.Network):
        return [], SelfDriven(n_steps)
    resolve = _resolver(names)
    inputs = _inputs(network, names, resolve, with_labels(data)[0])
    return inputs, SampleStream(data, inputs, resolve, n_steps)


def _is_nothing(data: Any) -> bool:
    return data is None or (isinstance(data, Mapping) and not data)


def _inputs(
    network: Any, names: Mapping[str, nengo.Node], resolve: Callable[[Any], str], data: Any
) -> list[InputSpec]:
    """The Nodes that ``data`` feed: for a plain network, those a dict of data names."""
    fed = list(names)
    if isinstance(network, nengo.Network) and isinstance(data, Mapping):
        try:
            fed = [resolve(key) for key in data]
        except KeyError as error:
            raise DataError(f"data: {error.args[0]}") from None
    return [InputSpec(name, names[name], names[name].size_out) for name in fed]


def _resolver(names: Mapping[str, nengo.Node]) -> Callable[[Any], str]:
    """A function from the keys of a dict of data to input names."""
    by_node = {node: name for name, node in names.items()}

    def resolve(key: Any) -> str:
        if isinstance(key, nengo.Node) and key in by_node:
            return by_node[key]
        if isinstance(names, dict) and key not in names:
            raise KeyError(
                f"The network has no input Node {key!r}; there are {', '.join(names) or 'none'}."
            )
        # the lookup of a Conversion knows layers and tensors too
        return key if isinstance(names, dict) else names.name_of(key)  # type: ignore[attr-defined]

    return resolve


def _check_choice(argument: str, value: Any, choices: Iterable[str]) -> None:
    if value not in tuple(choices):
        raise MeasurementError(f"{argument} must be one of {', '.join(choices)}, not {value!r}.")
