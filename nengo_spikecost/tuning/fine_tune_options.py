"""`FineTuneOptions`: the options of `fine_tune`, checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import check
from ..errors import TuningError
from ..files import check_writable
from ..memory import memory_bytes
from ..options import Options, option
from ..spiking import defaults

#: What neurons do in training.
FORWARD = ("spikes", "rates", "steps")

#: What of a layer's firing is trained beside its weights.
LEARNED_SCALES = ("layer", "channel")

#: Curves whose gradient stands in for that of a spike.
SURROGATES = ("triangle", "fast_sigmoid")


@dataclass(frozen=True)
class FineTuneOptions(Options):
    """How a model is trained as a spiking network, and for what.

    Attributes
    ----------
    n_steps : int
        Steps of one presentation, over which synops are counted; ``forward="spikes"``
        simulates as many.
    forward : {"spikes", "rates"}
        What neurons do in training. ``"spikes"``: they spike, and gradients are those of
        their rate curve (`spiking_aware_training`); ``n_steps`` steps are simulated.
        ``"rates"``: their rate curve, in one step, without synapses: some 50 times faster,
        but it does not see that spikes need time to pass through the layers. ``"steps"``: they
        spike for exactly ``n_steps`` steps, and gradients go through every spike and voltage:
        for presentations of few steps.
    layer_delay : {0, 1}
        Only with ``forward="steps"``: steps that a spike takes to the next layer. 0: it arrives in
        its own step, as in Nengo without a filter. 1: as on a chip, and to and from its host.
    n_shown : int, optional
        Only with ``forward="steps"``: steps that a sample is shown, constant or with a time axis;
        then its values are 0. Default: all. With ``layer_delay=1``, what is shown in the last steps
        does not reach the output.
    start_rate : float, optional
        Only with ``forward="steps"``: spikes a step that neurons begin with. Scales are chosen,
        in place of ``scale_firing_rates``, so that 90% of each layer's active neurons fire at
        most so often, on samples trained with.
    learn_scales : {None, "layer", "channel"}
        Only with ``forward="steps"``: train the scale of each layer too, which is handed back; or
        a gain for each channel, which becomes part of its weights.
    surrogate : {"triangle", "fast_sigmoid"}
        Only with ``forward="steps"``: the gradient of a spike at a voltage ``v``, the threshold
        being 1: ``max(0, 1 - |v - 1|)`` or ``1 / (1 + 4 |v - 1|) ** 2``.
    quantize : bool
        Only with ``forward="steps"`` and ``layer_delay=1``, for neurons
        ``LoihiSpikingRectifiedLinear``: layers on the chip have its numbers while they are trained,
        weights of 8 bits and whole thresholds, biases and voltages, in the blocks that `deploy`
        finds; gradients leave rounding out.
    neuron_type, scale_firing_rates, synapse
        As of `nengo_spikecost.convert`, with the defaults of `profile`.
    synop_weight : float
        Price of all synops of the model as it is given, in units of the loss; half as many
        cost half of it.
    synop_target : float or (float, float), optional
        Synops a sample, at most or from a minimum to a maximum, that cost nothing.
    energy_weight : float
        Price of the energy of the model as it is given, in units of the loss. Energy is that of
        all synops and neuron updates; updates, which no training changes, are part of what is
        given.
    device : str or Device
        Whose Joules a synop and an update are priced with: see `nengo_spikecost.energy.devices`.
    cost_epochs : int
        Epochs over which the prices of synops and energy, and regularizers, rise to what they are,
        evenly from batch to batch. 0: at once.
    rates_hz : float or dict, optional
        Only with ``forward="rates"``: the rate in Hz that each layer is going to be scaled
        to, for all or by layer: that of the neuron that fires a spike, on average over all
        spikes, ``sum(r ** 2) / sum(r)``. Synops are those at these rates, so that training
        makes activity sparse, not small; and the scales that give them are handed back.
        Without it, rates are those of ``scale_firing_rates``.
    regularizers : dict, optional
        By layer or layer name: one or more regularizers of its firing rates, in Hz, each
        neuron's averaged over the presentation; see `nengo_spikecost.tuning.Percentile` and
        its like.
    loss : str or callable or dict, optional
        A Keras loss for the outputs, all or by name. Default: cross-entropy; for real targets
        there is none: say it, such as ``"mse"``.
    readout : {"last", "mean"}
        Whether the output of the last step or that averaged over all steps is scored.
    epochs : int
        Times that the samples are gone through.
    batch_size : int
        Samples in a batch. What is left of an epoch, less than a batch, waits for the next.
    learning_rate : float or tf.keras.optimizers.Optimizer
        A number is where Adam begins; it falls to a tenth along a cosine.
    memory : int, float or str, optional
        Memory that training may take, in bytes or as ``"4 GB"``. What takes more is refused before
        it is built, with no smaller batch, of which another result would come. Default: what is
        free.
    validation : float or (x, y)
        Samples that are held out to choose the best epoch with: a share of ``x``, drawn at
        random, or others. 0: the samples trained with, up to 1,000 of them.
    dt : float
        Length of a step in s.
    seed : int
        Of the network, and of the order of samples.
    checkpoint : str or path, optional
        File (.npz) written after every epoch. If it is there, training goes on from it.
    progress : bool
        Show a progress bar with the time left.
    """

    n_steps: int = defaults.n_steps()
    forward: str = option(
        "spikes", choices=FORWARD,
        help="What neurons do in training: spike, take their rate in one step (faster), or spike "
        "for exactly --steps steps, with gradients through every spike.",
    )  # fmt: skip
    layer_delay: int = option(
        0, help="With steps: steps that a spike takes to the next layer; 1 as on a chip."
    )
    n_shown: int | None = option(
        None, read=int, metavar="N", help="With steps: steps that a sample is shown, then zeros."
    )
    start_rate: float | None = option(
        None, read=float, metavar="SPIKES",
        help="With steps: spikes a step that most active neurons begin with, in place of --scale.",
    )  # fmt: skip
    learn_scales: str | None = option(
        None, choices=LEARNED_SCALES,
        help="With steps: also train the scale of each layer, or the gain of each channel.",
    )  # fmt: skip
    surrogate: str = option(
        "triangle", choices=SURROGATES, help="With steps: the gradient of a spike."
    )
    quantize: bool = option(
        False, help="With steps: train with the chip's weights of 8 bits and whole numbers."
    )
    neuron_type: Any = defaults.neuron_type(defaults.NEURONS)
    scale_firing_rates: Any = defaults.scale_firing_rates()
    synapse: Any = defaults.synapse()
    synop_weight: float = option(
        0.0, help="Price of all synops of the model as it is given, in units of the loss."
    )
    synop_target: Any = None
    energy_weight: float = option(
        0.0, help="Price of the energy of the model as it is given, in units of the loss."
    )
    device: Any = option("loihi", metavar="DEVICE", help="Whose energy that is.")
    cost_epochs: int = option(
        0, metavar="N", help="Epochs over which prices rise to what they are."
    )
    rates_hz: Any = None
    regularizers: Mapping[Any, Any] | None = None
    loss: Any = option(
        None, metavar="NAME",
        help="Keras loss, needed for real targets: mse.  [default: cross-entropy]",
    )  # fmt: skip
    readout: str = option(
        "last", choices=("last", "mean"),
        help="Score the output of the last step, or its mean over the steps.",
    )  # fmt: skip
    epochs: int = option(1, help="Times that the samples are gone through.")
    batch_size: int = option(100, help="Samples in a batch.")
    learning_rate: Any = option(1e-3, help="Where Adam's learning rate begins.")
    memory: int | float | str | None = defaults.memory()
    # the samples themselves are part of a checkpoint's fingerprint
    validation: Any = option(0.05, decides=False)
    dt: float = defaults.dt()
    seed: int = option(0, help="Of the network and of the order of samples.")
    checkpoint: str | os.PathLike[str] | None = option(
        None, metavar="FILE", decides=False,
        help="Write this file (.npz) after every epoch: the same command goes on with it.",
    )  # fmt: skip
    progress: bool = option(True, decides=False)

    def __post_init__(self) -> None:
        from ..activity.activity_record import READOUTS
        from ..spiking.conversion_values import check_spiking

        self.check_flags(TuningError)
        check.choice("forward", self.forward, FORWARD, TuningError)
        check.choice("readout", self.readout, READOUTS, TuningError)
        for name in ("n_steps", "epochs", "batch_size"):
            check.whole(name, getattr(self, name), TuningError, 1)
        if not check.is_number(self.dt) or self.dt <= 0:
            raise TuningError(f"dt must be a positive number of seconds, not {self.dt!r}.")
        for name in ("synop_weight", "energy_weight"):
            value = getattr(self, name)
            if not check.is_number(value) or value < 0:
                raise TuningError(f"{name} must be a number of at least 0, not {value!r}.")
        check.whole("cost_epochs", self.cost_epochs, TuningError, 0)
        self._check_steps()
        self.memory_bytes  # noqa: B018  (checks the amount)
        check_spiking(self.neuron_type, self.scale_firing_rates, self.synapse)
        if self.rates_hz is not None and self.forward != "rates":
            raise TuningError(
                "rates_hz needs forward='rates': with spikes, rates are those of "
                "scale_firing_rates. Give a regularizer of rates instead."
            )
        if self.checkpoint is not None:
            check_writable(self.checkpoint)

    def _check_steps(self) -> None:
        """Check what is for ``forward="steps"``, and refuse it with another."""
        if self.learn_scales is not None:
            check.choice("learn_scales", self.learn_scales, LEARNED_SCALES, TuningError)
        if not check.is_whole(self.layer_delay, 0, 1):
            raise TuningError(f"layer_delay must be 0 or 1, not {self.layer_delay!r}.")
        if self.n_shown is not None and not check.is_whole(self.n_shown, 1, self.n_steps):
            raise TuningError(
                f"n_shown must be a whole number from 1 to n_steps={self.n_steps}, not "
                f"{self.n_shown!r}."
            )
        check.choice("surrogate", self.surrogate, SURROGATES, TuningError)
        rate = self.start_rate
        if rate is not None and (not check.is_number(rate) or rate <= 0):
            raise TuningError(f"start_rate must be a positive number, not {rate!r}.")
        if self.quantize and self.forward == "steps" and not self.layer_delay:
            raise TuningError("quantize=True is the chip's arithmetic: it needs layer_delay=1.")
        if self.forward == "steps":
            return
        for name in ("layer_delay", "n_shown", "start_rate", "learn_scales", "quantize"):
            if getattr(self, name):
                raise TuningError(f"{name} needs forward='steps', not {self.forward!r}.")

    @property
    def memory_bytes(self) -> int | None:
        """``memory`` in bytes."""
        return memory_bytes(self.memory, TuningError)

    @property
    def spikes(self) -> bool:
        """Whether neurons spike in training."""
        return self.forward != "rates"
