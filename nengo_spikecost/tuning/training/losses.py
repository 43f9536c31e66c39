"""Losses for a NengoDL Probe on neurons: of firing rates and synaptic operations.

A Probe on ``ensemble.neurons`` gives tensors of shape ``(batch, n_steps, n_neurons)``, in
which a spike is ``amplitude / dt`` high. The losses here divide that out, so that rates are
in Hz and synops are counts. They have the signature of Keras losses, ``loss(y_true,
y_pred)``, and ignore ``y_true``: pass anything of the right shape, such as zeros.

Sources
-------
The synop loss is that of Sorbaro et al. 2020, "Optimizing the Energy Consumption of Spiking
Neural Networks for Neuromorphic Applications", https://doi.org/10.3389/fnins.2020.00662,
with the exact fan-out of every neuron in place of one number a layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
import tensorflow as tf

from ... import check
from ...errors import TuningError
from .regularizers import Target, target_range

#: Whether a regularizer sees the mean over all steps, or every step.
STEP_CHOICES = ("mean", "each")


class RateLoss(tf.keras.losses.Loss):
    """A regularizer of firing rates, as a loss of a Probe on neurons.

    Parameters
    ----------
    regularizer : callable
        Takes rates in Hz and gives a penalty: one of `nengo_spikecost.tuning`, of Keras, or
        any function of a tensor.
    neurons : optional
        What the Probe is on: an Ensemble, its neurons, or a neuron type. Its amplitude, by
        which firing-rate scales are divided out again, is taken from it.
    amplitude : float or ndarray of shape (n_neurons,), optional
        Height of a spike times dt, if ``neurons`` is not given. Default: 1.
    steps : {"mean", "each"}
        ``"mean"``: the regularizer gets the mean rate of each neuron in each sample, shape
        ``(batch, n_neurons)``. ``"each"``: what is read at each step, shape ``(batch,
        n_steps, n_neurons)``, as KerasSpiking's layers do it; in a single step, a neuron
        either spikes, at 1 / dt Hz, or it does not.

    Notes
    -----
    As with ``activity_regularizer`` of a Keras layer, the penalty is divided by the number
    of samples in the batch.

    Raises
    ------
    TuningError
        If an argument is none of these.
    """

    def __init__(
        self, regularizer: Any, neurons: Any = None, *, amplitude: Any = None, steps: str = "mean"
    ):
        super().__init__(reduction="none", name="rate_loss")
        if not callable(regularizer):
            raise TuningError(
                "regularizer must be a regularizer of nengo_spikecost.tuning or Keras, or a "
                f"function of a tensor of rates, not {regularizer!r}."
            )
        check.choice("steps", steps, STEP_CHOICES, TuningError)
        self.regularizer = regularizer
        self.amplitude = spike_amplitude(neurons) if amplitude is None else amplitude
        self.steps = steps

    def rates_hz(self, y_pred: tf.Tensor) -> tf.Tensor:
        """The rates in Hz that the regularizer gets, from the values that a Probe has read."""
        rates = y_pred / tf.cast(self.amplitude, y_pred.dtype)
        return tf.reduce_mean(rates, axis=1) if self.steps == "mean" else rates

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        """The penalty, a scalar."""
        y_pred = tf.convert_to_tensor(y_pred)
        return self.regularizer(self.rates_hz(y_pred)) / tf.cast(tf.shape(y_pred)[0], y_pred.dtype)


@dataclass(frozen=True)
class PathwayFanOut:
    """The synapses that the neurons of one population have on one pathway.

    Attributes
    ----------
    name, layer : str
        The pathway, and the layer its synapses belong to.
    fan_out : ndarray of int64, shape (n_neurons,)
        Targets of each neuron.
    """

    name: str
    layer: str
    fan_out: np.ndarray


class SynopLoss(tf.keras.losses.Loss):
    """Synaptic operations of one population, as a loss of a Probe on its neurons.

    Every spike makes as many synops as its neuron has synapses, pathway by pathway. On
    spikes, the value is what `nengo_spikecost.measure` and `NetworkEnergy` count; on rates
    it is what they would make. It is differentiable wherever the neurons are.

    Parameters
    ----------
    pathways : iterable of PathwayFanOut
        Where the spikes go.
    amplitude : float
        Height of a spike times dt.
    n_steps : int, optional
        Steps that a sample is shown. If the Probe has read another number (one step of
        rates, say), synops are scaled to it. Default: as many as were read.
    dt : float
        Length of a step in s.
    weight : float
        Penalty for one synop.
    target : float or (float, float), optional
        Synops a sample, at most (a number) or from a minimum to a maximum, that cost
        nothing; only those outside are penalised. Default: every synop.

    Raises
    ------
    TuningError
        If an argument is not as described.
    """

    def __init__(
        self, pathways: Iterable[PathwayFanOut], *, amplitude: float = 1.0,
        n_steps: int | None = None, dt: float = 0.001, weight: float = 1.0,
        target: Target | None = None,
    ):  # fmt: skip
        super().__init__(reduction="none", name="synop_loss")
        words = "PathwayFanOut, as nengo_spikecost.tuning has it"
        self.pathways = tuple(
            check.several("pathways", pathways, TuningError, f"a list of {words}")
        )
        for pathway in self.pathways:
            check.kind("Each of pathways", pathway, PathwayFanOut, TuningError, f"a {words}")
        if not self.pathways:
            raise TuningError("SynopLoss needs at least one pathway of the population.")
        self._fan_outs = np.stack([p.fan_out for p in self.pathways], axis=1).astype(np.float32)
        self.amplitude, self.n_steps, self.dt, self.weight = amplitude, n_steps, dt, weight
        self.target = None if target is None else synop_range(target)

    def by_pathway(self, y_pred: tf.Tensor) -> tf.Tensor:
        """Synops of each sample on each pathway, shape (batch, n_pathways)."""
        y_pred = tf.convert_to_tensor(y_pred)
        spikes = tf.reduce_sum(tf.abs(y_pred), axis=1) * (self.dt / self.amplitude)
        if self.n_steps is not None:
            spikes *= self.n_steps / tf.cast(tf.shape(y_pred)[1], y_pred.dtype)
        return tf.matmul(spikes, tf.cast(self._fan_outs, y_pred.dtype))

    def synops(self, y_pred: tf.Tensor) -> tf.Tensor:
        """Synops of each sample on all pathways together, shape (batch,)."""
        return tf.reduce_sum(self.by_pathway(y_pred), axis=1)

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        """The penalty on the mean over the batch, a scalar."""
        synops = tf.reduce_mean(self.synops(y_pred))
        return self.weight * (synops if self.target is None else outside(synops, self.target))


def synop_losses(
    network: Any, *, n_steps: int | None = None, dt: float = 0.001, weight: float = 1.0,
    target: Target | Mapping[str, Target] | None = None, pathways: Iterable[str] | None = None,
) -> dict[str, SynopLoss]:  # fmt: skip
    """A `SynopLoss` for every population whose spikes make synops.

    Parameters
    ----------
    network : nengo.Network, Conversion or NetworkGraph
        Its pathways give the fan-outs. Synapses on the chip are counted, as in a Workload.
    n_steps, dt, weight
        As of `SynopLoss`.
    target : float, (float, float) or dict, optional
        As of `SynopLoss`: for each population, or by population name.
    pathways : iterable of str, optional
        Names of the pathways to penalise. Default: all.

    Returns
    -------
    dict from str to SynopLoss
        By name of the population, in order. Probe ``NetworkGraph(network).population(name)
        .ensemble.neurons``.

    Raises
    ------
    TuningError
        If no pathway makes synops, or one that is named is not there.

    Examples
    --------
    >>> import nengo, numpy as np
    >>> from nengo_spikecost.tuning import synop_losses
    >>> with nengo.Network(seed=0) as net:
    ...     a = nengo.Ensemble(3, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="a")
    ...     b = nengo.Ensemble(5, 1, neuron_type=nengo.SpikingRectifiedLinear(), label="b")
    ...     _ = nengo.Connection(a.neurons, b.neurons, transform=np.ones((5, 3)))
    >>> losses = synop_losses(net)
    >>> spikes = np.zeros((1, 10, 3), dtype="float32")
    >>> spikes[0, 4, 1] = 1000.0  # one spike: 1 / dt high
    >>> float(losses["a"](None, spikes))
    5.0
    """
    from ...graph import NetworkGraph

    graph = network if isinstance(network, NetworkGraph) else NetworkGraph(network)
    counted = [p for p in graph.pathways if p.on_chip and getattr(p.pre, "spiking", True)]
    wanted = [p.name for p in counted]
    if pathways is not None:
        wanted = check.several("pathways", pathways, TuningError, "names of pathways")
    unknown = [name for name in wanted if name not in [p.name for p in counted]]
    if unknown or not wanted:
        what = f"There is no pathway {unknown[0]!r} that makes" if unknown else "No pathway makes"
        raise TuningError(
            f"{what} synops on the chip; there are {', '.join(p.name for p in counted) or 'none'}."
        )
    losses = {}
    for population in graph.populations:
        parts = [p for p in counted if p.pre is population and p.name in wanted]
        if parts:
            name = population.name
            losses[name] = SynopLoss(
                [PathwayFanOut(p.name, p.layer, p.fan_out) for p in parts],
                amplitude=spike_amplitude(population.neuron_type), n_steps=n_steps, dt=dt,
                weight=weight, target=target.get(name) if isinstance(target, Mapping) else target,
            )  # fmt: skip
    return losses


def outside(x: tf.Tensor, bounds: tuple[float, float]) -> tf.Tensor:
    """How far values are outside a range; inside it, 0."""
    minimum, maximum = bounds
    return tf.nn.relu(minimum - x) + tf.nn.relu(x - maximum)


def synop_range(target: Target) -> tuple[float, float]:
    """Synops a sample that cost nothing; a number is the most.

    Raises
    ------
    TuningError
        If it is no number of at least 0, and no range of such.
    """
    minimum, maximum = target_range(target)
    if maximum < 0:
        raise TuningError(f"A target of synops can't be negative, as {target!r} is.")
    return (minimum if isinstance(target, (list, tuple)) else 0.0), maximum


def spike_amplitude(neurons: Any) -> float:
    """Height of a spike times dt: the amplitude of an Ensemble's neurons, 1 if they have none."""
    obj = getattr(neurons, "ensemble", neurons)
    neuron_type = getattr(obj, "neuron_type", obj)
    if neuron_type is not None and not isinstance(neuron_type, nengo.neurons.NeuronType):
        raise TuningError(
            "neurons must be an Ensemble, its neurons, or a neuron type of Nengo, not "
            f"{type(neurons).__name__}."
        )
    return float(getattr(neuron_type, "amplitude", 1.0))
