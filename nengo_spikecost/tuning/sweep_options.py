"""`SweepOptions`: the options of `sweep`, checked and in one form."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Callable

from .. import check
from ..errors import TuningError
from ..memory import memory_bytes
from ..options import Options, numbers, option
from ..spiking import defaults


def simulator_names() -> tuple[str, ...]:
    """All simulators that are registered: a sweep runs on any of them."""
    from ..activity import simulators

    return simulators.names()


def readouts() -> tuple[str, ...]:
    """When an output can be read."""
    from ..activity.activity_record import READOUTS

    return READOUTS


SEARCHES, JUDGES = "compiled", "nengo_dl"
"""The simulator that searches unless another is asked for, and the one that judges what it found;
the second is that of studies from before there was a choice."""

JUDGED = ("best", "front", "none")


@dataclass(frozen=True)
class SweepOptions(Options):
    """How `sweep` searches, on what, and for what.

    Attributes
    ----------
    neuron_type : nengo.neurons.NeuronType or type or str
        Neurons in place of every ReLU: an instance, a class or a name.
    n_steps : int or sequence of int
        Presentation times, in steps, all read from one simulation. Of few, such as
        ``(4, 6, 8, 10)``, take no filter and the mean (``synapses=None, readout="mean"``): a filter
        of 5 ms has not seen the last layer's spikes by then.
    synapses : float or None or sequence of them
        Time constants in s of the filter behind the neurons.
    n_trials : int
        Settings to try in all, those in the study file and the starting points among them.
    device : str or Device
        A spiking device to price on.
    cost_model : str or CostModel
        How to price. ``"loihi_chip"``, and others of what each core of a chip did, need
        ``simulator="loihi"``.
    simulator : str, optional
        Any that `measure` knows. ``"compiled"`` and ``"nengo_dl"``, which takes several times as
        long, build the network once for all scales, and find in it where the search starts.
        Compiled code only searches: NengoDL judges what it found (``judged``), and searches itself
        where it alone can run the network. Default: ``"compiled"``, or for a study that goes on,
        what it was searched in. Every other converts and builds each setting for itself:
        ``"loihi"`` with NengoLoihi, to run on `nengo_spikecost.loihi.Emulator`, with block
        shapes that are searched once, for the fewest cores, and kept in the study. Their search
        finds where it starts in NengoDL.
    judged : {"best", "front", "none"}
        Which settings NengoDL simulates once more on the same samples, if compiled code searched:
        the best within each of ``accuracy_losses``, or all on the front. Their figures are
        NengoDL's then, and `Point.searched` has those of the search.
    accuracy_losses : float or sequence of float
        Losses against the reference, as shares of images, within each of which energy is
        lowered. Settings that surely lose more than the largest are given up.
    global_scales : sequence of float, optional
        Scales of the baseline. Default: eight around those of the 200 Hz rule.
    start_from : sequence of dict
        More settings to start from: a scale for each layer.
    reference : tf.keras.Model, optional
        The model that losses of accuracy are counted against. Default: ``model`` without spikes;
        for one that came from `fine_tune`, take the model before it, so that the loss of
        training counts too.
    task : {"classification", "regression"}, optional
        What the labels are for. Default: told from labels and output, see `read_labels`. Of a
        regression, losses are those of R², the share of the targets' variance that is explained.
    readout : {"last", "mean"}
        Whether the class is the largest output at the last step, or of the mean over steps.
    first_images : int, optional
        After so many a setting is given up first. Default: a fifth, at least 100.
    explore : float
        Share of the trials after the starting points that the sampler proposes.
    confidence : float
        Of the intervals in the result.
    study : path or address, optional
        A SQLite file, or for sweeps of several machines a database of PostgreSQL,
        ``postgresql://USER@HOST/NAME`` (docs/scale_out.md): every trial is written to it as it
        comes. If it exists, the sweep goes on where it was, even after it was killed, and ends as
        if it had not been; only the setting under way is simulated again. None: nothing is kept.
    client : distributed.Client, optional
        Of a Dask cluster, whose workers simulate settings side by side (docs/scale_out.md). The
        trials are the same as in one process.
    timeout : float, optional
        Seconds after which the sweep ends with the settings that are done; what runs then is given
        up after its batch of samples. A quarter of it is for the judge. 0: one setting.
    batch_size : int, optional
        Samples simulated side by side. Default: as many as memory allows.
    memory : int, float or str, optional
        Memory that simulating may take, in bytes or as ``"4 GB"``; on a cluster, on each of its
        workers: see `measure`. What can't fit is refused. Default: 70% of what is free there.
    dt : float
        Length of a step in s.
    seed : int
        Of the search, the simulation and the network. Two sweeps with equal arguments on one
        machine are equal, unless they end by ``timeout``.
    progress : bool
        Show a progress bar with the time left, if standard error is a terminal, or in a notebook.
    """

    neuron_type: Any = defaults.neuron_type(defaults.CHIP_NEURONS)
    n_steps: Any = option(
        (20, 30, 40, 60), help="Steps of 1 ms to present a sample for.", flag="--steps",
        metavar="A,B", read=numbers(int),
    )  # fmt: skip
    synapses: Any = option(
        (defaults.SYNAPSE,), help="Time constants in s of the filter behind neurons; 0 for none.",
        metavar="A,B", read=numbers(float),
    )  # fmt: skip
    n_trials: int = option(
        100, help="Settings to try in all, those in the study among them.", flag="--trials",
        decides=False,
    )  # fmt: skip
    device: Any = option("loihi", help="Device to price on.")
    cost_model: Any = option("per_operation", help="How to price.")
    simulator: str | None = option(
        None, choices=simulator_names,
        help="Simulates the settings; the cost model loihi_chip needs loihi, the emulated chip.  "
        "[default: compiled, or what the study was searched in]",
    )  # fmt: skip
    judged: str = option(
        "best", choices=JUDGED, decides=False,
        help="Settings that NengoDL simulates once more, where compiled code searched.",
    )  # fmt: skip
    accuracy_losses: Any = option(
        (0.005, 0.01, 0.02), flag="--losses", metavar="A,B", read=numbers(float),
        help="Losses of accuracy against the Keras model, as shares of samples (of R² for a "
        "regression), within which energy is lowered.",
    )  # fmt: skip
    global_scales: Any = None
    start_from: Any = ()
    reference: Any = None
    # what the labels were read as is part of a study's fingerprint
    task: str | None = defaults.task(decides=False)
    readout: str = option(
        "last", choices=readouts,
        help="Read the output at the last step, or its mean over the steps: for few of them, "
        "with --synapses 0.",
    )  # fmt: skip
    first_images: int | None = None
    explore: float = 0.1
    confidence: float = 0.95
    study: str | os.PathLike[str] | None = option(None, decides=False)
    client: Any = option(None, decides=False)
    timeout: float | None = option(
        None, metavar="S", read=float, decides=False,
        help="End after so many seconds, with the settings that are done.",
    )  # fmt: skip
    batch_size: int | None = None
    memory: int | float | str | None = defaults.memory()
    dt: float = defaults.dt()
    seed: int = option(0, help="Of search and simulation.")
    progress: bool = option(True, decides=False)

    def __post_init__(self) -> None:
        from ..energy.cost_models import get_cost_model
        from ..scale_out import checked_client
        from ..spiking.conversion_values import check_spiking

        self.check_flags(TuningError)
        check_spiking(self.neuron_type)
        if self.simulator is not None:
            check.choice("simulator", self.simulator, simulator_names(), TuningError)
        if self.client is not None:
            checked_client(self.client)
        check.choice("judged", self.judged, JUDGED, TuningError)
        check.confidence("confidence", self.confidence, TuningError)
        check.choice("readout", self.readout, readouts(), TuningError)
        check.task(self.task, TuningError)
        check.whole("n_trials", self.n_trials, TuningError, 1)
        for name in ("first_images", "batch_size"):
            if getattr(self, name) is not None:
                check.whole(name, getattr(self, name), TuningError, 1)
        if self.timeout is not None:
            check.positive("timeout", self.timeout, TuningError, zero=True)
        self.memory_bytes  # noqa: B018  (checks the amount)
        cost_model = get_cost_model(self.cost_model)
        self.put(
            n_steps=checked_steps(self.n_steps), synapses=checked_synapses(self.synapses),
            device=_spiking_device(self.device, cost_model), cost_model=cost_model,
            accuracy_losses=checked_losses(self.accuracy_losses),
            global_scales=_checked_global_scales(self.global_scales),
            start_from=tuple(self.start_from),
            explore=check.share("explore", self.explore, TuningError),
            confidence=float(self.confidence), dt=check.positive("dt", self.dt, TuningError),
            seed=check.seed("seed", self.seed, TuningError),
        )  # fmt: skip
        check_counted(cost_model, self.simulator or SEARCHES)

    @property
    def memory_bytes(self) -> int | None:
        """``memory`` in bytes."""
        return memory_bytes(self.memory, TuningError)

    def searching(self, made_with: Mapping[str, str] | None) -> SweepOptions:
        """The same with a simulator: that of a study if it has been begun, unless one is given."""
        if self.simulator is not None:
            return self
        before = SEARCHES if made_with is None else made_with.get("simulator", JUDGES)
        return replace(self, simulator=before)

    @property
    def about(self) -> dict[str, Any]:
        """Names of device, cost model, simulator and neurons; dt and confidence."""
        from ..spiking.neuron_names import resolve_neuron_type

        return {
            "device": self.device.name, "cost_model": self.cost_model.name,
            "simulator": self.simulator, "neuron_type": str(resolve_neuron_type(self.neuron_type)),
            "dt": self.dt,
            "confidence": self.confidence,
        }  # fmt: skip

    def fingerprint(self) -> dict[str, str]:
        """In words, by name, the options that the results depend on, but for the reference."""
        return {
            **{name: str(value) for name, value in self.deciding().items()},
            "start_from": str([dict(scales) for scales in self.start_from]),
            **{name: str(value) for name, value in self.about.items()},
        }


def _listed(values: Any, fits: Callable[[Any], bool], must: str) -> list[Any]:
    """One value or several as a list of those that fit."""
    given = list(values) if isinstance(values, Iterable) else [values]
    if not given or not all(map(fits, given)):
        raise TuningError(f"{must}, not {values!r}.")
    return given


def checked_steps(n_steps: Any) -> tuple[int, ...]:
    """Presentation times, ascending."""
    must = "n_steps must be a number of steps, at least 1, or several"
    given = _listed(n_steps, lambda n: check.is_whole(n, 1), must)
    return tuple(sorted({int(n) for n in given}))


def checked_synapses(synapses: Any) -> tuple[float | None, ...]:
    """Time constants in s, each once, in the order given; 0 is None."""
    must = "synapses must be one or more time constants of lowpass filters in s, or None"
    given = _listed(synapses, lambda tau: not tau or (check.is_number(tau) and tau > 0), must)
    return tuple(dict.fromkeys(float(tau) if tau else None for tau in given))


def checked_losses(losses: Any) -> tuple[float, ...]:
    """Losses of accuracy, ascending."""
    must = "accuracy_losses must be shares of images from 0 to 1, such as 0.005 for half a point"
    given = _listed(losses, lambda loss: check.is_number(loss) and 0 <= loss <= 1, must)
    return tuple(sorted({float(loss) for loss in given}))


def _checked_global_scales(scales: Any) -> tuple[float, ...] | None:
    """Scales of the baseline, ascending; None for the usual ones."""
    if scales is None:
        return None
    must = "global_scales must be positive numbers"
    given = _listed(scales, lambda scale: check.is_number(scale) and scale > 0, must)
    return tuple(sorted({float(scale) for scale in given}))


def checked_scales(given: Any, layers: tuple[str, ...]) -> list[dict[str, float]]:
    """Settings of the user's own to start from, with a scale for every layer."""
    for scales in given:
        if not isinstance(scales, Mapping) or set(scales) != set(layers):
            raise TuningError(
                "start_from must be dicts with a scale for each of the layers "
                f"{', '.join(layers)}, not {scales!r}."
            )
        for name in layers:
            check.positive(f"start_from: the scale of {name}", scales[name], TuningError)
    return [{name: float(scales[name]) for name in layers} for scales in given]


def _spiking_device(device: Any, cost_model: Any) -> Any:
    """The device, if spikes have a price on it under the cost model."""
    from ..energy import devices

    priced_on = devices.get(device, cost_model.name)
    if cost_model.name == "kerasspiking":
        raise TuningError(
            "cost_model='kerasspiking' prices activations of the Keras model, which do not depend "
            "on firing rates: take one that prices spikes, such as 'per_operation'."
        )
    if not priced_on.spiking or not cost_model.can_price(priced_on):
        raise TuningError(
            f"Device {priced_on.name} does not price spikes under cost model {cost_model.name}, "
            "so there is no energy to lower: take a spiking device, such as 'loihi'."
        )
    return priced_on


def check_counted(cost_model: Any, simulator: str) -> None:
    """Refuse a cost model that prices what the simulator does not count.

    Raises
    ------
    TuningError
        If it prices a chip, and the simulator is of none, or counts spikes only.
    """
    from ..activity import simulators

    if cost_model.needs_chip and not simulators.get(simulator, TuningError).counts_chip:
        able = simulators.those(lambda spec: spec.counts_chip)
        raise TuningError(
            f"cost_model={cost_model.name!r} prices what each core of a chip did, which "
            f"simulator={simulator!r} does not count: give "
            f"simulator={' or '.join(map(repr, able))}."
        )
