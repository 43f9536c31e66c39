"""Weights and biases that the chip's integers can't hold beside a population's threshold.

The rounding itself is NengoLoihi's: a block with the population's neurons, biases and
largest weight is rounded alone, without building the network.

Reference: nengo-loihi 1.1.0, builder/discretize.py (``discretize_compartment``), where
some of these end in bare assertions.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.exceptions import BuildError, NengoException
from nengo.transforms import NoTransform, Sparse

from ... import stack
from .ensemble_rules import gains_and_biases
from .link_rules import Taus
from .links import Link
from .neuron_rules import builder_type
from .unsupported import Context, Unsupported


def rounding_problems(links: Iterable[Link], taus: Taus, context: Context) -> Iterator[Unsupported]:
    """Populations whose weights or biases are too large for their threshold.

    Populations are left out that receive decoded values, weights drawn from a distribution
    or weights merged from several Connections.

    Parameters
    ----------
    links : iterable of Link
    taus : mapping
        Time constants of each population's inputs in s, as `link_problems` collects them.
    context : Context
    """
    incoming: dict[nengo.Ensemble, list[Link]] = {}
    for link in links:
        if isinstance(link.post_obj, Neurons) and context.is_on_chip(link.post_obj):
            incoming.setdefault(link.post_obj.ensemble, []).append(link)
    for ensemble, arriving in incoming.items():
        try:
            gain, bias = gains_and_biases(ensemble)
        except (NengoException, NotImplementedError):
            continue  # `ensemble_problems` says so
        weights = [_largest_weight(link, gain, context.dt) for link in arriving]
        known = [weight for weight in weights if weight is not None]
        if len(known) < len(weights):
            continue
        largest = max(known)
        if not _can_be_rounded(ensemble, bias, largest, max(taus[ensemble]), context.dt):
            yield context.problem(
                ensemble,
                "has weights or biases (times gains) too large to be rounded beside its "
                f"threshold; the largest weight gives {largest * context.dt:.3g} Hz a spike",
                "Lower its scale_firing_rates, or its weights",
            )


def _largest_weight(link: Link, gain: np.ndarray, dt: float) -> float | None:
    """Largest weight on the chip, by magnitude, or None if it is not known beforehand."""
    if link.transform is None or not isinstance(link.first.pre_obj, Neurons):
        return None
    amplitude = getattr(link.first.pre_obj.ensemble.neuron_type, "amplitude", 1.0)
    transform = link.transform
    if isinstance(transform, NoTransform):
        largest = np.abs(gain).max()
    elif isinstance(transform, Sparse):
        init = transform.init
        rows = init.tocoo().row if hasattr(init, "tocoo") else np.asarray(init.indices)[:, 0]
        data = np.asarray(init.data)
        largest = np.abs(data * gain[rows]).max() if len(rows) else 0.0
    elif not isinstance(transform.init, np.ndarray):
        return None
    elif hasattr(transform, "kernel_size"):
        largest = np.abs(transform.init).max() * np.abs(gain[0])
    else:
        weights = np.abs(transform.init)
        rows = weights.max(axis=1) if weights.ndim == 2 else weights
        largest = np.max(rows * np.abs(gain))
    return float(largest * amplitude / dt)


def _can_be_rounded(
    ensemble: nengo.Ensemble, bias: np.ndarray, weight: float, tau: float, dt: float
) -> bool:
    loihi = stack.nengo_loihi()
    block = loihi.block.LoihiBlock(ensemble.n_neurons)
    block.compartment.bias[:] = bias
    model = SimpleNamespace(dt=dt, seeds={ensemble: 0})
    build = loihi.builder.builder.Builder.builders[builder_type(ensemble.neuron_type)]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            build(model, ensemble.neuron_type, ensemble.neurons, block)
            block.compartment.configure_filter(tau, dt=dt)
        except BuildError:
            return True  # other rules say so
        try:
            loihi.builder.discretize.discretize_compartment(block.compartment, weight)
        except (AssertionError, BuildError):
            return False
    return True
