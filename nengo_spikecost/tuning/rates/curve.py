"""The rate to expect at a scale, from ReLU activations and the curve of a neuron type.

At the end are the rules of NengoDL's and NengoLoihi's tutorials, to compare with.
"""

from __future__ import annotations

import inspect
import warnings
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np

from ... import check
from ...activity.measure import measure
from ...activity.subject import subject
from ...conversion import convert
from ...digests import array_digest
from ...errors import TuningError
from ...options import check_known, named_arguments
from ..rate_options import RateStatistic
from ..rescaling import RescalableNetwork

#: Of each network, the activations of the samples that it was last tuned on, and their digest.
_last: weakref.WeakKeyDictionary[RescalableNetwork, Any] = weakref.WeakKeyDictionary()

#: So many activations stand for all of a layer.
_N_POINTS = 2000

#: No scale is smaller or larger than these.
SMALLEST, LARGEST = 1e-6, 1e9


def collected(network: RescalableNetwork, x: Any, n_steps: int) -> dict[str, np.ndarray]:
    """The samples as one array an input, so that they can be presented many times."""
    _, stream = subject(network.conversion).stream(x, n_steps)
    parts: list[dict[str, np.ndarray]] = [batch.inputs for batch in stream.batches(256)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def relu_activations(
    network: RescalableNetwork, x: Any, n_steps: int | None
) -> dict[str, np.ndarray]:
    """Outputs of ReLUs in place of the neurons, by population, in the network's own simulator.

    Parameters
    ----------
    network : RescalableNetwork
        With any neurons; its populations are those of the result.
    x : dict from str to ndarray
        Samples that were `collected`.
    n_steps : int or None
        None if samples have steps of their own; the activations are means over these.

    Returns
    -------
    dict from str to ndarray of shape (n_samples, n_neurons)
        Of the populations that became ReLUs. Activations are rates in Hz at a scale of 1.
    """
    conversion = network.conversion
    digest = array_digest([str(n_steps), *(part for named in x.items() for part in named)])
    if digest in _last.get(network, ()):  # a sweep asks for them for each of its targets
        known: dict[str, np.ndarray] = _last[network][digest]
        return known
    options = {
        **conversion.options, "neuron_type": nengo.RectifiedLinear(), "synapse": None,
        "lower": conversion.lowering is not None, "off_chip": None,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said already when the spiking network was made
        rates = convert(**options)
        activity = measure(rates, x, n_steps, simulator=network.simulator, progress=False)
    seconds = activity.protocol.presentation_time
    rates_hz = {name: record.counts / seconds for name, record in activity.populations.items()
                if not record.spiking}  # fmt: skip
    _last[network] = {digest: rates_hz}
    return rates_hz


def response(neuron_type: Any, drive_hz: np.ndarray, dt: float) -> np.ndarray:
    """Steady firing rate of neurons driven at constant rates.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
    drive_hz : ndarray
        Input current: of a ReLU, its output in Hz.
    dt : float
        In s; rates of Loihi's neurons depend on it.

    Returns
    -------
    ndarray
        In Hz. The drive itself where a neuron type does not know its rates.
    """
    options = {"dt": dt} if "dt" in inspect.signature(neuron_type.rates).parameters else {}
    with np.errstate(all="ignore"):
        try:
            heights = neuron_type.rates(np.ravel(drive_hz), np.ones(1), np.zeros(1), **options)
        except Exception:
            return np.maximum(drive_hz, 0.0)
    # a spike's height; the rates of those that turn rates into spikes are without it
    height = getattr(neuron_type, "amplitude", 1.0)
    if isinstance(neuron_type, nengo.neurons.RatesToSpikesNeuronType):
        height = 1.0
    rates = np.reshape(np.abs(heights), np.shape(drive_hz)) / float(height)
    return np.nan_to_num(rates, nan=0.0)


@dataclass(frozen=True)
class RateCurve:
    """The rate of one layer as a function of its scale, before anything is simulated.

    Attributes
    ----------
    neuron_type : nengo.neurons.NeuronType
    points : ndarray of shape (n_points,)
        Activations, each standing for an equal share of those that the statistic is of.
    share : float
        Share of all neurons and samples that is active.
    statistic : RateStatistic
    seconds, dt : float
        Of the presentation, and of a step.
    """

    neuron_type: Any
    points: np.ndarray
    share: float
    statistic: RateStatistic
    seconds: float
    dt: float

    def rate(self, scale: float) -> float:
        """The statistic in Hz at a scale."""
        rates = response(self.neuron_type, scale * self.points, self.dt)
        if not rates.size:
            return 0.0
        if self.statistic.name == "mean_active":
            # a neuron that fires rarely has fired within the presentation, or it has not
            fired = np.minimum(1.0, rates * self.seconds).sum()
            return float(rates.sum() / fired) if fired else 0.0
        if self.statistic.name == "mean":
            return float(rates.mean()) * self.share
        return float(rates.max())

    def scale(self, rate_hz: float) -> float | None:
        """The scale with that rate; None if no scale has it."""
        low, high = np.log(SMALLEST), np.log(LARGEST)
        if self.rate(np.exp(high)) < rate_hz or self.rate(np.exp(low)) > rate_hz:
            return None
        for _ in range(60):
            middle = (low + high) / 2
            if self.rate(np.exp(middle)) < rate_hz:
                low = middle
            else:
                high = middle
        return float(np.exp((low + high) / 2))


def rate_curve(
    activations: Mapping[str, np.ndarray], neuron_types: Mapping[str, Any],
    statistic: RateStatistic, seconds: float, dt: float,
) -> RateCurve | None:  # fmt: skip
    """The curve of a layer from the activations of its populations; None without any.

    Parameters
    ----------
    activations : mapping from str to ndarray of shape (n_samples, n_neurons)
        By population.
    neuron_types : mapping from str to NeuronType
        By population; the first one's curve is taken.
    statistic : RateStatistic
        What is meant by the rate of a layer.
    seconds : float
        Length of the presentation in s.
    dt : float
        Length of a step in s.
    """
    if not activations:
        return None
    if statistic.name == "percentile":
        means = np.concatenate([np.abs(a).mean(axis=0) for a in activations.values()])
        points = np.atleast_1d(np.percentile(means, statistic.percentile))
    else:
        points = np.concatenate([np.abs(a[a != 0]) for a in activations.values()])
    size = sum(a.size for a in activations.values())
    share = points.size / size if statistic.name != "percentile" else 1.0
    if statistic.name == "max":
        points = points.max(keepdims=True) if points.size else points
    elif points.size > _N_POINTS:
        points = np.quantile(points, (np.arange(_N_POINTS) + 0.5) / _N_POINTS)
    kind = next(iter(neuron_types.values()))
    return RateCurve(kind, np.asarray(points, np.float64), share, statistic, seconds, dt)


@named_arguments
def global_scale(model: Any, scale: float = 100.0, **options: Any) -> dict[str, float]:
    """One scale for all layers: the tutorial's first rule.

    Parameters
    ----------
    model : tf.keras.Model or Conversion or RescalableNetwork
        The network, whatever scales it has.
    scale : float
    **options
        Of `convert`, for a Keras model.

    Returns
    -------
    dict from str to float
        By layer.
    """
    scale = check.positive("scale", scale, TuningError)
    return dict.fromkeys(_network(model, options).layers, scale)


@named_arguments
def activation_rule(model: Any, x: Any, target: float = 200.0, **options: Any) -> dict[str, float]:
    """The target divided by the mean of the ReLU outputs that are not zero.

    The tutorial's second rule, for which it takes two samples and 200 Hz. Nothing spikes: the
    rates come out different as far as neurons are not proportional.

    Parameters
    ----------
    model : tf.keras.Model or Conversion or RescalableNetwork
        The network, whatever scales it has.
    x : array or dict
        Samples.
    target : float
        In Hz.
    **options
        Of `convert`, for a Keras model.

    Returns
    -------
    dict from str to float
        By layer.

    Raises
    ------
    TuningError
        If all ReLU outputs of a layer are zero, or ``target`` is no positive number.
    """
    target = check.positive("target", target, TuningError)
    network = _network(model, options)
    activations = relu_activations(network, collected(network, x, 1), 1)
    scales = {}
    for layer in network.layers:
        outputs = np.concatenate([activations[p.name] for p in network.populations[layer]], axis=1)
        # one mean a sample, and the mean of these, as the tutorial has it
        means = [float(row[row > 0].mean()) for row in outputs if (row > 0).any()]
        if not means:
            raise TuningError(
                f"No neuron of layer {layer!r} is active on these samples, so there is no rate to "
                "tune: check the range of their values."
            )
        scales[layer] = target / float(np.mean(means))
    return scales


def _network(model: Any, options: dict[str, Any]) -> RescalableNetwork:
    if not isinstance(model, RescalableNetwork):
        return RescalableNetwork(model, **options)
    check_known(convert, options)
    if options:
        raise TuningError(
            f"{', '.join(options)}: a RescalableNetwork has its own; give the Keras model to "
            "choose others."
        )
    return model
