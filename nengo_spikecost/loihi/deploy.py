"""`deploy`: from a model and data to what the chip said, in one call."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..activity.activity_record import READOUTS, class_labels
from ..activity.subject import subject
from ..errors import DataError, LoihiError, MeasurementError
from .cores.core_use import NetworkUse
from .deployable import AUTO, CONVERSION, deployable

#: What runs the network: the simulator of `measure` and its target.
TARGETS: Mapping[str, tuple[str, dict[str, str]]] = {
    "emulator": ("loihi", {}),
    "nengo_loihi": ("nengo_loihi", {"target": "sim"}),
    "board": ("nengo_loihi", {"target": "loihi"}),
}


@dataclass(frozen=True)
class Deployment:
    """A network on the chip, and what it did there.

    Attributes
    ----------
    network : nengo.Network or Conversion
        What was run: for a Keras model, the Conversion that it became.
    fit : BlockFit, GivenShapes or None
        Block shapes that were found or given; None: those of the network's config.
    use : NetworkUse
        What each block uses of its core.
    activity : Activity
        Spikes, outputs, and from the emulator what each core did.
    target : str
        What ran it: one of `TARGETS`.
    labels : ndarray, optional
    output, readout : str
        Which output predictions are read from (None: the only one), and when: at the last
        step, or on average.
    """

    network: Any
    fit: Any = field(repr=False)
    use: NetworkUse = field(repr=False)
    activity: Any = field(repr=False)
    target: str
    labels: np.ndarray | None = field(default=None, repr=False)
    output: str | None = None
    readout: str = "last"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of the blocks of each layer on the chip, by its name."""
        return {layer.name: layer.tiling.tile for layer in self.use.layers}

    @property
    def n_cores(self) -> int:
        """Cores in use."""
        return self.use.n_cores

    @property
    def predictions(self) -> np.ndarray:
        """The class of each sample, int64, (n_samples,)."""
        return self.activity.predictions(self.output, self.readout)

    @property
    def accuracy(self) -> float | None:
        """Share of samples classified rightly; None without labels."""
        if self.labels is None and self.activity.targets is None:
            return None
        return self.activity.accuracy(self.labels, self.output, self.readout)

    def mapping(self, **options: Any) -> Any:
        """The blocks on cores and chips, with the messages measured; see `place`."""
        from .mapping.mapping import place

        options.setdefault("dt", self.activity.protocol.dt)
        return place(self.network, fit=self.fit, activity=self.activity, **options)

    def cost(self, profile: Any = "silicon", **options: Any) -> Any:
        """Energy and latency of an inference; see `chip_cost`.

        Raises
        ------
        MissingActivityError
            Unless the emulator ran it: NengoLoihi and boards do not say what each core did.
        """
        from .chip_cost import chip_cost

        return chip_cost(self.activity, profile=profile, **options)

    # ------------------------------------------------------------ saying it

    def layers(self) -> list[dict[str, Any]]:
        """One row for each population on the chip or its host: means of a sample.

        Keys: ``layer``, ``place``, ``neurons``, ``cores``, ``block_shape``, ``spikes``,
        ``rate_hz``, and where cores were counted ``synops`` and ``messages`` (that arrived).
        """
        from .shown.deployment_view import layer_rows

        return layer_rows(self)

    def summary_string(self) -> str:
        """Protocol, accuracy, and a table of layers."""
        from .shown.deployment_view import summary

        return summary(self)

    def summary(self) -> None:
        """Print `summary_string`."""
        print(self.summary_string())

    def __str__(self) -> str:
        return self.summary_string()

    def to_dict(self) -> dict[str, Any]:
        """Everything but the counts of single neurons, as plain dicts, lists and numbers."""
        from .shown.deployment_view import accuracy_if_any

        outputs = self.activity.outputs
        read = [outputs[self.output]] if self.output is not None else list(outputs.values())
        classified = len(read) == 1 and read[0].last.shape[1] > 1
        return {
            "target": self.target,
            "protocol": asdict(self.activity.protocol),
            "n_samples": self.activity.n_samples,
            "cores": self.n_cores,
            "readout": self.readout,
            "accuracy": accuracy_if_any(self),
            "predictions": self.predictions.tolist() if classified else None,
            "layers": self.layers(),
        }

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """`to_dict` as JSON text, and written to ``path`` (whole or not at all) if given."""
        from ..files import write_text

        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        if path is not None:
            write_text(path, text)
        return text


def deploy(
    network: Any,
    data: Any,
    y: Any = None,
    *,
    n_steps: int | None = None,
    target: str = "emulator",
    block_shapes: Any = AUTO,
    objective: str = "cores",
    neuron_type: Any = CONVERSION["neuron_type"],
    scale_firing_rates: Any = CONVERSION["scale_firing_rates"],
    synapse: Any = CONVERSION["synapse"],
    max_pooling: str = CONVERSION["max_pooling"],
    presentation: str | None = None,
    batch_size: int | None = None,
    output: str | None = None,
    readout: str = "last",
    dt: float = 0.001,
    seed: int = 0,
    progress: bool = True,
    by_step: bool = False,
    hardware_options: Mapping[str, Any] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    **convert_options: Any,
) -> Deployment:
    """Run a model on Loihi: on its emulation, on NengoLoihi's emulator, or on a board.

    What the Keras-to-Loihi tutorial of NengoDL does by hand: the model is converted with
    neurons as Loihi has them, its linear layers are composed to what a chip can do, the layer
    that is fed pixels is put on the host, block shapes are found, samples are presented for
    ``n_steps`` each, and outputs are read through a filter.

    Parameters
    ----------
    network : Keras model, Conversion, nengo.Network or BlockFit
        It is not changed.
    data, y : array or iterable
        Samples and labels, as `measure` takes them; labels may also come with the samples.
    n_steps : int, optional
        Steps per sample. May be left out if samples have a time axis.
    target : {"emulator", "nengo_loihi", "board"}
        `Emulator`, which runs batches and counts what each core does; NengoLoihi's emulator,
        sample by sample, with equal results; or a board by way of NengoLoihi, which needs
        NxSDK.
    block_shapes : "auto", "as_it_is", BlockFit, or mapping
        Which neurons share a core. "auto": those in the network's config if there are any, or
        else those that `fit_blocks` finds. A mapping is from layers (names, Keras layers or
        Ensembles) to the shape of their blocks (a tuple over rows, columns and channels in
        their order, or a nengo_loihi.BlockShape).
    objective : {"cores", "latency", "traffic"}
        What `fit_blocks` looks for.
    neuron_type, scale_firing_rates, synapse, max_pooling
        Of a Keras model: see `convert`. The defaults are those of the tutorial, and pooling
        that runs on the chip.
    presentation : {"fresh", "continuous"}, optional
        Default: continuous, as a board runs. See `measure`.
    batch_size, dt, seed, progress, by_step, hardware_options, checkpoint
        See `measure`.
    output : str, optional
        Which output says the class, if there are several.
    readout : {"last", "mean"}
        Read it at the last step of a sample, or its mean over the steps.
    **convert_options
        Further arguments of `convert`. All that say how to convert are refused of what is a
        network already.

    Returns
    -------
    Deployment

    Raises
    ------
    ConversionError, LoihiError
        If a layer can't be converted, NengoLoihi can't run the network, or it does not fit.
    DataError, MeasurementError
        As `measure`.
    """
    from ..activity import measure

    if target not in TARGETS:
        raise LoihiError(f"target must be one of {', '.join(TARGETS)}, not {target!r}.")
    simulator, options = TARGETS[target]
    ready = deployable(
        network,
        block_shapes,
        objective,
        dt,
        {
            "neuron_type": neuron_type,
            "scale_firing_rates": scale_firing_rates,
            "synapse": synapse,
            "max_pooling": max_pooling,
            "seed": seed,
            **convert_options,
        },
    )
    labels = _checked(ready.named, data, y, output, readout)
    activity = measure(
        ready.measured, data, n_steps, simulator=simulator, presentation=presentation,
        batch_size=batch_size, dt=dt, seed=seed, progress=progress, by_step=by_step,
        hardware_options=hardware_options, checkpoint=checkpoint, **options,
    )  # fmt: skip
    labels = None if y is None else np.asarray(y)
    return Deployment(ready.named, ready.fit, ready.use, activity, target, labels, output, readout)


def _checked(named: Any, data: Any, y: Any, output: str | None, readout: str) -> Any:
    """Labels as an array; what can't be read in the end is refused before all is run.

    Raises
    ------
    DataError
        If there is not one label for every sample, or they are no classes of the output.
    MeasurementError
        If there is no such output or readout.
    """
    outputs = subject(named).outputs
    if readout not in READOUTS:
        raise MeasurementError(f"readout must be one of {READOUTS}, not {readout!r}.")
    if output is not None and output not in outputs:
        raise MeasurementError(
            f"There is no output {output!r}; the outputs are {', '.join(outputs)}."
        )
    if y is None:
        return None
    labels = np.asarray(y)
    if output is None and len(outputs) != 1:
        raise MeasurementError(
            f"The network has {len(outputs)} outputs ({', '.join(outputs)}): say which one "
            "says the class with output=, or leave the labels out."
        )
    probe = outputs[output] if output is not None else next(iter(outputs.values()))
    class_labels(labels, int(probe.size_in))
    sized = data is not None and hasattr(data, "__len__") and not isinstance(data, Mapping)
    if sized and not isinstance(data, tuple) and len(data) != len(labels):
        raise DataError(f"There are {len(data)} samples and {len(labels)} labels in y.")
    return labels
