"""Ensembles, and neurons, that NengoLoihi can't put on the chip.

Reference: nengo-loihi 1.1.0, builder/ensemble.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import NengoException

from ... import stack
from ...graph.nengo_types import is_built_as
from ...nir.discrete_neurons import DiscreteLIF
from .discrete_rules import bias_problems
from .neuron_rules import OFF_CHIP, neuron_problems
from .placement import has_placement_params
from .unsupported import Context, Unsupported

#: Intercepts that are drawn from a distribution, to see how high they come.
SAMPLES = 10_000

#: NengoLoihi cuts intercepts off here (``nengo_loihi.builder.Model.intercept_limit``).
INTERCEPT_LIMIT = 0.95


def ensemble_problems(ensemble: nengo.Ensemble, context: Context) -> Iterator[Unsupported]:
    """Problems of one Ensemble on the chip."""
    findings = [*neuron_problems(ensemble.neuron_type, ensemble.n_neurons, context.dt)]
    if not is_built_as(ensemble, nengo.Ensemble):
        reason = f"is a {type(ensemble).__name__} that Nengo builds in a way of its own, and "
        remedy = f"M{OFF_CHIP[1:]}"
        findings.append((f"{reason}NengoLoihi takes it for a plain Ensemble", remedy, False))
    if ensemble.noise is not None:
        reason = "has noise, which NengoLoihi can't build"
        findings.append((reason, f"Remove it, or {OFF_CHIP}", True))
    if not any(refused for _, _, refused in findings):
        findings += _parameters(ensemble)
    for reason, remedy, refused in findings:
        yield context.problem(ensemble, reason, remedy, refused)


def _parameters(ensemble: nengo.Ensemble) -> Iterator[tuple[str, str, bool]]:
    """Gains, biases, intercepts and encoders."""
    if (ensemble.gain is None) != (ensemble.bias is None):
        yield "has a gain or a bias, but not both", "Give both, or neither", True
        return
    try:
        _, bias = gains_and_biases(ensemble)
        if bias is not None and np.any(bias) and isinstance(ensemble.neuron_type, DiscreteLIF):
            yield from bias_problems(ensemble.neuron_type)
    except NengoException as err:
        reason = f"has gains that can't be solved for ({str(err).strip().rstrip('.')})"
        yield reason, "Choose other max_rates and intercepts", True
    if ensemble.gain is None and _highest(ensemble.intercepts) > INTERCEPT_LIMIT:
        reason = f"has intercepts that go above {INTERCEPT_LIMIT}, which NengoLoihi lowers to that"
        remedy = f"Choose intercepts up to {INTERCEPT_LIMIT}, or give gain and bias"
        yield reason, remedy, False
    encoders = ensemble.encoders
    if ensemble.normalize_encoders and isinstance(encoders, np.ndarray):
        lengths = np.linalg.norm(np.atleast_2d(encoders), axis=1)
        if not (lengths > 0).all():
            reason = "has encoders of length 0, which can't be normalized"
            yield reason, "Give other encoders, or normalize_encoders=False", True


def _highest(intercepts: Any) -> float:
    """The highest intercept that neurons may have."""
    if isinstance(intercepts, nengo.dists.Uniform):
        return float(max(intercepts.low, intercepts.high))
    if isinstance(intercepts, nengo.dists.Samples):
        return float(np.max(intercepts.samples))
    if isinstance(intercepts, nengo.dists.Distribution):
        return float(np.max(intercepts.sample(SAMPLES, rng=np.random.RandomState(0))))
    return float(np.max(intercepts))


def equal_gains(ensemble: nengo.Ensemble) -> bool:
    """Whether all neurons have one gain; True if the gains can't be had at all."""
    try:
        gain, _ = gains_and_biases(ensemble)
    except (NengoException, NotImplementedError):
        return True  # `ensemble_problems` says so
    return bool(np.all(gain == gain[0]))


def gains_and_biases(ensemble: nengo.Ensemble) -> tuple[np.ndarray, np.ndarray]:
    """Gains and biases as NengoLoihi draws them, though by another seed.

    Equal gains don't depend on the seed, and unequal ones aren't equal by chance.

    Returns
    -------
    gain, bias : ndarray, shape (n_neurons,)

    Raises
    ------
    NengoException, NotImplementedError
        If there are none, in NengoLoihi's words.
    """
    get_gain_bias = stack.nengo_loihi().builder.ensemble.get_gain_bias
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        rng = np.random.RandomState(0)
        return get_gain_bias(ensemble, rng, intercept_limit=INTERCEPT_LIMIT)[:2]


def config_problems(context: Context) -> Iterator[Unsupported]:
    """Marks in the config of a subnetwork, which NengoLoihi does not read."""
    for network in context.network.all_networks:
        marked_here = network.all_ensembles if has_placement_params(network.config) else ()
        for ensemble in marked_here:
            marked = network.config[ensemble].on_chip
            if marked is not None and marked != context.chip[ensemble]:
                reason = (
                    f"is marked as {'on' if marked else 'off'} chip in a subnetwork's config, and "
                    "NengoLoihi reads that of the whole network only"
                )
                remedy = "Mark it there: nengo_spikecost.loihi.mark_off_chip(network, [ensemble])"
                yield context.problem(ensemble, reason, remedy, refused=False)
