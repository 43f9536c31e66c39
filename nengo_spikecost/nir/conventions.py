"""What a discrete step of a NIR neuron is, by the tool that wrote the graph.

NIR says differential equations; each tool says how a step of them is computed, and none writes it
down. A `Convention` is that part of the meaning. For a leaky integrate-and-fire neuron with membrane
``v``, input ``x``, and ``q = dt / tau`` from the graph's fields, a step is::

    v  <-  a v + b x + c      decay "euler": a = 1 - q         gain "euler": b = r q, c = v_leak q
                              decay "exp":   a = exp(-q)       gain "exact": b = r (1 - a), c = v_leak (1 - a)
    a spike where v > v_threshold, or v >= v_threshold
    a reset to v_reset or by v_threshold, at once or in the next step

A neuron with a synaptic current has ``i <- ai i + wi x`` first, by ``tau_syn`` and ``w_in`` in the
same way, and ``i`` in the place of ``x``. What tools do is said with each of `CONVENTIONS`, from
their sources; docs/nir.md has what was seen when they ran.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .. import check
from ..errors import ConversionError
from .graph_reading import Graph, Node

DECAYS = ("euler", "exp")
GAINS = ("euler", "exact", "undecayed", "plain")
CURRENTS = ("gain", "jump", "decayed jump")
RESETS = ("value", "subtract", "none")
STARTS = ("zero", "v_leak", "v_reset")


@dataclass(frozen=True)
class Convention:
    """How a tool steps the neurons of a graph.

    Attributes
    ----------
    name : str
        Of the tool, or ``"nir"``.
    dt : float, optional
        Length of a step that the tool takes for granted, in the unit of the graph's time constants.
        None: the graph has to tell, or the user.
    decay : {"euler", "exp"}
        What is left of a membrane after a step, see above.
    gain : {"euler", "exact", "undecayed", "plain"}
        What it gets of an input, see above. "undecayed": ``b = r q exp(q)`` of neurons that fire,
        and ``r q`` of others; "plain": ``b = r``, ``c = v_leak``.
    reset : {"value", "subtract", "none"}
        After a spike the membrane is at ``v_reset``, or lower by the threshold, or as it was.
    delayed : bool
        Whether the reset is a part of the next step, after the decay.
    owed : bool
        Of a reset by subtraction at once: whether a membrane that is above its threshold still is
        lowered again in the next step.
    skips_input : bool
        Of a delayed reset to a value: whether neurons with a synaptic current or recurrence lose
        the input of the step after a spike.
    at_threshold : bool
        Whether a membrane that is just at the threshold fires.
    several : bool
        Whether a neuron fires as many spikes in a step as thresholds fit into its membrane.
    lowest : float, optional
        The membrane goes no lower.
    current : {"gain", "jump", "decayed jump"}
        Whether an input is added to the synaptic current times ``w_in dt / tau_syn``, times
        ``w_in``, or times ``w_in`` and then decays with it.
    tau_unit : float
        Time constants in the file are so many times what they are: Norse multiplies them by a step.
    plain_if : bool
        Whether neurons without a leak add their input as it is, times ``r`` and not ``r dt``.
    clipped : bool
        Whether a decay below 0 or above 1, which training may lead to, counts as 0 or 1.
    start : {"zero", "v_leak", "v_reset"}
        The membrane at the beginning.
    """

    name: str
    dt: float | None = None
    decay: str = "euler"
    gain: str = "euler"
    reset: str = "value"
    delayed: bool = False
    owed: bool = False
    skips_input: bool = False
    at_threshold: bool = False
    several: bool = False
    lowest: float | None = None
    current: str = "gain"
    tau_unit: float = 1.0
    plain_if: bool = False
    clipped: bool = False
    start: str = "zero"

    def __post_init__(self) -> None:
        check.choice("decay", self.decay, DECAYS, ConversionError)
        check.choice("gain", self.gain, GAINS, ConversionError)
        check.choice("reset", self.reset, RESETS, ConversionError)
        check.choice("current", self.current, CURRENTS, ConversionError)
        check.positive("tau_unit", self.tau_unit, ConversionError)
        check.choice("start", self.start, STARTS, ConversionError)
        if self.dt is not None:
            check.positive("dt", self.dt, ConversionError)

    @property
    def words(self) -> str:
        """The convention in a clause."""
        step = "Euler steps" if self.decay == "euler" else "exponential decay"
        fires = ">=" if self.at_threshold else ">"
        resets = {
            "value": "reset to v_reset", "subtract": "reset by subtraction", "none": "no reset",
        }  # fmt: skip
        when = " in the next step" if self.delayed and self.reset != "none" else ""
        more = ", several spikes a step" if self.several else ""
        if self.lowest is not None:
            more += f", no membrane below {self.lowest:g}"
        return f"{step}, spikes at v {fires} v_threshold, {resets[self.reset]}{when}{more}"


_NORSE = Convention("norse", dt=1e-3, current="jump", tau_unit=1e-3, plain_if=True, start="v_leak")

#: What each tool does, from the sources of the version named.
CONVENTIONS: Mapping[str, Convention] = {
    # nir 1.0.8, ir/neuron.py: the equations; a step of them by Euler's method, as most tools do
    "nir": Convention("nir"),
    # snntorch 1.0.0, export_nir.py (dt is fixed there), _neurons/leaky.py, synaptic.py, rleaky.py;
    # reset by subtraction is its default, and the file does not say which
    "snntorch": Convention(
        "snntorch", dt=1e-4, reset="subtract", delayed=True, owed=True, skips_input=True,
        clipped=True
    ),
    # norse 1.1.0, utils/export_nir.py (tau = dt / tau_inv, by default with dt = 0.001: 10 ms are
    # written as 1e-5), functional/lif_box.py, lif.py (the input jumps into the current), iaf.py
    "norse": _NORSE,
    # the same, exported by to_nir(dt=1), which writes seconds
    "norse_seconds": replace(_NORSE, name="norse_seconds", tau_unit=1.0),
    # spikingjelly 2.0.0, activation_based/nir_exchange, neuron (surrogate: x >= 0)
    "spikingjelly": Convention("spikingjelly", dt=1e-4, at_threshold=True, start="v_reset"),
    # sinabs 3.1.3, nir.py, layers/lif.py, iaf.py, activation (MultiSpike, MembraneSubtract): time
    # in steps, membranes clipped at -1 by from_model, and LIF with norm_input. Read, not run
    "sinabs": Convention(
        "sinabs", dt=1.0, decay="exp", gain="exact", reset="subtract", at_threshold=True,
        several=True, lowest=-1.0, plain_if=True,
    ),
    # rockpool 3.1.0, nn/modules/torch/nir.py, lif_torch.py, exp_syn_torch.py (r = exp(-q) / q)
    "rockpool": Convention(
        "rockpool", dt=1e-3, decay="exp", gain="undecayed", reset="subtract", at_threshold=True,
        several=True, current="decayed jump",
    ),
    # lava-dl has no NIR of its own; NIR's example script writes what these equations are
    "lava": Convention("lava", dt=1e-4),
}  # fmt: skip


def convention_names() -> list[str]:
    """Names of all conventions."""
    return list(CONVENTIONS)


def convention_of(given: str | Convention, reset: str | None, dt: float | None) -> Convention:
    """The convention that a user means, with a reset and a step of their own if they say so.

    Raises
    ------
    ConversionError
        If there is no such convention, reset or step.
    """
    if not isinstance(given, Convention):
        check.choice("convention", given, CONVENTIONS, ConversionError)
        given = CONVENTIONS[given]
    if reset is not None:
        given = replace(given, reset=check.choice("reset", reset, RESETS, ConversionError))
    return given if dt is None else replace(given, dt=check.positive("dt", dt, ConversionError))


def own_step(graph: Graph) -> float | None:
    """The step that a graph's own numbers tell: where ``r`` makes every input count once.

    Tools that step ``v <- beta v + x`` write ``r = tau / dt`` (and ``r = 1 / dt`` without a leak).
    None if nodes do not agree, or none tells.
    """
    steps = [step for node in graph.nodes.values() for step in _steps(node)]
    if not steps or max(steps) - min(steps) > 1e-3 * max(steps):
        return None
    return float(f"{np.median(steps):.3g}")


def _steps(node: Node) -> list[float]:
    if node.kind not in ("LIF", "IF", "CubaLIF", "LI", "CubaLI", "I"):
        return []
    given = node.numbers("r") if node.has("r") else np.ones(1)
    tau = node.numbers("tau" if node.has("tau") else "tau_mem")
    if given is None or (tau is None and node.kind not in ("IF", "I")):
        return []  # which is said when the node is read
    r = np.unique(given)
    if tau is None or node.kind in ("IF", "I"):
        return [float(1 / value) for value in r if np.isfinite(value) and value > 0]
    if tau.size != 1 and given.size not in (1, tau.size):
        return []
    with np.errstate(invalid="ignore", divide="ignore"):  # tau and r without end, or an r of 0
        ratios = tau.ravel() / given.ravel()
    if (r == 1).all():
        return []  # a membrane that goes towards its input: any step does
    return [float(value) for value in np.unique(ratios) if np.isfinite(value) and value > 0]


def hint(graph: Graph, convention: Convention) -> str | None:
    """Which tool a graph looks as if it were from, if that is not the one that was said."""
    step = own_step(graph)
    names = list(graph.nodes)
    spiking = [n for n in graph.nodes.values() if n.kind in ("LIF", "IF", "CubaLIF")]
    if convention.name != "nir" or not spiking:
        return None
    if step is not None and abs(step - 1e-4) < 1e-6:
        own = "spikingjelly" if any(name.startswith("_") for name in names) else "snntorch"
    elif step == 1 and (graph.of_kind("IF") or graph.of_kind("SumPool2d")):
        own = "sinabs"
    else:
        return None
    return f"its numbers are as {own} writes them: say convention={own!r} if it is from there"
