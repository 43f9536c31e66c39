"""The layers of a workload as the Qualia plugin would have seen them run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ....errors import EnergyError
from ....layers.layer_shape import LayerShape
from ....workload.work_entries import PopulationWork
from ....workload.workload_record import Workload
from .folding import folded
from .ledger import Ledger
from .prices import Prices
from .qualia import Module, Row, Signal, module_row

_WEIGHTED = ("convolution", "depthwise convolution", "dense")


def qualia_rows(
    workload: Workload, prices: Prices, spiking: bool, input_density: float = 1.0
) -> tuple[tuple[Module, ...], tuple[Row, ...]]:
    """The rows of the tool's table, and the layers that they are of.

    Parameters
    ----------
    workload : Workload
        With layers, and if ``spiking`` measured spikes.
    prices : Prices
    spiking : bool
        Whether the network spikes; otherwise it is run once.
    input_density : float
        Share of the values fed to the network that are not zero.

    Returns
    -------
    tuple of Module, tuple of Row
        One row for each layer but activations, which the tool has none for.

    Raises
    ------
    EnergyError
        If the layers of the network are not known.
    """
    if not workload.shapes:
        raise EnergyError(
            "compat='qualia' prices the layers of a Keras model, and this network has none. "
            "Convert the model with convert(model), or leave compat away: events are priced then."
        )
    layers = spiking_modules(workload, input_density) if spiking else dense_modules(workload)
    modules = tuple(module for module in layers if module.shape.kind != "activation")
    return modules, tuple(module_row(module, workload.n_steps, prices) for module in modules)


def spend_as_qualia(
    workload: Workload, prices: Prices, ledger: Ledger, spiking: bool, input_density: float
) -> None:
    """Price all layers with the tool's equations; see `qualia_rows`."""
    for module, row in zip(*qualia_rows(workload, prices, spiking, input_density)):
        shape = module.shape
        ledger.add(shape.layer, dict(row.parts_J))
        if not module.handled:
            kind = shape.type or shape.kind
            ledger.leave_out(shape.name, shape.layer, f"is a {kind}: the tool has no equation")


def dense_modules(workload: Workload) -> list[Module]:
    """All layers but inputs, run once without spikes."""
    return [Module(s, stepwise=False) for s in folded(workload.shapes) if s.kind != "input"]


def spiking_modules(workload: Workload, input_density: float = 1.0) -> list[Module]:
    """All layers but inputs, with the spikes before and behind them.

    Parameters
    ----------
    workload : Workload
        With layers, and measured spikes.
    input_density : float
        Share of the values fed to the network that are not zero.

    Returns
    -------
    list of Module
        In the order of the layers. Inputs are graded, unless neurons belong to them. Neurons of
        an activation layer are folded into the layer with weights before it. Of layers without
        neurons, a Flatten or a pooling passes on the spikes that it is given, an addition their
        sum, and all others graded values.
    """
    shapes = folded(workload.shapes)
    n_steps = workload.n_steps
    populations = _populations(workload, shapes)
    signals: dict[str, Signal] = {}
    modules = []
    for shape in shapes:
        size = shape.n_out * n_steps
        if shape.kind == "input":
            fed = Signal(input_density * size, size, False)
            signals[shape.name] = _emitted(populations[shape.name], size) or fed
            continue
        given = _joined([signals[name] for name in shape.inputs if name in signals])
        if given is None:  # fed from where no layer is
            n_in = max(1, shape.n_in) * n_steps
            given = Signal(input_density * n_in, n_in, False)
        neurons = populations.get(shape.name) or _neurons_behind(shape, shapes, populations)
        made = _emitted(neurons, size) or _passed_on(shape, given, size)
        signals[shape.name] = made
        spikes, leaks = made.binary and bool(neurons), any(p.leaky for p in neurons)
        modules.append(Module(shape, given, made, spikes, leaky=made.binary and leaks))
    return modules


def _populations(
    workload: Workload, shapes: Sequence[LayerShape]
) -> dict[str, list[PopulationWork]]:
    """Populations of each application of a layer; those of a shared layer divided in order."""
    of_layer: dict[str, list[PopulationWork]] = {}
    for population in workload.populations:
        of_layer.setdefault(population.layer, []).append(population)
    inner = _inner_parts(shapes)
    uses = Counter(shape.layer for shape in shapes if shape.name not in inner)
    seen: Counter[str] = Counter()
    populations: dict[str, list[PopulationWork]] = {}
    for shape in shapes:
        if shape.name in inner:
            continue
        members = of_layer.get(shape.layer, [])
        share, rest = divmod(len(members), uses[shape.layer])
        if share and not rest:
            start = seen[shape.layer] * share
            members = members[start : start + share]
        seen[shape.layer] += 1
        populations[shape.name] = members
    return populations


def _inner_parts(shapes: Sequence[LayerShape]) -> set[str]:
    """Parts of a layer that another part of it reads: the depthwise half of a separable one."""
    by_name = {shape.name: shape for shape in shapes}
    pairs = [(by_name[n], shape) for shape in shapes for n in shape.inputs if n in by_name]
    # a layer that is applied to its own output is of the same kind there
    return {a.name for a, b in pairs if a.layer == b.layer and a.kind != b.kind}


def _neurons_behind(
    shape: LayerShape, shapes: Sequence[LayerShape], populations: Mapping[str, list[PopulationWork]]
) -> list[PopulationWork]:
    """Those of the activation layer that alone reads a layer with weights."""
    if shape.kind not in _WEIGHTED:
        return []
    readers = [s for s in shapes if shape.name in s.inputs]
    alone = len(readers) == 1 and readers[0].kind == "activation"
    return populations.get(readers[0].name, []) if alone else []


def _emitted(neurons: Sequence[PopulationWork], size: int) -> Signal | None:
    """Spikes of neurons; None if there are none, or they are graded."""
    spikes = [p.spikes for p in neurons if p.spiking and p.spikes is not None]
    if not spikes or len(spikes) < len(neurons):
        return None
    return Signal(sum(spikes), size, True)


def _joined(signals: Sequence[Signal]) -> Signal | None:
    if len(signals) < 2:
        return signals[0] if signals else None
    size = sum(signal.size for signal in signals)
    binary = all(signal.binary for signal in signals)
    return Signal(sum(signal.count for signal in signals), size, binary)


def _passed_on(shape: LayerShape, given: Signal, size: int) -> Signal:
    if shape.kind in ("shape", "activation", "average pooling", "max pooling", "add"):
        count = given.count if given.binary else given.rate * size
        return Signal(count, size, given.binary)
    return Signal(size, size, False)
