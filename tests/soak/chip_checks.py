"""Loihi: what is said to run, cores predicted, and the emulation, against NengoLoihi itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from nengo_spikecost.errors import LoihiError
from nengo_spikecost.loihi import check_fit, check_support, core_use
from tests.loihi.block_networks import built_uses, predicted_uses
from tests.loihi.emulated import Reference, assert_equal
from tests.soak.registry import LeftOut, Refused, check, kept

ON_CHIP = (
    "Keras, on Loihi", "Loihi, populations", "Loihi, blocks", "Loihi, values",
)  # fmt: skip


@contextlib.contextmanager
def first_sample(network: Any) -> Iterator[None]:
    """The inputs of a converted model give their first sample for good."""
    nodes = getattr(network.spiking, "inputs", {})
    before = {node: node.output for node in nodes.values()}
    for node, values in zip(nodes.values(), network.inputs if nodes else ()):
        node.output = values[0].ravel().astype(float)
    try:
        yield
    finally:
        for node, output in before.items():
            node.output = output


@kept
def reference(network: Any) -> Any:
    """NengoLoihi's own run, or the error that it ended with."""
    with first_sample(network):
        try:
            return Reference(network.net, network.n_steps)
        except Exception as error:  # of whatever kind: NengoLoihi refuses with bare asserts too
            return error


@check("what is said to run, and to fail", "NengoLoihi's own simulator", ON_CHIP)
def support(network: Any) -> None:
    """Whatever it refuses is said before, and nothing else."""
    problems: list[Any] = list(check_support(network.spiking))
    if not any(problem.refused for problem in problems):
        problems += check_fit(network.spiking)
    said = [f"{problem.name} {problem.reason}" for problem in problems]
    found = reference(network)
    if isinstance(found, Exception):
        # vectors to the host fail in a run of many steps, and give wrong values step by step
        refused = [p for p in problems if p.refused or "as a vector" in p.reason]
        assert refused, f"NengoLoihi fails with {found!r}, and only this is said: {said}"
        raise Refused(refused[0].reason)
    assert not any(problem.refused for problem in problems), f"NengoLoihi runs it, but: {said}"


@check("cores, axons and synapses of every block", "NengoLoihi's built blocks", ON_CHIP)
def cores(network: Any) -> None:
    """Or both refuse to build it."""
    try:
        predicted = predicted_uses(core_use(network.net))
    except LoihiError as error:
        found = reference(network)
        assert isinstance(found, Exception), f"NengoLoihi runs it, but: {error}"
        raise Refused(str(error)) from found
    assert predicted == built_uses(network.net)


@check("emulation, bit for bit", "NengoLoihi's own emulator, spike by spike", ON_CHIP)
def emulation(network: Any) -> None:
    """Probes, spikes, synops, messages, idle neurons, of every block; a step is a step."""
    found = reference(network)
    if isinstance(found, Exception):
        raise LeftOut("NengoLoihi does not run it")
    with first_sample(network), np.errstate(all="ignore"):
        assert_equal(network.net, network.n_steps, expected=found)
