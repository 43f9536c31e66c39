"""What both back ends of NengoDL share: the network with Probes, how it is built and called."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator
from typing import Any

import nengo
import nengo_dl
import tensorflow as tf
from nengo_dl import graph_optimizer

from ..deadlines import in_time
from ..errors import MeasurementError
from ..graph import rules_of
from ..graph.nengo_types import replaced
from .backend import Setup
from .lane_calls import LaneCalls
from .operators_of_others import only_nengo_runs

#: Settings of the user's network that hold for the simulation too. The others (planner,
#: history, training) concern how NengoDL runs, which is ours to choose here.
_KEPT_SETTINGS = ("dtype", "simplifications")


def _check_filters(network: nengo.Network) -> None:
    """Refuse filters that NengoDL would run as those of a base class.

    NengoDL has its own form of ``LinearFilter`` and ``Lowpass``, and takes it for every subclass:
    a ``make_step`` of the subclass is never called. All other processes it runs as they are.
    Reference: nengo-dl 3.6.0, process_builders.py, ``SimProcessBuilder``.

    Raises
    ------
    MeasurementError
        If a synapse, a process or a noise is of such a class.
    """
    rules = [rule.learning_rule_type for c in network.all_connections for rule in rules_of(c)]
    owners: list[tuple[Any, str]] = [(conn, "synapse") for conn in network.all_connections]
    owners += [(probe, "synapse") for probe in network.all_probes]
    owners += [(node, "output") for node in network.all_nodes]
    owners += [(ensemble, "noise") for ensemble in network.all_ensembles]
    owners += [(rule, name) for rule in rules for name in ("pre_synapse", "post_synapse")]
    for owner, name in owners:
        process = getattr(owner, name, None)
        if not isinstance(process, nengo.LinearFilter):
            continue
        base = nengo.Lowpass if isinstance(process, nengo.Lowpass) else nengo.LinearFilter
        own = replaced(process, base)
        if own:
            raise MeasurementError(
                f"{owner} has the {name} {process}, whose {', '.join(own)} NengoDL does not call: "
                f"it runs every {base.__name__} alike. Measure with simulator='nengo'."
            )


def with_probes(setup: Setup) -> tuple[nengo.Network, list[nengo.Probe]]:
    """A network around the user's, with Probes on the populations.

    The user's network becomes a subnetwork, so that Probes and settings can be added
    without changing it. Its own seed, or else ``setup.seed``, decides all that is random.
    """
    _check_filters(setup.network)
    outer = nengo.Network(seed=setup.seed, add_to_container=False)
    with outer:
        nengo.Network.add(setup.network)
        # NengoDL's default planner merges all neurons into one array and then writes with
        # scatter; the cheap one gives the same outputs in a quarter of the time.
        nengo_dl.configure_settings(
            planner=graph_optimizer.noop_planner, inference_only=True, keep_history=True
        )
        for setting in _KEPT_SETTINGS:
            value = nengo_dl.config.get_setting(setup.network, setting)
            if value is not None:
                nengo_dl.configure_settings(**{setting: value})
        probes = [nengo.Probe(population.spikes_of) for population in setup.populations]
    return outer, probes


def build_simulator(simulator: type, network: nengo.Network, setup: Setup) -> Any:
    """A Simulator of NengoDL's, or of a class made from it, for a batch of samples."""
    with warnings.catch_warnings():
        # advice that every build on a machine without a graphics card repeats
        warnings.filterwarnings("ignore", message="No GPU support detected")
        with only_nengo_runs(network):
            return in_time(
                lambda: simulator(
                    network, dt=setup.dt, seed=setup.seed, minibatch_size=setup.batch_size,
                    progress_bar=False,
                )
            )  # fmt: skip


def lane_calls(setup: Setup) -> LaneCalls:
    """The functions that remember, a copy a lane.

    Raises
    ------
    MeasurementError
        If NengoDL would call them in another order than Nengo.
    """
    fed = {spec.node for spec in setup.inputs}
    calls = LaneCalls(setup.network, fed, setup.batch_size, setup.continuous)
    for source, other in calls.out_of_order():
        raise MeasurementError(
            f"{source} and {other} share what they remember, and NengoDL calls Nodes without input "
            "for all steps before the network's first, so that they would see it at other times "
            "than in Nengo. Use simulator='nengo', or 'loihi'; or connect the Nodes."
        )
    return calls


@contextlib.contextmanager
def checks_in_words() -> Iterator[None]:
    """What a check within TensorFlow says, without the many lines that TensorFlow adds."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        said = re.search(r"assertion failed: \[(.+?)\]", str(error))
        if said is None:
            raise
        raise MeasurementError(said.group(1)) from error


@contextlib.contextmanager
def whole_products() -> Iterator[None]:
    """Products in all bits of float32: of ten, as graphics cards take by default, spikes differ."""
    setting = tf.config.experimental
    before = setting.tensor_float_32_execution_enabled()
    setting.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        setting.enable_tensor_float_32_execution(before)
