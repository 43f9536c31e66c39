"""`RescalableNetwork`: one simulation, built once, run with any firing-rate scales."""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable, Union

from ... import check
from ...activity import Activity, measure
from ...activity.backend import Setup
from ...activity.batch_runs import simulator_errors
from ...activity.compiled.compiled_backend import of_nengo_dl
from ...activity.known_simulators import COMPILED, NENGO_DL
from ...activity.lengths import measured_at
from ...activity.side_by_side import PRESENTATIONS, default_batch_size, side_by_side
from ...activity.simulator_spec import simulators
from ...activity.subject import subject
from ...conversion import Conversion, convert
from ...conversion.scales import ScaleLike, layer_names, resolve_scales
from ...deadlines import in_time_here
from ...errors import ConversionWarning, MeasurementError
from ...graph import NetworkGraph
from ...memory import memory_bytes
from ...options import check_known, named_arguments
from ...spiking.conversion_values import check_synapse
from .gain_operators import is_tunable
from .loop import RescaledLoop, missing_api
from .rescaled_biases import CannotRescale, scaled_biases
from .rescaled_compiled import RescaledCompiled
from .swept_filters import lowpass, swept_filters

Steps = Union[int, Sequence[int]]

#: Simulators in which scales change in place.
RESCALED_IN: dict[str, Any] = {NENGO_DL.name: RescaledLoop, COMPILED.name: RescaledCompiled}


class RescalableNetwork:
    """A converted network whose firing-rate scales change without a new build.

    Gains, biases and the heights of spikes are changed in place, in NengoDL's graph or in
    compiled code, which is built once. What `run` returns equals, bit for bit, what
    ``measure(convert(model, scale_firing_rates=scales), x, n_steps, simulator=simulator)``
    returns; only where a
    constant is added to a bias of its own may float64 round otherwise, before both are cast
    to float32.

    Parameters
    ----------
    model : tf.keras.Model or Conversion
        The network; of a Conversion, its model and its options are taken.
    dt : float
        Length of a step in s.
    batch_size : int, optional
        Samples side by side. Default: as `measure` chooses it for the first `run`, and the
        same from then on.
    presentation : {"fresh", "continuous"}
        Start every sample from the network's initial state, or let it run on from the one before.
        A continuous presentation has one length only.
    seed : int
        Seed of the run, and of the build if the network has none of its own.
    simulator : {"nengo_dl", "compiled"}
        What simulates: compiled code is several times faster.
    memory : int, float or str, optional
        Memory that simulating may take, as `measure` takes it.
    scales : float or dict, optional
        Scales to begin with, as ``scale_firing_rates`` of `convert`. Default: those of a
        Conversion, or 1.
    **options
        For a Keras model: all other options of `convert` (``neuron_type``, ``synapse``, ...);
        the seed of the network is ``network_seed``.

    Attributes
    ----------
    conversion : Conversion
        The network with all scales 1; graphs, fan-outs and prices are those of any scales.
    synapse : float or nengo.synapses.Synapse or None
        The filter of its Connections: see `use_synapse`.
    graph : NetworkGraph
        Of the conversion.
    layers : tuple of str
        The layers that a scale acts on, in order.
    populations : dict from str to tuple of Population
        The populations of each of these layers.
    scales : dict from str to float
        The scale of each of these layers.
    in_place : bool
        False if this network is built anew for every `run`, with the same results:
        ``rebuilt_because`` says why.
    n_simulations : int
        Number of calls of `run`.

    Raises
    ------
    ConversionError
        If the model can't be converted.
    MeasurementError
        If an argument is wrong, there is no layer to scale, or there is not enough memory.
    """

    @named_arguments
    def __init__(
        self, model: Any, *, dt: float = 0.001, batch_size: int | None = None,
        presentation: str = "fresh", seed: int = 0, simulator: str = NENGO_DL.name,
        memory: int | float | str | None = None, scales: ScaleLike | None = None,
        network_seed: int = 0, **options: Any,
    ):  # fmt: skip
        if isinstance(model, Conversion):
            check_known(convert, options)
            if options:
                raise MeasurementError(
                    f"{', '.join(options)}: a Conversion has its own options; give the Keras "
                    "model to choose others."
                )
            scales = dict(model.scale_firing_rates) if scales is None else scales
            self._made = model.rescaled(1)
        else:
            self._made = in_time_here(lambda: convert(model, seed=network_seed, **options))
        self._with_synapse: Conversion | None = None
        self._swept: Sequence[Any] | None = None
        self.synapse = self._made.synapse
        self.presentation = check.choice(
            "presentation", presentation, PRESENTATIONS, MeasurementError
        )
        self.simulator = check.choice("simulator", simulator, [*RESCALED_IN], MeasurementError)
        if batch_size is not None:
            check.whole("batch_size", batch_size, MeasurementError, 1)
        self.dt = subject(self.conversion).step(check.time("dt", dt, MeasurementError))
        self.seed = check.seed("seed", seed, MeasurementError)
        self.batch_size, self.memory = batch_size, memory_bytes(memory, MeasurementError)
        self._side_by_side(1)  # what can't be simulated is refused now
        self.graph = NetworkGraph(self._made)
        self._find_populations()
        if not self.layers:
            raise MeasurementError("The network has no neurons whose firing rates can be scaled.")
        self.n_simulations = 0
        self.rebuilt_because = missing_api() if simulator == NENGO_DL.name else None
        self._loop: RescaledLoop | RescaledCompiled | None = None
        self._names = layer_names(self.conversion.options["model"], self.conversion.model)
        self.scales = self._complete(1 if scales is None else scales)

    def _find_populations(self) -> None:
        tunable = [p for p in self.graph.populations if is_tunable(p.ensemble)]
        self.populations = {layer: tuple(p for p in tunable if p.layer == layer)
                            for layer in dict.fromkeys(p.layer for p in tunable)}  # fmt: skip
        self.layers = tuple(self.populations)

    @property
    def conversion(self) -> Conversion:
        """The network with all scales 1, and the present synapse."""
        if self.synapse == self._made.synapse:
            return self._made
        if self._with_synapse is None or self._with_synapse.synapse != self.synapse:
            self._with_synapse = self._made.remade(scale_firing_rates=1, synapse=self.synapse)
        return self._with_synapse

    @property
    def in_place(self) -> bool:
        """Whether scales are changed without a new build."""
        return self.rebuilt_because is None

    def rescaled(self, scales: ScaleLike | None = None) -> Conversion:
        """A conversion of its own with these scales, to keep or to deploy.

        Parameters
        ----------
        scales : float or dict, optional
            Default: the present ones.
        """
        return self.conversion.rescaled(self.scales if scales is None else self._complete(scales))

    def takes_synapse(self, synapse: Any) -> bool:
        """Whether `use_synapse` changes the network that was built in place.

        It does in compiled code, from one `nengo.Lowpass` to another, where no layer has a filter
        of its own.

        Parameters
        ----------
        synapse : float or nengo.synapses.Synapse or None
        """
        if synapse == self.synapse:
            return True
        other = lowpass(synapse)
        if other is None or lowpass(self._made.synapse) is None:
            return False
        if not isinstance(self._loop, RescaledCompiled):
            return False
        if self._swept is None:
            self._swept = swept_filters(self._made)
        return self._loop.takes_synapse(other, self._swept)

    def use_synapse(self, synapse: Any) -> None:
        """Have another filter from now on, with the results of a network that is made with it.

        In place where it can (`takes_synapse`), else with a new conversion and build.

        Parameters
        ----------
        synapse : float or nengo.synapses.Synapse or None
            As `convert` takes it.

        Raises
        ------
        ConversionError
            If it is none of these.
        """
        check_synapse(synapse)
        if synapse == self.synapse:
            return
        if self.takes_synapse(synapse):
            assert isinstance(self._loop, RescaledCompiled) and self._swept is not None
            self._loop.use_synapse(lowpass(synapse), self._swept)
        else:
            self.close()
            self._made = self._made.remade(scale_firing_rates=1, synapse=synapse)
            self._swept, self.graph = None, NetworkGraph(self._made)
            self._find_populations()
        self.synapse = synapse

    def run(
        self, x: Any, n_steps: Steps, *, scales: ScaleLike | None = None, progress: bool = False
    ) -> dict[int, Activity]:
        """Simulate once, for the longest presentation, and read it at every length.

        Parameters
        ----------
        x : array or dict or iterable
            Samples, with labels or without, as `measure` takes them.
        n_steps : int or sequence of int
            Steps of the presentation: one length or several.
        scales : float or dict, optional
            Scales from now on, as ``scale_firing_rates`` of `convert`: layers that a dict
            leaves out have scale 1. Default: as they are.
        progress : bool
            Show a progress bar with the time left, if standard error is a terminal, or in a
            notebook.

        Returns
        -------
        dict from int to Activity
            Counts until each length, in ascending order, and the outputs there.

        Raises
        ------
        DataError
            If the data do not fit the network.
        MeasurementError
            If a length is no number of steps, or the simulation fails.
        ConversionError
            If a scale is no positive number, or given for a layer that does not exist.
        """
        if scales is not None:
            self.scales = self._complete(scales)
        lengths = self._lengths(n_steps)
        self.n_simulations += 1
        if self.in_place:
            try:
                return self._run_in_place(x, lengths, progress)
            except CannotRescale as error:
                self.rebuilt_because = str(error)
        return self._run_rebuilt(x, lengths, progress)

    def close(self) -> None:
        """Free what the simulation holds."""
        if self._loop is not None:
            self._closing()
            self._loop = None

    def __enter__(self) -> RescalableNetwork:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        how = "in place" if self.in_place else "rebuilt"
        return (
            f"<RescalableNetwork {self.conversion.model.name!r}: {len(self.layers)} layers, {how}>"
        )

    # -- simulation -----------------------------------------------------------------------

    def _run_in_place(
        self, x: Any, lengths: tuple[int, ...], progress: bool
    ) -> dict[int, Activity]:
        inputs, stream = subject(self._made).stream(x, lengths[-1])
        if self._loop is None:  # what is built has its memory already
            n_neurons = self._made.net.n_neurons
            usual = default_batch_size(n_neurons, self.presentation, stream.n_samples)
            self.batch_size = self._side_by_side(usual)
        loop = self._prepared_loop(inputs, lengths)
        return measured_at(loop, stream, lengths, self.simulator, progress)

    def _side_by_side(self, usual: int) -> int:
        """Samples side by side for which there is memory: those asked for, or at most as many."""
        need = simulators.get(self.simulator).need(self._made.net)
        return side_by_side(need, self.batch_size, usual, self.memory)

    def _prepared_loop(
        self, inputs: Any, lengths: tuple[int, ...]
    ) -> RescaledLoop | RescaledCompiled:
        if self._loop is None:
            setup = Setup(
                self._made.net, inputs, self.graph.populations, dict(self._made.outputs),
                lengths[-1], self.dt, int(self.batch_size or 1), self.seed, self.presentation,
            )  # fmt: skip
            with _unless_rescaling_fails(), simulator_errors(self.simulator):
                self._loop = RESCALED_IN[self.simulator](setup, scaled_biases(self._made))
                self._closing = weakref.finalize(self, self._loop.close)
        self._loop.rescale(self.scales)
        self._loop.begin()
        return self._loop

    def _run_rebuilt(self, x: Any, lengths: tuple[int, ...], progress: bool) -> dict[int, Activity]:
        conversion = self.rescaled()
        return {
            n: measure(
                conversion, x, n, presentation=self.presentation, batch_size=self.batch_size,
                dt=self.dt, seed=self.seed, simulator=self.simulator, progress=progress,
                memory=self.memory,
            )
            for n in lengths
        }  # fmt: skip

    # -- arguments ------------------------------------------------------------------------

    def _complete(self, scales: ScaleLike) -> dict[str, float]:
        given = resolve_scales(scales, self._names)
        without = [name for name in given if name not in self.layers]
        if without and isinstance(scales, Mapping):
            warnings.warn(
                "Scales have no effect on layers without neurons that can be scaled: "
                f"{', '.join(without)}.",
                ConversionWarning, stacklevel=3,
            )  # fmt: skip
        return {name: given.get(name, 1.0) for name in self.layers}

    def _lengths(self, n_steps: Steps) -> tuple[int, ...]:
        given = list(n_steps) if isinstance(n_steps, Iterable) else [n_steps]
        if not given or not all(check.is_whole(n, 1) for n in given):
            raise MeasurementError(
                "n_steps must be a number of steps or a list of some, each at least 1, not "
                f"{n_steps!r}."
            )
        lengths = tuple(sorted({int(n) for n in given}))
        if self.presentation == "continuous" and len(lengths) > 1:
            raise MeasurementError(
                "A continuous presentation has one length: samples follow one another at it, so "
                f"it can't be read as if it were shorter; n_steps was {n_steps!r}."
            )
        return lengths


def in_compiled_code(
    make: Callable[[str], RescalableNetwork],
) -> tuple[RescalableNetwork, str]:
    """A network that runs in compiled code, or in NengoDL where that alone can run it.

    Parameters
    ----------
    make : callable
        Makes the network for a simulator.

    Returns
    -------
    network : RescalableNetwork
    because : str
        Why it is NengoDL; empty if it is not.
    """
    network = make(COMPILED.name)
    foreign = of_nengo_dl(network.conversion.net)
    if not foreign:
        return network, ""
    kinds = ", ".join(sorted({type(node).__name__ for node in foreign}))
    return make(NENGO_DL.name), f"only NengoDL can run a {kinds}"


@contextlib.contextmanager
def _unless_rescaling_fails() -> Iterator[None]:
    """`CannotRescale` as it is, although it comes as the cause of another error."""
    try:
        yield
    except MeasurementError as error:
        if isinstance(error.__cause__, CannotRescale):
            raise error.__cause__ from None
        raise
